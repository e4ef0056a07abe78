"""Which event loop runs."""

import asyncio
from typing import Any

__all__ = ["asyncio_task", "is_asyncio"]


def asyncio_task() -> asyncio.Task[Any] | None:
    """Return the running task, if it is one of asyncio's."""
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop of asyncio's
        return None


def is_asyncio() -> bool:
    """Whether the running task is one of asyncio's."""
    return asyncio_task() is not None
