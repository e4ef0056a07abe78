"""Pydantic's serializers for the types of messages: as JSON, or as plain values for a codec."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

from pydantic import TypeAdapter
from pydantic_core import (
    CoreSchema,
    PydanticSerializationError,
    SchemaSerializer,
    core_schema,
)

from wsendpoints.messages.core_schemas import DICTS, rewritten
from wsendpoints.messages.structs import are_structs, struct_to_builtins
from wsendpoints.messages.validators import compile_serializer

__all__ = ["ToJSON", "ToValues", "encode_json", "json_writer", "values_writer"]

ToJSON: TypeAlias = Callable[[Any], bytes]
"""Returns the JSON of a value, in UTF-8."""

ToValues: TypeAlias = Callable[[Any], Any]
"""Returns what a codec writes for a message: dicts, lists, texts, numbers, and what else it has."""

_OPEN: Final = ("any", "is-instance", "function-plain")
"""The types of schemas for a value of any class."""

_ALSO: Final[Mapping[str, str]] = {"json": "always", "json-unless-none": "unless-none"}
"""What a serializer for JSON alone is used for, where a codec takes the place of JSON."""

_TEXT_KEYS: Final = frozenset({"any", "str"})

_anything: Final = SchemaSerializer(core_schema.any_schema())


def encode_json(value: Any) -> bytes:
    """Return the JSON, in UTF-8, of a plain value, a model, a dataclass, or any mix of them.

    Models are written by alias, as they are read. `NaN` and the infinities become `null`, as
    JavaScript's `JSON.stringify` has it: an echo must not fail for what a client can send.

    Raises:
        ValueError: It can't be written as JSON.
    """
    try:
        return _anything.to_json(value, by_alias=True)
    except PydanticSerializationError:
        # Pydantic knows no Struct.
        if not are_structs():
            raise
        with suppress(PydanticSerializationError):
            return _anything.to_json(value, by_alias=True, fallback=struct_to_builtins)
        raise


def json_writer(adapter: TypeAdapter[Any]) -> ToJSON:
    """Return the function that writes a class's instances as JSON, by alias.

    A class's own serializer is three times faster than that of a union.
    """
    to_json: Callable[..., bytes] = adapter.serializer.to_json
    # Without the keyword it is faster again by a fifth (54 of 260 ns), to the same effect. With it
    # a function takes 110 ns less than `functools.partial`.
    if not _may_have_alias(adapter.core_schema):
        return to_json
    return lambda message: to_json(message, by_alias=True)


def values_writer(adapter: TypeAdapter[Any] | None, mode: str) -> ToValues:
    """Return the function that makes plain values of a type's instances, by alias.

    Args:
        adapter: Pydantic's, for the type; `None` for a value of any type.
        mode: `"json"` for those of JSON alone. In any other, which a field's serializer finds as
            `info.mode`, bytes, dates, sets and the like stay what they are. What a model has a
            serializer for in JSON is written by that, and the keys of dicts are texts.
    """
    if adapter is None:
        # In another mode pydantic leaves what it does not know as it is.
        of_unknown = struct_to_builtins if mode == "json" else None
        return lambda value: _anything.to_python(
            value, mode=mode, by_alias=True, fallback=of_unknown
        )
    to_python: Callable[..., Any] = adapter.serializer.to_python
    if mode != "json":
        schema: CoreSchema = adapter.core_schema
        changed: CoreSchema = rewritten(schema, _for_any_format)
        if changed != schema:
            to_python = compile_serializer(changed).to_python
    return lambda message: to_python(message, mode=mode, by_alias=True)


def _for_any_format(schema: Any) -> Any:
    match schema.get("serialization"):
        case {"when_used": used, **others} if used in _ALSO:
            return {**schema, "serialization": {**others, "when_used": _ALSO[used]}}
        case None if schema["type"] in DICTS and _type_of_keys(schema) not in _TEXT_KEYS:
            return {**schema, "serialization": _TEXTS_AS_KEYS}
        case _:
            return schema


def _type_of_keys(schema: Mapping[str, Any]) -> object:
    return schema.get("keys_schema", {"type": "any"})["type"]


def _keys_as_texts(value: Any, write: Callable[[Any], Mapping[Any, Any]]) -> dict[str, Any]:
    names = _anything.to_python(dict.fromkeys(value), mode="json")
    return dict(zip(names, write(value).values(), strict=True))


_TEXTS_AS_KEYS: Final = core_schema.wrap_serializer_function_ser_schema(_keys_as_texts)


def _may_have_alias(schema: Any) -> bool:
    """Whether what a schema writes may have an alias: anything may that is of no known class."""
    if isinstance(schema, dict):
        entries = cast("dict[str, Any]", schema)
        return entries.get("type") in _OPEN or any(
            (key in {"serialization_alias", "alias"} and value is not None)
            or key == "serialization"
            or (key != "metadata" and _may_have_alias(value))
            for key, value in entries.items()
        )
    if isinstance(schema, list | tuple):
        return any(_may_have_alias(item) for item in cast("Sequence[Any]", schema))
    return False
