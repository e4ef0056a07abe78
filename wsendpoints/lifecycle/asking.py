"""Questions that the server asks its client, and the answers that they wait for."""

import logging
from collections.abc import Iterator
from typing import Any, Final, final
from uuid import uuid4

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.handshake.identity import LogFields
from wsendpoints.lifecycle.answering import Answering
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.messages.correlation import Correlation, Id, bounded
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import ClientMessageError, ConfigurationError
from wsendpoints.protocol.frames import frame_of

__all__ = ["Asking", "answered", "check_timeout"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_PENDING: Final = object()


@final
class _Question:
    """A question that waits for its answer."""

    __slots__ = ("answer", "event", "expected")

    def __init__(self, expected: Any) -> None:
        self.expected = expected
        self.event = anyio.Event()
        self.answer: Any = _PENDING


class Asking:
    """The questions of one connection that wait for an answer.

    Args:
        where: The name of the endpoint's class, for the text of an error.
        declaration: What the class declares: its answers, and the field that an answer has in
            common with its question.
        connection: The connection.
        reader: Reads the answers while a handler waits for them.
        answering: Answers an answer that is invalid.
    """

    __slots__ = (
        "_answering",
        "_connection",
        "_declaration",
        "_number",
        "_questions",
        "_reader",
        "_where",
    )

    def __init__(
        self,
        where: str,
        declaration: Declaration,
        connection: Connection,
        reader: Reader,
        answering: Answering,
    ) -> None:
        self._where = where
        self._declaration = declaration
        self._connection = connection
        self._reader = reader
        self._answering = answering
        self._number = 0
        self._questions: dict[Id, _Question] = {}
        connection.at_end(self._end)

    @property
    def _correlation(self) -> Correlation:
        found: Correlation = self._declaration.correlation  # type: ignore[assignment]  # it has one
        return found

    def speak(self, declaration: Declaration) -> None:
        """Read answers as is declared for the subprotocol that was accepted."""
        self._declaration = declaration

    async def ask(
        self,
        question: Any,
        expected: Any,
        timeout: float,  # noqa: ASYNC109 - a scope of the caller's would break the send
    ) -> Any:
        """Send a question, and wait for its answer.

        Args:
            question: A message with the field of the class's `correlation_id`.
            expected: The type of the answer, which the class declares.
            timeout: Seconds that the client has to answer, once the question is sent.

        Raises:
            ConfigurationError: The question has no field for an id.
            ValueError: The timeout is not above 0, or a question with this id is waiting already.
            TimeoutError: No answer came in time.
            WebSocketDisconnect: The connection ended before.
        """
        check_timeout(timeout)
        id_, question = self._identify(question)
        if id_ in self._questions:
            raise ValueError(
                f"a question with the id {id_!r} waits for its answer already: leave the id out, "
                "and each question gets one of its own"
            )
        return await self._wait(id_, self._connection.encode(question), expected, timeout)

    async def _wait(self, id_: Id, event: Event, expected: Any, seconds: float) -> Any:
        """Send a question, and return its answer once that came."""
        asked = self._questions[id_] = _Question(expected)
        try:
            # Before it is sent: the answer may be read before the server says that it is.
            self._reader.divert = self._divert
            # A cancellation in the middle of a send would end the connection: so the time begins
            # once it is sent.
            await self._connection.transmit(event)
            self._reader.read_meanwhile()
            with anyio.move_on_after(seconds):
                await asked.event.wait()
        finally:
            del self._questions[id_]
            if not self._questions:
                self._reader.divert = None
        if asked.answer is not _PENDING:
            return asked.answer
        if asked.event.is_set():
            raise self._connection.disconnect_error()
        raise TimeoutError(f"{self._where}: the client has not answered within {seconds:g} s")

    def answered(self, answer: Any, id_: Id | None) -> None:
        """Give an answer to the question that waits for it, or drop it."""
        if not self._take(answer, id_):
            logger.debug(
                "%s: an answer to no question that waits for one",
                self._where,
                extra=LogFields(self._connection.scope),
            )

    def _is_one(self, answer: Any, expected: Any) -> bool:
        return self._declaration.answers.is_one(answer, expected)

    def _take(self, answer: Any, id_: Id | None) -> bool:
        asked = None if id_ is None else self._questions.get(id_)
        if asked is None or asked.answer is not _PENDING:
            return False
        if not self._is_one(answer, asked.expected):
            return False
        asked.answer = answer
        asked.event.set()
        return True

    def _divert(self, event: Event) -> bool:
        """Take an answer that came while a handler runs, and may wait for it."""
        frame = frame_of(event)
        try:
            message = self._declaration.answer_in(frame)
        except ClientMessageError as error:
            if self._declaration.id_of_invalid(error) not in self._questions:
                return False
            # The client can answer again.
            self._reader.tasks.start(self._answering.refuse, (error,))
            return True
        if message is None:
            return False
        return self._take(message, self._correlation.id_of(message, frame))

    def _identify(self, question: Any) -> tuple[Id, Any]:
        """Return the id of a question, and the question with it."""
        correlation = self._correlation
        own = correlation.read_own(question)
        if own is not None:
            id_ = bounded(own if isinstance(own, str | int) else str(own))
            if id_ is None:
                raise ValueError(
                    "the id of a question is a str of at most 128 characters, or an int"
                )
            return id_, question
        for id_ in self._new_ids():
            filled = correlation.fill(question, id_)
            if correlation.read_own(filled) is not None:
                return id_, filled
        raise ConfigurationError(
            f"{self._where} asks with a {type(question).__name__}, which has no field "
            f"{correlation.field!r} to tell its answer by: add `{correlation.field}: str | None = "
            "None`"
        )

    def _new_ids(self) -> Iterator[Id]:
        """Yield ids of the kinds that a field may take."""
        self._number += 1
        while not self._questions.keys().isdisjoint({f"s{self._number}", self._number}):
            self._number += 1
        yield f"s{self._number}"
        yield self._number
        yield str(uuid4())

    def _end(self) -> None:
        for asked in self._questions.values():
            asked.event.set()


def check_timeout(timeout: float) -> None:
    """Check how long a client may take to answer.

    Raises:
        ValueError: It is no number above 0.
    """
    if not timeout > 0:
        raise ValueError(f"ask(timeout={timeout!r}): use seconds, a number above 0")


def answered(endpoint: Any, _websocket: Any, answer: Any) -> Any:
    """Handle an answer of the client: give it to the question that waits for it."""
    endpoint._lifecycle.two_way.answered(answer)
    return _nothing()


async def _nothing() -> None:
    pass
