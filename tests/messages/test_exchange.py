"""A call is answered once, alone or with its batch."""

from typing import Any

import pytest

from wsendpoints.dialects import Close
from wsendpoints.messages.exchange import Called, Exchange, Gathering, Written
from wsendpoints.messages.procedure import Arguments


def test_call_is_answered_once() -> None:
    """The first answer counts, and nothing comes after it."""
    called = Called(1)
    assert (called.id, called.is_answered, called.data) == (1, False, None)
    assert called.answer("first") == "first"
    assert called.answer("second") is None
    assert called.is_answered


def test_notification_is_never_answered() -> None:
    """It counts as answered from the beginning."""
    assert Called(None, is_answered=True).answer("anything") is None


def test_data_is_that_of_the_arguments() -> None:
    """What a key is read from are the params."""
    called = Called(1)
    called.arguments = Arguments((1,), {}, {"x": 1})
    assert called.data == {"x": 1}
    exchange = Exchange([], "frame")
    assert exchange.data is None
    exchange.called = called
    assert exchange.data == {"x": 1}


@pytest.mark.parametrize(
    ("answers", "frame"),
    [
        pytest.param(["a", "b", "c"], ["a", "b", "c"], id="all"),
        pytest.param([None, "b", None], ["b"], id="some"),
        pytest.param([None, None, None], None, id="none"),
    ],
)
def test_batch_is_answered_in_its_order(answers: list[Any], frame: Any) -> None:
    """Once the last answer is there, whichever that is, all of them are one frame."""
    gathering = Gathering(3, list)
    called = [Called(place, gathering=gathering, place=place) for place in range(3)]
    assert called[2].answer(answers[2]) is None
    assert called[0].answer(answers[0]) is None
    assert called[1].answer(answers[1]) == frame


def test_close_does_not_wait_for_the_batch() -> None:
    """A close ends the connection at once."""
    called = Called(1, gathering=Gathering(2, list))
    assert called.answer(Close(4000)) == Close(4000)


def test_frame_that_is_written() -> None:
    """It has the event that sends it."""
    assert Written({"type": "websocket.send", "text": "x"}).event["text"] == "x"
