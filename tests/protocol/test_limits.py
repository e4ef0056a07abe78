"""Limits are checked where they are written, and cannot be changed afterwards."""

import dataclasses
import math
from typing import Any

import pytest

from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.limits import Limits, Rate, RateLimiter

NAMES = [field.name for field in dataclasses.fields(Limits) if field.name != "rate"]
COUNTS = ["max_message_size", "max_invalid", "inbox", "inbox_bytes", "max_connections"]
TIMES = sorted({*NAMES} - {*COUNTS})
BAD: list[Any] = [0, 0.0, -1, -0.5, math.nan, True, False, "5", [], b"1"]


def test_defaults() -> None:
    """What a client can make grow is bounded; how often it speaks is its own matter."""
    assert dataclasses.asdict(Limits()) == {
        "max_message_size": 1024 * 1024,
        "max_invalid": 10,
        "rate": None,
        "connect_timeout": 10,
        "first_message_timeout": None,
        "idle_timeout": None,
        "handler_timeout": None,
        "send_timeout": 10,
        "close_timeout": 5,
        "disconnect_timeout": 5,
        "grace": 30,
        "inbox": 32,
        "inbox_bytes": 1024 * 1024,
        "inbox_timeout": 30,
        "max_connections": None,
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [1, 10**9, None])
def test_a_positive_number_or_none_is_taken(name: str, value: Any) -> None:
    """Any number above 0 is a limit, and `None` is none."""
    assert getattr(Limits(**{name: value}), name) == value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_anything_else_is_refused(name: str, value: Any) -> None:
    """The error names the limit and its value."""
    with pytest.raises(ConfigurationError) as caught:
        Limits(**{name: value})
    assert str(caught.value) == (
        f"Limits({name}={value!r}): use a number above 0, or None for no limit"
    )


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [0.25, math.inf])
def test_times_may_be_fractions_of_seconds(name: str, value: Any) -> None:
    """What is counted in seconds is any number above 0."""
    assert getattr(Limits(**{name: value}), name) == value


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [1.5, math.inf])
def test_counts_are_whole_numbers(name: str, value: Any) -> None:
    """What is counted in bytes or messages is no fraction."""
    with pytest.raises(ConfigurationError):
        Limits(**{name: value})


def test_limits_do_not_change() -> None:
    """Limits that are shared by all connections are frozen."""
    limits: Any = Limits()
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.inbox = 5


# The rate.


def test_limits_take_a_rate() -> None:
    """A rate is a value of its own."""
    rate = Rate(5, per=2.0, burst=10)
    assert Limits(rate=rate).rate == rate


@pytest.mark.parametrize("name", ["messages", "per", "burst"])
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_rate_of_anything_else_is_refused(name: str, value: Any) -> None:
    """The error names the value."""
    values: dict[str, Any] = {"messages": 1, name: value}
    with pytest.raises(ConfigurationError) as caught:
        Rate(**values)
    assert str(caught.value).startswith(f"Rate({name}={value!r}): use a number above 0")


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def allowed(limiter: RateLimiter, messages: int) -> int:
    """Return how many of so many messages may come."""
    return sum(limiter.allows_one() for _ in range(messages))


@pytest.mark.parametrize(
    ("rate", "at_once"),
    [
        pytest.param(Rate(1), 1, id="one a second"),
        pytest.param(Rate(5), 5, id="as many as a second has"),
        pytest.param(Rate(5, burst=2), 2, id="fewer"),
        pytest.param(Rate(1, burst=20), 20, id="more"),
    ],
)
def test_f12_burst_may_come_at_once(rate: Rate, at_once: int) -> None:
    """From then on, one message for each token that flows in."""
    clock = Clock()
    limiter = RateLimiter(rate, clock)
    assert allowed(limiter, 100) == at_once
    clock.now += rate.per / rate.messages
    assert allowed(limiter, 100) == 1


def test_f12_tokens_flow_in_over_time() -> None:
    """A part of a token is kept, and is no message yet."""
    clock = Clock()
    limiter = RateLimiter(Rate(4, per=2.0), clock)
    assert allowed(limiter, 10) == 4
    clock.now += 0.25
    assert allowed(limiter, 10) == 0
    clock.now += 0.25
    assert allowed(limiter, 10) == 1


def test_f12_silence_saves_up_no_more_than_a_burst() -> None:
    """A client that was silent for a day may not send a day's messages."""
    clock = Clock()
    limiter = RateLimiter(Rate(1, burst=3), clock)
    clock.now += 86_400
    assert allowed(limiter, 100) == 3
