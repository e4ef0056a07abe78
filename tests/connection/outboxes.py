"""Open connections with outboxes, on a server whose sends wait only if they are told to."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from wsendpoints import Limits
from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.outbox import Outbox, Overflow, Owner, size_of
from wsendpoints.connection.posting import Posting
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.state import OPEN

__all__ = ["Box", "Boxes", "boxes", "message"]


def message(text: str) -> dict[str, Any]:
    """Return the event that sends a text."""
    return {"type": "websocket.send", "text": text}


class Box(Owner):
    """A client with an outbox, and what becomes of it.

    Attributes:
        sent: The texts that the server has sent.
        gate: What each send waits for, if there is one.
        fails: What a send raises.
        log: What the outbox tells.
        holds: Run around each wait, as a middleware is.
        connection: The connection.
        box: Its outbox.
    """

    def __init__(self, tasks: TaskGroup, limits: Limits) -> None:
        self.sent: list[str] = []
        self.gate: anyio.Event | None = None
        self.fails: BaseException | None = None
        self.log: list[Any] = []
        self.holds: Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]] | None = None
        self._tasks = tasks
        self.connection = Connection(None, self._send)
        self.connection.state = OPEN
        self.box = Outbox(self.connection, limits, self, running_posting())

    async def _send(self, event: Event) -> None:
        if self.holds is None:
            await self._wait()
        else:
            await self.holds(self._wait())
        if self.fails is not None:
            raise self.fails
        self.sent.append(event["text"] if event["type"] == "websocket.send" else event["type"])

    async def _wait(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    def start(self, func: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run an async function in a task."""
        self._tasks.start_soon(func)

    def overflowed(self, limit: str) -> None:
        """Note it."""
        self.log.append(limit)

    def failed(self, exc: BaseException) -> None:
        """Note it."""
        self.log.append(exc)

    def cancelled(self, exc: BaseException) -> None:
        """Note it."""
        self.log.append(type(exc).__name__)

    async def push(self, text: str) -> None:
        """Send a text in its turn."""
        await self.connection.transmit(message(text))


class Boxes:
    """Some clients, and what sends to all of them.

    Attributes:
        all: The clients.
        tasks: A task group around them.
        posting: Sends to many.
    """

    def __init__(self, tasks: TaskGroup) -> None:
        self.all: list[Box] = []
        self.tasks = tasks
        self.posting: Posting = running_posting()

    def open(self, **limits: Any) -> Box:
        """Add a client."""
        box = Box(self.tasks, Limits(**limits))
        self.all.append(box)
        return box

    def post(
        self,
        text: str,
        overflow: Overflow = "close",
        key: object = None,
        to: list[Box] | None = None,
    ) -> int:
        """Send a text to all, or some; return how many get it."""
        event = message(text)
        some = [one.box for one in (self.all if to is None else to)]
        return self.posting.post(some, event, size_of(event), overflow, key)


@asynccontextmanager
async def boxes() -> AsyncGenerator[Boxes]:
    """Open a place for clients, which all leave at its end."""
    async with anyio.create_task_group() as tasks:
        some = Boxes(tasks)
        try:
            yield some
        finally:
            for one in some.all:
                one.connection.ended()
            tasks.cancel_scope.cancel()
