"""Types of every kind that may be in a union."""

import dataclasses
import enum
from typing import (
    Annotated,
    ClassVar,
    Generic,
    Literal,
    NewType,
    NotRequired,
    Required,
    TypeVar,
)

from pydantic import (
    BaseModel,
    Field,
)
from typing_extensions import TypeAliasType, TypedDict

from tests.some_messages import Leave, Say

__all__ = [
    "AliasOfSay",
    "Both",
    "Box",
    "By",
    "Crate",
    "Either",
    "Envelope",
    "Fall",
    "Jump",
    "Kind",
    "Move",
    "NewSay",
    "Number",
    "Plain",
    "Same",
    "T",
    "Unused",
]

T = TypeVar("T")


class Kind(enum.StrEnum):
    """An enum whose values are what clients write."""

    SAY = "say"
    LEAVE = "leave"


class Number(enum.IntEnum):
    """The same with numbers."""

    ONE = 1


class Plain(BaseModel):
    """A model without a tag."""

    text: str = ""


@dataclasses.dataclass
class Move:
    """A dataclass with a tag."""

    x: ClassVar[Literal["no"]]
    init: dataclasses.InitVar[int]
    type: Literal["move"]


class Jump(TypedDict):
    """A TypedDict with a tag."""

    type: Literal["jump"]
    height: NotRequired[int]


class Fall(TypedDict, total=False):
    """A TypedDict of which only the tag is required."""

    type: Required[Literal["fall"]]


@dataclasses.dataclass
class Box(Generic[T]):
    """A generic dataclass."""

    content: T
    type: Literal["box"] = "box"


class Crate(TypedDict, Generic[T]):
    """A generic TypedDict."""

    type: Literal["crate"]
    content: T


class Envelope(BaseModel, Generic[T]):
    """A generic model."""

    type: Literal["envelope"]
    content: T


Both = TypeAliasType("Both", Say | Leave)
Either = TypeAliasType("Either", T | Leave, type_params=(T,))
Same = TypeAliasType("Same", list[T], type_params=(T,))
Unused = TypeAliasType("Unused", int, type_params=(T,))
AliasOfSay = TypeAliasType("AliasOfSay", Say)
NewSay = NewType("NewSay", Say)
By = Annotated[Say | Leave, Field(discriminator="type")]
