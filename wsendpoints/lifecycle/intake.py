"""What each message has to pass before it is decoded: the limits on its size and on its time."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import Final

from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import ClientMessageError, RateLimitedError, about
from wsendpoints.protocol.limits import MEASURED, Limits, RateLimiter

__all__ = ["Intake"]

_MOST_PER_ITEM: Final = 4
"""Of what is measured, a character or byte counts this much at most: four bytes in UTF-8."""


_NONE: Final[dict[int, ClientMessageError | None]] = {}
"""Shared by all connections that have no verdicts: an empty dict takes 64 bytes."""


class Intake:
    """Checks the messages of one connection.

    Args:
        limits: The endpoint's.
        deadlines: They are told that a message has come.
        clock: Returns seconds.

    Attributes:
        surely_passes: The length of a frame up to which `check` need not be called.
        has_arrived: Whether any message had to wait.
    """

    __slots__ = (
        "_clock",
        "_deadlines",
        "_limiter",
        "_limits",
        "_verdicts",
        "has_arrived",
        "surely_passes",
    )

    def __init__(
        self, limits: Limits, deadlines: Deadlines, clock: Callable[[], float] = monotonic
    ) -> None:
        self._limits = limits
        self._deadlines = deadlines
        self._clock = clock
        self._limiter = None if limits.rate is None else RateLimiter(limits.rate, clock)
        # By the id of an event that waits: it is alive as long as its entry.
        self._verdicts: dict[int, ClientMessageError | None] = _NONE
        self.has_arrived: bool = False
        self.surely_passes: int = sys.maxsize
        if self._limiter is not None or deadlines.await_messages:
            self.surely_passes = -1
        for name in MEASURED:
            if (limit := getattr(limits, name)) is not None:
                self.surely_passes = min(self.surely_passes, limit // _MOST_PER_ITEM)

    def limited_by(self, limits: Limits) -> "Intake":
        """Return what takes its place, and checks by other limits what is taken from now on."""
        successor = Intake(limits, self._deadlines, self._clock)
        successor.has_arrived = self.has_arrived
        return successor

    def arrived(self, event: Event) -> None:
        """Count a message that has come, but has to wait: `check` raises for it in its turn.

        Args:
            event: One of the type `websocket.receive`. It is kept until `check` has it.
        """
        self.has_arrived = True
        frame = _payload_of(event)
        if frame is not None and len(frame) > self.surely_passes:
            if self._verdicts is _NONE:
                self._verdicts = {}
            self._verdicts[id(event)] = self._count(frame)

    def passes(self, event: Event) -> bool:
        """Return whether a message that has `arrived` exceeds no limit."""
        return self._verdicts.get(id(event)) is None

    def forget(self, event: Event) -> None:
        """Drop what is known of a message that has `arrived`, and that nobody else will take."""
        self._verdicts.pop(id(event), None)

    def taken(self, event: Event) -> None:
        """Check a message that the application receives itself, after it `arrived`.

        Raises:
            ClientMessageError: It exceeds a limit.
        """
        frame = _payload_of(event)
        if frame is not None and len(frame) > self.surely_passes:
            self.check(frame, event)

    def check(self, frame: str | bytes, event: Event) -> None:
        """Count a message that has come, unless it `arrived` before.

        Args:
            frame: The payload of the event.
            event: The event.

        Raises:
            ClientMessageError: It exceeds a limit.
        """
        if id(event) in self._verdicts:
            error = self._verdicts.pop(id(event))
            self._deadlines.message_came()
        else:
            error = self._count(frame)
        if error is not None:
            try:
                raise error
            finally:
                # It holds this frame: without this reference it is no cycle.
                del error

    def _count(self, frame: str | bytes) -> ClientMessageError | None:
        self._deadlines.message_came()
        limits = self._limits
        if self._limiter is not None and not self._limiter.allows_one():
            rate = self._limiter.rate
            text = f"{rate.messages} messages in {rate.per:g} s"
            return about(_exceeded(RateLimitedError, limits, "rate", text), frame)
        for name, measure in MEASURED.items():
            limit = getattr(limits, name)
            if limit is not None and measure.count(frame) > limit:
                text = measure.text.format(limit=limit)
                return about(_exceeded(measure.error, limits, name, text), frame)
        return None


def _payload_of(event: Event) -> str | bytes | None:
    """Return what `frame_of` would; `None` where that would raise, which it does in its turn."""
    text: object = event.get("text")
    frame: object = event.get("bytes") if text is None else text
    return frame if isinstance(frame, str | bytes) else None


def _exceeded(
    error: type[ClientMessageError], limits: Limits, limit: str, text: str
) -> ClientMessageError:
    exceeded = error(f"{limit}: {text}")
    exceeded.limit = limit
    exceeded.close_code = limits.close_code(limit)
    return exceeded
