"""Waiting until nothing moves, without real time."""

from typing import Final

import anyio
from anyio.lowlevel import checkpoint

from wsendpoints.lifecycle.ticker import running_ticker

__all__ = ["all_tasks_blocked"]

# Enough turns of the event loop for tasks that are under way. anyio's function looks again only
# after a tenth of a second on asyncio, so tests that call it too early take that long.
_TURNS: Final = 20


async def all_tasks_blocked() -> None:
    """Return once all other tasks wait for something, and what takes long has been found."""
    for _ in range(3):
        for _ in range(_TURNS):
            await checkpoint()
        running_ticker().look()
    await anyio.wait_all_tasks_blocked()
