"""Starlette: its `WebSocketEndpoint`.

With its own `encoding = "json"`, `json` would read each message and pydantic would validate the
result. It takes text instead, and calls `validate_json`: that is faster. It is served without a
router.
"""

from typing import Any

from starlette.endpoints import WebSocketEndpoint
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from benchmarks.contenders import Contender
from benchmarks.messages import answer, inbound

__all__ = ["contender"]


class EchoText(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await websocket.send_text(data)


class EchoJSON(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_json(data)


class AnswerTypes(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        reply = await answer(inbound.validate_json(data))
        await websocket.send_text(reply.model_dump_json())


# The class is an application by itself, but hypercorn takes a class for WSGI.


async def serve_text(scope: Scope, receive: Receive, send: Send) -> None:
    await EchoText(scope, receive, send)


async def serve_json(scope: Scope, receive: Receive, send: Send) -> None:
    await EchoJSON(scope, receive, send)


async def serve_types(scope: Scope, receive: Receive, send: Send) -> None:
    await AnswerTypes(scope, receive, send)


contender = Contender(
    name="Starlette's endpoint", text=serve_text, json=serve_json, types=serve_types
)
