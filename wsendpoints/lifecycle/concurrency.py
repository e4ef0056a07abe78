"""Handlers that run beside each other: at most so many at once, and one at a time for each key."""

import functools
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context, copy_context
from typing import Any, TypeAlias, final

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.answering import ANSWERED, Answering
from wsendpoints.lifecycle.cancelling import Cancellable
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.hooks import Hooks
from wsendpoints.lifecycle.names import tell_sender
from wsendpoints.lifecycle.native import NativeTask
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.messages.correlation import Id
from wsendpoints.messages.declaration import Handler
from wsendpoints.messages.error_message import BUSY
from wsendpoints.messages.keys import NO_KEY, KeyOf
from wsendpoints.messages.options import Overlap
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.exceptions import ErrorReply
from wsendpoints.protocol.state import OPEN

__all__ = ["Concurrency", "Handle", "Run", "concurrent"]

Handle: TypeAlias = Callable[
    [Handler, str, Any, Hashable, Overlap | None], Coroutine[Any, Any, None]
]
"""The type of `Concurrency.handle`."""


@final
class Run:
    """The handling of one message, beside others.

    Attributes:
        handler: The handler, as it is called for a message that is handled alone.
        name: The name of its method.
        message: The message.
        key: Messages with an equal key are handled one at a time.
        size: Bytes that the message counts for, while it waits.
        answered: The correlation id of the message.
        task: What is cancelled.
        context: The context variables of the loop, where the message has to wait.
    """

    __slots__ = ("answered", "context", "handler", "key", "message", "name", "size", "task")

    def __init__(
        self,
        handler: Handler,
        name: str,
        message: Any,
        key: Hashable,
        size: int,
        answered: Id | None,
        task: Cancellable | NativeTask,
    ) -> None:
        self.handler: Handler = handler
        self.name: str = name
        self.message: Any = message
        self.key: Hashable = key
        self.size: int = size
        self.answered: Id | None = answered
        self.task: Cancellable | NativeTask = task
        self.context: Context


@final
class Concurrency:
    """The handlers of one connection that run beside each other, and what waits for a place.

    A message that has to wait counts as one in the inbox, so that the bound on memory is one.

    Args:
        endpoint: Whose handlers they are.
        connection: Its connection.
        reader: Counts the messages that wait; each handler is one of its tasks.
        deadlines: They count the time of each handler.
        answering: Answers what a handler raises.

    Attributes:
        size: Bytes of the message that is being handled.
        tell_cancelled: Called with each message that is cancelled, for what is to answer it;
            `None` if nothing does.
    """

    __slots__ = (
        "_answering",
        "_by_key",
        "_connection",
        "_deadlines",
        "_endpoint",
        "_idle",
        "_line",
        "_reader",
        "_room",
        "_running",
        "_tasks",
        "size",
        "tell_cancelled",
    )

    def __init__(
        self,
        endpoint: Hooks,
        connection: Connection,
        reader: Reader,
        deadlines: Deadlines,
        answering: Answering,
    ) -> None:
        self._endpoint = endpoint
        self._connection = connection
        self._tasks = reader.tasks
        self._reader = reader
        self._deadlines = deadlines
        self._answering = answering
        self._running: set[Run] = set()
        self._by_key: dict[Hashable, Run] = {}
        self._line: deque[Run] = deque()
        self._room: anyio.Event | None = None
        self._idle: anyio.Event | None = None
        self.size: int = 0
        self.tell_cancelled: Callable[[Any], None] | None = None

    @property
    def is_active(self) -> bool:
        """Whether any handler runs, or any message waits for one."""
        return bool(self._running or self._line)

    async def handle(
        self, handler: Handler, name: str, message: Any, key: Hashable, overlap: Overlap | None
    ) -> None:
        """Have a message handled beside others; return once it is, or has room to wait.

        Raises:
            ErrorReply: Its key is busy, and `overlap` refuses it then.
        """
        if key is not NO_KEY and self._is_busy(key):
            if overlap == "refuse":
                raise ErrorReply(BUSY, "another message is being handled: wait for its answer")
            if overlap == "cancel":
                self.cancel(key)
        task = self._tasks.new_handler()
        run = Run(handler, name, message, key, self.size, ANSWERED.get(), task)
        if not self._start(run):
            # It is started by another handler's end, and has nothing of that one's variables.
            run.context = copy_context()
            self._line.append(run)
            self._reader.hold(run.size)
            while self._reader.is_filled(1) and self._line:
                self._room = anyio.Event()
                await self._room.wait()

    def cancel(self, key: Hashable) -> bool:
        """Cancel what runs under a key, and drop what waits; return whether there was anything."""
        return self._cancel(lambda run: run.key is not NO_KEY and run.key == key)

    def cancel_handler(self, name: str) -> bool:
        """Cancel all that a handler does; return whether there was anything."""
        return self._cancel(lambda run: run.name == name)

    def cancel_message(self, is_meant: Callable[[Any], bool]) -> bool:
        """Cancel the handling of the messages that are meant; return whether there was any."""
        return self._cancel(lambda run: is_meant(run.message))

    def close(self) -> None:
        """Drop what waits, since the connection is closed."""
        self._drop(lambda _: True)

    async def finish(self) -> None:
        """Wait until all that runs, and waits, is done."""
        while self.is_active:
            self._idle = self._idle or anyio.Event()
            await self._idle.wait()

    def _is_busy(self, key: Hashable) -> bool:
        return key in self._by_key or any(run.key == key for run in self._line)

    def _cancel(self, is_meant: Callable[[Run], bool]) -> bool:
        # Before what runs, in whose place it would begin.
        cancelled = self._drop(is_meant)
        for run in self._running:
            if is_meant(run):
                cancelled.append(run)
                self._tasks.cancel_one(run.task)
        if self.tell_cancelled is not None:
            for run in cancelled:
                self.tell_cancelled(run.message)
        return bool(cancelled)

    def _drop(self, is_meant: Callable[[Run], bool]) -> list[Run]:
        dropped = [run for run in self._line if is_meant(run)]
        if dropped:
            self._line = deque(run for run in self._line if not is_meant(run))
            for run in dropped:
                self._moved_up(run)
            self._tell_if_idle()
        return dropped

    def _start(self, run: Run) -> bool:
        limit = self._endpoint.limits.concurrency
        if limit is not None and len(self._running) >= limit:
            return False
        if run.key is not NO_KEY:
            if run.key in self._by_key:
                return False
            self._by_key[run.key] = run
        deadlines = self._deadlines
        if not self._running:
            deadlines.busy()
        self._running.add(run)
        deadlines.handler_began(run)
        self._tasks.start_handler(run.task, self._run, (run,))
        return True

    async def _run(self, run: Run) -> None:
        endpoint, answering = self._endpoint, self._answering
        is_handlers = True
        try:
            # It may have been cancelled before it began.
            if run.task.is_cancelled:
                return
            ANSWERED.set(run.answered)
            reply = await run.handler(endpoint, endpoint.websocket, run.message)
            is_sent = reply is not None and not run.task.is_cancelled
            if is_sent and self._connection.state is OPEN:
                event = self._connection.encode(reply)
                is_handlers = False
                await self._connection.transmit(event)
        except UnawaitedError as error:
            tell_sender(error, endpoint, run.handler)
            raise
        except (Exception, BaseExceptionGroup) as exc:
            if not await answering.answer(exc, run.message, is_handlers=is_handlers, task=run.task):
                raise
        finally:
            self._ended(run)

    def _ended(self, run: Run) -> None:
        self._running.discard(run)
        if run.key is not NO_KEY:
            del self._by_key[run.key]
        self._deadlines.handler_ended(run)
        if not self._running:
            self._deadlines.busy_no_more(is_idle=not self._reader.is_handling)
        if self._line and not self._tasks.is_ending:
            self._start_waiting()
        if self._idle is not None:
            self._tell_if_idle()

    def _start_waiting(self) -> None:
        passed: set[Hashable] = set()
        for run in [*self._line]:
            # What waits under a key keeps its order.
            if run.key in passed or not run.context.run(self._start, run):
                if run.key is not NO_KEY:
                    passed.add(run.key)
                continue
            self._line.remove(run)
            self._moved_up(run)

    def _moved_up(self, run: Run) -> None:
        self._reader.unhold(run.size)
        if self._room is not None:
            self._room.set()
            self._room = None

    def _tell_if_idle(self) -> None:
        if self._idle is not None and not self.is_active:
            self._idle.set()
            self._idle = None


def concurrent(function: Handler, name: str, key_of: KeyOf, overlap: Overlap | None) -> Handler:
    """Return the handler that has another one run beside the loop.

    Args:
        function: The other.
        name: The name of its method.
        key_of: Returns the key of a message, or `NO_KEY`.
        overlap: What a message does whose key is busy.
    """

    @functools.wraps(function, updated=())
    def handler(endpoint: Any, _websocket: Any, data: Any) -> Any:
        two_way = endpoint._lifecycle.two_way
        handling: Any = two_way.handle(function, name, data, key_of(data), overlap)
        # How it is called in the log.
        handling.__name__ = name
        return handling

    return handler
