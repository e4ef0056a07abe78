"""An application that tells what it sees behind a proxy, and is drained for one proxy at a time."""

from typing import Any

from wsendpoints import Denied, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["app"]


class Seen(WebSocketEndpoint[dict[str, Any] | str]):
    """Tells what it sees of a handshake, and echoes."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        assert websocket.client
        await self.push(
            {
                "url": str(websocket.url),
                "client": websocket.client.host,
                "forwarded for": websocket.headers.getlist("x-forwarded-for"),
                "forwarded proto": websocket.headers.getlist("x-forwarded-proto"),
                # That of its own socket, whatever the proxy says.
                "port": websocket.scope["server"][1],
            }
        )

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


class ByNginx(Seen):
    """Is drained for nginx."""


class ByCaddy(Seen):
    """Is drained for Caddy."""


class Refusing(WebSocketEndpoint):
    """Lets nobody in, and says why."""

    async def on_connect(self, websocket: WebSocket) -> None:
        raise Denied(410, headers={"x-reason": "moved"}, body="the room is closed")


class Drain:
    """Answers once all connections of a class have ended."""

    def __init__(self, cls: type[WebSocketEndpoint[Any]]) -> None:
        self.cls = cls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.cls.drain(over=0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})


app = WebSocketRouter(
    {
        "/ws/seen": Seen,
        "/ws/refusing": Refusing,
        "/ws/nginx": ByNginx,
        "/ws/caddy": ByCaddy,
        "/drain/nginx": Drain(ByNginx),
        "/drain/caddy": Drain(ByCaddy),
    }
)
