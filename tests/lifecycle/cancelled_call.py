"""A call of a dialect that its client cancels."""

from anyio import sleep_forever

from wsendpoints import JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.testing import connect

__all__ = ["check_call_that_the_client_cancels"]


class Rpc(WebSocketEndpoint):
    """Has a method that does not end by itself."""

    encoding = "json"
    dialect = JsonRpc(cancel_method="$/cancelRequest")

    @handles("wait", concurrent=True)
    async def wait(self, websocket: WebSocket) -> None:
        await sleep_forever()


async def check_call_that_the_client_cancels() -> None:
    """Cancel a call: it is answered once, as cancelled, and one that is unknown is not."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json({"jsonrpc": "2.0", "id": 1, "method": "wait"})
        for id_ in (2, 1):
            cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id_}}
            await client.send_json(cancel)
        answer = await client.receive_json()
        assert (answer["id"], answer["error"]["code"]) == (1, -32800)
        await client.receive_nothing()
        # Those of a batch are answered together.
        await client.send_json([{"jsonrpc": "2.0", "id": id_, "method": "wait"} for id_ in (3, 4)])
        for id_ in (3, 4):
            await client.receive_nothing()
            cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id_}}
            await client.send_json(cancel)
        answers = await client.receive_json()
        assert [answer["id"] for answer in answers] == [3, 4]
