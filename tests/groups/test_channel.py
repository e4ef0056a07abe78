"""A message reaches all members of a group: in one order, in turns, and not at a stroke."""

import asyncio
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.connection.outboxes import Boxes, boxes
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.channel import Channel, Pace
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio


def write(message: str) -> Event:
    """Write a message."""
    return {"type": "websocket.send", "text": message}


def write_loudly(message: str) -> Event:
    """Write it in another way."""
    return {"type": "websocket.send", "text": message.upper()}


def channel_of(some: Boxes, number: int) -> Channel:
    """Return a group with so many members."""
    channel = Channel("x", Pace(some.posting))
    for _ in range(number):
        one = some.open()
        channel.add(one.box, one, write)
    return channel


async def test_members_get_what_they_write() -> None:
    """Each way is written once."""
    async with boxes() as some:
        channel = channel_of(some, 2)
        loud = some.open()
        channel.add(loud.box, loud, write_loudly)
        encoded = channel.encoded("a")
        assert await channel.broadcast(encoded, "close", ()) == 3
        await anyio.wait_all_tasks_blocked()
        assert [one.sent for one in some.all] == [["a"], ["a"], ["A"]]
        channel.discard(loud.box)
        channel.discard(loud.box)
        assert {*channel.encoded("b")} == {write}
        assert await channel.broadcast(encoded, "close", (some.all[0].box,)) == 1


@pytest.mark.parametrize("is_large", [False, True], ids=["few members", "many members"])
async def test_broadcasts_come_in_one_order(is_large: bool) -> None:
    """Also where others have turns between the members."""
    async with boxes() as some:
        channel = channel_of(some, 600 if is_large else 3)
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                encoded = channel.encoded(str(number))
                tasks.start_soon(channel.broadcast, encoded, "close", ())
        await anyio.wait_all_tasks_blocked()
        first = some.all[0].sent
        assert sorted(first) == ["0", "1", "2", "3", "4"]
        assert all(one.sent == first for one in some.all)


async def test_others_have_turns_between_256_members() -> None:
    """So that a large group holds nobody up for long."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await checkpoint()
            turns += 1

    async with boxes() as some:
        channel = channel_of(some, 2560)
        some.tasks.start_soon(count)
        await checkpoint()
        before = turns
        assert await channel.broadcast(channel.encoded("x"), "close", ()) == 2560
        assert turns - before >= 9


async def test_others_have_turns_between_many_small_broadcasts() -> None:
    """They are counted together."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await checkpoint()
            turns += 1

    async with boxes() as some:
        channel = channel_of(some, 1)
        some.tasks.start_soon(count)
        await checkpoint()
        before = turns
        for _ in range(257 * 4):
            await channel.broadcast(channel.encoded("x"), "drop_newest", ())
        assert turns - before >= 3


async def test_g11_all_get_it_although_the_publisher_is_cancelled() -> None:
    """Half of a group would be the worst."""
    async with boxes() as some:
        channel = channel_of(some, 600)
        with anyio.CancelScope() as scope:
            some.tasks.start_soon(cancel_soon, scope)
            await channel.broadcast(channel.encoded("x"), "close", ())
            await checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert scope.cancelled_caught
        assert all(one.sent == ["x"] for one in some.all)


async def cancel_soon(scope: anyio.CancelScope) -> None:
    """Cancel at the first turn of others."""
    scope.cancel()


async def test_g11_all_get_it_although_its_turn_has_not_come() -> None:
    """It goes out behind the one that is under way, and before the next one."""
    async with boxes() as some:
        channel = channel_of(some, 600)
        scope = anyio.CancelScope()

        async def second() -> None:
            with scope:
                await channel.broadcast(channel.encoded("second"), "close", ())

        async def first() -> None:
            await channel.broadcast(channel.encoded("first"), "close", ())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await checkpoint()
            tasks.start_soon(second)
            await checkpoint()
            scope.cancel()
        await channel.broadcast(channel.encoded("third"), "close", ())
        await anyio.wait_all_tasks_blocked()
        assert all(one.sent == ["first", "second", "third"] for one in some.all)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("turns", range(6))
async def test_g11_native_cancellation(turns: int) -> None:
    """As `asyncio.timeout` and `wait_for` have it: it comes through shields."""
    async with boxes() as some:
        channel = channel_of(some, 600)
        encoded = [channel.encoded(text) for text in ("first", "second")]
        tasks = [asyncio.ensure_future(channel.broadcast(it, "close", ())) for it in encoded]
        await checkpoint()
        for _ in range(turns):
            await checkpoint()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await anyio.wait_all_tasks_blocked()
        assert all(one.sent == ["first", "second"] for one in some.all)
        # A task that was not done is told of its cancellation.
        for done in ended:
            assert done == 600 or isinstance(done, asyncio.CancelledError)
        assert isinstance(ended[1], asyncio.CancelledError)


async def test_small_broadcast_does_not_overtake_one_that_takes_turns() -> None:
    """Although it needs none itself: the group has shrunk meanwhile."""
    async with boxes() as some:
        channel = channel_of(some, 1280)
        last = some.all[-1]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(channel.broadcast, channel.encoded("first"), "close", ())
            for _ in range(2):
                await checkpoint()
            for one in some.all[:-1]:
                channel.discard(one.box)
            await channel.broadcast(channel.encoded("second"), "close", ())
        await anyio.wait_all_tasks_blocked()
        assert last.sent == ["first", "second"]


async def test_member_that_was_sent_a_message_as_it_joined() -> None:
    """It does not get it again, if it is still on its way to the others."""
    async with boxes() as some:
        channel = channel_of(some, 1280)
        joins = some.open()
        async with anyio.create_task_group() as tasks:
            for number in (1, 2):
                encoded = {**channel.encoded(str(number))}
                encoded[write_loudly] = encoded[write]
                tasks.start_soon(channel.broadcast, encoded, "close", (), number)
                for _ in range(2):
                    await checkpoint()
            channel.add(joins.box, joins, write_loudly, 1)
            await channel.broadcast(channel.encoded("3"), "close", (), 3)
        await channel.broadcast(channel.encoded("4"), "close", (), 1)
        await anyio.wait_all_tasks_blocked()
        assert joins.sent == ["2", "3", "4"]
        assert some.all[0].sent == ["1", "2", "3", "4"]


async def test_g03_member_that_leaves_between_gets_nothing() -> None:
    """It is not sent to once it has left."""
    async with boxes() as some:
        channel = channel_of(some, 600)
        last = some.all[-1]

        async def leave() -> None:
            channel.discard(last.box)

        some.tasks.start_soon(leave)
        number = await channel.broadcast(channel.encoded("x"), "close", ())
        await anyio.wait_all_tasks_blocked()
        assert number == 599
        assert last.sent == []


async def test_g01_member_that_is_found_gone_among_others() -> None:
    """It leaves while they are sent to."""
    async with boxes() as some:
        channel = channel_of(some, 300)
        for one in some.all[::2]:
            one.fails = OSError("gone")
            one.connection.at_end(partial(channel.discard, one.box))
        await channel.broadcast(channel.encoded("x"), "close", ())
        await anyio.wait_all_tasks_blocked()
        assert len(channel.endpoints) == 150
        assert all(one.sent == ["x"] for one in some.all[1::2])


async def test_g10_burst_closes_no_healthy_client() -> None:
    """Where each send has to wait, more come at once than an outbox holds."""

    async def for_a_turn(wait: Any) -> None:
        await wait
        await checkpoint()

    async with boxes() as some:
        channel = channel_of(some, 3)
        for one in some.all:
            one.holds = for_a_turn
        for number in range(5000):
            await channel.broadcast(channel.encoded(str(number)), "close", ())
        await anyio.wait_all_tasks_blocked()
        for one in some.all:
            assert one.log == []
            assert one.sent == [str(number) for number in range(5000)]


async def test_burst_waits_for_one_that_does_not_read_once() -> None:
    """It is closed when its outbox is full, and the others get all."""
    async with boxes() as some:
        channel = channel_of(some, 3)
        slow, quick, _ = some.all
        slow.gate = anyio.Event()
        began = anyio.current_time()
        for number in range(1000):
            await channel.broadcast(channel.encoded(str(number)), "close", ())
        assert anyio.current_time() - began < 1
        await anyio.wait_all_tasks_blocked()
        assert slow.log[0] == "outbox"
        assert quick.log == []
        assert quick.sent == [str(number) for number in range(1000)]


class Ear:
    """Hears what is said."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def take(self, message: Any, overflow: Overflow) -> None:
        self.heard.append((message, overflow))

    def missed(self, lost: int | None) -> None:
        """Miss nothing."""


async def test_listeners_are_told_the_message_itself() -> None:
    """But for those that are left out."""
    async with boxes() as some:
        channel = channel_of(some, 0)
        one, two = Ear(), Ear()
        channel.listeners.update({one: None, two: None})
        message = object()
        channel.tell(message, "latest", ())
        channel.tell("a", "close", {one})
        assert one.heard == [(message, "latest")]
        assert two.heard == [(message, "latest"), ("a", "close")]
