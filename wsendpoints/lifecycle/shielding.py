"""Running something to its end, whatever cancels the task that waits for it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Self, TypeVar

import anyio
from typing_extensions import override

from wsendpoints.lifecycle.loops import is_asyncio

__all__ = ["run_shielded", "uninterrupted"]

T = TypeVar("T")


async def run_shielded(
    func: Callable[[], Coroutine[Any, Any, T]],
) -> tuple[T | None, BaseException | None]:
    """Run an async function to its end; no cancellation from outside reaches it.

    A shielded cancel scope is enough on trio. On asyncio it does not stop a native
    `Task.cancel`, which is what `asyncio.timeout` and the servers that shut down call. So the
    function runs in a task of its own there, which nobody else knows: its own timeouts and task
    groups cancel that task, and all other cancellations arrive here.

    It could not run in the task that waits, with each cancellation caught between it and the
    event loop: those of an `asyncio.timeout` within it look the same. Nor could it move to a task
    of its own once it had begun, for the scopes that it has open belong to the first task.

    Args:
        func: Lets no exception pass but its cancellation.

    Returns:
        What it returned, or `None` if the event loop was shut down meanwhile; and the
        cancellation that arrived, which the caller has to raise.
    """
    if not is_asyncio():
        with anyio.CancelScope(shield=True):
            return await func(), None
    running = _Running(func())
    cancellation: BaseException | None = None
    # A cancelled scope would cancel the wait again in each turn of the event loop.
    with anyio.CancelScope(shield=True):
        try:
            await running
        except asyncio.CancelledError as exc:
            cancellation = exc
    try:
        return running.result(), cancellation
    finally:
        # The exception holds this frame: without this reference it is no cycle.
        del cancellation


def uninterrupted(result: T | None, cancellation: BaseException | None) -> T | None:
    """Return the result of what ran shielded; raise the cancellation, if one arrived meanwhile."""
    if cancellation is None:
        return result
    try:
        raise cancellation
    finally:
        # The exception holds this frame: without this reference it is no cycle.
        del cancellation


class _Running(asyncio.Future[T | None]):
    """A coroutine that runs in a task of its own, but in the context of the task that waits.

    What was set in a context variable can be reset in the very same context alone. Before Python
    3.12 a task tells its context to the future that it waits for, and to nothing else.
    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        super().__init__()
        self._work = work

    @override
    def add_done_callback(
        self, fn: Callable[[Self], object], /, *, context: Context | None = None
    ) -> None:
        """Start, once the task that waits asks to be told of the end."""
        super().add_done_callback(fn, context=context)
        # Not by the loop's task factory: an eager task can't begin in the context that it is
        # made in.
        self._task = asyncio.Task(self._run(), loop=self.get_loop(), context=context)

    @override
    def cancel(self, msg: object = None) -> bool:
        """Refuse: a task that is cancelled while it waits for this gets to know at the end."""
        return False

    async def _run(self) -> None:
        try:
            self.set_result(await self._work)
        finally:
            if not self.done():
                self.set_result(None)
            # A traceback in the result leads to this frame: without this reference it is no cycle.
            del self
