"""Handlers that are plain functions: which may be, and which are a mistake."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final
from unittest.mock import AsyncMock, MagicMock, patch

import anyio.from_thread
import pytest

from tests.clocks import GENEROUS, REAL_TIME
from tests.some_messages import Said, Say
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages.blocking import check_blocking
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


def reply(self: Any, websocket: WebSocket, data: Say) -> Said:
    """Answer from a thread."""
    anyio.from_thread.check_cancelled()
    return Said(text=data.text)


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate as most decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        return function(*args, **values)

    return wrapper


def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate without `functools.wraps`."""

    def wrapper(self: Any, websocket: WebSocket, data: Say) -> Any:
        return function(self, websocket, data)

    return wrapper


class Chat(WebSocketEndpoint):
    """Handles a message in a thread."""

    encoding = "json"

    @handles
    def say(self, websocket: WebSocket, data: Say) -> Said:
        return reply(self, websocket, data)


class Inheriting(Chat):
    """Inherits the handler."""


class Overriding(Chat):
    """Overrides it, without a mark."""

    def say(self, websocket: WebSocket, data: Say) -> Said:
        return super().say(websocket, data)


class Decorated(WebSocketEndpoint):
    """Decorates it as is usual."""

    encoding = "json"
    say = handles(logged(reply))


class Hiding(WebSocketEndpoint):
    """Decorates it in another way."""

    encoding = "json"
    say = handles(hiding(reply))


async def text_of(cls: type[WebSocketEndpoint]) -> str:
    """Return the text that an endpoint answers with."""
    async with connect(cls.as_asgi(), timeout=GENEROUS) as client:
        await client.send(Say(text="x"))
        return (await client.receive(Said)).text


@REAL_TIME
@pytest.mark.parametrize("cls", [Chat, Inheriting, Overriding, Decorated, Hiding])
async def test_marked_function_is_called_in_a_thread(cls: Any) -> None:
    """Its types are read as those of any handler; an override counts as marked."""
    assert await text_of(cls) == "x"


@REAL_TIME
async def test_override_may_be_async() -> None:
    """It is awaited."""
    # No checker accepts that: the type of the method is another one.
    overriding: Any = type("Overriding", (Chat,), {"say": say})
    assert await text_of(overriding) == "async"


async def say(self: Any, websocket: WebSocket, data: Say) -> Said:
    """Answer from the event loop."""
    return Said(text="async")


@REAL_TIME
@pytest.mark.parametrize("mock", [MagicMock, AsyncMock])
async def test_mock_takes_its_place(mock: Any) -> None:
    """One that is not async is called in a thread too."""
    with patch.object(Chat, "say", mock(return_value=Said(text="mocked"))):
        assert await text_of(Chat) == "mocked"
    assert await text_of(Chat) == "x"


def test_value_that_takes_its_place_is_an_error() -> None:
    """It can't be called."""
    with (
        patch.object(Chat, "say", 5),
        pytest.raises(ConfigurationError, match=r"^Chat\.say is no async method: use"),
    ):
        Chat.as_asgi()


def generator(self: Any, websocket: WebSocket, data: Say) -> Iterator[Said]:
    """Yield a reply."""
    yield Said()


def unannotated(self: Any, websocket: WebSocket, data: Say) -> Any:
    """Yield a reply."""
    yield Said()


def awaitable(self: Any, websocket: WebSocket, data: Say) -> Awaitable[Said]:
    """Return a coroutine."""
    return say(self, websocket, data)


def coroutine(self: Any, websocket: WebSocket, data: Say) -> Coroutine[Any, Any, Said]:
    """Return a coroutine."""
    return say(self, websocket, data)


def stream(self: Any, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
    """Return an async generator."""
    raise NotImplementedError


GENERATOR: Final = (
    "Chat.say is no async method, but a generator: send each value with `yield` in an `async def "
    "say`, or return a list, which is sent as one message"
)
RETURNS: Final = (
    "Chat.say is no async method, but returns what is to be awaited, and a plain function is "
    "called in a thread, where nothing is: use `async def say(self, websocket, data)`, and "
    "functools.wraps in its decorators"
)


@pytest.mark.parametrize(
    ("method", "error"),
    [
        (generator, GENERATOR),
        (unannotated, GENERATOR),
        (logged(generator), GENERATOR),
        (awaitable, RETURNS),
        (coroutine, RETURNS),
        (stream, RETURNS),
        (hiding(say), RETURNS),
    ],
)
def test_function_that_is_no_handler_is_an_error(method: Any, error: str) -> None:
    """It says what to write."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"encoding": "json", "say": handles(method)})
    assert str(caught.value) == error


@pytest.mark.parametrize("it", [reply, logged(reply), hiding(reply), MagicMock()])
def test_function_that_blocks_passes(it: Any) -> None:
    """Whatever decorates it."""
    check_blocking(it, "Chat.reply", Said)


def test_function_that_is_not_marked_is_an_error() -> None:
    """It may have been meant to be async: as a receiver, and as an override of an async method."""
    with pytest.raises(
        ConfigurationError, match=r"Chat\.on_receive is no async method: use `async"
    ):
        type("Chat", (WebSocketEndpoint,), {"on_receive": plain})
    base = type("Base", (WebSocketEndpoint,), {"encoding": "json", "say": handles(say)})
    with pytest.raises(ConfigurationError, match=r"Chat\.say is no async method: use `async"):
        type("Chat", (base,), {"say": plain})


def plain(self: Any, websocket: WebSocket, data: Say) -> Said:
    """Answer from a thread, if it is marked."""
    raise NotImplementedError


class Marked:
    """Is no endpoint itself."""

    on_receive = handles(logged(plain))


def test_receiver_is_async() -> None:
    """Also where a class that is no endpoint marks it."""
    with pytest.raises(
        ConfigurationError, match=r"Chat\.on_receive is no async method: use `async"
    ):
        type("Chat", (Marked, WebSocketEndpoint), {})
