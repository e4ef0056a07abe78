"""What type checkers accept of two-way conversations, and the types that it has."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar, Literal, assert_type

from pydantic import BaseModel

from tests.some_messages import Leave, Said, Say
from wsendpoints import (
    ClientMessageError,
    ErrorMessage,
    ErrorReply,
    TaskHandle,
    WebSocket,
    WebSocketEndpoint,
    handles,
)

KEEPING_ORDER: Literal["wait", "cancel", "refuse"] = "wait"


class Yes(BaseModel):
    id: str | None = None
    type: Literal["yes"] = "yes"


class No(BaseModel):
    id: str | None = None
    type: Literal["no"] = "no"


class Sure(BaseModel):
    id: str | None = None


def room_of(message: Say) -> str:
    """Return the key of a message."""
    return message.text


class Chat(WebSocketEndpoint):
    encoding = "json"
    error_codes = {"full": "No place is left."}  # noqa: RUF012 - as users write it

    @handles(concurrent=True)
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles(concurrent=True, key="type", overlap="cancel")
    async def leave(self, websocket: WebSocket, data: Leave) -> AsyncIterator[Said]:
        yield Said()

    @handles(concurrent=True, key=lambda message: message.id, overlap=KEEPING_ORDER)
    async def yes(self, websocket: WebSocket, data: Yes) -> AsyncGenerator[Said, None]:
        yield Said()

    @handles(concurrent=True, key=None, overlap=None)
    async def no(self, websocket: WebSocket, data: No) -> None: ...


class Mixin:
    """Is called by a dialect of the endpoint that it is a part of."""

    @handles("chat/say")
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles("chat/leave", concurrent=True, key="type")
    async def leave(self, websocket: WebSocket, data: Leave) -> AsyncIterator[Said]:
        yield Said()


class ByFunction(WebSocketEndpoint):
    encoding = "json"
    error_codes = ("full", 4001)

    @handles(concurrent=True, key=room_of, overlap="refuse")
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        if self.cancel("room") or self.cancel(5) or self.cancel(("room", 5)):
            assert_type(self.cancel(self.say), bool)
        raise ErrorReply("full")


class Overriding(Chat):
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return assert_type(await super().say(websocket, data), Said)


class Asking(WebSocketEndpoint[Sure | Said]):
    encoding = "json"
    correlation_id = "id"
    answers: ClassVar[Any] = Yes | No

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        assert_type(await self.ask(Sure(), Yes, timeout=5), Yes)
        assert_type(await self.ask(Sure(), Yes | No, timeout=0.5), Yes | No)
        answer = await self.ask(Sure(), Yes | No, timeout=10)
        return Said(text=answer.type)

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        task = assert_type(self.start_soon(self.push, Said()), TaskHandle)
        task.cancel()
        assert_type(await task.wait(), None)
        assert_type(self.stream(self.tokens()), TaskHandle)
        self.stream(self.iterate())

    async def iterate(self) -> AsyncIterator[Said]:
        yield Said()

    async def tokens(self) -> AsyncGenerator[Said, None]:
        yield Said()

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        if isinstance(exc, KeyError):
            return Said()
        return assert_type(await super().on_error(websocket, data, exc), Any)


class AskingAnything(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "id"
    answers = Yes

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        assert_type(await self.ask({"type": "sure?"}, Yes, timeout=5), Yes)
        self.stream(self.anything())

    async def anything(self) -> AsyncGenerator[int | str, None]:
        yield 5

    async def on_error(self, websocket: WebSocket, data: object, exc: Exception) -> None:
        raise ErrorReply("failed", str(exc), {"data": repr(data)}) from exc

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        raise ErrorReply(4000, details=ErrorMessage())


async def ask_from_outside(asking: Asking, tasks: list[TaskHandle]) -> str:
    """Ask where the endpoint is known."""
    tasks.append(asking.start_soon(asking.push, Sure()))
    reply = ErrorReply("full", "No place is left.", [5])
    assert_type(reply.code, str | int)
    assert_type(reply.message, str)
    assert_type(reply.details, Any)
    return (await asking.ask(Sure(), Yes | No, timeout=5)).type
