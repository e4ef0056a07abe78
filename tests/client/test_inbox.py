"""The messages that nobody has taken yet."""

from contextlib import suppress

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.waiting import all_tasks_blocked
from wsendpoints.client.errors import ClosedError, QueueFullError
from wsendpoints.client.inbox import Inbox

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


@given(bound=st.integers(0, 3), takes=st.lists(st.booleans(), max_size=30))
def test_where_messages_are_missing_is_told(bound: int, takes: list[bool]) -> None:
    """There is no hole without an error, and no error without a hole."""
    taken: list[int | None] = []
    inbox: Inbox[int] = Inbox(bound, lambda: True)

    async def take() -> None:
        try:
            taken.append(await inbox.take())
        except QueueFullError:
            taken.append(None)

    async def put_and_take() -> None:
        for number, is_taken in enumerate(takes):
            await inbox.put(number)
            if is_taken:
                await take()
        await inbox.put(len(takes))
        inbox.end(EOFError)
        with suppress(EOFError):
            while True:
                await take()

    anyio.run(put_and_take)
    last, is_told = -1, False
    for it in [*taken, len(takes) + 1]:
        if it is None:
            is_told = True
        else:
            assert (it > last + 1) == is_told
            last, is_told = it, False


async def test_cancelled_take_loses_nothing() -> None:
    """What comes later is for the next one."""
    inbox: Inbox[int] = Inbox(1, lambda: False)
    with anyio.move_on_after(1) as scope:
        await inbox.take()
    assert scope.cancelled_caught
    await inbox.put(1)
    assert await inbox.take() == 1


async def test_who_waits_is_told_of_at_the_beginning() -> None:
    """It counts as waiting until as many messages are there as it waits for."""
    found: list[bool] = []
    inbox: Inbox[int] = Inbox(1, lambda: False, lambda: found.append(inbox.is_awaited))
    await inbox.put(1)
    await inbox.take()
    assert found == []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inbox.take)
        await all_tasks_blocked()
        inbox.notify()
        await all_tasks_blocked()
        assert found == [inbox.is_awaited] == [True]
        await inbox.put(1)
        assert not inbox.is_awaited


async def test_end_comes_behind_the_messages() -> None:
    """It is told to those who wait, and as often as somebody asks."""
    inbox: Inbox[int] = Inbox(2, lambda: False)
    await inbox.put(1)
    inbox.end(lambda: ClosedError(1008, "why"))
    assert await inbox.take() == 1
    for _ in range(2):
        with pytest.raises(ClosedError) as caught:
            await inbox.take()
        assert (caught.value.code, caught.value.reason) == (1008, "why")


async def test_normal_end_ends_a_loop() -> None:
    """Nothing has gone wrong."""
    inbox: Inbox[int] = Inbox(2, lambda: False)

    async def take() -> None:
        with pytest.raises(StopAsyncIteration):
            await inbox.take()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await all_tasks_blocked()
        inbox.end(StopAsyncIteration)
