"""What pydantic's core schemas declare: where their parts are, and which names a message has."""

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = [
    "ARRAYS",
    "DICTS",
    "PARTS",
    "choices_of",
    "definitions_of",
    "is_lenient",
    "refs_in",
    "rewritten",
    "schemas_within",
    "ways_to",
    "words_of",
]

PARTS: Final = (
    "schema",
    "items_schema",
    "keys_schema",
    "values_schema",
    "extras_schema",
    "extras_keys_schema",
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

ARRAYS: Final = frozenset({"deque", "frozenset", "generator", "list", "set"})
"""The types of schemas for a JSON array of any number of items, all of one type."""

DICTS: Final = frozenset({"counter", "dict", "frozen-dict", "ordered-dict"})
"""The types of schemas for a JSON object of any number of members, all of one type."""


def definitions_of(schema: Any) -> Mapping[str, Any]:
    """Return the parts of a schema that are referred to by name."""
    definitions: Sequence[Any] = schema.get("definitions", ())
    return {part["ref"]: part for part in definitions}


def choices_of(union: Any) -> list[Any]:
    """Return the members of a union, without their labels."""
    return [choice[0] if isinstance(choice, tuple) else choice for choice in union["choices"]]


def is_lenient(cls: type[enum.Enum]) -> bool:
    """Return whether an enum may make a member of a value that is none of its own."""
    method: Any = cls._missing_
    default: Any = enum.Enum._missing_
    return method.__func__ is not default.__func__


def ways_to(name: str, field: Any) -> list[list[str | int]]:
    """Return what leads to a field: its aliases, some of them of several steps, and its name."""
    alias: Any = field.get("validation_alias", name)
    if isinstance(alias, str):
        return [[alias], [name]]
    return [*(alias if isinstance(alias[0], list) else [alias]), [name]]


def refs_in(schema: Any) -> Iterator[str]:
    """Yield the names of the definitions that a schema refers to, as often as it does."""
    return (it["schema_ref"] for it in schemas_within(schema) if it["type"] == "definition-ref")


def schemas_within(part: Any) -> Iterator[Any]:
    """Yield a schema, and those within it; what it refers to is not followed."""
    match part:
        case {"type": str()}:
            yield part
            for name in PARTS:
                yield from schemas_within(part.get(name))
        case {}:
            yield from schemas_within(list(part.values()))
        case [*parts]:
            for each in parts:
                yield from schemas_within(each)
        case _:  # nothing, or the label of a union's member
            pass


def rewritten(part: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of a schema, or of what stands where one has its parts, with changes.

    Args:
        part: It is not changed: pydantic shares it between types.
        change: Called with a copy of each schema, whose parts are changed already; returns what
            takes its place.
    """
    match part:
        case {"type": str()}:
            parts = {name: rewritten(part[name], change) for name in PARTS if name in part}
            return change({**part, **parts})
        case {}:
            return {name: rewritten(each, change) for name, each in part.items()}
        case (choice, label) if isinstance(part, tuple):
            return rewritten(choice, change), label
        case [*parts]:
            return [rewritten(each, change) for each in parts]
        case _:
            return part


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
            for part in PARTS:
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
