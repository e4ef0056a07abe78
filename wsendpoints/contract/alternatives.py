"""A JSON schema as alternatives: each has one type, and keywords of that type alone.

`anyOf`, `allOf`, references and lists of types are gone then, and two schemas can be compared
alternative by alternative. `oneOf` counts as `anyOf`: it is what discriminated unions become, whose
members have no value in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.schemas import COMPONENTS
from wsendpoints.contract.validity import is_same, is_valid, kind_of

__all__ = ["Alternative", "alternatives_of"]

_KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"format", "maxLength", "minLength", "pattern"}),
    "number": frozenset(
        {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"}
    ),
    "array": frozenset(
        {"additionalItems", "items", "maxItems", "minItems", "prefixItems", "uniqueItems"}
    ),
    "object": frozenset(
        {
            "additionalProperties",
            "maxProperties",
            "minProperties",
            "patternProperties",
            "properties",
            "propertyNames",
            "required",
        }
    ),
}
"""What restricts the values of each type, as far as it is compared."""

_KINDS: Final = ("null", "boolean", "integer", "number", "string", "array", "object")

_SAYS_NOTHING: Final = frozenset(
    {
        "$comment",
        "contentEncoding",
        "contentMediaType",
        "default",
        "deprecated",
        "description",
        "example",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""What restricts no value."""

_LARGER: Final = frozenset(
    {"exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum"}
)
_SMALLER: Final = frozenset(
    {"exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum"}
)
_SCHEMAS: Final = frozenset({"additionalProperties", "propertyNames"})

_MAX: Final = 500
"""How many alternatives are looked at: a schema with more of them is not understood."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The values of one type.

    Attributes:
        kind: `"string"`, `"integer"`, `"number"`, `"array"`, `"object"`; or `"value"` for some
            values of any types.
        entries: The keywords that restrict it.
        values: The values, if that is what it is.
        others: Keywords that restrict it further, in a way that is not understood here.
    """

    kind: str
    entries: Mapping[str, Any]
    values: Sequence[Any]
    others: Mapping[str, Any]


def alternatives_of(schema: Schema, components: Mapping[str, Schema]) -> list[Alternative]:
    """Return the alternatives of a schema; none if it takes nothing.

    Args:
        schema: The schema.
        components: What it refers to, by name.
    """
    found: list[Alternative] = []
    for flat in _flat(schema, components, ()):
        found.extend(_typed(flat, components))
    return found


def _flat(
    schema: Schema, components: Mapping[str, Schema], refs: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return schemas without others beside them, of which a value has to be one."""
    if schema is False:
        return []
    entries = dict(entries_of(schema))
    # Each group has alternatives, of which a value has to be one.
    groups: list[list[dict[str, Any]]] = []
    if isinstance(ref := entries.pop("$ref", None), str):
        name = ref.removeprefix(COMPONENTS)
        is_known = name in components and ref not in refs
        groups.append(
            _flat(components[name], components, (*refs, ref))
            if is_known
            else [_not_understood(schema)]
        )
    for key in ("anyOf", "oneOf"):
        if key in entries:
            parts: Sequence[Schema] = entries.pop(key)
            groups.append([it for part in parts for it in _flat(part, components, refs)])
    groups.extend(_flat(part, components, refs) for part in entries.pop("allOf", ()))
    if "const" in entries:
        groups.append([{"enum": [entries.pop("const")]}])
    found = [{key: it for key, it in entries.items() if not _says_nothing(key)}]
    for group in groups:
        if len(found) * len(group) > _MAX:
            return [_not_understood(schema)]
        found = [_merged(one, other) for one in found for other in group]
    return found


def _not_understood(schema: Schema) -> dict[str, Any]:
    """Return what stands for a schema that only the same one is known to be the same as."""
    return {"not": schema}


def _says_nothing(key: str) -> bool:
    return key in _SAYS_NOTHING or key.startswith("x-")


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the values that both schemas have."""
    found = dict(one)
    for key, value in other.items():
        if key not in found or is_same(found[key], value):
            found[key] = value
        elif key == "type":
            found[key] = [it for it in _kinds(found[key]) if it in _kinds(value)]
        elif key == "enum":
            found[key] = [it for it in found[key] if any(is_same(it, its) for its in value)]
        elif key == "required":
            found[key] = [*dict.fromkeys([*found[key], *value])]
        elif key == "properties":
            found[key] = _merged_members(found[key], value)
        elif key in _LARGER or key in _SMALLER:
            found[key] = (max if key in _LARGER else min)(found[key], value)
        elif key in _SCHEMAS:
            found[key] = {"allOf": [found[key], value]}
        else:
            found["$and"] = [*found.get("$and", ()), {key: value}]
    return found


def _merged_members(one: Mapping[str, Schema], other: Mapping[str, Schema]) -> Mapping[str, Schema]:
    both = {name: {"allOf": [one[name], other[name]]} for name in one if name in other}
    return {**one, **other, **both}


def _kinds(types: Any) -> list[str]:
    names = cast("Iterable[str]", [types] if isinstance(types, str) else types)
    found = [it for it in _KINDS if it in names]
    # Each integer is a number.
    return ["integer", *found] if "number" in found and "integer" not in found else found


def _typed(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> list[Alternative]:
    known = frozenset[str]().union(*_KEYWORDS.values())
    others = {key: it for key, it in schema.items() if key not in known | {"enum", "type"}}
    kinds = _kinds(schema.get("type", _KINDS))
    if "enum" in schema:
        rest = {key: it for key, it in schema.items() if key in known}
        values = [
            it
            for it in schema["enum"]
            if (kind_of(it) in kinds or (kind_of(it) == "integer" and "number" in kinds))
            and is_valid(it, rest, components)
        ]
        return [Alternative("value", {}, values, others)] if values else []
    found: list[Alternative] = []
    for kind in kinds:
        if kind == "null":
            found.append(Alternative("value", {}, [None], others))
        elif kind == "boolean":
            found.append(Alternative("value", {}, [False, True], others))
        elif kind != "integer" or "number" not in kinds:
            keywords = _KEYWORDS["number" if kind == "integer" else kind]
            own = {key: it for key, it in schema.items() if key in keywords}
            found.append(Alternative(kind, own, (), others))
    return found
