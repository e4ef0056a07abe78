"""The example of graphql-transport-ws, with the reference client in Node, and with gql."""

from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from .node import run


def counted(*numbers: int) -> list[Any]:
    """Return the items of a countdown."""
    return [{"data": {"countdown": number}} for number in numbers]


ANSWER: list[Any] = [{"data": {"answer": 42}}]


def test_graphql_ws(netloc: str) -> None:
    """Items, errors, the end and the closes are those of the protocol's reference client."""
    assert run("graphql_ws", f"ws://{netloc}/graphql") == {
        "query": ANSWER,
        "subscription": counted(2, 1, 0),
        "syntax": {"items": [], "errors": ["Syntax Error: Expected Name, found <EOF>."]},
        "validation": {
            "items": [],
            "errors": ["Cannot query field 'question' on type 'Query'."],
        },
        "left": counted(100000, 99999),
        "afterwards": ANSWER,
        "parallel": [counted(1, 0), counted(2, 1, 0)],
        "refused": [
            [4400, "not valid JSON"],
            [4400, "Invalid message"],
            [4401, "Unauthorized"],
            [4429, "Too many initialisation requests"],
            [4409, "Subscriber for 1 already exists"],
        ],
    }


@pytest.mark.anyio
async def test_gql(netloc: str) -> None:
    """A client in Python queries, subscribes, gets errors, and leaves a subscription early."""
    transport = WebsocketsTransport(
        url=f"ws://{netloc}/graphql",
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        ping_interval=0.05,
    )
    async with Client(transport=transport) as session:
        assert await session.execute(gql("{ answer }")) == {"answer": 42}
        countdown = gql("subscription { countdown(start: 2) }")
        items = [item async for item in session.subscribe(countdown)]
        assert items == [{"countdown": 2}, {"countdown": 1}, {"countdown": 0}]
        with pytest.raises(TransportQueryError, match="Cannot query field 'question'"):
            await session.execute(gql("{ question }"))
        endless = session.subscribe(gql("subscription { countdown(start: 100000) }"))
        async for item in endless:
            assert item == {"countdown": 100000}
            break
        await endless.aclose()
        assert await session.execute(gql("{ answer }")) == {"answer": 42}
