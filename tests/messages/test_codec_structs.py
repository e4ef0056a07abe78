"""What an encoding does with Structs unless it says otherwise."""

import msgspec
import pytest

from wsendpoints.messages.codecs import CODECS
from wsendpoints.protocol.exceptions import InvalidDataError


class Said(msgspec.Struct):
    """A Struct."""

    text: str = "x"


def test_frame_is_no_struct_by_default() -> None:
    """It is sent as JSON."""
    codec = CODECS["text"]
    assert codec.struct_decoders(Said) is None
    assert codec.struct_encoder()(Said())["text"] == '{"text":"x"}'


def test_value_is_that_of_json_by_default() -> None:
    """What has none is refused; without a format for values there is none to show."""
    codec = CODECS["text"]
    assert codec.read_value("[1]") == [1]
    with pytest.raises(InvalidDataError):
        codec.read_value("[")
    assert codec.value_of("[1]") is None
