"""Endpoints that type checkers accept: those without brackets are as free as can be."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar, assert_type

import typing_extensions
from starlette.routing import WebSocketRoute

from tests.some_messages import Leave, Said, Say
from wsendpoints import ClientMessageError, Codec, MsgspecJSON, WebSocket, WebSocketEndpoint

T = TypeVar("T")
D = typing_extensions.TypeVar("D", default=Said)


# Without brackets: any message, and any reply.


class Replying(WebSocketEndpoint):
    encoding = "json"
    sends = Leave

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        await self.push(Leave())
        await self.push({"any": "thing"})
        await self.push(None)
        return Said()


class Choosing(WebSocketEndpoint):
    encoding = "msgpack"
    subprotocols = {"v1": "json", "v2": MsgspecJSON()}  # noqa: RUF012 - read once, with the class

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class Reversed(Codec[str]):
    natives = (bytes,)
    errors = (KeyError, ValueError)

    def decode(self, frame: str) -> Any:
        return frame[::-1]

    def encode(self, value: Any) -> str:
        return str(value)[::-1]


class Reversing(WebSocketEndpoint):
    encoding = Reversed()
    subprotocols = ("v1",)


class ReplyingOrNot(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say | Leave) -> Said | str | None:
        return None


class Silent(WebSocketEndpoint):
    async def on_receive(self, websocket: WebSocket, data: str) -> None: ...


class Unannotated(WebSocketEndpoint):
    async def on_receive(self, websocket: Any, data: Any) -> Any: ...


class Renaming(WebSocketEndpoint):
    async def on_receive(self, websocket: WebSocket, data: str, extra: int = 1) -> str:
        return data


class Streaming(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
        yield Said()


class StreamingAsGenerator(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> AsyncGenerator[Said, None]:
        yield Said()


class StreamingAsIterable(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> AsyncIterable[Said]:
        yield Said()


class Calling(WebSocketEndpoint):
    """Calls what it overrides."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        assert await super().on_receive(websocket, data) is None

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        await super().on_invalid(websocket, error)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)


class CallingItsBase(Replying):
    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return assert_type(await super().on_receive(websocket, data), Said)


class Mixin:
    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class Mixed(Mixin, WebSocketEndpoint):
    encoding = "json"


class GenericInWhatItTakes(WebSocketEndpoint, Generic[T]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: T) -> T:
        await self.push(Leave())
        return data


class TakingSay(GenericInWhatItTakes[Say]): ...


# With brackets: what is in them.


class Declaring(WebSocketEndpoint[Said | Leave]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said | None:
        await self.push(Said())
        await self.push(Leave())
        return Said()


class DeclaringAStream(WebSocketEndpoint[Said | Leave]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> AsyncIterator[Leave]:
        yield Leave()


class DeclaringWithoutReply(WebSocketEndpoint[Said]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        self.start_soon(self.push, Said())


class DeclaringPlainTypes(WebSocketEndpoint[list[int] | str]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: int) -> list[int]:
        await self.push(str(data))
        return [data]


class DeclaringInAString(WebSocketEndpoint["Said | Leave"]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class DeclaringAnything(WebSocketEndpoint[Any]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        await self.push({"any": "thing"})
        return Said()


class Inheriting(Declaring):
    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        await self.push(Leave())
        return assert_type(await super().on_receive(websocket, data), Said | None) or Said()


class DeclaringAndMixed(Mixin, WebSocketEndpoint[Said]):
    encoding = "json"


class GenericInWhatItSends(WebSocketEndpoint[T], Generic[T]):
    encoding = "json"
    make: Callable[[], T]

    async def on_receive(self, websocket: WebSocket, data: Say) -> T:
        await self.push(self.make())
        return self.make()


class SendingSaid(GenericInWhatItSends[Said]):
    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        assert_type(self.make(), Said)


class WithDefault(WebSocketEndpoint[D | None], Generic[D]):
    encoding = "json"

    def tell(self, message: D) -> Awaitable[None]:
        return self.push(message)


class TellingSaid(WithDefault): ...


class TellingLeave(WithDefault[Leave]): ...


def mount(endpoint: type[WebSocketEndpoint]) -> WebSocketRoute:
    """Takes any endpoint, as the code of an application may."""
    return WebSocketRoute("/", endpoint)


EVERY = [mount(Replying), mount(Declaring), mount(SendingSaid), mount(TakingSay)]
APPS = [Replying.as_asgi(), Declaring.as_asgi(), SendingSaid.as_asgi(make=Said)]


async def use(
    replying: Replying,
    declaring: Declaring,
    taking: TakingSay,
    sending: SendingSaid,
    telling: TellingSaid,
    websocket: WebSocket,
) -> None:
    """Call them."""
    assert_type(await replying.on_receive(websocket, Say()), Said)
    assert_type(await declaring.on_receive(websocket, Say()), Said | None)
    assert_type(await taking.on_receive(websocket, Say()), Say)
    assert_type(await sending.on_receive(websocket, Say()), Said)
    assert_type(await declaring.push(Said()), None)
    await telling.tell(Said())
