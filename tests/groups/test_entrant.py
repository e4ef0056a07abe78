"""Who is about to be in a group is sent what was said before."""

from typing import Any

import pytest
from typing_extensions import override

from wsendpoints.groups.channel import Channel
from wsendpoints.groups.entrant import Entrant
from wsendpoints.groups.presence import Membership

pytestmark = pytest.mark.anyio


class Kept:
    """A history, which is read in steps."""

    def __init__(self, *entries: str) -> None:
        self.entries = [(number, text.encode()) for number, text in enumerate(entries, 11)]
        self.asked: list[int | None] = []

    async def read(self, after: int | None) -> list[tuple[int, bytes]]:
        """Return what came after a number."""
        self.asked.append(after)
        return [entry for entry in self.entries if after is None or entry[0] > after]

    def message_of(self, number: int, data: bytes) -> tuple[Any] | None:
        """Return the message; none for an `x`."""
        return None if data == b"x" else (f"{number}:{data.decode()}",)


class Somebody(Entrant):
    """Keeps what it is sent."""

    def __init__(self, *, after: int | None = None, last: int = 0) -> None:
        super().__init__(Membership("a", "a"), after=after, last=last, user=None)
        self.sent: list[Any] = []

    @property
    @override
    def key(self) -> object:
        return self

    @property
    @override
    def is_there(self) -> bool:
        return True

    @override
    def is_wanted(self) -> bool:
        return True

    @override
    def counts(self) -> None:
        """Count nobody."""

    @override
    async def hand(self, message: Any) -> None:
        self.sent.append(message)

    @override
    def enter(self, channel: Channel, newest: int) -> None:
        """Enter nothing."""


@pytest.mark.parametrize(
    ("options", "sent", "asked"),
    [
        ({}, [], [13]),
        ({"after": 11}, ["12:b", "13:c"], [11, 13]),
        ({"after": 13}, [], [13]),
        ({"after": 11, "last": 1}, ["12:b", "13:c"], [11, 13]),
        ({"last": 2}, ["12:b", "13:c"], [None, 13]),
        ({"last": 9}, ["11:a", "12:b", "13:c"], [None, 13]),
    ],
    ids=["nothing", "after", "has all", "after before last", "last", "more than there are"],
)
async def test_entrant_is_sent_what_it_missed(
    options: dict[str, Any], sent: list[str], asked: list[int | None]
) -> None:
    """What came after the last that it has; or some of the last ones."""
    kept = Kept("a", "b", "c")
    entrant = Somebody(**options)
    assert await entrant.catch_up(13, kept.read, kept.message_of) == 13
    assert entrant.sent == sent
    assert kept.asked == asked


async def test_last_messages_of_a_group_that_keeps_none() -> None:
    """It begins where the group is."""
    kept = Kept()
    entrant = Somebody(last=3)
    assert await entrant.catch_up(10, kept.read, kept.message_of) == 10
    assert entrant.sent == []


async def test_message_that_can_not_be_read_is_passed_over() -> None:
    """It counts as had."""
    kept = Kept("a", "x", "c", "x")
    entrant = Somebody(after=10)
    assert await entrant.catch_up(14, kept.read, kept.message_of) == 14
    assert entrant.sent == ["11:a", "13:c"]


async def test_entrant_is_sent_what_is_said_while_it_is_sent_what_it_missed() -> None:
    """Until there is no more."""
    kept = Kept("a", "b")

    def message_of(number: int, data: bytes) -> tuple[Any] | None:
        # It is said while what is before it is sent.
        if number < 15:
            kept.entries.append((kept.entries[-1][0] + 1, b"more"))
        return kept.message_of(number, data)

    entrant = Somebody(last=1)
    newest = await entrant.catch_up(12, kept.read, message_of)
    assert newest == kept.entries[-1][0]
    assert entrant.sent == ["12:b", *(f"{number}:more" for number in range(13, newest + 1))]
    assert newest > 14
