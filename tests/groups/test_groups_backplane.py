"""Groups on a backplane: how they start and end, and who is in them as which user."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import pytest

from tests.groups.failing import Failing
from tests.groups.quiet import Quiet, client_of
from tests.groups.users import Came, Room, Went
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    BackplaneError,
    ConfigurationError,
    GroupFullError,
)
from wsendpoints.backplanes import Hub, MemoryBackplane
from wsendpoints.groups import Group, Groups, History

pytestmark = pytest.mark.anyio


class Kept(Room):
    """Keeps who came and went."""

    name = "kept"
    history = History()


class Chat(Quiet):
    """Joins what its test says."""

    groups: ClassVar[Any] = (Room, Kept)


client_in = partial(client_of, Chat)


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Each test has its own members."""
    yield
    Chat.members.clear()


def groups_of(kind: str) -> Groups:
    """Make groups of one process, or of several."""
    return Groups(Failing(Hub())) if kind == "shared" else Groups(MemoryBackplane())


every_kind = pytest.mark.parametrize("kind", ["memory", "shared"])


@every_kind
@pytest.mark.parametrize("group", [Room(), Kept()], ids=["room", "kept"])
async def test_users_come_and_go(kind: str, group: Group[Any]) -> None:
    """As they leave, and as their connections end; one is counted once."""
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(groups_of(kind))
        client, ada = await client_in(stack)
        start = await them.join(ada, group, user="ada")
        assert (start is None) == (group == Room())
        assert (await them.join(ada, group) is None) == (group == Room())
        others = [await client_in(stack) for _ in range(3)]
        for user, (_, chat) in zip(("bob", "bob", "cyd"), others, strict=True):
            await them.join(chat, group, user=user)
        assert await them.presence(group) == ("ada", "bob", "cyd")
        with pytest.raises(GroupFullError):
            await them.join((await client_in(stack))[1], group, user="dan")
        await others[0][0].close()
        await them.leave(others[1][1], group)
        await others[2][0].close()
        said = [await client.receive(Came | Went) for _ in range(4)]
        assert said == [Came(came="bob"), Came(came="cyd"), Went(went="bob"), Went(went="cyd")]
        await client.receive_nothing()
        assert len(them.members(group)) == 1


@every_kind
async def test_history_begins_where_the_client_was(kind: str) -> None:
    """After a message, or with the last ones; a group without one has neither."""
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(groups_of(kind))
        for name in "abc":
            await them.broadcast(Kept(), Came(came=name))
        client, chat = await client_in(stack)
        position = await them.join(chat, Kept(), last=2)
        assert [(await client.receive(Came)).came for _ in range(2)] == ["b", "c"]
        await them.broadcast(Kept(), Came(came="d"))
        other, second = await client_in(stack)
        await them.join(second, Kept(), position)
        for it in (client, other):
            assert (await it.receive(Came)).came == "d"
            await it.receive_nothing()
        with pytest.raises(ConfigurationError, match="no history"):
            await them.join(chat, Room(), last=1)
        with pytest.raises(ValueError, match="last=-1"):
            await them.join(second, Kept(), last=-1)


async def test_user_that_is_counted_and_is_no_member_is_counted_no_more() -> None:
    """What was said did not come, and so it could not go on from there."""
    hub = Hub()
    plane = Failing(hub)
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(Groups(plane))
        _, first = await client_in(stack)
        await them.join(first, Kept())
        plane.hold()
        _, chat = await client_in(stack)
        with pytest.raises(BackplaneError, match="does not come"):
            await them.join(chat, Kept(), last=5, user="ada")
        assert hub.users("kept") == []
        plane.release()
        await them.join(chat, Kept(), last=5, user="ada")
        assert hub.users("kept") == ["ada"]


async def test_user_that_left_while_it_was_counted_is_counted_no_more() -> None:
    """And is no member."""
    hub = Hub()
    plane = Failing(hub)
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(Groups(plane))
        _, first = await client_in(stack)
        await them.join(first, Kept())
        _, chat = await client_in(stack)
        plane.hold()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(them.join, chat, Kept(), last=5, user="ada"))
            await all_tasks_blocked()
            assert hub.users("kept") == ["ada"]
            await them.leave(chat, Kept())
            plane.release()
        assert hub.users("kept") == []
        assert them.members(Kept()) == (first,)


@pytest.mark.parametrize("is_read", [True, False])
async def test_leaving_while_one_waits_to_join(is_read: bool) -> None:
    """It is no member, whether or not the join fails."""
    plane = Failing(Hub())
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(Groups(plane))
        _, chat = await client_in(stack)
        plane.cut()

        async def join() -> None:
            try:
                await them.join(chat, Kept())
            except BackplaneError:
                assert not is_read

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(join)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            await them.leave(chat, Kept())
            if is_read:
                plane.mend()
        assert them.members(Kept()) == ()
        assert set(plane.names) == {"!"}


async def test_user_whose_end_cannot_be_told_is_counted_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says so."""
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(Groups())
        client, chat = await client_in(stack)
        await them.join(chat, Room(), user="raises")
        await client.close()
        assert await them.presence(Room()) == ()
    assert "to tell that a user left failed" in caplog.text


async def test_nobody_is_left_out_by_what_is_not_in_a_group() -> None:
    """An endpoint that has joined nothing can be excluded."""
    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(Groups())
        _, chat = await client_in(stack)
        assert await them.broadcast(Room(), Came(came="a"), exclude=[chat]) == 0


def test_only_a_backplane_is_one() -> None:
    """A URL, say, is none."""
    with pytest.raises(ConfigurationError, match=r"takes a backplane.*not 'redis://'"):
        Groups("redis://")  # type: ignore[arg-type]  # what is refused


async def test_server_starts_and_ends_them() -> None:
    """An application with nothing else to start leaves its lifespan to them."""
    plane = Failing(Hub())
    them = Groups(plane)
    sent: list[Any] = []
    events = iter(["startup", "shutdown"])

    async def receive() -> Any:
        await all_tasks_blocked()
        return {"type": f"lifespan.{next(events)}"}

    async def send(event: Any) -> None:
        sent.append(event["type"])
        if len(sent) == 1:
            await them.broadcast(Room(), Came(came="a"))

    await them.lifespan(receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
