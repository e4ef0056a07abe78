"""Handlers that do not show what they return: a reply, or a stream of replies."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.lifecycle.replies import awaiting_or_streaming
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Numbers:
    """An async iterator that is no generator."""

    def __init__(self) -> None:
        self.number = 0

    def __aiter__(self) -> "Numbers":
        return self

    async def __anext__(self) -> str:
        self.number += 1
        if self.number > 2:
            raise StopAsyncIteration
        return str(self.number)


class Iterable:
    """Returns one."""

    def __aiter__(self) -> Numbers:
        return Numbers()


async def coroutine() -> str:
    """Return a reply."""
    return "1"


async def generator() -> AsyncIterator[str]:
    """Yield two."""
    yield "1"
    yield "2"


async def coroutine_of_generator() -> AsyncIterator[str]:
    """Return what yields two."""
    return generator()


async def coroutine_of_none() -> None:
    """Return no reply."""


@pytest.mark.parametrize(
    ("function", "replies"),
    [
        pytest.param(coroutine, ["1"], id="coroutine"),
        pytest.param(coroutine_of_none, [], id="coroutine of None"),
        pytest.param(generator, ["1", "2"], id="async generator"),
        pytest.param(coroutine_of_generator, ["1", "2"], id="coroutine of an async generator"),
        pytest.param(Numbers, ["1", "2"], id="async iterator"),
        pytest.param(Iterable, ["1", "2"], id="async iterable"),
    ],
)
async def test_what_is_returned_decides(function: Any, replies: list[str]) -> None:
    """It is awaited, or sent item by item."""
    handler = awaiting_or_streaming(lambda endpoint, websocket, data: function())

    class Chat(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            return await handler(self, websocket, data)

    async with connect(Chat.as_asgi()) as client:
        await client.send_text("x")
        assert [await client.receive_text() for _ in replies] == replies
        await client.receive_nothing()


async def test_what_can_not_be_awaited_is_an_error() -> None:
    """The text names the class."""

    class Chat(WebSocketEndpoint):
        pass

    handler = awaiting_or_streaming(lambda endpoint, websocket, data: 5)
    with pytest.raises(TypeError) as caught:
        await handler(Chat.__new__(Chat), None, None)
    assert str(caught.value) == (
        f"a handler of {Chat.__qualname__} returned 5, which can't be awaited: make it an async "
        "method"
    )
