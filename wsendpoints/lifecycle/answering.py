"""What answers a message that could not be handled: an error message, a close, or nothing."""

import logging
from contextvars import ContextVar
from typing import Any, Final

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.cancelling import Cancellable
from wsendpoints.lifecycle.failures import holds_only, raise_replaced, requested_close, sole
from wsendpoints.lifecycle.hooks import Hooks, fields_of, name_of
from wsendpoints.lifecycle.native import NativeTask
from wsendpoints.messages.declaration import Declaration
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.close_codes import describe
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ErrorReply,
    InvalidMessageError,
    WebSocketDisconnect,
)
from wsendpoints.protocol.limits import OUTCOMES
from wsendpoints.protocol.state import DISCONNECTED, OPEN

__all__ = ["ANSWERED", "Answering"]

logger: logging.Logger = logging.getLogger("wsendpoints")

ANSWERED: Final[ContextVar[Any]] = ContextVar("wsendpoints_answered", default=None)
"""The correlation id of the message that is being handled; with a dialect, the call."""


class Answering:
    """Answers what a handler raises, and messages that have no handler.

    Args:
        endpoint: Its hooks are called.
        declaration: What its class declares.
        connection: Its connection.
    """

    __slots__ = ("_connection", "_declaration", "_endpoint")

    def __init__(self, endpoint: Hooks, declaration: Declaration, connection: Connection) -> None:
        self._endpoint = endpoint
        self._declaration = declaration
        self._connection = connection

    def speak(self, declaration: Declaration) -> None:
        """Answer as is declared for the subprotocol that was accepted."""
        self._declaration = declaration

    async def answer(
        self,
        exc: BaseException,
        message: Any,
        *,
        is_handlers: bool = True,
        task: Cancellable | NativeTask | None = None,
    ) -> bool:
        """Answer what a handler raised.

        Args:
            exc: The exception.
            message: What was handled; `None` if it was invalid.
            is_handlers: Whether the handler raised it, rather than the send of its reply.
            task: In which it runs beside the loop: once it is cancelled, nothing is sent of it.

        Returns:
            Whether the conversation goes on; if not, the exception is to be raised on.
        """
        if isinstance(exc, ClientMessageError):
            await self.refuse(exc, message)
            return True
        if not self.is_own_disconnect(exc):
            self._connection.invalid_in_a_row = 0
        if await self._is_settled(exc, task):
            return True
        if (
            not is_handlers
            or not isinstance(exc, Exception)
            or isinstance(exc, UnawaitedError | WebSocketDisconnect)
            or requested_close(exc) is not None
            or not self._has_on_error()
        ):
            return False
        try:
            reply = await self._endpoint.on_error(self._endpoint.websocket, message, exc)
        except (Exception, BaseExceptionGroup) as failure:
            if not await self._is_settled(failure, task):
                raise
            raise_replaced(failure)
            return True
        if self._may_send(task):
            await self._send_reply(reply)
        return True

    async def refuse(self, error: ClientMessageError, message: Any = None) -> None:
        """Have an unusable message answered; too many in a row close the connection.

        Args:
            error: What is wrong with it.
            message: The message, if a handler refuses it.
        """
        self._connection.invalid_in_a_row += 1
        if message is None:
            ANSWERED.set(self._id_of_invalid(error))
        for listener in self._connection.listeners:
            listener.on_invalid(error)
        limit = self._endpoint.limits.max_invalid
        if isinstance(error, InvalidMessageError):
            logger.debug(
                "%s: %s", name_of(self._endpoint), error.detail, extra=fields_of(self._endpoint)
            )
        else:
            level = logging.INFO if error.limit is None else OUTCOMES[error.limit].level
            logger.log(
                level,
                "%s: %s: %s",
                name_of(self._endpoint),
                describe(error.close_code),
                error.detail,
                extra=fields_of(self._endpoint, limit=error.limit),
            )
        try:
            await self._endpoint.on_invalid(self._endpoint.websocket, error)
        except (Exception, BaseExceptionGroup) as exc:
            if not await self._is_settled(exc):
                raise
            raise_replaced(exc)
        if limit is not None and self._connection.invalid_in_a_row >= limit:
            outcome, reason = (
                OUTCOMES["max_invalid"],
                f"max_invalid: {limit} invalid messages in a row",
            )
            if self._connection.state is OPEN:
                fields = fields_of(self._endpoint, limit="max_invalid")
                logger.log(outcome.level, "%s: %s", name_of(self._endpoint), reason, extra=fields)
            code = self._endpoint.limits.close_code("max_invalid")
            await self._connection.end(code, reason)

    def is_own_disconnect(self, exc: BaseException) -> bool:
        """Whether an exception is this connection's disconnect: what came before is handled still.

        Another connection's disconnect ends this one, unless this one is over too.
        """
        return self._connection.state is DISCONNECTED and holds_only(exc, WebSocketDisconnect)

    def _has_on_error(self) -> bool:
        own = getattr(self._endpoint.on_error, "__func__", None)
        return own is not self._declaration.default_on_error

    async def _is_settled(
        self, exc: BaseException, task: Cancellable | NativeTask | None = None
    ) -> bool:
        """Send an exception that is an `ErrorReply`; return whether that was all there is to do."""
        if self.is_own_disconnect(exc):
            return True
        error = sole(exc, ErrorReply)
        if error is None:
            return False
        try:
            if self._may_send(task):
                await self._send_error(error, ANSWERED.get())
        finally:
            # It holds this frame: without this reference it is no cycle.
            del error
        return True

    def _may_send(self, task: Cancellable | NativeTask | None) -> bool:
        # An answer is dropped, like a reply, if the connection was closed meanwhile.
        return self._connection.state is OPEN and not (task is not None and task.is_cancelled)

    def _id_of_invalid(self, error: ClientMessageError) -> Any:
        return self._declaration.id_of_invalid(error)

    async def _send_reply(self, reply: Any) -> None:
        if reply is not None:
            if (correlation := self._declaration.correlation) is not None:
                reply = correlation.fill(reply, ANSWERED.get())
            await self._send(self._connection.encode(reply))

    async def _send_error(self, error: ErrorReply, answered: Any) -> None:
        logger.debug("%s: %s", name_of(self._endpoint), error, extra=fields_of(self._endpoint))
        await self._send(self._declaration.error_event(error, answered))

    async def _send(self, event: Event) -> None:
        try:
            await self._connection.transmit(event)
        except WebSocketDisconnect as exc:
            # What came before the disconnect is handled still.
            if not self.is_own_disconnect(exc):
                raise
