"""What goes from process to process: a message as bytes, and by whom and how it was said."""

import itertools
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, final

from wsendpoints.groups.members import NOBODY

__all__ = ["Envelope", "Envelopes"]

_VERSION: Final = b"1"
_SAID: Final = b"s"
_UNSAID: Final = b"u"
_REMEMBERED: Final = 10_000
"""Messages of which it is known whom they leave out, until they are forgotten."""


@final
@dataclass(frozen=True, slots=True)
class Envelope:
    """A message that came.

    Attributes:
        is_ours: Whether this process said it.
        is_said: Whether the members of the process that said it have got it already.
        id: What tells it from all others of the process that said it.
        data: The message.
    """

    is_ours: bool
    is_said: bool
    id: bytes
    data: bytes


@final
class Envelopes:
    """Writes, and reads, the envelopes of one process.

    `version|process|id|how|message`: the first four are ASCII without a `|`.
    """

    __slots__ = ("_excluded", "_ids", "_node")

    def __init__(self) -> None:
        self._node = secrets.token_hex(8).encode()
        self._ids = itertools.count(1)
        # Whom a message leaves out is one of this process's members, so nobody else needs it.
        self._excluded: OrderedDict[bytes, frozenset[object]] = OrderedDict()

    def seal(
        self, data: bytes, *, is_said: bool = False, excluded: frozenset[object] = NOBODY
    ) -> bytes:
        """Return a message as it goes out.

        Args:
            data: The message.
            is_said: Whether the members in this process get it without the envelope.
            excluded: Who does not get it.
        """
        id_ = b"%x" % next(self._ids)
        if excluded:
            self._excluded[id_] = excluded
            if len(self._excluded) > _REMEMBERED:
                self._excluded.popitem(last=False)
        return b"|".join((_VERSION, self._node, id_, _SAID if is_said else _UNSAID, data))

    def open(self, sealed: bytes) -> Envelope:
        """Return what came.

        Raises:
            ValueError: It is no envelope, or one of another version.
        """
        version, node, id_, how, data = sealed.split(b"|", 4)
        if version != _VERSION or how not in {_SAID, _UNSAID}:
            raise ValueError("an envelope of another version")
        return Envelope(node == self._node, how == _SAID, id_, data)

    def excluded(self, envelope: Envelope) -> frozenset[object]:
        """Return who does not get a message."""
        return self._excluded.get(envelope.id, NOBODY) if envelope.is_ours else NOBODY
