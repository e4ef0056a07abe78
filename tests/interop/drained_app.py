"""An application that is drained by an HTTP request, as by a `preStop` hook."""

import json
from collections import Counter

import anyio

from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["app"]

log: Counter[str] = Counter()
"""What has happened, and how often."""


class Slow(WebSocketEndpoint[str | float]):
    """Answers at once that it begins, and, after as many seconds as the message says, once more."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: float) -> float:
        await self.push("begun")
        await anyio.sleep(data)
        log["handled"] += 1
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        log[f"ended with {close_code}"] += 1


class Drain:
    """Answers once all connections have ended, with what has happened by then."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await app.drain(over=0.5)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(log).encode()})


app = WebSocketRouter({"/slow": Slow, "/drain": Drain()})
