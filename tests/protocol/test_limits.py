"""The table of limits: what each may be, what it counts, and what follows when it is exceeded."""

import dataclasses
import logging
import math
import pickle
from typing import Any

import pytest

from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.exceptions import ConfigurationError, MessageTooBigError
from wsendpoints.protocol.jittered import Jittered
from wsendpoints.protocol.limits import (
    EXPIRY,
    MEASURED,
    OUTCOMES,
    TIMED,
    Limits,
    Measure,
    Period,
    Rate,
    RateLimiter,
    check_limits,
    is_timed,
)

ROWS = [field.name for field in dataclasses.fields(Limits) if field.name != "close_codes"]
NAMES = [name for name in ROWS if name != "rate"]
COUNTS = [
    "max_message_size",
    "max_invalid",
    "concurrency",
    "inbox",
    "inbox_bytes",
    "outbox",
    "outbox_bytes",
    "groups",
    "max_connections",
]
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
        "concurrency": 16,
        "inbox": 32,
        "inbox_bytes": 1024 * 1024,
        "inbox_timeout": 30,
        "outbox": 256,
        "outbox_bytes": 1024 * 1024,
        "groups": 1000,
        "max_connections": None,
        "max_age": None,
        "close_codes": {},
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
    right = "a number above 0, a Jittered(...)" if name == "max_age" else "a number above 0"
    assert str(caught.value) == f"Limits({name}={value!r}): use {right}, or None for no limit"


@pytest.mark.parametrize("name", NAMES)
def test_only_the_age_is_drawn(name: str) -> None:
    """Other limits are the same for all connections."""
    value: Any = Jittered(3600, 600)
    if name == "max_age":
        limits = Limits(max_age=value)
        assert limits.max_age == value
        assert pickle.loads(pickle.dumps(limits)) == limits  # noqa: S301 - our own
        assert limits == Limits(max_age=Jittered(3600, 600)) != Limits(max_age=3600)
        assert hash(limits) == hash(Limits(max_age=Jittered(3600, 600)))
    else:
        with pytest.raises(ConfigurationError):
            Limits(**{name: value})


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


# The table.

INFO, WARNING = logging.INFO, logging.WARNING
SIZE = MEASURED["max_message_size"]
TABLE: dict[str, tuple[int, int, Period | Measure | None]] = {
    "max_message_size": (1009, INFO, SIZE),
    "max_invalid": (1008, WARNING, None),
    "rate": (1008, WARNING, None),
    "connect_timeout": (1008, WARNING, Period.CONNECTING),
    "first_message_timeout": (1008, INFO, Period.AWAITING_FIRST),
    "idle_timeout": (1001, INFO, Period.IDLE),
    "handler_timeout": (1011, WARNING, Period.HANDLING),
    "send_timeout": (1013, WARNING, Period.SENDING),
    "close_timeout": (1006, WARNING, None),
    "disconnect_timeout": (1006, WARNING, None),
    "grace": (1006, INFO, Period.GRACE),
    "concurrency": (1006, WARNING, None),
    "inbox": (1006, WARNING, None),
    "inbox_bytes": (1006, WARNING, None),
    "inbox_timeout": (1013, WARNING, Period.INBOX_FULL),
    "outbox": (1013, WARNING, None),
    "outbox_bytes": (1013, WARNING, None),
    "groups": (1006, WARNING, None),
    "max_connections": (1006, INFO, None),
    "max_age": (1012, logging.DEBUG, Period.AGE),
}


def test_each_limit_has_its_outcome() -> None:
    """The table has the close code, the log level and the period of each field of `Limits`."""
    assert [*OUTCOMES] == ROWS
    assert {name: (each.code, each.level, each.counts) for name, each in OUTCOMES.items()} == TABLE


def test_expiry_has_its_outcome() -> None:
    """A connection that expires is closed with 4401, and that is no warning."""
    assert (EXPIRY.code, EXPIRY.level, EXPIRY.counts) == (4401, INFO, None)


@pytest.mark.parametrize("period", Period, ids=lambda period: period.name)
def test_each_period_has_its_limits(period: Period) -> None:
    """The limits of a period are those of the table that count its seconds."""
    assert TIMED[period] == tuple(
        (name, OUTCOMES[name]) for name, (_, _, counts) in TABLE.items() if counts is period
    )


def test_limits_that_count_a_period_are_numbers_of_seconds() -> None:
    """A limit on time has a number of seconds, which may be a fraction."""
    timed = {name for rows in TIMED.values() for name, _ in rows}
    assert timed | {"close_timeout", "disconnect_timeout"} == {*TIMES}


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        pytest.param("", 0, id="empty text"),
        pytest.param(b"", 0, id="no bytes"),
        pytest.param("abc", 3, id="ASCII"),
        pytest.param("äöü", 6, id="two bytes a character"),
        pytest.param("😀", 4, id="four bytes a character"),
        pytest.param("\ud800", 1, id="lone surrogate"),
        pytest.param(b"\xff\x00", 2, id="bytes"),
    ],
)
def test_m13_size_of_a_message_is_counted_in_bytes(frame: str | bytes, size: int) -> None:
    """Text counts as UTF-8, whatever it holds."""
    assert SIZE.count(frame) == size


def test_measured_limits_say_what_is_exceeded() -> None:
    """The text for the client has the limit, and the error has the close code of the table."""
    assert {*MEASURED} == {"max_message_size"}
    assert SIZE.text.format(limit=10) == "a message may have 10 bytes"
    assert SIZE.error is MessageTooBigError
    assert SIZE.error("x").close_code == OUTCOMES["max_message_size"].code


NO_TIMES: dict[str, Any] = dict.fromkeys(TIMES)


@pytest.mark.parametrize("period", Period, ids=lambda period: period.name)
def test_period_is_timed_if_one_of_its_limits_is_set(period: Period) -> None:
    """A limit of `None` does not count, and a limit of another period does not either."""
    timed = is_timed(period)
    for name in TIMES:
        values: dict[str, Any] = {**NO_TIMES, name: 1.0}
        limits = Limits(**values)
        assert timed(limits) is (name in dict(TIMED[period])), name
    assert not timed(Limits(**NO_TIMES))


def test_any_of_several_periods_is_timed() -> None:
    """One limit that is set is enough."""
    timed = is_timed(Period.AWAITING_FIRST, Period.IDLE)
    assert timed(Limits(idle_timeout=1))
    assert timed(Limits(first_message_timeout=1))
    assert timed(Limits(first_message_timeout=1, idle_timeout=1))
    assert not timed(Limits())
    assert not timed(Limits(handler_timeout=1))


# The close codes.

CLOSING = [
    name
    for name, (code, _, _) in TABLE.items()
    if code != CloseCode.ABNORMAL_CLOSURE and name != "connect_timeout"
]


@pytest.mark.parametrize("name", TABLE)
def test_limit_has_the_code_of_the_table_by_default(name: str) -> None:
    """A code that is chosen for another limit changes nothing."""
    assert Limits().close_code(name) == TABLE[name][0]
    other = next(other for other in CLOSING if other != name)
    assert Limits(close_codes={other: 4000}).close_code(name) == TABLE[name][0]


@pytest.mark.parametrize("name", CLOSING)
@pytest.mark.parametrize("code", [1000, 1014, 3000, 4999, CloseCode.GOING_AWAY])
def test_each_limit_that_closes_may_have_another_code(name: str, code: int) -> None:
    """Any code that may be sent will do."""
    assert Limits(close_codes={name: code}).close_code(name) == code


@pytest.mark.parametrize("name", [*sorted({*TABLE} - {*CLOSING}), "expires_at", "Rate", "", 5, ()])
def test_nothing_else_has_a_code_to_choose(name: Any) -> None:
    """The error has the names that there are."""
    what = "closes no connection" if name in TABLE else "is no limit"
    with pytest.raises(ConfigurationError) as caught:
        Limits(close_codes={name: 4000})
    assert str(caught.value) == (
        f"Limits(close_codes={{{name!r}: 4000}}): {name!r} {what}: use max_message_size, "
        "max_invalid, rate, first_message_timeout, idle_timeout, handler_timeout, send_timeout, "
        "inbox_timeout, outbox, outbox_bytes, max_age"
    )


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2000, 5000, True, "4000", None])
def test_code_that_may_not_be_sent_is_refused(code: Any) -> None:
    """The error names the limit, the code, and what may be sent."""
    with pytest.raises(ConfigurationError) as caught:
        Limits(close_codes={"rate": code})
    assert str(caught.value) == (
        f"Limits(close_codes={{'rate': {code!r}}}): {code!r} is no close code that may be sent: "
        "use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, section 7.4)"
    )


@pytest.mark.parametrize("codes", [None, 4000, [("rate", 4000)], "rate"], ids=repr)
def test_codes_are_a_mapping(codes: Any) -> None:
    """The error shows one."""
    with pytest.raises(ConfigurationError) as caught:
        Limits(close_codes=codes)
    assert (
        str(caught.value) == f'Limits(close_codes={codes!r}): use a dict such as {{"rate": 4429}}'
    )


def test_codes_are_a_copy() -> None:
    """Who changes the dict later changes no limits; equal limits have equal codes."""
    codes = {"rate": 4429}
    limits = Limits(close_codes=codes)
    codes["rate"] = 1
    assert limits.close_code("rate") == 4429
    same, other = Limits(close_codes={"rate": 4429}), Limits(close_codes={"rate": 4000})
    assert limits == same
    assert limits != other
    assert hash(limits) == hash(same)
    for made in (dataclasses.replace(limits), pickle.loads(pickle.dumps(limits))):  # noqa: S301
        assert made == limits


# The rate.


def test_limits_take_a_rate() -> None:
    """A rate is a value of its own."""
    rate = Rate(5, per=2.0, burst=10)
    assert Limits(rate=rate).rate == rate


def test_rate_of_limits_is_a_rate() -> None:
    """A number alone is refused, since it does not say in which time."""
    with pytest.raises(ConfigurationError) as caught:
        Limits(rate=5)  # type: ignore[arg-type]  # that is the test
    assert str(caught.value) == "Limits(rate=5): use a Rate(...), or None for no limit"


@pytest.mark.parametrize("name", ["messages", "per", "burst"])
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_rate_of_anything_else_is_refused(name: str, value: Any) -> None:
    """The error names the value."""
    values: dict[str, Any] = {"messages": 1, name: value}
    with pytest.raises(ConfigurationError) as caught:
        Rate(**values)
    more = ", or None for as many as `messages`" if name == "burst" else ""
    assert str(caught.value) == f"Rate({name}={value!r}): use a number above 0{more}"


class StoppedClock:
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
    clock = StoppedClock()
    limiter = RateLimiter(rate, clock)
    assert allowed(limiter, 100) == at_once
    clock.now += rate.per / rate.messages
    assert allowed(limiter, 100) == 1


def test_f12_tokens_flow_in_over_time() -> None:
    """A part of a token is kept, and is no message yet."""
    clock = StoppedClock()
    limiter = RateLimiter(Rate(4, per=2.0), clock)
    assert allowed(limiter, 10) == 4
    clock.now += 0.25
    assert allowed(limiter, 10) == 0
    clock.now += 0.25
    assert allowed(limiter, 10) == 1


def test_f12_silence_saves_up_no_more_than_a_burst() -> None:
    """A client that was silent for a day may not send a day's messages."""
    clock = StoppedClock()
    limiter = RateLimiter(Rate(1, burst=3), clock)
    clock.now += 86_400
    assert allowed(limiter, 100) == 3


@pytest.mark.parametrize(
    ("rate", "moments", "allowed"),
    [
        pytest.param(Rate(2), [0, 0, 0], [True, True, False], id="burst is the rate"),
        pytest.param(Rate(2, burst=1), [0, 0, 0.4, 0.5], [True, False, False, True], id="flows in"),
        pytest.param(
            Rate(1, per=10, burst=2), [0, 0, 9.9, 10], [True] * 2 + [False, True], id="per"
        ),
        pytest.param(Rate(1, burst=2), [0, 100, 100, 100], [True] * 3 + [False], id="full"),
    ],
)
def test_f12_each_message_takes_a_token(
    rate: Rate, moments: list[float], allowed: list[bool]
) -> None:
    """A message that is refused takes none."""
    now = iter([0.0, *moments])
    limiter = RateLimiter(rate, lambda: next(now))
    assert [limiter.allows_one() for _ in moments] == allowed


def test_limiter_knows_its_rate() -> None:
    """The rate is there for the text that tells of it."""
    rate = Rate(3)
    assert RateLimiter(rate).rate is rate


def test_limits_of_a_class_are_limits() -> None:
    """Numbers alone would have no names."""
    check_limits(Limits(), "Chat")
    with pytest.raises(ConfigurationError) as caught:
        check_limits({"grace": 1}, "Chat")
    assert str(caught.value) == "Chat.limits is {'grace': 1}: use Limits(...)"
