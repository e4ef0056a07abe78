"""An endpoint with values of each kind in its messages."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NotRequired
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Json, RootModel
from typing_extensions import TypedDict

from wsendpoints import WebSocket, WebSocketEndpoint

__all__ = ["Zoo"]


class Colour(Enum):
    """Of an animal."""

    RED = "red"
    BLUE = "blue"


class Legs(IntEnum):
    NONE = 0
    FOUR = 4


class Point(NamedTuple):
    x: int
    y: int = 0


class Cage(TypedDict):
    width: float
    label: NotRequired[str]


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    barks: bool


class Tree(BaseModel):
    """Has others in it."""

    children: "list[Tree]" = []


class Names(RootModel[dict[str, list[str]]]):
    pass


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    known: int


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Animals(BaseModel):
    """All of them.

    Those that `*/` are left are `${here}`.
    """

    type: Literal["animals"] = "animals"
    text: str
    number: float
    flag: bool
    nothing: None
    anything: Any
    maybe: int | None
    left_out: int | None = None
    defaulted: Annotated[str, Field(description="What it is called.")] = "Rex"
    old: Annotated[int, Field(deprecated=True)] = 1
    colour: Colour
    legs: Legs
    choice: Literal[1, "two", True] | None
    moment: datetime
    day: date
    id: UUID
    amount: Decimal
    raw: bytes
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    pets: list[Cat | None]
    pair: tuple[int, str]
    many: tuple[int, ...]
    point: Point
    cage: Cage
    counts: dict[str, int]
    by_colour: dict[Colour, int]
    matrix: list[list[float]]
    unique: set[str]
    tree: Tree
    names: Names
    open: Open
    closed: Closed
    mapping: Mapping[str, Any]
    json_text: Json[list[int]]
    nested: dict[str, dict[str, Tree]]
    aliased: Annotated[int, Field(alias="is-aliased")]


class Zoo(WebSocketEndpoint):
    encoding = "json"
    sends = Animals
    error_codes: ClassVar[Any] = ("closed", 7)

    async def on_receive(self, websocket: WebSocket, data: Animals) -> None:
        """Keep them."""
