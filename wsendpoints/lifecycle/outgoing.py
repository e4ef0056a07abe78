"""What an outbox needs of the life of its connection."""

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import final

from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.outbox import Outbox, Owner
from wsendpoints.handshake.identity import LogFields
from wsendpoints.lifecycle.failures import failed_wait
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.limits import Limits

__all__ = ["outbox_of"]

logger: logging.Logger = logging.getLogger("wsendpoints")


@final
class _Outgoing(Owner):
    __slots__ = ("_connection", "_limits", "_name", "_tasks")

    def __init__(self, connection: Connection, tasks: Tasks, limits: Limits, name: str) -> None:
        self._connection = connection
        self._tasks = tasks
        self._limits = limits
        self._name = name

    def start(self, func: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run an async function in a task of the connection."""
        self._tasks.start_own(func, "wsendpoints outbox")

    def overflowed(self, limit: str) -> None:
        """Close the connection: its client reads too slowly."""
        code = self._limits.close_code(limit)
        reason = f"{limit}: {getattr(self._limits, limit):g}"
        fields = LogFields(self._connection.scope, close_code=code, limit=limit)
        logger.warning("%s: closing with %d: %s", self._name, code, reason, extra=fields)
        self.start(partial(self._connection.end, code, reason))

    def failed(self, exc: BaseException) -> None:
        """End the connection: what is between it and the server failed."""
        self._tasks.fail(exc)
        self._tasks.end()

    def cancelled(self, exc: BaseException) -> None:
        """End the connection, if what a send awaited was cancelled, and the send was not."""
        failure = failed_wait(exc)
        if failure is not None:
            self.failed(failure)


def outbox_of(connection: Connection, tasks: Tasks, limits: Limits, name: str) -> Outbox:
    """Return what waits for the client of a connection, which is open.

    Args:
        connection: The connection.
        tasks: Its tasks.
        limits: Those of its endpoint.
        name: How that is called in the log.
    """

    def make() -> Outbox:
        owner = _Outgoing(connection, tasks, limits, name)
        return Outbox(connection, limits, owner, running_posting())

    return tasks.open_outbox(make)
