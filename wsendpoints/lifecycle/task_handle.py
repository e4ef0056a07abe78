"""A task of a connection, as the application has it."""

from typing import final

from wsendpoints.lifecycle.cancelling import Cancellable
from wsendpoints.lifecycle.tasks import Tasks

__all__ = ["TaskHandle"]


@final
class TaskHandle:
    """A task of a connection, as `WebSocketEndpoint.start_soon` returns it.

    Args:
        tasks: Those of the connection.
        one: What is cancelled; `None` if the task never began, since the connection is ending.
    """

    __slots__ = ("_one", "_tasks")

    def __init__(self, tasks: Tasks, one: Cancellable | None) -> None:
        self._tasks = tasks
        self._one = one

    def cancel(self) -> None:
        """Cancel the task; once it has ended, this does nothing.

        One wait of the task is cancelled, its next one if it does not wait now. What it awaits
        then, in a `finally`, has `limits.disconnect_timeout` seconds. A send that is under way
        ends first, since the connection goes on.
        """
        if self._one is not None:
            self._tasks.cancel_one(self._one)

    async def wait(self) -> None:
        """Wait until the task has ended, however it did; cancelling this leaves the task alone."""
        if self._one is not None:
            await self._one.ended()
