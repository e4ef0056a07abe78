"""A connection is served in the encoding of the subprotocol that was accepted."""

from typing import Any

import pytest

from tests.packing import pack, unpack
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.testing import connect

BOTH: Subprotocols = {"v1": "json", "v2": "msgpack"}


class Echo(WebSocketEndpoint):
    """Leaves the handshake to the default."""

    encoding = "json"
    subprotocols = BOTH

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        """Echo."""
        return data


class Greeting(Echo):
    """Accepts by itself."""

    async def on_connect(self, websocket: WebSocket) -> None:
        """Greet."""
        await websocket.accept("v2")
        await self.push("hello")


@pytest.mark.anyio
@pytest.mark.parametrize("endpoint", [Echo, Greeting])
async def test_handshake_decides(endpoint: type[Echo]) -> None:
    """Whoever answers it."""
    async with connect(endpoint.as_asgi(), subprotocols=["v2"]) as client:
        if endpoint is Greeting:
            assert unpack(await client.receive_bytes()) == "hello"
        await client.send_bytes(pack([1]))
        assert unpack(await client.receive_bytes()) == [1]
