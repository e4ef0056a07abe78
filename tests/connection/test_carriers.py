"""Sends that others begin in the name of spare tasks: each belongs to one task, from first to last.

Here a `send` holds what belongs to a task, as those of middlewares do, and has to wait.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import anyio
import pytest

from tests.clocks import VIRTUAL_ASYNCIO
from tests.connection.outboxes import Box, boxes
from tests.waiting import all_tasks_blocked
from wsendpoints.connection.carriers import running_posting
from wsendpoints.protocol.state import BROKEN, DISCONNECTED, OPEN

pytestmark = [pytest.mark.anyio, VIRTUAL_ASYNCIO]

Held: Final = contextvars.ContextVar("Held", default=0)


async def in_a_scope(wait: Coroutine[Any, Any, None]) -> None:
    """Hold a cancel scope."""
    with anyio.fail_after(1000):
        await wait


async def in_a_timeout(wait: Coroutine[Any, Any, None]) -> None:
    """Hold a timeout of asyncio's."""
    async with asyncio.timeout(1000):
        await wait


async def in_a_context(wait: Coroutine[Any, Any, None]) -> None:
    """Hold the token of a context variable."""
    token = Held.set(Held.get() + 1)
    try:
        await wait
    finally:
        Held.reset(token)


async def in_a_group(wait: Coroutine[Any, Any, None]) -> None:
    """Hold a task group."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(awaiting, wait)


async def awaiting(wait: Awaitable[None]) -> None:
    """Await something."""
    await wait


def in_a_lock() -> Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]]:
    """Return what holds a lock."""
    lock = anyio.Lock()

    async def locked(wait: Coroutine[Any, Any, None]) -> None:
        async with lock:
            await wait

    return locked


HOLDING: Final = [in_a_scope, in_a_timeout, in_a_context, in_a_group, in_a_lock()]

each_holding = pytest.mark.parametrize("holding", HOLDING, ids=lambda it: it.__name__)


def tasks_of_carriers() -> list[asyncio.Task[Any]]:
    """Return the spare tasks that there are."""
    return [task for task in asyncio.all_tasks() if task.get_name() == "wsendpoints carrier"]


async def open_gate(box: Box) -> None:
    """Let what waits be sent."""
    gate, box.gate = box.gate, None
    assert gate is not None
    gate.set()
    await all_tasks_blocked()


@each_holding
async def test_g09_what_a_send_holds_belongs_to_its_task(holding: Any) -> None:
    """Neither the publisher is harmed, nor the member, nor another one."""
    async with boxes() as some:
        slow, quick = some.open(), some.open()
        slow.holds, slow.gate = holding, anyio.Event()
        publisher = asyncio.current_task()
        for text in "123":
            some.post(text)
            assert asyncio.current_task() is publisher
        assert Held.get() == 0
        await all_tasks_blocked()
        assert (slow.sent, quick.sent) == ([], ["1", "2", "3"])
        await open_gate(slow)
        assert slow.sent == ["1", "2", "3"]
        assert slow.log == []
        assert slow.connection.state is OPEN
        with anyio.fail_after(5):
            await anyio.sleep(1)


async def test_g09_timeout_that_passes_ends_its_own_send() -> None:
    """It is the failure of the middleware, or a disconnect, as it says; the publisher goes on."""

    async def impatient(wait: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(1):
            await wait

    async with boxes() as some:
        slow, quick = some.open(), some.open()
        slow.holds, slow.gate = impatient, anyio.Event()
        some.post("1")
        await anyio.sleep(2)
        assert slow.connection.state is DISCONNECTED
        some.post("2")
        assert quick.sent == ["1", "2"]


@pytest.mark.parametrize("is_new", [True, False], ids=["a new task", "a spare task"])
async def test_timeout_that_passes_at_once_reaches_the_send(is_new: bool) -> None:
    """Before the task has gone on with it."""

    async def hasty(wait: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(0):
            await wait

    async with boxes() as some:
        slow = some.open()
        if not is_new:
            some.post("0")
            await all_tasks_blocked()
        slow.holds, slow.gate = hasty, anyio.Event()
        some.post("1")
        await all_tasks_blocked()
        assert slow.connection.state is DISCONNECTED


async def test_send_that_swallows_its_cancellation_goes_on() -> None:
    """It counts as sent. Its task is used no more."""

    async def deaf(wait: Coroutine[Any, Any, None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        with suppress(asyncio.CancelledError):
            await wait

    async with boxes() as some:
        one = some.open()
        one.holds, one.gate = deaf, anyio.Event()
        some.post("1")
        await all_tasks_blocked()
        assert one.sent == ["1"]
        # The other one is in whose name the next send would have begun.
        assert len(tasks_of_carriers()) == 1
        one.holds = one.gate = None
        some.post("2")
        assert one.sent == ["1", "2"]


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "late"])
async def test_l07_what_a_send_awaited_was_cancelled(is_late: bool) -> None:
    """The publisher is not cancelled by it, and the connection is broken."""

    async def awaits_cancelled(wait: Coroutine[Any, Any, None]) -> None:
        await wait
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with boxes() as some:
        one, other = some.open(), some.open()
        one.holds = awaits_cancelled
        one.gate = anyio.Event() if is_late else None
        some.post("1")
        some.post("2", to=[one])
        if is_late:
            await open_gate(one)
        await all_tasks_blocked()
        assert one.log == ["CancelledError"]
        assert one.connection.state is BROKEN
        assert other.sent == ["1"]
        assert some.post("3") == 1


async def test_spare_tasks_are_used_again() -> None:
    """As many as sends wait at once."""
    async with boxes() as some:
        for _ in range(3):
            some.open().gate = anyio.Event()
        for _ in range(5):
            some.post("x")
        await all_tasks_blocked()
        # One more is in whose name the next send begins.
        assert len(tasks_of_carriers()) == 4
        for one in some.all:
            await open_gate(one)
        for one in some.all:
            one.gate = anyio.Event()
        some.post("y")
        assert len(tasks_of_carriers()) == 4
        for one in some.all:
            await open_gate(one)
            assert one.sent == [*"xxxxxy"]


async def test_spare_tasks_end_with_the_last_client() -> None:
    """Whether they wait for the next send, or hold one."""
    async with boxes() as some:
        for _ in range(3):
            some.open().gate = anyio.Event()
        some.post("x")
        await all_tasks_blocked()
        assert tasks_of_carriers()
    await all_tasks_blocked()
    assert tasks_of_carriers() == []


async def test_last_client_may_leave_as_it_is_sent_to() -> None:
    """No task is left then."""
    async with boxes() as some:
        one = some.open()
        one.fails = OSError("gone")
        assert some.post("x") == 0
        await all_tasks_blocked()
        assert tasks_of_carriers() == []


async def test_client_may_leave_as_what_waited_is_sent() -> None:
    """Its task is not cancelled by that, and goes on for others."""
    async with boxes() as some:
        one, other = some.open(), some.open()
        one.gate, one.fails = anyio.Event(), OSError("gone")
        some.post("1")
        await open_gate(one)
        assert one.connection.state is DISCONNECTED
        other.gate = anyio.Event()
        some.post("2")
        await open_gate(other)
        assert other.sent == ["1", "2"]


async def test_sending_from_a_callback() -> None:
    """Where no task is the publisher."""
    async with boxes() as some:
        one = some.open()
        asyncio.get_running_loop().call_soon(some.post, "x")
        await all_tasks_blocked()
        assert one.sent == ["x"]
        assert asyncio.current_task() is not None


async def test_sends_to_many_on_one_event_loop() -> None:
    """There is one place for that on each."""
    assert running_posting() is running_posting()


async def test_no_more_tasks_are_kept_than_are_of_use() -> None:
    """After thousands of clients that did not read."""
    async with boxes() as some:
        gate = anyio.Event()
        for _ in range(1100):
            some.open().gate = gate
        some.post("x")
        await all_tasks_blocked()
        assert len(tasks_of_carriers()) == 1101
        gate.set()
        await all_tasks_blocked()
        assert len(tasks_of_carriers()) == 1024
