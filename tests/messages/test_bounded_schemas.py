"""The errors that remain when a schema is bounded, and what it takes."""

import dataclasses
import datetime as dt
import decimal
import json
import pathlib
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NotRequired, Optional

import pydantic.dataclasses
import pytest
from pydantic import (
    UUID4,
    AnyUrl,
    AwareDatetime,
    Base64Str,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    HttpUrl,
    InstanceOf,
    Json,
    KafkaDsn,
    PastDate,
    PlainValidator,
    RedisDsn,
    RootModel,
    SecretStr,
    StrictInt,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    with_config,
)
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import int_schema, none_schema, union_schema
from typing_extensions import TypedDict

from tests.messages.odd_types import (
    TYPES,
    Aliased,
    Before,
    Closed,
    Colour,
    Each,
    Holder,
    Node,
    Open,
    Plain,
    Point,
    Record,
    Strict,
    Validating,
)
from wsendpoints.messages.bounded_schemas import ABSENT, FLOODED, INVALID, bounded


def errors(annotation: Any, value: Any, *, large: bool = False) -> list[Any]:
    """Return the errors that a bounded schema has in a value, as JSON."""
    schema = bounded(TypeAdapter[Any](annotation).core_schema, large=large)
    with pytest.raises(ValidationError) as caught:
        SchemaValidator(schema, _use_prebuilt=False).validate_json(json.dumps(value))
    return caught.value.errors()


class Wide(BaseModel):
    """Needs many fields."""

    a: int
    b: str
    c: list[int]
    d: Colour
    e: Literal["x"]


class Pair(BaseModel):
    """Has two of itself, in other objects."""

    left: "Pair | None" = None
    right: "Holding | None" = None
    a: int


class Holding(BaseModel):
    """Has one of them."""

    held: Pair


def named(annotation: Any) -> Any:
    """Return an object with a field of this type."""
    return TypedDict("Named", {"a": annotation})  # type: ignore[operator]  # made at run time


def see(value: Any, handler: Any) -> Any:
    """See what no client can send."""
    assert type(value) is not object
    return handler(value)


STANDARD: list[Any] = [
    *(bool, bytes, complex, dict, float, int, list, set, str, frozenset, tuple),
    *(dt.date, dt.datetime, dt.time, dt.timedelta, decimal.Decimal),
    *(pathlib.Path, uuid.UUID, deque, Counter[str], OrderedDict[str, int], Sequence[int]),
    *(Iterable[int], Literal["a"], Colour, AnyUrl, HttpUrl, RedisDsn, KafkaDsn),
    *(SecretStr, ByteSize, PastDate, AwareDatetime, UUID4, Json, Base64Str, StrictInt),
]

WRONG_ITEMS: dict[str, tuple[Any, Any]] = {
    "list": (list[int], ["x"] * 100),
    "set": (set[int], ["x"] * 100),
    "frozenset": (frozenset[int], ["x"] * 100),
    "tuple": (tuple[int, ...], ["x"] * 100),
    "deque": (deque[int], ["x"] * 100),
    "dict": (dict[str, int], dict.fromkeys(map(str, range(100)), "x")),
    "keys": (dict[Literal["a"], int], dict.fromkeys(map(str, range(100)), 1)),
    "list of lists": (list[list[int]], [["x"] * 100] * 100),
    "in a model": (Node, {"a": 1, "b": ["x"] * 100}),
    "in a model in itself": (Node, {"a": 1, "left": {"a": 1, "b": ["x"] * 100}}),
    "in a dataclass": (Record, {"a": 1, "b": ["x"] * 100}),
    "in a typed dict": (named(list[int]), {"a": ["x"] * 100}),
    "in an optional": (list[int] | None, ["x"] * 100),
    "in JSON": (Json[list[int]], json.dumps(["x"] * 100)),
    "in a chosen member": (Annotated[list[int], Field(min_length=1)], ["x"] * 100),
}


@pytest.mark.parametrize("name", WRONG_ITEMS)
def test_what_has_many_items_ends_at_the_first_wrong_one(name: str) -> None:
    """However many there are, and wherever it is."""
    assert len(errors(*WRONG_ITEMS[name])) == 1


@pytest.mark.parametrize(
    ("annotation", "number"),
    [
        pytest.param(Wide, 5, id="model"),
        pytest.param(Each, 7, id="model with a field of each type"),
        pytest.param(Record, 1, id="dataclass, without what is no argument"),
        pytest.param(Open, 1, id="typed dict, without what is not required"),
        pytest.param(Closed, 1, id="closed typed dict"),
        pytest.param(Holder, 2, id="closed types within"),
        pytest.param(named(Node), 1, id="a type that is part of itself"),
        pytest.param(named(TYPES["tags"][0]), 1, id="union with a tag"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_error_about_a_missing_field_has_no_copy_of_the_message(
    annotation: Any, number: int, large: bool
) -> None:
    """It has `ABSENT` in its place."""
    found = errors(annotation, {}, large=large)
    assert [error["input"] is ABSENT for error in found] == [True] * number


@pytest.mark.parametrize(("large", "number"), [(False, 2), (True, 1)])
def test_error_about_a_missing_union_has_no_copy_of_the_message(large: bool, number: int) -> None:
    """There is one for each member, in a small message."""
    found = errors(named(int | str), {}, large=large)
    assert [error["input"] is ABSENT for error in found] == [True] * number


@pytest.mark.parametrize("annotation", STANDARD, ids=str)
def test_error_about_a_missing_field_of_a_standard_type_has_none(annotation: Any) -> None:
    """Python's types, and pydantic's; none of them fails with something else."""
    found = errors(named(annotation), {})
    assert {error["input"] is ABSENT for error in found} == {True}


@pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(named(Any), id="anything"),
        pytest.param(named(object), id="any object"),
        pytest.param(named(Annotated[int, WrapValidator(see)]), id="a validator around it"),
        pytest.param(named(InstanceOf[object]), id="an instance of anything"),
        pytest.param(named(Before), id="a validator that comes before"),
        pytest.param(named(TYPES["chosen by a function"][0]), id="a function that chooses"),
        pytest.param(Validating, id="fields with functions"),
        pytest.param(Point, id="named tuple"),
    ],
)
def test_function_of_the_application_sees_what_was_sent_alone(annotation: Any) -> None:
    """A field that one sees first, or that takes anything, has pydantic's own error."""
    found = errors(annotation, {})
    assert found[0]["type"] in {"missing", "missing_argument"}
    assert not any(error["input"] is ABSENT for error in found)


def look(value: Any) -> Any:
    """See a value before pydantic does."""
    return see(value, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


each_that_may_be_anything = pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(Any, id="anything"),
        pytest.param(object, id="any object"),
        pytest.param(Optional[Any], id="anything or null"),  # noqa: UP045 - pydantic keeps both
        pytest.param(Annotated[int | None, BeforeValidator(look)], id="a function before"),
        pytest.param(Annotated[Any, PlainValidator(look)], id="a function"),
    ],
)


@each_that_may_be_anything
def test_error_of_a_large_message_about_a_missing_field_has_none(annotation: Any) -> None:
    """Not even where it may be anything: no function of the application's sees the default."""
    found = errors(named(annotation), {}, large=True)
    assert [error["input"] is ABSENT for error in found] == [True]


@each_that_may_be_anything
@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, 10**30, -1, 1.5, 1e300, "", "x", [], [1, {"a": []}], {}],
    ids=repr,
)
def test_large_message_may_have_anything_where_that_is_declared(
    annotation: Any, value: Any
) -> None:
    """The same is valid, and becomes the same, of the same type."""
    adapter = TypeAdapter[Any](named(annotation))
    schema = bounded(adapter.core_schema, large=True)
    text = json.dumps({"a": value})
    try:
        expected = adapter.validate_json(text)
    except ValidationError:
        with pytest.raises(ValidationError):
            SchemaValidator(schema).validate_json(text)
    else:
        assert repr(SchemaValidator(schema).validate_json(text)) == repr(expected)


class WithInit(BaseModel):
    """Is made by a function of its own."""

    a: int = 0

    def __init__(self, **values: Any) -> None:
        assert all(type(value) is not object for value in values.values())
        super().__init__(**values)


def test_init_of_a_model_sees_what_was_sent_alone() -> None:
    """It is a function of the application's, too."""
    assert [error["type"] for error in errors(named(WithInit), {})] == ["missing"]


def test_name_that_is_an_alias_of_another_field_is_not_confused_with_it() -> None:
    """Pydantic has the alias in the place of its own error, and the name in the place of ours."""
    found = [(error["loc"], error["input"] is ABSENT) for error in errors(Aliased, {})]
    assert found == [(("a",), True), (("c",), False)]


@pytest.mark.parametrize("annotation", [Strict, Before, Closed], ids=str)
def test_object_ends_at_its_first_forbidden_field(annotation: Any) -> None:
    """If it is asked for: what else is wrong is not told then."""
    value: Any = {"a": "x", "c": 1, "d": 2}
    assert {error["loc"] for error in errors(annotation, value)} == {("a",), ("c",), ("d",)}
    (error,) = errors(annotation, value, large=True)
    assert (error["loc"], error["input"]) == ((), FLOODED)


@pytest.mark.parametrize("annotation", [Strict, Before])
def test_model_without_forbidden_fields_is_like_any_other(annotation: Any) -> None:
    """It has no place for extras, as pydantic makes it."""
    schema = bounded(TypeAdapter[Any](annotation).core_schema, large=True)
    model = SchemaValidator(schema, _use_prebuilt=False).validate_json('{"a": 1}')
    assert model == annotation(a=1)
    assert model.model_extra is None


def test_dataclass_ends_at_its_first_forbidden_field() -> None:
    """If all of its fields are arguments and attributes; or else it has an error for each."""

    @pydantic.dataclasses.dataclass(config=ConfigDict(extra="forbid"))
    class Tight:
        a: int
        b: list[int] = dataclasses.field(default_factory=list[int])
        c: Annotated[int, Field(alias="d")] = 0

    (error,) = errors(Tight, {"x": 1, "y": 2}, large=True)
    assert (error["loc"], error["input"]) == ((), FLOODED)
    schema = bounded(TypeAdapter[Any](Tight).core_schema, large=True)
    validator = SchemaValidator(schema, _use_prebuilt=False)
    assert validator.validate_json('{"a": 1, "b": [2], "d": 3}') == Tight(a=1, b=[2], d=3)  # type: ignore[call-arg]  # an alias
    assert validator.validate_json('{"a": 1}') == Tight(a=1)


@pytest.mark.parametrize(
    "field",
    [
        pytest.param((int, dataclasses.field(init=False, default=1)), id="no argument"),
        pytest.param((dataclasses.InitVar[int], 1), id="no attribute"),
    ],
)
def test_dataclass_of_other_fields_has_an_error_for_each_forbidden_one(field: Any) -> None:
    """What a dataclass is made of is more than its fields then."""
    annotation, default = field
    made = dataclasses.make_dataclass("Made", [("a", annotation, default)])
    tight = pydantic.dataclasses.dataclass(made, config=ConfigDict(extra="forbid"))
    assert len(errors(tight, {"x": 1, "y": 2}, large=True)) == 2


def test_model_of_its_own_making_is_left_alone() -> None:
    """What its config forbids does not matter to it."""

    class Root(RootModel[int]):
        pass

    schema: Any = {**Root.__pydantic_core_schema__, "config": {"extra_fields_behavior": "forbid"}}
    assert bounded(schema, large=True) == bounded(schema, large=False)


@pytest.mark.parametrize(
    ("annotation", "value", "loc"),
    [
        pytest.param(int | bool, "x", (), id="union"),
        pytest.param(named(Plain | Strict), {"a": {"b": 1}}, ("a",), id="union in an object"),
        pytest.param(Pair, {"left": {"left": {}}, "right": {}}, (), id="tree"),
        pytest.param(named(Pair), {"a": {"right": {"right": 1}}}, ("a",), id="tree in an object"),
    ],
)
def test_what_multiplies_errors_has_one_in_a_large_message(
    annotation: Any, value: Any, loc: Any
) -> None:
    """A small message has one for each member of a union, and in each branch of a tree."""
    assert len(errors(annotation, value)) > 1
    (error,) = errors(annotation, value, large=True)
    assert (error["loc"], error["type"], error["msg"]) == (loc, INVALID, "Input is not valid")


def test_closed_typed_dict_may_refer_to_itself() -> None:
    """Its name stays with it."""
    value: Any = {"inner": {"inner": {}}}
    schema = bounded(TypeAdapter(Nested).core_schema, large=True)
    validator = SchemaValidator(schema, _use_prebuilt=False)
    assert validator.validate_json(json.dumps(value)) == value
    (error,) = errors(Nested, {"inner": {"x": 1, "y": 2}}, large=True)
    assert (error["loc"], error["input"]) == (("inner",), FLOODED)


@with_config(ConfigDict(extra="forbid"))
class Nested(TypedDict):
    """Has one of itself."""

    inner: NotRequired["Nested"]


def test_members_of_a_union_have_numbers() -> None:
    """Not the names of their classes."""
    labelled: Any = union_schema([(int_schema(), "number"), none_schema()])
    schema: Any = bounded(labelled, large=False)
    assert schema["choices"] == [(int_schema(), "0"), (none_schema(), "1")]


def test_schema_that_is_given_stays_as_it_is() -> None:
    """Pydantic shares it between types."""
    for annotation, _ in TYPES.values():
        schema = TypeAdapter(annotation).core_schema
        before = repr(schema)
        bounded(schema, large=True)
        assert repr(schema) == before
