"""What pydantic's core schemas declare."""

from collections import Counter
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, Field, TypeAdapter
from pydantic_core.core_schema import int_schema, none_schema, union_schema

from tests.messages.odd_types import TYPES, Aliased, Colour, Each, Lenient, Node, Record
from wsendpoints.messages.core_schemas import (
    choices_of,
    definitions_of,
    is_lenient,
    refs_in,
    rewritten,
    schemas_within,
    ways_to,
    words_of,
)


def test_definitions_are_those_that_are_referred_to() -> None:
    """Most types have none."""
    schema: Any = TypeAdapter(Node).core_schema
    (definition,) = schema["definitions"]
    assert definitions_of(schema) == {definition["ref"]: definition}
    assert definitions_of(int_schema()) == {}


@pytest.mark.parametrize(
    ("alias", "ways"),
    [
        pytest.param(None, [["name"], ["name"]], id="none"),
        pytest.param("alias", [["alias"], ["name"]], id="a name"),
        pytest.param(AliasPath("a", 0), [["a", 0], ["name"]], id="a path"),
        pytest.param(
            AliasChoices("b", AliasPath("a", 0)), [["b"], ["a", 0], ["name"]], id="choices"
        ),
    ],
)
def test_ways_to_a_field_are_its_aliases_and_its_name(alias: Any, ways: Any) -> None:
    """The first is the one that clients use."""

    class Model(BaseModel):
        name: int = Field(validation_alias=alias)

    schema: Any = Model.__pydantic_core_schema__
    assert ways_to("name", schema["schema"]["fields"]["name"]) == ways


def test_words_are_what_the_application_expects_in_a_message() -> None:
    """Names, aliases, tags, literals, and the values of enums."""
    assert words_of(TypeAdapter(TYPES["tags"][0]).core_schema) >= {"type", "a", "cat", "dog"}
    assert words_of(TypeAdapter(Each).core_schema) >= {"a", "g", "x", "red", "blue"}
    assert words_of(TypeAdapter(Aliased).core_schema) >= {"a", "b", "c"}
    assert words_of(TypeAdapter(Record).core_schema) >= {"a", "b"}
    assert words_of(TypeAdapter(dict[str, int | bool]).core_schema) <= {""}


def test_choices_are_the_members_of_a_union() -> None:
    """Some have a label."""
    labelled: Any = union_schema([(int_schema(), "number"), none_schema()])
    assert choices_of(labelled) == [int_schema(), none_schema()]


def test_schemas_within_are_those_of_all_parts() -> None:
    """Those of fields, of members and their labels, of items; not those of a definition."""
    schema: Any = TypeAdapter(Node).core_schema
    kinds = Counter(part["type"] for part in schemas_within(schema["definitions"]))
    assert kinds["model"] == kinds["model-fields"] == kinds["int"] == kinds["list"] == 1
    assert kinds["model-field"] == 4
    labelled = union_schema([(int_schema(), "number"), none_schema()])
    assert [part["type"] for part in schemas_within(labelled)] == ["union", "int", "none"]


def test_refs_are_those_of_all_parts() -> None:
    """One that is used several times is there as often."""
    schema: Any = TypeAdapter(Node).core_schema
    (definition,) = schema["definitions"]
    assert list(refs_in(definition)) == [definition["ref"]] * 3
    assert list(refs_in(int_schema())) == []


def test_enum_with_a_function_for_other_values_is_lenient() -> None:
    """It may make a member of anything."""
    assert is_lenient(Lenient)
    assert not is_lenient(Colour)


def test_copy_is_changed_and_nothing_else() -> None:
    """Each schema is, wherever it stands: parts first; labels and what is no schema stay."""
    schema: Any = {
        "type": "union",
        "strict": True,
        "choices": [
            ({"type": "int"}, "one"),
            {"type": "model-fields", "fields": {"x": {"type": "str"}, "y": {"type": "int"}}},
        ],
    }
    before = repr(schema)
    seen: list[str] = []

    def change(part: Any) -> Any:
        seen.append(part["type"])
        return {"type": "any"} if part["type"] == "int" else part

    assert rewritten(schema, change) == {
        "type": "union",
        "strict": True,
        "choices": [
            ({"type": "any"}, "one"),
            {"type": "model-fields", "fields": {"x": {"type": "str"}, "y": {"type": "any"}}},
        ],
    }
    assert seen == ["int", "str", "int", "model-fields", "union"]
    assert repr(schema) == before
    assert rewritten(None, change) is None
