"""One connection, seen from the application: `WebSocket`.

It lets only legal events through: one that is not would end the connection on some servers, the
process on others.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.receiving import Receiving, check_mode
from wsendpoints.handshake.identity import LogFields, connection_id_of
from wsendpoints.messages.codecs import encode_json
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.events import check_event
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.protocol.frames import check_binary, check_text
from wsendpoints.protocol.headers import HeadersLike
from wsendpoints.protocol.starlette_states import (
    APPLICATION_STATES,
    CLIENT_STATES,
    WebSocketState,
)
from wsendpoints.protocol.state import (
    ACCEPT,
    HANDSHAKE,
    RESPONSE_BODY,
    RESPONSE_START,
    SEND,
    ConnectionState,
    after_sending,
)

__all__ = ["ASGIResponse", "WebSocket", "connection_of", "tell_subprotocol"]


class ASGIResponse(Protocol):
    """Any HTTP response that is an ASGI application, such as Starlette's."""

    async def __call__(self, scope: Any, receive: Any, send: Any, /) -> None:
        """Send the response."""


class WebSocket(Receiving):
    """A WebSocket connection, as the application sees it.

    It is a mapping over the ASGI scope: `websocket["path"]`. It is equal to itself alone, so it
    can be kept in sets and as a key.

    Any number of tasks may send at the same time: each message goes out whole, in the order of
    the calls. One task at a time may receive. What the peer does shows as one exception
    alone, `WebSocketDisconnect`, whatever the server raises or swallows.

    Args:
        scope: The ASGI scope, of type `"websocket"`.
        receive: The server's; only needed to receive.
        send: The server's; only needed to send.

    Raises:
        ValueError: The scope is of another type.
    """

    __slots__ = ("_subprotocol", "_tell_subprotocol")

    def __init__(
        self, scope: Scope, receive: Receive | None = None, send: Send | None = None
    ) -> None:
        if scope["type"] != "websocket":
            raise ValueError(
                f"a WebSocket needs a scope of type 'websocket', not {scope['type']!r}"
            )
        super().__init__(scope)
        self._connection = Connection(receive, send, scope)
        self._subprotocol: str | None = None
        self._tell_subprotocol: Callable[[str | None], None] | None = None

    def __repr__(self) -> str:
        return f"<WebSocket {self.scope.get('path', '')!r} {self._connection.state.value}>"

    @property
    def connection_id(self) -> str:
        """By what the connection is known in logs and traces: 32 hexadecimal digits, random.

        It is made when something asks for it. A client is not told.
        """
        return connection_id_of(self.scope)

    @property
    def log_fields(self) -> Mapping[str, object]:
        """What each line of the library's log has of the connection, for lines of one's own.

        `logger.info("joined", extra=websocket.log_fields)`: `connection_id`, `endpoint` and `path`.
        """
        return LogFields(self.scope)

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was chosen in `accept`, if one was."""
        return self._subprotocol

    @property
    def connection_state(self) -> ConnectionState:
        """Where the connection stands."""
        return self._connection.state

    @property
    def client_state(self) -> WebSocketState:
        """Where the connection stands on the client's side, as Starlette has it.

        `connection_state` tells more. It is `DISCONNECTED` once either side ended the connection.
        """
        return CLIENT_STATES[self._connection.state]

    @property
    def application_state(self) -> WebSocketState:
        """The same for our side: `CONNECTING` until the handshake is answered."""
        return APPLICATION_STATES[self._connection.state]

    @property
    def expires_at(self) -> datetime | None:
        """When the connection is closed with 4401; `None` for never.

        For what a token says, such as the `exp` of a JWT. Set it to an aware `datetime` or to
        seconds since the epoch; it may be set again, when the client shows another token. An
        endpoint keeps it; a `WebSocket` that is used alone does not.

        Raises:
            ValueError: It is set to a `datetime` without a time zone, or to seconds that no
                `datetime` can have. Nothing is changed then.
            TypeError: It is set to something else; the same holds.
        """
        at = self._connection.expires_at
        return None if at is None else datetime.fromtimestamp(at, UTC)

    @expires_at.setter
    def expires_at(self, moment: datetime | float | None) -> None:
        self._connection.expire_at(None if moment is None else _seconds_since_epoch(moment))

    def authenticated(self, *, expires_at: datetime | float | None) -> None:
        """Note that the client has shown who it is, until when; again, to renew it.

        It sets `expires_at`, and says why: a client that shows a new token in a message stays
        connected.

        Args:
            expires_at: When that ends, as for `expires_at`.

        Raises:
            ValueError: As for `expires_at`.
            TypeError: As for `expires_at`.
        """
        self.expires_at = expires_at

    # The handshake.

    async def accept(
        self, subprotocol: str | None = None, headers: HeadersLike | None = None
    ) -> None:
        """Accept the connection.

        Cancelling it may leave half an answer behind: nothing but a close may follow.

        Args:
            subprotocol: One of those that the client offers; `None` chooses none.
            headers: Headers for the response, as a mapping or as pairs. Some servers lose them
                (granian, daphne).

        Raises:
            ValueError: The subprotocol was not offered, or a header can't be sent. Nothing was
                sent then.
            TypeError: A header is made of something other than str or bytes; the same holds.
            InvalidStateError: The connection was answered already.
            WebSocketDisconnect: The client did not wait for the answer.
        """
        event: Event = {"type": ACCEPT, "subprotocol": subprotocol, "headers": []}
        if subprotocol is not None or headers is not None:
            event = self._check_event({**event, "headers": headers})
        if self._connection.state is not HANDSHAKE:
            await self._await_handshake()
        if subprotocol is None:
            await self._connection.transmit(event)
        else:
            await self._send_checked(event)

    @property
    def can_respond(self) -> bool:
        """Whether the server can refuse a handshake with a response of ours, not a bare 403."""
        return "websocket.http.response" in (self.scope.get("extensions") or {})

    async def send_denial_response(self, response: ASGIResponse) -> None:
        """Refuse the connection with an HTTP response.

        It goes out in one piece, once its last part is there. Cancelling it before that leaves
        the handshake without an answer. ASGI spec, "Websocket Denial Response".

        Args:
            response: `DenialResponse`, or any response that is an ASGI application.

        Raises:
            InvalidStateError: The server can't send one (`close` refuses with 403 everywhere),
                the connection was answered already, or the response ended half-way.
            ValueError, TypeError: The response has a status, a header or a part that can't be
                sent; nothing was sent then.
            WebSocketDisconnect: The client did not wait for the answer.
        """
        self._check_can_respond()
        await self._await_handshake()
        connection = self._connection
        # First, so that the response does no work for nothing.
        after_sending(connection.state, {"type": RESPONSE_START})
        start: Event = {}
        body = bytearray()

        # Some servers take a single body event (granian).
        async def collect(event: Event) -> None:
            match event["type"].removeprefix("websocket."):
                case "http.response.start":
                    start.update(self._check_event({**event, "type": RESPONSE_START}))
                case "http.response.body":
                    body.extend(check_binary(event.get("body", b"")))
                    if start and not event.get("more_body"):
                        # Not when `response` returns: it may have a task to do first.
                        await connection.transmit(start)
                        await connection.transmit({"type": RESPONSE_BODY, "body": bytes(body)})
                case _:
                    raise ValueError(f"a denial response can't have a part {event['type']!r}")

        await response(self.scope, self.receive, collect)
        if connection.state is HANDSHAKE:
            raise InvalidStateError(f"{response!r} ended without a whole response")

    async def _await_handshake(self) -> None:
        connection = self._connection
        if connection.state is ConnectionState.CONNECTING:
            await connection.next_event()
        if connection.state is ConnectionState.DISCONNECTED:
            raise connection.disconnect_error()

    def _check_can_respond(self) -> None:
        if not self.can_respond:
            raise InvalidStateError(
                "this server can't send a response to a denied handshake: it has no extension "
                "'websocket.http.response'; close() refuses with a 403 everywhere"
            )

    # Sending.

    async def send_text(self, data: str) -> None:
        """Send a text message.

        Cancelling it may leave half a message behind, so it breaks the connection: nothing but
        a close may follow.

        Raises:
            TypeError: `data` is no `str`.
            ValueError: It holds a lone surrogate.
            InvalidStateError: The connection is not accepted yet, or the application closed it.
            WebSocketDisconnect: The peer disconnected, or a limit closed the connection.
        """
        await self._connection.transmit({"type": SEND, "text": check_text(data)})

    async def send_bytes(self, data: bytes | bytearray | memoryview) -> None:
        """Send a binary message; for the rest see `send_text`.

        Raises:
            TypeError: `data` is not bytes-like.
        """
        await self._connection.transmit({"type": SEND, "bytes": check_binary(data)})

    async def send_json(self, data: Any, mode: Literal["text", "binary"] = "text") -> None:
        """Send a value as JSON; for the rest see `send_text`.

        Args:
            data: A plain value, a pydantic model, a dataclass, or any mix of them.
            mode: The kind of frame that carries it.

        Raises:
            ValueError: It can't be written as JSON, or `mode` is neither of the two.
        """
        check_mode(mode)
        json = encode_json(data)
        if mode == "text":
            await self._connection.transmit({"type": SEND, "text": json.decode()})
        else:
            await self._connection.transmit({"type": SEND, "bytes": json})

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str | None = None) -> None:
        """Close the connection; before `accept`, refuse it: the client gets a 403.

        The first close wins. Closing again, or after the peer disconnected, does nothing. Any
        number of tasks may call it at the same time. After a cancelled close the connection is
        closed for this side, though the peer may not have been told.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999. RFC 6455, section 7.4.
            reason: What fits into 123 bytes of UTF-8 is sent.

        Raises:
            ValueError: The code may not be sent; nothing was sent then.
            TypeError: The reason is no str; the same holds.
        """
        await self._connection.close(code, reason)

    async def send(self, event: Event) -> None:
        """Send a raw ASGI event, keeping the state right; for the rest see `send_text`.

        Raises:
            ValueError, TypeError: The event is not as the ASGI specification has it; nothing
                was sent then.
            InvalidStateError: It is out of turn.
            WebSocketDisconnect: The peer disconnected.
        """
        await self._send_checked(self._check_event(event))

    async def _send_checked(self, event: Event) -> None:
        if event["type"] != ACCEPT or event.get("subprotocol") is None:
            await self._connection.transmit(event)
            return
        before = self._subprotocol
        # Before it is sent: what is pushed meanwhile goes out behind it.
        self._choose(event["subprotocol"])
        try:
            await self._connection.transmit(event)
        except BaseException:
            self._choose(before)
            raise

    def _choose(self, subprotocol: str | None) -> None:
        self._subprotocol = subprotocol
        if self._tell_subprotocol is not None:
            self._tell_subprotocol(subprotocol)

    def _check_event(self, event: object) -> Event:
        checked = check_event(event, self.scope.get("subprotocols"))
        if checked["type"] == RESPONSE_START:
            self._check_can_respond()
        return checked


def connection_of(websocket: WebSocket) -> Connection:
    """Return the connection below a WebSocket, for the rest of this package."""
    return websocket._connection  # pyright: ignore[reportPrivateUsage]  # its own module


def tell_subprotocol(websocket: WebSocket, tell: Callable[[str | None], None]) -> None:
    """Have a function called with the subprotocol that a WebSocket is accepted with.

    It is called before the accept is sent, and again with `None` if that fails.
    """
    websocket._tell_subprotocol = tell  # pyright: ignore[reportPrivateUsage]  # its own module


def _seconds_since_epoch(moment: object) -> float:
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise ValueError(f"expires_at={moment!r}: use a datetime with a time zone")
        return moment.timestamp()
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        raise TypeError(f"expires_at={moment!r}: use a datetime, seconds since the epoch, or None")
    try:
        datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise ValueError(f"expires_at={moment!r}: use seconds since the epoch") from exc
    return moment
