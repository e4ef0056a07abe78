"""The example of GraphQL; `tests/interop/protocols` has real clients."""

from typing import Any

import anyio
import pytest

from examples.graphql_transport_ws import GraphQLTransportWS, Reply, app
from wsendpoints.dialects import Call, Cancel, Notification
from wsendpoints.testing import Client, check_dialect, connect

SUBPROTOCOL = "graphql-transport-ws"

FRAMES: Any = [
    ({"type": "connection_init"}, [Call("connection_init", None, Reply.ACK)]),
    ({"type": "ping", "payload": {}}, [Call("ping", None, Reply.PONG)]),
    ({"type": "pong"}, [Notification("pong")]),
    ({"type": "complete", "id": "7"}, [Cancel("7")]),
    (
        {"type": "subscribe", "id": "7", "payload": {"query": "{ answer }"}},
        [Call("subscribe", {"query": "{ answer }", "id": "7"}, "7")],
    ),
]


def test_dialect_keeps_the_contract() -> None:
    """Clients and servers send different messages."""
    check_dialect(GraphQLTransportWS(), FRAMES, both_ways=False)


async def begin(client: Client) -> None:
    """Begin, as every client has to."""
    await client.send_json({"type": "connection_init"})
    assert await client.receive_json() == {"type": "connection_ack"}


def subscribe(query: str) -> dict[str, Any]:
    """Return a subscription."""
    return {"id": "1", "type": "subscribe", "payload": {"query": query}}


@pytest.mark.anyio
async def test_query_and_subscription() -> None:
    """Each item is sent as it comes, and then the end."""
    async with connect(app, subprotocols=[SUBPROTOCOL]) as client:
        await begin(client)
        await client.send_json({"type": "ping"})
        assert await client.receive_json() == {"type": "pong"}
        await client.send_json(subscribe("{ answer }"))
        payload = {"data": {"answer": 42}}
        assert await client.receive_json() == {"id": "1", "type": "next", "payload": payload}
        assert await client.receive_json() == {"id": "1", "type": "complete"}
        await client.send_json(subscribe("subscription { countdown(start: 1) }"))
        numbers = [(await client.receive_json())["payload"]["data"]["countdown"] for _ in "ab"]
        assert numbers == [1, 0]
        assert await client.receive_json() == {"id": "1", "type": "complete"}


@pytest.mark.anyio
async def test_completed_subscription_sends_nothing_more() -> None:
    """The client is done with it."""
    async with connect(app, subprotocols=[SUBPROTOCOL]) as client:
        await begin(client)
        await client.send_json(subscribe("subscription { countdown(start: 1000) }"))
        await client.receive_json()
        await client.send_json({"id": "1", "type": "complete"})
        await client.send_json({"type": "ping"})
        while (await client.receive_json()) != {"type": "pong"}:
            pass
        await client.receive_nothing()


@pytest.mark.anyio
async def test_client_has_to_begin_in_time() -> None:
    """A client that says nothing is sent away."""
    async with connect(app, subprotocols=[SUBPROTOCOL]) as client:
        await anyio.sleep(3.1)
        await client.expect_close(4408)
