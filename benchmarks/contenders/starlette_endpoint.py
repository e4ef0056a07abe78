"""Starlette: its `WebSocketEndpoint`.

With its own `encoding = "json"`, `json` would read each message and pydantic would validate the
result. It takes text instead, and calls `validate_json`: that is faster. It is served without a
router.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.endpoints import WebSocketEndpoint
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from benchmarks.contenders import ITEM, Contender
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


class AcceptsItself(AnswerTypes):
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()


class Push(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.task = asyncio.create_task(self.push_items(websocket, int(data)))

    async def push_items(self, websocket: WebSocket, number: int) -> None:
        for _ in range(number):
            await websocket.send_text(ITEM)


class Stream(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        async for item in items(int(data)):
            await websocket.send_text(item)


async def items(number: int) -> AsyncIterator[str]:
    for _ in range(number):
        yield ITEM


members: list[WebSocket] = []


class Broadcast(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        members.append(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        for _ in range(int(data)):
            for member in members:
                await member.send_text(ITEM)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        members.remove(websocket)


# The class is an application by itself, but hypercorn takes a class for WSGI.


async def serve_text(scope: Scope, receive: Receive, send: Send) -> None:
    await EchoText(scope, receive, send)


async def serve_json(scope: Scope, receive: Receive, send: Send) -> None:
    await EchoJSON(scope, receive, send)


async def serve_types(scope: Scope, receive: Receive, send: Send) -> None:
    await AnswerTypes(scope, receive, send)


async def serve_types_accepting_itself(scope: Scope, receive: Receive, send: Send) -> None:
    await AcceptsItself(scope, receive, send)


async def serve_push(scope: Scope, receive: Receive, send: Send) -> None:
    await Push(scope, receive, send)


async def serve_stream(scope: Scope, receive: Receive, send: Send) -> None:
    await Stream(scope, receive, send)


async def serve_broadcast(scope: Scope, receive: Receive, send: Send) -> None:
    await Broadcast(scope, receive, send)


contender = Contender(
    name="Starlette's endpoint",
    text=serve_text,
    json=serve_json,
    types=serve_types,
    own_connect=serve_types_accepting_itself,
    push=serve_push,
    stream=serve_stream,
    broadcast=serve_broadcast,
)
