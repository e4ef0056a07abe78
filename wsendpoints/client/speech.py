"""The messages of a class as a client has them: written as it takes them, read as it sends them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar, cast, final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import is_typeddict

from wsendpoints.contract.description import Description, ErrorMessages, Message
from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.codecs import Decode, MessageCodec, refuse_text
from wsendpoints.messages.correlation import Correlation, Id, bounded
from wsendpoints.messages.declaration import Declaration
from wsendpoints.messages.error_message import ErrorMessage
from wsendpoints.messages.joining import join
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.structs import compile_structs, holds_struct, refused_errors
from wsendpoints.messages.substitution import is_class, union_of
from wsendpoints.messages.unions import bare, name_of
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import ClientMessageError, ConfigurationError

__all__ = ["Received", "Speech"]

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the server's.

    Attributes:
        message: The message.
        id: The correlation id; `None` if it has none.
        positions: The positions that it tells of, by the names of the classes of groups.
    """

    message: Any
    id: Id | None
    positions: Mapping[str, str]


@final
class Speech:
    """Writes and reads the messages of a class, as a client.

    Args:
        declaration: The class, as it speaks with a subprotocol.
        description: The class.

    Raises:
        ConfigurationError: The server's messages can't be read.
    """

    def __init__(self, declaration: Declaration, description: Description) -> None:
        self._name = description.name
        self._taken = [it.type for it in description.received]
        self._codec = declaration.codec
        self._inbound = declaration.inbound
        self._outbound = Outbound(self._taken, self._codec, self._name)
        sent = [it.type for it in description.sent]
        self._decoders, refused = _decoders(sent, self._codec, self._name)
        self._sent = sent
        self._unread: tuple[type[Exception], ...] = (*refused, ClientMessageError)
        self._errors = description.errors
        self._error_classes = [it for it in map(bare, sent) if _is_error_class(it)]
        self._histories = [*_histories(description)]
        self._replies = [*_replies(description)]
        self._correlation: Correlation | None = None
        if description.correlation_id is not None:
            self._correlation = Correlation(
                description.correlation_id, [], self._taken, self._codec.value_of, self._name
            )
        self._numbers = count(1)

    # What the client sends.

    def write(self, message: object) -> str | bytes:
        """Return the frame of a message that the class takes.

        Raises:
            TypeError: The class takes none of this type.
            ValueError: It is not valid, by what pydantic, or msgspec, says of it.
        """
        try:
            event = self._outbound.encode(message)
        except ConfigurationError:
            takes = ", ".join(map(name_of, self._taken))
            raise TypeError(
                f"{self._name} takes no {type(message).__name__}: send one of {takes}"
            ) from None
        frame: str | bytes = event["text"] if "text" in event else event["bytes"]
        # As the server will.
        is_text = isinstance(frame, str)
        decode = self._inbound.decode_text if is_text else self._inbound.decode_binary
        try:
            decode(frame)
        except ValidationError:
            raise
        except self._inbound.refused as exc:
            raise ValueError(str(exc)) from exc
        return frame

    def with_id(self, message: M) -> tuple[M, Id]:
        """Return a message with a correlation id, which is its own if it has one, and the id.

        Raises:
            TypeError: It has no field for one.
        """
        correlation = self._correlation
        if correlation is not None:
            own = bounded(correlation.read_own(message))
            if own is not None:
                return message, own
            for id_ in (uuid.uuid4().hex, next(self._numbers)):
                filled = correlation.fill(message, id_)
                if filled is not message:
                    return filled, id_
        field = None if correlation is None else correlation.field
        raise TypeError(
            f"a {type(message).__name__} has no field for an id, "
            + (f"{field!r}" if field else f"and {self._name} declares no `correlation_id`")
        )

    def replies_to(self, message: object) -> tuple[type, ...] | None:
        """Return the classes of the replies to a message; `None` if anything may be one."""
        return next((to for asked, to in self._replies if type(message) in asked), None)

    def is_reply(self, message: object) -> bool:
        """Return whether a message of the server's is declared as the reply to some other."""
        return any(isinstance(message, to) for _, to in self._replies)

    def answering(self, answer: M, id_: Id | None) -> M:
        """Return an answer with the id of its question, unless it has one."""
        return answer if self._correlation is None else self._correlation.fill(answer, id_)

    # What the server sends.

    def check_sent(self, kind: object) -> None:
        """Check that messages of the server's can be instances of a class.

        Raises:
            TypeError: None is, or it is no class.
        """
        if is_class(kind) and (
            kind is ErrorMessage
            or any(it is Any or (is_class(it) and issubclass(it, kind)) for it in self._sent)
        ):
            return
        sends = ", ".join(map(name_of, self._sent))
        raise TypeError(f"{self._name} sends no {name_of(kind)}: use the class of one of {sends}")

    def read(self, frame: str | bytes) -> Received:
        """Return what the server sent.

        Raises:
            ValueError: The class sends no such message.
        """
        value: Any = self._codec.value_of(frame) if self._codec.has_values else None
        members = cast("dict[str, Any]", value if isinstance(value, dict) else {})
        message = self._error_in(members)
        if message is None:
            message = self._decoded(frame)
        id_ = None
        if self._correlation is not None:
            id_ = bounded(members.get(self._correlation.field))
        return Received(message, id_, self._positions(message, members))

    def _decoded(self, frame: str | bytes) -> Any:
        text, binary = self._decoders
        try:
            return text(frame) if isinstance(frame, str) else binary(frame)
        except ValidationError as exc:
            # Without what came, since it is logged.
            errors = exc.errors(include_url=False, include_input=False)
            told = (f"{'.'.join(map(str, it['loc'])) or 'message'}: {it['msg']}" for it in errors)
            raise ValueError("; ".join(told)) from exc
        except self._unread as exc:
            raise ValueError(str(exc)) from exc

    def _error_in(self, members: Mapping[str, Any]) -> ErrorMessage | None:
        errors = self._errors
        if errors is None or members.get(errors.tag) != "error":
            return None
        if self._error_classes or errors.names["code"] not in members:
            # It is read as one that the class declares.
            return None
        return _error_of(errors, members)

    def _positions(self, message: object, members: Mapping[str, Any]) -> Mapping[str, str]:
        position = members.get("position")
        if not isinstance(position, str):
            return {}
        return {name: position for name, classes in self._histories if isinstance(message, classes)}


def _error_of(errors: ErrorMessages, members: Mapping[str, Any]) -> ErrorMessage | None:
    given = {key: members[name] for key, name in errors.names.items() if name in members}
    try:
        return ErrorMessage.model_validate(given)
    except ValidationError:
        return None


def _is_error_class(klass: Any) -> bool:
    return is_class(klass) and issubclass(klass, ErrorMessage)


def _histories(description: Description) -> Iterator[tuple[str, tuple[type, ...]]]:
    for group in description.groups:
        if group.has_history:
            yield group.name, tuple(_classes_of(group.messages))


def _replies(description: Description) -> Iterator[tuple[tuple[object, ...], tuple[type, ...]]]:
    """Yield the types of some messages, with the classes of their replies, if all are classes.

    Messages are told by their own class, as another handler may take those of a subclass.
    """
    for operation in description.operations:
        replies = tuple(_classes_of(operation.replies))
        if replies and len(replies) == len(operation.replies):
            yield tuple(bare(it.type) for it in operation.messages), replies


def _classes_of(messages: Sequence[Message]) -> Iterator[type]:
    """Yield the classes that messages are instances of: none for a type such as `list[int]`."""
    for klass in (bare(it.type) for it in messages):
        if is_class(klass):
            yield dict if is_typeddict(klass) else klass


def _decoders(
    sent: Sequence[Any], codec: MessageCodec, where: str
) -> tuple[tuple[Decode, Decode], tuple[type[Exception], ...]]:
    """Return what reads text and binary frames, and what they raise for what is not declared."""
    declared = [it for it in sent if it is not Any]
    if not declared or len(declared) < len(sent):
        return codec.decoders(None, []), codec.refused
    if any(map(holds_struct, declared)) and codec.has_values:
        decoders: Any = compile_structs(declared, codec.struct_decoders, where)
        return decoders, refused_errors()
    if not codec.has_values:
        adapter = compile_adapter(union_of(declared), where)
        decode = partial(_decode_frame, adapter, declared)
        return (decode, decode), codec.refused
    # Bytes may be a message themselves, beside values.
    has_frames = bytes in declared and bytes in codec.frames
    values = [it for it in declared if not (has_frames and it is bytes)]
    if not values:
        return (refuse_text, bytes), codec.refused
    adapter = compile_adapter(join(values), where)
    text, binary = codec.decoders(Validator(adapter, is_json=codec.is_json), values)
    return (text, bytes if has_frames else binary), codec.refused


def _decode_frame(adapter: TypeAdapter[Any], declared: Sequence[Any], frame: str | bytes) -> Any:
    # What is no frame itself is written as JSON into one.
    is_itself = type(frame) in declared
    return frame if is_itself else adapter.validate_json(frame)
