"""An event loop is called from a thread."""

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
