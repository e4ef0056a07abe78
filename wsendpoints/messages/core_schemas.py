"""Pydantic's core schemas: what they declare, and one that is cheap for an invalid message.

Pydantic collects all errors of a message, and copies into each the part of the message that is
wrong. A list of 350,000 wrong items is 350,000 errors; a message of 1 MiB in which twenty fields
are missing is copied twenty times.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from pydantic_core import CoreSchema, PydanticUseDefault, core_schema

__all__ = ["ABSENT", "FLOODED", "bounded", "choices_of", "definitions_of", "ways_to", "words_of"]

ABSENT: Final = object()
"""The input of an error about a field that is missing, in place of a copy of the message."""

FLOODED: Final = object()
"""The input of an error about an object with forbidden fields, in place of one error for each."""

_PARTS: Final = (
    "schema",
    "items_schema",
    "keys_schema",
    "values_schema",
    "extras_schema",
    "fields",
    "choices",
    "steps",
    "lax_schema",
    "strict_schema",
    "json_schema",
    "python_schema",
    "arguments_schema",
    "definitions",
)
"""Where a core schema has others: one, a list of them, or a dict by names or tags."""

_FAIL_FAST: Final = frozenset(
    {
        "counter",
        "deque",
        "dict",
        "frozen-dict",
        "frozenset",
        "list",
        "ordered-dict",
        "set",
    }
)
"""What pydantic can be told to leave at the first wrong item."""

_REFUSES_OBJECTS: Final = frozenset(
    {
        "bool",
        "bytes",
        "complex",
        "counter",
        "dataclass-args",
        "date",
        "datetime",
        "decimal",
        "deque",
        "dict",
        "float",
        "fraction",
        "frozen-dict",
        "frozenset",
        "generator",
        "int",
        "json",
        "list",
        "literal",
        "model-fields",
        "multi-host-url",
        "named-tuple",
        "none",
        "ordered-dict",
        "set",
        "str",
        "time",
        "timedelta",
        "tuple",
        "typed-dict",
        "url",
        "uuid",
    }
)
"""What refuses an `object()` by itself, before a function of the application sees it."""

_WRAPS: Final = frozenset({"dataclass", "function-after", "model", "nullable"})
"""What refuses it if the schema within does."""

_FUNCTIONS: Final = frozenset({"function-after", "function-before", "function-wrap"})


def bounded(schema: CoreSchema, *, extras: bool) -> CoreSchema:
    """Return a schema that takes what this one takes, and has few errors about anything else.

    What has any number of items, like a list or a dict, ends at the first wrong one. The input of
    an error about a missing field is `ABSENT`. In `loc` the members of a union have their numbers,
    where pydantic has the names of classes.

    Args:
        schema: It is not changed: pydantic shares it between types.
        extras: Whether a model or a TypedDict ends at its first forbidden field as well. What
            else is wrong with it is not told then: there is one error, whose input is `FLOODED`.
            Making a model takes a sixth longer.
    """
    changed: CoreSchema = _Rewriting(definitions_of(schema), extras=extras).rewrite(schema)
    return changed


def definitions_of(schema: Any) -> Mapping[str, Any]:
    """Return the parts of a schema that are referred to by name."""
    definitions: Sequence[Any] = schema.get("definitions", ())
    return {part["ref"]: part for part in definitions}


def choices_of(union: Any) -> list[Any]:
    """Return the members of a union, without their labels."""
    return [choice[0] if isinstance(choice, tuple) else choice for choice in union["choices"]]


def ways_to(name: str, field: Any) -> list[list[str | int]]:
    """Return what leads to a field: its aliases, some of them of several steps, and its name."""
    alias: Any = field.get("validation_alias", name)
    if isinstance(alias, str):
        return [[alias], [name]]
    return [*(alias if isinstance(alias[0], list) else [alias]), [name]]


def words_of(schema: Any) -> frozenset[str]:
    """Return the texts that a schema expects in a message: names of fields, tags and literals."""
    return frozenset(word for word in _words(schema) if isinstance(word, str))


def _words(schema: Any) -> Iterator[object]:
    match schema:
        case {"type": "literal", "expected": expected}:
            yield from expected
        case {"type": "enum", "members": members}:
            yield from (member.value for member in members)
        case {"type": str()}:
            for part in _PARTS:
                yield from _words(schema.get(part))
            if "name" in schema:
                yield schema["name"]
            for way in ways_to("", schema):
                yield from way
        case {}:
            yield from schema
            for part in schema.values():
                yield from _words(part)
        case [*parts]:
            for part in parts:
                yield from _words(part)
        case _:
            pass


class _Rewriting:
    def __init__(self, definitions: Mapping[str, Any], *, extras: bool) -> None:
        self._definitions = definitions
        self._extras = extras

    def rewrite(self, schema: Any) -> Any:
        """Return a changed copy of a schema, or of what stands where one has its parts."""
        match schema:
            case {"type": str(kind)}:
                parts = {part: self.rewrite(schema[part]) for part in _PARTS if part in schema}
                return self._change(kind, {**schema, **parts})
            case {}:
                return {name: self.rewrite(part) for name, part in schema.items()}
            case (choice, label) if isinstance(schema, tuple):
                return self.rewrite(choice), label
            case [*parts]:
                return [self.rewrite(part) for part in parts]
            case _:
                return schema

    def _change(self, kind: str, schema: Any) -> Any:
        """Change a copy, the parts of which are changed already."""
        fields: Any = schema.get("fields")
        if kind in _FAIL_FAST or "variadic_item_index" in schema:
            schema["fail_fast"] = True
        elif kind == "union":
            schema["choices"] = [(it, str(n)) for n, it in enumerate(choices_of(schema))]
        elif kind in {"model-fields", "typed-dict"}:
            ambiguous = _ambiguous(fields)
            schema["fields"] = {
                name: field if name in ambiguous else self._require(field)
                for name, field in fields.items()
            }
        elif kind == "dataclass-args":
            ambiguous = _ambiguous({field["name"]: field for field in fields})
            schema["fields"] = [
                field if field["name"] in ambiguous else self._require(field) for field in fields
            ]
        if self._extras and _forbids(schema):
            if kind == "model":
                schema["schema"] = _end_model(schema["schema"])
            elif kind == "typed-dict":
                return _end_typed_dict(schema)
        return schema

    def _require(self, field: Any) -> Any:
        """Have a missing field told by an error without a copy of the object that it misses in.

        It gets a default, which its own schema refuses.
        """
        schema = field["schema"]
        if not field.get("init", True) or not self._refuses_objects(schema, frozenset()):
            return field
        if field["type"] == "typed-dict-field":
            if not field.get("required"):
                return field
            # Pydantic allows no default in one that is required.
            field = {**field, "required": False}
        default = core_schema.with_default_schema(schema, default=ABSENT, validate_default=True)
        return {**field, "schema": default}

    def _refuses_objects(self, schema: Any, seen: AbstractSet[str]) -> bool:
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                # One that leads back to itself refuses what everything else in it refuses.
                return ref in seen or self._refuses_objects(self._definitions[ref], seen | {ref})
            case {"type": "enum", "cls": cls}:
                return cls._missing_.__func__ is enum.Enum._missing_.__func__  # type: ignore[attr-defined]  # a class method's
            case {"type": "union"}:
                return all(self._refuses_objects(it, seen) for it in choices_of(schema))
            case {"type": "tagged-union", "discriminator": discriminator}:
                return not callable(discriminator)
            case {"type": "model", "custom_init": True}:
                return False
            case {"type": "is-instance", "cls": cls}:
                return cls is not object
            case {"type": "lax-or-strict", "lax_schema": one, "strict_schema": other} | {
                "type": "json-or-python",
                "json_schema": one,
                "python_schema": other,
            }:
                return self._refuses_objects(one, seen) and self._refuses_objects(other, seen)
            case {"type": "function-wrap", "function": {"function": function}, "schema": inner}:
                is_pydantics = getattr(function, "__module__", "").startswith("pydantic.")
                return is_pydantics and self._refuses_objects(inner, seen)
            case {"type": "chain", "steps": [first, *_]}:
                return self._refuses_objects(first, seen)
            case {"type": "default", "default": default, "schema": inner} if default is FLOODED:
                return self._refuses_objects(inner, seen)
            case {"type": kind, "schema": inner} if kind in _WRAPS:
                return self._refuses_objects(inner, seen)
            case _:
                return schema["type"] in _REFUSES_OBJECTS


def _ambiguous(fields: Mapping[str, Any]) -> AbstractSet[str]:
    """Return the names of fields that are aliases of others.

    Pydantic has a field's name in the `loc` of an error about its default, its alias elsewhere.
    """
    aliases = {
        field["validation_alias"]
        for name, field in fields.items()
        if isinstance(field.get("validation_alias"), str) and field["validation_alias"] != name
    }
    return aliases & fields.keys()


def _forbids(schema: Any) -> bool:
    """Whether a model or a TypedDict may have no fields but those declared."""
    config: Mapping[str, object] = schema.get("config") or {}
    behavior: object = schema.get("extra_behavior", config.get("extra_fields_behavior"))
    return behavior == "forbid"


def _end_model(schema: Any) -> Any:
    if schema["type"] == "model-fields":
        return core_schema.no_info_after_validator_function(_without_extras, _end(schema))
    if schema["type"] in _FUNCTIONS:
        return {**schema, "schema": _end_model(schema["schema"])}
    return schema


def _end_typed_dict(schema: Any) -> Any:
    ref = {"ref": schema.pop("ref")} if "ref" in schema else {}
    # A chain, because a field whose schema is a default need not be there.
    return {**core_schema.chain_schema([_end(schema), core_schema.any_schema()]), **ref}


def _end(fields: Any) -> CoreSchema:
    """Return fields of an object that end at the first one that is forbidden.

    It is given to a function that has pydantic take the default of the whole object, and that is
    refused.
    """
    extras = core_schema.no_info_plain_validator_function(_take_default)
    schema: Any = {**fields, "extra_behavior": "allow", "extras_schema": extras}
    return core_schema.with_default_schema(schema, default=FLOODED, validate_default=True)


def _take_default(value: object) -> Any:
    raise PydanticUseDefault


def _without_extras(made: tuple[Any, Any, Any]) -> tuple[Any, None, Any]:
    """Return what a model is made of, its fields, its extras, and which are set, without extras.

    A model that allows extras has a dict of them. One that forbids them has `None`, and would not
    be equal to one with an empty dict.
    """
    fields, _, is_set = made
    return fields, None, is_set
