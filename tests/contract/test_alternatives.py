"""A schema as alternatives of one type each."""

from typing import Any

import pytest

from wsendpoints.contract.alternatives import Alternative, alternatives_of
from wsendpoints.contract.schemas import COMPONENTS

STRING: Any = {"type": "string"}


def alternative(kind: str, *values: Any, others: Any = None, **entries: Any) -> Alternative:
    """Return an alternative."""
    return Alternative(kind, entries, values and [*values], others or {})


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (False, []),
        (STRING, [alternative("string")]),
        ({**STRING, "title": "Text", "default": "", "x-a": 1}, [alternative("string")]),
        ({**STRING, "minLength": 1, "minimum": 1}, [alternative("string", minLength=1)]),
        ({"type": "null"}, [alternative("value", None)]),
        ({"type": "boolean"}, [alternative("value", False, True)]),
        ({"type": ["number", "integer"]}, [alternative("number")]),
        ({"type": "number"}, [alternative("number")]),
        ({"type": "integer", "minimum": 1}, [alternative("integer", minimum=1)]),
        ({"const": 1}, [alternative("value", 1)]),
        ({"enum": [1, "a"], **STRING}, [alternative("value", "a")]),
        ({"enum": [1, 2], "type": "number", "minimum": 2}, [alternative("value", 2)]),
        ({"enum": [1], **STRING}, []),
        (
            {"anyOf": [STRING, {"type": "null"}]},
            [alternative("string"), alternative("value", None)],
        ),
        ({"oneOf": [STRING, False]}, [alternative("string")]),
        ({"allOf": [STRING, {"$ref": f"{COMPONENTS}Text"}]}, [alternative("string", maxLength=5)]),
        (
            {"allOf": [{"maxLength": 3, **STRING}, {"$ref": f"{COMPONENTS}Text"}]},
            [alternative("string", maxLength=3)],
        ),
        (
            {**STRING, "allOf": [{"pattern": "a"}, {"pattern": "b"}, {"pattern": "c"}]},
            [
                alternative(
                    "string", pattern="a", others={"$and": [{"pattern": "b"}, {"pattern": "c"}]}
                )
            ],
        ),
        (
            {"allOf": [{"type": ["string", "null"]}, {"type": ["integer", "string"]}]},
            [alternative("string")],
        ),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, [alternative("value", 2)]),
        (
            {"type": "object", "allOf": [{"required": ["a", "b"]}, {"required": ["b", "c"]}]},
            [alternative("object", required=["a", "b", "c"])],
        ),
        (
            {
                "type": "object",
                "allOf": [{"properties": {"a": STRING}}, {"properties": {"a": False, "b": True}}],
            },
            [alternative("object", properties={"a": {"allOf": [STRING, False]}, "b": True})],
        ),
        (
            {"type": "object", "allOf": [{"propertyNames": STRING}, {"propertyNames": False}]},
            [alternative("object", propertyNames={"allOf": [STRING, False]})],
        ),
        (
            {
                **STRING,
                "allOf": [{"minLength": 1, "maxLength": 5}, {"minLength": 2, "maxLength": 4}],
            },
            [alternative("string", minLength=2, maxLength=4)],
        ),
        ({**STRING, "not": {"const": 1}}, [alternative("string", others={"not": {"const": 1}})]),
    ],
    ids=str,
)
def test_alternatives(schema: Any, found: list[Alternative]) -> None:
    """Nothing but types and their keywords is left."""
    components = {"Text": {**STRING, "maxLength": 5}}
    assert alternatives_of(schema, components) == found


def test_any_value_is_of_some_type() -> None:
    """A schema that says nothing takes values of each type."""
    kinds = [it.kind for it in alternatives_of(True, {})]
    assert kinds == ["value", "value", "number", "string", "array", "object"]


def test_what_is_not_understood() -> None:
    """References in a circle, or to nothing, and what has too many alternatives."""
    loop = {"$ref": f"{COMPONENTS}Loop"}
    assert all(it.others for it in alternatives_of(loop, {"Loop": {"anyOf": [loop]}}))
    assert all(it.others for it in alternatives_of(loop, {}))
    many = {"allOf": [{"anyOf": [{"minLength": it} for it in range(30)]}] * 3}
    assert all(it.others for it in alternatives_of(many, {}))
