"""Messages that wait behind a handler: if they do for long, the application is told which it is."""

from collections.abc import Callable
from functools import partial
from typing import Final, final

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.tasks import Tasks

__all__ = ["PATIENCE", "Backlog"]

PATIENCE: Final = 5.0
"""Seconds that messages may wait behind a handler before the listeners are told."""


@final
class Backlog:
    """The messages that wait behind the handlers of one connection, which take long.

    Args:
        connection: Its listeners are told.
        tasks: Those of the connection.
    """

    __slots__ = ("_connection", "_is_watched", "_since", "_tasks")

    def __init__(self, connection: Connection, tasks: Tasks) -> None:
        self._connection = connection
        self._tasks = tasks
        self._since: float | None = None
        self._is_watched = False

    def began(self) -> None:
        """A handler was found to take long; an earlier one has ended."""
        self._since = anyio.current_time()

    def shrank(self) -> None:
        """The handler took a message itself: its time starts again."""
        if self._since is not None:
            self._since = anyio.current_time()

    def grew(self, is_held_up: Callable[[], bool]) -> None:
        """A message has come, and waits.

        Args:
            is_held_up: Returns whether messages wait behind a handler that takes long.
        """
        if self._since is not None and not self._is_watched:
            self._is_watched = True
            self._tasks.start_own(partial(self._watch, is_held_up), "wsendpoints backlog")

    async def _watch(self, is_held_up: Callable[[], bool]) -> None:
        try:
            while self._since is not None and is_held_up():
                remaining = self._since + PATIENCE - anyio.current_time()
                if remaining > 0:
                    await anyio.sleep(remaining)
                elif self._connection.is_send_long:
                    # A send takes long: it is the client that is slow.
                    self.began()
                else:
                    # Once for a handler.
                    self._since = None
                    for listener in self._connection.listeners:
                        listener.on_held_up()
        finally:
            self._is_watched = False
