"""How the methods of an endpoint are called."""

import functools
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import FakeServer, make_scope
from tests.recording import Recording
from wsendpoints import ClientMessageError, WebSocket, handles
from wsendpoints.lifecycle.names import name_of_method, tell_cancelled, tell_sender
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


def wrapped(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Decorate a method as one does."""

    @functools.wraps(method)
    async def wrapper(*args: Any) -> Any:
        return await method(*args)

    return wrapper


class Sleeps(Recording):
    """Waits in each of its methods, if that is named in a message."""

    encoding = "json"
    where: str = ""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        if self.where == "on_connect":
            await anyio.sleep(10)

    @handles
    async def say(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep(10)

    @handles
    async def tell(self, websocket: WebSocket, data: list[str]) -> AsyncIterator[str]:
        yield "x"
        await anyio.sleep(10)

    @handles
    @wrapped
    async def shout(self, websocket: WebSocket, data: int) -> None:
        await anyio.sleep(10)

    @handles
    async def point(self, websocket: WebSocket, data: dict[str, int]) -> None:
        await anyio.sleep(10)

    @handles
    async def draw(self, websocket: WebSocket, data: dict[str, list[int]]) -> None:
        await anyio.sleep(10)

    @handles
    async def fail(self, websocket: WebSocket, data: None) -> None:
        raise KeyError

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        await anyio.sleep(10)

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> None:
        await anyio.sleep(10)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("on_connect", None, id="on_connect"),
        pytest.param("say", "x", id="handler"),
        pytest.param("tell", ["x"], id="stream"),
        pytest.param("shout", 1, id="decorated"),
        pytest.param("point", {"x": 1}, id="one of several for dicts"),
        pytest.param("draw", {"x": [1]}, id="another of those"),
        pytest.param("on_invalid", 1.5, id="on_invalid"),
        pytest.param("on_error", None, id="on_error"),
    ],
)
async def test_method_that_is_awaited_has_its_name(
    name: str, message: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever it is of a class, and however it is called."""

    class Chat(Sleeps):
        where = name

    async with connect(as_asgi(Chat), timeout=100) as client:
        await client.send_json(message)
        await anyio.sleep(1)
        await client.send_json(None)
        await anyio.sleep(7)
        client.vanish()
    warnings = [it.getMessage() for it in caplog.records if it.levelno == logging.WARNING]
    assert [line.split(" has been")[0] for line in warnings] == [f"{Chat.__qualname__}.{name}"]


class Waits:
    """An awaitable that has no name."""

    def __await__(self) -> Generator[Any, Any, None]:
        return anyio.sleep(10).__await__()


async def test_method_without_a_name_is_told_by_its_class() -> None:
    """A decorator may have changed its name, too."""
    endpoint: Any = object.__new__(Sleeps)
    assert name_of_method(endpoint, Waits()) == "Sleeps"
    assert name_of_method(endpoint, wrapped) == "Sleeps"
    assert name_of_method(endpoint, Sleeps.say) == "Sleeps.say"


async def test_error_says_where_the_method_is_written() -> None:
    """Not where its decorator is; what is not written in Python has no place."""
    endpoint: Any = object.__new__(Sleeps)

    def told(method: object) -> tuple[str, list[str]]:
        error = UnawaitedError("Sleeps", "a coroutine", "await it")
        tell_sender(error, endpoint, method)
        return error.sender, getattr(error, "__notes__", [])

    for method, name in ((Sleeps.say, "say"), (Sleeps.shout, "shout")):
        line = inspect.getsourcelines(method)[1]
        place = f'File "{__file__}", line {line}, in {name}'
        assert told(method) == (f"Sleeps.{name}", [place])
    assert told(Sleeps.__reduce__) == ("Sleeps.__reduce__", [])
    assert told(wrapped) == ("Sleeps", [])


async def test_handler_that_is_cancelled_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """By the name of its class."""
    caplog.set_level(logging.INFO, "wsendpoints")
    scope: Any = make_scope()
    tell_cancelled(Sleeps(scope, FakeServer().receive, FakeServer().send))
    assert caplog.messages == ["Sleeps: a handler is cancelled: the client disconnected"]
