"""What a class with a dialect declares."""

import pytest

from wsendpoints import JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Rpc(WebSocketEndpoint):
    """Speaks JSON-RPC."""

    encoding = "json"
    dialect = JsonRpc()

    @handles("add")
    async def add(self, websocket: WebSocket, one: int, other: int) -> int:
        return one + other


class Pausing(Rpc):
    """The same, changed once it is made."""


async def test_methods_are_called_by_their_names() -> None:
    """And what is no call is refused in the format of the dialect."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json({"jsonrpc": "2.0", "id": 1, "method": "add", "params": [1, 2]})
        assert await client.receive_json() == {"jsonrpc": "2.0", "id": 1, "result": 3}
        for frame, code in (("5", -32600), ("{", -32700)):
            await client.send_text(frame)
            answer = await client.receive_json()
            assert (answer["id"], answer["error"]["code"]) == (None, code)


async def test_class_that_is_changed_keeps_the_names_of_its_methods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a mock changes it."""

    async def subtract(self: object, websocket: WebSocket, one: int, other: int) -> int:
        return one - other

    app = Pausing.as_asgi()
    monkeypatch.setattr(Pausing, "add", subtract)
    async with connect(app) as client:
        await client.send_json({"jsonrpc": "2.0", "id": 1, "method": "add", "params": [1, 2]})
        assert (await client.receive_json())["result"] == -1


async def test_message_over_a_limit_closes_as_always() -> None:
    """The dialect has no answer for it."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_text("x" * (1024 * 1024 + 1))
        await client.expect_close(1009)
