"""The time limits of one connection: which of them runs, and which has ended the connection.

What each limit counts, and what follows, is in the table of `protocol.limits`. Periods that come
once move the deadline of the cancel scope around the connection. To move it twice for each message
would cost more than the message, so periods that recur have a task instead, which wakes when the
first of them would be over.
"""

import logging
import math
from collections.abc import Callable, Hashable
from time import monotonic, time
from typing import Final, NamedTuple

import anyio

from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.limits import EXPIRY, TIMED, Limits, Period, is_timed

__all__ = ["REMAINING", "Deadlines", "strictest"]

_GRACE_AT_SHUTDOWN: Final = 1.0
"""Seconds that a handler may go on where the server waits for it before it can exit."""


REMAINING: Final = Deadline("remaining messages", 1.0, CloseCode.ABNORMAL_CLOSURE, logging.DEBUG)
"""What a server may take, once its `send` failed, to deliver what the client sent before.

The disconnect comes last, and is normally there already; this bounds the wait on a server that
forgets it.
"""


class _Running(NamedTuple):
    due: float
    deadline: Deadline


_NONE: Final[dict[Hashable, _Running]] = {}
"""Shared by all connections for which nothing runs: an empty dict takes 64 bytes."""

_LEAVING: Final = "leaving"
"""The key of what a handler may take until its connection is left."""

_PUSHES: Final = "pushes"
"""The key of all sends that are no replies."""

# Python 3.11 takes thirty times as long to read a member of an enumeration from its class.
_AWAITING_FIRST: Final = Period.AWAITING_FIRST
_CONNECTING: Final = Period.CONNECTING
_GRACE: Final = Period.GRACE
_HANDLING: Final = Period.HANDLING
_IDLE: Final = Period.IDLE
_INBOX_FULL: Final = Period.INBOX_FULL
_SENDING: Final = Period.SENDING

_awaits_first: Final = is_timed(Period.AWAITING_FIRST)
_times_idle: Final = is_timed(Period.IDLE)
_times_handlers: Final = is_timed(Period.HANDLING)


def strictest(limits: Limits, *periods: Period) -> Deadline | None:
    """Return the strictest of the limits that count the seconds of some periods."""
    found: Deadline | None = None
    for period in periods:
        for name, outcome in TIMED[period]:
            seconds = getattr(limits, name)
            if seconds is not None and (found is None or seconds < found.seconds):
                found = Deadline(name, seconds, outcome.code, outcome.level)
    return found


class Deadlines:
    """Cancels all that a connection does once one of its time limits has passed.

    Args:
        limits: The endpoint's.
        tasks: What is ended then.
        clock: Returns seconds; it counts the periods that recur.

    Attributes:
        limits: The endpoint's, as they are now.
        await_messages: Whether `message_came` is to be called for each message.
        time_messages: Whether `handled` is to be called after each message.
    """

    __slots__ = (
        "_beside",
        "_clock",
        "_held",
        "_is_ended",
        "_is_sending",
        "_nap",
        "_once",
        "_passed",
        "_recurring",
        "_tasks",
        "_wakes_at",
        "await_messages",
        "limits",
        "time_messages",
    )

    def __init__(
        self, limits: Limits, tasks: Tasks, clock: Callable[[], float] = monotonic
    ) -> None:
        self.limits: Limits = limits
        self._tasks = tasks
        self._clock = clock
        self._once: dict[Hashable, _Running] = _NONE
        self._recurring: dict[Hashable, _Running] = _NONE
        self._passed: Deadline | None = None
        # Handlers whose time stands still; due in so many seconds.
        self._held: dict[Hashable, _Running] = _NONE
        # The handlers beside the loop whose time is counted; `None` while none runs there.
        self._beside: set[Hashable] | None = None
        self._is_ended = False
        self._is_sending = False
        self._wakes_at = math.inf
        self._nap: anyio.CancelScope | None = None
        self.time_messages: bool = _times_idle(limits)
        self.await_messages: bool = self.time_messages or _awaits_first(limits)

    def limit_by(self, limits: Limits, *, is_open: bool, awaits_first: bool) -> None:
        """Count by other limits, while `on_connect` runs: what is counted now begins again.

        Args:
            limits: The limits.
            is_open: Whether the accept is sent.
            awaits_first: Whether no message has come yet.
        """
        self.limits = limits
        self.time_messages = _times_idle(limits)
        self.await_messages = self.time_messages or _awaits_first(limits)
        for period in (_CONNECTING, _AWAITING_FIRST):
            self._once.pop(period, None)
        self._move_scope()
        if not is_open:
            self._begin_once(_CONNECTING)
        elif awaits_first:
            self._begin_once(_AWAITING_FIRST)
        for key, period in ((_IDLE, _IDLE), (_PUSHES, _SENDING), (_INBOX_FULL, _INBOX_FULL)):
            if self._recurring.pop(key, None) is not None:
                self._begin(period, key)

    def passed(self) -> Deadline | None:
        """Return the deadline that ended the connection; `None` if none did."""
        if self._passed is None and self._once:
            now = anyio.current_time()
            running = min(self._once.values())
            self._passed = running.deadline if running.due <= now else None
        return self._passed

    # What happens to the connection.

    def connecting(self) -> None:
        """`on_connect` has to wait."""
        self._begin_once(_CONNECTING)

    def accepted(self) -> None:
        """The accept is sent."""
        self._end_once(_CONNECTING)
        if self.await_messages:
            self._begin_once(_AWAITING_FIRST)

    def connected(self) -> None:
        """`on_connect` is done."""
        self._end_once(_CONNECTING)
        if self.time_messages:
            self._begin(_IDLE, _IDLE)

    def message_came(self) -> None:
        """A message has come."""
        self._end_once(_AWAITING_FIRST)
        self._recurring.pop(_IDLE, None)

    def idling(self) -> None:
        """A handler waits for a message itself."""
        if _IDLE not in self._recurring:
            self._begin(_IDLE, _IDLE)

    def idled(self) -> None:
        """It has one, or waits no more."""
        self._recurring.pop(_IDLE, None)

    def handling(self) -> None:
        """A handler takes long."""
        if _HANDLING not in self._recurring and _HANDLING not in self._held:
            self.time_messages = True
            self._begin(_HANDLING, _HANDLING)
            if self._is_sending:
                self._hold()

    def busy(self) -> None:
        """Handlers run beside the loop: meanwhile the connection is not idle."""
        self._beside = set()
        self._recurring.pop(_IDLE, None)

    def busy_no_more(self, *, is_idle: bool) -> None:
        """No handler runs beside the loop any more.

        Args:
            is_idle: Whether the loop does nothing either; if not, it is `handled` in the end.
        """
        self._beside = None
        if is_idle and self.time_messages:
            self._begin(_IDLE, _IDLE)

    def handler_began(self, handler: Hashable) -> None:
        """A handler begins to run beside the loop; called after `busy`."""
        if self._beside is not None and _times_handlers(self.limits):
            self._begin(_HANDLING, handler)
            self._beside.add(handler)
            if self._is_sending:
                self._hold()

    def handler_ended(self, handler: Hashable) -> None:
        """It has ended."""
        if self._beside:
            self._beside.discard(handler)
            self._recurring.pop(handler, None)
            self._held.pop(handler, None)

    def replying(self) -> None:
        """The reply of a handler takes long: the handler is done."""
        self._recurring.pop(_HANDLING, None)
        self._held.pop(_HANDLING, None)
        if _SENDING not in self._recurring:
            self.time_messages = True
            self._begin(_SENDING, _SENDING)

    def handled(self) -> None:
        """A message is handled, and its reply is sent."""
        self._recurring.pop(_HANDLING, None)
        self._recurring.pop(_SENDING, None)
        self._held.pop(_HANDLING, None)
        if self._beside is None:
            self._begin(_IDLE, _IDLE)
        self.time_messages = _times_idle(self.limits) and not self._is_ended

    def sending(self) -> None:
        """A send that is no reply takes long; called again, the time starts again.

        Meanwhile the time of the handler stands still: a client that reads slowly is not its fault.
        """
        self._is_sending = True
        self._hold()
        self._begin(_SENDING, _PUSHES)

    def sent(self) -> None:
        """No send is under way that is no reply."""
        self._is_sending = False
        self._recurring.pop(_PUSHES, None)
        if self._held:
            held, self._held = self._held, _NONE
            for handler, running in held.items():
                self._run(handler, running._replace(due=self._clock() + running.due))

    def _hold(self) -> None:
        """Have the time of the handlers stand still."""
        for handler in (_HANDLING, *(self._beside or ())):
            handling = self._recurring.pop(handler, None)
            if handling is not None:
                if self._held is _NONE:
                    self._held = {}
                self._held[handler] = handling._replace(due=handling.due - self._clock())

    def inbox_filled(self) -> None:
        """Nothing is read for lack of room; called again, the time starts again."""
        self._begin(_INBOX_FULL, _INBOX_FULL)

    def inbox_emptied(self) -> None:
        """There is room in the inbox again."""
        self._recurring.pop(_INBOX_FULL, None)

    def ended(self, *, is_shutdown: bool) -> None:
        """The connection ended, and a handler may still go on: no other limit cuts its grace.

        Args:
            is_shutdown: Whether the server waits for it before it can exit. The log tells of the
                shutdown anyway, so it need not tell of this.
        """
        self._is_ended = True
        self._recurring.clear()
        self._held = _NONE
        for key in [key for key in self._once if key is not _GRACE]:
            self._end_once(key)
        if not is_shutdown:
            self._begin_once(_GRACE)
            return
        for name, outcome in TIMED[_GRACE]:
            seconds = min(getattr(self.limits, name) or math.inf, _GRACE_AT_SHUTDOWN)
            self._run_once(_GRACE, Deadline(name, seconds, outcome.code, logging.DEBUG))

    def await_remaining(self) -> None:
        """The connection ended, and what the client sent before may still be delivered."""
        self._run_once(REMAINING, REMAINING)

    def remaining_came(self) -> None:
        """Some of it was: a message, or the disconnect."""
        self._end_once(REMAINING)

    def expires_at(self, moment: float | None) -> None:
        """The connection expires.

        Args:
            moment: When, in seconds since the epoch; `None` for never.
        """
        self._end_once(EXPIRY)
        if moment is not None:
            seconds = max(0, moment - time())
            deadline = Deadline("expires_at", seconds, EXPIRY.code, EXPIRY.level)
            self._run_once(EXPIRY, deadline)

    def leave(self, deadline: Deadline) -> None:
        """The connection is left once nothing is handled: what is, may take its grace.

        Args:
            deadline: Why it is left.
        """
        grace = self.limits.grace
        if grace is not None and not self._is_ended:
            self._run_once(_LEAVING, deadline, grace)

    # Periods that come once: the deadline of the cancel scope.

    def _begin_once(self, period: Period) -> None:
        if self._is_ended and period is not _GRACE:
            return
        deadline = strictest(self.limits, period)
        if deadline is not None:
            self._run_once(period, deadline)

    def _run_once(self, key: Hashable, deadline: Deadline, seconds: float | None = None) -> None:
        if self._once is _NONE:
            self._once = {}
        wait = deadline.seconds if seconds is None else seconds
        running = _Running(anyio.current_time() + wait, deadline)
        # To begin again what runs already does not put it off.
        self._once[key] = min(self._once.get(key, running), running)
        self._move_scope()

    def _end_once(self, key: Hashable) -> None:
        if not self._once:
            return
        running = self._once.get(key)
        # One that has passed has cancelled what ends here, and is to be told of.
        if running is not None and running.due > anyio.current_time():
            del self._once[key]
            self._move_scope()

    def _move_scope(self) -> None:
        self._tasks.end_at(min((running.due for running in self._once.values()), default=math.inf))

    # Periods that recur: a task that wakes now and then.

    def _begin(self, period: Period, key: Hashable) -> None:
        deadline = strictest(self.limits, period)
        if deadline is not None and not self._is_ended:
            self._run(key, _Running(self._clock() + deadline.seconds, deadline))

    def _run(self, key: Hashable, running: _Running) -> None:
        if self._recurring is _NONE:
            self._recurring = {}
        self._recurring[key] = running
        due = running.due
        if due < self._wakes_at:
            if self._nap is not None:
                self._nap.cancel()
            elif self._wakes_at == math.inf:
                self._tasks.start_own(self._watch, "wsendpoints time limits")
            self._wakes_at = due

    async def _watch(self) -> None:
        while self._recurring:
            due, deadline = min(self._recurring.values())
            if due <= self._clock():
                self._passed = deadline
                self._tasks.end()
                return
            self._wakes_at = due
            with anyio.move_on_after(due - self._clock()) as self._nap:
                await anyio.sleep_forever()
        self._wakes_at, self._nap = math.inf, None
