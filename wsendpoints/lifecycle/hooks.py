"""What the life of a connection needs of an endpoint, and what an endpoint needs of that life."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVarTuple, Unpack, final

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.websocket import WebSocket
from wsendpoints.handshake.admission import Door
from wsendpoints.protocol.exceptions import ClientMessageError, InvalidStateError

if TYPE_CHECKING:
    from wsendpoints.lifecycle.tasks import Tasks

__all__ = ["Hooks", "Lifecycle", "name_of"]

Ts = TypeVarTuple("Ts")


class Hooks(Door, Protocol):
    """An endpoint: an instance of a subclass of `WebSocketEndpoint`."""

    websocket: WebSocket
    params: Any
    cancel_on_disconnect: bool

    async def on_connect(self, websocket: WebSocket) -> None:
        """Answer the handshake."""

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Answer a message that is unusable."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Clean up."""


def name_of(endpoint: Hooks) -> str:
    """Return how an endpoint is called in the log."""
    return type(endpoint).__qualname__


@final
class Lifecycle:
    """What the methods of an endpoint need of the life of its connection.

    Args:
        connection: The connection.

    Attributes:
        connection: The connection.
        tasks: Those of the connection, while it is served.
        is_used: Whether it was served already.
    """

    __slots__ = ("connection", "is_used", "tasks")

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection = connection
        self.tasks: Tasks | None = None
        self.is_used: bool = False

    def start_soon(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]) -> None:
        """Run a task that lives as long as the connection."""
        if self.tasks is None:
            raise InvalidStateError("tasks can be started while the connection is served")
        self.tasks.start(func, args)
