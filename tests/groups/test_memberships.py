"""Which groups a connection is in, until it ends."""

import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.groups.failing import Failing
from tests.groups.quiet import Quiet, client_of
from tests.groups.users import Came, Room, Went
from tests.waiting import all_tasks_blocked
from wsendpoints import GroupFullError
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Group, Groups

pytestmark = pytest.mark.anyio


class Other(Room):
    """Another one."""

    name = "other"


class Small(Room):
    """Has room for one."""

    name = "small"
    max_users = 1


class Chat(Quiet):
    """Joins what its test says."""

    groups = (Room, Other, Small)


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Each test has its own members."""
    yield
    Chat.members.clear()


def remains(them: Groups) -> bool:
    """Return whether something is kept of a connection."""
    return not them._memberships.is_empty  # pyright: ignore[reportPrivateUsage]  # nothing else tells of it


async def test_connection_leaves_all_its_groups_as_it_ends() -> None:
    """Those that it has not left before; nothing remains of it."""
    them = Groups()
    async with AsyncExitStack() as stack:
        client, chat = await client_of(Chat, stack)
        assert not remains(them)
        await them.leave(chat, Room())
        for group in (Room(), Other(), "plain"):
            await them.join(chat, group)
        assert remains(them)
        await them.leave(chat, "plain")
        await them.leave(chat, "plain")
        assert sorted(them.names) == ["other", "room"]
        client.vanish()
        await all_tasks_blocked()
        assert them.names == ()
        assert not remains(them)


async def test_some_are_left_out_of_a_broadcast() -> None:
    """One, or several; whoever is in no group has nothing to be left out of."""
    them = Groups()
    async with AsyncExitStack() as stack:
        every = [await client_of(Chat, stack) for _ in range(3)]
        (_, one), (_, two), (_, stranger) = every
        for chat in (one, two):
            await them.join(chat, Room())
        excluded: list[Any] = [one, [one], [one, two], stranger, [], None]
        reached = [await them.broadcast(Room(), Came(came="x"), exclude=it) for it in excluded]
        assert reached == [1, 1, 0, 2, 2, 2]


@pytest.mark.parametrize("group", [Room(), Other()], ids=["room", "other"])
async def test_user_is_counted_until_it_leaves_or_ends(group: Group[Any]) -> None:
    """Once it has left, its end tells nothing more."""
    them = Groups()
    async with AsyncExitStack() as stack:
        ada, first = await client_of(Chat, stack)
        bob, second = await client_of(Chat, stack)
        await them.join(first, group, user="ada")
        for _ in range(2):
            await them.join(second, group, user="bob")
            assert await ada.receive(Came) == Came(came="bob")
            await them.leave(second, group)
            assert await ada.receive(Went) == Went(went="bob")
        await them.join(second, group, user="bob")
        assert await ada.receive(Came) == Came(came="bob")
        bob.vanish()
        assert await ada.receive(Went) == Went(went="bob")
        await ada.receive_nothing()
        assert await them.presence(group) == ("ada",)
    assert not remains(them)


async def test_user_that_has_no_room_is_not_counted() -> None:
    """Nothing is to be taken back then."""
    async with Groups(Failing(Hub())) as them, AsyncExitStack() as stack:
        _, first = await client_of(Chat, stack)
        _, second = await client_of(Chat, stack)
        await them.join(first, Small(), user="ada")
        with pytest.raises(GroupFullError):
            await them.join(second, Small(), user="bob")
        assert await them.presence(Small()) == ("ada",)


async def test_user_whose_end_cannot_be_told_is_forgotten(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says so, and the other groups are told."""
    plane = Failing(Hub())
    departed: list[str] = []

    async def depart(name: str, connection: str) -> None:
        departed.append(name)
        if name == "room":
            raise OSError("no")

    async with Groups(plane) as them, AsyncExitStack() as stack:
        client, chat = await client_of(Chat, stack)
        await them.join(chat, Room(), user="ada")
        await them.join(chat, Other(), user="ada")
        monkeypatch.setattr(plane, "depart", depart)
        with caplog.at_level(logging.ERROR, "wsendpoints"):
            client.vanish()
            await all_tasks_blocked()
        assert departed == ["room", "other"]
        assert caplog.messages == ["room: to tell that a user left failed"]
        assert not remains(them)
