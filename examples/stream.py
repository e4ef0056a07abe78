"""Streams answers token by token, each with a button that stops it.

Run it with `uvicorn examples.stream:app`, and open http://127.0.0.1:8000. Several questions may be
asked at once. An answer stops at its button, and all of them do as soon as the client disconnects:
the server tells where the model stopped.
"""

import logging
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Literal, Protocol

import anyio
from pydantic import BaseModel, StringConstraints

from wsendpoints import ErrorReply, WebSocket, WebSocketEndpoint, handles
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["Answers", "Ask", "Done", "FakeModel", "Model", "Stop", "Stopped", "Token", "app"]

logger = logging.getLogger("uvicorn.error")

PAGE = Path(__file__).with_name("stream.html").read_bytes()

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


# What a client sends. It chooses the ids.


class Ask(BaseModel):
    type: Literal["ask"] = "ask"
    id: Id
    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Stop(BaseModel):
    """Stops the answer to the question with the same id."""

    type: Literal["stop"] = "stop"
    id: Id


# What a client gets. The ids are those of the messages that are answered.


class Token(BaseModel):
    type: Literal["token"] = "token"
    id: str | None = None
    text: str


class Done(BaseModel):
    type: Literal["done"] = "done"
    id: str | None = None
    tokens: int


class Stopped(BaseModel):
    type: Literal["stopped"] = "stopped"
    id: str | None = None


class Model(Protocol):
    """A language model: put the client of a real one in its place."""

    def generate(self, prompt: str) -> AsyncGenerator[str]: ...


class FakeModel:
    """Takes its time for an answer that it has by heart."""

    def __init__(self, seconds_per_token: float = 0.1) -> None:
        self.seconds_per_token = seconds_per_token

    async def generate(self, prompt: str) -> AsyncGenerator[str]:
        answer = (
            f"You asked: {prompt!r} I am no model, I only split this text into pieces. "
            "Each piece is a message of its own, sent as soon as it is there. Stop me, or close "
            "the connection, and the rest is never made: nobody pays for words that nobody reads."
        )
        produced = 0
        try:
            for token in re.findall(r"\s*\S+", answer):
                await anyio.sleep(self.seconds_per_token)
                produced += 1
                yield token
        finally:
            logger.info("The model stopped after %d tokens.", produced)


class Answers(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "id"
    model: Model

    # Beside others, so that `stop` is handled meanwhile; one at a time for each id.
    @handles(concurrent=True, key="id", overlap="refuse")
    async def answer(self, websocket: WebSocket, data: Ask) -> AsyncGenerator[Token | Done]:
        count = 0
        # This generator is cancelled at `cancel`, and when the client disconnects.
        async with aclosing(self.model.generate(data.prompt)) as tokens:
            async for token in tokens:
                count += 1
                yield Token(text=token)
        yield Done(tokens=count)

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> Stopped:
        if not self.cancel(data.id):
            raise ErrorReply("not_running", "there is no such answer any more")
        return Stopped()


answers = Answers.as_asgi(model=FakeModel())


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await show_page(scope, send)
    else:
        await answers(scope, receive, send)


async def show_page(scope: Scope, send: Send) -> None:
    status, body = (200, PAGE) if scope["path"] == "/" else (404, b"Not found")
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
