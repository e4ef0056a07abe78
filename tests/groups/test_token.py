"""An event loop is called from a thread."""

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest

from wsendpoints import InvalidStateError
from wsendpoints.groups.token import Token

pytestmark = pytest.mark.anyio


async def test_function_is_run_on_the_event_loop() -> None:
    """Its result comes back, and so does what it raises."""
    here = threading.get_ident()

    async def where() -> int:
        await anyio.lowlevel.checkpoint()
        return threading.get_ident()

    async def fail() -> None:
        raise KeyError

    token = Token()
    assert await anyio.to_thread.run_sync(token.run, where) == here
    with pytest.raises(KeyError):
        await anyio.to_thread.run_sync(token.run, fail)


async def test_event_loop_does_not_wait_for_itself() -> None:
    """It would for ever."""
    with pytest.raises(InvalidStateError, match="this thread runs an event loop"):
        Token().run(anyio.sleep_forever)


async def test_what_takes_too_long_is_cancelled() -> None:
    """A thread that waits is not held up for ever."""
    ends: list[str] = []

    async def hang() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ends.append("cancelled")

    async def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await anyio.to_thread.run_sync(Token().run, late, 60.0)
    with pytest.raises(TimeoutError):
        await anyio.to_thread.run_sync(Token().run, hang, 0.01)
    while not ends:
        await anyio.lowlevel.checkpoint()


def test_event_loop_that_is_closed_is_over() -> None:
    """As that of an earlier test."""

    async def token() -> Token:
        found = Token()
        assert not found.is_over
        return found

    assert asyncio.run(token()).is_over
