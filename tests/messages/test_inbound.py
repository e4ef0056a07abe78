"""What is made of frames, for each encoding; compiled once."""

import math
from typing import Any, Literal

import pytest
from pydantic import BaseModel, JsonValue, ValidationError, field_validator
from typing_extensions import TypeAliasType

from tests.some_messages import Envelope, Leave, Move, Numbers, Plain, Point, Say
from wsendpoints.messages.codecs import CODECS, Encoding
from wsendpoints.messages.inbound import Inbound
from wsendpoints.protocol.exceptions import (
    ConfigurationError,
    ConfigurationWarning,
    InvalidDataError,
    UnsupportedDataError,
)

Tree = TypeAliasType("Tree", "int | list[Tree]")


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
        pytest.param(JsonValue, "json", '{"a":[1]}', {"a": [1]}, id="JsonValue"),
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
    inbound = Inbound(annotation, CODECS[encoding], "Chat")
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
    inbound = Inbound(annotation, CODECS[encoding], "Chat")
    decode = inbound.decode_text if isinstance(frame, str) else inbound.decode_binary
    with pytest.raises(UnsupportedDataError) as caught:
        decode(frame)
    assert (str(caught.value), caught.value.close_code) == (error, 1003)


@pytest.mark.parametrize("frame", ["", "NaN", "x", b"\xff"])
def test_what_is_not_json_is_invalid_data_for_any_message(frame: str | bytes) -> None:
    """Without an annotation, JSON is still JSON."""
    inbound = Inbound(Any, CODECS["json"], "Chat")
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
    inbound = Inbound(annotation, CODECS[encoding], "Chat")
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
    inbound = Inbound(annotation, CODECS[encoding], "Chat")
    assert (inbound.messages, inbound.tag) == (messages, tag)


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
@pytest.mark.parametrize("annotation", [Say, Move, Point, str | Say], ids=str)
def test_object_without_json_is_an_error(encoding: Encoding, annotation: Any) -> None:
    """What has fields is read from JSON; the error says what to set."""
    with pytest.raises(ConfigurationError) as caught:
        Inbound(annotation, CODECS[encoding], "Chat")
    name = getattr(annotation, "__name__", "Say")
    assert str(caught.value) == (
        f'Chat: {name} is read from JSON, but encoding is {encoding!r}: set encoding = "json"'
    )


def test_m19_objects_that_nothing_tells_apart_are_a_warning() -> None:
    """It names them, says what it costs, and what to add."""
    with pytest.warns(ConfigurationWarning) as caught:
        Inbound(Say | Plain, CODECS["json"], "Chat")
    assert str(caught[0].message) == (
        "Chat: nothing tells Say, Plain apart, so that each message is tried against all of "
        'them: give each a field like `type: Literal["..."] = "..."`, with another value in each'
    )


class Lenient(BaseModel):
    """Its tag may be in any case."""

    type: Literal["lenient"]

    @field_validator("type", mode="before")
    @classmethod
    def lower(cls, value: Any) -> Any:
        """Return it in lower case."""
        return str(value).lower()


def test_m19_tag_that_a_validator_may_change_is_a_warning() -> None:
    """It names the message whose validator it is, and what to do."""
    with pytest.warns(ConfigurationWarning) as caught:
        inbound = Inbound(Say | Lenient, CODECS["json"], "Chat")
    assert str(caught[0].message) == (
        "Chat: a validator of Lenient may change the tag before it is read, so that each message "
        'is tried against Say, Lenient, whatever its tag: make it one of mode "after", or write '
        "the union with `Field(discriminator=...)`, which reads the tag first"
    )
    assert inbound.decode_text('{"type": "LENIENT"}') == Lenient(type="lenient")


def test_m19_tag_that_one_validator_may_change_beside_others_is_a_warning() -> None:
    """The others are told apart, and that one is tried for each message."""
    with pytest.warns(ConfigurationWarning) as caught:
        Inbound(Lenient | Say | Leave, CODECS["json"], "Chat")
    assert str(caught[0].message) == (
        "Chat: a validator of Lenient may change the tag before it is read, so that each message "
        'is tried against Lenient, whatever its tag: make it one of mode "after", or write the '
        "union with `Field(discriminator=...)`, which reads the tag first"
    )


class Anything(BaseModel):
    """Takes any object."""


@pytest.mark.parametrize("annotation", [Anything | Say, Plain | Anything, Say | Leave | Anything])
def test_type_that_takes_anything_is_no_warning(annotation: Any) -> None:
    """It is the last one that is tried."""
    assert Inbound(annotation, CODECS["json"], "Chat").decode_text('{"type":"?"}') == Anything()


@pytest.mark.parametrize(
    ("annotation", "names", "what"),
    [
        (list | tuple[Any, ...], "list and tuple[typing.Any, ...]", "any JSON array"),
        (dict[str, Any] | Say | Anything, "dict[str, typing.Any] and Anything", "any JSON object"),
        (object | list[Any] | JsonValue, "object and JsonValue", "any JSON value"),
    ],
)
def test_two_types_that_take_anything_are_an_error(annotation: Any, names: str, what: str) -> None:
    """Nothing would be the second one's."""
    with pytest.raises(ConfigurationError) as caught:
        Inbound(annotation, CODECS["json"], "Chat")
    assert str(caught.value) == (
        f"Chat: {names} both take {what}, so that one of them would get nothing: remove one"
    )


class And(BaseModel):
    """A part of an expression."""

    type: Literal["and"] = "and"
    operands: list["And | Not"]


class Not(BaseModel):
    """Another."""

    type: Literal["not"] = "not"
    operand: "And | Not"


ALTERNATIVES = (
    "Chat: And | Not is a part of itself, and nothing tells its members apart, so that each level "
    "of a message is tried against all of them, and a small message may take long: give each a "
    'field like `type: Literal["..."] = "..."`, and the union `Field(discriminator="type")`'
)


def test_l16_union_without_a_tag_that_is_a_part_of_itself_is_a_warning() -> None:
    """It names the members, says what it costs, and what to add."""
    with pytest.warns(ConfigurationWarning) as caught:
        Inbound(And | Not, CODECS["json"], "Chat")
    assert [str(warning.message) for warning in caught] == [ALTERNATIVES]


@pytest.mark.filterwarnings("ignore::wsendpoints.ConfigurationWarning")
@pytest.mark.parametrize("annotation", [Tree, Tree | None, Tree | Say])
def test_recursive_alias_is_validated(annotation: Any) -> None:
    """The string in it is known to pydantic alone; a tag would make it faster."""
    inbound = Inbound(annotation, CODECS["json"], "Chat")
    assert inbound.decode_text("[1,[2]]") == [1, [2]]
    with pytest.raises(ValidationError):
        inbound.decode_text('[1,["x"]]')
