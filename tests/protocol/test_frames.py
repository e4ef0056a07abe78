"""The payload of a frame: what is accepted from the server, and what may be sent to it."""

from typing import Any

import pytest

from wsendpoints.protocol.exceptions import ServerProtocolError
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
def test_m02_m04_payload_is_the_value_that_is_not_none(
    event: dict[str, Any], frame: str | bytes
) -> None:
    """`None` is not a payload, an empty value is."""
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
def test_m03_event_without_exactly_one_payload_is_the_servers_mistake(
    event: dict[str, Any], text: str, data: str
) -> None:
    """The error names the types that came, and shows none of the data."""
    with pytest.raises(ServerProtocolError) as caught:
        frame_of({"type": "websocket.receive", **event})
    assert str(caught.value) == (
        f"the server sent a 'websocket.receive' event with 'text' of {text} and 'bytes' of {data}; "
        "expected one of them, a str or bytes"
    )


@pytest.mark.parametrize("text", ["", "abc", "äöü", "😀", "\x00", "\ufeff", "\uffff"])
def test_text_that_utf8_can_encode_passes(text: str) -> None:
    """A text frame can carry any text without lone surrogates."""
    assert check_text(text) is text


@pytest.mark.parametrize(
    ("text", "position"), [("\ud800", 0), ("ab\udfff", 2), ("😀\ud83d", 1), ("\udc00\ud800", 0)]
)
def test_m22_lone_surrogate_is_refused(text: str, position: int) -> None:
    """The server never gets a text that it could not send."""
    with pytest.raises(ValueError, match="surrogate") as caught:
        check_text(text)
    assert str(caught.value) == (
        f"a text frame can't carry the lone surrogate at position {position}"
    )


@pytest.mark.parametrize("value", [b"x", 1, None, ["x"]], ids=repr)
def test_m22_text_of_another_type_is_refused(value: object) -> None:
    """A text frame carries nothing but a str."""
    with pytest.raises(TypeError) as caught:
        check_text(value)
    assert str(caught.value) == f"a text frame carries a str, not {type(value).__name__}"


@pytest.mark.parametrize(
    "value",
    [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a.b.c.")[::2]],
    ids=["bytes", "bytearray", "memoryview", "memoryview with steps"],
)
def test_m22_bytes_like_becomes_bytes(value: object) -> None:
    """The server gets bytes, which the application cannot change later."""
    data = check_binary(value)
    assert (data, type(data)) == (b"abc", bytes)


@pytest.mark.parametrize("value", ["x", 1, None, [1]], ids=repr)
def test_m22_binary_of_another_type_is_refused(value: object) -> None:
    """Only a bytes-like object is accepted, not all that `bytes()` takes, such as a number."""
    with pytest.raises(TypeError) as caught:
        check_binary(value)
    assert str(caught.value) == f"a binary frame carries bytes, not {type(value).__name__}"
