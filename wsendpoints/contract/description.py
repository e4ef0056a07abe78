"""An endpoint as whoever writes a client sees it: its messages, who answers what, and its end.

These are values alone. `describe` makes them of a class, and is the only one that reads what is
compiled there; all documents and clients are made of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.handshake.credentials import Credential
from wsendpoints.handshake.parameters import Place
from wsendpoints.messages.options import Overlap
from wsendpoints.protocol.limits import Limits

__all__ = [
    "Closing",
    "Description",
    "ErrorMessages",
    "Frames",
    "GroupMessages",
    "Message",
    "Operation",
    "Parameter",
    "Speech",
]

Frames: TypeAlias = Literal["text", "binary", "any"]
"""The frames that messages are in. A server reads JSON from either, and writes it as text."""


@dataclass(frozen=True, slots=True)
class Message:
    """A type of messages.

    Attributes:
        type: The type, as pydantic or msgspec takes it; `Any` where the class does not say.
        name: That of the class, or what kind of value it is: `"Say"`, `"Text"`. Two messages may
            have the same one.
        title: What it is called for humans: the `title` of its model, or its name.
        summary: The first paragraph of the docstring, on one line; `""` if it has none.
        description: The rest of the docstring.
    """

    type: Any = field(hash=False)
    name: str
    title: str
    summary: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a class does with some messages of its clients.

    Attributes:
        name: That of the method.
        method: The name that clients call it by, in a class with a dialect; else `None`.
        messages: The messages that it takes. With a dialect it is one, the params of the call.
        replies: What it answers with, one of these; none if it never answers. With a dialect it is
            the results of the call.
        is_silent: Whether it may leave a message without a reply.
        is_stream: Whether each message is answered with any number of replies.
        is_concurrent: Whether it runs beside others, so that replies come in any order.
        overlap: What becomes of a message whose key is busy; `None` if none is.
        summary: The first paragraph of the method's docstring, on one line.
        description: The rest of it.
    """

    name: str
    method: str | None
    messages: Sequence[Message]
    replies: Sequence[Message]
    is_silent: bool
    is_stream: bool
    is_concurrent: bool
    overlap: Overlap | None
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class GroupMessages:
    """What a connection may get of a kind of groups.

    Attributes:
        name: That of the class.
        address: The name of such a group, with `{}` for each part: `"room:{}"`.
        messages: The messages that it carries.
        has_history: Whether a client that comes back may be sent what it missed.
        summary: The first paragraph of the class's docstring, on one line.
        description: The rest of it.
    """

    name: str
    address: str
    messages: Sequence[Message]
    has_history: bool
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class ErrorMessages:
    """The messages that answer others with an error.

    With a dialect they are in its format, which says nothing to `names`.

    Attributes:
        codes: What they may have for a code, with descriptions, `""` for none.
        is_open: Whether other codes may come: the class does not declare its own.
        tag: The field that has `"error"` in it, as `Description.tag`.
        names: How the other fields are written, by the names that `ErrorMessage` has for them.
    """

    codes: Mapping[str | int, str] = field(hash=False)
    is_open: bool
    tag: str
    names: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Speech:
    """How messages are written on a connection.

    Attributes:
        subprotocol: The subprotocol that it was accepted with; `None` for none.
        encoding: `"json"`, `"text"`, `"bytes"`, `"msgpack"`, `"frames"` for frames of either kind
            as they are, or the name of a `Codec`.
        content_type: The media type of such a message, as far as there is one.
        frames: What frames messages are in.
        has_values: Whether a message is a value, such as an object, and not a text or bytes itself.
    """

    subprotocol: str | None
    encoding: str
    content_type: str
    frames: Frames
    has_values: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the handshake, which a field of `params` takes, or the framework resolves.

    Attributes:
        name: What it is called; for one of the query, any of `others` will do, too. The name of a
            header, or a cookie, is that one, and that of its field is among `others`.
        place: Where it is.
        is_required: Whether a client without it is refused.
        is_multiple: Whether it may be given several times, each of which counts.
        others: Its other names.
        is_integer: Whether the path takes nothing but digits there, as `{name:int}` does.
        is_rest: Whether the path takes slashes there, too, as `{name:path}` does.
        type: The type of its value, where the framework resolves it; else `None`.
    """

    name: str
    place: Place
    is_required: bool
    is_multiple: bool
    others: Sequence[str] = ()
    is_integer: bool = False
    is_rest: bool = False
    type: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a connection may be closed with a code, apart from what the application itself decides.

    Attributes:
        code: The close code.
        causes: What leads to it.
        limits: The names of the limits among these.
    """

    code: int
    causes: Sequence[str]
    limits: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What an endpoint class declares.

    Attributes:
        name: That of the class.
        summary: The first paragraph of its docstring, on one line; `""` if it has none.
        description: The rest of it.
        path: Where it is mounted, with path parameters in braces: `"/rooms/{room}"`.
        speeches: How messages are written: without subprotocol, and with each.
        subprotocols: The subprotocols, in the order of preference.
        is_subprotocol_required: Whether a client is refused that offers none of them.
        params: The type of the parameters; `None` if there is none.
        parameters: Those of the path, in order, and then those of the query.
        security: What tells who a client is: any of these will do.
        operations: What it does with messages.
        pushes: What it sends without being asked, as `sends` declares.
        groups: What it sends for groups that the connection is in.
        questions: Those of the pushes that may be questions, which clients answer.
        answers: What clients answer them with.
        is_open: Whether it may send messages that it does not declare.
        tag: The field that tells messages apart; `None` if there is none.
        correlation_id: The field by which an answer belongs to its message; `None` if none does.
        errors: The messages that tell of an error; `None` if it sends none.
        dialect: The envelope of all messages; `None` if it has none.
        limits: What one connection may take.
        closings: The codes that connections are closed with, in order.
        refusals: The status codes that a handshake is refused with, and why.
        takes: Whether the class takes a value for one of the messages that clients send, as its own
            decoder has it. With a dialect that is what is within the envelope.
    """

    name: str
    summary: str
    description: str
    path: str
    speeches: Sequence[Speech]
    subprotocols: Sequence[str]
    is_subprotocol_required: bool
    params: Any = field(hash=False)
    parameters: Sequence[Parameter]
    security: Sequence[Credential]
    operations: Sequence[Operation]
    pushes: Sequence[Message]
    groups: Sequence[GroupMessages]
    questions: Sequence[Message]
    answers: Sequence[Message]
    is_open: bool
    tag: str | None
    correlation_id: str | None
    errors: ErrorMessages | None
    dialect: Dialect | None = field(hash=False)
    limits: Limits
    closings: Sequence[Closing]
    refusals: Mapping[int, str] = field(hash=False)
    takes: Callable[[Message, Any], bool] = field(compare=False, repr=False)

    @property
    def received(self) -> Sequence[Message]:
        """The messages that clients send, each once: those of operations, and answers."""
        return _each_once([*(it for one in self.operations for it in one.messages), *self.answers])

    @property
    def sent(self) -> Sequence[Message]:
        """The messages that clients get, each once: replies, pushes, and those of groups."""
        replies = (it for one in self.operations for it in one.replies)
        of_groups = (it for one in self.groups for it in one.messages)
        return _each_once([*replies, *self.pushes, *of_groups])


def _each_once(messages: Sequence[Message]) -> Sequence[Message]:
    found: list[Message] = []
    for message in messages:
        if message not in found:
            found.append(message)
    return found
