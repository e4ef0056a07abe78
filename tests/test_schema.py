"""What is made of frames and of messages, for each encoding; compiled once."""

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, computed_field
from typing_extensions import TypedDict

from wsendpoints.exceptions import (
    ConfigurationError,
    ConfigurationWarning,
    InvalidDataError,
    UnsupportedDataError,
)
from wsendpoints.schema import Encoding, Inbound, Outbound, compile_adapter

T = TypeVar("T")


class Say(BaseModel):
    """A message."""

    type: Literal["say"] = "say"
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

ENCODINGS: list[Encoding] = ["text", "bytes", "json", None]


# Inbound.


@pytest.mark.parametrize(
    ("annotation", "encoding", "frame", "message"),
    [
        pytest.param(Any, None, "x", "x", id="text as it comes"),
        pytest.param(Any, None, b"\xff", b"\xff", id="bytes as they come"),
        pytest.param(Any, "text", "", "", id="m04 empty text"),
        pytest.param(Any, "bytes", b"", b"", id="m04 empty bytes"),
        pytest.param(Any, "json", '{"a": 1}', {"a": 1}, id="JSON"),
        pytest.param(Any, "json", b"[1]", [1], id="JSON in bytes"),
        pytest.param(str, "text", "x", "x", id="str of text"),
        pytest.param(int, "text", "5", 5, id="int of text"),
        pytest.param(int, "bytes", b"5", 5, id="int of bytes"),
        pytest.param(bytes, "bytes", b"5", b"5", id="bytes of bytes"),
        pytest.param(str | bytes, None, b"5", b"5", id="bytes of either"),
        pytest.param(Literal["ping"], "text", "ping", "ping", id="Literal of text"),
        pytest.param(Say, "json", '{"type":"say"}', Say(), id="model"),
        pytest.param(Say, "json", b'{"type":"say"}', Say(), id="model in bytes"),
        pytest.param(Say | Leave, "json", '{"type":"leave"}', Leave(), id="union"),
        pytest.param(Say | None, "json", "null", None, id="null"),
        pytest.param(str, "json", '"x"', "x", id="str of JSON"),
        pytest.param(int, "json", "5", 5, id="int of JSON"),
        pytest.param(list[int], "json", "[1]", [1], id="list of JSON"),
        pytest.param(
            dict,
            "json",
            '{"a":NaN}',
            {"a": pytest.approx(math.nan, nan_ok=True)},
            id="m07 as the schema says",
        ),
        pytest.param(float, "json", "1e400", math.inf, id="m07 1e400"),
        pytest.param(Numbers, "json", "[1]", Numbers([1]), id="RootModel"),
        pytest.param(Point, "json", '{"x":1}', Point(1), id="dataclass"),
        pytest.param(Move, "json", '{"x":1,"@":2}', {"x": 1, "at": 2}, id="TypedDict"),
        pytest.param(
            Envelope[int], "json", '{"content":1}', Envelope[int](content=1), id="generic"
        ),
        pytest.param(Say | bytes, "json", b"\xff", b"\xff", id="bytes beside JSON"),
        pytest.param(Say | bytes, "json", '{"type":"say"}', Say(), id="JSON beside bytes"),
        pytest.param(bytes, "json", b"\xff", b"\xff", id="bytes instead of JSON"),
        pytest.param(
            Say, "json", '{"text":"a","text":"b"}', Say(text="b"), id="m10 duplicate keys"
        ),
    ],
)
def test_frame_becomes_a_message(
    annotation: Any, encoding: Encoding, frame: str | bytes, message: Any
) -> None:
    """The value is of the annotated type, read as the encoding says."""
    inbound = Inbound(annotation, encoding, "Chat")
    decode = inbound.decode_text if isinstance(frame, str) else inbound.decode_binary
    assert decode(frame) == message


@pytest.mark.parametrize(
    ("annotation", "encoding", "frame", "error"),
    [
        pytest.param(Any, "text", b"x", "this endpoint takes text frames, not binary", id="bytes"),
        pytest.param(
            str, "text", b"x", "this endpoint takes text frames, not binary", id="bytes for str"
        ),
        pytest.param(Any, "bytes", "x", "this endpoint takes binary frames, not text", id="text"),
        pytest.param(
            bytes, "bytes", "x", "this endpoint takes binary frames, not text", id="text for bytes"
        ),
        pytest.param(
            bytes, "json", "1", "this endpoint takes binary frames, not text", id="JSON for bytes"
        ),
    ],
)
def test_m01_frame_of_the_wrong_kind_is_refused(
    annotation: Any, encoding: Encoding, frame: str | bytes, error: str
) -> None:
    """It closes with 1003."""
    inbound = Inbound(annotation, encoding, "Chat")
    decode = inbound.decode_text if isinstance(frame, str) else inbound.decode_binary
    with pytest.raises(UnsupportedDataError) as caught:
        decode(frame)
    assert (str(caught.value), caught.value.close_code) == (error, 1003)


@pytest.mark.parametrize("frame", ["", "NaN", "x", b"\xff"])
def test_what_is_not_json_is_invalid_data_for_any_message(frame: str | bytes) -> None:
    """Without an annotation, JSON is still JSON."""
    inbound = Inbound(Any, "json", "Chat")
    with pytest.raises(InvalidDataError):
        (inbound.decode_text if isinstance(frame, str) else inbound.decode_binary)(frame)


@pytest.mark.parametrize(
    ("annotation", "encoding", "frame"),
    [(int, "text", "x"), (str, "bytes", b"\xff"), (Say, "json", "5"), (int, None, b"x")],
)
def test_what_the_annotation_refuses_is_a_validation_error(
    annotation: Any, encoding: Encoding, frame: str | bytes
) -> None:
    """Pydantic's own error is raised, as it is."""
    inbound = Inbound(annotation, encoding, "Chat")
    with pytest.raises(ValidationError):
        (inbound.decode_text if isinstance(frame, str) else inbound.decode_binary)(frame)


@pytest.mark.parametrize(
    ("annotation", "encoding", "messages", "tag"),
    [
        (Any, "json", [], None),
        (Say | Leave | bytes, "json", [Say, Leave], "type"),
        (bytes, "json", [], None),
        (bytes | str, None, [bytes, str], None),
        (int, "json", [int], None),
    ],
)
def test_messages_and_their_tag(
    annotation: Any, encoding: Encoding, messages: list[Any], tag: str | None
) -> None:
    """The members of the union are kept, for the documents."""
    inbound = Inbound(annotation, encoding, "Chat")
    assert (inbound.messages, inbound.tag) == (messages, tag)


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
@pytest.mark.parametrize("annotation", [Say, Move, Point, str | Say], ids=str)
def test_object_without_json_is_an_error(encoding: Encoding, annotation: Any) -> None:
    """What has fields is read from JSON; the error says what to set."""
    with pytest.raises(ConfigurationError) as caught:
        Inbound(annotation, encoding, "Chat")
    name = getattr(annotation, "__name__", "Say")
    assert str(caught.value) == (
        f'Chat: {name} is read from JSON, but encoding is {encoding!r}: set encoding = "json"'
    )


def test_m19_objects_that_nothing_tells_apart_are_a_warning() -> None:
    """It names them, says what it costs, and what to add."""
    with pytest.warns(ConfigurationWarning) as caught:
        Inbound(Say | Plain, "json", "Chat")
    assert str(caught[0].message) == (
        "Chat: nothing tells Say, Plain apart, so that each message is tried against all of "
        'them: give each a field like `type: Literal["..."] = "..."`, with another value in each'
    )


class Unknown:
    """No type that pydantic can validate."""


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        pytest.param(Unknown, "Chat: Unknown can't be validated: Unable to generate", id="class"),
        pytest.param(list["Nowhere"], "Chat: list['Nowhere'] can't be validated: name", id="name"),  # type: ignore[name-defined]  # noqa: F821 - the case # pyright: ignore[reportUndefinedVariable]
        pytest.param(
            Annotated[str, Field(pattern="(")],
            "Chat: str can't be validated: Error building",
            id="pattern",
        ),
        pytest.param(
            list[Annotated[int, Field(discriminator="type")]],
            "Chat: list[typing.Annotated[int, ",
            id="discriminator",
        ),
    ],
)
def test_type_that_pydantic_cannot_validate_is_an_error(annotation: Any, text: str) -> None:
    """It is seen when the class is made; the text says which type, and why."""
    with pytest.raises(ConfigurationError, match=re.escape(text)) as caught:
        compile_adapter(annotation, "Chat")
    assert caught.value.__cause__ is not None


# Outbound.


@pytest.mark.parametrize(
    ("declared", "message", "text"),
    [
        pytest.param([Say], Say(text="ä"), '{"type":"say","text":"ä"}', id="model"),
        pytest.param([Say | Leave], Leave(), '{"type":"leave"}', id="of a union"),
        pytest.param([Leave, Say | None], Say(), '{"type":"say","text":""}', id="of several"),
        pytest.param([Say], Whisper(), '{"type":"say","text":""}', id="subclass"),
        pytest.param([Say], Shout(), '{"type":"say","text":""}', id="subclass of a subclass"),
        pytest.param(
            [Say, Whisper], Shout(), '{"type":"say","text":"","whispered":true}', id="nearest base"
        ),
        pytest.param(
            [Named],
            Named(someName=2, said=Whisper()),
            '{"someName":2,"said":{"type":"say","text":""}}',
            id="alias, and a subclass within",
        ),
        pytest.param(
            [Outer],
            Outer(inner=Named()),
            '{"inner":{"someName":1,"said":{"type":"say","text":""}}}',
            id="alias within",
        ),
        pytest.param(
            [Camel],
            Camel.model_validate({"Name": "ab"}),
            '{"Name":"ab","nameLength":2}',
            id="made alias",
        ),
        pytest.param([Point], Point(1), '{"X":1}', id="dataclass"),
        pytest.param([list[Point]], [Point(1)], '[{"X":1}]', id="list of dataclasses"),
        pytest.param([Move], Move(x=1, at=2), '{"x":1,"@":2}', id="TypedDict"),
        pytest.param([Numbers], Numbers([1]), "[1]", id="RootModel"),
        pytest.param([Envelope[int]], Envelope[int](content=1), '{"content":1}', id="generic"),
        pytest.param([UserId], 5, "5", id="NewType"),
        pytest.param([str], "x", '"x"', id="str"),
        pytest.param([Literal["pong"]], "pong", '"pong"', id="Literal"),
        pytest.param([dict[str, float]], {"a": math.inf}, '{"a":null}', id="m07 dict"),
        pytest.param(
            [Ratio], Ratio(anything=[math.inf]), '{"ratio":null,"anything":[null]}', id="m07 model"
        ),
        pytest.param([], Ratio(), '{"ratio":null,"anything":null}', id="m07 undeclared model"),
        pytest.param(
            [],
            {"a": Named()},
            '{"a":{"someName":1,"said":{"type":"say","text":""}}}',
            id="undeclared",
        ),
        pytest.param([], "x", '"x"', id="undeclared str"),
        pytest.param([], None, "null", id="undeclared None"),
        pytest.param([Any], 5, "5", id="explicit Any"),
        pytest.param([Say | Any], 5, "5", id="Any in a union"),
        pytest.param([None], 5, "5", id="None alone"),
    ],
)
def test_message_becomes_json(declared: list[Any], message: Any, text: str) -> None:
    """It is written by alias, with the fields of the declared class alone."""
    event = Outbound(declared, "json", "Chat").encode(message)
    assert event == {"type": "websocket.send", "text": text}
    if not isinstance(message, str):
        event = Outbound(declared, "bytes", "Chat").encode(message)
        assert event == {"type": "websocket.send", "bytes": text.encode()}


@pytest.mark.parametrize("declared", [[], [str], [Say, str]], ids=str)
@pytest.mark.parametrize("encoding", ["text", None])
def test_str_is_a_text_frame_where_messages_are_text(
    encoding: Encoding, declared: list[Any]
) -> None:
    """It goes out as it is, the empty one too."""
    outbound = Outbound(declared, encoding, "Chat")
    for text in ("x", "", '"'):
        assert outbound.encode(text) == {"type": "websocket.send", "text": text}


@pytest.mark.parametrize("data", [b"x", bytearray(b"x"), memoryview(b"x"), b""], ids=repr)
@pytest.mark.parametrize("declared", [[], [bytes], [Say, bytes]], ids=str)
@pytest.mark.parametrize("encoding", ["bytes", "json", None])
def test_bytes_are_a_binary_frame(encoding: Encoding, declared: list[Any], data: Any) -> None:
    """Whatever holds them, they are bytes for the server."""
    event = Outbound(declared, encoding, "Chat").encode(data)
    assert event == {"type": "websocket.send", "bytes": bytes(data)}
    assert type(event["bytes"]) is bytes


@pytest.mark.parametrize("declared", [[], [str]], ids=["undeclared", "declared"])
def test_str_is_refused_where_messages_are_bytes(declared: list[Any]) -> None:
    """It says what to send."""
    with pytest.raises(ConfigurationError) as caught:
        Outbound(declared, "bytes", "Chat").encode("x")
    assert str(caught.value) == 'Chat sends a str, but its encoding is "bytes": send bytes'


@pytest.mark.parametrize("declared", [[], [bytes]], ids=["undeclared", "declared"])
def test_bytes_are_refused_where_messages_are_text(declared: list[Any]) -> None:
    """It says what to send."""
    with pytest.raises(ConfigurationError) as caught:
        Outbound(declared, "text", "Chat").encode(b"x")
    assert str(caught.value) == 'Chat sends bytes, but its encoding is "text": send a str'


DECLARED: list[Any] = [Say, Move, list[int], Literal["pong"], Envelope[int]]


@pytest.mark.parametrize(
    "message",
    [
        Leave(),
        Plain(text="x"),
        Point(1),
        {"x": 1},
        {"x": "1", "at": 2},
        {"type": "say", "text": ""},
        ["1"],
        [True],
        (1,),
        "ping",
        b"x",
        bytearray(b"x"),
        5,
        None,
        Envelope[str](content="x"),
        Say,
        object(),
    ],
    ids=repr,
)
def test_what_is_not_declared_is_refused(message: Any) -> None:
    """The document can't lie: the error names what is declared."""
    with pytest.raises(ConfigurationError) as caught:
        Outbound(DECLARED, "json", "Chat").encode(message)
    assert str(caught.value) == (
        f"Chat sends a message of type {type(message).__name__}, but declares Say, Move, "
        "list[int], typing.Literal['pong'], Envelope[int]: add its type to the return annotation "
        "of the handler, or to `sends`"
    )


@pytest.mark.parametrize(
    ("declared", "make"),
    [
        pytest.param([], lambda: "\ud800", id="lone surrogate"),
        pytest.param([str], lambda: "\ud800", id="lone surrogate, declared"),
        pytest.param([list[str]], lambda: ["\ud800"], id="lone surrogate in a list"),
        pytest.param([Say], lambda: Say(text="\ud800"), id="lone surrogate in a model"),
        pytest.param([], object, id="an object"),
        pytest.param([Ratio], lambda: Ratio(anything=object()), id="an object in a model"),
        pytest.param([Ratio], lambda: Ratio(anything=b"\xff"), id="bytes that are not UTF-8"),
        pytest.param([dict[str, Any]], lambda: {"a": object()}, id="an object in a dict"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
def test_m22_what_cannot_be_written_is_refused(
    encoding: Encoding, declared: list[Any], make: Callable[[], Any]
) -> None:
    """It is the application's mistake, seen before the server sees it."""
    outbound = Outbound(declared, encoding, "Chat")
    with pytest.raises((ValueError, TypeError)) as caught:
        outbound.encode(make())
    is_str_as_bytes = encoding == "bytes" and isinstance(make(), str)
    assert isinstance(caught.value, ConfigurationError) is is_str_as_bytes


@pytest.mark.parametrize(
    ("declared", "messages", "tag"),
    [
        ([], [], None),
        ([None], [], None),
        ([Any, Say], [], None),
        ([Say | None, Leave, Say], [Say, Leave], "type"),
        ([Say, int], [Say, int], "type"),
    ],
)
def test_declared_messages_and_their_tag(
    declared: list[Any], messages: list[Any], tag: str | None
) -> None:
    """Each is kept once, for the documents; `None` is no message."""
    outbound = Outbound(declared, "json", "Chat")
    assert (outbound.messages, outbound.tag) == (messages, tag)


def test_type_that_cannot_be_sent_is_an_error() -> None:
    """It is seen when the class is made."""
    with pytest.raises(ConfigurationError, match="Chat: Unknown can't be validated"):
        Outbound([Unknown], "json", "Chat")
