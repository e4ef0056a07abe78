"""How much room there is in an inbox."""

import sys

import pytest

from tests.fake_server import DISCONNECT, binary, text
from wsendpoints import Limits
from wsendpoints.lifecycle.room import is_filled, size_of
from wsendpoints.protocol.asgi import Event

EMOJI = "\U0001f600" * 10


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (text("12345"), 5),
        (binary(b"12345"), 5),
        (text(""), 0),
        ({**text("12345"), "bytes": None}, 5),
        (text(EMOJI), sys.getsizeof(EMOJI)),
        (DISCONNECT, 0),
    ],
    ids=repr,
)
def test_size_is_that_in_memory(event: Event, size: int) -> None:
    """A character of a text that is not ASCII may take four bytes."""
    assert size_of(event) == size


@pytest.mark.parametrize(
    ("limits", "number", "size", "part", "filled"),
    [
        pytest.param(Limits(inbox=4), 4, 0, 1, True, id="number"),
        pytest.param(Limits(inbox=4), 3, 0, 1, False, id="less"),
        pytest.param(Limits(inbox=4), 2, 0, 0.5, True, id="half"),
        pytest.param(Limits(inbox_bytes=100), 1, 100, 1, True, id="size"),
        pytest.param(Limits(inbox_bytes=100), 1, 99, 1, False, id="smaller"),
        pytest.param(Limits(inbox_bytes=100), 0, 0, 0, False, id="empty"),
        pytest.param(Limits(inbox=None, inbox_bytes=None), 10**6, 10**9, 1, False, id="no limit"),
        pytest.param(Limits(inbox=None, inbox_bytes=300), 32, 0, 1, False, id="few"),
        pytest.param(Limits(inbox=None, inbox_bytes=300), 33, 0, 1, True, id="what each takes"),
    ],
)
def test_inbox_is_filled(limits: Limits, number: int, size: int, part: float, filled: bool) -> None:
    """By number or by size, whichever limit is reached first."""
    assert is_filled(limits, number, size, part) is filled
