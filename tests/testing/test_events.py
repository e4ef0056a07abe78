"""Tests of what errors call the app's events."""

import pytest

from wsendpoints.testing.events import Frame, describe_close, describe_frame, shorten


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        pytest.param("x", "a text frame came: 'x'", id="text"),
        pytest.param(b"x", "a binary frame came: b'x'", id="binary"),
        pytest.param("x" * 300, f"a text frame came: '{'x' * 199}...", id="long"),
    ],
)
def test_a_frame(frame: Frame, words: str) -> None:
    """It is told by its kind and what it carries."""
    assert describe_frame(frame) == words


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1000, "", "1000 (normal closure)"),
        (1008, "no", "1008 (policy violation) and the reason 'no'"),
        (4000, "", "4000"),
    ],
)
def test_a_close(code: int, reason: str, words: str) -> None:
    """It is told by its code, the code's name, and its reason."""
    assert describe_close(code, reason) == words


@pytest.mark.parametrize("length", [198, 199])
def test_shorten(length: int) -> None:
    """Up to 200 characters with the quotes, nothing is cut."""
    whole = repr("x" * length)
    assert shorten("x" * length) == (whole if length == 198 else f"{whole[:200]}...")
