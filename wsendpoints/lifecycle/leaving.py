"""Leaving a client between two messages, so that what it sent is handled, and answered."""

import logging
from collections.abc import Callable
from typing import Protocol, final

import anyio
from anyio.lowlevel import checkpoint

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.hooks import TURNS, Hooks, fields_of, name_of
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.jittered import Jittered
from wsendpoints.protocol.limits import OUTCOMES

__all__ = ["Leaving", "count_age"]

logger: logging.Logger = logging.getLogger("wsendpoints")


class _Beside(Protocol):
    @property
    def is_handling(self) -> bool:
        """Whether any handler runs beside the loop."""
        ...

    async def finish(self) -> None:
        """Wait until none does."""


@final
class Leaving:
    """Closes a connection once no message is handled, and none waits for it.

    How long that may take, `Deadlines.leave` sees to.

    Args:
        endpoint: Whose connection it is.
        connection: The connection.
        reader: Knows when the loop waits for a message.
        beside: The handlers that run beside the loop; `None` if there can be none.
        deadline: Why it is left.
    """

    __slots__ = ("_beside", "_connection", "_deadline", "_endpoint", "_reader")

    def __init__(
        self,
        endpoint: Hooks,
        connection: Connection,
        reader: Reader,
        beside: _Beside | None,
        deadline: Deadline,
    ) -> None:
        self._endpoint = endpoint
        self._connection = connection
        self._reader = reader
        self._beside = beside
        self._deadline = deadline

    def begin(self) -> None:
        """Close it as soon as that is possible."""
        self._reader.at_rest(self._leave)

    async def _leave(self) -> None:
        # What the server has already comes first.
        for _ in range(TURNS):
            await checkpoint()
        # Another message may have come since, or while this waits.
        while self._reader.is_at_rest:
            if self._beside is None or not self._beside.is_handling:
                await self._close()
                return
            await self._beside.finish()
        self.begin()

    async def _close(self) -> None:
        if self._connection.is_closable:
            name, deadline = name_of(self._endpoint), self._deadline
            code = self._endpoint.limits.close_codes.get(deadline.limit, deadline.code)
            fields = fields_of(self._endpoint, close_code=code, limit=deadline.limit)
            logger.log(deadline.level, "%s: %s", name, deadline.reason, extra=fields)
            await self._connection.end(code, deadline.reason)


def count_age(tasks: Tasks, deadlines: Deadlines, leave: Callable[[Deadline], None]) -> None:
    """Leave a connection when it is as old as its limits allow, if they do not change meanwhile.

    Args:
        tasks: Those of the connection; the one that counts is among them.
        deadlines: They have its limits.
        leave: Called then.
    """
    limits = deadlines.limits
    age = limits.max_age
    if age is None:
        return
    seconds = age.draw() if isinstance(age, Jittered) else age

    async def grow_old() -> None:
        await anyio.sleep(seconds)
        if deadlines.limits is limits:
            outcome = OUTCOMES["max_age"]
            leave(Deadline("max_age", seconds, outcome.code, outcome.level))

    tasks.start_own(grow_old, "wsendpoints age")
