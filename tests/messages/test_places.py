"""The path to an error: names that the application declared, and indices."""

import enum
import json
from collections import deque
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import (
    any_schema,
    arguments_parameter,
    arguments_schema,
    call_schema,
    chain_schema,
    int_schema,
    list_schema,
)
from typing_extensions import TypedDict

from tests.messages.odd_types import TYPES, Allowing, Holder, Node, Open, Plain, Record, Strict
from wsendpoints.messages.bounded_schemas import ABSENT, INVALID, bounded
from wsendpoints.messages.places import Places

KEY = "Sesame!Open"
EMPTY: dict[str, Any] = {}
DEEP: Any = {"a": 1, "left": {"a": 1, "b": [{"a": 1}, {"a": "x"}]}}


class ByAlias(BaseModel):
    """Has fields that clients write otherwise."""

    one: int = Field(0, alias="two")
    needed: int = Field(validation_alias=AliasChoices("n", AliasPath("several", 0)))
    other: int = Field(0, validation_alias=AliasPath("several", 1))


class ByEither(BaseModel):
    """Has a field that clients write in two ways."""

    model_config = ConfigDict(validate_by_name=True)
    one: int = Field(alias="two")


class Pair(NamedTuple):
    """A tuple with names."""

    a: int
    b: list[int]


class Mixed(TypedDict):
    """Has fields whose types are unions."""

    a: dict[str, "Plain | int"]
    b: Annotated[str, Field(strict=True)] | list[int]


class Mark(str, enum.Enum):  # noqa: UP042 - the text of a member is not its value
    """Tags."""

    ONE = "one"
    TWO = "two"


class One(BaseModel):
    """A message with one of the tags."""

    tag: Literal[Mark.ONE]
    a: int


class Two(BaseModel):
    """A message with the other."""

    tag: Literal[Mark.TWO]


Marked = Annotated[One | Two, Field(discriminator="tag")]


def checked(value: Any, handler: Any) -> Any:
    """Stand between a type and its values."""
    return handler(value)


def foreign(value: Any) -> Any:
    """Validate with another type, whose errors become those of this place."""
    TypeAdapter(dict[str, int]).validate_python({KEY: "x"})


PLACES: list[Any] = [
    pytest.param(int, "x", [], id="the message itself"),
    pytest.param(Plain, {}, ["a"], id="field that is missing"),
    pytest.param(Plain, {"a": "x"}, ["a"], id="field"),
    pytest.param(Open, {"a": "x"}, ["a"], id="field of a typed dict"),
    pytest.param(Record, {"a": 1, "b": [1, "x"]}, ["b", 1], id="field of a dataclass"),
    pytest.param(Strict, {"a": 1, KEY: 1}, [], id="forbidden field"),
    pytest.param(Allowing, {KEY: "x"}, [], id="further field"),
    pytest.param(Holder, {"a": {"a": 1, KEY: 1}, "b": {"a": 1}}, ["a"], id="one within"),
    pytest.param(Node, DEEP, ["left", "b", 1, "a"], id="within itself"),
    pytest.param(ByAlias, {}, ["n"], id="missing field with an alias"),
    pytest.param(ByAlias, {"n": "x"}, ["n"], id="alias that may be chosen"),
    pytest.param(ByAlias, {"two": "x", "n": 1}, ["two"], id="alias"),
    pytest.param(ByAlias, {"several": ["x", "x"]}, ["several", 0], id="path"),
    pytest.param(ByAlias, {"several": [1, "x"]}, ["several", 1], id="another path"),
    pytest.param(ByEither, {}, ["two"], id="missing field with an alias and a name"),
    pytest.param(ByEither, {"two": "x"}, ["two"], id="its alias"),
    pytest.param(dict[str, int], {KEY: "x"}, [], id="key"),
    pytest.param(dict[int, int], {KEY: 1}, [], id="key that is wrong itself"),
    pytest.param(dict[str, list[Plain]], {KEY: [EMPTY]}, [0, "a"], id="within a key"),
    pytest.param(dict[str, dict[str, int]], {KEY: {"[key]": "x"}}, [], id="odd key"),
    pytest.param(list[int], [1, "x"], [1], id="list"),
    pytest.param(set[int], [1, "x"], [1], id="set"),
    pytest.param(frozenset[int], [1, "x"], [1], id="frozenset"),
    pytest.param(deque[int], [1, "x"], [1], id="deque"),
    pytest.param(tuple[int, Plain], [1, EMPTY], [1, "a"], id="tuple"),
    pytest.param(tuple[int, int], [1], [1], id="item that is missing"),
    pytest.param(tuple[int, int], [1, 2, 3], [], id="too many items"),
    pytest.param(tuple[Plain, ...], [{"a": 1}, {"a": 1}, {}], [2, "a"], id="long tuple"),
    pytest.param(TYPES["tags"][0], {"type": "cat"}, ["a"], id="tag"),
    pytest.param(TYPES["chosen by a function"][0], {"type": "dog"}, ["a"], id="chosen tag"),
    pytest.param(Marked, {"tag": "one"}, ["a"], id="tag of an enum"),
    pytest.param(int | list[Plain], [EMPTY], [], id="member of a union, the first"),
    pytest.param(list[Plain] | int, [EMPTY], [0, "a"], id="member of a union"),
    pytest.param(Mixed, {"a": {KEY: {}}, "b": ""}, ["a", "a"], id="union within a key"),
    pytest.param(Mixed, {"a": {}, "b": {}}, ["b"], id="union"),
    pytest.param(Plain | None, {}, ["a"], id="optional"),
    pytest.param(Json[list[int]], '["x"]', [0], id="JSON within JSON"),
    pytest.param(Annotated[Plain, WrapValidator(checked)], {}, ["a"], id="validator"),
    pytest.param(Annotated[Plain, BeforeValidator(foreign)], {}, [], id="foreign error"),
    pytest.param(Annotated[list[int], BeforeValidator(foreign)], [], [], id="in a list"),
    pytest.param(Annotated[int, BeforeValidator(foreign)], 1, [], id="in a number"),
    pytest.param(Pair, [1, ["x"]], [1, 0], id="named tuple"),
    pytest.param(Pair, {"a": 1, "b": ["x"]}, ["b", 0], id="named tuple by names"),
]


@pytest.mark.parametrize(("annotation", "value", "path"), PLACES)
@pytest.mark.parametrize("large", [False, True])
def test_path_has_declared_names_and_indices(
    annotation: Any, value: Any, path: list[str | int], large: bool
) -> None:
    """It has no key of the client's, and no tag or class; that of a large message ends sooner."""
    schema = TypeAdapter[Any](annotation).core_schema
    validator = SchemaValidator(bounded(schema, large=large), _use_prebuilt=False)
    with pytest.raises(ValidationError) as caught:
        validator.validate_json(json.dumps(value))
    (error, *_) = caught.value.errors()
    places = Places(bounded(schema, large=False))
    found = places.path(error["loc"], is_absent=error["input"] is ABSENT)
    assert found == (path[: len(found)] if error["type"] == INVALID else path)


@pytest.mark.parametrize("step", [1, "b"])
def test_named_tuple_may_be_a_call(step: str | int) -> None:
    """As it was before pydantic 2.14."""
    arguments = [arguments_parameter("a", int_schema()), arguments_parameter("b", list_schema())]
    places = Places(call_schema(arguments_schema(arguments), Pair))
    assert places.path([step, 0]) == [step, 0]


def test_first_step_of_a_chain_has_the_places() -> None:
    """The others get what has been made of it."""
    places = Places(chain_schema([list_schema(), any_schema()]))
    assert places.path([1]) == [1]


def test_further_names_may_be_known() -> None:
    """As those of path parameters are."""
    places = Places(Strict.__pydantic_core_schema__)
    assert places.path(["room"], also={"room"}) == ["room"]
    assert places.path(["rooms"], also={"room"}) == []


def test_path_ends_at_the_name_of_a_class() -> None:
    """Pydantic has it where a union is not bounded."""
    adapter = TypeAdapter[Any](list[Plain] | int)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python([{}])
    assert Places(adapter.core_schema).path(caught.value.errors()[0]["loc"]) == []


def test_path_ends_where_nothing_is_known() -> None:
    """There is no place within what may be anything."""
    assert Places(any_schema()).path([KEY, 1]) == []


def test_words_are_those_of_the_schema() -> None:
    """They are read once."""
    assert Places(TypeAdapter(Literal["x"]).core_schema).words == {"x"}
