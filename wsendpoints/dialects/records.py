"""What a record of a protocol says, whatever the protocol: the values that a dialect reads."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

from typing_extensions import TypeIs

from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.exceptions import ClientMessageError, WebSocketError

__all__ = [
    "Answer",
    "AskError",
    "Batch",
    "Call",
    "Cancel",
    "Close",
    "ErrorCode",
    "Failure",
    "Id",
    "InvalidRecordError",
    "Notification",
    "Record",
    "Request",
    "is_id",
]

MAX_ID_LENGTH: Final = 128
"""Of how many characters an id may be. An answer repeats it, so the client may not choose how long
that is."""

_INTEGERS: Final = range(-(2**63), 2**64)
"""The integers that every encoding can write: MessagePack has these."""

Id: TypeAlias = Hashable
"""What ties an answer to its call.

A dialect may use any value that can be a key of a dict and is a copy of nothing large: what the
client sent as the id, if `is_id` takes that; a tuple of several such values; or, for a call that
has no id in its protocol and is answered all the same, a constant of its own.
"""


def is_id(value: object) -> TypeIs[str | int]:
    """Return whether a value that a client sent can be an id, which the answer repeats.

    It is a str of at most 128 characters, or an integer of at most 64 bits.
    """
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method, which is answered.

    Attributes:
        method: The name of the method.
        params: Its payload; `None` for a call without.
        id: What its answer is to carry.
    """

    method: str
    params: Any
    id: Id


@final
@dataclass(frozen=True, slots=True)
class Notification:
    """A call of a method that is not answered, not even with an error.

    It is no `Call` with an id of `None`: in some protocols, `None` is an id. A server sends one by
    `await self.push(Notification("progress", params))`.

    Attributes:
        method: The name of the method.
        params: Its payload, from the server also as a model; `None` for one without.
    """

    method: str
    params: Any = None


@final
@dataclass(frozen=True, slots=True)
class Request:
    """A call of a method of the client's, as `WebSocketEndpoint.ask` takes it.

    It gets an id once it is sent.

    Attributes:
        method: The name of the method.
        params: Its payload, a value or a model; `None` for a call without.
    """

    method: str
    params: Any = None


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a call that was sent to the peer.

    Attributes:
        id: That of the call.
        result: What the peer returned.
    """

    id: Id
    result: Any


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """The error that answers a call that was sent to the peer.

    Attributes:
        id: That of the call; `None` if the peer could not tell which call it was.
        code: What kind of error it is, in the protocol's terms.
        message: A description for humans, `""` if there is none.
        details: What else the peer tells of it.
    """

    id: Id
    code: str | int
    message: str
    details: Any = None


@final
@dataclass(frozen=True, slots=True)
class Cancel:
    """The peer wants no answer to a call any more: what runs for it is cancelled.

    Attributes:
        id: That of the call.
    """

    id: Id


Record: TypeAlias = Call | Notification | Answer | Failure | Cancel
"""What a record says."""


@final
class Batch(tuple[Any, ...]):
    """The records of a frame whose answers are sent together, in one frame."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class Close:
    """Stands for an answer in protocols that answer with a close.

    Attributes:
        code: The close code.
        reason: The close reason, `""` for none.
    """

    code: int
    reason: str = ""


ErrorCode: TypeAlias = Literal[
    "parse_error",
    "invalid_request",
    "method_not_found",
    "invalid_params",
    "internal_error",
    "request_cancelled",
    "busy",
]
"""The codes of the errors that the library answers with, by the names that JSON-RPC has for them.

- `"parse_error"`: the encoding can't read the frame, so that there is no record.
- `"invalid_request"`: the dialect can't read the record.
- `"method_not_found"`: no handler takes the method.
- `"invalid_params"`: its handler does not take such a payload. The details are a list of
  `ErrorDetails`.
- `"internal_error"`: the handler failed.
- `"request_cancelled"`: the client cancelled the call.
- `"busy"`: the handler has `overlap="refuse"`, and another call is running.
"""


class InvalidRecordError(ClientMessageError):
    """A frame, or a record in it, that is none of the dialect's.

    Attributes:
        detail: What is wrong with it. The client may see this: it never quotes the client's input.
        id: That of the call, where it is one and its id can be read; else `None`.
        code: What kind of error it is: `ErrorReply.code` of the error that answers it.
    """

    close_code: int = CloseCode.POLICY_VIOLATION

    def __init__(self, detail: str, id: Id = None, code: str | int = "invalid_request") -> None:
        super().__init__(detail)
        self.args: tuple[Any, ...] = (detail, id, code)
        self.id: Id = id
        self.code: str | int = code


class AskError(WebSocketError):
    """The client answered a call of the server's, by `WebSocketEndpoint.ask`, with an error.

    Attributes:
        code: What kind of error it is, in the protocol's terms.
        message: A description for humans, `""` if there is none.
        details: What else the client tells of it.
    """

    def __init__(self, code: str | int, message: str = "", details: Any = None) -> None:
        super().__init__(code, message, details)
        self.code: str | int = code
        self.message: str = message
        self.details: Any = details

    def __str__(self) -> str:
        because = f": {self.message!r}" if self.message else ""
        return f"the client answered with the error {self.code!r}{because}"
