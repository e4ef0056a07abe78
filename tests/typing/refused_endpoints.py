"""What type checkers refuse in a class with brackets: everything that is not in them."""

from collections.abc import AsyncIterator
from typing import Generic, TypeAlias, TypeVar

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint

T = TypeVar("T")

Both: TypeAlias = Said | Leave
Leaves: TypeAlias = AsyncIterator[Leave]


class Replying(WebSocketEndpoint[Said]):
    async def on_receive(self, websocket: WebSocket, data: Say) -> Leave:  # refused: override
        return Leave()


class ReplyingWithMore(WebSocketEndpoint[Said]):
    async def on_receive(self, websocket: WebSocket, data: Say) -> Both:  # refused: override
        return Leave()


class Streaming(WebSocketEndpoint[Said]):
    async def on_receive(self, websocket: WebSocket, data: Say) -> Leaves:  # refused: override
        yield Leave()


class NotAsync(WebSocketEndpoint):
    def on_receive(self, websocket: WebSocket, data: Say) -> Said:  # refused: override
        return Said()


class WithoutWebSocket(WebSocketEndpoint):
    async def on_receive(self, data: Say) -> Said:  # refused: override
        return Said()


class Calling(WebSocketEndpoint[Said]):
    """Calls a default that does nothing, and is declared as what might be a stream."""

    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        await super().on_receive(websocket, data)  # refused: await


class Pushing(WebSocketEndpoint[Said]):
    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        await self.push(Leave())  # refused: argument
        await self.push("said")  # refused: argument
        self.start_soon(self.push, Leave())  # refused: argument


class Inheriting(Pushing):
    async def on_connect(self, websocket: WebSocket) -> None:
        await self.push(Leave())  # refused: argument


class Mixin:
    async def on_receive(self, websocket: WebSocket, data: Say) -> Leave:
        return Leave()


class Mixed(Mixin, WebSocketEndpoint[Said]): ...  # refused: bases


class GenericInWhatItSends(WebSocketEndpoint[T], Generic[T]):
    async def on_receive(self, websocket: WebSocket, data: Say) -> T:
        await self.push(Said())  # refused: argument
        raise NotImplementedError


class SendingSaid(GenericInWhatItSends[Said]):
    async def on_connect(self, websocket: WebSocket) -> None:
        await self.push(Leave())  # refused: argument


async def push_from_outside(endpoint: WebSocketEndpoint[Said], sending: SendingSaid) -> None:
    """Push what they do not declare."""
    await endpoint.push(Leave())  # refused: argument
    await sending.push(Leave())  # refused: argument


class Plain(WebSocketEndpoint): ...


TWO = WebSocketEndpoint[Said, Leave]  # refused: brackets
NOT_GENERIC = Plain[Said]  # refused: brackets
