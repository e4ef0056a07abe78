"""What waits for one client: in order, within bounds, and gone once the client is."""

import asyncio
from typing import Any, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.connection.connections import Noting
from tests.connection.outboxes import Box, boxes, message
from tests.waiting import all_tasks_blocked
from wsendpoints import InvalidStateError, WebSocketDisconnect
from wsendpoints.connection.outbox import Overflow, size_of
from wsendpoints.protocol.state import BROKEN, DISCONNECTED, OPEN

pytestmark = pytest.mark.anyio

CLOSE: Final = {"type": "websocket.close", "code": 1000, "reason": ""}


async def test_message_is_sent_at_once_and_leaves_nothing() -> None:
    """Where the server has no need to wait."""
    async with boxes() as some:
        one = some.open()
        assert [some.post("1"), some.post("2")] == [1, 1]
        await all_tasks_blocked()
        assert one.sent == ["1", "2"]
        assert not one.box.is_busy
        assert (one.box.dropped, one.log) == (0, [])


async def test_messages_replies_and_pushes_keep_their_order() -> None:
    """The first one waits for the server, and the others for that."""
    async with boxes() as some:
        one, gate = some.open(), anyio.Event()
        one.gate = gate
        some.post("1")
        some.tasks.start_soon(one.push, "2")
        await all_tasks_blocked()
        some.post("3")
        some.post("4")
        for text in "56":
            some.tasks.start_soon(one.push, text)
            await all_tasks_blocked()
        assert one.sent == []
        number, size = one.box.waiting
        assert number == size > 1
        gate.set()
        await all_tasks_blocked()
        assert one.sent == ["1", "2", "3", "4", "5", "6"]
        assert one.box.waiting == (0, 0)
        assert not one.box.is_busy


async def test_message_waits_behind_a_push() -> None:
    """Which sends in a task of its own."""
    async with boxes() as some:
        one, gate = some.open(), anyio.Event()
        one.gate = gate
        some.tasks.start_soon(one.push, "1")
        await all_tasks_blocked()
        some.post("2")
        assert one.box.is_busy
        gate.set()
        await all_tasks_blocked()
        assert one.sent == ["1", "2"]
        assert one.box.delayed == 1


async def test_push_that_is_cancelled_before_its_turn_breaks_nothing() -> None:
    """Nothing of it is sent."""
    async with boxes() as some:
        one, scope = some.open(), anyio.CancelScope()
        stuck(one)
        some.post("1")

        async def push() -> None:
            with scope:
                await one.push("never")

        some.tasks.start_soon(push)
        await all_tasks_blocked()
        some.post("2")
        scope.cancel()
        await all_tasks_blocked()
        assert await drained(one) == ["1", "2"]
        assert one.connection.state is OPEN
        assert not one.box.is_busy


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_push_that_is_cancelled_as_its_turn_comes_gives_it_on() -> None:
    """Natively: nothing of it is sent."""
    async with boxes() as some:
        one = some.open()
        stuck(one)
        some.post("1")
        task = asyncio.ensure_future(one.push("never"))
        await all_tasks_blocked()
        some.post("2")
        gate, one.gate = one.gate, None
        assert gate is not None
        gate.set()
        while one.sent != ["1"]:
            await checkpoint()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await all_tasks_blocked()
        assert one.sent == ["1", "2"]
        assert one.connection.state is OPEN
        assert not one.box.is_busy


async def test_push_that_is_cancelled_half_way_breaks_the_connection() -> None:
    """As without an outbox; what waits for it is dropped."""
    async with boxes() as some:
        one, scope = some.open(), anyio.CancelScope()
        one.gate = anyio.Event()

        async def push() -> None:
            with scope:
                await one.push("1")

        some.tasks.start_soon(push)
        await all_tasks_blocked()
        assert some.post("2") == 1
        scope.cancel()
        await all_tasks_blocked()
        assert one.connection.state is BROKEN
        assert some.post("3") == 0
        assert one.sent == []
        assert not one.box.is_busy


async def test_close_goes_past_what_waits() -> None:
    """What waits is dropped then."""
    async with boxes() as some:
        one = some.open()
        one.gate = anyio.Event()
        some.post("1")
        some.post("2")
        one.gate = None
        await one.connection.transmit(CLOSE)
        assert one.sent == ["websocket.close"]
        await all_tasks_blocked()
        assert one.sent == ["websocket.close"]
        assert some.post("3") == 0


async def test_push_that_waits_learns_of_the_end() -> None:
    """Of the disconnect by that exception, and of a close by another."""
    async with boxes() as some:
        log: list[str] = []

        async def push(box: Box) -> None:
            try:
                await box.push("never")
            except (WebSocketDisconnect, InvalidStateError) as exc:
                log.append(type(exc).__name__)

        for end in ("left", "closed"):
            one = some.open()
            one.gate = anyio.Event()
            some.post("1", to=[one])
            some.tasks.start_soon(push, one)
            await all_tasks_blocked()
            if end == "left":
                one.connection.disconnected({"type": "websocket.disconnect", "code": 1001})
            else:
                one.gate = None
                await one.connection.transmit(CLOSE)
            await all_tasks_blocked()
        assert log == ["WebSocketDisconnect", "WebSocketDisconnect"]


async def test_client_that_is_found_gone_is_told_to_nobody_else() -> None:
    """Neither at once, nor later."""
    async with boxes() as some:
        one, other, late = (some.open() for _ in range(3))
        gate = late.gate = anyio.Event()
        one.fails = late.fails = OSError("gone")
        some.post("1")
        await all_tasks_blocked()
        assert one.connection.state is DISCONNECTED
        assert some.post("2") == 2
        gate.set()
        await all_tasks_blocked()
        assert late.connection.state is DISCONNECTED
        assert other.sent == ["1", "2"]
        assert one.log == late.log == []
        assert one.sent == late.sent == []


async def test_failure_before_the_server_is_its_own_connections() -> None:
    """Of a middleware, say; the others get the message, and the publisher no exception."""
    async with boxes() as some:
        one, other, late = (some.open() for _ in range(3))
        gate = late.gate = anyio.Event()
        one.fails, late.fails = KeyError("one"), KeyError("late")
        some.post("1")
        await all_tasks_blocked()
        gate.set()
        await all_tasks_blocked()
        assert (one.log, late.log, other.log) == ([one.fails], [late.fails], [])
        assert other.sent == ["1"]


# Clients that read too slowly.


def stuck(box: Box) -> None:
    """Have the next send wait for ever."""
    box.gate = anyio.Event()


async def drained(box: Box) -> list[str]:
    """Return what is sent once the client reads."""
    gate, box.gate = box.gate, None
    assert gate is not None
    gate.set()
    await all_tasks_blocked()
    return box.sent


async def test_over_the_limit_it_is_closed() -> None:
    """At once it is no member of anything; what waits is dropped."""
    async with boxes() as some:
        one, ended = some.open(outbox=2), list[str]()
        one.connection.at_end(lambda: ended.append("ended"))
        stuck(one)
        posted = [some.post(text) for text in "12345"]
        assert ended == ["ended"]
        assert one.log[0] == "outbox"
        await all_tasks_blocked()
        assert sum(posted) in {2, 3}
        assert posted[-1] == 0
        assert some.post("6") == 0


async def test_bytes_are_bounded_too() -> None:
    """But one message always fits."""
    async with boxes() as some:
        one = some.open(outbox_bytes=10)
        stuck(one)
        assert some.post("1") == 1
        await all_tasks_blocked()
        assert some.post("x" * 100) == 1
        assert some.post("2") == 0
        assert one.log[0] == "outbox_bytes"


@pytest.mark.parametrize(
    ("overflow", "sent"),
    [
        ("drop_oldest", ["0", "4", "5"]),
        ("drop_newest", ["0", "1", "2"]),
        ("latest", ["0", "5"]),
    ],
)
async def test_what_may_be_dropped_is(overflow: Overflow, sent: list[str]) -> None:
    """The connection goes on."""
    async with boxes() as some:
        one = some.open(outbox=2)
        stuck(one)
        some.post("0", overflow, "key")
        await all_tasks_blocked()
        for text in "12345":
            some.post(text, overflow, "key")
        assert one.box.dropped == 5 - len(sent) + 1
        assert await drained(one) == sent
        assert one.log == []


async def test_latest_is_that_of_its_group() -> None:
    """One of another group stays."""
    async with boxes() as some:
        one = some.open()
        stuck(one)
        some.post("0")
        await all_tasks_blocked()
        for text, key in (("a1", "a"), ("b1", "b"), ("a2", "a")):
            some.post(text, "latest", key)
        assert await drained(one) == ["0", "a2", "b1"]


async def test_what_may_not_be_dropped_takes_the_place_of_what_may() -> None:
    """Pushes that wait are no messages, and count for nothing."""
    async with boxes() as some:
        one = some.open(outbox=2)
        stuck(one)
        some.post("0")
        await all_tasks_blocked()
        some.tasks.start_soon(one.push, "push")
        await all_tasks_blocked()
        some.post("1", "drop_oldest")
        some.post("2", "drop_newest")
        some.post("3")
        assert some.post("4", "drop_newest") == 0
        assert some.post("5", "drop_oldest") == 0
        assert await drained(one) == ["0", "push", "2", "3"]


async def test_no_limit_is_none() -> None:
    """Where the application says so."""
    async with boxes() as some:
        one = some.open(outbox=None, outbox_bytes=None)
        stuck(one)
        for number in range(1000):
            some.post(str(number))
        assert len(await drained(one)) == 1000


async def test_outbox_that_is_half_full_is_crowded() -> None:
    """If its messages may not be dropped; until a quarter of them are left."""
    async with boxes() as some:
        one = some.open(outbox=8)
        stuck(one)
        some.post("0")
        await all_tasks_blocked()
        for text in "12345":
            some.post(text, "drop_newest")
        assert some.posting.crowded == {}
        some.post("6")
        assert [*some.posting.crowded] == [one.box]
        assert await drained(one) == [*"0123456"]
        assert some.posting.crowded == {}
        stuck(one)
        for text in "0123456":
            some.post(text)
        await all_tasks_blocked()
        assert [*some.posting.crowded] == [one.box]
        one.box.release()
        assert some.posting.crowded == {}


async def test_send_that_is_abandoned_awaits_nothing_more() -> None:
    """As by an event loop that ends."""
    async with boxes() as some:
        one = some.open()
        stuck(one)
        steps = one.box.raw(message("1")).__await__()
        delivering = one.box.deliver(steps, next(steps)).__await__()
        next(delivering)
        delivering.close()
        assert (one.sent, one.log) == ([], [])
        assert one.connection.state is OPEN


# The end.


async def test_end_leaves_nothing() -> None:
    """The connection has the server's `send` back."""
    async with boxes() as some:
        one = some.open()
        raw = one.box.raw
        stuck(one)
        some.post("1")
        some.post("2")
        await all_tasks_blocked()
        one.connection.ended()
        one.box.release()
        await all_tasks_blocked()
        assert one.box.is_closed
        assert one.sent == []
        assert one.box.raw == raw
        assert some.post("3") == 0


async def test_send_of_a_released_outbox_is_the_servers() -> None:
    """Whoever still holds it sends as without it."""
    async with boxes() as some:
        one = some.open()
        one.box.release()
        await one.box.send(message("1"))
        assert one.sent == ["1"]


async def test_time_of_a_message_that_has_to_wait_is_counted() -> None:
    """As that of a push is: a client that does not read is found by it."""
    async with boxes() as some:
        one = some.open()
        stuck(one)
        some.post("1")
        await all_tasks_blocked()
        sends = one.connection.mark_sends()
        assert sends is not None
        assert sends.under_way == 1
        await drained(one)
        assert not sends.are_under_way


async def test_message_that_has_to_wait_is_told_as_a_push_is() -> None:
    """When it begins to wait, and when it ends."""
    async with boxes() as some:
        one, listener = some.open(), Noting()
        one.connection.listen(listener)
        one.connection.tells_sends = one.connection.tells_sent = True
        some.post("0")
        await all_tasks_blocked()
        before = [*listener.told]
        stuck(one)
        some.post("1")
        await all_tasks_blocked()
        assert listener.told == [*before, "send"]
        await drained(one)
        assert listener.told == [*before, "send", "sent"]


@pytest.mark.parametrize(
    ("event", "size"),
    [
        ({"type": "websocket.send", "text": "abc"}, 3),
        ({"type": "websocket.send", "bytes": b"ab"}, 2),
        ({"type": "websocket.send", "text": None, "bytes": b"ab"}, 2),
    ],
)
def test_message_counts_for_its_length(event: dict[str, Any], size: int) -> None:
    """Of text in characters."""
    assert size_of(event) == size
