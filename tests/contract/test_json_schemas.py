"""JSON schemas in the form that readers of documents share."""

import enum
import math
from collections import OrderedDict
from typing import Any

import pytest

from wsendpoints.contract.json_schemas import (
    entries_of,
    holds_secret,
    plain,
    refs_in,
    relinked,
    rewritten,
)

EVERYWHERE: Any = {
    "additionalProperties": {"$ref": "1"},
    "items": {"$ref": "2"},
    "anyOf": [{"$ref": "3"}, True],
    "properties": {"$ref": {"$ref": "4"}, "b": {"items": [{"$ref": "5"}]}},
    "default": {"$ref": "no reference"},
    "enum": [{"$ref": "no reference"}],
    "$ref": "0",
}


def common(schema: Any, *secrets: str) -> Any:
    """Return a schema in the common form, where all references but `"?"` lead somewhere."""
    return rewritten(
        schema,
        lambda ref: None if ref == "?" else ref,
        lambda it: holds_secret(it) or not {*secrets}.isdisjoint(refs_in(it)),
    )


def test_references_are_found_wherever_a_schema_stands() -> None:
    """A reference is one where a schema stands, and not in a value."""
    assert [*refs_in(EVERYWHERE)] == ["0", "1", "2", "3", "4", "5"]
    assert [*refs_in(True)] == []
    assert entries_of(False) == {}


def test_references_are_replaced() -> None:
    """Other references take their places, and the schema stays as it is."""
    found = relinked(EVERYWHERE, lambda ref: f"#/{ref}")
    assert [*refs_in(found)] == ["#/0", "#/1", "#/2", "#/3", "#/4", "#/5"]
    assert found["default"] == {"$ref": "no reference"}
    assert next(refs_in(EVERYWHERE)) == "0"
    assert relinked(True, str) is True


CHANGED: dict[str, tuple[Any, Any]] = {
    "a bool": (True, True),
    "a tuple": (
        {"prefixItems": [{"type": "string"}], "items": False},
        {"items": [{"type": "string"}], "additionalItems": False},
    ),
    "a tuple of some length": (
        {"prefixItems": [True], "maxItems": 1},
        {"items": [True], "maxItems": 1},
    ),
    "a reference alone": ({"$ref": "a"}, {"$ref": "a"}),
    "a reference with siblings": (
        {"$ref": "a", "description": "It is a."},
        {"allOf": [{"$ref": "a"}], "description": "It is a."},
    ),
    "a reference and more of allOf": (
        {"$ref": "a", "allOf": [{"$ref": "b"}]},
        {"allOf": [{"$ref": "a"}, {"$ref": "b"}]},
    ),
    "a reference to nothing": ({"items": {"$ref": "?"}}, {"items": {}}),
    "a discriminator": (
        {"oneOf": [{"$ref": "a"}], "discriminator": {"propertyName": "type"}, "$id": "http://x/"},
        {"oneOf": [{"$ref": "a"}]},
    ),
    "a tag": (
        {
            "properties": {
                "text": {},
                "type": {"const": "say", "default": "say"},
                "v": {"const": 1},
            },
            "required": ["text", "v"],
        },
        {
            "properties": {"text": {}, "type": {"const": "say"}, "v": {"const": 1}},
            "required": ["type", "text", "v"],
        },
    ),
    "nothing that tells apart": (
        {"properties": {"type": {"enum": ["a", "b"], "default": "a"}, "any": True}},
        {"properties": {"type": {"enum": ["a", "b"], "default": "a"}, "any": True}},
    ),
    "a pattern": ({"pattern": r"\Aa\Z"}, {"pattern": "^a$"}),
    "a pattern of Python's alone": ({"pattern": "(?i)a", "type": "string"}, {"type": "string"}),
    "a secret": ({"format": "password", "default": "hunter2"}, {"format": "password"}),
    "a secret that may be missing": (
        {"anyOf": [{"writeOnly": True}, {"type": "null"}], "default": None},
        {"anyOf": [{"writeOnly": True}, {"type": "null"}], "default": None},
    ),
    "what leads to a secret": (
        {"items": {"$ref": "secret"}, "default": [{"key": "hunter2"}]},
        {"items": {"$ref": "secret"}},
    ),
    "a password in a URL": (
        {"type": "string", "default": "redis://user:hunter2@host/0"},
        {"type": "string"},
    ),
    "what would be read as a reference": (
        {"default": {"a": [{"$ref": "b"}]}},
        {},
    ),
    "a field called as a reference is": (
        {"properties": {"$ref": {"type": "string"}, "b": {}}, "patternProperties": {"c": {}}},
        {
            "properties": {"b": {}},
            "patternProperties": {"c": {}, r"^\$ref$": {"type": "string"}},
        },
    ),
    "values that are the same": ({"enum": ["a", 1, True, "a"]}, {"enum": ["a", 1, True]}),
    "a URL": (
        {"type": "string", "default": "https://host:80/a@b"},
        {"type": "string", "default": "https://host:80/a@b"},
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_schema_is_rewritten(name: str) -> None:
    """Each schema has the form that all readers know, at any depth."""
    schema, expected = CHANGED[name]
    assert common(schema, "secret") == expected
    assert common({"properties": {"it": schema}}, "secret") == {"properties": {"it": expected}} | (
        {"required": ["it"]} if "const" in entries_of(schema) else {}
    )


@pytest.mark.parametrize(
    ("schema", "is_secret"),
    [
        ({"format": "password"}, True),
        ({"writeOnly": True}, True),
        ({"properties": {"key": {"anyOf": [{"format": "password"}]}}}, True),
        ({"writeOnly": False, "default": {"format": "password"}}, False),
        (True, False),
    ],
)
def test_secret_is_found(schema: Any, is_secret: bool) -> None:
    """A secret is one at any depth."""
    assert holds_secret(schema) is is_secret


class Kind(enum.StrEnum):
    A = "a"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("\u00fc \ud800", "\u00fc ?"),
        (Kind.A, "a"),
        (None, None),
        (True, True),
        (5, 5),
        (1.5, 1.5),
        (math.nan, None),
        (-math.inf, None),
        (OrderedDict({1: (2, "\ud800")}), {"1": [2, "?"]}),
        (ValueError("text"), "text"),
    ],
)
def test_value_is_plain(value: Any, expected: Any) -> None:
    """What JSON does not have becomes something that it has."""
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
