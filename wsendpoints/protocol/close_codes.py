"""Close codes: what each one means, and which ones may be sent.

Source: RFC 6455, section 7.4, and the IANA registry "WebSocket Close Code Number".
"""

from enum import IntEnum
from typing import Final

__all__ = ["MAX_REASON_BYTES", "CloseCode", "check_close_code", "cut_reason", "describe"]

MAX_REASON_BYTES: Final = 123
"""A close frame holds at most 125 bytes, two of which are the code (RFC 6455, section 5.5)."""


class CloseCode(IntEnum):
    """The registered close codes, by their names in the IANA registry.

    Integers from 3000 to 4999 may be sent as well: 3000 to 3999 are registered by libraries and
    frameworks, 4000 to 4999 are for private use (RFC 6455, section 7.4.2).
    """

    NORMAL_CLOSURE = 1000
    """The connection has served its purpose."""
    GOING_AWAY = 1001
    """The server is shutting down, or the browser is leaving the page."""
    PROTOCOL_ERROR = 1002
    """The peer broke the WebSocket protocol."""
    UNSUPPORTED_DATA = 1003
    """The receiver does not take this type of frame: text instead of bytes, or the reverse."""
    NO_STATUS_RECEIVED = 1005
    """Never sent: stands for a close frame without a code."""
    ABNORMAL_CLOSURE = 1006
    """Never sent: stands for a connection that ended without a close frame."""
    INVALID_DATA = 1007
    """The data does not match its format: text that is not UTF-8, or not JSON."""
    POLICY_VIOLATION = 1008
    """The message violates the receiver's policy, and no other code fits better."""
    MESSAGE_TOO_BIG = 1009
    """The message is larger than the receiver accepts."""
    MANDATORY_EXTENSION = 1010
    """The client needs an extension that the server did not negotiate."""
    INTERNAL_ERROR = 1011
    """The server cannot continue because of an unexpected error."""
    SERVICE_RESTART = 1012
    """The server is restarting; the client may reconnect after a few seconds."""
    TRY_AGAIN_LATER = 1013
    """The server is overloaded, or the client is too slow."""
    BAD_GATEWAY = 1014
    """A gateway got an invalid answer from the server behind it."""
    TLS_HANDSHAKE = 1015
    """Never sent: stands for a failed TLS handshake."""


_REGISTERED_AND_SENT: Final = frozenset(CloseCode) - {
    CloseCode.NO_STATUS_RECEIVED,
    CloseCode.ABNORMAL_CLOSURE,
    CloseCode.TLS_HANDSHAKE,
}


def check_close_code(code: object) -> int:
    """Return `code` if a close frame may carry it.

    Args:
        code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.

    Raises:
        ValueError: It is anything else, such as `True` or `1000.0`. Given an illegal code, some
            servers drop the connection and others leave it open.
            RFC 6455, section 7.4: 1004, 1005, 1006 and 1015 are reserved, 1016 to 2999 are not
            assigned yet.
    """
    if (
        isinstance(code, int)
        and not isinstance(code, bool)
        and (3000 <= code <= 4999 or code in _REGISTERED_AND_SENT)
    ):
        return int(code)
    raise ValueError(
        f"{code!r} is no close code that may be sent: "
        "use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, section 7.4)"
    )


def cut_reason(reason: str | None) -> str:
    """Return as much of `reason` as fits in a close frame, without splitting a character.

    Args:
        reason: Any text; `None` means no reason. A lone surrogate, which UTF-8 cannot encode,
            becomes `"?"`.

    Returns:
        Text of at most 123 bytes in UTF-8 (RFC 6455, section 5.5).
    """
    if not reason:
        return ""
    return reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")


def describe(code: int) -> str:
    """Return `code` with its registered name, if it has one: `"1001 (going away)"`."""
    try:
        return f"{code:d} ({CloseCode(code).name.lower().replace('_', ' ')})"
    except ValueError:
        return f"{code:d}"
