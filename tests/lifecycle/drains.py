"""Endpoints that are drained in tests, and how long that takes."""

from typing import Any, ClassVar, Final

import anyio

from tests.clocks import as_asgi
from tests.fake_server import FakeServer, make_scope
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.protocol.asgi import Event

__all__ = ["LONG", "Answering", "Timing", "drained", "echo", "served"]

LONG: Final = 10_000
"""Seconds for which a client waits: longer than any drain."""


class Answering(FakeServer):
    """Delivers the disconnect once it was given the close."""

    async def send(self, event: Event) -> None:
        await super().send(event)
        if event["type"] == "websocket.close":
            self.deliver({"type": "websocket.disconnect", "code": event["code"]})


class Timing(WebSocketEndpoint):
    """Records when each of its connections ended, and with which code."""

    ended: ClassVar[list[tuple[float, int]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.ended = []

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.ended.append((anyio.current_time(), close_code))


def echo(**attributes: Any) -> type[Timing]:
    """Return a class that says it again, after as many seconds as the message says."""

    class Echo(Timing):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: float) -> float:
            await anyio.sleep(data)
            return data

    for name, value in attributes.items():
        setattr(Echo, name, value)
    return Echo


async def drained(cls: type[WebSocketEndpoint], over: float) -> float:
    """Drain a class; return how many seconds that took."""
    start = anyio.current_time()
    await cls.drain(over=over)
    return anyio.current_time() - start


async def served(cls: type[WebSocketEndpoint], server: FakeServer) -> None:
    """Serve one connection."""
    await as_asgi(cls)(make_scope(), server.receive, server.send)
