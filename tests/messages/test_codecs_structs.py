"""Structs, as each encoding of the table reads and writes them."""

import msgspec
import pytest

from wsendpoints.messages.codecs import CODECS


class Said(msgspec.Struct):
    """A Struct."""

    text: str = "x"


def test_json_is_read_from_either_frame() -> None:
    """By msgspec's decoder."""
    decoders = CODECS["json"].struct_decoders(Said)
    assert decoders is not None
    assert [decode('{"text":"y"}') for decode in decoders] == [Said("y"), Said("y")]
    assert CODECS["json"].struct_encoder()(Said())["text"] == '{"text":"x"}'


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
def test_frames_are_no_structs(encoding: str | None) -> None:
    """They are not read; what is sent is JSON, as a model is."""
    codec = CODECS[encoding]
    assert codec.struct_decoders(Said) is None
    event = codec.struct_encoder()(Said())
    assert event.get("text", event.get("bytes")) in ('{"text":"x"}', b'{"text":"x"}')
    assert codec.value_of("x") is None
