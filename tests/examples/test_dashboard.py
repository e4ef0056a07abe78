"""The dashboard, without a browser."""

from collections.abc import Generator
from typing import Any

import pytest

from examples.dashboard import Quote, app, groups, prices
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Client, connect, lifespan

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def first_prices() -> Generator[dict[str, float]]:
    """Begin with the prices as they are there, and end with nobody looking at them."""
    before = dict(prices)
    yield before
    prices.update(before)
    assert groups.names == ()


async def request(method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    """Return the status of a response, and its text."""
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request", "body": body}

    async def send(event: Event) -> None:
        sent.append(event)

    scope: dict[str, Any] = {"type": "http", "method": method, "path": path}
    await app(scope, receive, send)
    start, content = sent
    assert (b"content-length", str(len(content["body"])).encode()) in start["headers"]
    return start["status"], content["body"].decode()


async def quotes(client: Client, number: int) -> dict[str, float]:
    """Return the next prices."""
    some = [await client.receive(Quote) for _ in range(number)]
    return {quote.symbol: quote.price for quote in some}


async def test_a_client_gets_all_prices_and_each_that_changes() -> None:
    """What an HTTP request sets goes to all of them."""
    async with connect(app) as one, connect(app) as two:
        for client in (one, two):
            assert await quotes(client, len(prices)) == prices
        assert await request("PUT", "/prices/ACME", b"42.5") == (200, "2 dashboards were told\n")
        for client in (one, two):
            assert await client.receive(Quote) == Quote(symbol="ACME", price=42.5)


async def test_a_slow_client_gets_the_last_price_of_each() -> None:
    """What changed since is not sent to it any more, and it stays connected."""
    async with connect(app) as client:
        await quotes(client, len(prices))
        client.pause_reading()
        for number in range(1, 1001):
            for symbol in prices:
                await request("PUT", f"/prices/{symbol}", str(number).encode())
        client.resume_reading()
        # One was on its way when it stopped reading.
        last: dict[str, float] = {}
        received = 0
        while last != dict.fromkeys(prices, 1000):
            quote = await client.receive(Quote)
            last[quote.symbol] = quote.price
            received += 1
        assert received <= len(prices) + 1
        await client.receive_nothing()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("PUT", "/prices/NONE", b"1", 404, "Not found"),
        ("GET", "/prices/ACME", b"", 404, "Not found"),
        ("GET", "/elsewhere", b"", 404, "Not found"),
        ("PUT", "/prices/ACME", b"0", 422, "Input should be greater than 0"),
        ("PUT", "/prices/ACME", b"much", 422, "Invalid JSON"),
        ("GET", "/", b"", 200, "<!doctype html>"),
    ],
)
async def test_other_requests(method: str, path: str, body: bytes, status: int, text: str) -> None:
    """They are answered, and change nothing."""
    before = dict(prices)
    answered, content = await request(method, path, body)
    assert answered == status
    assert content.startswith(text)
    assert prices == before


async def test_prices_change_by_themselves_while_the_application_lives() -> None:
    """The task in the background ends with it."""
    before = dict(prices)
    async with lifespan(app) as started, connect(started, timeout=30) as client:
        await quotes(client, len(prices))
        quote = await client.receive(Quote)
        # A change may be less than a cent.
        while quote.price == before[quote.symbol]:
            quote = await client.receive(Quote)
        assert prices[quote.symbol] == quote.price
