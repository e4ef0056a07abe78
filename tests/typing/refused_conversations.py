"""What type checkers refuse of two-way conversations."""

# It follows from the error: what is refused as a decorator has no type any more.
# pyright: reportUntypedFunctionDecorator=false

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import BaseModel

from tests.some_messages import Leave, Said, Say
from wsendpoints import ErrorReply, WebSocket, WebSocketEndpoint, handles


class Yes(BaseModel):
    type: Literal["yes"] = "yes"


class No(BaseModel):
    type: Literal["no"] = "no"


class Sure(BaseModel):
    text: str = ""


def as_list(message: Say) -> list[str]:
    """Return no key."""
    return [message.text]


class Options(WebSocketEndpoint):
    @handles(concurrent=5)  # refused: expected
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles(key="text")  # refused: overload
    async def key_alone(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles(concurrent=True, overlap="drop")  # refused: expected
    async def overlap(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles(concurrent=True, key=5)  # refused: expected
    async def key(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles(concurrent=True, key=as_list)  # refused: expected
    async def key_of(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles(concurrent=True)  # refused: handler
    async def without_message(self, websocket: WebSocket) -> Said:
        return Said()


class Asking(WebSocketEndpoint[Sure]):
    async def on_connect(self, websocket: WebSocket) -> None:
        await self.ask(Said(), Yes, timeout=5)  # refused: argument
        await self.ask(Sure(), Yes)  # refused: call
        await self.ask(Sure(), Yes, 5)  # refused: call
        await self.ask(Sure(), Yes, timeout=None)  # refused: argument
        await self.ask(Sure(), Yes(), timeout=5)  # refused: argument
        _no: No = await self.ask(Sure(), Yes, timeout=5)  # refused: received
        _yes: Yes = await self.ask(Sure(), Yes | No, timeout=5)  # refused: received
        self.stream(self.said())  # refused: argument
        self.stream(self.said)  # refused: argument
        self.cancel(["room"])  # refused: argument

    async def said(self) -> AsyncGenerator[Said, None]:
        yield Said()


class Errors(WebSocketEndpoint):
    async def on_error(self, websocket: WebSocket, exc: Exception) -> Leave:  # refused: override
        raise ErrorReply(None)  # refused: argument

    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        raise ErrorReply("full", 5)  # refused: argument


class Sync(WebSocketEndpoint):
    def on_error(self, *args: object, **more: object) -> None: ...  # refused: override
