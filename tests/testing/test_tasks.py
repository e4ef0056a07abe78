"""Tests of how the tasks of an app are told from all others."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trio
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send
from wsendpoints.testing import LeftoverTasksError, connect
from wsendpoints.testing.tasks import AppTasks, running_loop

from .apps import echo

pytestmark = pytest.mark.anyio

on_asyncio = VIRTUAL_ASYNCIO

Tasks = list[asyncio.Task[None]]


def starting(tasks: Tasks, *functions: Callable[[], Coroutine[Any, Any, None]]) -> ASGIApp:
    """Return the echo app, which first starts each function in a task that it forgets."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for function in functions:
            tasks.append(asyncio.create_task(function(), name=function.__name__))
        await echo(scope, receive, send)

    return app


async def sleep() -> None:
    """Never end."""
    await anyio.sleep_forever()


async def fail_when_cancelled() -> None:
    """Turn a cancellation into another exception."""
    try:
        await anyio.sleep_forever()
    finally:
        raise ValueError("boom")


async def nest() -> None:
    """Start another task."""
    inner = asyncio.create_task(sleep(), name="inner")
    await inner


@on_asyncio
async def test_all_leftovers_are_named_and_cancelled(anyio_backend: object) -> None:
    """Leftover tasks are cancelled, whatever they make of it, and the tasks of tasks too."""
    tasks: Tasks = []
    app = starting(tasks, sleep, fail_when_cancelled, nest)
    with pytest.raises(LeftoverTasksError) as caught:
        async with connect(app):
            await checkpoint()
    assert caught.value.tasks == [
        "fail_when_cancelled (fail_when_cancelled)",
        "inner (sleep)",
        "nest (nest)",
        "sleep (sleep)",
    ]
    assert all(task.done() for task in tasks)


@on_asyncio
async def test_a_task_that_survives_its_cancellation(anyio_backend: object) -> None:
    """A task that does not even end when cancelled is left alone after the limit."""
    release = asyncio.Event()

    async def stubborn() -> None:
        with anyio.CancelScope(shield=True):
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

    tasks: Tasks = []
    with pytest.raises(LeftoverTasksError, match=r"stubborn \(.*stubborn\)"):
        async with connect(starting(tasks, stubborn), timeout=0.01):
            await checkpoint()
    assert not tasks[0].done()
    release.set()
    await tasks[0]


@on_asyncio
async def test_tasks_that_are_about_to_end_are_no_leftovers(anyio_backend: object) -> None:
    """A task gets a few turns of the loop to end."""
    is_over = asyncio.Event()
    tasks: Tasks = []

    async def finishing() -> None:
        await is_over.wait()
        await checkpoint()

    async with connect(starting(tasks, finishing)) as client:
        is_over.set()
        await client.close()
    assert tasks[0].done()


@on_asyncio
async def test_tasks_of_others_are_not_blamed(anyio_backend: object) -> None:
    """Neither the test's own tasks nor those of another connection's app are leftovers."""
    tasks: Tasks = []
    mine = [asyncio.create_task(sleep())]
    with pytest.raises(LeftoverTasksError) as caught:
        async with connect(starting(tasks, sleep)):
            mine.append(asyncio.create_task(sleep()))
            async with connect(echo):
                mine.append(asyncio.create_task(sleep()))
    assert caught.value.tasks == ["sleep (sleep)"]
    assert not any(task.done() for task in mine)
    for task in mine:
        task.cancel()
    await asyncio.wait(mine)


@on_asyncio
async def test_the_loops_task_factory_comes_back(anyio_backend: object) -> None:
    """The loop's own task factory goes on making tasks, and is back after the last connection."""
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        made.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    try:
        async with connect(echo):
            async with connect(echo):
                assert loop.get_task_factory() is not factory
            assert loop.get_task_factory() is not factory
        assert loop.get_task_factory() is factory
    finally:
        loop.set_task_factory(None)
    assert made == ["Server._run", "Server._run"]


@on_asyncio
async def test_a_task_factory_that_was_put_on_top_stays(anyio_backend: object) -> None:
    """What somebody else set in the meantime is not taken away."""
    loop = asyncio.get_running_loop()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        return asyncio.Task(coroutine, loop=loop, **options)

    try:
        async with connect(echo):
            loop.set_task_factory(factory)
        assert loop.get_task_factory() is factory
    finally:
        loop.set_task_factory(None)


@pytest.fixture
def eager_task_factory(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return asyncio's, or before Python 3.12 one of its shape, which starts nothing eagerly."""
    if "eager_task_factory" not in vars(asyncio):

        def create_eager_task_factory(constructor: Any) -> Any:
            def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
                return constructor(coroutine, loop=loop, **options)

            return factory

        create: Any = create_eager_task_factory
        monkeypatch.setattr(asyncio, "create_eager_task_factory", create, raising=False)
        monkeypatch.setattr(asyncio, "eager_task_factory", create(asyncio.Task), raising=False)
    return vars(asyncio)["eager_task_factory"]


@pytest.fixture
async def eager_loop(anyio_backend: object, eager_task_factory: Any) -> AsyncGenerator[None]:
    """Have the test's tasks made by it."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(eager_task_factory)
    yield
    assert loop.get_task_factory() is eager_task_factory
    loop.set_task_factory(None)


@on_asyncio
async def test_a_conversation_with_eager_tasks(anyio_backend: object, eager_loop: None) -> None:
    """Under an eager task factory the app's task runs at once, and all else as usual."""
    async with connect(echo) as client, connect(echo) as other:
        for each in (client, other):
            await each.send("x")
            assert await each.receive() == "x"
        await client.close()
        other.cancel_app()
        await other.wait_for_app()


@on_asyncio
async def test_an_app_that_ends_at_once_with_eager_tasks(
    anyio_backend: object, eager_loop: None
) -> None:
    """An app may be over before its task is known to anybody."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        async with connect(app):
            pytest.fail("never entered")


@on_asyncio
async def test_leftovers_with_eager_tasks(anyio_backend: object, eager_loop: None) -> None:
    """Tasks that an eager factory makes are noted, unless they ended while it made them."""
    tasks: Tasks = []

    async def ends_at_once() -> None:
        pass

    with pytest.raises(LeftoverTasksError) as caught:
        async with connect(starting(tasks, sleep, ends_at_once)):
            await checkpoint()
    assert [name.rpartition(" ")[2] for name in caught.value.tasks] == ["(sleep)"]
    assert all(task.done() for task in tasks)


@on_asyncio
async def test_task_groups_of_anyio_with_eager_tasks(
    anyio_backend: object, eager_loop: None
) -> None:
    """A task of a group that enters a cancel scope at once leaves it, while a client is there."""
    slept: list[bool] = []

    async def nap() -> None:
        with anyio.move_on_after(0) as scope:
            await anyio.sleep_forever()
        slept.append(scope.cancelled_caught)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(nap)
            await echo(scope, receive, send)

    async with connect(app) as client:
        await client.send("x")
        assert await client.receive() == "x"
    assert slept == [True]


@on_asyncio
async def test_trio_need_not_be_installed(
    anyio_backend: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without trio, the tests run on asyncio."""
    monkeypatch.delitem(sys.modules, "trio")
    async with connect(echo) as client:
        await client.send("x")
        assert await client.receive() == "x"


@on_asyncio
async def test_ending_what_was_not_started(anyio_backend: object) -> None:
    """Ending twice, or before the start, finds nothing."""
    assert await AppTasks().end(1.0) == []


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_tasks_are_the_nurserys(anyio_backend: object) -> None:
    """There is nothing to note, and the app's task is there all the same."""
    name: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        name.append(trio.lowlevel.current_task().name)
        await echo(scope, receive, send)

    async with connect(app, "/x") as client:
        await client.send("x")
        assert await client.receive() == "x"
    assert name == ["app at /x"]


async def test_the_event_loop_that_runs_is_known() -> None:
    """It is the same in all of its tasks, and another thread has none."""
    assert running_loop() is running_loop() is not None
    assert await anyio.to_thread.run_sync(running_loop) is None
