"""Quart: `uvicorn examples.mounting.quart_app:app`.

Quart has no way to mount another application in its routes, but its `asgi_app` may be wrapped,
as for any ASGI middleware.
"""

from quart import Quart

from examples.mounting.greeter import Greeter
from wsendpoints import WebSocketRouter
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["app"]

app = Quart(__name__)


@app.get("/")
async def index() -> str:
    return "Quart answers everything else."


class Rooms:
    """Takes the WebSockets below `/rooms`, and leaves the rest to Quart."""

    def __init__(self, rest: ASGIApp) -> None:
        self.rest = rest
        self.router = WebSocketRouter({"/rooms/{room}": Greeter})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"].startswith("/rooms/"):
            await self.router(scope, receive, send)
        else:
            await self.rest(scope, receive, send)


# Quart's types for ASGI are hypercorn's, which fit no others.
app.asgi_app = Rooms(app.asgi_app)  # type: ignore[assignment, method-assign, arg-type]
