"""wsendpoints, with the same five types: one after the other, and beside each other."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.contenders.ours import AnswerTypes
from benchmarks.messages import Answer, Five, Four, One, Three, Two
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.protocol.asgi import ASGIApp

__all__ = ["BESIDE", "BY_HAND", "CONCURRENT", "KEYED"]

SERIAL: Final = "one after the other"
BY_HAND: Final = "each with a task by hand"
CONCURRENT: Final = "concurrent"
KEYED: Final = "concurrent, with a key"


class ByHand(WebSocketEndpoint):
    """Keeps its tasks, as asyncio asks for, and ends them with the connection."""

    encoding = "json"
    sends = Answer

    async def on_connect(self, websocket: WebSocket) -> None:
        self.tasks = set[asyncio.Task[None]]()
        await websocket.accept()

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        for task in self.tasks:
            task.cancel()

    async def on_receive(self, websocket: WebSocket, data: One | Two | Three | Four | Five) -> None:
        task = asyncio.create_task(self.answer(data))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, data: One | Two | Three | Four | Five) -> None:
        await self.push(Answer(text=data.text, number=NUMBERS[type(data)]))


NUMBERS: Final[Mapping[type[Any], int]] = {One: 1, Two: 2, Three: 3, Four: 4, Five: 5}


class Concurrent(WebSocketEndpoint):
    encoding = "json"

    @handles(concurrent=True)
    async def answer(self, websocket: WebSocket, data: One | Two | Three | Four | Five) -> Answer:
        return Answer(text=data.text, number=NUMBERS[type(data)])


class Keyed(WebSocketEndpoint):
    encoding = "json"

    @handles(concurrent=True, key="text")
    async def answer(self, websocket: WebSocket, data: One | Two | Three | Four | Five) -> Answer:
        return Answer(text=data.text, number=NUMBERS[type(data)])


BESIDE: Final[Mapping[str, ASGIApp]] = {
    SERIAL: AnswerTypes.as_asgi(),
    BY_HAND: ByHand.as_asgi(),
    CONCURRENT: Concurrent.as_asgi(),
    KEYED: Keyed.as_asgi(),
}
"""What a handler beside others costs, and the same with a task that the application keeps."""
