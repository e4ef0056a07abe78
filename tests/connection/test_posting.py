"""Sending to many by a task of each connection, as on trio."""

import anyio
import pytest

from tests.connection.outboxes import boxes
from tests.waiting import all_tasks_blocked
from wsendpoints.connection.posting import PostingByTasks
from wsendpoints.protocol.state import BROKEN

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["trio"])]


async def test_publisher_waits_for_none() -> None:
    """All is sent by tasks of the connections, also where the server has no need to wait."""
    async with boxes() as some:
        slow, quick = some.open(), some.open()
        assert isinstance(some.posting, PostingByTasks)
        slow.gate = anyio.Event()
        assert some.post("1") == 2
        assert quick.sent == []
        await all_tasks_blocked()
        assert some.post("2") == 2
        await all_tasks_blocked()
        assert (slow.sent, quick.sent) == ([], ["1", "2"])
        slow.gate.set()
        await all_tasks_blocked()
        assert slow.sent == ["1", "2"]


async def test_client_that_is_gone_gets_nothing() -> None:
    """Nor one whose connection is broken, or closed over a limit."""
    async with boxes() as some:
        gone, broken, full, other = (some.open(outbox=1) for _ in range(4))
        full.gate = anyio.Event()
        for text in "12":
            some.post(text, to=[full])
            await all_tasks_blocked()
        gone.box.release()
        broken.connection.state = BROKEN
        assert some.post("3") == 1
        assert full.log[0] == "outbox"
        assert some.post("4", to=[gone, broken, full]) == 0
        await all_tasks_blocked()
        assert other.sent == ["3"]


async def test_task_that_is_cancelled_breaks_its_connection() -> None:
    """As its connection ends."""
    async with boxes() as some:
        one = some.open()
        one.gate = anyio.Event()
        some.post("1")
        await all_tasks_blocked()
        some.post("2")
        some.tasks.cancel_scope.cancel()
    assert one.connection.state is BROKEN
    assert one.log == ["Cancelled"]
    assert not one.box.is_busy
