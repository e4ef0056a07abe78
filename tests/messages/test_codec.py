"""What all codecs share: the events of frames, which kinds they refuse, and what is the default."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from wsendpoints.messages.codec import (
    Decode,
    Encode,
    MessageCodec,
    ToJSON,
    binary_event,
    binary_event_of,
    encode_json,
    refuse_binary,
    refuse_text,
    text_event,
    text_event_of,
)
from wsendpoints.messages.places import Places
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    UnsupportedDataError,
)


class Values(MessageCodec):
    """An encoding that leaves as much as it can to the base class.

    Args:
        frames: The frames that a message of it may be.
    """

    name = "json"
    has_values = True

    def __init__(self, **frames: Encode) -> None:
        types: dict[str, type] = {"text": str, "binary": bytes}
        self.frames: Mapping[type, Encode] = {types[kind]: frames[kind] for kind in frames}

    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        """Not called."""
        raise NotImplementedError

    def encoder(self, to_json: ToJSON) -> Encode:
        """Not called."""
        raise NotImplementedError

    def client_error(
        self, exc: ValidationError, places: Places, frame: str | bytes
    ) -> ClientMessageError:
        """Not called."""
        raise NotImplementedError


# Events.


@pytest.mark.parametrize("text", ["", "x", "ä"])
def test_text_event_holds_the_text(text: str) -> None:
    """Any text that UTF-8 can encode is sent as it is."""
    assert text_event(text) == {"type": "websocket.send", "text": text}


@pytest.mark.parametrize(("text", "position"), [("ä\ud800", 1), ("\udfffx", 0)])
def test_text_that_utf_8_cannot_encode_is_refused(text: str, position: int) -> None:
    """The error says where the lone surrogate is, before the server has the text."""
    with pytest.raises(ValueError, match=f"lone surrogate at position {position}"):
        text_event(text)


@pytest.mark.parametrize("data", [b"\xff", bytearray(b"\xff"), memoryview(b"\xff")])
def test_binary_event_holds_bytes(data: bytes | bytearray | memoryview) -> None:
    """Whatever type holds the data, the server gets bytes."""
    event = binary_event(data)
    assert event == {"type": "websocket.send", "bytes": b"\xff"}
    assert type(event["bytes"]) is bytes


def test_value_is_sent_as_json_in_either_kind_of_frame() -> None:
    """JSON is UTF-8 in a binary frame, and the same text in a text frame."""
    text, binary = text_event_of(encode_json), binary_event_of(encode_json)
    assert text({"a": "ä"}) == {"type": "websocket.send", "text": '{"a":"ä"}'}
    assert binary({"a": "ä"}) == {"type": "websocket.send", "bytes": '{"a":"ä"}'.encode()}


@pytest.mark.parametrize(
    ("refuse", "frame", "error"),
    [
        pytest.param(refuse_text, "x", "this endpoint takes binary frames, not text", id="text"),
        pytest.param(
            refuse_binary, b"x", "this endpoint takes text frames, not binary", id="binary"
        ),
    ],
)
def test_m01_frame_of_the_other_kind_is_refused(
    refuse: Callable[[Any], Any], frame: str | bytes, error: str
) -> None:
    """The error says which kind is taken, and closes with 1003."""
    with pytest.raises(UnsupportedDataError) as caught:
        refuse(frame)
    assert (str(caught.value), caught.value.close_code) == (error, 1003)


# What a codec has of the base class.


def test_encoding_has_no_format_for_errors_by_default() -> None:
    """Without one, an invalid message is not answered."""
    assert Values().error_event({"type": "error"}) is None


@pytest.mark.parametrize("frame", ["[1]", b"[1]"])
def test_frame_has_no_value_by_default(frame: str | bytes) -> None:
    """Without one, no correlation id is read from it."""
    assert Values().value_of(frame) is None


def test_message_that_is_a_frame_is_sent_by_the_function_of_its_kind() -> None:
    """A codec can send each kind of frame in a way of its own."""
    codec = Values(text=lambda text: {"a": text}, binary=lambda data: {"b": data})
    assert codec.encode_frame("x", str, "Chat") == {"a": "x"}
    assert codec.encode_frame(bytearray(b"x"), bytes, "Chat") == {"b": bytearray(b"x")}


@pytest.mark.parametrize(
    ("codec", "kind", "error"),
    [
        pytest.param(
            Values(binary=binary_event),
            str,
            'Chat sends a str, but its encoding is "json": send bytes',
            id="text, of one that has binary frames",
        ),
        pytest.param(
            Values(text=text_event),
            bytes,
            'Chat sends bytes, but its encoding is "json": send a str',
            id="bytes, of one that has text frames",
        ),
        pytest.param(
            Values(),
            str,
            'Chat sends a str, but its encoding is "json": send a value',
            id="text, of one that has values alone",
        ),
    ],
)
def test_message_that_is_another_frame_is_refused(
    codec: MessageCodec, kind: type, error: str
) -> None:
    """The error names the class, and says what it can send."""
    with pytest.raises(ConfigurationError) as caught:
        codec.encode_frame(kind(), kind, "Chat")
    assert str(caught.value) == error
