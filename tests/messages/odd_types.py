"""Types of messages of every make, and values that are nearly of them."""

import copy
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    RootModel,
    Tag,
    field_validator,
    model_validator,
    with_config,
)
from typing_extensions import TypedDict

__all__ = [
    "TYPES",
    "Aliased",
    "Before",
    "Closed",
    "Colour",
    "Each",
    "Holder",
    "Lenient",
    "Node",
    "Open",
    "Plain",
    "Point",
    "Record",
    "Strict",
    "Validating",
    "nearly",
]


class Colour(enum.Enum):
    """An enum."""

    RED = "red"
    BLUE = "blue"


class Lenient(enum.Enum):
    """An enum that makes something of everything."""

    RED = "red"

    @classmethod
    def _missing_(cls, value: object) -> "Lenient":
        return cls.RED


class Plain(BaseModel):
    """Has a required field, and an optional one."""

    a: int
    b: str | None = None


class Strict(BaseModel):
    """Forbids other fields."""

    model_config = ConfigDict(extra="forbid")
    a: int
    b: list[int] = []


class Allowing(BaseModel):
    """Allows them, if they are numbers."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]  # as pydantic has it
    a: int = 0


class Before(BaseModel):
    """Forbids them behind a validator."""

    model_config = ConfigDict(extra="forbid")
    a: int

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any) -> Any:
        """Look at the message as it comes."""
        assert type(value) is not object
        return value

    @model_validator(mode="after")
    def check(self) -> "Before":
        """See what forbids extras: none."""
        assert self.model_extra is None
        return self


class Aliased(BaseModel):
    """Has names that clients write otherwise; one is the name of another."""

    model_config = ConfigDict(validate_by_name=True)
    a: int = Field(validation_alias="b")
    b: int = Field(validation_alias="c")


class Validating(BaseModel):
    """Has fields with functions, none of which may see what no client can send."""

    a: Annotated[Any, BeforeValidator(lambda value: _see(value))]
    b: Annotated[int, AfterValidator(lambda value: value + 1)]
    c: Lenient

    @field_validator("b", mode="before")
    @classmethod
    def see(cls, value: object) -> object:
        """Look at it."""
        return _see(value)


class Node(BaseModel):
    """A tree."""

    a: int
    left: "Node | None" = None
    right: "Node | None" = None
    b: list["Node"] = []


class Each(BaseModel):
    """Has every type that a field can need."""

    a: bool | None
    b: dt.date
    c: Literal["x", 1]
    d: Colour
    e: Plain
    f: uuid.UUID
    g: decimal.Decimal


class Cat(BaseModel):
    """A message."""

    type: Literal["cat"] = "cat"
    a: int


class Dog(BaseModel):
    """Another, that forbids what it does not know."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["dog"]
    a: str


class Numbers(RootModel[list[int]]):
    """A list."""


class Point(NamedTuple):
    """A tuple with names."""

    a: int
    b: int = 0


@dataclasses.dataclass
class Record:
    """A dataclass."""

    a: int
    b: list[int] = dataclasses.field(default_factory=list[int])
    c: int = dataclasses.field(init=False, default=5)


@dataclasses.dataclass
class ClosedRecord:
    """One that forbids others."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    a: int
    b: Annotated[list[int], Field(alias="c")] = dataclasses.field(default_factory=list[int])


class Open(TypedDict):
    """A dict with names."""

    a: int
    b: NotRequired[str]


@with_config(ConfigDict(extra="forbid"))
class Closed(TypedDict):
    """One that forbids others."""

    a: int
    b: NotRequired[list[int]]


class Holder(BaseModel):
    """Needs one that forbids others."""

    a: Closed
    b: Strict


def _choose(value: Any) -> Any:
    return value.get("type") if hasattr(value, "get") else None


def _see(value: Any) -> Any:
    assert type(value) is not object
    return value


_EACH: dict[str, Any] = {
    "a": None,
    "b": "2020-01-01",
    "c": "x",
    "d": "red",
    "e": {"a": 1},
    "f": "12345678-1234-5678-1234-567812345678",
    "g": "1.5",
}
_TREE: dict[str, Any] = {"a": 1, "left": {"a": 2, "right": {"a": 3}}, "b": [{"a": 4, "b": []}]}
_CAT = {"type": "cat", "a": 1}
_DOG = {"type": "dog", "a": "x"}

TYPES: dict[str, tuple[Any, list[Any]]] = {
    "int": (int, [1, "1"]),
    "plain model": (Plain, [{"a": 1}, {"a": 1, "b": "x", "x": 2}]),
    "forbids": (Strict, [{"a": 1}, {"a": 1, "b": [1, 2]}]),
    "allows": (Allowing, [{"a": 1}, {"x": 1, "y": 2}]),
    "forbids behind a validator": (Before, [{"a": 1}]),
    "aliases": (Aliased, [{"b": 1, "c": 2}, {"a": 1, "b": 2}]),
    "functions": (Validating, [{"a": None, "b": 1, "c": "x"}]),
    "tree": (Node, [{"a": 1}, _TREE]),
    "each type": (Each, [_EACH, {**_EACH, "a": True}]),
    "root model": (Numbers, [[], [1, 2]]),
    "named tuple": (Point, [[1], [1, 2], {"a": 1}]),
    "dataclass": (Record, [{"a": 1}, {"a": 1, "b": [1]}]),
    "closed dataclass": (ClosedRecord, [{"a": 1}, {"a": 1, "c": [1]}]),
    "typed dict": (Open, [{"a": 1}, {"a": 1, "b": "x"}]),
    "closed typed dict": (Closed, [{"a": 1}, {"a": 1, "b": [1, 2]}]),
    "closed within": (Holder, [{"a": {"a": 1}, "b": {"a": 1, "b": [1]}}]),
    "tags": (Annotated[Cat | Dog, Field(discriminator="type")], [_CAT, _DOG]),
    "chosen by a function": (
        Annotated[
            Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")],
            Discriminator(_choose),
        ],
        [_CAT, _DOG],
    ),
    "no tags": (Strict | Plain | Cat | int, [1, {"a": 1}, {"a": 1, "b": "x"}, _CAT]),
    "no tags, in order": (
        Annotated[Plain | Strict | Dog, Field(union_mode="left_to_right")],
        [{"a": 1, "b": [2]}, {"a": 1}, _DOG],
    ),
    "list": (list[Strict | int], [[1, {"a": 1}], [{"a": 1, "b": [3]}]]),
    "set": (set[int], [[1, 2]]),
    "frozenset": (frozenset[int], [[1, 2]]),
    "tuple": (tuple[int, str], [[1, "x"]]),
    "long tuple": (tuple[int, ...], [[1, 2, 3]]),
    "deque": (deque[int], [[1, 2, 3]]),
    "dict": (dict[str, Strict], [{"x": {"a": 1}, "y": {"a": 2}}]),
    "dict of numbers": (dict[int, int | list[str]], [{"1": 2, "2": ["x"]}]),
    "json in json": (Json[list[int]], ["[1, 2]"]),
    "anything": (Any, [1, {"a": [1]}]),
}
"""By its name, a type, and values that are valid."""

_PARTS = st.sampled_from([0, "1", "x", None, True, 1.5, [], {}, [1], {"a": 1}, {"a": "x"}])


@st.composite
def nearly(
    draw: st.DrawFn, values: list[Any], parts: st.SearchStrategy[Any] = _PARTS, extra: str = "extra"
) -> Any:
    """Draw one of these values with up to two of its parts changed, removed, or added.

    Args:
        draw: Hypothesis's.
        values: The values.
        parts: What is put in the place of parts.
        extra: The key of what is added to an object.
    """
    value = copy.deepcopy(draw(st.sampled_from(values)))
    for _ in range(draw(st.integers(0, 2))):
        containers: list[Any] = [part for part in _within(value) if isinstance(part, dict | list)]
        if not containers:
            return copy.deepcopy(draw(parts))
        part: Any = draw(st.sampled_from(containers))
        is_array = hasattr(part, "append")
        keys: list[Any] = list(range(len(part)) if is_array else part)
        key: Any = draw(st.sampled_from([*keys, extra]))
        if key == extra and is_array:
            part.append(copy.deepcopy(draw(parts)))
        elif key == extra or draw(st.booleans()):
            part[key] = copy.deepcopy(draw(parts))
        else:
            del part[key]
    return value


def _within(value: Any) -> Iterator[Any]:
    yield value
    match value:
        case {**members}:
            parts = list(members.values())
        case [*items]:
            parts = items
        case _:
            parts = []
    for part in parts:
        yield from _within(part)
