"""The conversation with one client: message after message, and what runs beside them."""

import logging
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
from typing import Any, ClassVar, Final, Protocol, TypeVarTuple, Unpack

import anyio
from anyio.lowlevel import checkpoint
from pydantic import ValidationError

from wsendpoints.connection.stepping import DONE, resume
from wsendpoints.connection.websocket import WebSocket, connection_of
from wsendpoints.lifecycle.deadlines import Deadline, Deadlines, Stage
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.messages.adapters import Encoding
from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.close_codes import CloseCode, describe
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    InvalidMessageError,
    MessageTooBigError,
    RateLimitedError,
    WebSocketDisconnect,
)
from wsendpoints.protocol.frames import frame_of
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.state import RECEIVE, ConnectionState

__all__ = ["Conversation", "Speaker"]

logger: logging.Logger = logging.getLogger("wsendpoints")

Ts = TypeVarTuple("Ts")

# Read on the path of every message.
_OPEN: Final = ConnectionState.OPEN
_CLOSED: Final = ConnectionState.CLOSED
_DISCONNECTED: Final = ConnectionState.DISCONNECTED
_HANDLING: Final = Stage.HANDLING
_REPLYING: Final = Stage.REPLYING

_AFTER_A_FAILED_SEND: Final = 1.0
"""Seconds that a server may take, once its `send` failed, to deliver what the client sent before.

The disconnect comes last, and is normally there already; this bounds the wait on a server that
forgets it.
"""


class Speaker(Protocol):
    """What a conversation needs of an endpoint."""

    websocket: WebSocket
    limits: Limits
    encoding: ClassVar[Encoding]
    cancel_on_disconnect: bool

    async def on_connect(self, websocket: WebSocket) -> None:
        """Answer the handshake."""

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Answer a message that is unusable."""


class Conversation:
    """Holds the conversation of an endpoint with its client.

    Args:
        endpoint: Its hooks and handlers are called, and its limits kept.
        declaration: What its class receives, sends, and handles.
        first: The first message, if there is one already: the handshake is answered then.
    """

    __slots__ = (
        "_connection",
        "_deadlines",
        "_declaration",
        "_endpoint",
        "_invalid_in_a_row",
        "_reader",
        "_tasks",
        "_websocket",
    )

    def __init__(self, endpoint: Speaker, declaration: Declaration, first: Event | None) -> None:
        self._endpoint = endpoint
        self._declaration = declaration
        self._websocket = endpoint.websocket
        self._connection = connection_of(endpoint.websocket)
        self._invalid_in_a_row = 0
        # Each knows those before it, and none of those after it.
        self._tasks = Tasks(self._connection)
        self._deadlines = Deadlines(endpoint.limits, self._tasks)
        self._reader = Reader(
            self._connection, self._tasks, self._deadlines, endpoint.limits, first
        )
        self._connection.listener = self

    async def hold(self) -> BaseException | None:
        """Hold it, until either side ends it.

        Returns:
            The exception that ended it, if one did: of a hook, a handler, a task, or of whoever
            cancelled this.
        """
        tasks = self._tasks
        try:
            async with tasks.group:
                try:
                    # By hand, so that it shows where it has to wait.
                    steps = self._converse().__await__()
                    if (trap := next(steps, DONE)) is not DONE:
                        await resume(steps, trap, self._reader)
                except (anyio.get_cancelled_exc_class(), GeneratorExit):
                    raise
                except BaseException as exc:  # noqa: BLE001 - raised in the end
                    tasks.fail(exc)
                # It takes long, so it is not done for none.
                if tasks.were_started:
                    tasks.end()
        except anyio.get_cancelled_exc_class() as exc:
            tasks.fail(exc)
        finally:
            self._connection.listener = None
            self._reader.release()
            failure, tasks.failure = tasks.failure, None
            del tasks, self._connection, self._endpoint, self._reader, self._tasks, self._websocket
        try:
            return failure
        finally:
            del failure

    def passed(self) -> Deadline | None:
        """Return the time limit that ended it, if one did."""
        return self._deadlines.passed()

    async def _converse(self) -> None:
        """Answer the handshake, if that is to be done, then handle each message.

        All that a message passes on its way is here. What is the same for each is looked up
        before the first.
        """
        connection, endpoint, websocket = self._connection, self._endpoint, self._websocket
        reader, receive, send = self._reader, self._reader.receive, connection.send
        deadlines = self._deadlines
        count_message = deadlines.message_came if deadlines.counts_messages else None
        handlers, on_message = self._declaration.handlers, self._declaration.on_message
        inbound, outbound = self._declaration.inbound, self._declaration.outbound
        decode_text, decode_binary = inbound.decode_text, inbound.decode_binary
        encoders, encode = outbound.encoders, outbound.encode
        # A character is at most four bytes of UTF-8.
        surely_fits = (endpoint.limits.max_message_size or sys.maxsize) // 4

        if connection.state is ConnectionState.HANDSHAKE:
            await self._connect()
        while True:
            if connection.state is _OPEN:
                event = await (receive() if reader.has_role else reader.next())
            elif (remaining := await self._next_remaining()) is not None:
                event = remaining
            else:
                return
            if connection.state is _CLOSED:
                # A task closed it while the message was on its way here.
                return
            if event.get("type") != RECEIVE:
                # In its turn, so nothing runs that would have to be ended for it.
                connection.listener = None
                connection.received(event)
                return
            reader.stage = _HANDLING
            try:
                frame = event.get("text")
                if type(frame) is not str or event.get("bytes") is not None:
                    frame = frame_of(event)
                if count_message is not None:
                    count_message()
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
                    reader.stage = _REPLYING
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
            reader.stage = None
            if deadlines.is_timing:
                deadlines.handled()
            # An idle connection holds no message.
            del event
            frame = message = reply = None

    async def _connect(self) -> None:
        self._reader.stage = Stage.CONNECTING
        try:
            await self._endpoint.on_connect(self._websocket)
        except ClientMessageError as error:  # from a message that it received itself
            await self._refuse(error)
        self._deadlines.connected()
        self._reader.stage = None

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
        connection, encode = self._connection, self._declaration.outbound.encode
        with self._tasks.scope():
            async with aclosing(replies):
                async for reply in replies:
                    if connection.state is not _OPEN:
                        return
                    await connection.transmit(encode(reply))
                    # A generator that never waits must not keep the others from running.
                    await checkpoint()

    def start_soon(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]) -> None:
        """Run a task that lives as long as the conversation."""
        self._tasks.start(func, args)

    # What happens to the connection meanwhile.

    def on_accept(self) -> None:
        """Begin to count the time until the first message, and between messages."""
        self._deadlines.accepting()
        self.on_expiry_set()

    def on_send_wait(self, send: Hashable, is_waiting: bool) -> None:
        """Count the time of a send that has to wait."""
        self._deadlines.blocked(send, is_waiting)

    def on_expiry_set(self) -> None:
        """Count the time until it expires."""
        connection = self._connection
        self._deadlines.expires(connection.expires_at if connection.state is _OPEN else None)

    def on_disconnect(self) -> None:
        """Note that the client left: what speaks to nobody ends, a handler has its grace."""
        self._tasks.cancel()
        if self._endpoint.cancel_on_disconnect:
            if self._reader.is_handling:
                logger.info("%s: a handler is cancelled, for the client left", self._name)
            self._tasks.end()
        else:
            self._give_grace()

    def _give_grace(self) -> None:
        self._deadlines.disconnected(is_shutdown=self._connection.code == CloseCode.SERVICE_RESTART)

    def on_close(self) -> None:
        """Note that the application closes the connection: nobody is to wait for a message."""
        self._reader.stop()
        if self._reader.is_handling:
            # Nobody reads any more, so nothing else would end a handler that goes on.
            self._give_grace()
        else:
            self._tasks.end()

    @property
    def _name(self) -> str:
        return type(self._endpoint).__qualname__
