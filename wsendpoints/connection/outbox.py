"""What waits for one client: messages of its groups, in one order with its replies and pushes.

A message goes to the server's `send` at once. If that has to wait, what comes meanwhile waits here,
and each client sees all in the order in which it was given. A reply, or a push, waits for its turn
in the task that sends it, which is its bound. A message of a group waits in no task, so these are
bounded in number and bytes.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal, TypeAlias, final

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.posting import Posting
from wsendpoints.connection.sends import Sends
from wsendpoints.connection.stepping import DONE, resume
from wsendpoints.protocol.asgi import Event, Send
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.state import OPEN, SEND

__all__ = ["Outbox", "Overflow", "Owner", "size_of"]

Overflow: TypeAlias = Literal["close", "drop_oldest", "drop_newest", "latest"]
"""What becomes of messages for a client that reads too slowly.

`"close"` closes its connection with 1013. `"drop_oldest"` drops what has waited longest, of the
messages that may be dropped; `"drop_newest"` drops the new one. With `"latest"` a message takes the
place of one of the same group that still waits, at any time.
"""


class Owner(ABC):
    """What an outbox needs of the life of its connection."""

    __slots__ = ()

    @abstractmethod
    def start(self, func: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run an async function in a task of the connection."""

    @abstractmethod
    def overflowed(self, limit: str) -> None:
        """Close the connection, since its client reads too slowly; `limit` is a row of `Limits`."""

    @abstractmethod
    def failed(self, exc: BaseException) -> None:
        """End the connection, since what is between it and the server raised an exception."""

    @abstractmethod
    def cancelled(self, exc: BaseException) -> None:
        """End the connection, if a cancellation of a send is none that anybody asked for."""


@final
class _Waiting:
    __slots__ = ("event", "key", "overflow", "size")

    def __init__(self, event: Event, size: int, overflow: Overflow, key: object) -> None:
        self.event = event
        self.size = size
        self.overflow = overflow
        self.key = key


_DROPPABLE: Final = frozenset({"drop_oldest", "latest"})


@final
class Outbox:
    """What waits for one client. It takes the place of the connection's `send` until that ends.

    Args:
        connection: The connection, which is open.
        limits: Those of the endpoint: `outbox` and `outbox_bytes` are kept.
        owner: What serves the connection.
        posting: Sends to many, on this event loop.

    Attributes:
        connection: The connection, until it ends.
        raw: The `send` that was the connection's before.
        is_busy: Whether a send is under way, or anything waits.
        is_closed: Whether the connection has ended, or is about to be closed.
        dropped: How many messages were dropped, or replaced.
        delayed: How many messages had to wait.
        carrier: The task that goes on with a send that has to wait; `None` while there is none.
    """

    __slots__ = (
        "_limits",
        "_number",
        "_owner",
        "_posting",
        "_queue",
        "_size",
        "carrier",
        "connection",
        "delayed",
        "dropped",
        "is_busy",
        "is_closed",
        "raw",
    )

    def __init__(
        self, connection: Connection, limits: Limits, owner: Owner, posting: Posting
    ) -> None:
        self.connection: Connection = connection
        self.raw: Send = connection.send
        self.is_busy: bool = False
        self.is_closed: bool = False
        self.dropped: int = 0
        self.delayed: int = 0
        self.carrier: Any = None
        self._limits = limits
        self._owner = owner
        self._posting = posting
        # An empty deque takes 600 bytes, and most clients read in time.
        self._queue: deque[_Waiting | anyio.Event] | None = None
        self._number = self._size = 0
        connection.send = self.send
        posting.opened()
        connection.at_end(self.release)

    @property
    def waiting(self) -> tuple[int, int]:
        """How many messages wait, and how long they are together: in characters, or bytes."""
        return self._number, self._size

    # Messages of groups: from any task, at once.

    def keep(self, event: Event, size: int, overflow: Overflow, key: object) -> bool:
        """Have a message wait for what is before it; return whether it does."""
        if self.is_closed or self.connection.state is not OPEN:
            return False
        if overflow == "latest" and self._replace(event, size, key):
            return True
        if not self._make_room(size, overflow):
            if overflow == "close":
                self._overflow()
            else:
                self.dropped += 1
            return False
        self._append(_Waiting(event, size, overflow, key))
        self._number += 1
        self._size += size
        if overflow == "close" and self._is_over(2 * self._number, 2 * self._size):
            self._posting.crowded.setdefault(self)
        return True

    def _append(self, one: "_Waiting | anyio.Event") -> "deque[_Waiting | anyio.Event]":
        if self._queue is None:
            self._queue = deque()
        self._queue.append(one)
        return self._queue

    def _replace(self, event: Event, size: int, key: object) -> bool:
        for waiting in self._queue or ():
            if isinstance(waiting, _Waiting) and waiting.key == key:
                self._size += size - waiting.size
                waiting.event, waiting.size = event, size
                self.dropped += 1
                return True
        return False

    def _is_over(self, number: int, size: int) -> bool:
        most, most_bytes = self._limits.outbox, self._limits.outbox_bytes
        return (most is not None and number > most) or (
            most_bytes is not None and size > most_bytes
        )

    def _make_room(self, size: int, overflow: Overflow) -> bool:
        """Drop what may be dropped, until there is room; return whether there is.

        One message always fits, however long it is.
        """
        while self._number and self._is_over(self._number + 1, self._size + size):
            oldest = None if overflow == "drop_newest" else self._oldest_droppable()
            if oldest is None or self._queue is None:
                return False
            self._queue.remove(oldest)
            self._number -= 1
            self._size -= oldest.size
            self.dropped += 1
        return True

    def _oldest_droppable(self) -> _Waiting | None:
        for waiting in self._queue or ():
            if isinstance(waiting, _Waiting) and waiting.overflow in _DROPPABLE:
                return waiting
        return None

    def _overflow(self) -> None:
        most = self._limits.outbox
        is_number = most is not None and self._number >= most
        owner = self._owner
        # It leaves its groups now, and not when the close is sent.
        self.connection.ended()
        self.release()
        owner.overflowed("outbox" if is_number else "outbox_bytes")

    # Replies, pushes, and the close: the connection's `send`.

    async def send(self, event: Event) -> None:
        """Send a reply or a push in its turn, and anything else, such as a close, at once."""
        if self.is_closed or event["type"] != SEND:
            await self.raw(event)
            return
        connection = self.connection
        if self.is_busy:
            await self._wait_for_turn(connection)
        self.is_busy = True
        try:
            if connection.state is not OPEN:
                connection.after(event)
            await self.raw(event)
        finally:
            self._go_on()

    async def _wait_for_turn(self, connection: Connection) -> None:
        turn = anyio.Event()
        queue = self._append(turn)
        try:
            await turn.wait()
        except BaseException:
            # Nothing of it was sent.
            connection.is_unsent = True
            if turn.is_set():
                self._go_on()
            else:
                queue.remove(turn)
            raise

    def _go_on(self) -> None:
        """Have what waits first sent, if anything waits."""
        queue = self._queue
        if not queue:
            self.is_busy = False
        elif isinstance(queue[0], anyio.Event):
            self._next(self.connection)
        else:
            self._posting.go_on(self)

    # A task, whose only work is to send.

    def start(self, func: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run an async function in a task of the connection."""
        self._owner.start(func)

    async def deliver(self, steps: Any = None, trap: Any = DONE) -> None:
        """Go on with a send, then send what waits, until a push has its turn, or nothing waits.

        Args:
            steps: The iterator of a send that has begun and has to wait; `None` if there is none.
            trap: What it waits for.
        """
        connection = self.connection
        while True:
            try:
                if trap is not DONE:
                    sends = _began(connection)
                    try:
                        await resume(steps, trap)
                    finally:
                        _ended(connection, sends)
                event = self._next(connection)
                if event is None:
                    return
                self.delayed += 1
                steps = self.raw(event).__await__()
                trap = next(steps, DONE)
            except Exception as exc:  # noqa: BLE001 - its connection is told
                self.send_failed(connection, exc)
                trap = DONE
            except GeneratorExit:
                raise
            except BaseException as exc:
                self.send_cancelled(connection, exc)
                self._go_on()
                raise

    def _next(self, connection: Connection) -> Event | None:
        queue = self._queue
        while queue:
            first = queue.popleft()
            if isinstance(first, anyio.Event):
                first.set()
                return None
            self._number -= 1
            self._size -= first.size
            crowded = self._posting.crowded
            if self in crowded and not self._is_over(4 * self._number, 4 * self._size):
                del crowded[self]
            if connection.state is OPEN:
                return first.event
        self.is_busy = False
        return None

    def send_failed(self, connection: Connection, exc: Exception) -> None:
        """Record that a send raised: the client left, or what is before the server failed."""
        try:
            connection.send_failed(exc)
        except Exception as failure:  # noqa: BLE001 - raised by its own connection
            self._owner.failed(failure)

    def send_cancelled(self, connection: Connection, exc: BaseException) -> None:
        """Record that a send was cancelled: nobody knows how much of it was sent."""
        connection.send_cancelled()
        self._owner.cancelled(exc)

    def release(self) -> None:
        """Drop what waits, and let replies and pushes find out themselves; may be called again."""
        if self.is_closed:
            return
        self.is_closed = True
        queue, self._queue = self._queue, None
        self._number = self._size = 0
        self._posting.crowded.pop(self, None)
        for waiting in queue or ():
            if isinstance(waiting, anyio.Event):
                waiting.set()
        self._posting.released(self)


def _began(connection: Connection) -> Sends:
    """Tell of a send that has to wait, as `Connection.transmit` does: its time is counted."""
    sends = connection.sends
    sends.under_way += 1
    if connection.tells_sends:
        for listener in connection.listeners:
            listener.on_send()
    return sends


def _ended(connection: Connection, sends: Sends) -> None:
    sends.under_way -= 1
    if connection.tells_sent:
        for listener in connection.listeners:
            listener.on_sent()


def size_of(event: Event) -> int:
    """Return what a message counts for while it waits: its length, in characters or bytes."""
    text = event.get("text")
    return len(event["bytes"] if text is None else text)
