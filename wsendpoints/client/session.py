"""What a client keeps over all its connections: what waits, for a connection, a reply, a reader."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from inspect import isawaitable
from itertools import chain, product
from typing import Any, Final, TypeAlias, final

import anyio
from anyio.abc import TaskGroup

from wsendpoints.client.address import Positions
from wsendpoints.client.errors import (
    ClientError,
    ClosedError,
    LostError,
    QueueFullError,
    RequestError,
)
from wsendpoints.client.inbox import Inbox
from wsendpoints.client.socket import Close, Lost, Socket
from wsendpoints.client.speech import Speech
from wsendpoints.messages.correlation import Id
from wsendpoints.messages.error_message import ErrorMessage

__all__ = ["Hello", "Session"]

logger: Final = logging.getLogger("wsendpoints")

Hello: TypeAlias = Callable[[Positions], Iterable[object]]
"""Returns what is sent first on each connection."""

_Handler: TypeAlias = Callable[[Any], Awaitable[object]]


@dataclass(eq=False, slots=True)
class _Outgoing:
    """A message on its way: the frame, as it was when it was given, of a subprotocol."""

    message: object
    speech: Speech
    frame: str | bytes
    is_sent: bool = False


@dataclass(eq=False, slots=True)
class _Pending:
    """A request that waits for its reply, of some classes; `None` for any."""

    outgoing: _Outgoing
    classes: tuple[type, ...] | None
    done: anyio.Event = field(default_factory=anyio.Event)
    reply: Any = None
    error: ClientError | None = None

    def settle(self, reply: object, error: ClientError | None = None) -> None:
        """Tell whoever waits."""
        self.reply, self.error = reply, error
        self.done.set()


@final
class Session:
    """What holds over all connections: what waits to be sent, to be answered, and to be taken.

    Args:
        speaking: Returns how messages are written where a subprotocol was chosen, or none.
        hello: Returns what is sent first on each connection.
        bound: How many messages may wait, to be sent and to be taken.
        positions: Where the client is in the groups with a history.
        tasks: Where the handlers of questions run.

    Attributes:
        inbox: What came, and is neither a reply nor a question.
        ready: Set once there was a connection, or there will be none.
        close: How the client was closed, for good; `None` while it is not.
    """

    def __init__(
        self,
        speaking: Callable[[str | None], Speech],
        hello: Hello | None,
        bound: int,
        positions: Positions,
        tasks: TaskGroup,
    ) -> None:
        self._speaking = speaking
        self._hello = hello
        self._bound = bound
        self._tasks = tasks
        self._speech = speaking(None)
        self._queue: deque[_Outgoing] = deque()
        self._sending = anyio.Lock()
        self._pending: dict[Id, list[_Pending]] = {}
        self._answers: dict[type, _Handler] = {}
        self._handlers: dict[type, Callable[[Any], object]] = {}
        self._handled: Inbox[Callable[[], object]] = Inbox(bound, lambda: bool(self._pending))
        # The connection that there is, and the same once what waited is sent.
        self._current: Socket | None = None
        self._socket: Socket | None = None
        self.inbox: Inbox[Any] = Inbox(bound, lambda: bool(self._pending))
        self.ready: anyio.Event = anyio.Event()
        self.close: Close | None = None
        self._positions: dict[str, str] = dict(positions)

    # What is told of the connections.

    @property
    def positions(self) -> Positions:
        """The last positions that came, by the names of the classes of groups."""
        return dict(self._positions)

    @property
    def is_connected(self) -> bool:
        """Whether messages need not wait for a connection."""
        return self._socket is not None

    def opened(self, socket: Socket) -> None:
        """Send what is to be sent first, and what waits."""
        self._current = socket
        self._speech = self._speaking(socket.subprotocol)
        hello = [] if self._hello is None else [*self._hello(self.positions)]
        self._queue.extendleft(self._outgoing(it) for it in reversed(hello))
        self._tasks.start_soon(self._flush, socket)

    async def received(self, frame: str | bytes) -> None:
        """Give a message to whoever awaits it."""
        try:
            received = self._speech.read(frame)
        except ValueError as exc:
            logger.warning("a message is dropped that the class does not send: %s", exc)
            return
        message, id_ = received.message, received.id
        pending = None if id_ is None else self._asked(id_, message)
        if id_ is not None and pending is not None:
            self._forget(id_, pending)
            is_error = isinstance(message, ErrorMessage)
            pending.settle(message, _request_error(message) if is_error else None)
            return
        for klass, answer in self._answers.items():
            if id_ is not None and isinstance(message, klass):
                self._tasks.start_soon(self._answer, answer, message, id_)
                return
        for klass, handler in self._handlers.items():
            if isinstance(message, klass):
                await self._handled.put(partial(handler, message))
                break
        else:
            await self.inbox.put(message)
        self._positions.update(received.positions)

    def lost(self, close: Close) -> None:
        """Give up what the server was asked on the connection."""
        self._current = self._socket = None
        self._fail(LostError(*close), lambda it: it.outgoing.is_sent)

    def closed(self, close: Close) -> None:
        """Give up everything."""
        self.close = close
        self._queue.clear()
        self._fail(ClosedError(*close), lambda _: True)
        self.inbox.end(close)
        self._handled.end(close)
        self.ready.set()

    def _fail(self, error: ClientError, is_meant: Callable[[_Pending], bool]) -> None:
        for pending in filter(is_meant, chain.from_iterable(self._pending.values())):
            pending.settle(None, error)

    # What is sent.

    async def send(self, message: object) -> None:
        """Send a message, or keep it; see `Client.send`."""
        await self._post(self._outgoing(message))

    def _outgoing(self, message: object) -> _Outgoing:
        return _Outgoing(message, self._speech, self._speech.write(message))

    async def _post(self, outgoing: _Outgoing) -> None:
        if self.close is not None:
            raise ClosedError(*self.close)
        socket = self._socket
        if socket is None:
            if len(self._queue) >= self._bound:
                raise QueueFullError(self._bound)
            self._queue.append(outgoing)
            return
        outgoing.is_sent = True
        try:
            await socket.send(outgoing.frame)
        except Lost as lost:
            if self._socket is socket:
                # What comes now waits, even before the loss is read.
                self._socket = None
            raise LostError(*lost.close) from lost

    async def _flush(self, socket: Socket) -> None:
        """Send what waits, and let messages pass from then on."""
        async with self._sending:
            while self._current is socket:
                if not self._queue:
                    self._socket = socket
                    self.ready.set()
                    return
                outgoing = self._queue.popleft()
                if outgoing.speech is not self._speech:
                    outgoing.frame = self._speech.write(outgoing.message)
                outgoing.is_sent = True
                try:
                    await socket.send(outgoing.frame)
                except Lost:
                    return

    # What is asked.

    async def request(
        self,
        message: object,
        timeout: float,  # noqa: ASYNC109 - the server's
    ) -> Any:
        """Send a message, and return the reply; see `Client.request`."""
        asked, id_ = self._speech.with_id(message)
        classes = self._speech.replies_to(asked)
        if any(_overlap(it.classes, classes) for it in self._pending.get(id_, ())):
            raise ValueError(f"the id {id_!r} is that of another request")
        outgoing = self._outgoing(asked)
        pending = _Pending(outgoing, classes)
        self._pending.setdefault(id_, []).append(pending)
        # What is before its reply may wait for room.
        self.inbox.notify()
        self._handled.notify()
        try:
            with anyio.fail_after(timeout):
                await self._post(outgoing)
                await pending.done.wait()
        finally:
            self._forget(id_, pending)
            if not outgoing.is_sent and outgoing in self._queue:
                self._queue.remove(outgoing)
        if pending.error is not None:
            raise pending.error
        return pending.reply

    def _asked(self, id_: Id, message: object) -> _Pending | None:
        """Return the request that a message is the reply to.

        What is a reply to nothing, such as an error, is for whoever asked last.
        """
        pending = self._pending.get(id_, [])
        for it in pending:
            if it.classes is None or isinstance(message, it.classes):
                return it
        return pending[-1] if pending and not self._speech.is_reply(message) else None

    def _forget(self, id_: Id, pending: _Pending) -> None:
        rest = [it for it in self._pending.pop(id_, ()) if it is not pending]
        if rest:
            self._pending[id_] = rest

    def answer(self, question: type, handler: _Handler) -> None:
        """Answer questions; see `Client.answer`."""
        self._speech.check_sent(question)
        self._answers[question] = handler

    async def _answer(self, handler: _Handler, question: object, id_: Id) -> None:
        socket = self._current
        answer = await handler(question)
        outgoing = self._outgoing(self._speech.answering(answer, id_))
        # A question ends with its connection.
        if socket is not None and self._current is socket:
            try:
                await socket.send(outgoing.frame)
            except Lost:
                return

    # What is handled.

    def on(self, kind: type, handler: Callable[[Any], object]) -> None:
        """Call a function with messages; see `Client.on`."""
        self._speech.check_sent(kind)
        if not self._handlers:
            self._tasks.start_soon(self._handle)
        self._handlers[kind] = handler

    async def _handle(self) -> None:
        """Call what handles messages, in their order."""
        while True:
            try:
                handle = await self._handled.take()
            except (StopAsyncIteration, ClosedError):
                return
            found = handle()
            if isawaitable(found):
                await found


def _overlap(some: tuple[type, ...] | None, others: tuple[type, ...] | None) -> bool:
    """Return whether a reply may be of both."""
    if some is None or others is None:
        return True
    return any(issubclass(a, b) or issubclass(b, a) for a, b in product(some, others))


def _request_error(message: ErrorMessage) -> RequestError:
    details = message.errors or None
    return RequestError(
        message.code, message.message, message.details if details is None else details
    )
