"""The server's side of two of OpenAI's APIs, whose messages are the types of their own SDK."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
from openai.types.realtime import (
    RealtimeError,
    RealtimeErrorEvent,
    RealtimeResponse,
    ResponseCancelEvent,
    ResponseCreateEvent,
    ResponseDoneEvent,
    ResponseTextDeltaEvent,
)
from openai.types.responses import ResponseErrorEvent
from openai.types.responses import ResponseTextDeltaEvent as TextDelta
from openai.types.responses.responses_client_event import ResponseCreate

from wsendpoints import ClientMessageError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.dialects.values import is_object

__all__ = ["Realtime", "Responses"]

SECONDS = 0.02
"""Seconds from one token to the next."""

SECONDS_OF_MANY = 0.5
"""The same in a long answer, which is to be stopped: more than that takes on a busy machine."""


class Realtime(WebSocketEndpoint):
    """Streams a response until it is done, or cancelled."""

    encoding = "json"
    sends = RealtimeErrorEvent | ResponseDoneEvent
    number: int = 0

    @handles(concurrent=True, overlap="refuse")
    async def create(
        self, websocket: WebSocket, data: ResponseCreateEvent
    ) -> AsyncIterator[ResponseTextDeltaEvent | ResponseDoneEvent]:
        tokens = 3
        if data.response is not None and isinstance(data.response.max_output_tokens, int):
            tokens = data.response.max_output_tokens
        status: Any = "cancelled"
        try:
            for number in range(tokens):
                yield ResponseTextDeltaEvent(
                    content_index=0,
                    delta=f"{number} ",
                    event_id=self.event_id(),
                    item_id="item",
                    output_index=0,
                    response_id="response",
                    type="response.output_text.delta",
                )
                await anyio.sleep(SECONDS if tokens < 100 else SECONDS_OF_MANY)
            status = "completed"
        finally:
            response = RealtimeResponse(id="response", status=status)
            done = ResponseDoneEvent(
                event_id=self.event_id(), response=response, type="response.done"
            )
            await self.push(done)

    @handles
    async def cancel_response(
        self, websocket: WebSocket, data: ResponseCancelEvent
    ) -> RealtimeErrorEvent | None:
        if self.cancel(self.create):
            return None
        return self.error("response_cancel_not_active", "no response is active", data.event_id)

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        event_id = error.value.get("event_id") if is_object(error.value) else None
        await self.push(self.error("invalid_value", error.detail, event_id))

    def error(self, code: str, message: str, event_id: str | None) -> RealtimeErrorEvent:
        """Return an error in the format of the API."""
        error = RealtimeError(
            message=message, type="invalid_request_error", code=code, event_id=event_id
        )
        return RealtimeErrorEvent(error=error, event_id=self.event_id(), type="error")

    def event_id(self) -> str:
        """Return the id of another event."""
        self.number += 1
        return f"event_{self.number}"


class Responses(WebSocketEndpoint):
    """Streams one response after the other."""

    encoding = "json"

    async def on_receive(
        self, websocket: WebSocket, data: ResponseCreate
    ) -> AsyncIterator[TextDelta | ResponseErrorEvent]:
        if data.model != "fake":
            yield ResponseErrorEvent(
                code="model_not_found",
                message="there is no such model",
                param="model",
                sequence_number=0,
                type="error",
            )
            return
        for number, word in enumerate(str(data.input).split()):
            yield TextDelta(
                content_index=0,
                delta=word,
                item_id="item",
                logprobs=[],
                output_index=0,
                sequence_number=number,
                type="response.output_text.delta",
            )

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        await self.push(
            ResponseErrorEvent(
                code="invalid_value",
                message=error.detail,
                sequence_number=0,
                type="error",
            )
        )
