"""Quart, which mounts nothing: its `asgi_app` is wrapped, as by any ASGI middleware."""

from typing import Any

from quart import Quart

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter
from wsendpoints.protocol.asgi import Receive, Scope, Send

from .room import Room

__all__ = ["app"]


class Wrapped:
    """Takes the WebSockets at `/wrapped` and below `/router`, and leaves the rest to Quart."""

    def __init__(self, rest: Any) -> None:
        self._rest = rest
        self._room = Room.as_asgi()
        self._router = WebSocketRouter({"/router/{room}": Room})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] == "websocket" and scope["path"] == "/wrapped":
            await self._room(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"].startswith("/router/"):
            await self._router(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


quart = Quart(__name__)
# Quart's types for ASGI are hypercorn's, which fit no others.
quart.asgi_app = Wrapped(quart.asgi_app)  # type: ignore[method-assign,assignment]

app = Recording(quart)
