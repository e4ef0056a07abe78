"""What formats that are not JSON have in common."""

from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter, ValidationError

from wsendpoints.messages.codec import Encode
from wsendpoints.messages.codecs import encode_json
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.validators import Validator
from wsendpoints.messages.values import Read, ValuesCodec
from wsendpoints.protocol.exceptions import (
    InvalidDataError,
    InvalidMessageError,
    UnsupportedDataError,
)


class Literals(ValuesCodec):
    """Texts that are numbers.

    Args:
        kind: The kind of frame that has them.
    """

    format = "a number"

    def __init__(self, kind: type[str | bytes]) -> None:
        self.kind = kind

    @property
    def read(self) -> Read:
        """What returns the number."""
        return int

    def encoder_of(self, adapter: TypeAdapter[Any] | None) -> Encode:
        """Return what sends the repr."""
        return lambda message: {"type": "websocket.send", "text": repr(message)}


@pytest.mark.parametrize("is_validated", [True, False])
@pytest.mark.parametrize(
    ("kind", "frame", "other"),
    [pytest.param(str, "5", b"5", id="text"), pytest.param(bytes, b"5", "5", id="binary")],
)
def test_frames_of_one_kind_have_a_value(
    kind: type[str | bytes], frame: Any, other: Any, is_validated: bool
) -> None:
    """The other kind is refused."""
    validator = Validator(TypeAdapter(float), is_json=False) if is_validated else None
    text, binary = Literals(kind).decoders(validator, [float])
    decode, refuse = (text, binary) if kind is str else (binary, text)
    value = decode(frame)
    assert (value, type(value)) == (5, float if is_validated else int)
    with pytest.raises(UnsupportedDataError):
        refuse(other)


@pytest.mark.parametrize("is_validated", [True, False])
def test_frame_without_a_value_is_refused(is_validated: bool) -> None:
    """With the name of the format; the frame is there, and no value."""
    validator = Validator(TypeAdapter(float), is_json=False) if is_validated else None
    decode, _ = Literals(str).decoders(validator, [float])
    with pytest.raises(InvalidDataError) as caught:
        decode("secret")
    assert str(caught.value) == "not valid a number"
    assert (caught.value.frame, caught.value.value) == ("secret", None)


def test_value_that_is_not_declared_is_told_of() -> None:
    """The error has the value, and is answered in the format."""
    codec, validator = Literals(str), Validator(TypeAdapter(str), is_json=False)
    decode, _ = codec.decoders(validator, [str])
    with pytest.raises(ValidationError) as caught:
        decode("5")
    error = codec.client_error(caught.value, validator.places, "5")
    assert isinstance(error, InvalidMessageError)
    assert error.value == 5
    event = codec.error_event(ErrorWriter("type", None).invalid(error, None))
    assert event is not None
    assert event["text"].startswith("{'type': 'error', 'code': 'invalid_message', 'errors': [{")


def test_value_of_a_frame_is_there_if_it_has_one() -> None:
    """Frames of the other kind have none."""
    codec = Literals(str)
    assert (codec.value_of("5"), codec.value_of("x"), codec.value_of(b"5")) == (5, None, None)


def test_what_is_written_as_json_is_not_used() -> None:
    """Any message is written in the format."""
    event = Literals(str).encoder(encode_json)(5)
    assert event == {"type": "websocket.send", "text": "5"}


class Number(msgspec.Struct):
    """A Struct."""

    x: int


@pytest.mark.parametrize("kind", [str, bytes])
def test_struct_is_made_of_the_value(kind: type[str | bytes]) -> None:
    """Frames of the other kind are refused, and so is what has no value."""
    codec = Literals(kind)
    decoders = codec.struct_decoders(list[Number] | int)
    assert decoders is not None
    decode, refuse = decoders if kind is str else reversed(decoders)
    frame, other = ("5", b"5") if kind is str else (b"5", "5")
    assert (decode(frame), codec.read_value(frame)) == (5, 5)
    with pytest.raises(UnsupportedDataError):
        refuse(other)
    with pytest.raises(InvalidDataError):
        decode(frame[:0])
