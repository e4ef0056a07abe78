"""Values are those of their schemas."""

import random
from typing import Any

import pytest

from tests.contract.oracle import checker
from wsendpoints.contract.schemas import COMPONENTS
from wsendpoints.fuzzing.values import NoValueError, Values

NODE: Any = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": f"{COMPONENTS}Node"}, {"type": "null"}]}},
    "required": ["next"],
}


def made(schema: Any, number: int = 60, **components: Any) -> list[Any]:
    """Return values of a schema."""
    values = Values(components, random.Random(1))  # noqa: S311 - the same each time
    return [values.make(schema) for _ in range(number)]


SCHEMAS: list[Any] = [
    {"type": "string"},
    {"type": "string", "minLength": 2, "maxLength": 4},
    {"type": "string", "pattern": "^[a-z]+$"},
    {"type": "string", "pattern": "^literal$"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "unheard-of"},
    {"type": "integer"},
    {"type": "integer", "minimum": 3, "exclusiveMaximum": 9},
    {"type": "integer", "multipleOf": 5},
    {"type": "number", "minimum": 0.5, "maximum": 1},
    {"type": ["boolean", "null"]},
    {"enum": ["a", 1]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
    {"type": "array", "items": [{"type": "integer"}, {"type": "null"}], "additionalItems": False},
    {"type": "array", "items": False},
    {"type": "object"},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1},
    {"type": "object", "additionalProperties": True, "propertyNames": {"enum": ["a", "b"]}},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": False}, "required": ["a"]},
    {"type": "object", "required": ["a"]},
    {"allOf": [{"type": "integer"}, {"minimum": 3}]},
    {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    True,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_values_are_valid(schema: Any) -> None:
    """Others take them for such, too."""
    is_valid = checker(schema)
    assert all(is_valid(it) for it in made(schema))


def test_bounds_are_among_the_values() -> None:
    """What is at a bound comes more often than by chance."""
    assert {3, 8} <= {*made({"type": "integer", "minimum": 3, "maximum": 8})}
    lengths = {len(it) for it in made({"type": "string", "minLength": 2, "maxLength": 40})}
    assert {2, 40} <= lengths


def test_recursive_values_end() -> None:
    """They are no deeper than they have to be."""
    for value in made({"$ref": f"{COMPONENTS}Node"}, Node=NODE):
        depth = 0
        while value["next"] is not None:
            value, depth = value["next"], depth + 1
        assert depth < 10


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "pattern": "^surely none of these: [0-9]{17}$"},
        {"type": "string", "not": {}},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        {"type": "array", "items": False, "minItems": 1},
        {"type": "object", "properties": {"a": {"$ref": f"{COMPONENTS}Loop"}}, "required": ["a"]},
    ],
    ids=str,
)
def test_no_value(schema: Any) -> None:
    """Where there is none, or none is found, that is told."""
    loop: Any = {"type": "array", "items": {"$ref": f"{COMPONENTS}Loop"}, "minItems": 1}
    with pytest.raises(NoValueError):
        made(schema, 1, Loop=loop)
