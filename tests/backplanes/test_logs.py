"""What a group carried is numbered, and kept for as long as its history says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsendpoints import ConfigurationError, PositionLost
from wsendpoints.backplanes.logs import Logs, number_of
from wsendpoints.groups import History

FIVE = History(messages=5, seconds=10)


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def logs_from(clock: Clock) -> Logs:
    """Return logs whose first number of a group is 1,000,001, and later more."""
    return Logs(clock, lambda: 1 + clock.now)


@given(said=st.integers(0, 12), after=st.integers(-3, 15))
def test_read_returns_all_after_a_number_or_raises(said: int, after: int) -> None:
    """Never a part of it."""
    logs = logs_from(Clock())
    head = logs.head("a", FIVE)
    assert head == 1_000_000
    numbers = [logs.append("a", b"%d" % number, FIVE) for number in range(said)]
    assert numbers == [*range(head + 1, head + said + 1)]
    assert logs.head("a", FIVE) == head + said
    every = [(number, b"%d" % (number - head - 1)) for number in numbers]
    assert logs.read("a", None) == every[-5:]
    if max(0, said - 5) <= after <= said:
        assert logs.read("a", head + after) == every[after:]
    else:
        with pytest.raises(PositionLost, match="a: what came after"):
            logs.read("a", head + after)


def test_group_of_which_nothing_is_known() -> None:
    """It has no number that anything could come after."""
    logs = logs_from(Clock())
    assert logs.read("a", None) == []
    for number in (0, 1_000_000):
        with pytest.raises(PositionLost):
            logs.read("a", number)
    assert len(logs) == 0
    assert "a" not in logs


def test_log_is_forgotten_after_the_last_message() -> None:
    """Then it begins again, with higher numbers."""
    clock = Clock()
    logs = logs_from(clock)
    head = logs.head("a", FIVE)
    clock.now = 9
    last = logs.append("a", b"x", FIVE)
    clock.now = 18.9
    assert logs.read("a", head) == [(last, b"x")]
    assert "a" in logs
    clock.now = 19
    assert "a" not in logs
    assert logs.read("a", None) == []
    with pytest.raises(PositionLost):
        logs.read("a", last)
    assert logs.append("a", b"y", FIVE) == 20_000_001 > last


def test_what_is_forgotten_takes_no_memory() -> None:
    """However many groups there were."""
    clock = Clock()
    logs = logs_from(clock)
    for number in range(10_000):
        clock.now += 0.5
        logs.append(f"room:{number}", b"x", FIVE)
    assert len(logs) <= 64


@pytest.mark.parametrize("position", ["", "-1", "x", "1.0", " 1", "1\n", "٣", "9" * 21, "9" * 5000])
def test_position_that_was_never_given(position: str) -> None:
    """A client can send anything."""
    with pytest.raises(PositionLost):
        number_of(position)


def test_position_is_a_number() -> None:
    """As text, since JavaScript has none above 2 ** 53."""
    assert number_of("1764252000000001") == 1_764_252_000_000_001


@pytest.mark.parametrize(
    "wrong",
    [{"messages": 0}, {"messages": 1.5}, {"seconds": 0}, {"seconds": "x"}, {"messages": True}],
)
def test_mistake_in_a_history(wrong: dict[str, Any]) -> None:
    """It is told of at once."""
    with pytest.raises(ConfigurationError, match="use a number above 0"):
        History(**wrong)


def test_log_without_a_history_has_numbers_alone() -> None:
    """What was said is kept once there is one; and for a shorter one, less of it."""
    logs = logs_from(Clock())
    first = logs.append("a", b"1", None)
    assert logs.read("a", None) == []
    assert logs.read("a", first) == []
    numbers = [logs.append("a", b"%d" % number, FIVE) for number in range(4)]
    assert numbers == [*range(first + 1, first + 5)]
    assert logs.read("a", first) == [(number, b"%d" % (number - first - 1)) for number in numbers]
    last = logs.append("a", b"x", History(messages=2, seconds=10))
    assert logs.read("a", None) == [(numbers[-1], b"3"), (last, b"x")]
