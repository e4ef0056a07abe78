"""A task of a connection can be cancelled alone, and waited for."""

import anyio
import pytest

from tests.connection.connections import S, connection_in
from tests.fake_server import FakeServer
from tests.waiting import all_tasks_blocked
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.lifecycle.tasks import Tasks

pytestmark = pytest.mark.anyio


async def test_task_may_be_cancelled_alone() -> None:
    """It has time to clean up; once it has ended, nothing is left to cancel."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()), 10)
    log: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(5)
            log.append("clean")

    async with tasks:
        handle, other = (TaskHandle(tasks, tasks.start(work, ())) for _ in range(2))
        await all_tasks_blocked()
        handle.cancel()
        handle.cancel()
        with anyio.move_on_after(1) as scope:
            await handle.wait()
        assert scope.cancelled_caught
        await handle.wait()
        assert log == ["clean"]
        handle.cancel()
        other.cancel()
        await other.wait()
        await other.wait()
    assert log == ["clean"] * 2
    assert tasks.failure is None


async def test_task_that_never_began_needs_no_cancellation() -> None:
    """All is being ended already."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    async with tasks:
        tasks.end()
        one = tasks.start(anyio.sleep_forever, ())
        assert one is None
        handle = TaskHandle(tasks, one)
        handle.cancel()
        await handle.wait()
