"""Quart: `uvicorn examples.mounting.quart_app:app`.

Quart has no way to mount another application in its routes, but its `asgi_app` may be wrapped,
as for any ASGI middleware.
"""

import re

from quart import Quart

from examples.mounting.greeter import Greeter
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["app"]

app = Quart(__name__)


@app.get("/")
async def index() -> str:
    return "Quart answers everything else."


class Rooms:
    """Takes the WebSockets at `/rooms/{room}`, and leaves the rest to Quart."""

    def __init__(self, rest: ASGIApp) -> None:
        self.rest = rest
        self.greeter = Greeter.as_asgi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and (
            match := re.fullmatch(r"/rooms/([^/]+)", scope["path"])
        ):
            scope = {**scope, "path_params": {"room": match[1]}}
            await self.greeter(scope, receive, send)
        else:
            await self.rest(scope, receive, send)


# Quart's types for ASGI are hypercorn's, which fit no others.
app.asgi_app = Rooms(app.asgi_app)  # type: ignore[assignment, method-assign, arg-type]
