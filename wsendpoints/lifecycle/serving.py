"""The life of one connection, the same on every server: handshake, conversation, end."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, Protocol, TypeVarTuple, Unpack

from wsendpoints.connection.connection import Connection
from wsendpoints.handshake.admission import Admission, Door
from wsendpoints.lifecycle.conversation import Conversation, Speaker
from wsendpoints.lifecycle.ending import Ending, EndingHooks
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.asgi import Event, Scope
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.state import RECEIVE, ConnectionState

__all__ = ["Hooks", "Lifecycle"]

Ts = TypeVarTuple("Ts")

_SERVED: Final = "wsendpoints.served"
"""What marks a scope: one that is used for two connections is a mistake that would mix them up."""


class Hooks(Door, Speaker, EndingHooks, Protocol):
    """What the life of a connection needs of an endpoint."""

    params: Any


class Lifecycle:
    """Runs an endpoint for its connection.

    Args:
        connection: The endpoint's.
        declaration: What its class receives, sends, and handles.
        admission: Who may connect to its class.
    """

    __slots__ = (
        "_admission",
        "_connection",
        "_conversation",
        "_failure",
        "_is_used",
        "declaration",
    )

    def __init__(
        self, connection: Connection, declaration: Declaration, admission: Admission
    ) -> None:
        self.declaration: Declaration = declaration
        self._admission = admission
        self._connection = connection
        self._conversation: Conversation | None = None
        self._failure: BaseException | None = None
        self._is_used = False

    async def run(self, endpoint: Hooks) -> None:
        """Serve the connection, from the handshake to `on_disconnect`.

        Args:
            endpoint: Its hooks are called, and its limits kept.
        """
        self._mark_used(endpoint.websocket.scope)
        connection = self._connection
        await connection.next_event()
        connection.close_timeout = endpoint.limits.close_timeout or math.inf
        self._admission.open += 1
        try:
            try:
                first = None
                if connection.state is ConnectionState.HANDSHAKE:
                    self._admit(endpoint)
                    if self._is_quiet(endpoint.limits):
                        first = await self._first_message(endpoint)
                if connection.state is not ConnectionState.DISCONNECTED:
                    self._conversation = Conversation(endpoint, self.declaration, first)
                    self._failure = await self._conversation.hold()
            except GeneratorExit:
                raise
            except BaseException as exc:  # noqa: BLE001 - raised in the end
                self._failure = exc
            conversation, self._conversation = self._conversation, None
            passed = None if conversation is None else conversation.passed()
            await Ending(endpoint, passed, cleans_up=self.declaration.cleans_up).conclude(
                self._take_failure()
            )
        finally:
            self._admission.open -= 1
            del endpoint

    def _mark_used(self, scope: Scope) -> None:
        if self._is_used:
            raise InvalidStateError("an instance serves one connection, once: make another")
        self._is_used = True
        if _SERVED in scope:
            raise InvalidStateError("this scope belongs to a connection that is served already")
        scope[_SERVED] = True

    def _admit(self, endpoint: Hooks) -> None:
        params = self._admission.admit(endpoint, endpoint.websocket)
        if params is not None:
            endpoint.params = params

    async def _first_message(self, endpoint: Hooks) -> Event | None:
        """Answer the handshake, and return the first message; `None` if the client left before.

        Until then there is nothing to be watched, limited or ended. So a client that is silent
        costs a third of the time, and a quarter of the memory, of one that is not.
        """
        connection = self._connection
        await endpoint.on_connect(endpoint.websocket)
        event = await connection.receive()
        if event.get("type") == RECEIVE:
            return event
        connection.received(event)
        return None

    def _is_quiet(self, limits: Limits) -> bool:
        """Whether nothing of the application's runs before the first message, and no clock."""
        return (
            self.declaration.is_quiet
            and limits.first_message_timeout is None
            and limits.idle_timeout is None
        )

    async def stream(self, replies: AsyncGenerator[Any, None]) -> None:
        """Send what an async generator yields; it is cancelled when the client leaves."""
        await self._live.stream(replies)

    async def push(self, message: Any) -> None:
        """Send a message, as a reply is sent."""
        await self._connection.transmit(self.declaration.outbound.encode(message))

    def start_soon(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]) -> None:
        """Run a task that lives as long as the conversation."""
        self._live.start_soon(func, args)

    @property
    def _live(self) -> Conversation:
        if self._conversation is None:
            raise InvalidStateError("tasks can be started while the connection is served")
        return self._conversation

    def _take_failure(self) -> BaseException | None:
        failure, self._failure = self._failure, None
        return failure
