"""The last messages of the groups that have a history, each with its number."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic, time
from typing import Final, final

from wsendpoints.protocol.exceptions import PositionLost
from wsendpoints.protocol.limits import check_fields

__all__ = ["History", "Logs", "number_of"]

_POSITION: Final = re.compile(r"[0-9]{1,20}", re.ASCII)

_NUMBERED: Final = 24 * 3600.0
"""Seconds after which the number of a group that keeps nothing is forgotten."""

_FEW: Final = 64
"""So many logs are not worth a look for those that are over."""


@final
@dataclass(frozen=True, slots=True)
class History:
    """How much of what a group carried is kept, for those that come back.

    Attributes:
        messages: How many of its last messages are kept.
        seconds: For how long after the last of them.

    Raises:
        ConfigurationError: One of them is not positive, or `messages` is no int.
    """

    messages: int = 100
    seconds: float = 3600

    def __post_init__(self) -> None:
        check_fields(self)


@final
class _Log:
    __slots__ = ("entries", "expires_at", "head", "seconds")

    def __init__(self, head: int) -> None:
        self.entries: deque[tuple[int, bytes]] = deque(maxlen=0)
        self.head = head
        self.seconds = _NUMBERED
        self.expires_at = 0.0

    def keep(self, history: History) -> None:
        """Keep so much of what comes."""
        if self.entries.maxlen != history.messages:
            self.entries = deque(self.entries, maxlen=history.messages)
        self.seconds = history.seconds


@final
class Logs:
    """Numbers the messages of groups, and keeps the last ones.

    The numbers of a group follow each other without a hole. They begin at the time, in microseconds
    since 1970: so a log that was forgotten, and begins again, gives no number twice.

    Args:
        clock: Returns seconds, which count until a log is forgotten.
        now: Returns seconds since the epoch.
    """

    def __init__(
        self, clock: Callable[[], float] = monotonic, now: Callable[[], float] = time
    ) -> None:
        self._clock = clock
        self._now = now
        self._logs: dict[str, _Log] = {}
        self._swept_at = _FEW
        # A thread may publish before there is an event loop that it could leave it to.
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._logs)

    def __contains__(self, name: str) -> bool:
        # All broadcasts to groups without a history ask this.
        if name not in self._logs:
            return False
        with self._lock:
            return self._living(name) is not None

    def head(self, name: str, history: History | None = None) -> int:
        """Return the number of the last message of a group; of the one before its first."""
        with self._lock:
            return self._log(name, history).head

    def append(self, name: str, data: bytes, history: History | None) -> int:
        """Keep a message, if the group has a history, and return its number."""
        with self._lock:
            log = self._log(name, history)
            log.head += 1
            log.entries.append((log.head, data))
            log.expires_at = self._clock() + log.seconds
            return log.head

    def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        """Return what was said in a group after a message, each with its number.

        Args:
            name: The group.
            after: The number of the message; `None` for all that is kept.

        Raises:
            PositionLost: Not all of it is kept, or no message has that number.
        """
        with self._lock:
            log = self._living(name)
            entries = [] if log is None else [*log.entries]
            if after is None:
                return entries
            if log is None or not log.head - len(entries) <= after <= log.head:
                raise PositionLost(f"{name}: what came after {after} is not kept")
            return entries[len(entries) - (log.head - after) :]

    def _log(self, name: str, history: History | None) -> _Log:
        log = self._living(name)
        is_new = log is None
        if log is None:
            self._sweep()
            log = self._logs[name] = _Log(int(self._now() * 1_000_000))
        if history is not None:
            log.keep(history)
        if is_new:
            log.expires_at = self._clock() + log.seconds
        return log

    def _living(self, name: str) -> _Log | None:
        log = self._logs.get(name)
        if log is not None and log.expires_at <= self._clock():
            del self._logs[name]
            return None
        return log

    def _sweep(self) -> None:
        """Forget what is over, each time that there are twice as many as after the last time."""
        if len(self._logs) >= self._swept_at:
            now = self._clock()
            self._logs = {name: it for name, it in self._logs.items() if it.expires_at > now}
            self._swept_at = max(_FEW, 2 * len(self._logs))


def number_of(position: str) -> int:
    """Return the number that a position stands for, which may come from a client.

    Raises:
        PositionLost: It is none that was ever given.
    """
    if not _POSITION.fullmatch(position):
        raise PositionLost("the position is none that was ever given")
    return int(position)
