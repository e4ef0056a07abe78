"""What two types both take, as their schemas show it; and what one takes all of."""

import dataclasses
import datetime as dt
import enum
import itertools
import json
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    JsonValue,
    RootModel,
    Tag,
    TypeAdapter,
    ValidationError,
)
from typing_extensions import TypeAliasType, TypedDict

from tests.messages.odd_types import TYPES, Lenient
from wsendpoints.messages.adapters import schema_of
from wsendpoints.messages.overlaps import KINDS, Overlaps


class Colour(enum.StrEnum):
    """Texts."""

    RED = "red"


class Nothing(BaseModel):
    """Takes any object."""


class Anything(BaseModel):
    """The same, with fields."""

    model_config = ConfigDict(extra="allow")
    a: Any = None


class Counts(BaseModel):
    """Takes objects with numbers."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]  # as pydantic has it


class Typed(BaseModel):
    """Refuses some objects."""

    a: int = 0


class Closed(BaseModel):
    """Refuses most."""

    model_config = ConfigDict(extra="forbid")


class Needs(BaseModel):
    """Refuses those without its field."""

    a: Any


class OwnInit(BaseModel):
    """Is made by its own code."""

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)


@dataclasses.dataclass
class Record:
    """Takes any object."""

    a: Any = None


class Loose(TypedDict, total=False):
    """Takes any object."""

    a: Any


class Point(NamedTuple):
    """A tuple with names."""

    a: int
    b: int = 0


Tree = TypeAliasType("Tree", "int | list[Tree]")
AnyTree = TypeAliasType("AnyTree", "dict[str, AnyTree] | list[AnyTree] | str | float | bool | None")


class Itself(RootModel["int | Itself"]):
    """Is a part of itself, at the same place."""


ByFunction = Annotated[
    Annotated[Nothing, Tag("a")] | Annotated[Needs, Tag("b")], Discriminator(lambda it: "a")
]

OBJECTS = {"object"}
SCALARS = {"boolean", "number", "string"}


def overlaps(annotation: Any, tag: str | None = None) -> Overlaps:
    """Return what a type takes."""
    return Overlaps(schema_of(annotation), tag)


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [
        (Any, KINDS),
        (int, SCALARS),
        (dt.date, SCALARS),
        (None, {"null"}),
        (int | None, SCALARS | {"null"}),
        (int | list[int], SCALARS | {"array"}),
        (list[int], {"array"}),
        (tuple[int, str], {"array"}),
        (dict[str, int], OBJECTS),
        (Point, {"array", "object"}),
        (Typed, OBJECTS),
        (Record, OBJECTS),
        (Loose, OBJECTS),
        (ByFunction, OBJECTS),
        (OwnInit, KINDS),
        (RootModel[list[int]], {"array"}),
        (Literal["a", None], SCALARS | {"null"}),  # noqa: PYI061 - the case
        (Literal[Colour.RED], SCALARS),
        (Colour, SCALARS),
        (Lenient, KINDS),
        (Json[list[int]], SCALARS),
        (JsonValue, KINDS),
        (Tree, SCALARS | {"array"}),
        (Itself, SCALARS),
        (Annotated[int, AfterValidator(str)], SCALARS),
        (Annotated[int, BeforeValidator(len)], KINDS),
        ("Unknown", KINDS),
    ],
)
def test_kinds_of_json_values(annotation: Any, kinds: set[str]) -> None:
    """A function of the application's may make anything of anything."""
    assert overlaps(annotation).kinds == kinds


NONE: AbstractSet[str] = frozenset()

ALL_OF: list[tuple[Any, AbstractSet[str]]] = [
    (Any, KINDS),
    (object, KINDS),
    (JsonValue, KINDS),
    (AnyTree, KINDS),
    (Any | None, KINDS),
    (int, NONE),
    (str, {"string"}),
    (float, {"number"}),
    (bool, {"boolean"}),
    (Annotated[str, Field(max_length=5)], NONE),
    (str | None, {"string", "null"}),
    (list[Any] | None, {"array", "null"}),
    (list, {"array"}),
    (list[Any], {"array"}),
    (list[AnyTree], {"array"}),
    (list[int], NONE),
    (Annotated[list[Any], Field(max_length=5)], NONE),
    (Annotated[list[Any], AfterValidator(len)], {"array"}),
    (Annotated[list[Any], BeforeValidator(len)], NONE),
    (tuple, {"array"}),
    (tuple[Any, ...], {"array"}),
    (tuple[int, ...], NONE),
    (tuple[Any, Any], NONE),
    (set[Any], NONE),
    (dict, OBJECTS),
    (dict[str, Any], OBJECTS),
    (dict[int, Any], NONE),
    (dict[str, int], NONE),
    (Nothing, OBJECTS),
    (Anything, OBJECTS),
    (Record, OBJECTS),
    (Loose, OBJECTS),
    (RootModel[dict[str, Any]], OBJECTS),
    (Counts, NONE),
    (Typed, NONE),
    (Closed, NONE),
    (Needs, NONE),
    (OwnInit, NONE),
    (Nothing | list[Any], {"array", "object"}),
    ("Unknown", NONE),
]


@pytest.mark.parametrize(("annotation", "kinds"), ALL_OF)
def test_kinds_of_which_a_type_takes_all(annotation: Any, kinds: AbstractSet[str]) -> None:
    """One that refuses some takes not all."""
    assert overlaps(annotation).everything == kinds


class Say(BaseModel):
    """Has a tag."""

    type: Literal["say"] = "say"
    text: str


class Leave(BaseModel):
    """Has another one."""

    type: Literal["leave"]


class Shut(BaseModel):
    """Has none, and takes nothing that has one."""

    model_config = ConfigDict(extra="forbid")
    text: str


class Sub(BaseModel):
    """Has a field that is an object itself."""

    text: Shut


class ByName(BaseModel):
    """May be written by name, and by alias."""

    model_config = ConfigDict(validate_by_name=True)
    type: Literal["by name"] = Field(alias="say")


class Deep(BaseModel):
    """Has a field that is far within."""

    text: str = Field(validation_alias=AliasPath("text", 0))


@dataclasses.dataclass
class Late:
    """Has a field that is no part of the message."""

    type: Literal["late"]
    text: int = dataclasses.field(init=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (int, list[int]),
        (Leave, list[int]),
        (tuple[Literal[1], int], tuple[Literal[2], int]),
        (tuple[int, Literal["a"]], tuple[int, Literal["b"], int]),
        (tuple[Literal[1], Any], tuple[Literal["1"], Any]),
        (Leave, Late),
        (Leave, Shut),
        (Leave, Point),
        (Leave, Closed),
    ],
)
def test_types_without_a_message_in_common(one: Any, other: Any) -> None:
    """Neither needs to be tried for a message that the other takes."""
    assert overlaps(one).is_distinct_from(overlaps(other))
    assert overlaps(other).is_distinct_from(overlaps(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (int, str),
        (tuple[Literal[1], int], list[int]),
        (tuple[Literal[1], int], tuple[int, Literal[1]]),
        (tuple[Literal[1, 2], int], tuple[Literal[2], int]),
        # `true` is 1 for pydantic.
        (tuple[Literal[True], int], tuple[Literal[2], int]),
        (Say, Leave),  # the tag may be absent
        (Leave, Typed),
        (Leave, ByName),
        (Leave, Annotated[Shut, BeforeValidator(dict)]),
        (Leave, dict[str, str]),
        (Leave, OwnInit),
        (Leave, RootModel[dict[str, str]]),
        (Shut, Deep),
    ],
)
def test_types_that_may_have_a_message_in_common(one: Any, other: Any) -> None:
    """They are not known to be distinct."""
    assert not overlaps(one).is_distinct_from(overlaps(other))
    assert not overlaps(other).is_distinct_from(overlaps(one))


def test_tag_is_needed_even_if_it_has_a_default() -> None:
    """A message without it is not of this type, where a tag tells types apart."""
    assert overlaps(Say, "type").is_distinct_from(overlaps(Leave, "type"))
    assert overlaps(Say, "type").is_distinct_from(overlaps(Shut))
    assert not overlaps(Say, "text").is_distinct_from(overlaps(Leave))


class Text(BaseModel):
    """Has no field but that of another."""

    text: str = ""


class More(BaseModel):
    """Has one more."""

    text: str = ""
    more: int = 0


class Much(BaseModel):
    """Has two more."""

    text: str = ""
    more: int = 0
    most: int = 0


class Allows(BaseModel):
    """Counts fields that it does not declare."""

    model_config = ConfigDict(extra="allow")
    text: str


class MoreDict(TypedDict):
    """Has one more, and is a dict."""

    more: int


@pytest.mark.parametrize(
    ("one", "other", "is_preferred", "is_earlier_preferred"),
    [
        pytest.param(Say, Text, True, True, id="fewer fields"),
        pytest.param(Say, More, False, True, id="as many"),
        pytest.param(Say, Much, False, False, id="more"),
        pytest.param(Say, MoreDict, True, True, id="one of a dict"),
        pytest.param(Leave, MoreDict, False, False, id="as many of a dict"),
        pytest.param(Say, Sub, False, False, id="an object within"),
        pytest.param(Say, Allows, False, False, id="undeclared fields"),
        pytest.param(Say, ByName, False, False, id="by name"),
        pytest.param(Say, Record, True, True, id="dataclass"),
        pytest.param(Say, Point, False, False, id="array or object"),
        pytest.param(Say, RootModel[Text], False, False, id="root model"),
        pytest.param(Say, dict[str, str], False, False, id="dict"),
        pytest.param(Say, int, False, False, id="no object"),
    ],
)
def test_type_that_pydantic_prefers(
    one: Any, other: Any, is_preferred: bool, is_earlier_preferred: bool
) -> None:
    """It is the one with more of its fields in a message; of two with as many, the earlier."""
    tagged = overlaps(one, "type")
    assert tagged.is_preferred_to(overlaps(other)) is is_preferred
    assert tagged.is_preferred_to(overlaps(other), is_earlier=True) is is_earlier_preferred


VALUES = [value for _, values in TYPES.values() for value in values]
MORE: list[Any] = [*VALUES, None, 1.5, "", [], {}, [[]], {"a": "x"}, {"x": None}]


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value."""
    names = {"dict": "object", "list": "array", "str": "string", "bool": "boolean"}
    return "null" if value is None else names.get(type(value).__name__, "number")


def takes(annotation: Any, value: Any) -> bool:
    """Whether pydantic takes a value."""
    try:
        TypeAdapter[Any](annotation).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("annotation", [it for it, _ in TYPES.values()], ids=TYPES)
def test_pydantic_takes_these_kinds(annotation: Any) -> None:
    """None but those that it may take, and all of those that it takes all of."""
    found = overlaps(annotation)
    for value in MORE:
        if takes(annotation, value):
            assert kind_of(value) in found.kinds
        else:
            assert kind_of(value) not in found.everything


def test_pydantic_takes_no_message_for_two_distinct_types() -> None:
    """What is said to be distinct is."""
    found = [
        (overlaps(annotation), [value for value in MORE if takes(annotation, value)])
        for annotation, _ in TYPES.values()
    ]
    distinct = 0
    for (one, values), (other, others) in itertools.combinations(found, 2):
        if one.is_distinct_from(other):
            distinct += 1
            assert not any(value in others for value in values)
    assert distinct > len(found)
