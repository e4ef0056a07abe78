"""Which event loop runs."""

import asyncio

__all__ = ["is_asyncio"]


def is_asyncio() -> bool:
    """Whether the running task is one of asyncio's."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:  # no event loop of asyncio's
        return False
