"""Endpoints that call something, or look at something, in the handshake."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fake_server import CONNECT, FakeServer
from tests.faults.playing import Noting, derive, serve, watch
from wsendpoints import WebSocket

__all__ = ["asking", "seeing", "seen"]


def asking(ask: Callable[[WebSocket], Awaitable[object]]) -> type[Noting]:
    """Return an endpoint that calls a function in `on_connect`."""

    async def on_connect(self: Noting, websocket: WebSocket) -> None:
        await ask(websocket)

    return derive(Noting, on_connect=on_connect)


def seeing(look: Callable[[WebSocket], object]) -> type[Noting]:
    """Return an endpoint that logs what a function returns for its connection, and accepts."""

    async def on_connect(self: Noting, websocket: WebSocket) -> None:
        self.log.append(repr(look(websocket)))
        await websocket.accept()

    return derive(Noting, on_connect=on_connect)


async def seen(look: Callable[[WebSocket], object], **scope: Any) -> str:
    """Return the `repr` of what a function returns for a connection."""
    endpoint = seeing(look)
    server = FakeServer(CONNECT, {"type": "websocket.disconnect", "code": 1000})
    with watch(endpoint):
        await serve(endpoint, server, **scope)
    assert endpoint.log[1:] == [1000]
    value: str = endpoint.log[0]
    return value
