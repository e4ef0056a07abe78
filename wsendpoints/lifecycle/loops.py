"""Which event loop runs."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

__all__ = [
    "asyncio_task",
    "at_once",
    "cancel_requests",
    "is_asyncio",
    "is_cancelled_itself",
    "is_of_scope",
    "open_groups",
]


def asyncio_task() -> asyncio.Task[Any] | None:
    """Return the running task, if it is one of asyncio's."""
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop of asyncio's
        return None


def cancel_requests() -> int:
    """Return how often the running task was cancelled natively, be it by anyio; on trio 0."""
    task = asyncio_task()
    return 0 if task is None else task.cancelling()


def is_cancelled_itself() -> bool:
    """Whether the running task was cancelled natively, be it by anyio."""
    return cancel_requests() > 0


def is_of_scope(exc: BaseException) -> bool:
    """Whether a cancellation of asyncio's is that of a scope of anyio's, and no native one."""
    # In anyio's words: "Cancelled via cancel scope 7f8b2c0d"; others have none.
    return "cancel scope " in str(exc)


def open_groups() -> Sequence[Any]:
    """Return the nurseries that the running task is within, if it is one of trio's."""
    if is_asyncio():
        return ()
    # Whoever runs its loop has imported it.
    trio: Any = sys.modules["trio"]
    nurseries: Sequence[Any] = trio.lowlevel.current_task().child_nurseries
    return nurseries


def at_once(trap: Any) -> Any:
    """Return the answer to a trap of trio's that only lets others run; `None` for any other.

    Trio may let none run, says its `checkpoint`.
    """
    if getattr(trap, "__name__", None) != "CancelShieldedCheckpoint":
        return None
    # What trio itself depends on.
    outcome: Any = sys.modules["outcome"]
    return outcome.Value(None)


def is_asyncio() -> bool:
    """Whether the running task is one of asyncio's."""
    return asyncio_task() is not None
