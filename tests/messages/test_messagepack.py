"""MessagePack: what is read and written, and what a hostile frame costs."""

import sys
import tracemalloc
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tests.packing import extension, pack, unpack
from wsendpoints.messages.codec import decode_json
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.messagepack import MAX_DEPTH, MessagePackCodec
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    InvalidDataError,
    InvalidMessageError,
    UnsupportedDataError,
)

CODEC = MessagePackCodec()
MOMENT = datetime(2020, 2, 29, 12, 30, 15, 250_000, tzinfo=UTC)


class Color(Enum):
    """An enum that is no text."""

    RED = "red"


class Say(BaseModel):
    """A message with values that JSON has not."""

    text: str = Field(default="hello", alias="Text")
    data: bytes = b"\xff"
    at: datetime = MOMENT


@dataclass
class Point:
    """A dataclass."""

    x: int = 1


def decode(frame: str | bytes, annotation: Any = Any) -> Any:
    """Read a frame, with validation unless the annotation is `Any`."""
    validator = None
    if annotation is not Any:
        validator = Validator(TypeAdapter(annotation), is_json=False)
    text, binary = CODEC.decoders(validator, [annotation])
    return text(frame) if isinstance(frame, str) else binary(frame)


def written(value: Any) -> Any:
    """Return what a client reads of a value that is sent."""
    event = CODEC.encoder_of(None)(value)
    assert event["type"] == "websocket.send"
    return unpack(event["bytes"])


def test_it_has_a_row() -> None:
    """It is an encoding with values, none of which is a frame itself."""
    codec = CODECS["msgpack"]
    assert isinstance(codec, MessagePackCodec)
    assert (codec.name, codec.has_values, codec.is_json, [*codec.frames]) == (
        "msgpack",
        True,
        False,
        [],
    )


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=100, deadline=None, database=None)
@given(VALUES)
def test_value_comes_back(value: Any) -> None:
    """What it has, it has in both directions: bytes and moments too."""
    assert decode(CODEC.encoder_of(None)(value)["bytes"]) == value


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param(Say(), {"Text": "hello", "data": b"\xff", "at": MOMENT}, id="model"),
        pytest.param([Say()], [{"Text": "hello", "data": b"\xff", "at": MOMENT}], id="in a list"),
        pytest.param(Point(), {"x": 1}, id="dataclass"),
        pytest.param({1}, [1], id="set"),
        pytest.param(frozenset({b"x"}), [b"x"], id="frozenset"),
        pytest.param(deque([1]), [1], id="deque"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param(bytearray(b"x"), b"x", id="bytearray"),
        pytest.param(memoryview(b"x"), b"x", id="memoryview"),
        pytest.param(MOMENT, MOMENT, id="moment"),
        pytest.param(MOMENT.replace(tzinfo=None), "2020-02-29T12:30:15.250000", id="no time zone"),
        pytest.param(date(2020, 1, 1), "2020-01-01", id="date"),
        pytest.param(timedelta(days=1), "P1D", id="timedelta"),
        pytest.param(UUID(int=1), str(UUID(int=1)), id="UUID"),
        pytest.param(Decimal("1.50"), "1.50", id="Decimal"),
        pytest.param(Color.RED, "red", id="enum"),
    ],
)
def test_what_it_has_not_is_written_as_in_json(value: Any, read: Any) -> None:
    """Bytes and moments stay what they are; anything else becomes what JSON has for it."""
    assert written(value) == read


def test_type_is_written_by_its_own_serializer() -> None:
    """By alias, with bytes and moments as they are."""
    event = CODEC.encoder_of(TypeAdapter(Say))(Say())
    assert unpack(event["bytes"]) == {
        "Text": "hello",
        "data": b"\xff",
        "at": MOMENT,
    }


@pytest.mark.parametrize("value", ["\ud800", 2**64, object()], ids=["surrogate", "int", "object"])
def test_what_can_not_be_written_is_a_value_error(value: Any) -> None:
    """The caller is told, and nothing is sent."""
    with pytest.raises(ValueError, match=r"surrogates|out of range|unknown type"):
        written(value)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="recursion limit"):
        written(loop)


NOT_MESSAGEPACK = {
    "nothing": b"",
    "reserved byte": b"\xc1",
    "cut": pack([1, 2])[:-1],
    "trailing bytes": pack(1) + b"\xc0",
    "no UTF-8": b"\xa1\xff",
    "surrogate": b"\xa3\xed\xa0\x80",
    "int as a key": pack({1: 2}),
    "bytes as a key": pack({b"x": 1}),
    "bytes as an inner key": pack([{"x": {b"x": 1}}]),
    "array as a key": b"\x81\x90\xc0",
    "map as a key": b"\x81\x80\xc0",
    "extension": pack(extension(5, b"x")),
    "short timestamp": b"\xc7\x03\xff123",
    "timestamp too large": b"\xc7\x0c\xff" + b"\x00" * 4 + b"\x7f" + b"\xff" * 7,
    "long str": b"\xdb\xff\xff\xff\xff",
    "long bin": b"\xc6\xff\xff\xff\xff",
    "long array": b"\xdd\xff\xff\xff\xff",
    "long map": b"\xdf\xff\xff\xff\xff",
    "too deep for the package": b"\x91" * 5000 + b"\xc0",
    "too deep": b"\x91" * (MAX_DEPTH + 2) + b"\xc0",
    "maps too deep": b"\x81\xa0" * (MAX_DEPTH + 2) + b"\xc0",
}


@pytest.mark.parametrize("name", NOT_MESSAGEPACK)
@pytest.mark.parametrize("annotation", [Any, Say, dict[int, int]], ids=["any", "model", "dict"])
def test_m01_what_is_not_messagepack_has_one_outcome(name: str, annotation: Any) -> None:
    """1007, whatever is declared; the text does not say what came."""
    frame = NOT_MESSAGEPACK[name]
    with pytest.raises(InvalidDataError) as caught:
        decode(frame, annotation)
    assert (str(caught.value), caught.value.close_code) == ("not valid MessagePack", 1007)
    assert (caught.value.frame, caught.value.value) == (frame, None)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("annotation", [Any, Say])
def test_text_frame_is_refused(annotation: Any) -> None:
    """MessagePack comes in binary frames, and in no other."""
    with pytest.raises(UnsupportedDataError) as caught:
        decode("\x80", annotation)
    assert str(caught.value) == "this endpoint takes binary frames, not text"
    assert caught.value.close_code == 1003


def test_depth_is_that_of_json() -> None:
    """As deep as pydantic's JSON, and no deeper; what is read can be written."""
    for depth in range(MAX_DEPTH - 1, MAX_DEPTH + 4):
        frame, json = b"\x91" * (depth - 1) + b"\x90", "[" * depth + "]" * depth
        try:
            value = decode_json(json)
        except InvalidDataError:
            with pytest.raises(InvalidDataError):
                decode(frame)
        else:
            assert decode(frame) == value
            assert written(value) == value


@pytest.mark.parametrize("size", [150, 1000, 100_000, 1_000_000])
def test_headers_that_announce_more_than_follows_cost_nothing(size: int) -> None:
    """A thousand arrays, one in the other, each as long as the frame: no list of that is made."""
    headers = (b"\xdd" + (size - 1).to_bytes(4, "big")) * 1000
    frame = headers.ljust(size, b"\xc0")[:size]
    tracemalloc.start()
    try:
        with pytest.raises(InvalidDataError):
            decode(frame)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * size + 64 * 1024


def test_large_arrays_are_read() -> None:
    """What announces what follows is no bomb."""
    value = [[0] * 70_000, [{"x": "\x7f" * 300}] * 20]
    assert decode(pack(value)) == value


def test_bytes_that_look_like_headers_are_bytes() -> None:
    """A blob has any bytes; only what is nested counts."""
    value = {"x": bytes(range(256)) * 40, "y": "ć" * 300}
    assert decode(pack(value)) == value
    assert decode(pack(bytes(range(256)) * 4)) == bytes(range(256)) * 4


@pytest.mark.parametrize("size", [1, 20_000], ids=["small", "large"])
def test_value_is_validated(size: int) -> None:
    """Natively, and as of JSON."""
    text = "x" * size
    assert decode(pack({"Text": text, "data": b"x"}), Say) == Say(Text=text, data=b"x")
    at = CODEC.encoder_of(None)({"at": MOMENT})["bytes"]
    assert decode(at, Say).at == MOMENT
    frame = pack({"Text": text, "at": "2020-02-29T12:30:15.25Z", "data": "x"})
    assert decode(frame, Say) == Say(Text=text, data=b"x")


def refuse(frame: bytes, annotation: Any) -> ClientMessageError:
    """Return what the client is told of a frame that the annotation refuses."""
    validator = Validator(TypeAdapter(annotation), is_json=False)
    _, binary = CODEC.decoders(validator, [annotation])
    with pytest.raises(ValidationError) as caught:
        binary(frame)
    return CODEC.client_error(caught.value, validator.places, frame)


def test_invalid_message_is_answered_in_messagepack() -> None:
    """The answer is that of JSON, in a binary frame; the server has the value."""
    error = refuse(pack({"Text": 5}), Say)
    assert isinstance(error, InvalidMessageError)
    event = CODEC.error_event(ErrorWriter("kind", None).invalid(error, None))
    assert event is not None
    assert unpack(event["bytes"]) == {
        "kind": "error",
        "code": "invalid_message",
        "errors": [
            {"loc": ["Text"], "type": "string_type", "msg": "Input should be a valid string"}
        ],
    }
    assert error.value == {"Text": 5}


def test_client_is_not_told_what_it_sent() -> None:
    """Not by a text of the application's either."""

    class Secret(BaseModel):
        word: str

        def model_post_init(self, context: Any, /) -> None:
            raise ValueError(f"no such word: {self.word}")

    error = refuse(pack({"word": "swordfish"}), Secret)
    assert "swordfish" not in str(error)


def test_package_that_is_missing_is_an_error_of_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(ConfigurationError) as caught:
        CODEC.require("Chat: encoding")
    assert str(caught.value) == (
        'Chat: encoding is "msgpack", which needs the package msgpack, and that is not installed: '
        "install wsendpoints[msgpack]"
    )


class Moment(msgspec.Struct):
    """A Struct."""

    at: datetime = MOMENT
    data: bytes = b"\xff"


def test_structs_are_read_and_written_by_msgspec() -> None:
    """Within other values too, with bytes and moments as they are."""
    decoders = CODEC.struct_decoders(Moment)
    assert decoders is not None
    event = CODEC.struct_encoder()(Moment())
    assert decoders[1](event["bytes"]) == Moment()
    with pytest.raises(UnsupportedDataError):
        decoders[0]("x")
    assert written([Moment()]) == [{"at": MOMENT, "data": b"\xff"}]
