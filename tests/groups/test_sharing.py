"""Groups that several processes share: who gets what, and what is said while one is cut off."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from pydantic import BaseModel

from tests.clocks import REAL_TIME
from tests.groups.failing import Failing
from tests.groups.quiet import Quiet, client_of
from tests.groups.turns import have_turns
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    BackplaneError,
    ConfigurationError,
    GroupFullError,
    InvalidStateError,
    PositionLost,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.backplanes import Hub, MemoryBackplane
from wsendpoints.groups import Group, Groups, History
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Said(BaseModel):
    """A message that tells its position."""

    text: str
    position: str | None = None


class Bare(Group[Said]):
    """Keeps nothing, and tells who comes."""

    name = "bare"
    max_users = 2

    def joined(self, user: str) -> Said:
        return Said(text=f"+{user}")

    def left(self, user: str) -> Said:
        return Said(text=f"-{user}")


class Kept(Bare):
    """Keeps some, and tells who comes."""

    name = "kept"
    history = History(messages=20)


class Chat(Quiet):
    """Joins what its test says."""

    groups: ClassVar[Any] = (Bare, Kept)


client_in = partial(client_of, Chat)


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Each test has its own members."""
    yield
    Chat.members.clear()


@asynccontextmanager
async def nodes(number: int = 2) -> AsyncGenerator[tuple[list[Groups], list[Failing]]]:
    """Start so many processes' groups, which share a hub."""
    hub = Hub()
    planes = [Failing(hub, seed) for seed in range(number)]
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Groups(plane)) for plane in planes], planes


async def texts(client: Client, number: int) -> list[str]:
    """Receive so many messages, and no more."""
    got = [(await client.receive(Said)).text for _ in range(number)]
    await client.receive_nothing()
    return got


async def test_they_are_started_once_before_they_are_used() -> None:
    """And not used after they ended."""
    them = Groups(Failing(Hub()))
    async with AsyncExitStack() as stack:
        _, chat = await client_in(stack)
        for call in (
            partial(them.join, chat, Bare()),
            partial(them.join, chat, Bare(), user="ada"),
            partial(them.broadcast, Bare(), Said(text="a")),
            partial(them.presence, Bare()),
            partial(them.close, Bare()),
        ):
            with pytest.raises(InvalidStateError, match="not started"):
                await call()
        async with them:
            await them.broadcast(Bare(), Said(text="a"))
            with pytest.raises(InvalidStateError, match="started already"):
                await them.__aenter__()
        with pytest.raises(InvalidStateError, match="not started"):
            await them.broadcast(Bare(), Said(text="a"))
        async with them:
            await them.broadcast(Bare(), Said(text="a"))


async def test_start_that_fails_raises_what_the_backplane_raised() -> None:
    """No group of exceptions; the next start may succeed."""
    plane = Failing(Hub())
    plane.refuses_start = True
    them = Groups(plane)
    with pytest.raises(BackplaneError, match="nothing there"):
        await them.__aenter__()
    plane.refuses_start = False
    async with them:
        await them.broadcast("a", 1)


async def test_what_was_not_started_ends() -> None:
    """It does nothing."""
    await Groups(Failing(Hub())).__aexit__(None, None, None)


async def test_start_that_is_cancelled_leaves_nothing() -> None:
    """It can be started again."""
    them = Groups(Failing(Hub()))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await them.__aenter__()
    async with them:
        await them.broadcast("a", 1)


async def test_what_ends_the_application_is_raised_as_it_is() -> None:
    """Not within a group of exceptions."""
    with pytest.raises(KeyError, match="mine"):
        async with Groups(Failing(Hub())):
            raise KeyError("mine")


async def test_backplane_that_fails_for_good_ends_the_application() -> None:
    """It can't be told in any other way."""
    plane = Failing(Hub())
    with pytest.raises(BaseExceptionGroup) as caught:
        async with Groups(plane):
            plane.dies.set()
            await anyio.sleep_forever()
    assert caught.group_contains(BackplaneError, match="gone")


def test_thread_can_publish_once_they_are_started() -> None:
    """Before there is no event loop to do it."""
    with pytest.raises(InvalidStateError, match="not started"):
        Groups(Failing(Hub())).broadcast_from_thread(Bare(), Said(text="a"))


def test_only_a_backplane_is_one() -> None:
    """A URL, say, is none."""
    with pytest.raises(ConfigurationError, match=r"takes a backplane.*not 'redis://'"):
        Groups("redis://")  # type: ignore[arg-type]  # what is refused


async def test_they_stay_on_the_event_loop_that_started_them() -> None:
    """Another one is told so, also while they have no members."""
    groups = Groups(Failing(Hub()))
    failures: list[str] = []

    def elsewhere() -> None:
        try:
            anyio.run(groups.close, "nobody")
        except InvalidStateError as exc:
            failures.append(str(exc))

    async with groups:
        await anyio.to_thread.run_sync(elsewhere)
    assert failures == [
        "this is not the event loop of the group's members: use `broadcast_from_thread`"
    ]


async def test_they_tell_whether_they_are_started() -> None:
    """For whoever starts them where no lifespan does."""
    groups = Groups(Failing(Hub()))
    assert not groups.is_started
    async with groups:
        assert groups.is_started
    assert not groups.is_started


async def test_memory_needs_no_start() -> None:
    """It keeps what was said, where others may read it."""
    plane = MemoryBackplane()
    them = Groups(plane)
    async with them:
        await them.broadcast(Kept(), Said(text="a"))
    assert len(await plane.read("kept", None)) == 1


@pytest.mark.parametrize("group", [Bare(), Kept()], ids=["bare", "kept"])
async def test_members_of_all_processes_get_a_message_once(group: Group[Said]) -> None:
    """But those that are excluded, and those that left."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        clients = [await client_in(stack) for _ in range(4)]
        for them, (_, chat) in zip((here, here, there, there), clients, strict=True):
            await them.join(chat, group)
            await them.join(chat, group)
        assert await here.broadcast(group, Said(text="a")) == 2
        assert await here.broadcast(group, Said(text="b"), exclude=clients[0][1]) == 1
        await there.leave(clients[3][1], group)
        assert await there.broadcast(group, Said(text="c")) == 1
        expected = (["a", "c"], ["a", "b", "c"], ["a", "b", "c"], ["a", "b"])
        for (client, _), some in zip(clients, expected, strict=True):
            assert await texts(client, len(some)) == some
        assert len(here.members(group)) == 2


async def test_strings_are_groups_too() -> None:
    """Also with messages that are nothing."""

    class Lobby(WebSocketEndpoint):
        encoding = "json"

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await there.join(self, "lobby")

    async with nodes() as ((here, there), _), connect(Lobby, timeout=60) as client:
        for message in ({"a": [1]}, None, "text"):
            assert await here.broadcast("lobby", message) == 0
            assert await client.receive_json() == message


async def test_publisher_needs_no_members() -> None:
    """Nor a subscription; what can't be written is raised, and nobody gets it."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), planes):
        client, chat = await client_in(stack)
        await there.join(chat, Kept())
        assert await here.broadcast(Kept(), Said(text="a")) == 0
        assert set(planes[0].names) == {"!"}
        with pytest.raises(ConfigurationError, match="declares Said"):
            await here.broadcast(Kept(), chat)  # type: ignore[misc]  # what is refused
        with pytest.raises(ValueError, match="serialize"):
            await here.broadcast("a", chat)
        assert await texts(client, 1) == ["a"]
        with pytest.raises(ConfigurationError, match="has a history"):
            await there.broadcast("kept", {})


async def test_positions_are_those_of_the_history() -> None:
    """Whoever comes next, in whichever process, begins after one of them."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        client, chat = await client_in(stack)
        start = await here.join(chat, Kept())
        assert await here.join(chat, Kept()) == start
        for text in "abc":
            await there.broadcast(Kept(), Said(text=text))
        said = [await client.receive(Said) for _ in range(3)]
        assert [int(str(it.position)) - int(str(start)) for it in said] == [1, 2, 3]
        other, second = await client_in(stack)
        assert await there.join(second, Kept(), said[0].position) == said[2].position
        assert await texts(other, 2) == ["b", "c"]
        third_client, third = await client_in(stack)
        await there.join(third, Kept(), last=1)
        assert await texts(third_client, 1) == ["c"]
        with pytest.raises(PositionLost):
            await there.join((await client_in(stack))[1], Kept(), "5")
        assert len(there.members(Kept())) == 2


async def test_history_is_that_of_all_processes() -> None:
    """What can't be read is left out, and it is an error while nothing can be."""
    hub = Hub()
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(Groups(Failing(hub)))
        plane = Failing(hub)
        there = await stack.enter_async_context(Groups(plane))
        await here.broadcast(Kept(), Said(text="a"))
        for data in (b"2|of a newer version", b"1|node|1|u|no message"):
            await plane.publish("kept", data, Kept.history)
        await there.broadcast(Kept(), Said(text="b"))
        for them in (here, there):
            assert [it.text for it in await them.history(Kept())] == ["a", "b"]
        plane.cut()
        with pytest.raises(BackplaneError):
            await there.history(Kept())
        assert plane.names == {"!": None}
    with pytest.raises(InvalidStateError, match="not started"):
        await here.history(Kept())


class Fewer(Kept):
    """Keeps fewer of them."""

    history = History(messages=2)


async def test_no_more_is_told_than_is_to_be_kept() -> None:
    """Though a backplane has some more; behind a position it is all that there is."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        for text in "abcd":
            await here.broadcast(Kept(), Said(text=text))
        first = (await there.history(Kept()))[0]
        assert [it.text for it in await there.history(Fewer())] == ["c", "d"]
        assert [it.text for it in await there.history(Fewer(), first.position)] == ["b", "c", "d"]
        for beginning, expected in ((None, ["c", "d"]), (first.position, ["b", "c", "d"])):
            client, chat = await client_in(stack)
            await there.join(chat, Fewer(), beginning, last=10)
            assert await texts(client, len(expected)) == expected
            await there.leave(chat, Fewer())


async def test_local_members_are_served_while_it_is_cut_off() -> None:
    """The publisher is told that others may not have got it; of a history nobody gets it."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), planes):
        client, chat = await client_in(stack)
        far, other = await client_in(stack)
        for group in (Bare(), Kept()):
            await here.join(chat, group)
            await there.join(other, group)
        planes[0].cut()
        with pytest.raises(BackplaneError):
            await here.broadcast(Bare(), Said(text="a"))
        with pytest.raises(BackplaneError):
            await here.broadcast(Kept(), Said(text="b"))
        assert await texts(client, 1) == ["a"]
        await there.broadcast(Kept(), Said(text="c"))
        assert await texts(far, 1) == ["c"]
        await client.receive_nothing()
        planes[0].mend()
        assert await texts(client, 1) == ["c"]


async def test_joining_while_it_is_cut_off() -> None:
    """Without a history one is a member of this process's; with one it is an error."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), planes):
        client, chat = await client_in(stack)
        planes[0].cut()
        await here.join(chat, Bare())
        with pytest.raises(BackplaneError, match="history"):
            await here.join(chat, Kept())
        with pytest.raises(BackplaneError):
            await here.join(chat, Kept(), user="ada")
        assert here.members(Kept()) == ()
        with pytest.raises(BackplaneError):
            await here.broadcast(Bare(), Said(text="a"))
        planes[0].mend()
        await here.join(chat, Kept())
        await there.broadcast(Bare(), Said(text="b"))
        assert await texts(client, 2) == ["a", "b"]


async def test_history_that_does_not_come_is_an_error() -> None:
    """What was read is ahead of what comes, which comes no more."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), planes):
        _, chat = await client_in(stack)
        _, other = await client_in(stack)
        start = await here.join(chat, Kept())
        planes[0].hold()
        await there.broadcast(Kept(), Said(text="a"))
        with pytest.raises(BackplaneError, match="does not come"):
            await here.join(other, Kept(), start)
        assert here.members(Kept()) == (chat,)
        planes[0].release()


async def test_who_joins_while_a_message_is_sent_gets_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is sent to many in turns: it is behind them, or among them."""
    have_turns(monkeypatch, 1)
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        clients = [await client_in(stack) for _ in range(12)]
        start = await here.join(clients[0][1], Kept())
        for _, chat in clients[1:8]:
            await here.join(chat, Kept())
        async with anyio.create_task_group() as tasks:
            for text in "abcd":
                tasks.start_soon(there.broadcast, Kept(), Said(text=text))
            for turns, (_, chat) in enumerate(clients[8:]):
                for _ in range(turns * 3):
                    await anyio.lowlevel.checkpoint()
                tasks.start_soon(here.join, chat, Kept(), start)
        orders = {tuple(await texts(client, 4)) for client, _ in clients}
        assert len(orders) == 1


async def test_users_are_counted_over_all_processes() -> None:
    """The others are told once of each, also when a process ends; and no more are let in."""
    async with AsyncExitStack() as stack, nodes(1) as ((here,), (plane,)):
        client, chat = await client_in(stack)
        await here.join(chat, Bare(), user="ada")
        async with Groups(Failing(plane.hub)) as there:
            far, other = await client_in(stack)
            _, second = await client_in(stack)
            await there.join(other, Bare(), user="bob")
            await there.join(second, Bare(), user="ada")
            assert await here.presence(Bare()) == await there.presence(Bare()) == ("ada", "bob")
            _, third = await client_in(stack)
            with pytest.raises(GroupFullError):
                await here.join(third, Bare(), user="eve")
            with pytest.raises(ValueError, match="1 to 200"):
                await here.join(third, Bare(), user="")
            assert await texts(client, 1) == ["+bob"]
            await far.receive_nothing()
        assert await texts(client, 1) == ["-bob"]
        await here.leave(chat, Bare())
        assert await here.presence(Bare()) == ()
    assert plane.hub.users("bare") == []


@pytest.mark.parametrize("group", [Bare(), Kept()], ids=["bare", "kept"])
async def test_user_is_not_told_of_itself(group: Group[Said]) -> None:
    """Not even by the history that it is sent as it joins."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        client, chat = await client_in(stack)
        _, other = await client_in(stack)
        start = await there.join(other, group, user="bob")
        await here.join(chat, group, start if group == Kept() else None, user="ada")
        await there.leave(other, group)
        told: list[str] = []
        while "-bob" not in told:
            told.append((await client.receive(Said)).text)
        assert "+ada" not in told


async def test_group_may_tell_nothing_of_users() -> None:
    """As strings do, which have users nevertheless."""

    class Silent(Group[Said]):
        name = "silent"

    class Counted(Chat):
        groups = (Silent,)

    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        client = await stack.enter_async_context(connect(Counted, timeout=60))
        other = await stack.enter_async_context(connect(Counted, timeout=60))
        await all_tasks_blocked()
        for group in (Silent(), "lobby"):
            await here.join(Chat.members[0], group, user="ada")
            await there.join(Chat.members[1], group, user="bob")
            assert await here.presence(group) == ("ada", "bob")
        await other.close()
        await client.receive_nothing()
        assert await here.presence("lobby") == await there.presence(Silent()) == ("ada",)


async def test_leaving_while_one_waits_to_join() -> None:
    """It is no member once what was cut off is there again."""
    async with AsyncExitStack() as stack, nodes() as ((here, _), (plane, _)):
        _, chat = await client_in(stack)
        plane.cut()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(here.join, chat, Bare())
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            await here.leave(chat, Bare())
            plane.mend()
        assert here.members(Bare()) == ()


async def test_backplane_may_count_no_users() -> None:
    """Then nobody joins as one."""

    class Uncounting(Failing):
        presence = False

    async with AsyncExitStack() as stack:
        them = await stack.enter_async_context(Groups(Uncounting(Hub())))
        _, chat = await client_in(stack)
        with pytest.raises(ConfigurationError, match="Uncounting does not count users"):
            await them.join(chat, Bare(), user="ada")


@pytest.mark.parametrize("turns", range(12))
async def test_join_that_is_cancelled_counts_nobody(turns: int) -> None:
    """Wherever it is: being counted, or being sent what it missed."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), (plane, _)):
        _, chat = await client_in(stack)
        for text in "abc":
            await there.broadcast(Kept(), Said(text=text))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(here.join, chat, Kept(), last=3, user="ada"))
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        is_member = here.members(Kept()) == (chat,)
        assert plane.hub.users("kept") == (["ada"] if is_member else [])


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("how", ["leave", "vanish"])
async def test_leaving_while_one_joins(turns: int, how: str) -> None:
    """It is no member then, and no user."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), (plane, _)):
        client, chat = await client_in(stack)
        for text in "abc":
            await there.broadcast(Kept(), Said(text=text))

        async def join() -> None:
            try:
                await here.join(chat, Kept(), last=3, user="ada")
            except WebSocketDisconnect:
                assert how == "vanish"

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(join)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            if how == "vanish":
                client.vanish()
            else:
                await here.leave(chat, Kept())
        await all_tasks_blocked()
        if here.members(Kept()):
            # It left before it had begun to join.
            await here.leave(chat, Kept())
        assert plane.hub.users("kept") == []
        assert here.members(Kept()) == ()


async def test_all_processes_close_the_members() -> None:
    """Each its own."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        client, chat = await client_in(stack)
        far, other = await client_in(stack)
        await here.join(chat, Bare())
        await there.join(other, Bare())
        assert await here.close(Bare(), 4403, "signed out") == 1
        for it in (client, far):
            await it.expect_close(4403, "signed out")


@REAL_TIME
async def test_thread_publishes_to_all_processes() -> None:
    """By the event loop that they were started on."""
    async with AsyncExitStack() as stack, nodes() as ((here, there), _):
        client, chat = await client_in(stack)
        await there.join(chat, Bare())
        publish = partial(here.broadcast_from_thread, Bare(), Said(text="a"))
        assert await anyio.to_thread.run_sync(publish) == 0
        assert (await client.receive(Said)).text == "a"
