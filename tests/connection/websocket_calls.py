"""Calls of a WebSocket that its tests make, and ways to make them."""

import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tests.waiting import all_tasks_blocked
from wsendpoints import WebSocket

__all__ = ["RECEIVING", "SENDING", "Call", "cancelled", "soon", "taken", "without_gc"]

Call = Callable[[WebSocket], Coroutine[Any, Any, object]]

SENDING: dict[str, Call] = {
    "send_text": lambda websocket: websocket.send_text("x"),
    "send_bytes": lambda websocket: websocket.send_bytes(b"x"),
    "send_json": lambda websocket: websocket.send_json([]),
    "send": lambda websocket: websocket.send({"type": "websocket.send", "text": "x"}),
}

RECEIVING: dict[str, Call] = {
    "receive_text": WebSocket.receive_text,
    "receive_bytes": WebSocket.receive_bytes,
    "receive_json": WebSocket.receive_json,
    "iter_text": lambda websocket: taken(websocket.iter_text()),
    "iter_bytes": lambda websocket: taken(websocket.iter_bytes()),
    "iter_json": lambda websocket: taken(websocket.iter_json()),
}


async def taken(messages: AsyncIterator[Any]) -> list[Any]:
    """Return what an iterator yields."""
    return [message async for message in messages]


async def soon(tasks: TaskGroup, call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Call in a task of its own, and return once it waits, or has ended."""
    tasks.start_soon(call)
    await all_tasks_blocked()


async def cancelled(call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Call, and cancel the call once it waits."""
    async with anyio.create_task_group() as tasks:
        await soon(tasks, call)
        tasks.cancel_scope.cancel()


@contextmanager
def without_gc() -> Generator[None]:
    """Keep the garbage collector from running."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
