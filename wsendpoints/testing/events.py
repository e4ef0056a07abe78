"""What the app's events say, once they were checked; and how errors tell it."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from wsendpoints.protocol.close_codes import describe

__all__ = [
    "Accepted",
    "AppEvent",
    "Closed",
    "DenialBody",
    "DenialStart",
    "Frame",
    "HeaderList",
    "describe_close",
    "describe_frame",
    "shorten",
]

_LONGEST: Final = 200

HeaderList: TypeAlias = list[tuple[bytes, bytes]]
"""Headers as they stand in a scope."""

Frame: TypeAlias = str | bytes
"""What one text or binary frame carries."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The app took the connection."""

    subprotocol: str | None
    headers: HeaderList


@dataclass(frozen=True, slots=True)
class Closed:
    """The app closed the connection.

    Attributes:
        code: The close code that the client sees.
        reason: The close reason, `""` if there is none.
    """

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DenialStart:
    """The app begins an HTTP response in place of the handshake."""

    status: int
    headers: HeaderList


@dataclass(frozen=True, slots=True)
class DenialBody:
    """A part of the body of that response."""

    body: bytes
    has_more: bool


AppEvent: TypeAlias = Accepted | Closed | DenialStart | DenialBody | Frame
"""One legal event of the app's."""


def shorten(value: object) -> str:
    """Return the `repr` of `value`, cut where it gets too long to read."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def describe_frame(frame: Frame) -> str:
    """Return `frame` in words: `"a text frame came: 'hello'"`."""
    kind = "text" if isinstance(frame, str) else "binary"
    return f"a {kind} frame came: {shorten(frame)}"


def describe_close(code: int, reason: str) -> str:
    """Return a close in words: `"1008 (policy violation) and the reason 'no'"`."""
    return describe(code) + (f" and the reason {reason!r}" if reason else "")
