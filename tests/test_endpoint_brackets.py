"""`WebSocketEndpoint[Said | Leave]`: what it sends, and where it can be mounted."""

import pickle
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from tests.some_messages import Leave, Plain, Said, Say
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Chat(WebSocketEndpoint[Said | Leave]):
    """Pushes what it is told to."""

    encoding = "json"
    message: ClassVar[Any] = Leave()

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        await self.push(self.message)
        return Said(text=data.text)


class Generically(WebSocketEndpoint[T], Generic[T]):
    """Sends what subclasses say, and nothing yet."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> AsyncIterator[T]:
        message: Any = Leave()
        yield message


class Leaving(Generically[Leave]):
    """Says it."""


class Several(WebSocketEndpoint[Leave]):
    """Has a handler."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> None:
        await self.push(Leave())


async def test_brackets_say_what_is_sent() -> None:
    """As `sends` does, which they set."""
    assert Chat.sends == Said | Leave
    assert Leaving.sends is Leave
    assert Generically.sends is None
    async with connect(Chat.as_asgi()) as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said | Leave) == Leave()
        assert await client.receive(Said | Leave) == Said(text="x")


async def test_nothing_else_is_sent() -> None:
    """A message that is not in the brackets is an error."""
    with pytest.raises(ConfigurationError) as caught:
        async with connect(Chat.as_asgi(message=Plain(text=""))) as client:
            await client.send(Say())
            await client.expect_close(1011)
    assert str(caught.value) == (
        "Chat sends a message of type Plain, but declares Said, Leave: add its type to the return "
        "annotation of the handler, or to `sends`"
    )


@pytest.mark.parametrize("cls", [Leaving, Several])
async def test_each_kind_of_handler_sends_what_is_in_the_brackets(cls: Any) -> None:
    """A stream of a generic class's, and a handler of one type of message."""
    async with connect(cls.as_asgi()) as client:
        await client.send(Say())
        assert await client.receive(Leave) == Leave()


async def test_class_without_brackets_declares_nothing() -> None:
    """It may send anything."""

    class Plainly(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say) -> None:
            await self.push({"any": "thing"})

    assert Plainly.sends is None
    async with connect(Plainly.as_asgi()) as client:
        await client.send(Say())
        assert await client.receive_json() == {"any": "thing"}


async def test_class_with_other_sends_is_an_error() -> None:
    """It is one when the class is made."""
    with pytest.raises(
        ConfigurationError, match=r"as WebSocketEndpoint\[...\] says, but .*Odd.sends"
    ):

        class Odd(WebSocketEndpoint[Said]):  # pyright: ignore[reportUnusedClass]  # never made
            sends = Leave


ABSTRACT = "WebSocketEndpoint is abstract: serve a subclass of it"
OPEN = "Generically leaves the type variable T open: serve a subclass of Generically[...]"


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        pytest.param(WebSocketEndpoint[Said], ABSTRACT, id="WebSocketEndpoint[Said]"),
        pytest.param(Generically, OPEN, id="Generically"),
        pytest.param(Generically[Said], OPEN, id="Generically[Said]"),
    ],
)
async def test_brackets_are_mounted_through_a_subclass(endpoint: Any, text: str) -> None:
    """As an application, and as the endpoint of a route."""
    with pytest.raises(ConfigurationError) as caught:
        endpoint.as_asgi()
    assert str(caught.value) == text
    app = Starlette(routes=[WebSocketRoute("/", endpoint)])
    with pytest.raises(ConfigurationError) as caught:
        async with connect(app):
            pass
    assert str(caught.value) == text


async def test_class_with_brackets_is_mounted_as_any_other() -> None:
    """As a route of Starlette's, and as an application that can be pickled."""
    app = Starlette(routes=[WebSocketRoute("/", Chat)])
    for each in (app, pickle.loads(pickle.dumps(Chat.as_asgi()))):  # noqa: S301 - it is ours
        async with connect(each) as client:
            await client.send(Say(text="x"))
            assert await client.receive(Leave) == Leave()
            assert await client.receive(Said) == Said(text="x")


async def test_wrong_brackets_are_an_error_of_python() -> None:
    """Two parameters, or one for a class that has none."""
    base: Any = WebSocketEndpoint
    with pytest.raises(TypeError, match="Too many"):
        _ = base[Said, Leave]
    chat: Any = Chat
    with pytest.raises(TypeError, match="is not a generic class"):
        _ = chat[Said]
