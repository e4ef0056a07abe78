"""The messages that a client got, and nobody has taken yet: no more than a bound."""

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar, final

import anyio

from wsendpoints.client.errors import QueueFullError

__all__ = ["Inbox"]

M = TypeVar("M")


class _Hole:
    """Where messages were dropped."""


_HOLE: Final = _Hole()


@final
class Inbox(Generic[M]):
    """Holds messages, in order, until they are taken.

    Args:
        bound: How many.
        is_in_a_hurry: Whether something is awaited that comes behind them.
        waits: Is called when somebody begins to wait for one.
    """

    def __init__(
        self, bound: int, is_in_a_hurry: Callable[[], bool], waits: Callable[[], None] | None = None
    ) -> None:
        self._bound = bound
        self._is_in_a_hurry = is_in_a_hurry
        self._waits = waits
        # With `_HOLE` where some were dropped.
        self._messages: deque[M | _Hole] = deque()
        self._error: Callable[[], Exception] | None = None
        self._number_of_waiting = 0
        self._changed = anyio.Event()

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for a message that has not come yet."""
        return self._number_of_waiting > len(self._messages)

    def notify(self) -> None:
        """Have those who wait look again."""
        self._changed.set()
        self._changed = anyio.Event()

    def end(self, error: Callable[[], Exception]) -> None:
        """Let nothing more come.

        Args:
            error: Returns what is raised behind the messages.
        """
        self._error = error
        self.notify()

    async def put(self, message: M) -> None:
        """Put a message in; where there is no room, wait for some, or drop it in a hurry."""
        while len(self._messages) >= self._bound:
            if self._is_in_a_hurry():
                if not self._messages or self._messages[-1] is not _HOLE:
                    self._messages.append(_HOLE)
                    self.notify()
                return
            await self._changed.wait()
        self._messages.append(message)
        self.notify()

    async def take(self) -> M:
        """Wait for a message, and return it. Cancelling it loses none.

        Raises:
            QueueFullError: Messages were dropped, here. Those behind them come next.
            Exception: There are no more: what `end` was given.
        """
        if not self._messages:
            await self._wait()
        message = self._messages.popleft()
        self.notify()
        if isinstance(message, _Hole):
            raise QueueFullError(self._bound)
        return message

    async def _wait(self) -> None:
        """Wait for a message."""
        self._number_of_waiting += 1
        try:
            if self._waits is not None:
                self._waits()
            while not self._messages:
                if self._error is not None:
                    raise self._error()
                await self._changed.wait()
        finally:
            self._number_of_waiting -= 1
