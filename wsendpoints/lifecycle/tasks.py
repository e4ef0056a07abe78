"""The tasks that live as long as a connection, and no longer."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVarTuple, Unpack

from anyio import CancelScope, create_task_group, get_cancelled_exc_class

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.outbox import Outbox
from wsendpoints.lifecycle.cancelling import RUNNING, Cancellable, spare_no_more, sparing
from wsendpoints.lifecycle.failures import (
    Verdict,
    failed_wait,
    holds_only,
    is_group,
    judge,
    without,
)
from wsendpoints.lifecycle.functions import check_awaitable
from wsendpoints.lifecycle.loops import asyncio_task
from wsendpoints.lifecycle.native import NativeTask, end_all
from wsendpoints.protocol.exceptions import Denied, InvalidStateError, WebSocketDisconnect
from wsendpoints.protocol.state import ACCEPTING, CONNECTING, HANDSHAKE, OPEN

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from wsendpoints.connection.sends import Sends

__all__ = ["Tasks"]

Ts = TypeVarTuple("Ts")

_NONE: Final[set[Cancellable]] = set()
"""Shared by all connections that have none: an empty set takes 200 bytes."""

_NO_HANDLERS: Final[set[Cancellable | NativeTask]] = set()

_NOT_ENDED: Final = frozenset({CONNECTING, HANDSHAKE, ACCEPTING, OPEN})


class Tasks:
    """What runs for a connection beside its handler.

    Args:
        connection: Whose tasks they are.
        seconds: How long what is cancelled may clean up; `math.inf` for ever.

    Attributes:
        group: The task group around all that the connection does.
        failure: The first exception that ended one of them, or the connection.
        outbox: What waits for the client; `None` until anything may.
        were_started: Whether any was started.
        also_ends: A scope that is cancelled together with them; `None` for none.
    """

    __slots__ = (
        "_connection",
        "_deferred",
        "_handlers",
        "_is_closed",
        "_requests",
        "_running",
        "_seconds",
        "also_ends",
        "failure",
        "group",
        "outbox",
        "were_started",
    )

    def __init__(self, connection: Connection, seconds: float = math.inf) -> None:
        self.group: TaskGroup = create_task_group()
        self.failure: BaseException | None = None
        self._connection = connection
        self._is_closed = False
        task = asyncio_task()
        # How often the task was cancelled natively before; `None` unless it is asyncio's.
        self._requests: int | None = None if task is None else task.cancelling()
        self._seconds = seconds
        self._running: set[Cancellable] = _NONE
        # Each waits until these sends have ended; `None` as long as nothing is cancelled alone.
        self._deferred: tuple[tuple[Sends, Cancellable | NativeTask], ...] | None = None
        self._handlers: set[Cancellable | NativeTask] = _NO_HANDLERS
        self.outbox: Outbox | None = None
        self.were_started: bool = False
        self.also_ends: CancelScope | None = None

    @property
    def are_of_asyncio(self) -> bool:
        """Whether it is asyncio's loop that runs them."""
        return self._requests is not None

    async def __aenter__(self) -> None:
        await self.group.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        try:
            if self._handlers:
                try:
                    await end_all(it for it in self._handlers if isinstance(it, NativeTask))
                except asyncio.CancelledError as exc:
                    exc_type, exc_val, exc_tb = type(exc), exc, exc.__traceback__
            if self.were_started or self._requests is None:
                is_caught = await self.group.__aexit__(exc_type, exc_val, exc_tb)
            else:
                # There is nothing to wait for. anyio's group would wait for a turn of the event
                # loop even so, which is a quarter of what the whole connection takes.
                is_caught = self.group.cancel_scope.__exit__(exc_type, exc_val, exc_tb)
            # Before 4.16, anyio takes a native cancellation in the same turn for its own.
            if is_caught and self._has_more_requests():
                raise asyncio.CancelledError
            return is_caught
        finally:
            for one in self._running:  # those that never began
                one.finish()
            if self._deferred is not None:
                spare_no_more(self._connection)
            if self.outbox is not None:
                self._connection.send = self.outbox.raw
            # The exception may hold this frame: without these references it is no cycle.
            del exc_val, exc_tb

    def start(
        self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]
    ) -> Cancellable | None:
        """Run an async function in a task of its own.

        Returns:
            What `cancel_one` cancels; `None` if all is being ended already, and nothing begins.
        """
        # It would be cancelled before it began. Begun each time, others could keep the group open;
        # begun behind the last wait of the group, it would outlive that.
        if self.is_ending:
            return None
        # Known from now on, since it may be cancelled before it has begun.
        one = self._new()
        self.were_started = True
        self.group.start_soon(self._run, one, func, args)
        return one

    def start_handler(
        self,
        one: Cancellable | NativeTask,
        func: Callable[[Unpack[Ts]], Awaitable[Any]],
        args: tuple[*Ts],
    ) -> None:
        """Run an async function in a task of its own, which `cancel` leaves alone.

        Args:
            one: A new one, of `new_handler`.
            func: The function.
            args: What it is called with.
        """
        self.were_started = True
        if self._handlers is _NO_HANDLERS:
            self._handlers = set()
        self._handlers.add(one)
        if isinstance(one, Cancellable):
            self.group.start_soon(self._run, one, func, args)
        else:
            one.start(self._run_natively(one, func, args))

    def new_handler(self) -> Cancellable | NativeTask:
        """Return what can be cancelled alone, with the time to clean up that all tasks have."""
        if self._requests is None:
            return Cancellable(self._seconds)
        return NativeTask(self._seconds)

    def cancel_one(self, one: Cancellable | NativeTask) -> None:
        """Cancel what was started, though the connection goes on: none of its sends is broken."""
        connection = self._connection
        if one.is_cancelled or one.is_finished:
            return
        if self._deferred is None:
            self._deferred = ()
            connection.send = sparing(connection)
        # Which of them are its own, only the tasks that it started know.
        sends = connection.mark_sends()
        if sends is not None:
            self._deferred = (*self._deferred, (sends, one))
            connection.tells_sent = True
        one.cancel(is_alone=True, defers=sends is not None)

    def sent(self) -> bool:
        """A send has ended; return whether there is anything to cancel once others have."""
        if self._deferred:
            ready = [one for sends, one in self._deferred if not sends.are_under_way]
            self._deferred = tuple(it for it in self._deferred if it[0].are_under_way)
            for one in ready:
                if self._requests is None:
                    # The send may have been that of a task in a group. On trio the group does not
                    # tell of a cancellation that comes when its last task is about to end.
                    self.start_own(partial(_resume_cancel, one), "wsendpoints cancellation")
                else:
                    one.resume_cancel()
        return bool(self._deferred)

    def open_outbox(self, make: Callable[[], Outbox]) -> Outbox:
        """Return what waits for the client; it is made where it is first needed."""
        if self.outbox is None:
            # What spares sends is around it, so that it spares their turns as well.
            if self._deferred is not None:
                spare_no_more(self._connection)
            self.outbox = make()
            if self._deferred is not None:
                self._connection.send = sparing(self._connection)
        return self.outbox

    def start_own(self, func: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Run a task of this library's, which `cancel` leaves alone."""
        self.were_started = True
        self.group.start_soon(self._contain, func, (), name=name)

    def cancel(self) -> None:
        """Cancel one wait of each task of the application's, and of what `run` awaits."""
        for one in self._running:
            one.cancel()

    def told(self) -> None:
        """Do not cancel the one that runs at this moment: an exception tells it of the end."""
        for one in self._running:
            if one.is_running:
                one.told()

    @property
    def is_cancelled(self) -> bool:
        """Whether `end` was called, or the moment of `end_at` has come."""
        return self.group.cancel_scope.cancel_called

    @property
    def is_ending(self) -> bool:
        """Whether nothing of the application's may begin any more."""
        return self._is_closed or self.is_cancelled

    @property
    def has_ended_itself(self) -> bool:
        """Whether a cancellation of asyncio's that came out of it is that of `end`.

        What the application awaits may raise another one, in other words than anyio knows.
        """
        return self._requests is not None and self.is_cancelled and not self._has_more_requests()

    def close(self) -> None:
        """Let no task of the application begin any more: the group is about to end."""
        self._is_closed = True
        if self.outbox is not None:
            # What is under way in it may need a task.
            self.outbox.release()
        if self._deferred is not None:
            # Nothing tells any more of the end of sends, which some may wait for.
            for one in (*self._running, *self._handlers):
                if one.is_cancelled:
                    one.cancel()

    def end(self) -> None:
        """Cancel all that the connection does: the tasks, the reader, and the handlers."""
        self.cancel()
        for handler in self._handlers:
            handler.cancel()
        self.group.cancel_scope.cancel()
        if self.also_ends is not None:
            self.also_ends.cancel()

    def end_at(self, moment: float) -> None:
        """Do so at a moment of the event loop's clock; a further call changes the moment."""
        self.group.cancel_scope.deadline = moment
        if self.also_ends is not None:
            self.also_ends.deadline = moment

    def fail(self, exc: BaseException) -> None:
        """Keep an exception, to be raised in the end: the first, for others follow from it.

        A disconnect gives way to any other, since it is not raised, and a `Denied` to a failure,
        which it would hide. What a group holds of the cancellation by `end` is dropped: no scope
        behind it would know of it.
        """
        # A group that has not been entered yet does not know whether it is cancelled.
        if is_group(exc) and self.is_cancelled:
            remaining = without(exc, get_cancelled_exc_class())
            if remaining is None:
                return
            exc = remaining
        if (
            self.failure is None
            or holds_only(self.failure, WebSocketDisconnect)
            or (isinstance(self.failure, Denied) and judge(exc)[0] is Verdict.FAILURE)
        ):
            self.failure = exc

    async def run(self, awaitable: Awaitable[Any]) -> None:
        """Await something that is cancelled together with the tasks."""
        one = self._new()
        try:
            await one.run(awaitable)
        finally:
            self._running.discard(one)

    async def _run(
        self,
        one: Cancellable,
        func: Callable[[Unpack[Ts]], Awaitable[Any]],
        args: tuple[*Ts],
    ) -> None:
        RUNNING.set(one)
        try:
            await self._contain(one.run, (_call(func, args),))
        except get_cancelled_exc_class() as exc:
            if (failed := failed_wait(exc)) is None:
                raise
            # At the end it is another one that was raised in place of that.
            if not self.is_cancelled:
                self.fail(failed)
                self.end()
            del failed
        except BaseException as exc:  # noqa: BLE001 - it is raised in the end
            self._failed(exc)
        finally:
            self._running.discard(one)
            self._handlers.discard(one)
            one.finish()

    def _failed(self, exc: BaseException) -> None:
        # A task that only finds the connection ended has not failed. While it has not, the
        # disconnect is that of another connection.
        if self._connection.state in _NOT_ENDED or not holds_only(
            exc, WebSocketDisconnect, InvalidStateError
        ):
            self.fail(exc)
            self.end()

    async def _run_natively(
        self, one: NativeTask, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]
    ) -> None:
        RUNNING.set(one)
        one.begin()
        try:
            await func(*args)
        except asyncio.CancelledError as exc:
            if (failed := failed_wait(exc)) is not None:
                self.fail(failed)
                self.end()
            del failed
        except BaseException as exc:  # noqa: BLE001 - it is raised in the end
            self._failed(exc)
        finally:
            self._handlers.discard(one)
            one.finish()

    def _has_more_requests(self) -> bool:
        """Whether more cancellations of the task are not taken back than when it entered."""
        task = asyncio_task()
        return task is not None and task.cancelling() > (self._requests or 0)

    async def _contain(
        self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]
    ) -> None:
        """Run an async function, so that its cancel scopes concern its own task alone.

        A scope that ends within a cancelled one adds to that one how often it has cancelled its
        task (anyio 4.16). The group would take back as many cancellations of another task, that of
        the connection, and a native one among them would be lost. A shielded scope adds nothing.
        """
        with CancelScope() as scope:
            try:
                await func(*args)
            finally:
                if self.is_cancelled:
                    scope.cancel()
                    scope.shield = True

    def _new(self) -> Cancellable:
        if self._running is _NONE:
            self._running = set()
        one = Cancellable(self._seconds)
        self._running.add(one)
        return one


async def _call(func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]) -> None:
    await check_awaitable(func(*args), func)


async def _resume_cancel(one: Cancellable | NativeTask) -> None:
    one.resume_cancel()
