"""The time limits of one connection: what ends it, when, and what the client is told.

They move the deadline of one cancel scope; but those that begin anew with each message, or each
send, have a task that looks now and then.
"""

import logging
import math
from collections.abc import Hashable, Mapping
from enum import Enum
from time import monotonic, time
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import anyio

from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.exceptions import RateLimitedError
from wsendpoints.protocol.limits import Limits, RateLimiter

__all__ = ["EXPIRED", "Deadline", "Deadlines", "Stage"]

EXPIRED: Final = 4401
"""The code to close with when `WebSocket.expires_at` has come."""

_GRACE_AT_SHUTDOWN: Final = 1.0
"""Seconds that a handler may go on where the server waits for it before it can exit."""


_Recurring: TypeAlias = Literal["handler_timeout", "send_timeout", "inbox_timeout"]
"""The limits that begin anew with each message, if it has to wait."""

_CODES: Final[Mapping[_Recurring, int]] = {
    "handler_timeout": CloseCode.INTERNAL_ERROR,
    "send_timeout": CloseCode.TRY_AGAIN_LATER,
    "inbox_timeout": CloseCode.TRY_AGAIN_LATER,
}

_HANDLER: Final = "handler"
_REPLY: Final = "reply"
_INBOX: Final = "inbox"
"""Of these there is one at a time; of other sends any number."""

_NONE: Final[dict[Hashable, tuple[float, _Recurring, float]]] = {}
"""What runs of all connections that never had to wait."""


class Stage(Enum):
    """What an endpoint is at, while it does not wait for the next event."""

    CONNECTING = "the handshake"
    HANDLING = "a handler"
    REPLYING = "sending a handler's reply"


class Deadline(NamedTuple):
    """What ends a connection.

    Attributes:
        limit: The name of the limit.
        seconds: From when it was set.
        code: The code to close with.
        level: The level of the log line that tells of it.
    """

    limit: str
    seconds: float
    code: int
    level: int

    @property
    def reason(self) -> str:
        """The reason to close with: it names the limit."""
        return f"{self.limit}: {self.seconds:g} s"


class Deadlines:
    """Cancels all that a connection does when one of its limits is over.

    Args:
        limits: The endpoint's.
        tasks: What is ended when one of them is over.

    Attributes:
        counts_messages: Whether `message_came` wants to be called for each.
        is_timing: Whether `handled` wants to be called, when the message is handled.
    """

    __slots__ = (
        "_awaits_first",
        "_is_accepted",
        "_last_message",
        "_limiter",
        "_limits",
        "_looks_at",
        "_nap",
        "_pending",
        "_running",
        "_tasks",
        "_times_handlers",
        "counts_messages",
        "is_timing",
    )

    def __init__(
        self,
        limits: Limits,
        tasks: Tasks,
    ) -> None:
        self._limits = limits
        self._tasks = tasks
        self._is_accepted = False
        self._pending: dict[Hashable, tuple[float, Deadline]] | None = None
        self._limiter: RateLimiter | None = (
            None if limits.rate is None else RateLimiter(limits.rate)
        )
        self._running: dict[Hashable, tuple[float, _Recurring, float]] = _NONE
        self._looks_at = math.inf
        self._nap: anyio.CancelScope | None = None
        self._awaits_first = False
        self._last_message = 0.0
        self.counts_messages: bool = (
            limits.rate is not None
            or limits.idle_timeout is not None
            or limits.first_message_timeout is not None
        )
        self.is_timing: bool = False
        self._times_handlers = limits.handler_timeout is not None or limits.idle_timeout is not None

    def passed(self) -> Deadline | None:
        """Return the first deadline that passed; `None` if none did."""
        if not self._pending:
            return None
        now = anyio.current_time()
        passed = [(at, deadline) for at, deadline in self._pending.values() if at <= now]
        return min(passed)[1] if passed else None

    # What happens to the connection.

    def waiting(self, stage: Stage | None) -> None:
        """Begin to count the time of `on_connect`, a handler, or a reply, which has to wait."""
        limits = self._limits
        if stage is Stage.CONNECTING:
            if self._is_accepted:
                self.is_timing = self._times_handlers
            else:
                self._set("connect_timeout", limits.connect_timeout, CloseCode.POLICY_VIOLATION)
            return
        if self._times_handlers and not self.is_timing:
            self.is_timing = True
            self._begin(_HANDLER, "handler_timeout", limits.handler_timeout)
        if stage is Stage.REPLYING:
            self.is_timing = True
            self.blocked(_REPLY, True)

    def connected(self) -> None:
        """`on_connect` is done."""
        self.is_timing = False
        self._clear("connect_timeout")

    def accepting(self) -> None:
        """Take note that the handshake is answered."""
        self._is_accepted = True
        self._clear("connect_timeout")
        limits = self._limits
        if limits.first_message_timeout is not None:
            self._awaits_first = True
            self._set(
                "first_message_timeout",
                limits.first_message_timeout,
                CloseCode.POLICY_VIOLATION,
                logging.INFO,
            )
        if limits.idle_timeout is not None:
            self._last_message = monotonic()
            self._tasks.start_own(self._end_when_idle, "wsendpoints idle timeout")

    def message_came(self) -> None:
        """Count a message, before it is decoded.

        Raises:
            RateLimitedError: It is one too many.
        """
        if self._limiter is None:
            self._last_message, is_allowed = monotonic(), True
        else:
            is_allowed = self._limiter.allows_one()
            self._last_message = self._limiter.now
        if self._awaits_first:
            self._awaits_first = False
            self._clear("first_message_timeout")
        if not is_allowed:
            rate: Any = self._limits.rate
            raise RateLimitedError(f"rate: {rate.messages} messages in {rate.per:g} s")

    def handled(self) -> None:
        """The message is handled, and its reply sent."""
        self.is_timing = False
        self.blocked(_REPLY, False)
        if self._times_handlers:
            self._running.pop(_HANDLER, None)
            self._last_message = monotonic()

    def disconnected(self, *, is_shutdown: bool) -> None:
        """The client left, or was closed: a handler has its grace."""
        grace, level = self._limits.grace, logging.INFO
        if is_shutdown:
            grace = _GRACE_AT_SHUTDOWN if grace is None else min(grace, _GRACE_AT_SHUTDOWN)
            level = logging.DEBUG  # the shutdown itself is told of
        self._set("grace", grace, CloseCode.ABNORMAL_CLOSURE, level)

    def blocked(self, send: Hashable, is_blocked: bool) -> None:
        """Count the time of a send that has to wait for the server, or is done."""
        if not is_blocked:
            self._running.pop(send, None)
        elif send not in self._running:
            self._begin(send, "send_timeout", self._limits.send_timeout)

    def inbox_full(self, *, is_full: bool) -> None:
        """Count the time in which nobody reads, and so nobody sees that the client left.

        It is called again for each message that is taken.
        """
        if is_full:
            self._begin(_INBOX, "inbox_timeout", self._limits.inbox_timeout)
        else:
            self._running.pop(_INBOX, None)

    def expires(self, at: float | None) -> None:
        """Count the time until then, in seconds since the epoch; `None` is never."""
        self._clear("expires_at")
        if at is not None:
            self._set("expires_at", max(0, at - time()), EXPIRED, logging.INFO)

    async def _end_when_idle(self) -> None:
        seconds = self._limits.idle_timeout or math.inf
        while True:
            # While a handler runs the client may be waiting for its answer.
            remaining = seconds
            if not self.is_timing:
                remaining += self._last_message - monotonic()
            if remaining <= 0:
                break
            await anyio.sleep(remaining)
        deadline = Deadline("idle_timeout", seconds, CloseCode.GOING_AWAY, logging.INFO)
        self._put("idle_timeout", anyio.current_time(), deadline)
        self._tasks.end()

    # What begins anew with each message.

    def _begin(self, key: Hashable, limit: _Recurring, seconds: float | None) -> None:
        if seconds is None:
            return
        if self._running is _NONE:
            self._running = {}
        due = monotonic() + seconds
        self._running[key] = (due, limit, seconds)
        if due < self._looks_at:
            if self._nap is not None:
                self._nap.cancel()
            elif self._looks_at == math.inf:
                self._tasks.start_own(self._look, "wsendpoints time limits")
            self._looks_at = due

    async def _look(self) -> None:
        """Look whether one of them is over, when the first would be.

        A task that wakes now and then costs less than a deadline that is moved twice for each.
        """
        while self._running:
            due, limit, seconds = min(self._running.values())
            if due <= monotonic():
                deadline = Deadline(limit, seconds, _CODES[limit], logging.WARNING)
                self._put(limit, anyio.current_time(), deadline)
                self._tasks.end()
                return
            self._looks_at = due
            with anyio.move_on_after(due - monotonic()) as self._nap:
                await anyio.sleep_forever()
        self._looks_at, self._nap = math.inf, None

    # The deadlines.

    def _set(
        self,
        key: Hashable,
        seconds: float | None,
        code: int,
        level: int = logging.WARNING,
        name: str | None = None,
    ) -> None:
        if seconds is not None:
            at = anyio.current_time() + seconds
            deadline = Deadline(name or str(key), seconds, code, level)
            self._put(key, at, deadline)

    def _put(self, key: Hashable, at: float, deadline: Deadline) -> None:
        if self._pending is None:
            self._pending = {}
        # Setting it again does not put it off.
        self._pending[key] = min(self._pending.get(key, (math.inf, deadline)), (at, deadline))
        self._move(self._pending)

    def _clear(self, key: Hashable) -> None:
        pending = self._pending
        # One that has passed has cancelled what is being left here, and is to be told of.
        if pending and key in pending and pending[key][0] > anyio.current_time():
            del pending[key]
            self._move(pending)

    def _move(self, pending: Mapping[Hashable, tuple[float, Deadline]]) -> None:
        self._tasks.end_at(min((at for at, _ in pending.values()), default=math.inf))
