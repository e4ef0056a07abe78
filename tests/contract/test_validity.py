"""Whether a value is one of a schema, held to jsonschema."""

from typing import Any

import pytest

from tests.contract.oracle import checker
from wsendpoints.contract.schemas import COMPONENTS
from wsendpoints.contract.validity import is_same, is_valid, kind_of, resolved, schemas_at

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    1.5,
    -3,
    6,
    10**30,
    "",
    "a",
    "abc",
    "é",
    [],
    [1],
    [1, 1],
    [1, "a"],
    [1, "a", None],
    {},
    {"a": 1},
    {"a": "x", "b": 2},
    {"b": None, "c": []},
    {"a": 1, "b": 1, "c": 1},
    [{}, {"a": [True]}],
]

SCHEMAS: list[Any] = [
    True,
    False,
    {},
    *({"type": it} for it in ("null", "boolean", "integer", "number", "string", "array", "object")),
    {"type": ["string", "null"]},
    {"const": 1},
    {"const": True},
    {"const": {"a": 1}},
    {"const": [1, "a"]},
    {"enum": [1, "a", None]},
    {"anyOf": [{"type": "string"}, {"minimum": 1}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    {"allOf": [{"type": "integer"}, {"minimum": 1}]},
    {"not": {"type": "string"}},
    {"minLength": 1, "maxLength": 2},
    {"pattern": "^a"},
    {"minimum": 1, "maximum": 6},
    {"exclusiveMinimum": 1, "exclusiveMaximum": 6},
    {"multipleOf": 3},
    {"multipleOf": 0.5},
    {"minItems": 1, "maxItems": 2},
    {"uniqueItems": True},
    {"items": {"type": "integer"}},
    {"items": False},
    {"required": ["a"]},
    {"properties": {"a": {"type": "integer"}}},
    {"properties": {"a": {}}, "additionalProperties": False},
    {"additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^[ab]$": {"type": "integer"}}, "additionalProperties": False},
    {"propertyNames": {"enum": ["a", "b"]}},
    {"minProperties": 1, "maxProperties": 2},
]

TUPLES: list[Any] = [
    {"items": [{"type": "integer"}, {"type": "string"}]},
    {"items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False},
    {"items": [{"type": "integer"}], "additionalItems": {"type": "string"}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_values_are_valid_as_jsonschema_has_it(schema: Any) -> None:
    """Each keyword means what it does elsewhere."""
    valid = checker(schema, draft=2020)
    assert [is_valid(it, schema, {}) for it in VALUES] == [valid(it) for it in VALUES]


@pytest.mark.parametrize("schema", TUPLES, ids=str)
def test_tuples_are_those_of_draft_7(schema: Any) -> None:
    """The first items may have a schema each, in the words of either draft."""
    valid = checker(schema)
    assert [is_valid(it, schema, {}) for it in VALUES] == [valid(it) for it in VALUES]
    newer = {"prefixItems": schema["items"], "items": schema.get("additionalItems", True)}
    assert [is_valid(it, newer, {}) for it in VALUES] == [valid(it) for it in VALUES]


def test_references_are_followed() -> None:
    """One that leads nowhere, or in a circle, takes anything."""
    ref = {"$ref": f"{COMPONENTS}Tree"}
    components = {"Tree": {"type": "array", "items": ref}, "Loop": {"$ref": f"{COMPONENTS}Loop"}}
    assert is_valid([[], [[]]], ref, components)
    assert not is_valid([[], [[1]]], ref, components)
    assert resolved({"$ref": f"{COMPONENTS}Loop"}, components) is True
    assert resolved({"$ref": f"{COMPONENTS}Missing"}, components) is True


def test_decimals_are_multiples() -> None:
    """As they are written, not as they are kept."""
    assert is_valid(0.3, {"multipleOf": 0.1}, {})
    assert not is_valid(0.35, {"multipleOf": 0.1}, {})
    assert not is_valid(1e308, {"multipleOf": 1e-300}, {})


def test_kinds_and_equality() -> None:
    """`1` is no `true`, and `1.0` is an integer."""
    values: list[Any] = [None, True, 1, 1.0, 1.5, "", [], {}]
    assert [*map(kind_of, values)] == [
        *("null", "boolean", "integer", "integer", "number", "string", "array", "object")
    ]
    assert is_same([1, {"a": 1.0}], [1.0, {"a": 1}])
    assert not is_same([1], [True])
    assert not is_same([1], [1, 1])
    assert not is_same({"a": 1}, {"b": 1})
    assert not is_same("1", 1)


def test_member_may_have_several_schemas() -> None:
    """That of its name, and those of patterns."""
    schema: Any = {"properties": {"a": True}, "patternProperties": {"a": False, "b": {}}}
    assert schemas_at(schema, "a") == [True, False]
    assert schemas_at(schema, "c") == [True]
