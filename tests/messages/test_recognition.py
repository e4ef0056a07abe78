"""Which type a reply is of, without the application's functions."""

import dataclasses
import decimal
import functools
import ipaddress
import pathlib
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    PlainValidator,
    RootModel,
    Tag,
    TypeAdapter,
    WrapValidator,
    field_validator,
    model_validator,
)
from typing_extensions import TypedDict

from tests.messages.odd_types import TYPES
from wsendpoints.messages.recognition import Recognizer

T = TypeVar("T")


def fail(value: Any) -> Any:
    """Fail: it is a function of the application's, and no client sent anything."""
    raise AssertionError(value)


def fail_with(value: Any, handler: Any) -> Any:
    """Fail too: it is one that calls others."""
    raise AssertionError(value, handler)


Refused = Annotated[int, AfterValidator(fail)]


class Checked(BaseModel):
    """A message that would fail if it were validated."""

    model_config = ConfigDict(revalidate_instances="always")
    type: Literal["checked"] = "checked"
    number: int = 1

    @field_validator("number", mode="after")
    @classmethod
    def check(cls, value: Any) -> Any:
        """Fail."""
        return fail(value)

    @model_validator(mode="wrap")
    @classmethod
    def wrap(cls, value: Any, handler: Any) -> Any:
        """Fail."""
        return fail(value)

    @model_validator(mode="before")
    @classmethod
    def change(cls, value: Any) -> Any:
        """Fail."""
        return fail(value)


CHECKED = Checked.model_construct()


@dataclasses.dataclass
class Record:
    """A dataclass that would fail if it were validated."""

    number: Refused


class CheckedDict(TypedDict):
    """A dict that would fail if it were validated."""

    number: Annotated[int, Field(alias="n"), BeforeValidator(fail)]


class CheckedList(RootModel[Annotated[list[int], AfterValidator(fail)]]):
    """A list that would fail if it were validated."""


class Node(BaseModel):
    """A part of itself that would fail if it were validated."""

    children: list["Node"] = []

    @model_validator(mode="after")
    def check(self) -> "Node":
        """Fail."""
        return fail(self)  # type: ignore[no-any-return]  # it raises


class Envelope(BaseModel, Generic[T]):
    """A generic message."""

    content: T


ByFunction = Annotated[
    Annotated[Checked, Tag("checked")] | Annotated[CheckedDict, Tag("dict")], Discriminator(fail)
]
Wrapped = Annotated[int, WrapValidator(fail_with)]
NODE = Node.model_construct(children=[Node.model_construct()])


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (list[Checked], [CHECKED]),
        (dict[str, Checked | int], {"a": CHECKED, "b": 1}),
        (tuple[Record, ...], (Record(1),)),
        (CheckedDict, {"number": 1}),
        (list[CheckedList], [CheckedList.model_construct([1])]),
        (list[Node], [NODE]),
        (ByFunction, {"number": 1}),
        (list[ByFunction], [CHECKED, {"number": 1}]),
        (Refused, 1),
        (Wrapped, 1),
        (Annotated[Refused, Tag("labelled")] | list[str], 1),
        (list[Wrapped] | list[str], ["x"]),
        (Annotated[int, PlainValidator(fail)], "anything"),
        (Annotated[Sequence[Refused], Field(max_length=2)], [1]),
        (list[Envelope[Refused]], [Envelope[Any](content=1)]),
    ],
)
def test_reply_is_known_without_functions(annotation: Any, value: Any) -> None:
    """None is called, wherever it stands."""
    assert Recognizer(TypeAdapter(annotation)).is_one(value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (list[Checked], [Record(1)]),
        (CheckedDict, {"n": 1}),
        (CheckedDict, {"number": "1"}),
        (Refused, "1"),
        (Refused, True),
        (ByFunction, {"number": "1"}),
        (list[Envelope[Refused]], [Envelope[Any](content="1")]),
        (tuple[int, str], [1, "x"]),
        (Annotated[Sequence[Refused], Field(max_length=2)], [1, 1, 1]),
    ],
)
def test_value_of_another_type_is_none(annotation: Any, value: Any) -> None:
    """What is sent is not converted."""
    assert not Recognizer(TypeAdapter(annotation)).is_one(value)


@pytest.mark.parametrize(
    ("annotation", "value", "other"),
    [
        (pathlib.PurePath, pathlib.PurePath("a"), 5),
        (ipaddress.IPv4Address, ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1")),
        (HttpUrl, HttpUrl("http://a.b"), "x"),
        (decimal.Decimal, decimal.Decimal(1), 1),
        (Annotated[deque[int], Field(max_length=1)], deque([1]), deque([1, 2])),
        (defaultdict[str, int], defaultdict(int, {"a": 1}), {"a": "x"}),
    ],
)
def test_functions_of_pydantic_are_called(annotation: Any, value: Any, other: Any) -> None:
    """They are what tells its types apart."""
    recognizer = Recognizer(TypeAdapter(annotation))
    assert recognizer.is_one(value)
    assert not recognizer.is_one(other)


def test_partial_function_is_the_application_s_if_its_function_is() -> None:
    """Whose `functools.partial` is, it does not say."""
    annotation = Annotated[int, AfterValidator(functools.partial(fail_with, handler=None))]
    assert Recognizer(TypeAdapter(annotation)).is_one(1)


def test_text_with_a_lone_surrogate_is_a_text() -> None:
    """That it can't be written is found out when it is written."""
    assert Recognizer(TypeAdapter(list[str])).is_one(["\ud800"])


@pytest.mark.parametrize("annotation", [it for it, _ in TYPES.values()], ids=TYPES)
def test_type_of_every_make_compiles(annotation: Any) -> None:
    """What is changed of its schema is a schema."""
    assert Recognizer(TypeAdapter(annotation)).is_one(object()) is (annotation is Any)
