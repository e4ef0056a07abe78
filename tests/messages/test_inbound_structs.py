"""Structs that a class takes: msgspec reads them, from the frames of the encoding."""

from typing import Any

import msgspec
import pytest

from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.inbound import Inbound
from wsendpoints.protocol.exceptions import (
    ConfigurationError,
    InvalidDataError,
    InvalidMessageError,
    UnsupportedDataError,
)


class Say(msgspec.Struct, tag="say", tag_field="kind"):
    """A message."""

    text: str


def test_msgspec_reads_what_is_declared() -> None:
    """Its decoder itself is called for a frame, with nothing in between."""
    inbound = Inbound(Say | None, CODECS["json"], "Chat")
    assert (inbound.tag, inbound.messages) == ("kind", [Say, type(None)])
    for decode in (inbound.decode_text, inbound.decode_binary):
        assert decode.__name__ == "decode"
        assert isinstance(getattr(decode, "__self__", None), msgspec.json.Decoder)
        assert decode('{"kind":"say","text":"x"}') == Say("x")


def test_binary_frames_stand_beside_structs() -> None:
    """As beside models."""
    inbound = Inbound(Say | bytes, CODECS["json"], "Chat")
    assert inbound.decode_binary(b"x") == b"x"
    assert inbound.decode_text('{"kind":"say","text":"x"}') == Say("x")


def test_messagepack_takes_binary_frames() -> None:
    """And no others."""
    inbound = Inbound(Say, CODECS["msgpack"], "Chat")
    assert inbound.decode_binary(msgspec.msgpack.encode(Say("x"))) == Say("x")
    with pytest.raises(UnsupportedDataError):
        inbound.decode_text("x")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        pytest.param('{"kind":"say","text":5}', InvalidMessageError, id="another message"),
        pytest.param('{"kind":"say","text":5', InvalidDataError, id="no JSON"),
        pytest.param("\ud800", InvalidDataError, id="no UTF-8"),
    ],
)
def test_refusal_is_told(frame: str, kind: type[Exception]) -> None:
    """What is no JSON at all is that, whatever msgspec found first."""
    inbound = Inbound(Say, CODECS["json"], "Chat")
    with pytest.raises(inbound.refused) as caught:
        inbound.decode_text(frame)
    error = inbound.client_error(caught.value, frame)
    assert type(error) is kind
    assert error.frame == frame


def test_refusal_of_a_model_is_pydantics() -> None:
    """As before."""
    inbound = Inbound(int, CODECS["json"], "Chat")
    with pytest.raises(inbound.refused) as caught:
        inbound.decode_text('"x"')
    error = inbound.client_error(caught.value, '"x"')
    assert isinstance(error, InvalidMessageError)
    assert [it["type"] for it in error.errors] == ["int_parsing"]


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
def test_struct_needs_an_encoding_with_values(encoding: Any) -> None:
    """A frame that is the message itself is no Struct."""
    with pytest.raises(ConfigurationError) as caught:
        Inbound(Say, CODECS[encoding], "Chat")
    assert str(caught.value) == (
        f'Chat: Say is read from JSON, but encoding is {encoding!r}: set encoding = "json"'
    )
