"""The exceptions, by whose fault they are.

WebSocketError
├── WebSocketDisconnect       the connection is over: normal control flow
├── InvalidStateError         the application used the connection out of turn  (a RuntimeError)
├── ServerProtocolError       the server broke the ASGI specification          (a RuntimeError)
├── ClientMessageError        the client sent something unusable               (a ValueError)
│   ├── UnsupportedDataError    closes with 1003
│   ├── InvalidDataError        closes with 1007
│   ├── InvalidMessageError     answered with an error message, or closes with 1008
│   ├── MessageTooBigError      closes with 1009
│   └── RateLimitedError        closes with 1008
├── GroupFullError            a group has as many users as it may
├── BackplaneError            the processes that share groups can't be reached
│   └── PositionLost            not all that a group carried since is kept     (a LookupError)
├── ErrorReply                raised by a handler to answer its message with an error
└── Denied                    raised by the application to refuse the handshake
ConfigurationError            a class is declared incorrectly                  (a TypeError)
ConfigurationWarning          a class is declared, but perhaps not as meant     (a UserWarning)
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

from wsendpoints.protocol.close_codes import CloseCode, describe
from wsendpoints.protocol.headers import HeadersLike, check_headers

__all__ = [
    "BackplaneError",
    "ClientMessageError",
    "ConfigurationError",
    "ConfigurationWarning",
    "Denied",
    "ErrorDetails",
    "ErrorReply",
    "GroupFullError",
    "InvalidDataError",
    "InvalidMessageError",
    "InvalidStateError",
    "MessageTooBigError",
    "PositionLost",
    "RateLimitedError",
    "ServerProtocolError",
    "UnsupportedDataError",
    "WebSocketDisconnect",
    "WebSocketError",
    "about",
]


class WebSocketError(Exception):
    """The base class of what can go wrong with a connection."""


class WebSocketDisconnect(WebSocketError):
    """The connection is over: the peer disconnected, or a limit closed it.

    This is how a conversation normally ends. An endpoint need not catch it.

    Attributes:
        code: The close code, as the server reports it. Servers differ: both 1005 and 1006 may
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
    """The application used the connection out of turn, such as sending before accepting."""


class ServerProtocolError(WebSocketError, RuntimeError):
    """The ASGI server sent something that the specification does not allow."""


class ClientMessageError(WebSocketError, ValueError):
    """The client sent a message that the endpoint does not accept.

    Attributes:
        detail: What is wrong with it. The client may see this: it never quotes the client's input.
        close_code: The code to close with, if this closes the connection. For a limit it is that
            of `Limits.close_codes`, if it is there.
        limit: The name of the limit that the message exceeds, if that is what is wrong.
    """

    # Not in `__dict__`, which goes into pickles, and which loggers and error trackers show.
    __slots__ = ("_decode", "_frame")

    close_code: int = CloseCode.POLICY_VIOLATION
    limit: str | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self._frame: str | bytes | None = None
        self._decode: Callable[[Any], Any] | None = None

    def __str__(self) -> str:
        return self.detail

    @property
    def frame(self) -> str | bytes | None:
        """What the client sent; `None` if the error is not of one frame.

        For the server's eyes alone: it is in no text of the error, in no line of the library's log,
        and not in the default answer. A copy of the error, such as a pickled one, has no frame.
        """
        return self._frame

    @property
    def value(self) -> Any:
        """The value of the JSON that the client sent, where that is JSON, but no message declared.

        `None` where there is none: for any other error, and in a copy. It is decoded when this is
        read, each time, and not validated: it may be anything.
        """
        return None if self._decode is None else self._decode(self._frame)


Blamed = TypeVar("Blamed", bound=ClientMessageError)


def about(error: Blamed, frame: str | bytes, decode: Callable[[Any], Any] | None = None) -> Blamed:
    """Return an error that has the frame that it is about.

    Not arguments of the class: those would be in `args`, and so in the error's repr and its pickle.

    Args:
        error: The error.
        frame: What the client sent.
        decode: Returns the value of the frame, if that has one.
    """
    error._frame = frame  # pyright: ignore[reportPrivateUsage]  # its own module
    error._decode = decode  # pyright: ignore[reportPrivateUsage]
    return error


class UnsupportedDataError(ClientMessageError):
    """The endpoint takes text and got bytes, or the reverse (RFC 6455, section 7.4.1: 1003)."""

    close_code: int = CloseCode.UNSUPPORTED_DATA


class InvalidDataError(ClientMessageError):
    """A frame is not UTF-8, or not JSON (RFC 6455, section 7.4.1: 1007)."""

    close_code: int = CloseCode.INVALID_DATA


class ErrorDetails(TypedDict):
    """One thing that is wrong with a message."""

    loc: list[str | int]
    """The path to it within the message: names of declared fields, and indices.

    It ends where the client chose the names, as in a dict, or goes on without them. It is empty for
    the message as a whole.
    """
    type: str
    """Pydantic's name for this type of error: `"missing"`, `"int_parsing"`, ..."""
    msg: str
    """A description for humans."""


class InvalidMessageError(ClientMessageError):
    """A message matches none that the endpoint declares (RFC 6455, section 7.4.1: 1008).

    Attributes:
        errors: What is wrong with it: the first errors, at most ten.
        more: How many errors there are beyond those.
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
    """A message exceeds `Limits.max_message_size` (RFC 6455, section 7.4.1: 1009)."""

    close_code: int = CloseCode.MESSAGE_TOO_BIG


class RateLimitedError(ClientMessageError):
    """Messages arrive faster than `Limits.rate` allows (RFC 6455, section 7.4.1: 1008)."""


class GroupFullError(WebSocketError):
    """A group has as many users as it may: `Group.max_users`."""


class BackplaneError(WebSocketError):
    """What connects the processes that share groups can't be reached, or refused."""


class PositionLost(BackplaneError, LookupError):
    """Not all that a group carried after a position is kept: its state is to be loaded anew."""


class ErrorReply(WebSocketError):
    """Raise it in a handler to answer the message with an error; the connection goes on.

    In a `"json"` endpoint the client gets
    `{"type": "error", "code": "room_full", "message": "...", "details": ...}`, with the message's
    correlation id, if it has one. It is an answer, not a failure: nothing is logged above DEBUG,
    and it does not count as an invalid message. All of it is shown to the client.

    Attributes:
        code: Tells the client's code what is wrong, such as `"room_full"`; an int where the
            protocol has numbers.
        message: A description for humans; left out of the answer if it is empty.
        details: Whatever else the client needs, a value or a model; left out if it is `None`.

    Raises:
        TypeError: The code is neither a str nor an int, or the message is no str.
        ValueError: The code is empty.
    """

    def __init__(self, code: str | int, message: str = "", details: Any = None) -> None:
        super().__init__(code, message, details)
        _check_reply(code, message)
        self.code: str | int = code
        self.message: str = message
        self.details: Any = details

    def __str__(self) -> str:
        because = f": {self.message}" if self.message else ""
        return f"the message is answered with the error {self.code!r}{because}"


def _check_reply(code: object, message: object) -> None:
    if not isinstance(code, str | int) or isinstance(code, bool):
        raise TypeError(f"the code of an ErrorReply is a str or an int, not {code!r}")
    if code == "":
        raise ValueError("the code of an ErrorReply tells the client what is wrong: it is empty")
    if not isinstance(message, str):
        raise TypeError(f"the message of an ErrorReply is a str, not {message!r}")


class Denied(WebSocketError):
    """Raise it in `on_connect`, before accepting, to refuse the client.

    The client gets this HTTP response instead of a connection; from a server that cannot send
    one, it gets a bare 403. ASGI spec, "Websocket Denial Response".

    Attributes:
        status: The HTTP status, 400 to 599.
        headers: The headers of the response.
        body: The body of the response; a `str` is sent as UTF-8.

    Raises:
        ValueError: The status is outside that range, or a header can't be sent.
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
    """An endpoint class is declared incorrectly; the text says what to change."""


class ConfigurationWarning(UserWarning):
    """An endpoint class works as declared, which costs time, or may not be what was meant."""
