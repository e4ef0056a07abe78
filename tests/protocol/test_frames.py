"""From frame to plain value and back: what is refused, and what becomes of the rest."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, Field

from wsendpoints.messages.codecs import decode_json, encode_json
from wsendpoints.protocol.exceptions import InvalidDataError, ServerProtocolError
from wsendpoints.protocol.frames import check_binary, check_text, frame_of


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        pytest.param({"text": "x"}, "x", id="text"),
        pytest.param({"bytes": b"x"}, b"x", id="bytes"),
        pytest.param({"text": None, "bytes": b"x"}, b"x", id="bytes, and text that is None"),
        pytest.param({"text": "x", "bytes": None}, "x", id="text, and bytes that are None"),
        pytest.param({"text": ""}, "", id="empty text"),
        pytest.param({"bytes": b""}, b"", id="empty bytes"),
        pytest.param({"text": None, "bytes": b""}, b"", id="empty bytes, and None"),
    ],
)
def test_m02_m04_frame_is_the_key_that_has_one(event: dict[str, Any], frame: str | bytes) -> None:
    """A key that is `None` is no frame; one that is empty is."""
    assert frame_of({"type": "websocket.receive", **event}) == frame


@pytest.mark.parametrize(
    ("event", "text", "data"),
    [
        pytest.param({}, "NoneType", "NoneType", id="neither"),
        pytest.param({"text": None, "bytes": None}, "NoneType", "NoneType", id="both None"),
        pytest.param({"text": "x", "bytes": b"x"}, "str", "bytes", id="both"),
        pytest.param({"text": "", "bytes": b""}, "str", "bytes", id="both empty"),
        pytest.param({"text": b"x"}, "bytes", "NoneType", id="text of bytes"),
        pytest.param({"bytes": "x"}, "NoneType", "str", id="bytes of text"),
        pytest.param({"text": 1}, "int", "NoneType", id="a number"),
        pytest.param({"bytes": bytearray(b"x")}, "NoneType", "bytearray", id="a bytearray"),
    ],
)
def test_m03_event_without_one_frame_is_the_servers_mistake(
    event: dict[str, Any], text: str, data: str
) -> None:
    """The error names the types of what came, and none of the data."""
    with pytest.raises(ServerProtocolError) as caught:
        frame_of({"type": "websocket.receive", **event})
    assert str(caught.value) == (
        f"the server sent a 'websocket.receive' event with 'text' of {text} and 'bytes' of {data}; "
        "expected one of them, a str or bytes"
    )


@pytest.mark.parametrize("text", ["", "abc", "äöü", "😀", "\x00", "\ufeff", "\uffff"])
def test_text_that_utf8_can_carry_passes(text: str) -> None:
    """Any text without lone surrogates is a text frame."""
    assert check_text(text) is text


@pytest.mark.parametrize(
    ("text", "position"), [("\ud800", 0), ("ab\udfff", 2), ("😀\ud83d", 1), ("\udc00\ud800", 0)]
)
def test_m22_lone_surrogate_is_refused(text: str, position: int) -> None:
    """The server never sees a text that it could not send."""
    with pytest.raises(ValueError, match="surrogate") as caught:
        check_text(text)
    assert str(caught.value) == (
        f"a text frame can't carry the lone surrogate at position {position}"
    )


@pytest.mark.parametrize("value", [b"x", 1, None, ["x"]], ids=repr)
def test_m22_text_of_another_type_is_refused(value: object) -> None:
    """Only a str is a text frame."""
    with pytest.raises(TypeError) as caught:
        check_text(value)
    assert str(caught.value) == f"a text frame carries a str, not {type(value).__name__}"


@pytest.mark.parametrize(
    "value",
    [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a.b.c.")[::2]],
    ids=["bytes", "bytearray", "memoryview", "memoryview with steps"],
)
def test_m22_bytes_like_becomes_bytes(value: object) -> None:
    """The server gets bytes, and nothing that could change under its hands."""
    data = check_binary(value)
    assert (data, type(data)) == (b"abc", bytes)


@pytest.mark.parametrize("value", ["x", 1, None, [1]], ids=repr)
def test_m22_binary_of_another_type_is_refused(value: object) -> None:
    """Only what is bytes-like is a binary frame: not a number, of which `bytes` makes zeros."""
    with pytest.raises(TypeError) as caught:
        check_binary(value)
    assert str(caught.value) == f"a binary frame carries bytes, not {type(value).__name__}"


NOT_JSON = [
    pytest.param("", id="m04 empty text"),
    pytest.param(b"", id="m04 empty bytes"),
    pytest.param(b'"\xff"', id="m05 not UTF-8"),
    pytest.param(b'"\xc0\xaf"', id="m05 overlong"),
    pytest.param(b'"\xed\xa0\x80"', id="m05 surrogate in UTF-8"),
    pytest.param(b'"\xed\xa0\xbd\xed\xb8\x80"', id="m05 CESU-8"),
    pytest.param("[1]".encode("utf-16"), id="m05 UTF-16"),
    pytest.param("[1]".encode("utf-16-le"), id="m05 UTF-16 without BOM"),
    pytest.param("[1]".encode("utf-32"), id="m05 UTF-32"),
    pytest.param(b"\xef\xbb\xbf[1]", id="m05 BOM in bytes"),
    pytest.param("\ufeff[1]", id="m06 BOM in text"),
    pytest.param('{"a":', id="m06 truncated"),
    pytest.param("[1] 2", id="m06 trailing data"),
    pytest.param("[1,]", id="m06 trailing comma"),
    pytest.param("[1] // one", id="m06 comment"),
    pytest.param("['a']", id="m06 single quotes"),
    pytest.param("{a: 1}", id="m06 key without quotes"),
    pytest.param("\x00", id="m06 NUL"),
    pytest.param('"\x00"', id="m06 NUL in a string"),
    pytest.param('"a\nb"', id="m06 newline in a string"),
    pytest.param("01", id="m06 leading zero"),
    pytest.param("hello", id="m06 a word"),
    pytest.param("NaN", id="m07 NaN"),
    pytest.param("[Infinity]", id="m07 Infinity"),
    pytest.param('{"a": -Infinity}', id="m07 negative Infinity"),
    pytest.param("[" * 10_000, id="m08 10 000 brackets"),
    pytest.param("[" * 100_000, id="m08 100 000 brackets"),
    pytest.param("[" * 10_000 + "]" * 10_000, id="m08 10 000 nested arrays"),
    pytest.param('{"a":' * 100_000, id="m08 100 000 nested objects"),
    pytest.param("1" * 4_301, id="m09 4 301 digits"),
    pytest.param("-" + "1" * 4_301, id="m09 4 301 negative digits"),
    pytest.param("1" * 1_000_000, id="m09 1 000 000 digits"),
    pytest.param('"\\ud800"', id="m12 escaped lone surrogate"),
    pytest.param('"\\udc00\\ud800"', id="m12 escaped surrogates in the wrong order"),
    pytest.param('"\ud800"', id="m12 raw lone surrogate"),
]


@pytest.mark.parametrize("frame", NOT_JSON)
def test_what_is_not_json_is_invalid_data(frame: str | bytes) -> None:
    """Whatever the parser stumbles over closes with 1007, and says nothing of the input."""
    with pytest.raises(InvalidDataError) as caught:
        decode_json(frame)
    assert (str(caught.value), caught.value.close_code) == ("not valid JSON", 1007)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        pytest.param("null", None, id="null"),
        pytest.param(b"[true, 1, 1.5]", [True, 1, 1.5], id="bytes"),
        pytest.param(' {"a": "\\u00e4"} ', {"a": "ä"}, id="spaces"),
        pytest.param('"\\ud83d\\ude00"', "😀", id="escaped surrogate pair"),
        pytest.param('{"a": 1, "a": 2}', {"a": 2}, id="m10 duplicate keys"),
        pytest.param("[" * 200 + "]" * 200, None, id="nested as deep as allowed"),
        pytest.param("1" * 4_300, int("1" * 4_300), id="as many digits as allowed"),
        pytest.param("1e400", math.inf, id="m07 1e400"),
    ],
)
def test_json_is_decoded(frame: str | bytes, value: Any) -> None:
    """JSON of either kind of frame becomes a plain value; of duplicate keys the last one wins."""
    decoded = decode_json(frame)
    assert value is None or decoded == value


class Inner(BaseModel):
    """A model with an alias."""

    some_name: int = Field(default=1, alias="someName")
    ratio: float = math.nan


@dataclasses.dataclass
class Outer:
    """A dataclass that holds a model."""

    inner: Inner
    values: list[Any]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param("ä", '"ä"', id="text"),
        pytest.param({"a": [1, True]}, '{"a":[1,true]}', id="plain"),
        pytest.param(Inner(), '{"someName":1,"ratio":null}', id="model by alias"),
        pytest.param(
            Outer(Inner(), [Inner(), math.inf]),
            '{"inner":{"someName":1,"ratio":null},"values":[{"someName":1,"ratio":null},null]}',
            id="models in a dataclass",
        ),
        pytest.param([math.nan, math.inf, -math.inf], "[null,null,null]", id="m07 not-a-numbers"),
    ],
)
def test_a_value_is_written_as_json(value: Any, text: str) -> None:
    """Models are written by alias, and what JSON has no number for is null."""
    assert encode_json(value) == text.encode()


def test_m07_what_a_client_can_send_can_be_echoed() -> None:
    """A number beyond all floats comes back as null, and not as an error."""
    assert encode_json(decode_json("[1e400, -1e400]")) == b"[null,null]"


def _a_cycle() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(object, id="an object"),
        pytest.param(lambda: "\ud800", id="a lone surrogate"),
        pytest.param(lambda: {"a": ["\udfff"]}, id="a lone surrogate within"),
        pytest.param(lambda: b"\xff", id="bytes that are not UTF-8"),
        pytest.param(_a_cycle, id="a cycle"),
        pytest.param(
            lambda: Inner.model_construct(ratio="\ud800"), id="a lone surrogate in a model"
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
def test_m22_what_is_no_json_is_a_value_error(make: Callable[[], Any]) -> None:
    """What can't be written is the caller's mistake, before anything is sent."""
    with pytest.raises(ValueError, match=r"\S"):
        encode_json(make())
