"""Names, messages, and what is none."""

import logging

import pytest

from wsendpoints.backplanes.logs import History
from wsendpoints.backplanes.redis_wire import MAX_SIZE, Garbage, Keys, kept, read_message
from wsendpoints.protocol.exceptions import ConfigurationError


def test_no_two_things_are_called_alike() -> None:
    """Whatever groups and nodes are called."""
    keys = Keys("wse")
    groups = ["nodes", "node:1", "a", "a:n", "a:h", "a:u", "a:uc", "a:c:1"]
    names = [keys.nodes]
    for group in groups:
        names += [keys.channel(group), *keys.presence(group, "1")]
    for node in ("1", "2"):
        names += [keys.node(node), keys.places(node)]
    assert len({*names}) == len(names)
    assert keys.presence("a", "1") == (
        *(b"wse:{a}:c:1", b"wse:{a}:u", b"wse:{a}:uc", b"wse:{a}:ul"),
        *(keys.counter("a"), keys.stream("a")),
    )


@pytest.mark.parametrize("prefix", ["", "{a}", "a b", "ä", "a" * 101, "a\n"])
def test_prefix_is_a_plain_word(prefix: str) -> None:
    """Braces would put all groups into one slot of a cluster."""
    with pytest.raises(ConfigurationError, match=r"prefix=.*: use 1 to 100 letters"):
        Keys(prefix)


def test_kept_in_milliseconds() -> None:
    """What is kept for no time at all is kept for a millisecond."""
    assert kept(None) == (0, 0)
    assert kept(History(messages=5, seconds=2.5)) == (5, 2500)
    assert kept(History(messages=5, seconds=1e-6)) == (5, 1)


def test_message_is_a_number_and_whatever_follows() -> None:
    """A bar, newlines and zeros may be in it."""
    assert read_message(b"12|a|b\n\0") == (12, b"a|b\n\0")
    assert read_message(b"12|") == (12, b"")
    assert read_message(b"9007199254740991|" + b"." * MAX_SIZE) is not None


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"12", b"|a", b"x|a", b" 1|a", b"12345678901234567|a", "1|a", None, 1),
        b"1|" + b"." * (MAX_SIZE + 16),
    ],
    ids=lambda data: repr(data)[:20],
)
def test_anything_else_is_none(data: object) -> None:
    """Whoever published it."""
    assert read_message(data) is None


def test_garbage_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """All of it is counted."""
    times = [1000.0, 1001.0, 1059.9, 1060.0, 1061.0]
    garbage = Garbage(iter(times).__next__)
    for _ in times:
        garbage.drop(b"wse:{a\xff}")
    assert garbage.dropped == 5
    assert [(it.levelno, it.getMessage()) for it in caplog.records] == [
        (
            logging.WARNING,
            (
                r"RedisBackplane: what is published on 'wse:{a\\xff}' is no message: "
                f"dropped, {count} in all"
            ),
        )
        for count in (1, 4)
    ]
