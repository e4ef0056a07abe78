"""`Client`: what an application does with the connection to an endpoint."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar, cast, final, overload

from wsendpoints.client.address import Positions
from wsendpoints.client.errors import ClosedError
from wsendpoints.client.session import Session
from wsendpoints.client.socket import Close
from wsendpoints.messages.error_message import ErrorMessage
from wsendpoints.protocol.close_codes import CloseCode, check_close_code, cut_reason

__all__ = ["Client"]

M = TypeVar("M")
Q = TypeVar("Q")


@final
class Client(Generic[M]):
    """The client of one endpoint, as `connect` makes it; `M` are the messages that the class sends.

    It comes back after its connection was lost. What waits to be sent, and what came, is kept over
    all connections.
    """

    __slots__ = ("_end", "_session")

    def __init__(self, session: Session, end: Callable[[Close], Awaitable[None]]) -> None:
        self._session = session
        self._end = end

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now, so that messages need not wait for one."""
        return self._session.is_connected

    @property
    def closed(self) -> Close | None:
        """How the client was closed, for good: code and reason; `None` while it is not."""
        return self._session.close

    @property
    def positions(self) -> Positions:
        """The last positions that it got of groups with a history, by the names of the classes."""
        return self._session.positions

    async def send(self, message: object) -> None:
        """Send a message; while there is no connection, keep it for the next one.

        Messages are sent in order, each once. Any task may send. Cancelling it leaves open whether
        the message is sent.

        Args:
            message: One that the class takes. It is validated as the server will.

        Raises:
            TypeError: The class takes none of this type.
            ValueError: It is not valid; pydantic's `ValidationError` is one.
            QueueFullError: As many wait as may.
            LostError: The connection was lost while it was sent.
            ClosedError: The client is closed.
        """
        await self._session.send(message)

    async def request(
        self,
        message: object,
        *,
        timeout: float = 30.0,  # noqa: ASYNC109 - the server's, from when the request is made
    ) -> M:
        """Send a message, and return the reply: with the same id, and of a type that it may have.

        The message gets an id in the field that the class's `correlation_id` names, unless it has
        one. Any number of tasks may ask at once; with the same id, such as to stop a stream, if the
        replies are of other types. An error is for whoever asked last with its id. Of a stream this
        is the first reply, and the others are messages for `receive`: use `stream` for all of them.
        Cancelling it loses the reply.

        Args:
            message: One that the class takes.
            timeout: Seconds until the reply must have come.

        Raises:
            TypeError: The class takes none of this type, or it has no field for an id.
            ValueError: It is not valid, or its id is that of another request.
            RequestError: The server answered with an error.
            TimeoutError: No reply came in time.
            LostError: The connection was lost before the reply came. It is not asked again.
            QueueFullError: There is no connection, and as many wait as may.
            ClosedError: The client is closed.
        """
        return cast("M", await self._session.request(message, timeout))

    @overload
    def stream(
        self,
        message: object,
        *,
        until: Callable[[M], bool] | None = None,
        stop: Callable[[Any], object] | None = None,
    ) -> "AbstractAsyncContextManager[AsyncIterator[M], None]": ...

    @overload
    def stream(
        self,
        message: object,
        *,
        until: type,
        stop: Callable[[Any], object] | None = None,
    ) -> "AbstractAsyncContextManager[AsyncIterator[M], None]": ...

    def stream(
        self,
        message: object,
        *,
        until: type | Callable[[M], bool] | None = None,
        stop: Callable[[Any], object] | None = None,
    ) -> "AbstractAsyncContextManager[AsyncIterator[M], None]":
        """Send a message, and have a loop over the replies: with the same id, as for `request`.

        ```python
        stop = lambda id: Stop(id=id)
        async with client.stream(Ask(text="Why?"), until=Done, stop=stop) as replies:
            async for reply in replies:
                print(reply)
        ```

        Nothing on the wire says that a stream has ended: `until` says which reply is the last one,
        or the block is left. What comes with the id afterwards is a message for `receive`. As many
        replies wait as may; then nothing more is read from the connection, unless somebody waits
        for something else: replies are dropped then.

        Entering raises what `request` raises before it waits. The loop, behind the replies that
        came, raises a RequestError if the server answered with an error, a LostError if the
        connection was lost, a ClosedError if the client was closed, and a QueueFullError if replies
        were dropped. There is no limit of time: put `anyio.fail_after` around it.

        Args:
            message: One that the class takes.
            until: The class of the last reply, or what tells of a reply whether it is the last one.
            stop: Returns the message that stops the stream with an id. It is sent if the block is
                left, cancelled included, before the last reply, an error, or the loss of the
                connection.
        """
        # It swallows no exception, which type checkers do not know of `asynccontextmanager`.
        replies: Any = self._session.stream(message, until, stop)
        return cast("AbstractAsyncContextManager[AsyncIterator[M], None]", replies)

    def on(self, kind: type[Q], handler: Callable[[Q], object]) -> None:
        """Call a function with each message of a class that the server sends.

        They are called one after the other, in the order of the messages, beside whoever uses the
        client; `receive` and the loop get the others. As many messages wait as may for the loop. A
        reply to a `request` is that, and nothing for a handler. What a handler raises ends the
        client, and is raised by `async with`.

        Args:
            kind: A class of messages that the server sends, a base class of some, or
                `ErrorMessage`.
            handler: A function, or an `async def`. It takes the place of an earlier one for this
                class. Where classes of several handlers fit, the first one is called.

        Raises:
            TypeError: The server sends none of this class.
        """
        self._session.on(kind, handler)

    def answer(self, question: type[Q], handler: Callable[[Q], Awaitable[object]]) -> None:
        """Answer the questions of a type, those that the server's `ask` sends.

        The handler runs in a task of its own, and what it returns is sent with the id of the
        question; not at all if the connection was lost meanwhile. What it raises ends the client,
        and is raised by `async with`.

        Args:
            question: The class of the questions.
            handler: Returns the answer. It takes the place of an earlier one for this class.

        Raises:
            TypeError: The server sends none of this class.
        """
        self._session.answer(question, handler)

    async def receive(self) -> M | ErrorMessage:
        """Wait for the next message that is no reply to a `request`, and no question to `answer`.

        Messages come in order, over all connections; several tasks share them. If more wait than
        may, nothing more is read from the connection, unless somebody waits for a reply: what comes
        before it is dropped. Cancelling it loses none.

        Raises:
            ClosedError: The client is closed.
            QueueFullError: Messages were dropped, here. Those behind them come next.
        """
        try:
            return cast("M | ErrorMessage", await self._session.inbox.take())
        except StopAsyncIteration:
            raise ClosedError(CloseCode.NORMAL_CLOSURE) from None

    def __aiter__(self) -> AsyncIterator[M | ErrorMessage]:
        """Yield each message, as `receive` does, until the client is closed with code 1000."""
        return self

    async def __anext__(self) -> M | ErrorMessage:
        return cast("M | ErrorMessage", await self._session.inbox.take())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close for good. What waits to be sent is dropped.

        Args:
            code: The close code: 1000, or one from 3000 to 4999.
            reason: The reason, of which 123 bytes are sent.

        Raises:
            ValueError: The code may not be sent.
        """
        await self._end(Close(check_close_code(code), cut_reason(reason)))
