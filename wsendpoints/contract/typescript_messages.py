"""What a client in TypeScript sends and gets, as types: by the encodings, and who answers what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

from wsendpoints.contract.description import Description, Message, Operation
from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.schemas import Schemas
from wsendpoints.contract.typescript_text import literal
from wsendpoints.contract.typescript_types import TypeWriter, either

__all__ = ["BYTES", "Exchange", "MessageTypes"]

BYTES = "Uint8Array"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A type of messages that are answered, as a client has it.

    Attributes:
        operation: What answers it; `None` if that may be any.
        message: The type of what is given to the client, which chooses an id for it.
        replies: The types of the answers that have that id.
    """

    operation: Operation | None
    message: str
    replies: Sequence[str]


@final
class MessageTypes:
    """Writes the types of the messages of a class.

    Args:
        description: The class.
        schemas: The schemas of its messages.
        types: Writes their types.
    """

    def __init__(self, description: Description, schemas: Schemas, types: TypeWriter) -> None:
        self._description = description
        self._schemas = schemas
        self._types = types

    # One message.

    def sent(self, message: Message) -> str:
        """Return the type of a message that the client sends."""
        return self._written(self._schemas.received(message))

    def got(self, message: Message) -> str:
        """Return the type of a message that the client gets."""
        return self._written(self._schemas.sent(message))

    def _written(self, schema: Schema) -> str:
        return either(
            [
                self._value(schema) if speech.has_values else self._frame(schema, speech.frames)
                for speech in self._description.speeches
            ]
        )

    def _value(self, schema: Schema) -> str:
        # A message that is bytes is a binary frame, or bytes of MessagePack.
        return BYTES if self._types.is_binary(schema) else self._types.of(schema)

    def _frame(self, schema: Schema, frames: str) -> str:
        is_text = entries_of(schema).get("type") == "string"
        if frames == "binary" or self._types.is_binary(schema):
            return BYTES
        if is_text:
            return self._types.of(schema)
        return "string" if frames == "text" else either(["string", BYTES])

    # What is asked.

    @property
    def is_numbered(self) -> bool:
        """Whether the ids that a client chooses are numbers, since no message takes a text."""
        kinds = {
            kind
            for message in self._description.received
            for field, _ in self._ids(self._schemas.received(message))
            for kind in _kinds(field)
        }
        return "integer" in kinds and "string" not in kinds

    def exchanges(self, *, is_stream: bool) -> Iterator[Exchange]:
        """Yield what is answered with the id that it has: by streams, or by one reply each."""
        for operation in self._description.operations:
            if operation.is_stream is not is_stream:
                continue
            replies = [it for it in operation.replies if self._has_id(self._schemas.sent(it))]
            if not replies:
                continue
            for message in operation.messages:
                if self._has_id(self._schemas.received(message)):
                    types = tuple(map(self.got, replies))
                    yield Exchange(operation, self.without_id([message]), types)

    def replies(self) -> dict[str, list[Any]]:
        """Return which kinds of messages are replies, by the kinds of what they answer.

        What nothing tells apart, as sent or as got, is left out.
        """
        if self._description.correlation_id is None or self._description.dialect is not None:
            return {}
        found: dict[str, list[Any]] = {}
        for operation in self._description.operations:
            kinds = [self.kinds(it) for it in operation.replies]
            if kinds and all(kinds):
                for message in operation.messages:
                    for kind in self._kinds_of(self._schemas.received(message)):
                        name = kind if isinstance(kind, str) else literal(kind)
                        found[name] = [it for some in kinds for it in some]
        return found

    def without_id(self, messages: Sequence[Message]) -> str:
        """Return the type of messages that the client sends, and chooses an id for."""
        field = self._description.correlation_id
        written = either([self.sent(it) for it in messages])
        schemas = [self._schemas.received(it) for it in messages]
        if any(is_required for it in schemas for _, is_required in self._ids(it)):
            return f"WithoutId<{written}, {literal(field)}>"
        return written

    def needs_anything(self, message: Message) -> bool:
        """Return whether a message that the client sends has to have anything in it."""
        return self._types.needs_anything(self._schemas.received(message))

    def kinds(self, message: Message) -> Sequence[Any]:
        """Return what the tag of a message that the client gets may be."""
        return self._kinds_of(self._schemas.sent(message))

    def _kinds_of(self, schema: Schema) -> Sequence[Any]:
        if self._description.tag is None:
            return []
        found = self._types.fields(schema, self._description.tag)
        return [value for field, _ in found for value in self._types.values(field)]

    def has_position(self, message: Message) -> bool:
        """Return whether a message tells its position in the history of its group."""
        return any(self._types.fields(self._schemas.sent(message), "position"))

    def _has_id(self, schema: Schema) -> bool:
        return any(self._ids(schema))

    def _ids(self, schema: Schema) -> Iterator[tuple[Schema, bool]]:
        field = self._description.correlation_id
        return iter(()) if field is None else self._types.fields(schema, field)


def _kinds(schema: Schema) -> Iterator[str]:
    """Yield the types of the values of a field."""
    entries = entries_of(schema)
    declared: Any = entries.get("type", ())
    yield from [declared] if isinstance(declared, str) else declared
    for kind in ("allOf", "anyOf", "oneOf"):
        for part in entries.get(kind, ()):
            yield from _kinds(part)
