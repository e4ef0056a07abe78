"""One connection: its state, kept right over the server's `receive` and `send`.

All events that come in here are checked already. What the peer does shows as a single exception,
`WebSocketDisconnect`, whatever the server raises or swallows.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import anyio

from wsendpoints.connection.absent import no_receive, no_send
from wsendpoints.connection.closing import send_close
from wsendpoints.connection.listener import Listener
from wsendpoints.connection.sends import Sends
from wsendpoints.connection.turns import Turns
from wsendpoints.handshake.identity import LogFields
from wsendpoints.messages.outbound import encode_anything
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.events import close_event
from wsendpoints.protocol.exceptions import InvalidStateError, WebSocketDisconnect
from wsendpoints.protocol.server_errors import is_servers
from wsendpoints.protocol.servers import is_uvicorns_own
from wsendpoints.protocol.state import (
    ACCEPT,
    ACCEPTING,
    BROKEN,
    CLOSE,
    CLOSED,
    CONNECTING,
    DISCONNECT,
    DISCONNECTED,
    HANDSHAKE,
    OPEN,
    SEND,
    SENT,
    ConnectionState,
    after_receiving,
    after_sending,
)

__all__ = ["Connection"]

logger: logging.Logger = logging.getLogger("wsendpoints")

# Python 3.11 takes thirty times as long to read a member of an enumeration from its class.
_NO_STATUS_RECEIVED: Final = CloseCode.NO_STATUS_RECEIVED
_SERVICE_RESTART: Final = CloseCode.SERVICE_RESTART
_ABNORMAL_CLOSURE: Final = CloseCode.ABNORMAL_CLOSURE


class Connection:
    """One connection, as the server gives it.

    Args:
        receive: The server's; `None` if nothing will be received.
        send: The server's; `None` if nothing will be sent.
        scope: The server's; daphne is recognised by it.

    Attributes:
        receive: Returns the next event: the server's, or that of an endpoint's reader.
        send: The server's, or an outbox's. It is looked up for each send. A caller checks the state
            first, and reports how it failed to `send_failed` or `send_cancelled`.
        scope: The server's; empty if there is none.
        encode: Turns a message into the event that sends it, as an endpoint's class declares it.
        state: Where the connection stands.
        is_accepted: Whether an accept was sent, or begun to be: the peer may take it for open.
        is_closing: Whether the server is being given the close.
        is_drained: Whether the disconnect was received: no other event follows.
        is_shutdown: Whether it ended because the server shuts down, and says so.
        code, reason: The close code and reason of whichever side closed first; 1006 until then.
        listeners: Are told what happens to it; see `listen`.
        expires_at: When it is to be closed, in seconds since the epoch.
        sends: Those that began since `mark_sends`, but for the replies of an endpoint's loop.
        tells_sends, tells_sent: Whether `Listener.on_send` is called, and `Listener.on_sent`.
        is_send_long: Whether a send takes long, so that its time is counted.
        is_unsent: Whether the send that is being cancelled had not begun.
        invalid_in_a_row: How many messages in a row were invalid.
        close_timeout: Seconds of a close, which is not cancelled then; `None` to do neither.
    """

    __slots__ = (
        "_at_end",
        "_is_ended_by_us",
        "_is_receiving",
        "_turns",
        "close_timeout",
        "code",
        "encode",
        "expires_at",
        "invalid_in_a_row",
        "is_accepted",
        "is_closing",
        "is_drained",
        "is_send_long",
        "is_shutdown",
        "is_unsent",
        "listeners",
        "reason",
        "receive",
        "scope",
        "send",
        "sends",
        "state",
        "tells_sends",
        "tells_sent",
    )

    def __init__(
        self, receive: Receive | None, send: Send | None, scope: Scope | None = None
    ) -> None:
        self.receive: Receive = receive or no_receive
        self.state: ConnectionState = CONNECTING
        self.is_accepted: bool = False
        self.is_closing: bool = False
        self.is_drained: bool = False
        self.is_shutdown: bool = False
        self.code: int = _ABNORMAL_CLOSURE
        self.reason: str = ""
        self.close_timeout: float | None = None
        self.expires_at: float | None = None
        self.send: Send = send or no_send
        self.scope: Scope = scope or {}
        self.encode: Callable[[Any], Event] = encode_anything
        self.sends: Sends = Sends()
        self.tells_sends: bool = False
        self.tells_sent: bool = False
        self.is_send_long: bool = False
        self.is_unsent: bool = False
        self.invalid_in_a_row: int = 0
        self._turns: Turns | None = None
        self._is_receiving = self._is_ended_by_us = False
        self.listeners: tuple[Listener, ...] = ()
        self._at_end: tuple[Callable[[], object], ...] | None = ()

    @property
    def is_closable(self) -> bool:
        """Whether a close would still say something new to the peer."""
        return (self.state, CLOSE) in SENT

    def listen(self, listener: Listener) -> None:
        """Tell a listener what happens to the connection, from now on.

        The one reference upwards: what serves the connection calls `stop_listening` in the end.
        """
        self.listeners = (*self.listeners, listener)

    def stop_listening(self, listener: Listener) -> None:
        """Tell it no more; it must be listening."""
        others = [*self.listeners]
        others.remove(listener)
        self.listeners = tuple(others)

    def expire_at(self, moment: float | None) -> None:
        """Set when it is to be closed, in seconds since the epoch; `None` for never."""
        self.expires_at = moment
        for listener in self.listeners:
            listener.on_expiry_set()

    def at_end(self, callback: Callable[[], object]) -> None:
        """Have a function called once, when the connection ends.

        That is when the peer's disconnect is noticed, when a close is about to be sent, or when
        its endpoint is done, whichever comes first; at once, if it has ended already. It is called
        before anything is awaited, so that no cancellation can prevent it: the place to leave a
        group, or to free a slot. An exception in it is logged.
        """
        if self._at_end is None:
            self._call(callback)
        else:
            self._at_end = (*self._at_end, callback)

    def ended(self) -> None:
        """Call the functions of `at_end`; a second call does nothing."""
        callbacks = self._at_end
        if callbacks is not None:
            self._at_end = None
            for callback in callbacks:
                self._call(callback)

    def disconnect_error(self) -> WebSocketDisconnect:
        """Return the exception that tells how the connection ended, to be raised at once."""
        for listener in self.listeners:
            listener.on_told()
        return WebSocketDisconnect(self.code, self.reason)

    async def transmit(self, event: Event) -> None:
        """Give a checked event to the server; any number of tasks may, at the same time.

        Cancelling it breaks the connection; see `WebSocket.send_text`.

        Raises:
            InvalidStateError: It is out of turn, or there is nowhere to send it.
            WebSocketDisconnect: The peer disconnected.
        """
        is_accept, following = False, OPEN
        if self.state is not OPEN or event["type"] != SEND:
            if self.send is no_send:
                await no_send(event)
            if self.state is ACCEPTING and event["type"] == SEND:
                self._turns = self._turns or Turns()
                await self._turns.wait()
            following = self.after(event)
            if event["type"] == CLOSE:
                await self._finish(event["code"], event["reason"])
                return
            self.state = following
            is_accept = event["type"] == ACCEPT
            self.is_accepted |= is_accept
        if self.tells_sends:
            for listener in self.listeners:
                listener.on_send()
        # In a variable first: as a method call it takes 160 instructions more.
        send, sends = self.send, self.sends
        sends.under_way += 1
        try:
            await send(event)
        except Exception as exc:
            raise self.send_failed(exc, following, is_accept=is_accept) from exc
        except BaseException:
            self.send_cancelled()
            raise
        finally:
            sends.under_way -= 1
            if self.tells_sent:
                for listener in self.listeners:
                    listener.on_sent()
        if is_accept:
            await self._accept_sent()

    async def _accept_sent(self) -> None:
        try:
            # What was to be sent before whoever accepts sends anything goes out before that.
            if self._turns is not None:
                await self._turns.give()
        finally:
            if self.state is ACCEPTING:
                self.state = OPEN
            self._accept_ended()
            for listener in self.listeners:
                listener.on_accept()

    def _accept_ended(self) -> None:
        if self._turns is not None:
            self._turns.give_up()
            self._turns = None

    def after(self, event: Event) -> ConnectionState:
        """Return the state that an event leads to, or raise what `transmit` raises."""
        if self.state is DISCONNECTED or (self.state is CLOSED and self._is_ended_by_us):
            raise self.disconnect_error()
        return after_sending(self.state, event)

    def mark_sends(self) -> Sends | None:
        """Return the sends that are under way, if any; none that begins from now on is in it."""
        sends = self.sends
        if not sends.under_way:
            return sends.earlier
        self.sends = Sends(sends)
        return sends

    def send_cancelled(self) -> None:
        """Record that a send was cancelled: nobody knows how much of it was sent."""
        if self.is_unsent:
            self.is_unsent = False
        elif self.state in {OPEN, ACCEPTING}:
            self.state = BROKEN
            self._accept_ended()

    def send_failed(
        self, exc: Exception, following: ConnectionState = OPEN, *, is_accept: bool = False
    ) -> WebSocketDisconnect:
        """Record that `send` raised. The event was legal: if the server did, the peer disconnected.

        Args:
            exc: What was raised.
            following: The state that the event led to.
            is_accept: Whether the event was an accept.

        Returns:
            What to raise in its place.

        Raises:
            Exception: The very one, if it comes from between this and the server, such as a
                middleware. An accept counts as not sent then.
        """
        is_over = self.state in {DISCONNECTED, CLOSED}
        ended_meanwhile = is_over and self.state is not following
        if not ended_meanwhile and not is_servers(exc):
            if is_accept:
                self.state, self.is_accepted = HANDSHAKE, False
                self._accept_ended()
            try:
                raise exc
            finally:
                # It holds this frame: without this reference it is no cycle.
                del exc
        logger.debug(
            "send: the connection is over: %s", type(exc).__name__, extra=LogFields(self.scope)
        )
        # If we closed it while this send was under way, that is how it ended.
        if not is_over:
            self._disconnect(_ABNORMAL_CLOSURE, "")
        return self.disconnect_error()

    async def close(self, code: int, reason: str | None) -> None:
        """Close the connection, or refuse it if it is not accepted yet; see `WebSocket.close`."""
        event = close_event(code, reason)
        if self.state is CONNECTING:
            await self.next_event()
        if self.is_closable:
            await self.transmit(event)

    async def end(self, code: int, reason: str | None) -> None:
        """Close it for a cause that the application need not know of, such as a limit.

        A task that goes on sending did nothing wrong then: for it, the peer disconnected.
        """
        if self.is_closable:
            self._is_ended_by_us = True
            await self.close(code, reason)

    async def _finish(self, code: int, reason: str) -> None:
        # Before the server has it, so that of two tasks that close one does.
        self.state = CLOSED
        self.code, self.reason = code, reason
        self._accept_ended()
        self.ended()
        for listener in self.listeners:
            listener.on_close()
        self.is_closing = True
        try:
            # Some servers wait for the peer's answer, and the peer may be silent.
            with anyio.move_on_after(self.close_timeout, shield=self.close_timeout is not None):
                await send_close(self.send, code, reason, self.scope)
        finally:
            self.is_closing = False

    async def next_event(self) -> Event:
        """Wait for the next event; see `WebSocket.receive`."""
        if self.is_drained:
            raise InvalidStateError("nothing can be received after 'websocket.disconnect'")
        if self._is_receiving:
            raise InvalidStateError("another task is receiving from this connection already")
        self._is_receiving = True
        # In a variable first: as a method call it takes 160 instructions more.
        receive = self.receive
        try:
            event = await receive()
        finally:
            self._is_receiving = False
        self.received(event)
        return event

    def received(self, event: Event) -> None:
        """Record an event that the server delivered.

        Raises:
            ServerProtocolError: It may not come now.
        """
        following = after_receiving(self.state, event)
        if event["type"] == DISCONNECT:
            self.disconnected(event)
            self.is_drained = True
        self.state = following

    def disconnected(self, event: Event) -> None:
        """Record the peer's disconnect as soon as it is known, even before earlier events."""
        if self.state is CLOSED or self.is_drained:
            return
        code: object = event.get("code")
        reason: object = event.get("reason")
        # ASGI spec, "Disconnect": 1005 is the default. Some servers omit it, or set it to None.
        if not isinstance(code, int) or isinstance(code, bool) or not 1000 <= code <= 4999:
            code = _NO_STATUS_RECEIVED
        self.is_shutdown = code == _SERVICE_RESTART and is_uvicorns_own(event, self.scope)
        self._disconnect(int(code), reason if isinstance(reason, str) else "")

    def _disconnect(self, code: int, reason: str) -> None:
        self.state = DISCONNECTED
        self.code, self.reason = code, reason
        self._accept_ended()
        self.ended()
        for listener in self.listeners:
            listener.on_disconnect()

    def _call(self, callback: Callable[[], object]) -> None:
        try:
            callback()
        except Exception:
            logger.exception(
                "a function that was to be called at a connection's end failed",
                extra=LogFields(self.scope),
            )
