"""Prices on a page, as they change: by a task in the background, and by HTTP requests.

Run it with `uvicorn examples.dashboard:app`, and open http://127.0.0.1:8000 in several windows. Set
a price there, or by `curl -X PUT http://127.0.0.1:8000/prices/ACME -d 42`. A client that reads
slowly misses prices that have changed since, and never the last one.
"""

import random
import re
from pathlib import Path
from typing import Annotated, Literal

import anyio
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Group, Groups
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["Dashboard", "Price", "Quote", "app", "groups", "prices", "set_price"]

PAGE = Path(__file__).with_name("dashboard.html").read_bytes()
PRICE_PATH = re.compile(r"/prices/(\w+)")

Amount = Annotated[float, Field(gt=0, lt=1e6)]

read_amount = TypeAdapter[float](Amount).validate_json


class Quote(BaseModel):
    type: Literal["quote"] = "quote"
    symbol: str
    price: float


class Price(Group[Quote]):
    """One for each symbol: a quote takes the place of one that still waits for a slow client."""

    name = "price:{}"
    overflow = "latest"


groups = Groups()
prices = {"ACME": 100.0, "GLOBEX": 250.0, "INITECH": 12.5}


class Dashboard(WebSocketEndpoint):
    encoding = "json"
    groups = (Price,)

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        for symbol, price in prices.items():
            self.post(Quote(symbol=symbol, price=price))
            await groups.join(self, Price(symbol))


async def set_price(symbol: str, price: float) -> int:
    prices[symbol] = price
    return await groups.broadcast(Price(symbol), Quote(symbol=symbol, price=price))


async def wander() -> None:
    while True:
        await anyio.sleep(0.5)
        symbol = random.choice([*prices])  # noqa: S311 - no secret
        change = random.uniform(0.98, 1.02)  # noqa: S311 - no secret
        await set_price(symbol, round(prices[symbol] * change, 2))


dashboard = Dashboard.as_asgi()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    match scope["type"]:
        case "lifespan":
            await live(receive, send)
        case "http":
            status, body, kind = await answer(scope, receive)
            headers = [
                (b"content-type", kind),
                (b"content-length", str(len(body)).encode()),
            ]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        case _:
            await dashboard(scope, receive, send)


async def live(receive: Receive, send: Send) -> None:
    await receive()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wander)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        tasks.cancel_scope.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
    """Return the status, the body and its type."""
    plain = b"text/plain; charset=utf-8"
    if scope["path"] == "/":
        return 200, PAGE, b"text/html; charset=utf-8"
    match = PRICE_PATH.fullmatch(scope["path"])
    if match is None or match[1] not in prices or scope["method"] != "PUT":
        return 404, b"Not found\n", plain
    try:
        price = read_amount((await receive()).get("body", b""))
    except ValidationError as exc:
        return 422, f"{exc.errors()[0]['msg']}\n".encode(), plain
    told = await set_price(match[1], price)
    return 200, f"{told} dashboards were told\n".encode(), plain
