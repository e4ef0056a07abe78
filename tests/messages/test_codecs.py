"""The table of encodings: which frames each takes and sends, and how it tells of an error."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from wsendpoints.messages.codec import Encoding, encode_json
from wsendpoints.messages.codecs import CODECS, codec_of
from wsendpoints.messages.custom import Codec
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    InvalidDataError,
    InvalidMessageError,
    UnsupportedDataError,
)

NO_TEXT = "this endpoint takes binary frames, not text"
NO_BINARY = "this endpoint takes text frames, not binary"
LONE_SURROGATE = "ä\ud800"
Word = Annotated[str, Field(max_length=3)]


def text_event(text: str) -> Event:
    """Return the event that sends a text frame."""
    return {"type": "websocket.send", "text": text}


def binary_event(data: bytes) -> Event:
    """Return the event that sends a binary frame."""
    return {"type": "websocket.send", "bytes": data}


def decode(encoding: Encoding, frame: str | bytes, annotation: Any = Any, *members: Any) -> Any:
    """Read a message from a frame, with validation unless the annotation is `Any`."""
    validator = None if annotation is Any else Validator(TypeAdapter(annotation))
    text, binary = CODECS[encoding].decoders(validator, members or (annotation,))
    return text(frame) if isinstance(frame, str) else binary(frame)


def refuse(encoding: Encoding, frame: str | bytes, annotation: Any) -> ClientMessageError:
    """Return what the client is told of a frame that the annotation refuses."""
    codec, validator = CODECS[encoding], Validator(TypeAdapter(annotation))
    text, binary = codec.decoders(validator, [annotation])
    with pytest.raises(ValidationError) as caught:
        (text if isinstance(frame, str) else binary)(frame)
    return codec.client_error(caught.value, validator.places, frame)


@pytest.mark.parametrize(
    ("encoding", "frames", "has_values"),
    [
        pytest.param("text", [str], False, id="text"),
        pytest.param("bytes", [bytes], False, id="bytes"),
        pytest.param("json", [bytes], True, id="json"),
        pytest.param(None, [str, bytes], False, id="none"),
    ],
)
def test_each_encoding_has_a_row(encoding: Encoding, frames: list[type], has_values: bool) -> None:
    """A row has its own name, and says whether a message is the frame itself."""
    codec = CODECS[encoding]
    assert codec.name == encoding
    assert codec.has_values is has_values
    assert [*codec.frames] == frames


def test_encodings_are_those_of_the_table() -> None:
    """The table has each encoding, and no other."""
    assert [*CODECS] == ["text", "bytes", "json", "msgpack", None]


# From frames.


@pytest.mark.parametrize(
    ("encoding", "frame", "message"),
    [
        pytest.param("text", "ä", "ä", id="text of text"),
        pytest.param("text", b"x", NO_BINARY, id="bytes of text"),
        pytest.param("bytes", "x", NO_TEXT, id="text of bytes"),
        pytest.param("bytes", b"\xff", b"\xff", id="bytes of bytes"),
        pytest.param("json", "[1]", [1], id="text of json"),
        pytest.param("json", b"[1]", [1], id="bytes of json"),
        pytest.param(None, "ä", "ä", id="text of none"),
        pytest.param(None, b"\xff", b"\xff", id="bytes of none"),
    ],
)
def test_m01_frames_that_an_encoding_takes(
    encoding: Encoding, frame: str | bytes, message: Any
) -> None:
    """A frame of the other kind is refused with 1003, validated or not."""
    annotations: list[Any] = [Any, str | bytes, str, bytes, int]
    if message in (NO_TEXT, NO_BINARY):
        for annotation in annotations:
            with pytest.raises(UnsupportedDataError) as caught:
                decode(encoding, frame, annotation)
            assert (str(caught.value), caught.value.close_code) == (message, 1003)
        return
    assert decode(encoding, frame) == message
    assert type(decode(encoding, frame)) is type(message)


def outcome(validate: Callable[[Any], Any], frame: str | bytes) -> Any:
    """Return what becomes of a frame: the message, or the types of the errors."""
    try:
        return validate(frame)
    except ValidationError as exc:
        return [error["type"] for error in exc.errors()]


@pytest.mark.parametrize(
    ("annotation", "members"),
    [
        pytest.param(str, [str], id="str"),
        pytest.param(str | bytes, [str, bytes], id="str or bytes"),
        pytest.param(bytes, [bytes], id="bytes"),
        pytest.param(str | int, [str, int], id="str or int"),
        pytest.param(Word, [Word], id="constrained str"),
        pytest.param(Word | bytes, [Word, bytes], id="constrained str or bytes"),
        pytest.param(Literal["x", "ä"], [Literal["x", "ä"]], id="Literal"),
    ],
)
def test_frame_becomes_what_pydantic_makes_of_it(annotation: Any, members: list[Any]) -> None:
    """The shortcuts for str and bytes have the outcome of a validation, also for odd frames."""
    validate = TypeAdapter(annotation).validate_python
    frames: list[str | bytes] = ["", "x", "ä", LONE_SURROGATE, b"", b"x", b"\xff"]
    for frame in frames:
        taken = outcome(lambda frame: decode(None, frame, annotation, *members), frame)
        assert taken == outcome(validate, frame)
        assert type(taken) is type(outcome(validate, frame))


@pytest.mark.parametrize("encoding", ["text", None])
def test_any_ascii_text_is_a_str(encoding: Encoding) -> None:
    """A text frame goes through as the same object where a str is taken."""
    frame = "some text".upper()
    assert decode(encoding, frame, str) is frame


@pytest.mark.parametrize("encoding", ["bytes", None])
def test_any_bytes_are_bytes(encoding: Encoding) -> None:
    """A binary frame goes through as the same object where bytes are taken."""
    frame = bytes(bytearray(b"\xff"))
    assert decode(encoding, frame, bytes) is frame


@pytest.mark.parametrize(
    ("annotation", "frame", "message"),
    [
        pytest.param(bytes, "ä", "ä".encode(), id="text for bytes"),
        pytest.param(str, b"x", "x", id="bytes for a str"),
        pytest.param(int, "5", 5, id="text for an int"),
        pytest.param(int, b"5", 5, id="bytes for an int"),
    ],
)
def test_frame_of_another_type_is_converted(
    annotation: Any, frame: str | bytes, message: Any
) -> None:
    """Where both kinds of frames are taken, pydantic makes of one what is declared."""
    assert decode(None, frame, annotation) == message


@pytest.mark.parametrize("frame", ["[1]", b"[1]"])
def test_json_is_validated_as_json(frame: str | bytes) -> None:
    """A value of JSON is converted as pydantic converts it."""
    assert decode("json", frame, tuple[float, ...]) == (1.0,)
    with pytest.raises(ValidationError):
        decode("json", frame, str)


# Into frames.


@pytest.mark.parametrize(
    ("encoding", "event"),
    [
        pytest.param("text", text_event('{"a":"ä"}'), id="text"),
        pytest.param("bytes", binary_event('{"a":"ä"}'.encode()), id="bytes"),
        pytest.param("json", text_event('{"a":"ä"}'), id="json"),
        pytest.param(None, text_event('{"a":"ä"}'), id="none"),
    ],
)
def test_value_goes_out_as_json(encoding: Encoding, event: Event) -> None:
    """JSON goes out in the kind of frame that the encoding has, in text if it has both."""
    assert CODECS[encoding].encoder(encode_json)({"a": "ä"}) == event


@pytest.mark.parametrize("encoding", ["text", None])
def test_str_goes_out_as_a_text_frame(encoding: Encoding) -> None:
    """Texts are sent as they are by an encoding that has text frames."""
    codec = CODECS[encoding]
    for text in ("", "x", "ä"):
        assert codec.encode_frame(text, str, "Chat") == text_event(text)


@pytest.mark.parametrize("encoding", ["bytes", "json", None])
@pytest.mark.parametrize("data", [b"\xff", bytearray(b"\xff"), memoryview(b"\xff")])
def test_bytes_go_out_as_a_binary_frame(encoding: Encoding, data: Any) -> None:
    """Bytes, whatever type holds them, are sent by an encoding that has binary frames."""
    assert CODECS[encoding].encode_frame(data, bytes, "Chat") == binary_event(b"\xff")


@pytest.mark.parametrize(
    ("encoding", "message", "error"),
    [
        pytest.param(
            "text", b"x", 'Chat sends bytes, but its encoding is "text": send a str', id="text"
        ),
        pytest.param(
            "bytes", "x", 'Chat sends a str, but its encoding is "bytes": send bytes', id="bytes"
        ),
        pytest.param(
            "json", "x", 'Chat sends a str, but its encoding is "json": send bytes', id="json"
        ),
    ],
)
def test_frame_that_an_encoding_has_not_is_refused(
    encoding: Encoding, message: str | bytes, error: str
) -> None:
    """The error names the class, and says what it can send."""
    with pytest.raises(ConfigurationError) as caught:
        CODECS[encoding].encode_frame(message, str if isinstance(message, str) else bytes, "Chat")
    assert str(caught.value) == error


# Errors.


@pytest.mark.parametrize(("encoding", "frame"), [("text", "["), ("bytes", b"["), (None, "[")])
def test_frame_that_is_refused_is_no_json(encoding: Encoding, frame: str | bytes) -> None:
    """Where a message is the frame, it is an invalid message, whatever it holds."""
    error = refuse(encoding, frame, int)
    assert isinstance(error, InvalidMessageError)
    assert [detail["type"] for detail in error.errors] == ["int_parsing"]


def test_json_that_is_refused_is_no_message_or_no_json() -> None:
    """Of a frame that is JSON, the client is told what is wrong with its value."""
    error = refuse("json", '["x"]', list[int])
    assert isinstance(error, InvalidMessageError)
    assert [(detail["loc"], detail["type"]) for detail in error.errors] == [([0], "int_parsing")]
    error = refuse("json", "[", list[int])
    assert isinstance(error, InvalidDataError)
    assert str(error) == "not valid JSON"


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
def test_only_json_has_a_format_for_errors(encoding: Encoding) -> None:
    """Without a format there is no answer, and so the connection is closed."""
    assert CODECS[encoding].error_event({"type": "error"}) is None


def test_json_answers_an_invalid_message() -> None:
    """The answer is a text frame, with the tag of the endpoint's own messages."""
    error = refuse("json", '"x"', int)
    message = ErrorWriter("kind", None).invalid(error, None)
    assert CODECS["json"].error_event(message) == text_event(
        '{"kind":"error","code":"invalid_message","errors":[{"loc":[],"type":"int_parsing",'
        '"msg":"Input should be a valid integer, unable to parse string as an integer"}]}'
    )


# What came.


@pytest.mark.parametrize(
    ("encoding", "frame", "annotation", "value"),
    [
        pytest.param("json", '{"a": [1]}', int, {"a": [1]}, id="JSON"),
        pytest.param("json", b'{"a": [1]}', int, {"a": [1]}, id="JSON in bytes"),
        pytest.param("json", "null", int, None, id="null"),
        pytest.param("json", "[NaN]", list[int], None, id="NaN"),
        pytest.param("json", "{", int, None, id="no JSON"),
        pytest.param("text", "12345", Word, None, id="text"),
        pytest.param(None, "12345", Word, None, id="frame"),
    ],
)
def test_refused_frame_and_its_value_are_there(
    encoding: Encoding, frame: str | bytes, annotation: Any, value: object
) -> None:
    """The server sees what came; only JSON has a value."""
    error = refuse(encoding, frame, annotation)
    assert (error.frame, error.value) == (frame, value)


@pytest.mark.parametrize(
    ("encoding", "frame"),
    [
        pytest.param("json", "{", id="no JSON"),
        pytest.param("json", b"\xff", id="no UTF-8"),
        pytest.param("text", b"x", id="bytes for text"),
        pytest.param("bytes", "x", id="text for bytes"),
    ],
)
def test_frame_that_is_not_decoded_is_there(encoding: Encoding, frame: str | bytes) -> None:
    """A frame without a value is seen too."""
    with pytest.raises(ClientMessageError) as caught:
        decode(encoding, frame)
    assert (caught.value.frame, caught.value.value) == (frame, None)


@pytest.mark.parametrize(
    ("encoding", "frame", "value"),
    [
        pytest.param("json", '{"a": [1]}', {"a": [1]}, id="JSON"),
        pytest.param("json", b'{"a": [1]}', {"a": [1]}, id="JSON in bytes"),
        pytest.param("json", "[Infinity]", [math.inf], id="Infinity, which pydantic takes"),
        pytest.param("json", "{", None, id="no JSON"),
        pytest.param("json", b"\xff", None, id="no UTF-8"),
        pytest.param("json", LONE_SURROGATE, None, id="no UTF-8 in a str"),
        pytest.param("text", "[1]", None, id="text"),
        pytest.param("bytes", b"[1]", None, id="bytes"),
        pytest.param(None, "[1]", None, id="frame"),
    ],
)
def test_value_of_a_frame(encoding: Encoding, frame: str | bytes, value: object) -> None:
    """That of any message which the encoding has, invalid ones too."""
    assert CODECS[encoding].value_of(frame) == value


# As a class declares them.


@pytest.mark.parametrize("encoding", CODECS, ids=repr)
def test_encoding_is_found_by_its_name(encoding: Encoding) -> None:
    """The same for each class."""
    assert codec_of(encoding, "Chat: encoding") is CODECS[encoding]


class Words(Codec[str]):
    """A format of one's own."""

    def decode(self, frame: str) -> Any:
        """Read it."""
        return frame.split()

    def encode(self, value: Any) -> str:
        """Write it."""
        return " ".join(value)


def test_codec_is_an_encoding() -> None:
    """An instance of it is; the class is not."""
    codec = codec_of(Words(), "Chat: encoding")
    assert codec.encoder_of(None)(["x", "y"]) == text_event("x y")
    with pytest.raises(ConfigurationError) as caught:
        codec_of(Words, "Chat: encoding")
    assert str(caught.value) == "Chat: encoding is the class Words: use an instance of it, Words()"


@pytest.mark.parametrize("encoding", ["JSON", [], int], ids=repr)
def test_other_encodings_are_an_error(encoding: Any) -> None:
    """The error has those that exist."""
    with pytest.raises(ConfigurationError) as caught:
        codec_of(encoding, "Chat: encoding")
    assert str(caught.value) == (
        f'Chat: encoding is {encoding!r}: use "text", "bytes", "json", "msgpack" or None, or an '
        "instance of a Codec"
    )
