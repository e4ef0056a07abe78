"""Which event loop runs is known in its tasks."""

import asyncio
from typing import Any

import anyio
import pytest
import sniffio
import trio

from tests.clocks import VIRTUAL_ASYNCIO
from wsendpoints.lifecycle.loops import (
    at_once,
    is_asyncio,
    is_cancelled_itself,
    is_of_scope,
    open_groups,
)


@pytest.mark.anyio
async def test_task_knows_its_event_loop() -> None:
    """A task of asyncio's is one, and a task of trio's is none."""
    assert is_asyncio() is (sniffio.current_async_library() == "asyncio")


def test_no_event_loop_is_not_asyncio() -> None:
    """Nor is a callback of one, which is no task."""
    assert not is_asyncio()

    async def in_a_callback() -> bool:
        found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: found.set_result(is_asyncio()))
        return await found

    assert not asyncio.run(in_a_callback())


@pytest.mark.anyio
async def test_groups_are_known_on_trio() -> None:
    """The innermost last; asyncio has none of its own."""
    before = len(open_groups())
    async with anyio.create_task_group(), anyio.create_task_group() as inner:
        groups = open_groups()[before:]
        if sniffio.current_async_library() == "asyncio":
            assert groups == ()
        else:
            assert len(groups) == 2
            inner.cancel_scope.cancel()
            assert [group.cancel_scope.cancel_called for group in groups] == [False, True]
    assert len(open_groups()) == before


@pytest.mark.anyio
@VIRTUAL_ASYNCIO
async def test_task_knows_whether_it_is_cancelled() -> None:
    """Also while it cleans up."""
    log: list[bool] = []

    async def work() -> None:
        log.append(is_cancelled_itself())
        try:
            await asyncio.sleep(1)
        finally:
            log.append(is_cancelled_itself())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert log == [False, True]
    assert not is_cancelled_itself()


def test_no_task_is_not_cancelled() -> None:
    """Nor is what runs in none."""
    assert not is_cancelled_itself()


@pytest.mark.anyio
@VIRTUAL_ASYNCIO
async def test_cancellation_of_a_scope_is_told_from_a_native_one() -> None:
    """Both raise the same class."""
    log: list[bool] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.sleep(1)
        except asyncio.CancelledError as exc:
            log.append(is_of_scope(exc))
            raise
    assert log == [True]
    assert not is_of_scope(asyncio.CancelledError())


@pytest.mark.anyio
async def test_only_a_turn_of_others_is_answered_at_once() -> None:
    """Trio's that waits for nothing; asyncio has no such thing."""
    if is_asyncio():
        assert at_once(None) is None
        return
    cancel_shielded_checkpoint: Any = trio.lowlevel.cancel_shielded_checkpoint
    trap = next(cancel_shielded_checkpoint().__await__())
    assert at_once(trap).unwrap() is None
    assert at_once(object()) is None
