"""Draining: no client may connect any more, and those that are connected leave one by one."""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Final

import anyio
from anyio.lowlevel import RunVar

from wsendpoints.handshake.admission import Admission
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["drain"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_LOOP: Final = RunVar[object]("wsendpoints.draining")
"""What stands for an event loop."""


async def drain(admissions: Sequence[Admission], over: object, name: str) -> None:
    """Refuse new clients of some classes, and close their connections; return once all have ended.

    Cancelling it leaves those open whose turn has not come yet. New clients are refused all the
    same. Any number of tasks may drain the same classes.

    Args:
        admissions: Those of the classes.
        over: Seconds over which the connections are closed, evenly.
        name: What is drained, for the log and the text of an error.

    Raises:
        ConfigurationError: `over` is no time.
    """
    if isinstance(over, bool) or not (isinstance(over, int | float) and 0 <= over < math.inf):
        raise ConfigurationError(f"{name}.drain(over={over!r}): use seconds, 0 or more")
    draining = _while_it_runs()
    for each in admissions:
        each.draining = draining
    lifecycles = [it for each in admissions for it in each.open]
    logger.info("%s is drained over %g s: %d open", name, over, len(lifecycles))
    start = anyio.current_time()
    deadline = Deadline("drain", over, CloseCode.SERVICE_RESTART, logging.DEBUG)
    async with anyio.create_task_group() as group:
        for number, lifecycle in enumerate(lifecycles):
            await anyio.sleep_until(start + over * number / len(lifecycles))
            group.start_soon(lifecycle.leave, deadline)
        for each in admissions:
            await _emptied(each)


def _while_it_runs() -> Callable[[], bool]:
    """Return a function that returns whether it is called in the event loop that runs now.

    A process serves in one, and ends with it. Each test of an application has one of its own.
    """
    here = _LOOP.get(None) or object()
    _LOOP.set(here)
    return lambda: _LOOP.get(None) is here


async def _emptied(admission: Admission) -> None:
    """Wait until all connections of a class have ended."""
    if admission.open:
        event = anyio.Event()
        admission.drained = (*admission.drained, event.set)
        await event.wait()
