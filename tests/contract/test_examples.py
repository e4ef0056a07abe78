"""Examples of messages: given, or made of a schema, and valid in any case."""

import datetime as dt
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import msgspec
import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    RootModel,
    WithJsonSchema,
    computed_field,
    create_model,
)

from tests.some_messages import Said, Say
from wsendpoints import WebSocketEndpoint
from wsendpoints.contract import describe
from wsendpoints.contract.examples import examples_of
from wsendpoints.contract.schemas import schemas_of


def examples(takes: Any, sends: Any = None) -> list[Any]:
    """Return the examples of the first message that a class takes, or, if given, sends."""

    class Made(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: Any, data: Any) -> None: ...

        on_receive.__annotations__["data"] = takes

    Made.sends = sends
    description = describe(type("Made", (Made,), {}))
    schemas = schemas_of([description])
    if sends is None:
        message = description.received[0]
        schema = schemas.received(message)
    else:
        message = description.sent[0]
        schema = schemas.sent(message)
    return examples_of(description, message, schema, schemas.components, is_sent=sends is not None)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Given(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "hi"}, {"text": 5}, {"type": "given", "text": ""}]}
    )

    type: Literal["given"] = "given"
    text: str


class Texts(RootModel[str]):
    model_config = ConfigDict(json_schema_extra={"examples": ["one", 2, {"$ref": "three"}]})


class NoExamples(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": "none"})

    text: str = Field(examples=["of the field", "another"])


def test_given_examples_are_taken() -> None:
    """They get the tags that they lack. Those that are not valid are left out."""
    assert examples(Given) == [{"type": "given", "text": "hi"}, {"type": "given", "text": ""}]
    assert examples(Say, Given) == examples(Given)
    assert examples(Texts) == ["one"]
    assert examples(NoExamples) == [{"text": "of the field"}]


MADE: dict[str, tuple[Any, Any]] = {
    "text": (str, "text"),
    "short": (Annotated[str, Field(max_length=2)], "te"),
    "long": (Annotated[str, Field(min_length=6)], "texttext"),
    "pattern": (Annotated[str, Field(pattern=r"^[A-Z]{3}-\d+$")], "ABC-123"),
    "word": (Annotated[str, Field(pattern="^yes$")], "yes"),
    "named group": (
        Annotated[str, Field(pattern=r"^(?P<a>\d)\d$")],
        "12",
    ),
    "date": (dt.date, "2025-01-31"),
    "date and time": (dt.datetime, "2025-01-31T12:00:00Z"),
    "integer": (int, 1),
    "large": (Annotated[int, Field(gt=7)], 8),
    "small": (Annotated[int, Field(le=-3)], -3),
    "multiple": (Annotated[int, Field(ge=8, multiple_of=5)], 10),
    "number": (float, 1.5),
    "between": (Annotated[float, Field(gt=0.25, lt=0.75)], 0.5),
    "decimal": (Annotated[Decimal, Field(lt=1)], 0.5),
    "bool": (bool, True),
    "null": (None, None),
    "enum": (Color, "red"),
    "literal": (Literal["a", "b"], "a"),
    "list": (list[int], [1]),
    "no list": (Annotated[list[int], Field(max_length=0)], []),
    "pair": (tuple[int, str], [1, "text"]),
    "many": (Annotated[list[Color], Field(min_length=2)], ["red", "red"]),
    "different texts": (Annotated[set[str], Field(min_length=2)], ["text0", "text1"]),
    "different numbers": (Annotated[set[int], Field(min_length=2)], [1, 2]),
    "different members": (Annotated[set[Color], Field(min_length=2)], ["red", "blue"]),
    "dict": (dict[str, int], {}),
    "filled": (Annotated[dict[str, int], Field(min_length=1)], {"text": 1}),
    "keys": (
        Annotated[dict[Annotated[str, Field(pattern="^k")], int], Field(min_length=1)],
        {"k": 1},
    ),
    "keys of a kind": (Annotated[dict[Color, int], Field(min_length=1)], {"red": 1}),
    "JSON": (Json[list[int]], "[1]"),
    "union": (int | str, 1),
    "either": (Optional[Annotated[str, BeforeValidator(str)]], "text"),  # noqa: UP045 - no class
    "own": (Annotated[Any, WithJsonSchema({"type": ["integer", "null"]})], 1),
    "nothing told": (Annotated[Any, BeforeValidator(lambda value: value)], "text"),
    "model": (Say, {"type": "say", "text": "text"}),
}


@pytest.mark.parametrize("name", MADE)
def test_example_is_made(name: str) -> None:
    """Where none is given, one is made of the schema."""
    annotation, example = MADE[name]
    assert examples(annotation) == [example]


class Part(BaseModel):
    number: Annotated[int, Field(ge=5, description="At least five.")]
    own: Any = None


class Whole(BaseModel):
    part: Part = Field(description="A part.")
    maybe: Part | None = None
    mixed: Annotated[Any, WithJsonSchema({"allOf": [{"type": "integer"}, {"type": "number"}]})] = 0
    more: Annotated[
        Any,
        WithJsonSchema(
            {"allOf": [{"type": "object"}], "type": "object", "properties": {"a": {"const": 1}}}
        ),
    ] = None
    usual: int = 7
    empty: str = ""


def test_parts_are_shown_as_far_as_they_say_something() -> None:
    """What may be left out is shown, and a default is, if it is not empty."""
    part = {"number": 5, "own": "text"}
    assert examples(Whole) == [
        {
            "part": part,
            "maybe": part,
            "mixed": 1,
            "more": {"a": 1},
            "usual": 7,
            "empty": "text",
        }
    ]


class Node(BaseModel):
    left: "Node | None"
    right: "Node | None" = None
    nodes: "list[Node]"
    names: dict[str, "Node"]


class Endless(BaseModel):
    again: "Endless"


class Endlessly(BaseModel):
    again: "list[Endlessly]" = Field(min_length=1)


class Wide(BaseModel):
    one: "list[Wide]" = Field(min_length=2)
    two: "tuple[Wide, Wide, Wide, Wide]"


def test_p09_recursive_model_has_an_end() -> None:
    """An example is not deeper than it has to be; where there is none, that shows soon."""
    (example,) = examples(Node)
    assert example["left"]["left"]["left"] == {"left": None, "nodes": [], "names": {}}
    either = create_model("Either", either=Endless | Endlessly)
    for endless in (Endless, Endlessly, Wide, either):
        assert examples(endless) == []
    assert examples(create_model("Several", several=list[Endless])) == [{"several": []}]


class Cautious(BaseModel):
    needed: int
    odd: str = Field("", pattern=r"^\d{3}-odd$")


def never(value: Any) -> Any:
    """Fail in a way that is no refusal."""
    raise ZeroDivisionError


def strict(value: str) -> str:
    """Take a date alone."""
    return f"{dt.date.fromisoformat(value)}"


def test_other_examples_are_tried() -> None:
    """Without what may be left out, and with other texts, there may be one."""
    assert examples(Cautious) == [{"needed": 1}]
    assert examples(create_model("M", at=Annotated[str, BeforeValidator(strict)])) == [
        {"at": "2025-01-31"}
    ]


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[int, BeforeValidator(never)],
        Annotated[str, Field(pattern=r"^\d{3}-odd$")],
        Annotated[set[bool], Field(min_length=3)],
        Annotated[dict[str, str], Field(min_length=1), WithJsonSchema({"const": {"$ref": "a"}})],
    ],
)
def test_there_is_no_example(annotation: Any) -> None:
    """None is better than one that is not valid."""
    assert examples(annotation) == []


class Area(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic has it
    @property
    def area(self) -> int:
        return self.width**2


class Sized(msgspec.Struct, tag="sized"):
    size: Annotated[int, msgspec.Meta(ge=3)]
    at: dt.datetime


def test_what_is_sent_is_read_by_its_type() -> None:
    """What is computed is shown, and is nothing that the type reads."""
    assert examples(Say, Area) == [{"width": 1, "area": 1}]
    assert examples(Say, Said) == [{"type": "said", "text": "text"}]
    assert examples(Say, list[Area]) == [[]]
    assert examples(Say, Annotated[str, Field(pattern="^yes$")]) == ["yes"]
    assert examples(Say, Callable[[], int]) == []


def test_structs_have_examples() -> None:
    """A Struct of msgspec's says nothing of the form of a time without a zone."""
    example = {"type": "sized", "size": 3, "at": "2025-01-31T12:00:00Z"}
    assert examples(Sized) == [example]
    assert examples(str, Sized) == [example]


class Lenient(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "5"}, {"number": 6}]})

    number: int


class Numbered(BaseModel):
    number: Annotated[int, Field(examples=["5"])]


def test_what_is_converted_is_shown_where_there_is_nothing_else() -> None:
    """A text that a type makes a number of is none of the schema."""
    assert examples(Lenient) == examples(Say, Lenient) == [{"number": 6}]
    assert examples(Numbered) == examples(Say, Numbered) == [{"number": "5"}]
    assert examples(list[Lenient]) == [[]]
