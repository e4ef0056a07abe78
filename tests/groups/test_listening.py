"""Code without a connection hears what is said in a group."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import anyio
import pytest
from pydantic import BaseModel

from tests.groups.failing import Failing
from tests.groups.users import Came, Room, Went
from tests.waiting import all_tasks_blocked
from wsendpoints import BackplaneError, ConfigurationError, GroupFullError, PositionLost
from wsendpoints.backplanes import Hub
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups import Group, Groups, History
from wsendpoints.groups.listening import MOST

pytestmark = pytest.mark.anyio


class Said(BaseModel):
    """A message that tells its position."""

    text: str
    position: str | None = None


class Bare(Group[Said]):
    """Keeps nothing."""

    name = "bare"


class Kept(Group[Said]):
    """Keeps a few messages."""

    name = "kept"
    history = History(messages=4)


class KeptRoom(Room):
    """Keeps who came and went."""

    name = "kept-room"
    history = History()


every_kind = pytest.mark.parametrize("kind", ["memory", "shared"])


def groups_of(kind: str) -> Groups:
    """Make groups of one process, or of several."""
    return Groups(Failing(Hub())) if kind == "shared" else Groups()


async def texts(messages: AsyncIterator[Said], number: int) -> list[str]:
    """Return the texts of the next messages."""
    return [(await anext(messages)).text for _ in range(number)]


async def nothing(messages: AsyncIterator[Any]) -> None:
    """Check that nothing waits."""
    with pytest.raises(TimeoutError), anyio.fail_after(60):
        await anext(messages)


@every_kind
@pytest.mark.parametrize("group", [Bare(), Kept()], ids=["without history", "with history"])
async def test_listener_hears_what_is_said_while_the_block_lasts(
    kind: str, group: Group[Said]
) -> None:
    """Each message once and in order; it is no member, and nothing of it remains."""
    async with groups_of(kind) as them:
        await them.broadcast(group, Said(text="before"))
        async with them.listen(group) as one, them.listen(group) as two:
            for text in ("a", "b"):
                assert await them.broadcast(group, Said(text=text)) == 0
            assert await texts(one, 2) == await texts(two, 2) == ["a", "b"]
            await nothing(one)
            assert them.names == ()
            assert them.members(group) == ()
        await them.broadcast(group, Said(text="after"))
        async with them.listen(group) as three:
            await nothing(three)


@every_kind
async def test_wait_is_ended_by_a_message(kind: str) -> None:
    """Several may wait; each message is for one of them."""
    heard: list[str] = []
    async with groups_of(kind) as them, them.listen(Bare()) as messages:

        async def hear() -> None:
            heard.extend(await texts(messages, 1))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear)
            tasks.start_soon(hear)
            await all_tasks_blocked()
            await them.broadcast(Bare(), Said(text="a"))
            await all_tasks_blocked()
            assert heard == ["a"]
            await them.broadcast(Bare(), Said(text="b"))
    assert heard == ["a", "b"]


@every_kind
async def test_listener_begins_where_it_is_told(kind: str) -> None:
    """After a position, or with the last messages; then it hears what is said."""
    async with groups_of(kind) as them:
        for text in "abcde":
            await them.broadcast(Kept(), Said(text=text))
        async with them.listen(Kept(), last=3) as messages:
            first = await anext(messages)
            assert await texts(messages, 2) == ["d", "e"]
        async with them.listen(Kept(), first.position) as messages:
            await them.broadcast(Kept(), Said(text="f"))
            assert await texts(messages, 3) == ["d", "e", "f"]
            await nothing(messages)
        with pytest.raises(PositionLost):
            async with them.listen(Kept(), "1"):
                pytest.fail("it does not begin")
        with pytest.raises(PositionLost):
            async with them.listen(Kept(), "no position"):
                pytest.fail("it does not begin")
        with pytest.raises(ConfigurationError, match="no history"):
            async with them.listen(Bare(), last=1):
                pytest.fail("it does not begin")


async def test_listener_hears_other_processes() -> None:
    """What they say in a group that is a string, too."""
    hub = Hub()
    async with (
        Groups(Failing(hub)) as here,
        Groups(Failing(hub)) as there,
        here.listen(Kept()) as messages,
        here.listen("plain") as plain,
    ):
        await there.broadcast(Kept(), Said(text="a"))
        await there.broadcast("plain", {"b": 1})
        assert (await texts(messages, 1), await anext(plain)) == (["a"], {"b": 1})


@every_kind
@pytest.mark.parametrize("group", [Room(), KeptRoom()], ids=["without history", "with history"])
async def test_listener_counts_as_a_user(kind: str, group: Room) -> None:
    """The others are told as it comes and goes; it is not told of itself."""
    async with groups_of(kind) as them, them.listen(group) as others:
        async with them.listen(group, user="ada") as messages:
            assert await them.presence(group) == ("ada",)
            assert await anext(others) == Came(came="ada")
            async with them.listen(group, user="bob"):
                assert await anext(messages) == Came(came="bob")
            assert await anext(messages) == Went(went="bob")
        assert [await anext(others) for _ in range(3)] == [
            Came(came="bob"),
            Went(went="bob"),
            Went(went="ada"),
        ]
        assert await them.presence(group) == ()


@every_kind
async def test_user_that_can_not_be_counted_does_not_listen(kind: str) -> None:
    """There is no room, or it is none."""
    async with groups_of(kind) as them, AsyncExitStack() as stack:
        for user in "abc":
            await stack.enter_async_context(them.listen(Room(), user=user))
        with pytest.raises(GroupFullError):
            async with them.listen(Room(), user="d"):
                pytest.fail("it does not begin")
        with pytest.raises(ValueError, match="use a str of 1 to 200 characters"):
            async with them.listen(Room(), user=""):
                pytest.fail("it does not begin")
        assert await them.presence(Room()) == ("a", "b", "c")


async def test_users_of_a_process_that_dies_are_told_of() -> None:
    """By the others, as with connections."""
    hub = Hub()
    async with Groups(Failing(hub)) as here:
        there = Groups(Failing(hub))
        async with here.listen(Room()) as messages:
            async with there:
                listening = there.listen(Room(), user="ada")
                await listening.__aenter__()
                assert await anext(messages) == Came(came="ada")
            assert await anext(messages) == Went(went="ada")
            await listening.__aexit__(None, None, None)
            await nothing(messages)


class Bounded(Group[int]):
    """One whose listener takes long."""

    name = "bounded"


class DropOldest(Bounded):
    """Drops what has waited longest."""

    overflow: ClassVar[Overflow] = "drop_oldest"


class DropNewest(Bounded):
    """Drops what is said."""

    overflow: ClassVar[Overflow] = "drop_newest"


class Latest(Bounded):
    """Keeps what is said last."""

    overflow: ClassVar[Overflow] = "latest"


@pytest.mark.parametrize(
    ("group", "kept"),
    [
        (DropOldest(), range(2, MOST + 2)),
        (DropNewest(), range(MOST)),
        (Latest(), range(MOST + 1, MOST + 2)),
    ],
    ids=["drop_oldest", "drop_newest", "latest"],
)
async def test_listener_that_takes_long_misses_what_may_be_dropped(
    group: Bounded, kept: range
) -> None:
    """As `overflow` says; it holds up nobody."""
    them = Groups()
    async with them.listen(group) as messages:
        for number in range(MOST + 2):
            await them.broadcast(group, number)
        assert [await anext(messages) for _ in kept] == [*kept]
        await nothing(messages)


async def test_listener_is_told_of_messages_that_it_did_not_take() -> None:
    """Once, where they were; it goes on with what is said then."""
    them = Groups()
    async with them.listen(Bounded()) as messages:
        for number in range(MOST + 5):
            await them.broadcast(Bounded(), number)
        assert [await anext(messages) for _ in range(MOST)] == [*range(MOST)]
        with pytest.raises(PositionLost) as caught:
            await anext(messages)
        assert str(caught.value) == (
            "bounded: 1024 messages wait already, and more were said: take them faster"
        )
        await them.broadcast(Bounded(), -1)
        assert await anext(messages) == -1


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
async def test_listener_is_told_of_messages_that_its_process_lost(is_known: bool) -> None:
    """How many, if anybody knows; and goes on with what comes then."""
    hub = Hub()
    plane = Failing(hub)
    async with (
        Groups(plane) as here,
        Groups(Failing(hub)) as there,
        here.listen(Bounded()) as messages,
    ):
        await there.broadcast(Bounded(), 1)
        await all_tasks_blocked()
        plane.cut()
        for number in range(3):
            await there.broadcast(Bounded(), number)
        if not is_known:
            # What kept the numbers was emptied, and begins above them.
            hub.logs = type(hub.logs)(now=lambda: 4e9)
        plane.mend()
        assert await anext(messages) == 1
        with pytest.raises(PositionLost) as caught:
            await anext(messages)
        number_lost = "3" if is_known else "an unknown number of"
        assert str(caught.value) == (
            f"bounded: {number_lost} messages were lost on their way to this process"
        )
        await there.broadcast(Bounded(), 5)
        assert await anext(messages) == 5


async def test_listener_that_can_not_begin_is_counted_no_more() -> None:
    """What was said did not come, and so it could not go on from there."""
    hub = Hub()
    plane = Failing(hub)
    async with Groups(plane) as them, them.listen(KeptRoom()) as others:
        plane.hold()
        with pytest.raises(BackplaneError, match="does not come"):
            async with them.listen(KeptRoom(), last=5, user="ada"):
                pytest.fail("it does not begin")
        assert hub.users("kept-room") == []
        plane.release()
        assert [await anext(others), await anext(others)] == [Came(came="ada"), Went(went="ada")]


async def test_messages_are_an_iterator() -> None:
    """So that a loop yields each."""
    groups = Groups()
    async with groups.listen(Bare()) as messages:
        for text in ("a", "b"):
            await groups.broadcast(Bare(), Said(text=text))
        heard: list[str] = []
        async for message in messages:
            heard.append(message.text)
            if message.text == "b":
                break
    assert heard == ["a", "b"]
