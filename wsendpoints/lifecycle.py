"""The life of one connection, the same on every server: handshake, then message after message."""

import logging
import math
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, ClassVar, Final, Protocol, TypeVarTuple, Unpack

import anyio
from anyio.lowlevel import checkpoint
from pydantic import ValidationError

from wsendpoints.admission import Admission, Door
from wsendpoints.asgi import Event
from wsendpoints.close_codes import CloseCode, describe
from wsendpoints.declaration import Declaration
from wsendpoints.encoding import frame_of
from wsendpoints.ending import Ending, EndingHooks
from wsendpoints.exceptions import (
    ClientMessageError,
    InvalidMessageError,
    InvalidStateError,
    MessageTooBigError,
    RateLimitedError,
    WebSocketDisconnect,
)
from wsendpoints.failures import Verdict, judge
from wsendpoints.invalid import to_client_error
from wsendpoints.reader import Reader
from wsendpoints.schema import Encoding
from wsendpoints.state import RECEIVE, ConnectionState
from wsendpoints.steps import DONE, resume
from wsendpoints.tasks import Tasks
from wsendpoints.timekeeper import Timekeeper
from wsendpoints.websocket import WebSocket, connection_of

__all__ = ["Hooks", "Lifecycle"]

logger: logging.Logger = logging.getLogger("wsendpoints")

Ts = TypeVarTuple("Ts")

# Read on the path of every message.
_OPEN: Final = ConnectionState.OPEN
_DISCONNECTED: Final = ConnectionState.DISCONNECTED

_SERVED: Final = "wsendpoints.served"
"""What marks a scope: one that is used for two connections is a mistake that would mix them up."""

_AFTER_A_FAILED_SEND: Final = 1.0
"""Seconds that a server may take, once its `send` failed, to deliver what the client sent before.

The disconnect comes last, and is normally there already; this bounds the wait on a server that
forgets it.
"""


class Hooks(Door, EndingHooks, Protocol):
    """What the life of a connection needs of an endpoint."""

    encoding: ClassVar[Encoding]
    cancel_on_disconnect: bool
    params: Any

    async def on_connect(self, websocket: WebSocket) -> None:
        """Answer the handshake."""

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Answer a message that is unusable."""


class Lifecycle:
    """Runs an endpoint for its connection.

    Args:
        endpoint: Its hooks are called, and its limits kept.
        declaration: What its class receives, sends, and handles.
        admission: Who may connect to its class.
    """

    __slots__ = (
        "_admission",
        "_connection",
        "_endpoint",
        "_failure",
        "_invalid_in_a_row",
        "_is_used",
        "_reader",
        "_tasks",
        "_timekeeper",
        "_websocket",
        "declaration",
    )

    _reader: Reader
    _timekeeper: Timekeeper

    def __init__(self, endpoint: Hooks, declaration: Declaration, admission: Admission) -> None:
        self.declaration: Declaration = declaration
        self._admission = admission
        self._endpoint = endpoint
        self._websocket = endpoint.websocket
        self._connection = connection_of(endpoint.websocket)
        self._tasks: Tasks | None = None
        self._failure: BaseException | None = None
        self._invalid_in_a_row = 0
        self._is_used = False

    async def run(self) -> None:
        """Serve the connection, from the handshake to `on_disconnect`."""
        if self._is_used:
            raise InvalidStateError("an instance serves one connection, once: make another")
        self._is_used = True
        if _SERVED in self._websocket.scope:
            raise InvalidStateError("this scope belongs to a connection that is served already")
        self._websocket.scope[_SERVED] = True
        await self._connection.next_event()
        limits = self._endpoint.limits
        self._tasks = Tasks(anyio.create_task_group(), self._task_failed)
        self._reader = Reader(self._connection, self._tasks, limits)
        self._timekeeper = Timekeeper(limits, self._connection, self._tasks, self._reader)
        self._connection.on_close = self._closing
        self._connection.on_left = self._left
        self._connection.close_timeout = limits.close_timeout or math.inf
        self._admission.open += 1
        try:
            await self._live()
            ending = Ending(self._endpoint, self._timekeeper, cleans_up=self.declaration.cleans_up)
            await ending.conclude(self._take_failure())
        finally:
            self._admission.open -= 1
            # They refer back to this: no cycle is to keep a connection alive.
            del self._endpoint, self._reader, self._timekeeper

    async def _live(self) -> None:
        tasks = self._live_tasks
        try:
            async with tasks.group:
                try:
                    # By hand, so that it shows where it has to wait.
                    steps = self._converse().__await__()
                    if (trap := next(steps, DONE)) is not DONE:
                        await resume(steps, trap, self._reader.loop_waits)
                except (anyio.get_cancelled_exc_class(), GeneratorExit):
                    raise
                except BaseException as exc:  # noqa: BLE001 - raised in the end
                    self._fail(exc)
                # It takes long, so it is not done for none.
                if tasks.were_started:
                    tasks.group.cancel_scope.cancel()
        except anyio.get_cancelled_exc_class() as exc:
            self._fail(exc)
        finally:
            self._tasks = self._connection.on_close = self._connection.on_left = None
            self._timekeeper.release()
            self._reader.release()

    async def _converse(self) -> None:
        """Answer the handshake, then handle each message, until either side ends it.

        All that a message passes on its way is here. What is the same for each is looked up
        before the first.
        """
        connection, endpoint, websocket = self._connection, self._endpoint, self._websocket
        reader, receive, send = self._reader, self._reader.receive, connection.send
        timekeeper, counts_messages = self._timekeeper, self._timekeeper.counts_messages
        handling, replying = timekeeper.handling, timekeeper.replying
        handlers, on_message = self.declaration.handlers, self.declaration.on_message
        inbound, outbound = self.declaration.inbound, self.declaration.outbound
        decode_text, decode_binary = inbound.decode_text, inbound.decode_binary
        encoders, encode = outbound.encoders, outbound.encode
        # A character is at most four bytes of UTF-8.
        surely_fits = (endpoint.limits.max_message_size or sys.maxsize) // 4

        await self._connect()
        while True:
            if connection.state is _OPEN:
                event = await (receive() if reader.has_role else reader.next())
            elif (remaining := await self._next_remaining()) is not None:
                event = remaining
            else:
                return
            if event.get("type") != RECEIVE:
                # Nothing is left to be ended for it.
                connection.on_left = None
                connection.received(event)
                return
            reader.on_wait = handling
            try:
                frame = event.get("text")
                if type(frame) is not str or event.get("bytes") is not None:
                    frame = frame_of(event)
                if counts_messages:
                    timekeeper.message_came()
                if len(frame) > surely_fits:
                    self._check_size(frame)
                try:
                    message = decode_text(frame) if type(frame) is str else decode_binary(frame)
                except ValidationError as exc:
                    as_json = endpoint.encoding == "json"
                    raise to_client_error(exc, frame, json=as_json) from None
                handler = handlers.get(message.__class__, on_message)
                reply = await handler(endpoint, websocket, message)
                self._invalid_in_a_row = 0
                # A connection that somebody closed meanwhile has no use for the reply.
                if reply is not None and connection.state is _OPEN:
                    event = encoders.get(reply.__class__, encode)(reply)
                    reader.on_wait = replying
                    try:
                        await send(event)
                    except Exception as exc:
                        raise connection.lost(exc) from exc
                    except BaseException:
                        connection.cut_off()
                        raise
            except ClientMessageError as error:
                await self._refuse(error)
            except WebSocketDisconnect:
                # Ours: what else the client sent before it left is handled still.
                if connection.state is not _DISCONNECTED:
                    raise
            reader.on_wait = None
            if timekeeper.is_timing:
                timekeeper.handled()
            # An idle connection holds no message.
            del event
            frame = message = reply = None

    async def _connect(self) -> None:
        if self._connection.state is not ConnectionState.HANDSHAKE:
            return
        params = self._admission.admit(self._endpoint, self._websocket)
        if params is not None:
            self._endpoint.params = params
        self._reader.on_wait = self._timekeeper.connecting
        try:
            await self._endpoint.on_connect(self._websocket)
        except ClientMessageError as error:  # from a message that it received itself
            await self._refuse(error)
        self._timekeeper.connected()
        self._reader.on_wait = None

    async def _next_remaining(self) -> Event | None:
        """Return what the client sent before it left; `None` once there is no more."""
        if self._connection.state is not _DISCONNECTED or self._connection.is_drained:
            return None
        with anyio.move_on_after(_AFTER_A_FAILED_SEND):
            return await (self._reader.receive() if self._reader.has_role else self._reader.next())
        return None

    def _check_size(self, frame: str | bytes) -> None:
        size = len(frame) if isinstance(frame, bytes) else len(frame.encode(errors="replace"))
        limit = self._endpoint.limits.max_message_size
        if limit is not None and size > limit:
            raise MessageTooBigError(f"max_message_size: a message may have {limit} bytes")

    async def _refuse(self, error: ClientMessageError) -> None:
        """Have a message answered that is unusable; too many in a row close the connection."""
        self._invalid_in_a_row += 1
        limit = self._endpoint.limits.max_invalid
        if isinstance(error, InvalidMessageError):
            logger.debug("%s: %s", self._name, error.detail)
        else:
            level = logging.WARNING if isinstance(error, RateLimitedError) else logging.INFO
            logger.log(level, "%s: %s: %s", self._name, describe(error.close_code), error.detail)
        await self._endpoint.on_invalid(self._websocket, error)
        if limit is not None and self._invalid_in_a_row >= limit:
            if self._connection.state is _OPEN:
                logger.warning("%s: max_invalid: %d invalid messages in a row", self._name, limit)
            await self._connection.end(
                CloseCode.POLICY_VIOLATION, f"max_invalid: {limit} invalid messages in a row"
            )

    async def stream(self, replies: AsyncGenerator[Any, None]) -> None:
        """Send what an async generator yields; it is cancelled when the client leaves."""
        connection, encode = self._connection, self.declaration.outbound.encode
        with self._live_tasks.scope():
            async with aclosing(replies):
                async for reply in replies:
                    if connection.state is not _OPEN:
                        return
                    await connection.transmit(encode(reply))
                    # A generator that never waits must not keep the others from running.
                    await checkpoint()

    async def push(self, message: Any) -> None:
        """Send a message, as a reply is sent."""
        await self._connection.transmit(self.declaration.outbound.encode(message))

    def start_soon(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]) -> None:
        """Run a task that lives as long as the connection."""
        self._live_tasks.start(func, args)

    @property
    def _live_tasks(self) -> Tasks:
        if self._tasks is None:
            raise InvalidStateError("tasks can be started while the connection is served")
        return self._tasks

    # What happens to the connection meanwhile.

    def _left(self) -> None:
        """Note that the client left: what speaks to nobody ends, a handler has its grace."""
        self._live_tasks.cancel()
        if self._endpoint.cancel_on_disconnect:
            if self._reader.is_handling:
                logger.info("%s: a handler is cancelled, for the client left", self._name)
            self._live_tasks.group.cancel_scope.cancel()
        else:
            self._timekeeper.left()

    def _closing(self) -> None:
        """Note that the application closes the connection: nobody is to wait for a message."""
        self._reader.stop()
        if self._reader.is_handling:
            # Nobody reads any more, so nothing else would end a handler that goes on.
            self._timekeeper.left()
        else:
            self._live_tasks.group.cancel_scope.cancel()

    def _task_failed(self, exc: BaseException) -> None:
        """End the connection for what a task raised, unless that is the connection's end."""
        is_over = self._connection.state is not _OPEN
        if judge(exc)[0] is Verdict.DISCONNECT or (is_over and isinstance(exc, InvalidStateError)):
            return
        self._fail(exc)
        self._live_tasks.group.cancel_scope.cancel()

    def _fail(self, exc: BaseException) -> None:
        # The first failure counts; what follows from it is noise.
        if self._failure is None:
            self._failure = exc

    def _take_failure(self) -> BaseException | None:
        failure, self._failure = self._failure, None
        return failure

    @property
    def _name(self) -> str:
        return type(self._endpoint).__qualname__
