"""Streams of a class with a dialect."""

from collections.abc import AsyncIterator

import pytest

from tests.lifecycle.test_calling import Streams
from wsendpoints import JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.dialects import Notification
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Ticking(WebSocketEndpoint):
    """Streams by itself, from a method that is called."""

    encoding = "json"
    dialect = JsonRpc()

    @handles("tick")
    async def tick(self, websocket: WebSocket) -> str:
        await self.stream(self.ticks()).wait()
        return "ticked"

    async def ticks(self) -> AsyncIterator[Notification]:
        yield Notification("ticked", [1])


async def test_items_belong_to_their_call() -> None:
    """Each has its id, and so has the end; what is `nothing` to the dialect is not sent."""
    async with connect(Streams.as_asgi()) as client:
        await client.send_json(["a", "count", 1])
        assert await client.receive_json() == ["a", "item", 0]
        assert await client.receive_json() == ["a", "end"]


async def test_what_is_streamed_by_itself_are_notifications() -> None:
    """They belong to no call, though a method of one started them."""
    async with connect(Ticking.as_asgi()) as client:
        await client.send_json({"jsonrpc": "2.0", "id": 1, "method": "tick"})
        notification = {"jsonrpc": "2.0", "method": "ticked", "params": [1]}
        assert await client.receive_json() == notification
        assert (await client.receive_json())["result"] == "ticked"
