"""The decorator that marks handlers returns the method itself."""

import pytest

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.testing import connect


async def say(self: object, websocket: WebSocket, data: Say) -> Said:
    """Answer."""
    return Said(text=data.text)


def test_method_stays_what_it_is() -> None:
    """So that type checkers know its type, and whoever calls it calls it directly."""
    assert handles(say) is say


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
