"""What model-based tests share: they look at what is there before and after each run."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from typing import cast

import pytest
import trio

__all__ = ["count_tasks", "leaves", "log", "small_heap"]


def leaves(exc: BaseException) -> list[BaseException]:
    """Return the exceptions in a group, or the one exception."""
    if isinstance(exc, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", exc)
        return [leaf for each in group.exceptions for leaf in leaves(each)]
    return [exc]


def count_tasks(is_trio: bool) -> int:
    """Return how many tasks there are."""
    if is_trio:
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


@pytest.fixture(autouse=True, scope="module")
def small_heap() -> None:
    """Have the garbage collector, which runs often here, skip what earlier tests made."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def log() -> Iterator[None]:
    """Have each record read and none kept: its exception would keep the endpoint alive."""

    def read(record: logging.LogRecord) -> bool:
        record.getMessage()
        return False

    logger = logging.getLogger("wsendpoints")
    logger.addFilter(read)
    yield
    logger.removeFilter(read)
