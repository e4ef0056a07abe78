"""The messages that nobody has taken yet."""

import anyio
import pytest

from tests.waiting import all_tasks_blocked
from wsendpoints.client.errors import ClosedError, QueueFullError
from wsendpoints.client.inbox import Inbox
from wsendpoints.client.socket import Close

pytestmark = pytest.mark.anyio


async def test_messages_are_taken_in_order() -> None:
    """Who takes waits for one; what is put in is taken once."""
    inbox: Inbox[int] = Inbox(10, lambda: False)
    taken: list[int] = []

    async def take() -> None:
        taken.append(await inbox.take())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        tasks.start_soon(take)
        await all_tasks_blocked()
        assert taken == []
        await inbox.put(1)
        await inbox.put(2)
    assert taken == [1, 2]


async def test_full_inbox_makes_the_next_message_wait() -> None:
    """There is room once one is taken."""
    inbox: Inbox[int] = Inbox(1, lambda: False)
    await inbox.put(1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inbox.put, 2)
        await all_tasks_blocked()
        assert await inbox.take() == 1
    assert await inbox.take() == 2


async def test_full_inbox_in_a_hurry_drops_messages_and_tells() -> None:
    """What waits for room is dropped as well; the others are taken first."""
    is_in_a_hurry = False
    inbox: Inbox[int] = Inbox(1, lambda: is_in_a_hurry)
    await inbox.put(1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inbox.put, 2)
        await all_tasks_blocked()
        is_in_a_hurry = True
        inbox.notify()
    await inbox.put(3)
    assert await inbox.take() == 1
    with pytest.raises(QueueFullError):
        await inbox.take()
    await inbox.put(4)
    assert await inbox.take() == 4


async def test_cancelled_take_loses_nothing() -> None:
    """What comes later is for the next one."""
    inbox: Inbox[int] = Inbox(1, lambda: False)
    with anyio.move_on_after(1) as scope:
        await inbox.take()
    assert scope.cancelled_caught
    await inbox.put(1)
    assert await inbox.take() == 1


async def test_end_comes_behind_the_messages() -> None:
    """It is told to those who wait, and as often as somebody asks."""
    inbox: Inbox[int] = Inbox(2, lambda: False)
    await inbox.put(1)
    inbox.end(Close(1008, "why"))
    assert await inbox.take() == 1
    for _ in range(2):
        with pytest.raises(ClosedError) as caught:
            await inbox.take()
        assert (caught.value.code, caught.value.reason) == (1008, "why")


async def test_normal_end_ends_a_loop() -> None:
    """With code 1000 nothing has gone wrong."""
    inbox: Inbox[int] = Inbox(2, lambda: False)

    async def take() -> None:
        with pytest.raises(StopAsyncIteration):
            await inbox.take()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await all_tasks_blocked()
        inbox.end(Close(1000))
