"""The messages that a client got, and nobody has taken yet: no more than a bound."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar, final

import anyio

from wsendpoints.client.errors import ClosedError, QueueFullError
from wsendpoints.client.socket import Close
from wsendpoints.protocol.close_codes import CloseCode

__all__ = ["Inbox"]

M = TypeVar("M")


@final
class Inbox(Generic[M]):
    """Holds messages, in order, until they are taken.

    Args:
        bound: How many.
        is_in_a_hurry: Whether something is awaited that comes behind them.
    """

    def __init__(self, bound: int, is_in_a_hurry: Callable[[], bool]) -> None:
        self._bound = bound
        self._is_in_a_hurry = is_in_a_hurry
        self._messages: deque[M] = deque()
        self._close: Close | None = None
        self._overflowed = False
        self._changed = anyio.Event()

    def notify(self) -> None:
        """Have those who wait look again."""
        self._changed.set()
        self._changed = anyio.Event()

    def end(self, close: Close) -> None:
        """Let nothing more come."""
        self._close = close
        self.notify()

    async def put(self, message: M) -> None:
        """Put a message in; where there is no room, wait for some, or drop it in a hurry."""
        while len(self._messages) >= self._bound:
            if self._is_in_a_hurry():
                self._overflowed = True
                return
            await self._changed.wait()
        self._messages.append(message)
        self.notify()

    async def take(self) -> M:
        """Wait for a message, and return it. Cancelling it loses none.

        Raises:
            StopAsyncIteration: There are no more, as the server, or the client, closed normally.
            ClosedError: There are no more, for another reason.
            QueueFullError: Messages were dropped behind those that were taken.
        """
        while not self._messages:
            if self._overflowed:
                self._overflowed = False
                raise QueueFullError(self._bound)
            if self._close is not None:
                if self._close.code == CloseCode.NORMAL_CLOSURE:
                    raise StopAsyncIteration
                raise ClosedError(*self._close)
            await self._changed.wait()
        message = self._messages.popleft()
        self.notify()
        return message
