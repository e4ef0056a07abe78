"""What a client keeps over all its connections: what waits, for a connection, a reply, a reader."""

import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from inspect import isawaitable
from typing import Any, Final, TypeAlias, final

import anyio
from anyio.abc import TaskGroup

from wsendpoints.client.address import Positions
from wsendpoints.client.asking import Asked, Outgoing, Pending, Request, Stream
from wsendpoints.client.errors import (
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
from wsendpoints.messages.substitution import is_class
from wsendpoints.protocol.close_codes import CloseCode

__all__ = ["Hello", "Session"]

logger: Final = logging.getLogger("wsendpoints")

Hello: TypeAlias = Callable[[Positions], Iterable[object]]
"""Returns what is sent first on each connection."""

_Handler: TypeAlias = Callable[[Any], Awaitable[object]]


_STOPPED_WITHIN: Final = 2.0
"""Seconds that a loop which is left, or cancelled, takes at most to say so."""


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
        self._queue: deque[Outgoing] = deque()
        self._sending = anyio.Lock()
        self._pending = Pending(self._hurry)
        self._answers: dict[type, _Handler] = {}
        self._handlers: dict[type, Callable[[Any], object]] = {}
        self._handled: Inbox[Callable[[], object]] = Inbox(bound, self._is_in_a_hurry)
        # The connection that there is, and the same once what waited is sent.
        self._current: Socket | None = None
        self._socket: Socket | None = None
        self.inbox: Inbox[Any] = Inbox(bound, self._is_in_a_hurry)
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
        if id_ is not None and await self._is_taken(id_, message):
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
        self._pending.fail(LostError(*close), lambda it: it.outgoing.sent_on is not None)

    def closed(self, close: Close) -> None:
        """Give up everything."""
        self.close = close
        self._queue.clear()
        self._pending.fail(ClosedError(*close), lambda _: True)
        end = partial(_end, close)
        self.inbox.end(end)
        self._handled.end(end)
        self.ready.set()

    # What is sent.

    async def send(self, message: object) -> None:
        """Send a message, or keep it; see `Client.send`."""
        await self._post(self._outgoing(message))

    def _outgoing(self, message: object) -> Outgoing:
        return Outgoing(message, self._speech, self._speech.write(message))

    async def _post(self, outgoing: Outgoing) -> None:
        if self.close is not None:
            raise ClosedError(*self.close)
        socket = self._socket
        if socket is None:
            if len(self._queue) >= self._bound:
                raise QueueFullError(self._bound)
            self._queue.append(outgoing)
            return
        outgoing.sent_on = socket
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
                if outgoing.only_on not in (None, socket):
                    continue
                if outgoing.speech is not self._speech:
                    outgoing.frame = self._speech.write(outgoing.message)
                outgoing.sent_on = socket
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
        asking, id_ = self._speech.with_id(message)
        request = Request(self._outgoing(asking), self._speech.replies_to(asking))
        self._pending.add(id_, request)
        try:
            self._pending.hurry()
            with anyio.fail_after(timeout):
                await self._post(request.outgoing)
                return await request.reply()
        finally:
            self._forget(id_, request)

    @asynccontextmanager
    async def stream(
        self,
        message: object,
        until: type | Callable[[Any], bool] | None,
        stop: Callable[[Any], object] | None,
    ) -> AsyncGenerator[Stream]:
        """Send a message, and yield the replies; see `Client.stream`."""
        is_last = self._last(until)
        asking, id_ = self._speech.with_id(message)
        classes = self._speech.replies_to(asking)
        stream = Stream(self._outgoing(asking), classes, is_last, self._bound, self._pending)
        self._pending.add(id_, stream)
        try:
            try:
                await self._post(stream.outgoing)
            except LostError:
                stream.end()
                raise
            yield stream
        finally:
            stream.leave()
            try:
                socket = stream.outgoing.sent_on
                # It may have been cancelled while it was sent: the server may have it.
                if stop is not None and socket is not None and not stream.is_over:
                    await self._stop(socket, stop(id_))
            finally:
                self._forget(id_, stream)

    def _last(self, until: type | Callable[[Any], bool] | None) -> Callable[[Any], bool]:
        """Return what tells the last reply of a stream."""
        if until is None:
            return lambda _: False
        if is_class(until):
            self._speech.check_sent(until)
            return lambda reply: isinstance(reply, until)
        return until

    async def _stop(self, socket: Socket, message: object) -> None:
        """Tell the server to stop, on the connection where it was asked."""
        outgoing = self._outgoing(message)
        outgoing.only_on = socket
        # Also if it is left as it is cancelled.
        with anyio.move_on_after(_STOPPED_WITHIN, shield=True), suppress(LostError):
            await self._post(outgoing)

    async def _is_taken(self, id_: Id, message: object) -> bool:
        """Give a message to whoever asked for it, if somebody has."""
        asked = self._pending.asking(id_, message, is_reply=self._speech.is_reply(message))
        if asked is None:
            return False
        if isinstance(message, ErrorMessage):
            asked.fail(_request_error(message))
        else:
            await asked.take(message)
        if asked.is_over:
            self._pending.forget(id_, asked)
        return True

    def _forget(self, id_: Id, asked: Asked) -> None:
        self._pending.forget(id_, asked)
        if asked.outgoing in self._queue:
            self._queue.remove(asked.outgoing)

    def _is_in_a_hurry(self) -> bool:
        return self._pending.is_awaited

    def _hurry(self) -> None:
        """Have what nobody takes make room for what somebody waits for."""
        self.inbox.notify()
        self._handled.notify()

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


def _request_error(message: ErrorMessage) -> RequestError:
    details = message.errors or None
    return RequestError(
        message.code, message.message, message.details if details is None else details
    )


def _end(close: Close) -> Exception:
    """Return what ends a loop over messages."""
    is_normal = close.code == CloseCode.NORMAL_CLOSURE
    return StopAsyncIteration() if is_normal else ClosedError(*close)
