"""Whether a value is one of a JSON schema, by the keywords that documents have.

It is for whoever compares documents, or tests an application by one: a document alone says what is
valid there, and the library needs no other package for it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.patterns import compiled
from wsendpoints.contract.schemas import COMPONENTS

__all__ = ["is_same", "is_valid", "kind_of", "resolved"]

_MAX_REFS: Final = 100
"""How many references may lead to the next one: more of them go in a circle."""


def resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """Return what a schema refers to, or itself; `True` where that leads nowhere."""
    for _ in range(_MAX_REFS):
        ref = entries_of(schema).get("$ref")
        if not isinstance(ref, str):
            return schema
        schema = components.get(ref.removeprefix(COMPONENTS), True)
    return True


def kind_of(value: Any) -> str:
    """Return the type that a value has in JSON: `"integer"` for each whole number."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON, where `1` is not `true`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    match one, other:
        case {}, {}:
            return one.keys() == other.keys() and all(is_same(one[it], other[it]) for it in one)
        case [*ours], [*theirs]:
            return len(ours) == len(theirs) and all(map(is_same, ours, theirs))
        case _:
            return bool(one == other)


def is_valid(value: Any, schema: Schema, components: Mapping[str, Schema]) -> bool:
    """Return whether a value is one of a schema.

    What it does not know is taken: `format`, `if`, `dependentSchemas`, and so on.

    Args:
        value: As JSON has it.
        schema: The schema.
        components: What it refers to, by name.
    """
    schema = resolved(schema, components)
    if schema is False:
        return False
    entries = entries_of(schema)

    def is_of(part: Schema) -> bool:
        return is_valid(value, part, components)

    return (
        _is_of_type(value, entries.get("type"))
        and ("const" not in entries or is_same(value, entries["const"]))
        and ("enum" not in entries or any(is_same(value, it) for it in entries["enum"]))
        and all(map(is_of, entries.get("allOf", ())))
        and ("anyOf" not in entries or any(map(is_of, entries["anyOf"])))
        and ("oneOf" not in entries or sum(map(is_of, entries["oneOf"])) == 1)
        and ("not" not in entries or not is_of(entries["not"]))
        and _has_parts(value, entries, components)
    )


def _is_of_type(value: Any, types: Any) -> bool:
    if types is None:
        return True
    kind = kind_of(value)
    names = cast("Sequence[Any]", [types] if isinstance(types, str) else types)
    return kind in names or (kind == "integer" and "number" in names)


def _has_parts(value: Any, schema: Mapping[str, Any], components: Mapping[str, Schema]) -> bool:
    match value:
        case bool() | None:
            return True
        case str():
            return _is_text(value, schema)
        case int() | float():
            return _is_number(value, schema)
        case [*items]:
            return _are_items(items, schema, components)
        case _:
            return _are_members(value, schema, components)


def _is_text(value: str, schema: Mapping[str, Any]) -> bool:
    pattern = schema.get("pattern")
    return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf) and (
        pattern is None or compiled(pattern).search(value) is not None
    )


def _is_number(value: float, schema: Mapping[str, Any]) -> bool:
    step = schema.get("multipleOf")
    return (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < value
        and value < schema.get("exclusiveMaximum", math.inf)
        and (step is None or _is_multiple(value, step))
    )


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    # What is written in decimal is not exact in binary.
    times = value / step
    return math.isfinite(times) and math.isclose(times, round(times), rel_tol=1e-9)


def _are_items(
    items: Sequence[Any], schema: Mapping[str, Any], components: Mapping[str, Schema]
) -> bool:
    if not schema.get("minItems", 0) <= len(items) <= schema.get("maxItems", math.inf):
        return False
    if schema.get("uniqueItems") and any(
        is_same(one, other) for number, one in enumerate(items) for other in items[:number]
    ):
        return False
    first, rest = places_of(schema)
    schemas = [*first, *[rest] * (len(items) - len(first))]
    return all(is_valid(it, each, components) for it, each in zip(items, schemas, strict=False))


def places_of(schema: Mapping[str, Any]) -> tuple[Sequence[Schema], Schema]:
    """Return the schemas of the first items of an array, and that of all others."""
    items: Any = schema.get("items", True)
    if isinstance(items, list):
        return cast("Sequence[Schema]", items), schema.get("additionalItems", True)
    return schema.get("prefixItems", ()), items


def _are_members(
    members: Mapping[str, Any], schema: Mapping[str, Any], components: Mapping[str, Schema]
) -> bool:
    if not schema.get("minProperties", 0) <= len(members) <= schema.get("maxProperties", math.inf):
        return False
    return all(name in members for name in schema.get("required", ())) and all(
        is_valid(name, schema.get("propertyNames", True), components)
        and all(is_valid(it, each, components) for each in schemas_at(schema, name))
        for name, it in members.items()
    )


def schemas_at(schema: Mapping[str, Any], name: str) -> Sequence[Schema]:
    """Return the schemas that a member of an object has, by its name."""
    found: list[Schema] = []
    if name in (properties := schema.get("properties", {})):
        found.append(properties[name])
    patterns: Mapping[str, Schema] = schema.get("patternProperties", {})
    found.extend(it for pattern, it in patterns.items() if compiled(pattern).search(name))
    return found or [schema.get("additionalProperties", True)]
