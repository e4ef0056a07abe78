"""Endpoints that refuse, close and fail, for what a browser sees of it."""

from typing import Any

from pydantic import BaseModel

from wsendpoints import Denied, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["app"]


class Refusing(WebSocketEndpoint):
    """Refuses with a status."""

    async def on_connect(self, websocket: WebSocket) -> None:
        raise Denied(websocket.path_params["status"])


class Elsewhere(WebSocketEndpoint):
    """Is for the pages of another origin."""

    allowed_origins = ("https://example.com",)


class Number(BaseModel):
    """What the query has to have."""

    number: int


class Strict(WebSocketEndpoint):
    """Takes a number alone."""

    params: Number


class Closing(WebSocketEndpoint):
    """Accepts, and closes."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4401, "expired")


class DeliberateError(Exception):
    """It is meant to fail."""


class Failing(WebSocketEndpoint):
    """Fails before the accept."""

    async def on_connect(self, websocket: WebSocket) -> None:
        raise DeliberateError


class FailingLater(WebSocketEndpoint):
    """Fails behind it."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        raise DeliberateError


router = WebSocketRouter(
    {
        "/denied/{status:int}": Refusing,
        "/elsewhere": Elsewhere,
        "/strict": Strict,
        "/closing": Closing,
        "/failing": Failing,
        "/failing-later": FailingLater,
    }
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve them, and an empty page."""
    if scope["type"] == "http":
        headers: Any = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<title>A page</title>"})
    else:
        await router(scope, receive, send)
