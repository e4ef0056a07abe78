"""Tasks in whose name others begin a send, and which keep those that have to wait. On asyncio.

A coroutine has to be run by one task from its beginning to its end: what it holds over a wait, such
as a cancel scope, a timeout, or the token of a context variable, belongs to that task. So a send to
another client is begun in the name of a spare task. If it ends at once, nothing else has happened,
which is 15 times as fast as a task of its own. If it has to wait, that task keeps it, and the next
send is begun in the name of another.

`_enter_task` and `_leave_task` are documented for this use: Python's manual, asyncio, "Extending",
"Task lifetime support".
"""

import asyncio
from asyncio.tasks import (
    _enter_task,  # pyright: ignore[reportPrivateUsage]  # documented, as told above
    _leave_task,  # pyright: ignore[reportPrivateUsage]  # likewise
)
from collections.abc import Iterable, Iterator
from contextvars import Context
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

from anyio import get_cancelled_exc_class
from anyio.lowlevel import RunVar

from wsendpoints.connection.posting import Posting, PostingByTasks
from wsendpoints.connection.stepping import DONE
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.state import OPEN

if TYPE_CHECKING:
    from wsendpoints.connection.outbox import Outbox, Overflow

__all__ = ["PostingByCarriers", "running_posting"]

_MOST_SPARE: Final = 1024
"""Tasks that are kept for later; more than that end once they have sent."""

_Stuck: TypeAlias = "tuple[Outbox, Any, Any]"


@final
class Carrier:
    """A task that goes on with sends which others have begun in its name.

    Args:
        posting: Takes it back once nothing is left to send.
        loop: The event loop.

    Attributes:
        context: What it runs in: that of no connection, and of no publisher.
        task: The task.
    """

    __slots__ = ("_job", "_loop", "_posting", "_wake", "context", "task")

    def __init__(self, posting: "PostingByCarriers", loop: asyncio.AbstractEventLoop) -> None:
        self._posting = posting
        self._loop = loop
        self._job: _Stuck | None = None
        self._wake: asyncio.Future[None] | None = None
        self.context: Context = Context()
        # Not by the loop's task factory: an eager task would begin before this is known.
        self.task: asyncio.Task[None] = asyncio.Task(
            self._run(), loop=loop, name="wsendpoints carrier", context=self.context
        )

    def carry(self, box: "Outbox", steps: Any = None, trap: Any = DONE) -> None:
        """Go on with a send of an outbox, if there is one, and then with what waits in it."""
        box.carrier = self.task
        self._job = (box, steps, trap)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _run(self) -> None:
        while True:
            if self._job is None:
                self._wake = self._loop.create_future()
                try:
                    await self._wake
                except asyncio.CancelledError as exc:
                    if self._job is None:
                        raise
                    # It is for the send that was begun in this task's name, where that waits.
                    self.task.uncancel()
                    self._loop.call_soon(self.task.cancel, *exc.args)
                self._wake = None
            else:
                (box, steps, trap), self._job = self._job, None
                try:
                    await box.deliver(steps, trap)
                finally:
                    box.carrier = None
                    # It waits for the next one, and holds nothing of this one.
                    del box, steps, trap
                if not self._posting.take_back(self):
                    return


@final
class PostingByCarriers(Posting):
    """Sends in the name of spare tasks.

    Args:
        loop: The event loop.
    """

    __slots__ = ("_loop", "_number", "_spare")

    at_once: ClassVar[int] = 256

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._spare: list[Carrier] = []
        self._number = 0

    def post(
        self, boxes: Iterable["Outbox"], event: Event, size: int, overflow: "Overflow", key: object
    ) -> int:
        """Send a message to some clients, or have it wait in their outboxes."""
        loop, number, remaining = self._loop, 0, iter(boxes)
        publisher = asyncio.current_task(loop)
        while True:
            carrier = self._take()
            if publisher is not None:
                _leave_task(loop, publisher)
            _enter_task(loop, carrier.task)
            try:
                sent, stuck = carrier.context.run(_post, remaining, event, size, overflow, key)
            finally:
                _leave_task(loop, carrier.task)
                if publisher is not None:
                    _enter_task(loop, publisher)
            number += sent
            if stuck is None:
                if not self.take_back(carrier):
                    carrier.task.cancel()
                return number
            carrier.carry(*stuck)

    def go_on(self, box: "Outbox") -> None:
        """Have a spare task send what waits."""
        self._take().carry(box)

    def opened(self) -> None:
        """There is one more outbox."""
        self._number += 1

    def released(self, box: "Outbox") -> None:
        """There is one less. With the last one the spare tasks end."""
        # Not the one that has just found the connection ended itself.
        if box.carrier is not None and box.carrier is not asyncio.current_task(self._loop):
            box.carrier.cancel()
        self._number -= 1
        if not self._number:
            for carrier in self._spare:
                carrier.task.cancel()
            self._spare.clear()

    def _take(self) -> Carrier:
        return self._spare.pop() if self._spare else Carrier(self, self._loop)

    def take_back(self, carrier: Carrier) -> bool:
        """Keep a spare task for later; return whether it is kept."""
        is_needed = self._number and len(self._spare) < _MOST_SPARE
        # A send may have swallowed the cancellation that was to end it.
        if not is_needed or carrier.task.cancelling():
            return False
        self._spare.append(carrier)
        return True


def _post(
    boxes: Iterator["Outbox"], event: Event, size: int, overflow: "Overflow", key: object
) -> "tuple[int, _Stuck | None]":
    number = 0
    for box in boxes:
        if box.is_busy:
            number += box.keep({**event}, size, overflow, key)
            continue
        if box.is_closed or box.connection.state is not OPEN:
            continue
        try:
            steps = box.raw({**event}).__await__()
            trap = next(steps, DONE)
        except Exception as exc:  # noqa: BLE001 - its connection is told
            box.send_failed(box.connection, exc)
            continue
        except asyncio.CancelledError as exc:
            # What it awaited was cancelled, and not the publisher.
            box.send_cancelled(box.connection, exc)
            continue
        number += 1
        if trap is not DONE:
            box.is_busy = True
            return number, (box, steps, trap)
    return number, None


_running: Final[RunVar[Posting]] = RunVar("wsendpoints posting")


def running_posting() -> Posting:
    """Return what sends to many on the running event loop."""
    posting = _running.get(None)
    if posting is None:
        is_asyncio = get_cancelled_exc_class() is asyncio.CancelledError
        loop = asyncio.get_running_loop() if is_asyncio else None
        posting = PostingByTasks() if loop is None else PostingByCarriers(loop)
        _running.set(posting)
    return posting
