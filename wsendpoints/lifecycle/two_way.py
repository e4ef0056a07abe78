"""What goes on beside the loop of a conversation: concurrent handlers, and questions."""

from collections.abc import Hashable
from functools import partial
from typing import Any, final

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.dialects.records import Id
from wsendpoints.lifecycle.answering import ANSWERED, Answering
from wsendpoints.lifecycle.asking import Asking
from wsendpoints.lifecycle.calling import CallAnswering
from wsendpoints.lifecycle.concurrency import Concurrency, Handle
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.hooks import Hooks, name_of
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.lifecycle.requesting import Requesting
from wsendpoints.lifecycle.room import size_of
from wsendpoints.messages.declaration import Declaration
from wsendpoints.messages.exchange import Called
from wsendpoints.protocol.asgi import Event

__all__ = ["TwoWay"]


@final
class TwoWay:
    """The concurrent handlers and the questions of one connection, whose class declares such.

    Args:
        endpoint: The endpoint.
        declaration: What its class declares.
        connection: The connection.
        reader: Reads beside the loop.
        deadlines: They count the time of the handlers.
        answering: Answers what they raise.

    Attributes:
        answering: Answers what the handlers raise.
        handle: Has a message handled beside others; see `Concurrency.handle`.
        loop_scope: Around the loop: cancelled, the loop receives nothing more.
    """

    __slots__ = (
        "_asking",
        "_concurrency",
        "_correlation",
        "_tasks",
        "answering",
        "handle",
        "loop_scope",
    )

    def __init__(
        self,
        endpoint: Hooks,
        declaration: Declaration,
        connection: Connection,
        reader: Reader,
        deadlines: Deadlines,
        answering: Answering,
    ) -> None:
        self._correlation = declaration.correlation
        self.answering: Answering = answering
        self._tasks = reader.tasks
        kind = Asking if declaration.envelope is None else Requesting
        self._asking = kind(name_of(endpoint), declaration, connection, reader, answering)
        self._concurrency = Concurrency(endpoint, connection, reader, deadlines, answering)
        self.handle: Handle = self._concurrency.handle
        if isinstance(answering, CallAnswering):
            self._concurrency.tell_cancelled = partial(self._answer_cancelled, answering)
        self.loop_scope: anyio.CancelScope = anyio.CancelScope()

    @property
    def is_handling(self) -> bool:
        """Whether any handler runs beside the loop, or is about to."""
        return self._concurrency.is_active

    def speak(self, declaration: Declaration) -> None:
        """Read answers as is declared for the subprotocol that was accepted."""
        self._correlation = declaration.correlation
        self.answering.speak(declaration)
        self._asking.speak(declaration)

    def keep_track(self, message: Any, frame: str | bytes, event: Event) -> None:
        """Keep what is needed of a message beyond its handler.

        Args:
            message: The message.
            frame: What it was read from.
            event: What the frame came in.
        """
        if self._correlation is not None:
            ANSWERED.set(self._correlation.id_of(message, frame))
        self._concurrency.size = size_of(event)

    def cancel(self, key: Hashable) -> bool:
        """Cancel what runs under a key, and drop what waits; return whether there was anything."""
        return self._concurrency.cancel(key)

    def cancel_handler(self, name: str) -> bool:
        """Cancel all that a handler does; return whether there was anything."""
        return self._concurrency.cancel_handler(name)

    def cancel_call(self, id: Id) -> None:
        """Cancel the call of a dialect that has this id, if it runs or waits."""
        self._concurrency.cancel_message(lambda called: called.id == id)

    def _answer_cancelled(self, answering: CallAnswering, called: Called) -> None:
        if (value := answering.cancelled(called)) is not None:
            self._tasks.start(answering.send, (value,))

    async def ask(
        self,
        question: Any,
        expected: Any,
        timeout: float,  # noqa: ASYNC109 - a scope of the caller's would break the send
    ) -> Any:
        """Ask the client, and return its answer; see `Asking.ask`."""
        return await self._asking.ask(question, expected, timeout)

    def answered(self, answer: Any) -> None:
        """Give an answer of the client to the question that waits for it."""
        self._asking.answered(answer, ANSWERED.get())

    def close(self) -> None:
        """Drop what waits for a handler, since the connection is closed."""
        self._concurrency.close()

    async def finish(self) -> None:
        """Wait until all handlers are done."""
        await self._concurrency.finish()
