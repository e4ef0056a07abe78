"""What each message has to pass before it is decoded: the limits on its size and on its time."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import Final

from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.protocol.exceptions import ClientMessageError, RateLimitedError
from wsendpoints.protocol.limits import MEASURED, Limits, RateLimiter

__all__ = ["Intake"]

_MOST_PER_ITEM: Final = 4
"""Of what is measured, a character or byte counts this much at most: four bytes in UTF-8."""


class Intake:
    """Checks the messages of one connection.

    Args:
        limits: The endpoint's.
        deadlines: They are told that a message has come.
        clock: Returns seconds.

    Attributes:
        surely_passes: The length of a frame up to which `check` need not be called.
    """

    __slots__ = ("_deadlines", "_limiter", "_limits", "surely_passes")

    def __init__(
        self, limits: Limits, deadlines: Deadlines, clock: Callable[[], float] = monotonic
    ) -> None:
        self._limits = limits
        self._deadlines = deadlines
        self._limiter = None if limits.rate is None else RateLimiter(limits.rate, clock)
        self.surely_passes: int = sys.maxsize
        if self._limiter is not None or deadlines.await_messages:
            self.surely_passes = -1
        for name in MEASURED:
            if (limit := getattr(limits, name)) is not None:
                self.surely_passes = min(self.surely_passes, limit // _MOST_PER_ITEM)

    def check(self, frame: str | bytes) -> None:
        """Count a message that has come.

        Raises:
            ClientMessageError: It exceeds a limit.
        """
        self._deadlines.message_came()
        limits = self._limits
        if self._limiter is not None and not self._limiter.allows_one():
            rate = self._limiter.rate
            raise _exceeded(RateLimitedError, "rate", f"{rate.messages} messages in {rate.per:g} s")
        for name, measure in MEASURED.items():
            limit = getattr(limits, name)
            if limit is not None and measure.count(frame) > limit:
                raise _exceeded(measure.error, name, measure.text.format(limit=limit))


def _exceeded(error: type[ClientMessageError], limit: str, text: str) -> ClientMessageError:
    exceeded = error(f"{limit}: {text}")
    exceeded.limit = limit
    return exceeded
