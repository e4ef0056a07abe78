"""Types of messages, of each kind that pydantic knows."""

import dataclasses
import math
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, computed_field
from typing_extensions import TypedDict

T = TypeVar("T")


class Say(BaseModel):
    """A message."""

    type: Literal["say"] = "say"
    text: str = ""


class Said(BaseModel):
    """What it is answered with."""

    type: Literal["said"] = "said"
    text: str = ""


class Leave(BaseModel):
    """Another one."""

    type: Literal["leave"] = "leave"


class Plain(BaseModel):
    """A message without a tag."""

    text: str


class Ratio(BaseModel):
    """A message of what JSON has no numbers for."""

    ratio: float = math.nan
    anything: Any = None


class Whisper(Say):
    """A subclass with a field that is not declared."""

    whispered: bool = True


class Shout(Whisper):
    """A subclass of it."""


class Named(BaseModel):
    """A message with aliases."""

    some_name: int = Field(default=1, alias="someName")
    said: Say = Say()


class Outer(BaseModel):
    """A message that holds one with aliases."""

    inner: Named


class Camel(BaseModel):
    """A message whose aliases are made."""

    model_config = ConfigDict(alias_generator=lambda name: name.title())
    name: str = "x"

    @computed_field(alias="nameLength")
    def length(self) -> int:
        """Have an alias of its own."""
        return len(self.name)


@dataclasses.dataclass
class Point:
    """A dataclass with an alias."""

    x: Annotated[int, Field(serialization_alias="X")]


class Move(TypedDict):
    """A dictionary."""

    x: int
    at: Annotated[int, Field(alias="@")]


class Numbers(RootModel[list[int]]):
    """A model that is no object."""


class Envelope(BaseModel, Generic[T]):
    """A generic model."""

    content: T


UserId = NewType("UserId", int)


class Unknown:
    """No type that pydantic can validate."""
