"""What the life of a connection needs of an endpoint, and what an endpoint needs of that life."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, Final, Protocol, TypeAlias, TypeVarTuple, Unpack, final

from anyio.lowlevel import checkpoint

from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.outbox import Outbox, size_of
from wsendpoints.connection.websocket import WebSocket
from wsendpoints.handshake.admission import Door
from wsendpoints.handshake.identity import LogFields
from wsendpoints.lifecycle.functions import check_function
from wsendpoints.lifecycle.outgoing import outbox_of
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.exceptions import ClientMessageError, InvalidStateError
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.state import ACCEPTING, BROKEN, CLOSED, DISCONNECTED, OPEN, SEND

__all__ = [
    "LATE",
    "TURNS",
    "Beside",
    "Farewell",
    "Held",
    "Hooks",
    "Lifecycle",
    "Member",
    "fields_of",
    "lifecycle_of",
    "name_of",
]

LATE: Final = (
    "limits are assigned in __init__ or on_connect, which may receive the first messages itself: "
    "from the end of on_connect on they stay as they are"
)
"""What an endpoint that is assigned limits later is told."""

TURNS: Final = 10
"""Turns of the event loop in which a server hands out what it has."""

logger: logging.Logger = logging.getLogger("wsendpoints")

Ts = TypeVarTuple("Ts")

Farewell: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""What is awaited when a connection has ended."""


class Hooks(Door, Protocol):
    """An endpoint: an instance of a subclass of `WebSocketEndpoint`."""

    websocket: WebSocket
    params: Any
    cancel_on_disconnect: bool

    async def on_connect(self, websocket: WebSocket) -> None:
        """Answer the handshake."""

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Answer a message that is unusable."""

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        """Answer what a handler raised, or raise it."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Clean up."""


class Member(Protocol):
    """An endpoint, to be in groups."""

    limits: Limits
    _lifecycle: "Lifecycle"


def lifecycle_of(endpoint: Member) -> "Lifecycle":
    """Return what an endpoint needs of the life of its connection, for the rest of this package."""
    return endpoint._lifecycle  # pyright: ignore[reportPrivateUsage]  # its own class


class Beside(Protocol):
    """What goes on beside the loop of a conversation, as its endpoint uses it."""

    def cancel(self, key: Hashable) -> bool:
        """Cancel what runs and waits under a key."""
        ...

    def cancel_handler(self, name: str) -> bool:
        """Cancel all that a handler does."""
        ...

    def cancel_call(self, id: Hashable) -> None:
        """Cancel the call of a dialect that has this id."""

    async def ask(
        self,
        question: Any,
        expected: Any,
        timeout: float,  # noqa: ASYNC109 - a scope of the caller's would break the send
    ) -> Any:
        """Ask the client."""

    def answered(self, answer: Any) -> None:
        """Give an answer of the client to the question that waits for it."""


class Held(Protocol):
    """A conversation, as its endpoint uses it."""

    @property
    def tasks(self) -> Tasks:
        """Those of the connection."""
        ...

    @property
    def two_way(self) -> Beside | None:
        """What goes on beside the loop."""
        ...

    @property
    def is_held(self) -> bool:
        """Whether it has begun."""
        ...

    def leave(self, deadline: Deadline) -> None:
        """Close the connection once no message is handled."""

    def limit_by(self, limits: Limits) -> None:
        """Keep other limits."""


def name_of(endpoint: Hooks) -> str:
    """Return how an endpoint is called in the log."""
    return type(endpoint).__qualname__


def fields_of(endpoint: Hooks, **more: object) -> LogFields:
    """Return what a log record has of an endpoint's connection, as `extra`.

    Args:
        endpoint: The endpoint.
        more: What else it has.
    """
    return LogFields(endpoint.websocket.scope, **more)


@final
class Lifecycle:
    """What the methods of an endpoint need of the life of its connection.

    Args:
        connection: The connection.
        declaration: What the class declared when the connection was made.

    Attributes:
        connection: The connection.
        declaration: What the class declared when the connection was made.
        conversation: The conversation, while it is held.
        farewells: What is awaited when all has ended, before `on_disconnect`. No cancellation
            reaches it, and it lets no exception pass.
        is_used: Whether it was served already.
    """

    __slots__ = (
        "_has_dropped",
        "connection",
        "conversation",
        "declaration",
        "farewells",
        "is_used",
    )

    def __init__(self, connection: Connection, declaration: Declaration) -> None:
        self.connection: Connection = connection
        self.declaration: Declaration = declaration
        self.conversation: Held | None = None
        self.farewells: tuple[Farewell, ...] = ()
        self.is_used: bool = False
        self._has_dropped = False

    @property
    def tasks(self) -> Tasks | None:
        """The tasks of the connection; `None` unless the conversation is held."""
        return None if self.conversation is None else self.conversation.tasks

    @property
    def two_way(self) -> Beside | None:
        """What goes on beside the loop; `None` unless the class declares any of it."""
        return None if self.conversation is None else self.conversation.two_way

    def accepts(self, subprotocol: str | None) -> None:
        """Speak as the class declares for a subprotocol, or for none."""
        self.declaration = self.declaration.speaking(subprotocol)
        self.connection.encode = self.declaration.encode

    def start_soon(
        self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]
    ) -> TaskHandle:
        """Run a task that lives as long as the connection."""
        check_function(func)
        if self.tasks is None:
            raise InvalidStateError("tasks can be started while the connection is served")
        return TaskHandle(self.tasks, self.tasks.start(func, args))

    async def ask(
        self,
        question: Any,
        expected: Any,
        timeout: float,  # noqa: ASYNC109 - a scope of the caller's would break the send
    ) -> Any:
        """Ask the client, and return its answer.

        Raises:
            InvalidStateError: The connection is not served yet, or ended.
        """
        if self.two_way is None:
            raise InvalidStateError("a client can be asked while the connection is served")
        return await self.two_way.ask(question, expected, timeout)

    @property
    def waiting(self) -> int:
        """How many messages of the client wait to be handled; any thread may ask."""
        # A conversation that has just ended has no reader any more.
        reader: Any = getattr(self.conversation, "reader", None)
        return 0 if reader is None else reader.waiting

    @property
    def open_outbox(self) -> Outbox | None:
        """What waits for the client, if anything may."""
        return None if self.tasks is None else self.tasks.outbox

    def outbox(self, endpoint: Member) -> Outbox:
        """Return what waits for the client; from then on all that is sent takes turns in it.

        Raises:
            InvalidStateError: The connection is not accepted yet, or the application closed it.
            WebSocketDisconnect: The peer disconnected, or a limit closed the connection.
        """
        connection = self.connection
        if connection.state is not OPEN:
            connection.after({"type": SEND})
            raise InvalidStateError("wait until `accept` has returned")
        if self.tasks is None:
            raise InvalidStateError("the connection is not served yet, or not any more")
        name = type(endpoint).__qualname__
        box = outbox_of(connection, self.tasks, endpoint.limits, name)
        if box.is_closed:
            raise connection.disconnect_error()
        return box

    async def leave(self, deadline: Deadline) -> None:
        """Close the connection, once no message is handled, and once it is accepted.

        This waits for the close only where the client has said nothing yet.
        """
        # A first message that the server has already begins one.
        for _ in range(TURNS if self.conversation is None else 0):
            await checkpoint()
        # On trio it begins in a task of its own.
        while self.conversation is not None and not self.conversation.is_held:
            await checkpoint()
        if self.conversation is not None:
            # One that ends needs no task for it, and on trio may take none any more.
            if not self.conversation.tasks.is_ending:
                self.conversation.leave(deadline)
        elif self.connection.state in {ACCEPTING, OPEN}:
            await self.connection.end(deadline.code, deadline.reason)

    def post(self, endpoint: Member, event: Event) -> None:
        """Send an event, or have it wait in the outbox, where the connection has not ended.

        Raises:
            InvalidStateError: The connection is not accepted yet.
        """
        if self.connection.state in {CLOSED, DISCONNECTED, BROKEN} or (
            self.is_used and self.tasks is None
        ):
            return
        box = self.outbox(endpoint)
        running_posting().post([box], event, size_of(event), "close", None)

    def dropped(self, endpoint: Hooks) -> None:
        """Tell of a message that is dropped, the first time: its class has no handler at all."""
        if not self._has_dropped:
            self._has_dropped = True
            logger.warning(
                "%s has no handler, so the client's messages are dropped: write `async def "
                "on_receive(self, websocket, data)`, with `pass` if that is meant",
                name_of(endpoint),
                extra=fields_of(endpoint),
            )

    def limit_by(self, limits: Limits) -> None:
        """Have the connection keep other limits, which its endpoint is assigned.

        Raises:
            InvalidStateError: Its handshake was answered already.
        """
        if self.conversation is not None:
            self.conversation.limit_by(limits)
        elif self.is_used:
            raise InvalidStateError(LATE)
