"""What is made of messages, for each encoding; compiled once."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, Never, NoReturn

import pytest
from pydantic import AfterValidator, BaseModel, Discriminator, JsonValue, SerializeAsAny, Tag
from typing_extensions import TypeAliasType

from tests.some_messages import (
    Camel,
    Envelope,
    Leave,
    Move,
    Named,
    Numbers,
    Outer,
    Plain,
    Point,
    Ratio,
    Say,
    Shout,
    Unknown,
    UserId,
    Whisper,
)
from wsendpoints.messages.codecs import CODECS, Encoding
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.exceptions import ConfigurationError

ENCODINGS: list[Encoding] = ["text", "bytes", "json", None]


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
    event = Outbound(declared, CODECS["json"], "Chat").encode(message)
    assert event == {"type": "websocket.send", "text": text}
    if not isinstance(message, str):
        event = Outbound(declared, CODECS["bytes"], "Chat").encode(message)
        assert event == {"type": "websocket.send", "bytes": text.encode()}


class Loud(str):
    """A str of another class."""

    __slots__ = ()


@pytest.mark.parametrize("declared", [[], [str], [Say, str]], ids=str)
@pytest.mark.parametrize("encoding", ["text", None])
def test_str_is_a_text_frame_where_messages_are_text(
    encoding: Encoding, declared: list[Any]
) -> None:
    """It goes out as it is, the empty one too."""
    outbound = Outbound(declared, CODECS[encoding], "Chat")
    for text in ("x", "", '"', Loud("x")):
        assert outbound.encode(text) == {"type": "websocket.send", "text": text}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x", id="bytes"),
        pytest.param(bytearray(b"x"), id="bytearray"),
        pytest.param(memoryview(b"x"), id="memoryview"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("declared", [[], [bytes], [Say, bytes]], ids=str)
@pytest.mark.parametrize("encoding", ["bytes", "json", None])
def test_bytes_are_a_binary_frame(encoding: Encoding, declared: list[Any], data: Any) -> None:
    """Whatever holds them, they are bytes for the server."""
    event = Outbound(declared, CODECS[encoding], "Chat").encode(data)
    assert event == {"type": "websocket.send", "bytes": bytes(data)}
    assert type(event["bytes"]) is bytes


@pytest.mark.parametrize("declared", [[], [str]], ids=["undeclared", "declared"])
def test_str_is_refused_where_messages_are_bytes(declared: list[Any]) -> None:
    """It says what to send."""
    with pytest.raises(ConfigurationError) as caught:
        Outbound(declared, CODECS["bytes"], "Chat").encode("x")
    assert str(caught.value) == 'Chat sends a str, but its encoding is "bytes": send bytes'


@pytest.mark.parametrize("declared", [[], [bytes]], ids=["undeclared", "declared"])
def test_bytes_are_refused_where_messages_are_text(declared: list[Any]) -> None:
    """It says what to send."""
    with pytest.raises(ConfigurationError) as caught:
        Outbound(declared, CODECS["text"], "Chat").encode(b"x")
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
        pytest.param(object(), id="an object"),
    ],
    ids=repr,
)
def test_what_is_not_declared_is_refused(message: Any) -> None:
    """The document can't lie: the error names what is declared."""
    with pytest.raises(ConfigurationError) as caught:
        Outbound(DECLARED, CODECS["json"], "Chat").encode(message)
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
    outbound = Outbound(declared, CODECS[encoding], "Chat")
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
    outbound = Outbound(declared, CODECS["json"], "Chat")
    assert (outbound.messages, outbound.tag) == (messages, tag)


def test_type_that_cannot_be_sent_is_an_error() -> None:
    """It is seen when the class is made."""
    with pytest.raises(ConfigurationError, match="Chat: Unknown can't be validated"):
        Outbound([Unknown], CODECS["json"], "Chat")


def chosen(value: Any) -> str:
    """Fail: pydantic would call it to write a message, which is no dict."""
    raise AssertionError(value)


ByFunction = Annotated[
    Annotated[Say, Tag("say")] | Annotated[Leave, Tag("leave")], Discriminator(chosen)
]
Checked = Annotated[Say, AfterValidator(chosen)]


@pytest.mark.parametrize("declared", [ByFunction, Checked, ByFunction | int, Checked | None])
def test_reply_is_known_by_its_class(declared: Any) -> None:
    """The application's validators and discriminators are not called."""
    outbound = Outbound([declared], CODECS["json"], "Chat")
    assert outbound.encode(Say())["text"] == '{"type":"say","text":""}'


@pytest.mark.parametrize(
    ("declared", "message", "text"),
    [
        (list[Checked], [Say()], '[{"type":"say","text":""}]'),
        (Annotated[list[int], AfterValidator(chosen)], [1], "[1]"),
        (Annotated[int, AfterValidator(chosen)] | list[str], ["x"], '["x"]'),
        (dict[str, Checked], {"a": Say()}, '{"a":{"type":"say","text":""}}'),
    ],
)
def test_reply_that_holds_others_is_known_by_their_classes(
    declared: Any, message: Any, text: str
) -> None:
    """The application's validators are not called for what is within it."""
    assert Outbound([declared], CODECS["json"], "Chat").encode(message)["text"] == text


NAMED = '{"someName":1,"said":{"type":"say","text":""}}'
JSONTree = TypeAliasType("JSONTree", "int | list[JSONTree]")


@pytest.mark.parametrize(
    ("declared", "message", "text"),
    [
        pytest.param(list[Any], [Named()], f"[{NAMED}]", id="list[Any]"),
        pytest.param(dict[str, Any], {"a": Named()}, f'{{"a":{NAMED}}}', id="dict of anything"),
        pytest.param(
            Envelope, Envelope[Any](content=Named()), f'{{"content":{NAMED}}}', id="bare generic"
        ),
        pytest.param(SerializeAsAny[BaseModel], Named(), NAMED, id="SerializeAsAny"),
        pytest.param(object, Named(), NAMED, id="object"),
        pytest.param(JsonValue, {"a": [None]}, '{"a":[null]}', id="JsonValue"),
        pytest.param(JSONTree, [1, [2]], "[1,[2]]", id="recursive alias"),
    ],
)
def test_alias_is_written_of_what_is_of_any_class(declared: Any, message: Any, text: str) -> None:
    """A field of such a type may hold any model."""
    outbound = Outbound([declared], CODECS["json"], "Chat")
    assert outbound.encode(message)["text"] == text


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_declared_as_bytes(kind: Any) -> None:
    """Each is a binary frame."""
    outbound = Outbound([kind], CODECS["json"], "Chat")
    assert outbound.messages == [bytes]
    assert outbound.encode(kind(b"x")) == {"type": "websocket.send", "bytes": b"x"}


@pytest.mark.parametrize("nothing", [NoReturn, Never])
def test_handler_that_never_returns_declares_no_message(nothing: Any) -> None:
    """It always raises."""
    assert Outbound([nothing], CODECS["json"], "Chat").messages == []
    assert Outbound([nothing, Say], CODECS["json"], "Chat").messages == [Say]


@pytest.mark.parametrize("declared", [[], [Say]], ids=["anything", "a message"])
def test_coroutine_is_no_message(declared: list[Any]) -> None:
    """Its error says so, whatever the class declares."""

    async def save() -> None:
        """Do nothing."""

    with pytest.raises(UnawaitedError) as caught:
        Outbound(declared, CODECS["json"], "Chat").encode(save())
    assert caught.value.sender == "Chat"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ is (not declared)
