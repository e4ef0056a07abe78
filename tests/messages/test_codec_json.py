"""The JSON of frames: what is decoded, what is refused, and how values are written."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, Field

from wsendpoints.messages.codec import decode_json, encode_json
from wsendpoints.protocol.exceptions import InvalidDataError

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
def test_frame_that_is_not_json_is_invalid_data(frame: str | bytes) -> None:
    """Whatever the parser rejects closes with 1007, and the error does not quote the input."""
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
    """JSON in either type of frame becomes a plain value; of duplicate keys the last one wins."""
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
def test_value_is_written_as_json(value: Any, text: str) -> None:
    """Models are written by alias, and a number that JSON cannot express as null."""
    assert encode_json(value) == text.encode()


def test_m07_any_number_that_a_client_can_send_can_be_echoed() -> None:
    """A number too great for a float comes back as null, not as an error."""
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
def test_m22_value_that_json_cannot_express_is_a_value_error(make: Callable[[], Any]) -> None:
    """The caller's mistake is raised before anything is sent."""
    with pytest.raises(ValueError, match=r"\S"):
        encode_json(make())
