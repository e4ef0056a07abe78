"""How things are called in Redis, and what a message looks like there."""

import logging
import re
from binascii import crc_hqx
from collections.abc import Callable, Sequence
from itertools import count
from time import monotonic
from typing import Final, final

from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["MAX_SIZE", "SHARDS", "Garbage", "Keys", "kept", "read_message", "slot_of"]

logger: logging.Logger = logging.getLogger("wsendpoints")

MAX_SIZE: Final = 16 * 1024 * 1024
"""Bytes of a message. What is larger comes from nobody here."""

SLOTS: Final = 16384
"""Slots of a cluster: it says which server has which of them."""

SHARDS: Final = 128
"""So many of them are used. All processes have to agree on it."""

_NUMBER: Final = re.compile(rb"([0-9]{1,16})\|", re.ASCII)

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)

_WARNED: Final = 60.0
"""Seconds between two warnings."""


@final
class Keys:
    """The names of keys and channels.

    In a cluster, the slot of a key is that of its *tag*, which is what its first braces hold. There
    all that a script needs has one tag, and groups share `SHARDS` of them, so that a process has
    no more than that to look after. A prefix has no braces, so that no group is called like
    anything else, and has another tag.

    Args:
        prefix: What all of them begin with.
        is_sharded: Whether they are in a cluster.

    Attributes:
        tags: All tags, in their braces; an empty one where there is no cluster.

    Raises:
        ConfigurationError: The prefix is none.
    """

    __slots__ = ("_is_sharded", "_prefix", "tags")

    def __init__(self, prefix: str, *, is_sharded: bool = False) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"prefix={prefix!r}: use 1 to 100 letters, digits, '_', '.', '-' and ':'"
            )
        self._prefix = prefix
        self._is_sharded = is_sharded
        self.tags: Sequence[str] = _tags() if is_sharded else ("",)

    def tag(self, name: str) -> str:
        """Return the tag of all that belongs to a group."""
        if not self._is_sharded:
            return ""
        return self.tags[crc_hqx(name.encode(), 0) % SHARDS]

    def channel(self, name: str) -> bytes:
        """Return where the messages of a group are published."""
        return self._of(f"{self.tag(name)}{{{name}}}")

    def counter(self, name: str) -> bytes:
        """Return where the number of the last message of a group is."""
        return self._of(f"{self.tag(name)}{{{name}}}:n")

    def stream(self, name: str) -> bytes:
        """Return where the history of a group is."""
        return self._of(f"{self.tag(name)}{{{name}}}:h")

    def users(self, name: str) -> bytes:
        """Return where the users of a group are."""
        return self._of(f"{self.tag(name)}{{{name}}}:u")

    def presence(self, name: str, node: str) -> tuple[bytes, ...]:
        """Return where a node's connections in a group are, and all that changes with them."""
        group = f"{self.tag(name)}{{{name}}}"
        return (
            self._of(f"{group}:c:{node}"),
            self._of(f"{group}:u"),
            self._of(f"{group}:uc"),
            self._of(f"{group}:ul"),
            self._of(f"{group}:n"),
            self._of(f"{group}:h"),
        )

    def node(self, node: str, tag: str) -> bytes:
        """Return where a node hears of itself."""
        return self._of(f"{tag}node:{node}")

    def nodes(self, tag: str) -> bytes:
        """Return where it is said which nodes are alive, for all groups of a tag."""
        return self._of(f"{tag}nodes")

    def places(self, node: str, tag: str) -> bytes:
        """Return where the groups of a tag are in which a node has connections."""
        return self._of(f"{tag}node:{node}:p")

    def _of(self, rest: str) -> bytes:
        return f"{self._prefix}:{rest}".encode()


def _tags() -> Sequence[str]:
    """Return tags whose slots are spread evenly, for servers have ranges of slots."""
    found: dict[int, str] = {}
    numbers = count()
    while len(found) < SHARDS:
        tag = f"{{{next(numbers)}}}"
        found.setdefault(slot_of(tag.encode()) * SHARDS // SLOTS, tag)
    return [found[place] for place in range(SHARDS)]


def slot_of(key: bytes) -> int:
    """Return the slot of a cluster that a key with a tag, or a channel, is in."""
    start = key.index(b"{") + 1
    return crc_hqx(key[start : key.index(b"}", start)], 0) % SLOTS


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
