"""How things are called in Redis, and what a message looks like there."""

import logging
import re
from collections.abc import Callable
from time import monotonic
from typing import Final, final

from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["MAX_SIZE", "Garbage", "Keys", "kept", "read_message"]

logger: logging.Logger = logging.getLogger("wsendpoints")

MAX_SIZE: Final = 16 * 1024 * 1024
"""Bytes of a message. What is larger comes from nobody here."""

_NUMBER: Final = re.compile(rb"([0-9]{1,16})\|", re.ASCII)

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)

_WARNED: Final = 60.0
"""Seconds between two warnings."""


@final
class Keys:
    """The names of keys and channels.

    All of a group are in one slot of a cluster, by what is in the braces. A prefix has no braces,
    so that no group is called like anything else.

    Raises:
        ConfigurationError: The prefix is none.
    """

    __slots__ = ("_prefix", "nodes")

    def __init__(self, prefix: str) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"prefix={prefix!r}: use 1 to 100 letters, digits, '_', '.', '-' and ':'"
            )
        self._prefix = prefix
        self.nodes: bytes = self._of("nodes")

    def channel(self, name: str) -> bytes:
        """Return where the messages of a group are published."""
        return self._of(f"{{{name}}}")

    def counter(self, name: str) -> bytes:
        """Return where the number of the last message of a group is."""
        return self._of(f"{{{name}}}:n")

    def stream(self, name: str) -> bytes:
        """Return where the history of a group is."""
        return self._of(f"{{{name}}}:h")

    def users(self, name: str) -> bytes:
        """Return where the users of a group are."""
        return self._of(f"{{{name}}}:u")

    def presence(self, name: str, node: str) -> tuple[bytes, ...]:
        """Return where a node's connections in a group are, and all that changes with them."""
        return (
            self._of(f"{{{name}}}:c:{node}"),
            self.users(name),
            self._of(f"{{{name}}}:uc"),
            self._of(f"{{{name}}}:ul"),
            self.counter(name),
            self.stream(name),
        )

    def node(self, node: str) -> bytes:
        """Return where a node hears of itself."""
        return self._of(f"node:{node}")

    def places(self, node: str) -> bytes:
        """Return where the groups are in which a node has connections."""
        return self._of(f"node:{node}:p")

    def _of(self, rest: str) -> bytes:
        return f"{self._prefix}:{rest}".encode()


def kept(history: History | None) -> tuple[int, int]:
    """Return how many messages are kept, and for how many milliseconds."""
    if history is None:
        return 0, 0
    return history.messages, max(1, round(history.seconds * 1000))


def read_message(data: object) -> tuple[int, bytes] | None:
    """Return the number and the body of a message, or `None` if it is none."""
    if not isinstance(data, bytes) or len(data) > MAX_SIZE + 17:
        return None
    number = _NUMBER.match(data)
    return None if number is None else (int(number[1]), data[number.end() :])


@final
class Garbage:
    """Counts what others publish where only messages belong, and warns of it now and then.

    Args:
        clock: Returns seconds.

    Attributes:
        dropped: How many it was.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._warned_at: float | None = None
        self.dropped: int = 0

    def drop(self, channel: bytes) -> None:
        """Count one. What it was is not logged: it may be anybody's."""
        self.dropped += 1
        now = self._clock()
        if self._warned_at is None or now - self._warned_at >= _WARNED:
            self._warned_at = now
            logger.warning(
                "RedisBackplane: what is published on %r is no message: dropped, %d in all",
                channel.decode(errors="backslashreplace"),
                self.dropped,
            )
