"""A task of asyncio's own, for what is started for a message.

One in a task group of anyio's takes three times as long to begin and to end, and another cancel
scope as long as the whole task. Its cancellation comes once, so that it has time to clean up.
"""

import asyncio
import math
from collections.abc import Coroutine, Iterable
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, final

from anyio import CancelScope
from anyio.lowlevel import checkpoint

from wsendpoints.lifecycle.loops import is_cancelled_itself

__all__ = ["NativeTask", "end_all"]

_AGAIN: Final = 0.01
"""Seconds between two cancellations of a task whose time to clean up is over."""

_CLEANING: Final[ContextVar["NativeTask | None"]] = ContextVar("wsendpoints_cleaning", default=None)
"""The task that was cancelled before this began: what it starts then is a part of its clean-up."""


@final
class NativeTask:
    """A task that is cancelled natively.

    Args:
        seconds: How long it may clean up once it is cancelled; `math.inf` for ever.

    Attributes:
        is_cancelled: Whether it was cancelled; it may still clean up.
        is_finished: Whether it has ended.
        task: The task, until it has ended.
    """

    __slots__ = (
        "_context",
        "_end",
        "_has_begun",
        "_is_alone",
        "_is_deferred",
        "_remaining",
        "_seconds",
        "_sends",
        "_timer",
        "is_cancelled",
        "is_finished",
        "task",
    )

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.task: asyncio.Task[None] | None = None
        self._context: Context
        self._timer: asyncio.TimerHandle | None = None
        self._end: asyncio.Event | None = None
        self._is_deferred = False
        self._is_alone = False
        self._has_begun = False
        self._sends = 0
        self._remaining = seconds
        self.is_cancelled: bool = False
        self.is_finished: bool = False

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the task; it calls `begin` first, and `finish` in the end."""
        self._context = copy_context()
        # Not by the loop's task factory: an eager task may end before it is known.
        self.task = asyncio.Task(coroutine, loop=asyncio.get_running_loop(), context=self._context)

    def begin(self) -> None:
        """It begins: from now on it can be cancelled. Before, it has to look at `is_cancelled`."""
        self._has_begun = True

    @property
    def is_running(self) -> bool:
        """Whether it is what runs at this moment."""
        # Once it has ended, and outside of any task, both are `None`.
        return self.task is not None and self.task is asyncio.current_task()

    def cancel(self, *, is_alone: bool = False, defers: bool = False) -> None:
        """Cancel its wait, or its next one; a second call does nothing.

        Args:
            is_alone: Whether the connection goes on, so that no send is broken.
            defers: Whether it goes on until `resume_cancel`, since a send may be under way in it.
        """
        if self.is_cancelled:
            if not (is_alone or defers):
                self.resume_cancel()
                self._spare_no_more()
            return
        self.is_cancelled = self._is_deferred = True
        self._is_alone = is_alone
        if not defers:
            self.resume_cancel()

    def resume_cancel(self) -> None:
        """Cancel it now, if `cancel` deferred that."""
        if self._is_deferred and self.is_running:
            # Cancelled now, its next wait would be, which may be in the middle of a send.
            asyncio.get_running_loop().call_soon(self.resume_cancel)
        elif self._is_deferred:
            self._is_deferred = False
            # asyncio never runs a task that is cancelled before it began, so nothing in it would
            # tell of its end.
            if self.task is not None and self._has_begun:
                self.task.cancel()
                self._insist_in(self._seconds, self.task)
                self._context.run(_CLEANING.set, self)

    def _spare_no_more(self) -> None:
        if self._is_alone:
            self._is_alone = False
            if self.task is not None and not self._is_deferred:
                self._insist_in(self._seconds, self.task)

    def _insist_in(self, seconds: float, task: asyncio.Task[None]) -> None:
        self._stop_timer()
        if seconds < math.inf:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._insist, task)

    def _insist(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._insist_in(_AGAIN, task)

    async def before_send(self) -> None:
        """Let a cancellation that is still to come arrive here, where nothing is sent yet.

        A task that it started before waits for its end: it is cancelled together with it, or goes
        on then. One that is cancelled already, or that it starts to clean up, need not.
        """
        if self.is_running:
            if self._is_deferred:
                await self.ended()
            return
        is_cleaning = _CLEANING.get() is self or is_cancelled_itself()
        if self._is_deferred or not is_cleaning:
            await self.ended()
        # Its own cancellation may still be to come, at its next wait.
        await checkpoint()

    def send_began(self) -> None:
        """A send of its clean-up begins: meanwhile its time stands still."""
        self._sends += 1
        if self._timer is not None and self._is_alone:
            self._remaining = self._timer.when() - asyncio.get_running_loop().time()
            self._stop_timer()

    def send_ended(self) -> None:
        """It has ended."""
        self._sends -= 1
        if self._sends == 0 and self._is_alone and self.task is not None:
            self._insist_in(self._remaining, self.task)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def finish(self) -> None:
        """It has ended: let all that wait for that go on."""
        self.is_finished = True
        self.task = None
        # It holds this: without the reference it is no cycle.
        del self._context
        self._stop_timer()
        if self._end is not None:
            self._end.set()

    async def ended(self) -> None:
        """Wait until it has ended."""
        if not self.is_finished:
            self._end = self._end or asyncio.Event()
            await self._end.wait()


async def end_all(some: Iterable[NativeTask]) -> None:
    """Cancel some tasks, and wait until they have ended; a cancellation is raised behind that."""
    cancellation: asyncio.CancelledError | None = None
    tasks: list[asyncio.Task[None]] = []
    for one in some:
        one.cancel()
        if one.task is not None:
            tasks.append(one.task)
    with CancelScope(shield=True):
        while waiting := [task for task in tasks if not task.done()]:
            try:
                await asyncio.wait(waiting)
            except asyncio.CancelledError as exc:
                cancellation = exc
    if cancellation is not None:
        try:
            raise cancellation
        finally:
            # It holds this frame: without this reference it is no cycle.
            del cancellation
