"""The messages of one channel of an AsyncAPI document, each once, by its key."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, final

from wsendpoints.contract.description import Description, Message, Operation, Speech
from wsendpoints.contract.envelopes import (
    Untold,
    call_record,
    end_record,
    error_records,
    filled,
    reply_record,
    schema_of,
)
from wsendpoints.contract.errors import error_example, error_schema
from wsendpoints.contract.examples import examples_of
from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.schemas import COMPONENTS, Names, Schemas
from wsendpoints.messages.unions import runtime_types

__all__ = ["Payloads"]

_Way: TypeAlias = Literal["received", "sent"]

_BINARY: Final = "application/octet-stream"

_BYTES: Final[frozenset[type]] = frozenset({bytes})
_TEXT: Final[frozenset[type]] = frozenset({str})


@final
class Payloads:
    """The messages of a channel, as an AsyncAPI document has them.

    Args:
        description: The endpoint.
        schemas: Those of its messages.
        names: Gives names to further components.

    Attributes:
        objects: The messages, by their keys.
        components: Further schemas, by their names.
    """

    __slots__ = (
        "_description",
        "_error",
        "_keys",
        "_names",
        "_own",
        "_schemas",
        "components",
        "objects",
    )

    def __init__(self, description: Description, schemas: Schemas, names: Names) -> None:
        self.objects: dict[str, Mapping[str, Any]] = {}
        self.components: dict[str, Schema] = {}
        self._description = description
        self._schemas = schemas
        self._names = names
        self._own = Names()
        self._keys: dict[tuple[Message, _Way], str] = {}
        self._error: str | None = None

    # Messages as they are.

    def received(self, message: Message) -> str:
        """Return the key of a message that clients send."""
        return self._key_of(message, "received")

    def sent(self, message: Message) -> str:
        """Return the key of a message that clients get."""
        return self._key_of(message, "sent")

    def _key_of(self, message: Message, way: _Way) -> str:
        key = self._keys.get((message, way))
        if key is None:
            schema = self._schema(message, way)
            other = self._keys.get((message, "sent" if way == "received" else "received"))
            if other is not None and self.objects[other]["payload"] == schema:
                key = other
            else:
                key = self._add(message, schema, self._examples(message, way))
            self._keys[message, way] = key
        return key

    def _schema(self, message: Message, way: _Way) -> Schema:
        schemas = self._schemas
        return schemas.received(message) if way == "received" else schemas.sent(message)

    def _examples(self, message: Message, way: _Way) -> Sequence[Any]:
        return examples_of(
            self._description,
            message,
            self._schema(message, way),
            self._schemas.components,
            is_sent=way == "sent",
        )

    # With a dialect.

    def called(self, operation: Operation) -> str:
        """Return the key of the call of a method."""
        (message,) = operation.messages
        method = str(operation.method)
        record = call_record(self._dialect, method)
        payload = self._schema(message, "received")
        named = Message(None, method, method, operation.summary, operation.description)
        if record is None:
            return self._add(named, _unknown(payload, "params"), ())
        examples = [filled(record, it) for it in self._examples(message, "received")]
        return self._add(named, schema_of([record], payload), examples)

    def answered(self, operation: Operation) -> list[str]:
        """Return the keys of what answers the call of a method: its result, or items and an end."""
        method = str(operation.method)
        kind = "item" if operation.is_stream else "result"
        results = operation.replies
        if not results:
            return []
        schemas = [self._schema(it, "sent") for it in results]
        payload = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        named = Message(None, f"{method} {kind}", f"The {kind} of {method}")
        try:
            record = self._reply_record(operation)
        except Untold:
            return [self._add(named, _unknown(payload, kind), ())]
        if record is None:
            return []
        examples = [filled(record, it) for it in self._examples(results[0], "sent")]
        keys = [self._add(named, schema_of([record], payload), examples)]
        end = end_record(self._dialect) if operation.is_stream else None
        if end is not None:
            ended = Message(None, f"{method} end", f"The end of {method}")
            keys.append(self._add(ended, schema_of([end], {}), [filled(end, None)]))
        return keys

    def _reply_record(self, operation: Operation) -> Any:
        if call_record(self._dialect, str(operation.method)) is None:
            raise Untold
        return reply_record(self._dialect, is_stream=operation.is_stream)

    @property
    def _dialect(self) -> Any:
        return self._description.dialect

    # Errors.

    def error(self) -> str | None:
        """Return the key of the error messages; `None` if there are none."""
        errors = self._description.errors
        if errors is None or self._error is not None:
            return self._error
        example: Any
        if self._description.dialect is None:
            schema, example = error_schema(self._description, errors), error_example(errors)
        else:
            records = error_records(self._description.dialect, errors.codes)
            if not records:
                return None
            schema, example = schema_of(records, {}), filled(records[-1], "details")
        name = self._names.give(f"{self._description.name}Error")
        self.components[name] = schema
        message = Message(None, "Error", "Error", "What answers a message with an error.")
        self._error = self._add(message, {"$ref": f"{COMPONENTS}{name}"}, [example])
        told = {f"{code}": text for code, text in errors.codes.items()}
        self.objects[self._error] = {**self.objects[self._error], "x-error-codes": told}
        return self._error

    # Any.

    def _add(self, message: Message, schema: Schema, examples: Sequence[Any]) -> str:
        key = self._own.give(message.name)
        found: dict[str, Any] = {"name": message.name, "title": message.title}
        found |= {
            name: text
            for name, text in (("summary", message.summary), ("description", message.description))
            if text
        }
        found["contentType"] = _content_type(self._description.speeches[0], message)
        field = self._description.correlation_id
        if field is not None and self._may_have(schema, field):
            found["correlationId"] = {"location": f"$message.payload#/{_escaped(field)}"}
        found["payload"] = schema
        if examples:
            found["examples"] = [{"payload": it} for it in examples]
        self.objects[key] = found
        return key

    def _may_have(self, schema: Schema, field: str) -> bool:
        entries = entries_of(schema)
        if isinstance(ref := entries.get("$ref"), str):
            name = ref.removeprefix(COMPONENTS)
            entries = entries_of(self._schemas.components.get(name, self.components.get(name)))
        return field in entries.get("properties", ())


def _unknown(payload: Schema, kind: str) -> Schema:
    """Return the schema of a record of which no more is known than what is in it."""
    return {
        "description": f"A record of the protocol, with the {kind} in it.",
        f"x-{kind}": payload,
    }


def _content_type(speech: Speech, message: Message) -> str:
    types = runtime_types(message.type)
    if types == _BYTES and (speech.encoding == "json" or not speech.has_values):
        return _BINARY
    if speech.has_values:
        return speech.content_type
    if types == _TEXT:
        return "text/plain"
    return speech.content_type if types is None else "application/json"


def _escaped(field: str) -> str:
    """Return a step of a JSON pointer (RFC 6901, section 3)."""
    return field.replace("~", "~0").replace("/", "~1")
