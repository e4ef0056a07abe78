"""The reader's role: what calls the server's `receive`, and when.

A disconnect shows in `receive` alone, on every server. So one call must be pending at all times,
also while a handler runs for long. A task that does nothing but read would do it, at the price of
a task switch a message. Instead the role moves:

- The endpoint's loop has it: it calls `receive`, and awaits the handler. If the handler ends soon,
  which is the common case, nothing else happens.
- When the ticker finds a handler that takes long, a task takes the role, and reads into a bounded
  inbox.
- When the handler is done, the loop takes what is in the inbox, then what the task is still
  waiting for. It has the role again once a message was handled soon.
"""

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.attention import Attention
from wsendpoints.lifecycle.backlog import Backlog
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.hooks import LATE
from wsendpoints.lifecycle.intake import Intake
from wsendpoints.lifecycle.room import is_filled, size_of
from wsendpoints.lifecycle.stage import Stage
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.asgi import Event, Receive
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.state import DISCONNECT, RECEIVE, ConnectionState

__all__ = ["Reader"]


_EMPTY: Final[deque[Event]] = deque()
"""Shared by all connections whose inbox is empty: an empty deque takes 600 bytes."""


class Reader(Attention):
    """Reads one connection's events, in the loop or beside the handler.

    Args:
        connection: Its `receive` is the reader's from now on.
        tasks: Those of the connection; the one that reads beside a handler is among them.
        deadlines: They count the time of its waits, and of a full inbox.
        intake: Counts the messages that come while a handler runs.
        limits: How much may wait in the inbox.
        first: An event that was received already.

    Attributes:
        receive: The server's `receive`, for the loop to call while it `has_role`.
        has_role: Whether the loop may call it: no task is about to, and the inbox is empty.
        divert: Takes an event out of turn, if it can; called for each that comes beside the loop.
    """

    __slots__ = (
        "_arrival",
        "_at_rest",
        "_backlog",
        "_failure",
        "_has_waited",
        "_held",
        "_held_size",
        "_inbox",
        "_intake",
        "_is_at_end",
        "_is_refusing",
        "_is_taking",
        "_limits",
        "_room",
        "_scope",
        "_size",
        "_watching",
        "divert",
        "has_role",
        "receive",
    )

    def __init__(
        self,
        connection: Connection,
        tasks: Tasks,
        deadlines: Deadlines,
        intake: Intake,
        limits: Limits,
        first: Event | None = None,
    ) -> None:
        self._connection = connection
        self.tasks = tasks
        self._deadlines = deadlines
        self.stage: Stage | None = None
        self.is_unseen = self._is_attended = False
        self._ticker = None
        self._is_found_long = self._is_send_long = False
        self._sends_seen = None
        self.receive: Receive = connection.receive
        self.has_role: bool = first is None
        connection.receive = self.take
        self._intake = intake
        self._limits = limits
        self._inbox: deque[Event] = _EMPTY if first is None else deque((first,))
        self._size = 0 if first is None else size_of(first)
        self._held = self._held_size = 0
        self.divert: Callable[[Event], bool] | None = None
        self._watching = False
        self._has_waited = False
        self._is_taking = False
        self._is_refusing = False
        self._is_at_end = False
        self._failure: BaseException | None = None
        self._arrival: anyio.Event | None = None
        self._backlog: Backlog | None = None
        self._room: anyio.Event | None = None
        self._at_rest: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._scope: anyio.CancelScope | None = None

    @property
    def waiting(self) -> int:
        """How many messages wait to be handled."""
        return len(self._inbox) + self._held

    def release(self) -> None:
        """Give the connection's `receive` back, and drop the references to the connection.

        A task that was cancelled keeps its frame, and so this, until the garbage collector runs.
        """
        self._connection.receive = self.receive
        del self.receive, self._connection, self.tasks, self._deadlines, self._backlog
        self._at_rest = None

    def limit_by(self, limits: Limits, intake: Intake) -> None:
        """Have other limits for what waits in the inbox, and another intake, from now on.

        Raises:
            InvalidStateError: `on_connect` is done.
        """
        if self.stage is not Stage.CONNECTING:
            raise InvalidStateError(LATE)
        self._limits = limits
        self._intake = intake

    def _take_long(self) -> None:
        """Have a task read meanwhile, and count the time."""
        if self.stage is not Stage.REPLYING:
            self._backlog = self._backlog or Backlog(self._connection, self.tasks)
            self._backlog.began()
            if self._inbox:
                self._backlog.grew(self._is_held_up)
        if self.stage is not Stage.CONNECTING:
            self._has_waited = True
            if self.stage is Stage.REPLYING:
                self._deadlines.replying()
            else:
                self._deadlines.handling()
        # Before the accept there is nothing to read. After our close a pending `receive` could hold
        # it up. After a send that failed the disconnect is still to come.
        connection = self._connection
        if connection.is_accepted and connection.state is not ConnectionState.CLOSED:
            self._watch()

    def stop(self) -> None:
        """Stop reading: the connection is about to be closed.

        granian holds a close back for as long as its `receive` is pending.
        """
        if self._scope is not None:
            self._scope.cancel()

    async def next(self) -> Event:
        """Return the next event, when the loop does not have the role."""
        # What comes from now on is the loop's, also if a task still receives.
        self._is_refusing = self._is_taking and not self._inbox
        if self._is_refusing:
            self._notify()
        while self._is_taking or not self._inbox:
            self._check_failure()
            self._watch()
            if self._at_rest is not None:
                self.at_rest(self._at_rest)
            await self._news()
        event = self._pop()
        if not (self._watching or self._inbox or self._failure or self._at_rest):
            self._inbox = _EMPTY
            self.has_role = True
        return event

    async def take(self) -> Event:
        """Return the next event to a handler, or a task, that receives by itself.

        Cancelling it loses no event.

        Raises:
            InvalidStateError: No handler runs, or it ended before an event came: the endpoint's
                loop is waiting for that.
            ClientMessageError: It is a message that exceeds a limit.
        """
        if not self.is_handling:
            raise InvalidStateError(
                "the endpoint is waiting for the next message itself: receive within a handler"
            )
        self._is_taking = True
        try:
            while not self._inbox:
                self._check_failure()
                self._watch()
                self._deadlines.idling()
                await self._news()
                if self._is_refusing:
                    raise InvalidStateError(
                        "the handler has ended, and the endpoint is waiting for the next message "
                        "itself: receive while a handler runs"
                    )
            event = self._pop()
        finally:
            self._is_taking = self._is_refusing = False
            self._deadlines.idled()
            self._notify()
        if event.get("type") == RECEIVE:
            self._intake.taken(event)
            if self._backlog is not None:
                self._backlog.shrank()
        return event

    @property
    def is_at_rest(self) -> bool:
        """Whether the loop waits for a message, and none that has come is waiting for it."""
        return self.stage is None and not self._inbox

    def at_rest(self, func: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a task once the loop waits for a message, and none that has come waits for it."""
        if self.is_at_rest:
            self._at_rest = None
            self.tasks.start_own(func, "wsendpoints leaving")
        else:
            # What the server has already is to be handled before.
            self.read_meanwhile()
            self.has_role = False
            self._at_rest = func

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _news(self) -> None:
        # One waits at a time: the loop, once a task that received is told to end.
        self._arrival = anyio.Event()
        await self._arrival.wait()

    def _pop(self) -> Event:
        event = self._inbox[0]
        if event.get("type") == DISCONNECT:
            # It stays, for all that wait. Some servers never return from a further call.
            return event
        self._inbox.popleft()
        self._size -= size_of(event)
        self._message_taken()
        return event

    def hold(self, size: int) -> None:
        """A message that was taken still waits: it counts as one in the inbox."""
        self._held += 1
        self._held_size += size

    def unhold(self, size: int) -> None:
        """It waits no more."""
        self._held -= 1
        self._held_size -= size
        self._message_taken()

    def _message_taken(self) -> None:
        if self._room is None:
            return
        # Room for one would have the reader wake for each message of a flood.
        if self.is_filled(0.5):
            self._deadlines.inbox_filled()
        else:
            self._room.set()
            self._room = None

    def read_meanwhile(self) -> None:
        """Have a task read from now on, as if the loop were known to take long."""
        if self.is_handling and self._connection.state is ConnectionState.OPEN:
            self._watch()

    def _watch(self) -> None:
        if not (self._watching or self._is_at_end) and self._failure is None:
            self._watching = True
            self.has_role = False
            self.tasks.start_own(self._read, "wsendpoints reader")

    async def _read(self) -> None:
        try:
            with anyio.CancelScope() as self._scope:
                await self._read_on()
        except Exception as exc:  # noqa: BLE001 - raised in the loop
            self._failure = exc
            # A handler that goes on does not keep it from being raised: nothing more is read, so
            # nothing else would end that.
            self.tasks.fail(exc)
            self._deadlines.ended(is_shutdown=False)
        finally:
            self._watching = False
            self._notify()

    async def _read_on(self) -> None:
        while True:
            event = await self.receive()
            if event.get("type") == RECEIVE:
                self._intake.arrived(event)
                if self._is_diverted(event):
                    continue
            if self._inbox is _EMPTY:
                self._inbox = deque()
            self._inbox.append(event)
            self._size += size_of(event)
            if event.get("type") == RECEIVE and self._backlog is not None:
                self._backlog.grew(self._is_held_up)
            if event.get("type") == DISCONNECT:
                self._is_at_end = True
                # It may not be the next event, but is known from now on.
                self._connection.disconnected(event)
                return
            self._notify()
            if self.is_filled(1):
                await self._wait_for_room()
            # Where each handler takes long, a new task for each would cost more than to go on.
            if not (self._has_waited or self.is_handling or self._is_taking):
                return
            self._has_waited = False

    def _is_diverted(self, event: Event) -> bool:
        if self.divert is None or not self._intake.passes(event) or not self.divert(event):
            return False
        self._intake.forget(event)
        if self._is_taking:
            self._deadlines.idling()
        elif not self.is_handling:
            self._deadlines.handled()
        return True

    async def _wait_for_room(self) -> None:
        room = self._room = anyio.Event()
        self._deadlines.inbox_filled()
        try:
            await room.wait()
        finally:
            self._deadlines.inbox_emptied()

    def _notify(self) -> None:
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    def _is_held_up(self) -> bool:
        # Not behind one that receives: it is about to take them.
        is_busy = self.stage not in {None, Stage.REPLYING} and not self._is_taking
        is_open = self._connection.state is ConnectionState.OPEN
        return is_busy and self._is_found_long and bool(self._inbox) and is_open

    def is_filled(self, part: float) -> bool:
        """Whether so large a part of the room is taken, from 0 to 1."""
        number, size = self.waiting, self._size + self._held_size
        return is_filled(self._limits, number, size, part)
