"""What can go wrong, by who is to blame.

WebSocketError
├── WebSocketDisconnect       the peer left: normal control flow
├── InvalidStateError         our caller used the connection out of turn   (a RuntimeError)
├── ServerProtocolError       the ASGI server broke the specification      (a RuntimeError)
├── ClientMessageError        the client sent something unusable           (a ValueError)
│   ├── UnsupportedDataError    closes with 1003
│   ├── InvalidDataError        closes with 1007
│   ├── InvalidMessageError     answered, or closes with 1008
│   ├── MessageTooBigError      closes with 1009
│   └── RateLimitedError        closes with 1008
└── Denied                    raised by the application to refuse the handshake
ConfigurationError            a class is declared wrongly                  (a TypeError)
ConfigurationWarning          a class is declared in a way that costs      (a UserWarning)
"""

from collections.abc import Sequence
from typing import Any, ClassVar, TypedDict

from wsendpoints.protocol.close_codes import CloseCode, describe
from wsendpoints.protocol.headers import HeadersLike, check_headers

__all__ = [
    "ClientMessageError",
    "ConfigurationError",
    "ConfigurationWarning",
    "Denied",
    "ErrorDetails",
    "InvalidDataError",
    "InvalidMessageError",
    "InvalidStateError",
    "MessageTooBigError",
    "RateLimitedError",
    "ServerProtocolError",
    "UnsupportedDataError",
    "WebSocketDisconnect",
    "WebSocketError",
]


class WebSocketError(Exception):
    """The base of everything that happens to a connection."""


class WebSocketDisconnect(WebSocketError):
    """The connection is over: the peer left, or what it did had it closed, as at a limit.

    This is how a conversation normally ends. An endpoint that lets it pass ends quietly.

    Attributes:
        code: The close code, as the server tells it. Servers differ: 1005 and 1006 may each
            stand for a connection that ended without a close frame.
        reason: The close reason, `""` if there is none.
    """

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        super().__init__(code, reason)
        self.code: int = code
        self.reason: str = reason or ""

    def __str__(self) -> str:
        because = f": {self.reason!r}" if self.reason else ""
        return f"the connection ended with code {describe(self.code)}{because}"


class InvalidStateError(WebSocketError, RuntimeError):
    """The connection was used out of turn: a mistake in the calling code."""


class ServerProtocolError(WebSocketError, RuntimeError):
    """The ASGI server sent something that the specification does not allow."""


class ClientMessageError(WebSocketError, ValueError):
    """The client sent a message that the endpoint does not take.

    Attributes:
        detail: What is wrong with it, in words that may be shown to the client: they never
            hold any of its input.
        close_code: The code to close with, where that is the answer.
        limit: The name of the limit that the message exceeds, if that is what is wrong.
    """

    close_code: ClassVar[CloseCode] = CloseCode.POLICY_VIOLATION
    limit: str | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class UnsupportedDataError(ClientMessageError):
    """A text frame came where bytes are taken, or the reverse (RFC 6455, section 7.4.1: 1003)."""

    close_code = CloseCode.UNSUPPORTED_DATA


class InvalidDataError(ClientMessageError):
    """A frame is not UTF-8, or not JSON (RFC 6455, section 7.4.1: 1007)."""

    close_code = CloseCode.INVALID_DATA


class ErrorDetails(TypedDict):
    """One thing that is wrong with a message."""

    loc: list[str | int]
    """The path to it within the message; empty for the message as a whole."""
    type: str
    """What kind of error it is, a name of pydantic's: `"missing"`, `"int_parsing"`, ..."""
    msg: str
    """The same in words."""


class InvalidMessageError(ClientMessageError):
    """A message is none of those that the endpoint declares (RFC 6455, section 7.4.1: 1008).

    Attributes:
        errors: What is wrong, at most ten errors.
        more: How many further errors there are.
    """

    def __init__(self, errors: Sequence[ErrorDetails], more: int = 0) -> None:
        super().__init__("the message is not one that this endpoint takes")
        self.args: tuple[Any, ...] = (errors, more)
        self.errors: list[ErrorDetails] = list(errors)
        self.more: int = more

    def __str__(self) -> str:
        lines = [
            f"{'.'.join(map(str, error['loc'])) or 'message'}: {error['msg']}"
            for error in self.errors
        ]
        if self.more:
            lines.append(f"and {self.more} more")
        return f"{self.detail}: {'; '.join(lines)}"


class MessageTooBigError(ClientMessageError):
    """A message is over `Limits.max_message_size` (RFC 6455, section 7.4.1: 1009)."""

    close_code = CloseCode.MESSAGE_TOO_BIG


class RateLimitedError(ClientMessageError):
    """Messages come faster than `Limits.rate` allows (RFC 6455, section 7.4.1: 1008)."""


class Denied(WebSocketError):
    """Raise it in `on_connect`, before accepting, to refuse the client.

    The client sees an HTTP response in place of the handshake; 403 without headers and body
    where the server cannot send one. ASGI spec, "Websocket Denial Response".

    Attributes:
        status: The HTTP status, 400 to 599.
        headers: Headers of the response.
        body: Its body; a `str` is sent as UTF-8.

    Raises:
        ValueError: It is no such status, or a header can't be sent.
        TypeError: A header is made of something other than str or bytes.
    """

    def __init__(
        self,
        status: int = 403,
        *,
        headers: HeadersLike | None = None,
        body: str | bytes = b"",
    ) -> None:
        super().__init__(status)
        if isinstance(status, bool) or not 400 <= status <= 599:
            raise ValueError(f"{status!r} does not deny a handshake: use a status of 400 to 599")
        self.status: int = status
        self.headers: list[tuple[bytes, bytes]] = check_headers(headers)
        self.body: str | bytes = body

    def __str__(self) -> str:
        return f"the handshake is denied with status {self.status}"


class ConfigurationError(TypeError):
    """An endpoint class is declared wrongly; the text says what to change."""


class ConfigurationWarning(UserWarning):
    """An endpoint class works as declared, but at a cost that a small change avoids."""
