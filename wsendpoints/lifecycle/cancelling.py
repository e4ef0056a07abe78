"""Cancelling once: what is cancelled has time to clean up, and may wait for that.

A cancelled scope of anyio or trio cancels each wait within it, also those of a `finally`. Here the
first one is cancelled, and none after that until the time is over, whatever the application waits
with.

What runs is driven by hand, so that each wait is seen when it begins and ends. While it waits, the
cancellation can reach it; while it runs, a shield hides that, for trio's functions look at the
scope before they wait. Only while a task group of trio's ends there is no shield: the group would
take the cancellation for its own, and swallow it. What never waits on trio, and only lets others
run, is not reached: after some turns it is cancelled as any other scope is, without time to clean
up.

A send that is cancelled half-way ends the connection. So where the connection goes on, what is
cancelled finishes the sends that are under way, and is cancelled before it begins another. Those
of its clean-up do not count towards the time that it has: a client that reads slowly is not its
fault, and has a limit of its own.
"""

import asyncio
import functools
import math
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, Final, final

import anyio
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.loops import (
    at_once,
    is_asyncio,
    is_cancelled_itself,
    is_of_scope,
    open_groups,
)
from wsendpoints.lifecycle.native import NativeTask
from wsendpoints.protocol.asgi import Event, Send
from wsendpoints.protocol.state import SEND

__all__ = ["RUNNING", "Cancellable", "spare_no_more", "sparing"]

_MOST_MISSED: Final = 100
"""Turns of the event loop that something may take without a wait that the cancellation reaches."""


@final
class Cancellable:
    """Something that runs within two scopes: the outer cancels it, the inner ends its clean-up.

    Args:
        seconds: How long it may clean up; `math.inf` for ever.
    """

    __slots__ = (
        "_end",
        "_groups",
        "_has_come",
        "_inner",
        "_is_alone",
        "_is_deferred",
        "_is_passed_on",
        "_is_pending",
        "_is_told",
        "_missed",
        "_outer",
        "_remaining",
        "_seconds",
        "_sends",
        "is_finished",
        "is_running",
    )

    def __init__(self, seconds: float) -> None:
        self._outer = anyio.CancelScope()
        self._inner = anyio.CancelScope()
        self._seconds = seconds
        self._is_pending = False
        self._is_deferred = False
        self._has_come = False
        self._is_told = False
        self._missed = 0
        self._groups = 0
        self._is_alone = False
        self._is_passed_on = False
        self._sends = 0
        self._remaining = seconds
        self.is_running: bool = False
        self.is_finished: bool = False
        self._end: anyio.Event | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled; it may still clean up."""
        return self._outer.cancel_called

    async def run(self, awaitable: Awaitable[Any]) -> None:
        """Await something; called once."""
        self._groups = len(open_groups())
        try:
            with self._outer, self._inner:
                # It may have been cancelled before it began.
                self._inner.shield = self._outer.cancel_called
                try:
                    await self._drive(_wait(awaitable))
                finally:
                    self._is_pending = False
        except asyncio.CancelledError:
            # `asyncio.gather` may raise another one, which has not the words by which anyio knows
            # that it is its own.
            if not self._outer.cancel_called or is_cancelled_itself():
                raise

    def cancel(self, *, is_alone: bool = False, defers: bool = False) -> None:
        """Cancel its wait, or its next one; a second call does nothing.

        Args:
            is_alone: Whether the connection goes on, so that no send is broken.
            defers: Whether it goes on until `resume_cancel`, since a send may be under way in it.
        """
        if self._outer.cancel_called:
            if not (is_alone or defers):
                self.resume_cancel()
                if self._is_alone:
                    self._is_alone = False
                    self._limit(self._seconds)
            return
        if not defers:
            self._limit(self._seconds)
        self._is_alone = is_alone
        self._is_pending = not self._is_told
        self._is_deferred = defers
        self._inner.shield = self._is_told or self.is_running or defers
        self._outer.cancel()

    def resume_cancel(self) -> None:
        """Cancel it now, if `cancel` deferred that."""
        if self._is_deferred:
            self._is_deferred = False
            self._limit(self._seconds)
            if self._is_pending and not self.is_running:
                self._inner.shield = False

    def _limit(self, seconds: float) -> None:
        self._inner.deadline = anyio.current_time() + seconds

    def finish(self) -> None:
        """Let all that wait for its end go on."""
        self.is_finished = True
        if self._end is not None:
            self._end.set()

    async def ended(self) -> None:
        """Wait until `finish` is called."""
        if not self.is_finished:
            self._end = self._end or anyio.Event()
            await self._end.wait()

    def told(self) -> None:
        """Do not cancel it: an exception tells it of the end already."""
        self._is_told = True
        self._is_pending = False
        if self._outer.cancel_called:
            self._inner.shield = True

    @types.coroutine
    def _drive(self, steps: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
        step: Any = steps.send
        answer: Any = None
        is_on_trio, has_seen = not is_asyncio(), False
        while True:
            self.is_running = True
            try:
                trap = step(answer)
            except StopIteration:
                return
            finally:
                self.is_running = False
                # It may be an exception, whose traceback holds this frame.
                answer = None
            # Trio's checkpoints look twice whether they are cancelled, and let others run between:
            # these might hide what the first look saw. So there they do not run; only once, lest
            # what does nothing else keeps them from running.
            if is_on_trio and not has_seen:
                if (value := at_once(trap)) is not None:
                    has_seen = self._sees_cancellation()
                    if has_seen:
                        step, answer = steps.send, value
                        continue
                # Another one within this may have seen it.
                has_seen = getattr(_abort_of(trap), "has_seen", False)
            if _abort_of(trap) is not None:
                trap = type(trap)(_Noting(self, _abort_of(trap), has_seen))
            was_shielded = self._inner.shield
            if self._outer.cancel_called:
                self._inner.shield = not self._is_pending or self._is_deferred
            try:
                step, answer = steps.send, (yield trap)
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as exc:  # noqa: BLE001 - passed on
                step, answer = steps.throw, exc
                self._has_come = self._is_pending and (has_seen or self._is_own(exc))
            if self._is_passed_on:
                # It is raised at the end of the group.
                self._is_passed_on = False
                self._has_come = not self._is_alone or self._is_in_ending_group()
            if has_seen:
                # It is raised within a scope of the checkpoint's, which would catch what is hidden.
                has_seen = False
                self.resume_cancel()
                self._inner.shield = False
            elif self._outer.cancel_called and not self._is_told:
                # What looks at the scope twice sees the same: before and after it lets others run.
                can_change = self._is_pending or _abort_of(trap) is not None
                self._inner.shield = self._is_hidden() if can_change else was_shielded
            if self._is_pending and not self._is_deferred:
                self._missed += 1
                self._is_pending = not self._has_come
                if self._is_pending and self._missed > _MOST_MISSED:
                    self._is_pending = False
                    self._inner.cancel()

    def _sees_cancellation(self) -> bool:
        """Whether it sees, on trio, that a scope around it is cancelled, and it is not itself."""
        if self._outer.cancel_called or anyio.current_effective_deadline() > -math.inf:
            return False
        self._inner.shield = True
        is_of_its_own = anyio.current_effective_deadline() == -math.inf
        self._inner.shield = False
        return not is_of_its_own

    def note(self, *, is_passed_on: bool) -> None:
        """Note that the cancellation has come, or was passed on to the tasks of a group."""
        if self._is_pending:
            self._is_passed_on = is_passed_on
            self._has_come = not is_passed_on

    def _is_hidden(self) -> bool:
        """Whether it sees nothing of its cancellation while it runs: unless a group ends."""
        # Once the connection is over, what the group swallows shows at the next send.
        return not (self._is_alone and self._has_come and self._is_in_ending_group())

    def _is_in_ending_group(self) -> bool:
        groups = open_groups()[self._groups :]
        return bool(groups) and groups[-1].cancel_scope.cancel_called

    def _is_own(self, exc: BaseException) -> bool:
        """Whether an exception may be the cancellation, and is not that of a scope within it."""
        is_ours = not is_of_scope(exc) or f"{id(self._outer):x}" in str(exc)
        return is_ours and isinstance(exc, asyncio.CancelledError)

    async def before_send(self) -> None:
        """Let a cancellation that is still to come arrive here, where nothing is sent yet."""
        while self._is_pending and not self.is_finished:
            if not self.is_running and is_cancelled_itself():
                # Its own cancellation may still be to come, at its next wait.
                await checkpoint()
                break
            await self.ended()
        if self.is_running:
            self._inner.shield = True
        # In a task that it started, and that is cancelled together with it.
        await checkpoint_if_cancelled()

    def send_began(self) -> None:
        """A send of its clean-up begins: meanwhile its time stands still."""
        self._sends += 1
        if self._sends == 1 and self._is_alone:
            self._remaining = self._inner.deadline - anyio.current_time()
            self._inner.deadline = math.inf

    def send_ended(self) -> None:
        """It has ended."""
        self._sends -= 1
        if self._sends == 0 and self._is_alone:
            self._limit(self._remaining)


@final
class _Noting:
    """A function of trio's that ends a wait, which notes that the cancellation has come there.

    A wait for the tasks of a group passes it on to them, and one that only lets others run has no
    such function. On asyncio the cancellation is raised.

    Args:
        one: What waits.
        abort: The function.
        has_seen: Whether it, or what is within it, has seen a cancellation of a scope around it.
    """

    __slots__ = ("_abort", "_one", "has_seen")

    def __init__(self, one: Cancellable, abort: Callable[[Any], Any], has_seen: bool) -> None:
        self._one = one
        self._abort = abort
        self.has_seen: bool = has_seen

    def __call__(self, raise_cancel: Any) -> Any:
        aborted = self._abort(raise_cancel)
        self._one.note(is_passed_on=aborted.name == "FAILED")
        return aborted


def _abort_of(trap: Any) -> Any:
    return getattr(trap, "abort_func", None)


RUNNING: Final[ContextVar[Cancellable | NativeTask | None]] = ContextVar(
    "wsendpoints_running", default=None
)
"""The task of a connection that a send is a part of; known in the tasks that it starts, too."""


def sparing(connection: Connection) -> Send:
    """Return a `send` for a connection on which something may be cancelled alone."""
    send = connection.send

    @functools.wraps(send, updated=())
    async def sparing_send(event: Event) -> None:
        running = RUNNING.get()
        is_cancelled = running is not None and running.is_cancelled and not running.is_finished
        if running is not None and is_cancelled and event["type"] == SEND:
            # It is not under way, and whoever waits for those that are does not wait for it.
            sends = connection.sends
            sends.under_way -= 1
            try:
                await running.before_send()
            except BaseException:
                connection.is_unsent = True
                raise
            finally:
                sends.under_way += 1
            running.send_began()
            try:
                await send(event)
            finally:
                running.send_ended()
        else:
            await send(event)

    return sparing_send


def spare_no_more(connection: Connection) -> None:
    """Give a connection its own `send` back: the other one holds it."""
    connection.send = getattr(connection.send, "__wrapped__", connection.send)


async def _wait(awaitable: Awaitable[Any]) -> None:
    await awaitable
