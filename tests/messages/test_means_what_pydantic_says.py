"""An annotation means what pydantic says: what is valid, what it becomes, and what is sent of it.

Two differences remain. In a union that has a tag, a message is to have it, though the field may
have a default: the tags here have none. And a type that takes anything gets what no other takes,
where pydantic would choose by how exactly each takes a message: no such type is in a union here.
"""

import dataclasses
import datetime as dt
import enum
import json
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, NewType, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    RootModel,
    SerializeAsAny,
    Tag,
    TypeAdapter,
    ValidationError,
    computed_field,
    field_serializer,
    model_validator,
)
from typing_extensions import TypeAliasType, TypedDict

from tests.messages.odd_types import TYPES, nearly
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.substitution import union_of

T = TypeVar("T")

EXAMPLES: Final = int(os.environ.get("WSENDPOINTS_TYPES_EXAMPLES", "80"))
"""How many messages are tried with each annotation.

With more than about ten thousand a test may take minutes: `-o faulthandler_timeout=0` lets it.
"""


class Say(BaseModel):
    """A message with a tag."""

    type: Literal["say"]
    text: str


class Leave(BaseModel):
    """Another one."""

    type: Literal["leave"]
    after: int = 0


class Lower(BaseModel):
    """One with a tag in any case."""

    type: Literal["lower"]
    x: int

    @model_validator(mode="before")
    @classmethod
    def change(cls, value: Any) -> Any:
        """Change it."""
        match value:
            case {"type": str(tag)}:
                return {**value, "type": tag.lower()}
            case _:
                return value


class Join(TypedDict):
    """A dict with a tag of another name."""

    op: Literal["join"]
    room: int


class Part(TypedDict):
    """Another one."""

    op: Literal["part"]
    room: str


@dataclasses.dataclass
class Move:
    """A dataclass with the usual tag."""

    type: Literal["move"]
    x: Annotated[int, Field(alias="X")]


class Black(BaseModel):
    """One of two of a kind."""

    type: Literal["cat"]
    colour: Literal["black"]
    a: int


class White(BaseModel):
    """The other."""

    type: Literal["cat"]
    colour: Literal["white"]
    a: str


class Call(BaseModel):
    """Has a constant beside its tag, and names of its own for clients."""

    model_config = ConfigDict(validate_by_name=True)
    jsonrpc: Literal["2.0"]
    method: Literal["add"] = Field(alias="do")
    to: int


class Notify(BaseModel):
    """Another one."""

    model_config = ConfigDict(validate_by_name=True)
    jsonrpc: Literal["2.0"]
    method: Literal["notify"] = Field(alias="do")


class Colour(enum.StrEnum):
    """Texts."""

    RED = "red"
    BLUE = "blue"


class Red(BaseModel):
    """Its tag is of an enum."""

    colour: Literal[Colour.RED]


class Blue(BaseModel):
    """So is its."""

    colour: Literal[Colour.BLUE]
    a: int


class Envelope(BaseModel, Generic[T]):
    """A generic message."""

    type: Literal["envelope"]
    content: T


class Counted(BaseModel):
    """Is written with more than it is made of."""

    items: list[int] = Field(alias="its")

    @computed_field(alias="howMany")
    def number(self) -> int:
        """Count them."""
        return len(self.items)

    @field_serializer("items")
    def write(self, items: list[int]) -> list[str]:
        """Write them otherwise."""
        return [str(item) for item in items]


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: float = 0.0


class Turn(NamedTuple):
    """A tuple with names, and a tag."""

    op: Literal["turn"]
    by: int = 0


class Stop(NamedTuple):
    """Another one."""

    op: Literal["stop", "halt"]
    why: str


class Untagged(BaseModel):
    """Has some of the fields of tagged messages, and one of its own."""

    text: str = ""
    room: int


class Looser(BaseModel):
    """Takes what tagged messages take, with any tag."""

    type: str
    text: str


class Closed(BaseModel):
    """Takes no fields but its own."""

    model_config = ConfigDict(extra="forbid")
    room: int


class Rows(RootModel[list[T]], Generic[T]):
    """A list that is a model."""


def op_of(value: Any) -> Any:
    """Return the tag of a dict."""
    match value:
        case {"op": str(op)}:
            return op
        case _:
            return None


Cat = Annotated[Black | White, Field(discriminator="colour")]
Pet = Annotated[Cat | Say, Field(discriminator="type")]
Talk = TypeAliasType("Talk", Say | Leave)
Reply = TypeAliasType("Reply", Envelope[T] | Leave, type_params=(T,))
Id = NewType("Id", int)

_SAY: Final = {"type": "say", "text": "x"}
_LEAVE: Final = {"type": "leave", "after": 1}
_MOVE: Final = {"type": "move", "X": 1}
_JOIN: Final = {"op": "join", "room": 1}
_PART: Final = {"op": "part", "room": "x"}
_BLACK: Final = {"type": "cat", "colour": "black", "a": 1}
_WHITE: Final = {"type": "cat", "colour": "white", "a": "x"}
_CALL: Final = {"jsonrpc": "2.0", "do": "add", "to": 1}
_NOTIFY: Final = {"jsonrpc": "2.0", "do": "notify"}
_TWO: Final = {"type": "envelope", "content": [1, 2]}

Call2 = tuple[Literal[2], str, Literal["boot"], int]
Ask2 = tuple[Literal[2], str, Literal["ask"], str]
Result = tuple[Literal[3], str, dict[str, int]]
Failure = tuple[Literal[4, "4"], str, str]

_BOOT: Final = [2, "a", "boot", 1]
_ASK: Final = [2, "a", "ask", "b"]
_RESULT: Final = [3, "a", {"b": 1}]
_FAILURE: Final = [4, "a", "b"]
_TURN: Final = ["turn", 1]
_STOP: Final = {"op": "stop", "why": "x"}

CORPUS: Final[Mapping[str, tuple[Any, list[Any]]]] = {
    **TYPES,
    "tagged": (Say | Leave, [_SAY, _LEAVE]),
    "tagged, of every make": (Say | Move | Leave, [_SAY, _MOVE, _LEAVE]),
    "tagged or null": (Say | Leave | None, [_SAY, _LEAVE, None]),
    "tagged or a number": (Say | Leave | int, [_SAY, _LEAVE, 5]),
    "tagged or a list": (Say | Leave | list[int], [_SAY, _LEAVE, [1]]),
    "a list or tagged": (list[Say] | Say | Leave, [_SAY, _LEAVE, [_SAY]]),
    "tagged or a model": (Say | Leave | Untagged, [_SAY, _LEAVE, {"room": 1}]),
    "a model or tagged": (Untagged | Say | Leave, [{**_SAY, "room": 1}, _LEAVE, {"room": 1}]),
    "tagged or closed": (Say | Closed | Leave, [_SAY, _LEAVE, {"room": 1}]),
    "any tag before": (Looser | Say | Leave, [_SAY, _LEAVE, {"type": "x", "text": "x"}]),
    "any tag between": (Say | Looser | Leave, [_SAY, _LEAVE, {"type": "leave", "text": "x"}]),
    "tagged or a dict": (Say | dict[str, int] | Leave, [_SAY, _LEAVE, {"after": 1}]),
    "tagged or a TypedDict": (Say | Leave | Join, [_SAY, _LEAVE, {**_LEAVE, **_JOIN}]),
    "tagged or a validator": (Lower | Say | Leave, [{"type": "LOWER", "x": 1}, _SAY, _LEAVE]),
    "text or date": (str | dt.date, ["x", "2020-01-01"]),
    "text or literal": (str | dt.date | Literal["x"], ["x", "2020-01-01"]),  # noqa: PYI051 - it is the case
    "arrays": (Call2 | Result | Failure, [_BOOT, _RESULT, _FAILURE]),
    "arrays by two items": (Call2 | Result | Ask2, [_BOOT, _ASK, _RESULT]),
    "arrays of several lengths": (
        tuple[Literal[1]] | tuple[Literal[1], int] | tuple[Literal[2], int, int],
        [[1], [1, 1], [2, 1, 1]],
    ),
    "arrays by a later item": (tuple[str, Literal[1]] | tuple[int, Literal[2]], [["1", 1], [1, 2]]),
    "arrays or a list": (list[int] | Call2 | Result, [_BOOT, _RESULT, [2, 1]]),
    "arrays between lists": (
        tuple[Literal[2], int] | list[int] | tuple[Literal[3], int] | list[str],
        [[2, 1], [3, 1], [3], ["3", "1"]],
    ),
    "arrays or tagged": (Call2 | Say | Result | Leave, [_BOOT, _RESULT, _SAY, _LEAVE]),
    "arrays with an enum": (
        tuple[Literal[Colour.RED], int] | tuple[Literal["x"], int],
        [["red", 1], ["x", 1]],
    ),
    "arrays with True": (tuple[Literal[True], int] | tuple[Literal[1], str], [[True, 1], [1, "x"]]),
    "NamedTuples": (Turn | Stop, [_TURN, {"op": "turn"}, ["halt", "x"], _STOP]),
    "NamedTuples or tagged": (Turn | Stop | Say | Leave, [_TURN, _STOP, _SAY, _LEAVE]),
    "two tags": (Say | Leave | Join | Part, [_SAY, _LEAVE, _JOIN, _PART]),
    "TypedDicts": (Join | Part, [_JOIN, _PART]),
    "discriminated": (Cat, [_BLACK, _WHITE]),
    "nested discriminated": (Pet, [_BLACK, _WHITE, _SAY]),
    "discriminated beside": (Cat | Say | Leave, [_BLACK, _WHITE, _SAY, _LEAVE]),
    "by a function": (
        Annotated[
            Annotated[Join, Tag("join")] | Annotated[Part, Tag("part")],
            Discriminator(op_of),
        ],
        [_JOIN, _PART],
    ),
    "tag that changes": (Lower | Leave, [{"type": "LOWER", "x": 1}, _LEAVE]),
    "constant and tag": (Call | Notify, [_CALL, _NOTIFY]),
    "name and alias of a tag": (
        Call | Notify,
        [{**_CALL, "method": "notify"}, {**_NOTIFY, "method": "add"}, {**_CALL, "method": 5}],
    ),
    "its discriminator": (Annotated[Call | Notify, Field(discriminator="method")], [_CALL]),
    "enum as tag": (Red | Blue, [{"colour": "red"}, {"colour": "blue", "a": 1}]),
    "alias": (Talk, [_SAY, _LEAVE]),
    "alias beside": (Talk | int, [_SAY, _LEAVE, 5]),
    "generic alias": (Reply[list[int]], [_TWO, _LEAVE]),
    "generic": (Envelope[list[int]], [_TWO]),
    "generic of a union": (Envelope[Say | int], [{"type": "envelope", "content": _SAY}]),
    "generic without brackets": (Envelope, [{"type": "envelope", "content": {"a": 1}}]),
    "NewType": (Id, [5]),
    "constrained": (Annotated[int, Field(gt=2, lt=9)], [5, 3]),
    "constrained list": (Annotated[list[int], Field(max_length=2)], [[1], [1, 2]]),
    "before": (Annotated[int, BeforeValidator(lambda it: it or 1)], [5, None]),
    "written as text": (Annotated[int, PlainSerializer(str)], [5]),
    "computed": (Counted, [{"its": [1, 2]}]),
    "computed within": (list[Counted], [[{"its": [1, 2]}]]),
    "as any": (SerializeAsAny[Counted], [{"its": [1]}]),
    "StrEnum": (Colour, ["red", "blue"]),
    "literals": (Literal["red", 1] | None, ["red", 1, None]),
    "NamedTuple": (Point, [[1, 2.5], [1]]),
    "RootModel": (Rows[int], [[1, 2]]),
    "RootModel of a union": (RootModel[Say | Leave], [_SAY, _LEAVE]),
    "dict of unions": (dict[str, Say | Leave], [{"a": _SAY, "b": _LEAVE}]),
}


def paths(error: ValidationError) -> set[tuple[str | int, ...]]:
    """Return the places of pydantic's errors, as they are."""
    return {it["loc"] for it in error.errors()}


def is_within(path: Sequence[str | int], loc: Sequence[str | int]) -> bool:
    """Whether a place of ours is one of pydantic's, which has labels and keys between the steps."""
    steps: Iterator[str | int] = iter(loc)
    return all(any(step == it for it in steps) for step in path)


def check(annotation: Any, inbound: Inbound, value: Any) -> None:
    """Compare what an endpoint makes of a message with what pydantic does."""
    text = json.dumps(value)
    adapter = TypeAdapter[Any](annotation)
    try:
        expected: Any = adapter.validate_json(text)
    except ValidationError as exc:
        locs = paths(exc)
        with pytest.raises(ValidationError) as caught:
            inbound.decode_text(text)
        error: Any = CODECS["json"].client_error(caught.value, inbound.places, text)
        if "too_long" in {it["type"] for it in exc.errors()}:
            # A list ends at the first wrong item, before it is too long.
            return
        found = [it["loc"] for it in error.errors]
        assert found
        assert all(any(is_within(it, loc) for loc in locs) for it in found), (found, locs)
    else:
        made = inbound.decode_text(text)
        made = getattr(made, "message", made)  # what a table of handlers wraps
        assert made == expected
        assert type(made) is type(expected)


def handling(annotation: Any) -> Inbound:
    """Return what a handler of such messages takes, beside a handler of another message."""

    async def it(self: Any, websocket: WebSocket, data: Any) -> None: ...

    it.__annotations__["data"] = annotation
    chat: Any = type("Chat", (WebSocketEndpoint,), {"encoding": "json", "it": handles(it)})
    inbound: Inbound = chat._declaration.inbound
    return inbound


MESSAGES: Final = [
    pytest.param(annotation, values, id=name) for name, (annotation, values) in CORPUS.items()
]


@pytest.mark.filterwarnings("ignore::wsendpoints.ConfigurationWarning")
@pytest.mark.parametrize(("annotation", "values"), MESSAGES)
def test_the_same_is_valid_and_becomes_the_same(annotation: Any, values: list[Any]) -> None:
    """With `on_receive` and with `handles`; an invalid message has errors at the same places."""
    inbounds = [Inbound(annotation, CODECS["json"], "Chat")]
    if annotation is not Any:  # not a type that a handler can be found by
        inbounds.append(handling(annotation))

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(nearly(values))
    def compare(value: Any) -> None:
        for inbound in inbounds:
            check(annotation, inbound, value)

    compare()
    for value in values:
        TypeAdapter[Any](annotation).validate_json(json.dumps(value))


ANYTHING: Final = {"anything", "generic without brackets", "JsonValue"}
"""What takes anything gets what no other type takes: that is not what pydantic chooses."""

WHOLE: Final = {name for name in CORPUS if "discriminat" in name or name == "tags"}
"""What has members that may be beside it too: pydantic then has errors of both."""

LENIENT: Final = {"no tags"}
"""What has a tag with a default: beside others that the tag tells apart, a message must have it
(M14), where pydantic takes the default."""

MIXED: Final = [CORPUS[name] for name in CORPUS if name not in ANYTHING | WHOLE | LENIENT]


@pytest.mark.filterwarnings("ignore::wsendpoints.ConfigurationWarning")
def test_the_same_is_valid_for_any_union_of_types() -> None:
    """However few of its members are tried, and in whatever order they are."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(st.lists(st.sampled_from(MIXED), min_size=2, max_size=5), st.data())
    def compare(types: list[tuple[Any, list[Any]]], data: st.DataObject) -> None:
        annotation = union_of([annotation for annotation, _ in types])
        inbound = Inbound(annotation, CODECS["json"], "Chat")
        for _ in range(20):
            _, values = data.draw(st.sampled_from(types))
            check(annotation, inbound, data.draw(nearly(values)))

    compare()


def knows_its_own(annotation: Any, value: object) -> bool:
    """Whether pydantic takes what it made itself, strictly; before 2.14 it refuses a deque."""
    adapter = TypeAdapter[Any](annotation)
    try:
        adapter.validate_python(adapter.validate_json(json.dumps(value)), strict=True)
    except ValidationError:
        return False
    return True


UNKNOWN: Final = {"json in json", *([] if knows_its_own(deque[int], [1]) else ["deque"])}
"""What is read from a text within the text is not written so, and is not known by its value."""

SENT: Final = [it for it in MESSAGES if it.id not in UNKNOWN]


@pytest.mark.parametrize(("annotation", "values"), SENT)
def test_the_same_is_sent(annotation: Any, values: list[Any]) -> None:
    """By alias, whatever union the value is a member of."""
    adapter = TypeAdapter[Any](annotation)
    outbound = Outbound([annotation], CODECS["json"], "Chat")

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(st.one_of(nearly(values), st.sampled_from(values)))
    def compare(value: Any) -> None:
        try:
            message = adapter.validate_json(json.dumps(value))
        except ValidationError:
            return
        if message is not None:  # which is no reply
            event = outbound.encode(message)
            assert (
                event["text"] == adapter.dump_json(message, by_alias=True, warnings=False).decode()
            )

    compare()
