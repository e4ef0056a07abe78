"""Names, messages, and what is none."""

import logging
from typing import Final

import pytest

from wsendpoints.backplanes.logs import History
from wsendpoints.backplanes.redis_wire import (
    MAX_SIZE,
    SHARDS,
    Garbage,
    Keys,
    kept,
    read_message,
    slot_of,
)
from wsendpoints.protocol.exceptions import ConfigurationError

GROUPS: Final = [
    *("nodes", "node:1", "a", "a:n", "a:h", "a:u", "a:uc", "a:c:1", "ä", "\U0001f600"),
    *("", "}", "{", "{}", "}{", "{a}", "a}", "{a", "{1}", "{1}nodes", "a}:n", "}:n"),
]


@pytest.mark.parametrize("is_sharded", [False, True], ids=["single", "cluster"])
def test_no_two_things_are_called_alike(is_sharded: bool) -> None:
    """Whatever groups and nodes are called."""
    keys = Keys("wse", is_sharded=is_sharded)
    names: list[bytes] = []
    for group in GROUPS:
        names += [keys.channel(group), *keys.presence(group, "1")]
    for tag in keys.tags:
        names.append(keys.nodes(tag))
        for node in ("1", "2"):
            names += [keys.node(node, tag), keys.places(node, tag)]
    assert len({*names}) == len(names)


def test_keys_of_a_server() -> None:
    """What one version of this library calls so, another one does too."""
    keys = Keys("wse")
    assert keys.presence("a", "1") == (
        *(b"wse:{a}:c:1", keys.users("a"), b"wse:{a}:uc", b"wse:{a}:ul"),
        *(keys.counter("a"), keys.stream("a")),
    )
    assert (keys.channel("a"), keys.counter("a")) == (b"wse:{a}", b"wse:{a}:n")
    assert (keys.stream("a"), keys.users("a")) == (b"wse:{a}:h", b"wse:{a}:u")
    assert (keys.nodes(""), keys.node("1", ""), keys.places("1", "")) == (
        *(b"wse:nodes", b"wse:node:1", b"wse:node:1:p"),
    )


def test_keys_of_a_cluster() -> None:
    """All that a script needs is in one slot, by a tag; that of a group is always the same."""
    keys = Keys("wse", is_sharded=True)
    for group in GROUPS:
        tag = keys.tag(group)
        everything = [
            *(keys.channel(group), keys.counter(group), keys.stream(group), keys.users(group)),
            *keys.presence(group, "1"),
            *(keys.nodes(tag), keys.places("1", tag), keys.node("1", tag)),
        ]
        assert {slot_of(key) for key in everything} == {slot_of(tag.encode())}
    assert [keys.tag(name) for name in ("a", "b", "")] == ["{342}", "{110}", "{14}"]
    assert keys.channel("a") == b"wse:{342}{a}"


def test_tags_are_spread_over_the_slots_of_a_cluster() -> None:
    """Each server has its share of them, if its share of the slots is a range."""
    tags = Keys("wse", is_sharded=True).tags
    assert len({*tags}) == SHARDS
    assert [slot_of(tag.encode()) * SHARDS // 16384 for tag in tags] == [*range(SHARDS)]


def test_slot_is_that_of_redis() -> None:
    """As its documentation has it: of what the first braces hold, by the CRC16 of XMODEM."""
    assert slot_of(b"{123456789}") == 0x31C3
    assert slot_of(b"wse:{123456789}{x}:n") == 0x31C3


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
