"""JSON schemas as types of TypeScript."""

from typing import Any, Final

import pytest

from wsendpoints.contract.typescript_types import TypeWriter, either

COMPONENTS: Final[dict[str, Any]] = {
    "Say": {
        "type": "object",
        "properties": {"type": {"const": "say"}, "id": {"type": "string"}},
        "required": ["type"],
        "description": "A message.",
    },
    "Both": {"anyOf": [{"$ref": "#/components/schemas/Say"}, {"type": "null"}]},
    "Colour": {"enum": ["red", "blue"], "type": "string"},
    "Tree": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
}

SAY: Final = {"$ref": "#/components/schemas/Say"}
TEXT: Final = {"type": "string"}
NULL: Final = {"type": "null"}
BYTES: Final = {"type": "string", "format": "binary"}


@pytest.fixture
def types() -> TypeWriter:
    """Return what writes the types of the components."""
    names = {name: name if name != "Say" else "Say2" for name in COMPONENTS}
    return TypeWriter(COMPONENTS, names, "string | Uint8Array")


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (True, "unknown"),
        ({}, "unknown"),
        ({"description": "Anything."}, "unknown"),
        (False, "never"),
        ({"not": {}}, "never"),
        ({"not": True}, "never"),
        ({"not": NULL}, "unknown"),
        (SAY, "Say2"),
        (TEXT, "string"),
        ({"type": "string", "format": "date-time"}, "string"),
        (BYTES, "string | Uint8Array"),
        ({"type": "array", "items": BYTES}, "(string | Uint8Array)[]"),
        ({"type": "integer"}, "number"),
        ({"type": "number"}, "number"),
        ({"type": "boolean"}, "boolean"),
        (NULL, "null"),
        ({"type": ["string", "integer"]}, "string | number"),
        ({"type": ["number", "integer"]}, "number"),
        ({"const": "a"}, '"a"'),
        ({"enum": ["a", 1, None, True]}, '"a" | 1 | null | true'),
        ({"anyOf": [SAY, NULL]}, "Say2 | null"),
        ({"oneOf": [SAY, SAY]}, "Say2"),
        ({"anyOf": [SAY, True]}, "unknown"),
        ({"anyOf": [SAY, False]}, "Say2"),
        ({"allOf": [SAY], "description": "It."}, "Say2"),
        ({"allOf": [SAY, {"anyOf": [TEXT, NULL]}]}, "Say2 & (string | null)"),
        ({"type": "array"}, "unknown[]"),
        ({"type": "array", "items": TEXT}, "string[]"),
        ({"type": "array", "items": {"anyOf": [TEXT, NULL]}}, "(string | null)[]"),
        ({"type": "array", "items": [TEXT, NULL], "minItems": 2, "maxItems": 2}, "[string, null]"),
        ({"type": "array", "items": [TEXT, NULL], "minItems": 1, "maxItems": 2}, "[string, null?]"),
        (
            {"type": "array", "items": [TEXT], "minItems": 1, "additionalItems": NULL},
            "[string, ...null[]]",
        ),
        ({"type": "array", "items": [TEXT], "additionalItems": False}, "[string?]"),
        ({"type": "array", "items": [TEXT], "minItems": 1}, "[string, ...unknown[]]"),
        ({"type": "array", "items": [], "maxItems": 0}, "[]"),
        ({"type": "object"}, "{ [key: string]: unknown }"),
        ({"type": "object", "additionalProperties": False}, "{ [key: string]: never }"),
        ({"type": "object", "additionalProperties": TEXT}, "{ [key: string]: string }"),
        (
            {"type": "object", "patternProperties": {"^a": TEXT}, "additionalProperties": False},
            "{ [key: string]: string }",
        ),
        (
            {
                "type": "object",
                "propertyNames": {"$ref": "#/components/schemas/Colour"},
                "additionalProperties": TEXT,
            },
            "{ [key in Colour]?: string }",
        ),
        (
            {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": TEXT},
            "{ [key: string]: string }",
        ),
        (
            {"properties": {"a-b": TEXT, "c": NULL}, "required": ["c"]},
            '{\n  "a-b"?: string;\n  c: null;\n}',
        ),
        (
            {"type": "object", "properties": {"a": TEXT}, "additionalProperties": NULL},
            "{\n  a?: string;\n  [key: string]: unknown;\n}",
        ),
        (
            {"type": "object", "properties": {"a": {"properties": {"b": TEXT}}}},
            "{\n  a?: {\n    b?: string;\n  };\n}",
        ),
        (
            {
                "type": "object",
                "properties": {
                    "a": {
                        **TEXT,
                        "title": "A",
                        "description": "It.",
                        "default": "*/",
                        "deprecated": True,
                        "format": "uuid",
                    }
                },
            },
            (
                "{\n  /**\n   * A\n   *\n   * It.\n   *\n   * Its format is uuid.\n   *\n"
                '   * The default is `"*\\/"`.\n   *\n   * @deprecated\n   */\n  a?: string;\n}'
            ),
        ),
        (
            {"type": "object", "properties": {"a": {**BYTES, "default": None}}},
            "{\n  a?: string | Uint8Array;\n}",
        ),
    ],
)
def test_type_of_a_schema(schema: Any, written: str, types: TypeWriter) -> None:
    """It says all of a schema that a type can say."""
    assert types.of(schema) == written


def test_declarations(types: TypeWriter) -> None:
    """Objects are interfaces, with the names that they are given."""
    assert [*types.declarations()] == [
        '/** A message. */\nexport interface Say2 {\n  type: "say";\n  id?: string;\n}\n',
        "export type Both = Say2 | null;\n",
        'export type Colour = "red" | "blue";\n',
        "export type Tree = Tree[];\n",
    ]


@pytest.mark.parametrize(
    ("types", "written"),
    [
        ([], "never"),
        (["A", "B", "A"], "A | B"),
        (["A", "never"], "A"),
        (["A", "unknown"], "unknown"),
    ],
)
def test_either(types: list[str], written: str) -> None:
    """Each is there once, and anything is all of them."""
    assert either(types) == written


def test_fields(types: TypeWriter) -> None:
    """A field is found wherever a value may have it, and whether it is required there."""
    schema = {
        "anyOf": [
            {"$ref": "#/components/schemas/Both"},
            SAY,
            {"properties": {"id": NULL}, "required": ["id"]},
        ]
    }
    assert [*types.fields(schema, "id")] == [(NULL, True), (TEXT, False)]
    assert [*types.fields(schema, "name")] == []
    assert [*types.fields(True, "id")] == []


@pytest.mark.parametrize(
    ("schema", "needs_anything"),
    [
        (SAY, True),
        (TEXT, True),
        ({"type": "object"}, False),
        ({"type": "object", "properties": {"a": TEXT}}, False),
        ({"type": "object", "properties": {"a": TEXT}, "required": ["a"]}, True),
    ],
)
def test_what_needs_anything(schema: Any, needs_anything: bool, types: TypeWriter) -> None:
    """An object without required fields may be left out whole."""
    assert types.needs_anything(schema) is needs_anything


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"const": "a"}, ["a"]),
        ({"enum": ["a", "b"]}, ["a", "b"]),
        ({"$ref": "#/components/schemas/Colour"}, ["red", "blue"]),
        ({"allOf": [{"$ref": "#/components/schemas/Colour"}]}, ["red", "blue"]),
        (TEXT, []),
        (True, []),
    ],
)
def test_values(schema: Any, values: list[Any], types: TypeWriter) -> None:
    """They are those that a schema lists."""
    assert types.values(schema) == values


def test_bytes(types: TypeWriter) -> None:
    """They are what is binary."""
    assert types.is_binary({**BYTES, "description": "It."})
    assert not types.is_binary(TEXT)
    assert not types.is_binary(True)
