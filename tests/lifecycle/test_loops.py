"""Which event loop runs is known in its tasks."""

import asyncio

import pytest
import sniffio

from wsendpoints.lifecycle.loops import is_asyncio


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
