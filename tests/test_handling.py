"""The decorator that marks handlers returns the method itself."""

from typing import Any

import pytest

from tests.some_messages import Leave, Said, Say
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages.methods import options_of
from wsendpoints.messages.options import PLAIN, Options
from wsendpoints.testing import connect


async def say(self: object, websocket: WebSocket, data: Say) -> Said:
    """Answer."""
    return Said(text=data.text)


@pytest.mark.parametrize(
    ("decorate", "options"),
    [
        pytest.param(handles, PLAIN, id="no brackets"),
        pytest.param(handles("say"), Options("say"), id="name"),
        pytest.param(handles(concurrent=True), Options(concurrent=True), id="concurrent"),
        pytest.param(
            handles("say", concurrent=True, key="text", overlap="cancel"),
            Options("say", concurrent=True, key="text", overlap="cancel"),
            id="all",
        ),
    ],
)
def test_method_stays_what_it_is(decorate: Any, options: Options) -> None:
    """So that type checkers know its type, and whoever calls it calls it directly."""

    async def method(self: object, websocket: WebSocket, data: Say) -> Said:
        return await say(self, websocket, data)

    assert decorate(method) is method
    assert options_of(type("Chat", (), {"method": method}), "method") == options


@pytest.mark.parametrize(
    ("args", "given", "error"),
    [
        pytest.param((Say,), {}, "@handles(Say) has brackets", id="message"),
        pytest.param((say,), {"key": "x"}, "has brackets", id="method and options"),
        pytest.param((), {}, r"@handles() has brackets", id="nothing"),
        pytest.param((), {"overlap": "drop"}, "@handles(overlap='drop')", id="option"),
        pytest.param(("",), {}, "@handles('') names no method", id="name"),
    ],
)
def test_mistake_in_the_brackets_is_told_at_once(
    args: tuple[Any, ...], given: dict[str, Any], error: str
) -> None:
    """It shows where the decorator is written."""
    decorator: Any = handles
    with pytest.raises(ConfigurationError) as caught:
        decorator(*args, **given)
    assert error in str(caught.value)


@pytest.mark.anyio
async def test_marked_method_handles_its_messages() -> None:
    """Another one does not."""

    class Chat(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def answer(self, websocket: WebSocket, data: Say) -> Said:
            return await say(self, websocket, data)

        # A public name would be warned of: the mark may have been forgotten.
        async def _leave(self, websocket: WebSocket, data: Leave) -> None:
            raise AssertionError

    async with connect(Chat.as_asgi()) as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said) == Said(text="x")
        await client.send(Leave())
        assert (await client.receive_json())["code"] == "invalid_message"
