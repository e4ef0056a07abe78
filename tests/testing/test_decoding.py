"""Tests of frames that are, or are not, what a test awaits."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from wsendpoints.testing import UnexpectedEventError
from wsendpoints.testing.decoding import (
    Mode,
    decode_binary,
    decode_json,
    decode_text,
    describe_json,
    describe_type,
    validate,
)
from wsendpoints.testing.events import Frame

Decode = Callable[[Frame], Any]


class Point(BaseModel):
    """A message."""

    x: int


def as_json(mode: Mode | None) -> Decode:
    """Return what decodes JSON, in a kind of frame."""
    return lambda frame: decode_json(frame, mode)


def as_type(expected: Any) -> Decode:
    """Return what decodes JSON of a type."""
    return lambda frame: validate(frame, expected)


@pytest.mark.parametrize(
    ("decode", "frame", "value"),
    [
        pytest.param(decode_text, "x", "x", id="text"),
        pytest.param(decode_binary, b"x", b"x", id="binary"),
        pytest.param(as_json(None), "[1]", [1], id="JSON text"),
        pytest.param(as_json(None), b"[1]", [1], id="JSON binary"),
        pytest.param(as_json("text"), "1", 1, id="JSON, as text"),
        pytest.param(as_json("binary"), b"1", 1, id="JSON, as binary"),
        pytest.param(as_type(Point), '{"x": 1}', Point(x=1), id="model"),
        pytest.param(as_type(list[int]), b"[1]", [1], id="list"),
    ],
)
def test_what_is_awaited(decode: Decode, frame: Frame, value: object) -> None:
    """A frame that fits is returned, or what it carries."""
    assert decode(frame) == value


@pytest.mark.parametrize(
    ("decode", "frame", "error"),
    [
        pytest.param(
            decode_text, b"x", "awaited a text frame, but a binary frame came: b'x'", id="binary"
        ),
        pytest.param(
            decode_binary, "x", "awaited a binary frame, but a text frame came: 'x'", id="text"
        ),
        pytest.param(
            as_json(None),
            "{",
            "awaited JSON, but a text frame came: '{'",
            id="no JSON",
        ),
        pytest.param(
            as_json("binary"),
            "1",
            "awaited JSON in a binary frame, but a text frame came: '1'",
            id="JSON text for binary",
        ),
        pytest.param(
            as_json("text"),
            b"1",
            "awaited JSON in a text frame, but a binary frame came: b'1'",
            id="JSON binary for text",
        ),
        pytest.param(
            as_type(Point),
            '{"x": "y"}',
            'awaited Point, but a text frame came: \'{"x": "y"}\' (x: Input should be a valid '
            "integer, unable to parse string as an integer)",
            id="no such model",
        ),
        pytest.param(
            as_type(list[int]),
            "1",
            "awaited list[int], but a text frame came: '1' (message: Input should be a valid "
            "array)",
            id="no list",
        ),
    ],
)
def test_something_else(decode: Decode, frame: Frame, error: str) -> None:
    """A frame that does not fit is an error that tells both."""
    with pytest.raises(UnexpectedEventError) as caught:
        decode(frame)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("words", "described"),
    [
        (describe_json(None), "JSON"),
        (describe_json("text"), "JSON in a text frame"),
        (describe_type(Point), "Point"),
        (describe_type(list[int]), "list[int]"),
        (describe_type(int | None), "int | None"),
    ],
)
def test_words(words: str, described: str) -> None:
    """What is awaited has a name."""
    assert words == described
