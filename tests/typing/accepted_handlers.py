"""Methods that type checkers accept as handlers, and the types that these have afterwards."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, assert_type

from typing_extensions import ParamSpec

from tests.some_messages import Leave, Plain, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles

P = ParamSpec("P")
R = TypeVar("R")


class HasPath(Protocol):
    """A part of what a WebSocket has."""

    @property
    def path_params(self) -> Any:
        """The parameters of the path."""
        ...


def logged(method: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Decorate a method, as an application may."""

    @wraps(method)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return await method(*args, **kwargs)

    return wrapper


class Chat(WebSocketEndpoint):
    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> None: ...

    @handles
    async def count(self, websocket: WebSocket, data: int) -> AsyncIterator[Said]:
        yield Said()

    @handles
    async def generate(self, websocket: WebSocket, data: str) -> AsyncGenerator[Said, None]:
        yield Said()

    @handles
    async def iterate(self, websocket: WebSocket, data: list[int]) -> AsyncIterable[Said]:
        yield Said()

    @handles
    async def with_default(self, websocket: WebSocket, data: bool, extra: int = 1) -> Any: ...

    @handles
    async def with_keyword(
        self, websocket: Any, data: dict[str, int], *, extra: int = 1
    ) -> Any: ...

    @handles
    async def with_others(self, websocket: object, *data: None) -> Said | None: ...

    @handles
    async def with_part(self, websocket: HasPath, data: Plain) -> Any: ...


class Decorated(WebSocketEndpoint):
    encoding = "json"

    @logged
    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class Mixin:
    """Is no endpoint itself."""

    @handles
    async def whisper(self, websocket: WebSocket, data: bytes) -> None: ...


class Overriding(Mixin, Chat):
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return assert_type(await super().say(websocket, data), Said)

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> None:
        await super().leave(websocket, data)


class Declaring(WebSocketEndpoint[Said]):
    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        await self.push(Said())
        return Said()

    # No checker can refuse this: the decorator gets the method alone, and not the class around it.
    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> Plain:
        return Plain(text="")


async def use(chat: Chat, decorated: Decorated, websocket: WebSocket) -> None:
    """Call them."""
    assert_type(await chat.say(websocket, Say()), Said)
    assert_type(await chat.say(websocket=websocket, data=Say()), Said)
    assert_type(await chat.with_default(websocket, True, extra=2), Any)
    assert_type(await decorated.say(websocket, Say()), Said)
    async for said in chat.count(websocket, 5):
        assert_type(said, Said)
