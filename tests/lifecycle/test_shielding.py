"""What is shielded runs to its end, whatever cancels the task that waits for it."""

import asyncio
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from tests.waiting import all_tasks_blocked
from wsendpoints.lifecycle.shielding import run_shielded, uninterrupted

pytestmark = pytest.mark.anyio

asyncio_test = VIRTUAL_ASYNCIO
"""Only asyncio cancels a task natively: by `Task.cancel`, which no scope's shield stops."""


class Work:
    """Waits until it may end, and then returns.

    Attributes:
        go: When it may end.
        is_done: Whether it came to its end.
    """

    def __init__(self) -> None:
        self.go = anyio.Event()
        self.is_done = False

    async def __call__(self) -> str:
        """Wait."""
        await self.go.wait()
        await checkpoint()
        self.is_done = True
        return "done"


async def test_result_is_returned() -> None:
    """There is no cancellation to be raised, if none arrived."""
    work = Work()
    work.go.set()
    assert await run_shielded(work) == ("done", None)


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "meanwhile"])
async def test_cancelled_scope_waits_for_it(is_before: bool) -> None:
    """The cancellation of a scope arrives at the first wait behind it."""
    work = Work()
    results: list[object] = []

    async def run() -> None:
        with scope:
            if is_before:
                scope.cancel()
            results.append(await run_shielded(work))
            await checkpoint()
            results.append("not cancelled")

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await all_tasks_blocked()
        scope.cancel()
        await all_tasks_blocked()
        assert results == []
        work.go.set()
    assert results == [("done", None)]
    assert scope.cancelled_caught


@asyncio_test
@pytest.mark.parametrize("times", [1, 3])
async def test_native_cancellation_is_returned_at_the_end(times: int) -> None:
    """However often the task is cancelled; what to do about it is the caller's affair."""
    work = Work()
    task = asyncio.create_task(run_shielded(work))
    await all_tasks_blocked()
    for _ in range(times):
        task.cancel()
        await all_tasks_blocked()
        assert not task.done()
    work.go.set()
    result, cancellation = await task
    assert result == "done"
    assert isinstance(cancellation, asyncio.CancelledError)
    assert work.is_done


async def test_cancellation_that_arrived_is_raised() -> None:
    """In the end, in the place of the result."""
    assert uninterrupted("done", None) == "done"
    cancellation = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError) as info:
        uninterrupted("done", cancellation)
    assert info.value is cancellation


@asyncio_test
async def test_task_that_is_cancelled_before_it_waits_is_cancelled_at_the_end() -> None:
    """A cancellation that is on its way already does not arrive in the function either."""
    work = Work()
    work.go.set()
    found: list[tuple[object, BaseException | None]] = []

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        found.append(await run_shielded(work))

    await asyncio.create_task(run())
    ((result, cancellation),) = found
    assert result == "done"
    assert isinstance(cancellation, asyncio.CancelledError)


async def test_timeout_within_it_ends_what_it_limits() -> None:
    """A cancellation that comes from within goes where it belongs."""

    async def work() -> str:
        with anyio.move_on_after(5) as scope:
            await anyio.sleep_forever()
        assert scope.cancelled_caught
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            tasks.cancel_scope.cancel()
        return "done"

    assert await run_shielded(work) == ("done", None)


@asyncio_test
async def test_native_timeout_within_it_ends_what_it_limits() -> None:
    """Although it cancels by `Task.cancel`, as what comes from outside does."""

    async def work() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await anyio.sleep_forever()
        return "done"

    assert await run_shielded(work) == ("done", None)


async def test_function_runs_in_the_context_of_its_caller() -> None:
    """It may reset a context variable that was set before, and what it sets is seen after it."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    token = variable.set("before")

    async def work() -> str:
        await checkpoint()
        found = variable.get()
        variable.reset(token)
        found += f", {variable.get()}"
        variable.set("within")
        return found

    assert await run_shielded(work) == ("before, unset", None)
    assert variable.get() == "within"


@asyncio_test
async def test_event_loop_that_ends_cancels_it() -> None:
    """`asyncio.run` cancels all tasks at the end: then there is no result."""
    work = Work()
    others = asyncio.all_tasks()
    task = asyncio.create_task(run_shielded(work))
    await all_tasks_blocked()
    ended = asyncio.all_tasks() - others
    assert len(ended) == 2
    for each in ended:
        each.cancel()
    result, cancellation = await task
    assert result is None
    assert isinstance(cancellation, asyncio.CancelledError)
    assert not work.is_done
    assert all(each.done() for each in ended)
