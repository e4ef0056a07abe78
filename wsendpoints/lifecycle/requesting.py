"""Calls of the server to its client, by a dialect, and the answers that they wait for."""

import logging
from typing import Any, Final, final

from wsendpoints.dialects.records import Answer, AskError, Failure, InvalidRecordError, Request
from wsendpoints.handshake.identity import LogFields
from wsendpoints.lifecycle.asking import Asking, check_timeout
from wsendpoints.messages.correlation import Id
from wsendpoints.messages.envelope import Envelope
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    InvalidMessageError,
)
from wsendpoints.protocol.frames import frame_of
from wsendpoints.protocol.state import OPEN

__all__ = ["Requesting"]

logger: Final = logging.getLogger("wsendpoints")


@final
class Requesting(Asking):
    """The calls of one connection to its client that wait for an answer."""

    __slots__ = ()

    @property
    def _envelope(self) -> Envelope:
        envelope: Envelope = self._declaration.envelope  # type: ignore[assignment]  # it has one
        return envelope

    async def ask(
        self,
        question: Any,
        expected: Any,
        timeout: float,  # noqa: ASYNC109 - a scope of the caller's would break the send
    ) -> Any:
        """Call a method of the client, and wait for its result.

        Args:
            question: A `Request`: the method and its params.
            expected: The type of the result.
            timeout: Seconds that the client has to answer, once the call is sent.

        Raises:
            ConfigurationError: The question is none.
            NotImplementedError: The dialect has no calls to the client.
            ValueError: The timeout is not above 0.
            TimeoutError: No answer came in time. The client is told to cancel the call, where the
                dialect can.
            AskError: The client answered with an error.
            InvalidRecordError: It answered with a result of another type. Where a handler lets this
                pass, its own call is answered with the error `"internal_error"`.
            WebSocketDisconnect: The connection ended before.
        """
        check_timeout(timeout)
        if not isinstance(question, Request):
            raise ConfigurationError(
                f"{self._where} has a dialect, and asks with {question!r}: ask with a `Request` of "
                'a method of the client\'s, as in `await self.ask(Request("show", params), bool, '
                "timeout=10)`"
            )
        envelope = self._envelope
        self._number += 1
        id_ = f"s{self._number}"
        event = envelope.event(envelope.dialect.write_call(question.method, question.params, id_))
        try:
            answer = await self._wait(id_, event, expected, timeout)
        except TimeoutError:
            cancel = envelope.dialect.write_cancel(id_)
            if cancel is not None and self._connection.state is OPEN:
                await self._connection.transmit(envelope.event(cancel))
            raise
        if isinstance(answer, Failure):
            raise AskError(answer.code, answer.message, answer.details)
        try:
            return envelope.result(expected, answer.result)
        except InvalidMessageError as exc:
            raise InvalidRecordError(
                f"the result of {question.method!r} is not of the type that was asked for",
                None,
                "internal_error",
            ) from exc

    def answered(self, answer: Any, id_: Id | None) -> None:
        """Give an answer to the call that waits for it, or drop it."""
        if not self._take_record(answer):
            logger.debug(
                "%s: an answer to no call that waits for one",
                self._where,
                extra=LogFields(self._connection.scope),
            )

    def _take_record(self, record: Answer | Failure) -> bool:
        # Ours are texts; what is none can't even be looked up.
        return isinstance(record.id, str) and self._take(record, record.id)

    def _is_one(self, answer: Any, expected: Any) -> bool:
        # That its result is valid shows where it is awaited, and fails there.
        return True

    def _divert(self, event: Event) -> bool:
        """Take an answer that came while a handler runs."""
        frame = frame_of(event)
        envelope = self._envelope
        decode = envelope.decode_text if isinstance(frame, str) else envelope.decode_binary
        try:
            records = decode(frame).records
        except ClientMessageError:
            return False
        if len(records) != 1:
            return False
        (record,) = records
        return isinstance(record, Answer | Failure) and self._take_record(record)
