"""How much room there is in an inbox: by the number of its messages, and by their size."""

import sys
from typing import Final

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.limits import Limits

__all__ = ["is_filled", "size_of"]

_FEW: Final = 32
_OVERHEAD: Final = 300
"""Bytes that a message takes beside its payload. Those of a few messages are not counted."""


def size_of(event: Event) -> int:
    """Return how many bytes of memory the payload of an event takes."""
    frame = event.get("text") or event.get("bytes") or b""
    # A text with a single emoji takes four bytes for each of its characters.
    return sys.getsizeof(frame) if isinstance(frame, str) and not frame.isascii() else len(frame)


def is_filled(limits: Limits, number: int, size: int, part: float) -> bool:
    """Whether so large a part of an inbox is taken.

    Args:
        limits: How much it may hold.
        number: How many messages it holds.
        size: What their payloads take, in bytes.
        part: The part, from 0 to 1.
    """
    size += max(0, number - _FEW) * _OVERHEAD
    return number > 0 and (
        (limits.inbox is not None and number >= limits.inbox * part)
        or (limits.inbox_bytes is not None and size >= limits.inbox_bytes * part)
    )
