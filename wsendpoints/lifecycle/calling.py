"""Calls of a dialect: their methods are called, and their results, items and errors answer them."""

import functools
import logging
from collections.abc import Sequence
from typing import Any, Final

from wsendpoints.connection.connection import Connection
from wsendpoints.dialects.records import (
    Answer,
    Call,
    Cancel,
    Close,
    Failure,
    InvalidRecordError,
    Notification,
    Record,
)
from wsendpoints.lifecycle.answering import ANSWERED, Answering
from wsendpoints.lifecycle.cancelling import Cancellable
from wsendpoints.lifecycle.failures import raise_replaced
from wsendpoints.lifecycle.hooks import Hooks, fields_of, name_of
from wsendpoints.lifecycle.names import tell_sender
from wsendpoints.lifecycle.native import NativeTask
from wsendpoints.messages.declaration import Declaration, Handler
from wsendpoints.messages.envelope import Envelope
from wsendpoints.messages.exchange import Called, Exchange, Written
from wsendpoints.messages.procedure import Results
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.exceptions import ClientMessageError, ErrorReply
from wsendpoints.protocol.state import OPEN

__all__ = ["CallAnswering", "answering_of", "calling", "exchange"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_CANCELLED: Final = ErrorReply("request_cancelled", "the call was cancelled")


class _AllRefusedError(ClientMessageError):
    """All records of a frame were invalid, and each was refused: the frame counts as one."""


class CallAnswering(Answering):
    """Answers calls, and what is none, by a dialect.

    Args:
        endpoint: Its hooks are called.
        declaration: What its class declares: a dialect among it.
        connection: Its connection.
    """

    __slots__ = ()

    @property
    def _envelope(self) -> Envelope:
        envelope: Envelope = self._declaration.envelope  # type: ignore[assignment]  # it has one
        return envelope

    async def answer(
        self,
        exc: BaseException,
        message: Any,
        *,
        is_handlers: bool = True,
        task: Cancellable | NativeTask | None = None,
    ) -> bool:
        """Answer what a method raised, or a frame that holds no records.

        Args:
            exc: The exception.
            message: The exchange, or the call, that was handled; `None` if a frame was invalid.
            is_handlers: Whether the method raised it, rather than the send of its answer.
            task: That of a concurrent method: nothing is sent once it was cancelled.
        """
        if isinstance(exc, _AllRefusedError):
            return True
        exchange = message if isinstance(message, Exchange) else None
        # That of one record of many comes here again, by way of the conversation's loop.
        if exchange is not None and exchange.judged == id(exc):
            return False
        ANSWERED.set(message if exchange is None else exchange.called)
        data = None if message is None else message.data
        try:
            is_answered = await super().answer(exc, data, is_handlers=is_handlers, task=task)
        except BaseException as other:
            if exchange is not None:
                exchange.judged = id(other)
            raise
        if exchange is not None and not is_answered:
            exchange.judged = id(exc)
        return is_answered

    def cancelled(self, called: Called) -> Any:
        """Return what is to be sent since a call was cancelled, `None` for nothing."""
        return called.answer(self._envelope.dialect.write_error(called.id, _CANCELLED))

    async def send(self, value: Any) -> None:
        """Send what the dialect wrote: a frame, nothing, or a close."""
        connection = self._connection
        if isinstance(value, Close):
            await connection.end(value.code, value.reason)
        elif value is not None and connection.state is OPEN:
            await self._send(self._envelope.event(value))

    def _id_of_invalid(self, error: ClientMessageError) -> Any:
        return ANSWERED.get()

    async def _send_reply(self, reply: Any) -> None:
        called: Called = ANSWERED.get()
        await self.send(called.answer(self._envelope.dialect.write_reply(called.id, reply)))

    async def _send_error(self, error: ErrorReply, answered: Called | None) -> None:
        logger.debug("%s: %s", name_of(self._endpoint), error, extra=fields_of(self._endpoint))
        self._declaration.check_code(error)
        called = Called(None) if answered is None else answered
        if not called.is_answered:
            written = self._envelope.dialect.write_error(called.id, error)
            await self.send(called.answer(written))


def answering_of(endpoint: Hooks, declaration: Declaration, connection: Connection) -> Answering:
    """Return what answers the messages of an endpoint, as its class has a dialect or not."""
    kind = Answering if declaration.envelope is None else CallAnswering
    return kind(endpoint, declaration, connection)


def exchange(endpoint: Any, websocket: Any, data: Exchange) -> Any:
    """Handle the records in a frame."""
    envelope: Envelope = endpoint._lifecycle.declaration.envelope
    called = envelope.called(data)
    if len(data.records) > 1 or data.is_batch:
        return _handle_each(endpoint, websocket, data, called)
    record = data.records[0]
    handling: Any = _handle(endpoint, websocket, data, record, called[0])
    if isinstance(record, Call | Notification) and record.method in envelope.procedures:
        # How it is called in the log.
        handling.__name__ = envelope.procedures[record.method].method.name
    return handling


async def _handle_each(
    endpoint: Any, websocket: Any, data: Exchange, called: Sequence[Called]
) -> None:
    answering, connection = endpoint._lifecycle.two_way.answering, endpoint._lifecycle.connection
    before, refused = connection.invalid_in_a_row, 0
    for record, one in zip(data.records, called, strict=True):
        try:
            written = await _handle(endpoint, websocket, data, record, one)
        except (Exception, BaseExceptionGroup) as exc:
            if not await answering.answer(exc, data):
                raise
            raise_replaced(exc)
            if isinstance(exc, ClientMessageError):
                refused += 1
                connection.invalid_in_a_row = before
        else:
            if written is not None and connection.state is OPEN:
                await connection.transmit(written.event)
    if refused == len(data.records):
        connection.invalid_in_a_row = before + 1
        raise _AllRefusedError("no record of the frame is valid")


async def _handle(
    endpoint: Any,
    websocket: Any,
    data: Exchange,
    record: Record | InvalidRecordError,
    called: Called,
) -> Any:
    data.called = called
    lifecycle = endpoint._lifecycle
    match record:
        case Call() | Notification():
            procedure = lifecycle.declaration.envelope.procedures.get(record.method)
            if procedure is not None:
                called.arguments = procedure.parameters.arguments(record.params)
                ANSWERED.set(called)
                return await procedure.method.handler(endpoint, websocket, called)
            if isinstance(record, Call):
                raise InvalidRecordError("there is no such method", record.id, "method_not_found")
            logger.debug(
                "%s: a notification that no method takes",
                name_of(endpoint),
                extra=fields_of(endpoint),
            )
        case Answer() | Failure():
            lifecycle.two_way.answered(record)
        case Cancel():
            lifecycle.two_way.cancel_call(record.id)
        case _:
            raise record
    return None


def calling(function: Handler, name: str, results: Results, is_stream: bool) -> Handler:
    """Return the handler that answers a call by what another one returns.

    Args:
        function: Calls the method of the call, and sends its items, if it has any.
        name: The name of the method.
        results: What makes a value of its result, or of an item.
        is_stream: Whether it is known to have items, though it may have none.
    """

    @functools.wraps(function, updated=())
    async def handler(endpoint: Any, websocket: Any, called: Called) -> Written | None:
        lifecycle = endpoint._lifecycle
        envelope: Envelope = lifecycle.declaration.envelope
        called.results, called.is_streamed = results, is_stream
        ANSWERED.set(called)
        try:
            result = await function(endpoint, websocket, called)
            value = envelope.answer(called, result)
        except UnawaitedError as error:
            tell_sender(error, endpoint, handler)
            raise
        if isinstance(value, Close):
            await lifecycle.two_way.answering.send(value)
            return None
        return None if value is None else Written(envelope.event(value))

    handler.__name__ = name
    return handler
