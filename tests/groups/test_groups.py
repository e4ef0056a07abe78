"""Who is in a group, and what reaches its members, whatever becomes of any of them."""

import asyncio
import gc
import itertools
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, ClassVar, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import as_asgi
from tests.groups.chat import Chat, Left, Other, Room, Said, groups, joined
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConfigurationError,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.connection.outbox import Outbox
from wsendpoints.groups import Groups
from wsendpoints.groups.channel import Channel
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_message_reaches_all_members() -> None:
    """But for those that are left out."""
    async with AsyncExitStack() as stack:
        one, two, three = await joined(stack, 3)
        await one.send_json("hello")
        for client in (two, three):
            assert await client.receive(Said) == Said(text="hello")
        assert await groups.broadcast(Room("a"), Left()) == 3
        assert await groups.broadcast(Room("a"), Said(), exclude=Chat.members[1:]) == 1
        assert await one.receive(Left) == Left()
        assert await one.receive(Said) == Said()
        for client in (two, three):
            assert await client.receive(Left) == Left()
            await client.receive_nothing()


async def test_group_is_known_by_its_name() -> None:
    """A string will do: its messages are those that the classes of the members send."""
    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1)
        assert await groups.broadcast("room:a", Other()) == 1
        assert await one.receive(Other) == Other()
        assert await groups.broadcast("room:b", Other()) == 0
        assert groups.members("room:a") == groups.members(Room("a")) == (Chat.members[0],)
        assert groups.members("room:b") == ()


class Told(WebSocketEndpoint):
    """Is another class, with another encoding."""

    encoding: ClassVar[Any] = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, "told")


class ToldInJSON(Told):
    """Is another one."""

    encoding: ClassVar[Any] = "json"


async def test_members_may_be_of_several_classes() -> None:
    """Each writes the message in its own way."""
    async with (
        connect(as_asgi(Told), timeout=60) as one,
        connect(as_asgi(ToldInJSON), timeout=60) as two,
    ):
        assert await groups.broadcast("told", "hello") == 2
        assert (await one.receive_text(), await two.receive_text()) == ("hello", '"hello"')


# Mistakes.


@pytest.mark.parametrize("room", ["a", "nobody's"])
@pytest.mark.parametrize("message", [Other(), "text", {"no": "model"}, object()])
async def test_g08_wrong_message_reaches_nobody(room: str, message: Any) -> None:
    """The publisher is told, also where the group has no members."""
    async with AsyncExitStack() as stack:
        one, two = await joined(stack, 2)
        with pytest.raises(ConfigurationError, match="Room sends a message of type"):
            await groups.broadcast(Room(room.replace("'", "")), message)
        await one.receive_nothing()
        await two.receive_nothing()


async def test_g08_message_that_a_members_class_does_not_send() -> None:
    """It reaches nobody either, though another class would send it."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(connect(as_asgi(ToldInJSON), timeout=60))
        (two,) = await joined(stack, 1)
        await groups.join(Chat.members[0], "told")
        with pytest.raises(ConfigurationError):
            await groups.broadcast("told", {"no": "model"})
        await one.receive_nothing()
        await two.receive_nothing()


async def test_g08_what_can_not_be_written_reaches_nobody() -> None:
    """Where the class of the members may send anything."""
    async with connect(as_asgi(ToldInJSON), timeout=60) as client:
        with pytest.raises(ValueError, match="serialize"):
            await groups.broadcast("told", {"a": object()})
        await client.receive_nothing()


async def test_class_declares_the_groups_that_it_joins() -> None:
    """Or what it would send is not among what it declares."""

    class Undeclared(Chat):
        groups = ()

    with pytest.raises(ConfigurationError, match=r"add `groups = \(Room,\)` to the class"):
        async with connect(as_asgi(Undeclared), timeout=60) as client:
            await client.wait_for_app()


NOT_NAMES = ["", "a b", "a/b", "x" * 101, "a\n", 5, None, b"a"]


@pytest.mark.parametrize("name", NOT_NAMES, ids=range(len(NOT_NAMES)))
async def test_g05_name_has_few_characters(name: Any) -> None:
    """For clients may have chosen it."""
    for use in (groups.broadcast(name, "x"), groups.close(name)):
        with pytest.raises(ValueError, match="is no name of a group"):
            await use
    with pytest.raises(ValueError, match="is no name of a group"):
        groups.members(name)


async def test_g05_groups_of_a_connection_are_bounded() -> None:
    """Those that it left count no more."""

    class Joining(Chat):
        limits = Limits(groups=3)

    async with AsyncExitStack() as stack:
        await joined(stack, 1, Joining)
        (one,) = Chat.members
        for name in ("x", "y", "y"):
            await groups.join(one, name)
        with pytest.raises(InvalidStateError, match="in 3 groups already"):
            await groups.join(one, "z")
        await groups.leave(one, "x")
        await groups.join(one, "z")
        assert {*groups.names} == {"room:a", "y", "z"}


async def test_g05_groups_without_members_are_forgotten() -> None:
    """10,000 of them."""
    async with AsyncExitStack() as stack:
        await joined(stack, 1)
        (one,) = Chat.members
        for number in range(10_000):
            await groups.join(one, str(number))
            await groups.leave(one, str(number))
        assert {*groups.names} == {"room:a"}


async def join_all(names: Sequence[str]) -> None:
    """Have each member join some groups."""
    for name, one in itertools.product(names, Chat.members):
        await groups.join(one, name)


@pytest.mark.slow
async def test_g05_nothing_remains_of_many_joins() -> None:
    """100,000 of them, into 10,000 groups."""

    class Joining(Chat):
        limits = Limits(groups=None)

    for _ in range(10):
        async with AsyncExitStack() as stack:
            await joined(stack, 10, Joining)
            await join_all([str(number) for number in range(1000)])
            assert len(groups.names) == 1001
        Chat.members.clear()
    assert groups.names == ()
    gc.collect()
    kinds = Outbox, Channel, Joining
    # By type(): isinstance() reads `__class__`, which the lazy objects of other tests' libraries
    # would compute for it.
    assert [it for it in gc.get_objects() if issubclass(type(it), kinds)] == []


# Joining, leaving, and ending.


async def test_g04_joining_twice_is_joining_once() -> None:
    """And leaving what it has not joined does nothing."""
    async with AsyncExitStack() as stack:
        (client,) = await joined(stack, 1)
        (one,) = Chat.members
        await groups.join(one, Room("a"))
        await groups.leave(one, Room("b"))
        assert await groups.broadcast(Room("a"), Left()) == 1
        await client.receive(Left)
        await client.receive_nothing()
        await groups.leave(one, Room("a"))
        await groups.leave(one, Room("a"))
        assert await groups.broadcast(Room("a"), Left()) == 0
        assert await groups.broadcast(Room("a"), Left(), exclude=one) == 0


async def test_g04_joining_after_the_disconnect_is_refused() -> None:
    """As sending is; leaving does nothing."""
    async with AsyncExitStack() as stack:
        (client,) = await joined(stack, 1)
        (one,) = Chat.members
        client.vanish()
        await client.wait_for_app()
        with pytest.raises(WebSocketDisconnect):
            await groups.join(one, Room("a"))
        await groups.leave(one, Room("a"))


async def test_joining_before_the_accept_is_refused() -> None:
    """Nothing can be sent yet."""

    class Early(Chat):
        async def on_connect(self, websocket: WebSocket) -> None:
            with pytest.raises(InvalidStateError, match="accept"):
                await groups.join(self, Room("a"))
            await websocket.accept()

    async with AsyncExitStack() as stack:
        await joined(stack, 1, Early)


async def test_joining_after_our_close_is_refused() -> None:
    """The connection has ended."""

    class Closing(Chat):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()
            with pytest.raises(InvalidStateError):
                await groups.join(self, Room("a"))

    async with connect(as_asgi(Closing), timeout=60) as client:
        await client.expect_close(1000)


@pytest.mark.parametrize("how", ["closes", "vanishes"])
async def test_g01_member_that_left_costs_the_others_nothing(how: str) -> None:
    """It is a member no more, once that is known."""
    async with AsyncExitStack() as stack:
        one, two = await joined(stack, 2)
        if how == "closes":
            await one.close(1000)
        else:
            one.vanish()
        await groups.broadcast(Room("a"), Left())
        assert await two.receive(Left) == Left()
        await all_tasks_blocked()
        assert groups.members(Room("a")) == (Chat.members[1],)


async def test_g02_member_that_does_not_read_holds_up_nobody() -> None:
    """It gets all in order once it reads again."""
    async with AsyncExitStack() as stack:
        one, two = await joined(stack, 2)
        one.pause_reading()
        for number in range(20):
            assert await groups.broadcast(Room("a"), Said(text=str(number))) == 2
            assert await two.receive(Said) == Said(text=str(number))
        one.resume_reading()
        assert [(await one.receive(Said)).text for _ in range(20)] == [*map(str, range(20))]


async def test_g02_member_that_reads_too_slowly_is_closed() -> None:
    """With 1013; it leaves at once, and the others go on."""

    class Small(Chat):
        limits = Limits(outbox=5)

    async with AsyncExitStack() as stack:
        one, two = await joined(stack, 2, Small)
        one.pause_reading()
        for number in range(10):
            await groups.broadcast(Room("a"), Said(text=str(number)))
            await two.receive(Said)
        assert groups.members(Room("a")) == (Chat.members[1],)
        await one.wait_for_app()
        assert Chat.closed == [1013]
        assert await groups.broadcast(Room("a"), Left()) == 1
        assert await two.receive(Left) == Left()


async def test_g03_members_may_come_and_go_meanwhile() -> None:
    """A member that left before gets nothing, and one that comes gets what is said from then on."""
    log: list[int] = []

    async def broadcast() -> None:
        for number in range(200):
            log.append(await groups.broadcast(Room("a"), Said(text=str(number))))
            await checkpoint()

    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(broadcast)
            for _ in range(3):
                async with connect(as_asgi(Chat), timeout=60) as client:
                    first = int((await client.receive(Said)).text)
                    assert int((await client.receive(Said)).text) == first + 1
        assert {*log} == {1, 2}
        assert [int((await one.receive(Said)).text) for _ in range(200)] == [*range(200)]


async def test_g06_broadcast_in_on_disconnect() -> None:
    """The member itself has left by then."""

    class Leaving(Chat):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            assert await groups.broadcast(Room("a"), Left()) == 1

    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1, Leaving)
        (two,) = await joined(stack, 1)
        await one.close(1000)
        assert await two.receive(Left) == Left()


async def test_g06_broadcast_to_oneself() -> None:
    """In order with what is replied and pushed."""

    class Echo(Chat):
        async def on_receive(self, websocket: WebSocket, data: str) -> Other | None:
            await groups.broadcast(Room("a"), Said(text=data))
            await self.push(Left())
            return Other()

    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1, Echo)
        await one.send_json("x")
        assert await one.receive(Said) == Said(text="x")
        assert await one.receive(Left) == Left()
        assert await one.receive(Other) == Other()


# From elsewhere.


async def test_g07_broadcast_from_a_thread() -> None:
    """By a method of its own, which waits until it is done."""
    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1)
        number = await anyio.to_thread.run_sync(
            lambda: groups.broadcast_from_thread(Room("a"), Said(text="x"))
        )
        assert number == 1
        assert await one.receive(Said) == Said(text="x")
        with pytest.raises(InvalidStateError, match="await `broadcast`"):
            groups.broadcast_from_thread(Room("a"), Said())
        with pytest.raises(ConfigurationError):
            groups.broadcast_from_thread(Room("a"), cast("Any", Other()))


def test_g07_broadcast_from_a_thread_to_nobody() -> None:
    """No event loop is needed."""
    assert Groups().broadcast_from_thread("nobody", "x") == 0
    assert Groups().is_started


def test_g07_broadcast_from_a_thread_once_the_event_loop_has_ended() -> None:
    """Its members are gone with it."""
    those = Groups()

    async def join() -> None:
        async with AsyncExitStack() as stack:
            await joined(stack, 1)
            await those.join(Chat.members[0], Room("a"))

    asyncio.run(join())
    assert those.broadcast_from_thread(Room("a"), Said(text="x")) == 0


async def test_g07_broadcast_on_another_event_loop_is_refused() -> None:
    """It says what to use there."""
    failures: list[str] = []

    def elsewhere() -> None:
        try:
            anyio.run(groups.broadcast, Room("a"), Said())
        except InvalidStateError as exc:
            failures.append(str(exc))

    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await anyio.to_thread.run_sync(thread.join)
        assert failures == [
            "this is not the event loop of the group's members: use `broadcast_from_thread`"
        ]
        await one.receive_nothing()


# Closing.


async def test_members_are_closed() -> None:
    """All of a group: for their handlers, the client left."""
    async with AsyncExitStack() as stack:
        one, two = await joined(stack, 2)
        await groups.join(Chat.members[1], "user:5")
        assert await groups.close("user:5", 4403, "signed out") == 1
        await two.expect_close(4403)
        await all_tasks_blocked()
        assert Chat.closed == [4403]
        assert groups.members("user:5") == ()
        assert await groups.close("user:5") == 0
        await one.receive_nothing()


@pytest.mark.parametrize("code", [1005, 1006, 999, 5000])
async def test_code_is_one_that_may_be_sent(code: int) -> None:
    """As for any close."""
    with pytest.raises(ValueError, match=str(code)):
        await groups.close("user:5", code)


# Posting to one.


async def test_post_waits_for_nobody() -> None:
    """It is in one order with all else, and does nothing for a client that left."""
    async with AsyncExitStack() as stack:
        (client,) = await joined(stack, 1)
        (one,) = Chat.members
        client.pause_reading()
        one.post(Said(text="1"))
        await groups.broadcast(Room("a"), Said(text="2"))
        one.post(Said(text="3"))
        client.resume_reading()
        assert [(await client.receive(Said)).text for _ in range(3)] == ["1", "2", "3"]
        client.vanish()
        await client.wait_for_app()
        one.post(Said(text="never"))
        with pytest.raises(ConfigurationError):
            one.post(cast("Any", {"no": "model"}))


async def test_post_before_the_accept_is_refused() -> None:
    """Nothing can be sent yet."""

    class Early(Chat):
        async def on_connect(self, websocket: WebSocket) -> None:
            with pytest.raises(InvalidStateError, match="accept"):
                self.post(Said())
            await websocket.accept()

    async with AsyncExitStack() as stack:
        await joined(stack, 1, Early)


async def test_listener_is_no_member() -> None:
    """It hears what is said to them, and is left alone as they are closed."""
    async with AsyncExitStack() as stack:
        (one,) = await joined(stack, 1)
        messages = await stack.enter_async_context(groups.listen(Room("a")))
        others = await stack.enter_async_context(groups.listen("room:b"))
        assert groups.names == ("room:a",)
        assert groups.members(Room("a")) == (Chat.members[0],)
        assert await groups.broadcast(Room("a"), Left()) == 1
        await one.receive(Left)
        assert await groups.close(Room("a"), 4000) == 1
        await one.expect_close(4000)
        assert await groups.broadcast("room:b", Other()) == 0
        assert await groups.broadcast(Room("a"), Said()) == 0
        assert [await anext(messages) for _ in range(2)] == [Left(), Said()]
        assert await anext(others) == Other()
