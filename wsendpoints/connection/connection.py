"""A connection's state, kept right over the server's `receive` and `send`, whatever they do.

Only checked events come in here. What the peer does shows as one exception alone,
`WebSocketDisconnect`, whatever the server raises or swallows.
"""

import logging
from collections.abc import Hashable
from typing import Any, Final, Protocol

import anyio

from wsendpoints.connection.stepping import DONE, resume
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.events import close_event
from wsendpoints.protocol.exceptions import InvalidStateError, WebSocketDisconnect
from wsendpoints.protocol.state import (
    CLOSE,
    DISCONNECT,
    SEND,
    SENT,
    ConnectionState,
    after_receiving,
    after_sending,
)

__all__ = ["Connection", "Listener"]

logger: logging.Logger = logging.getLogger("wsendpoints")

# Read on the path of every message.
_OPEN: Final = ConnectionState.OPEN
_DISCONNECTED: Final = ConnectionState.DISCONNECTED


_DAPHNES_OFFSET: Final = 3000
"""What is added to a code that the server refuses: 1011 becomes 4011."""


class Listener(Protocol):
    """Told what happens to a connection, as it happens; it must not raise, nor send."""

    def on_accept(self) -> None:
        """An accept is about to be sent."""

    def on_close(self) -> None:
        """A close is about to be sent."""

    def on_disconnect(self) -> None:
        """The peer left, or more is known of how."""

    def on_send_wait(self, send: Hashable, is_waiting: bool) -> None:
        """A send has to wait for the server, or no longer does; `send` stands for it."""

    def on_expiry_set(self) -> None:
        """`Connection.expires_at` was set."""


class Connection:
    """One connection, as the server gives it.

    Args:
        receive: The server's; `None` if nothing will be received.
        send: The server's; `None` if nothing will be sent.
        scope: The server's; by it daphne is known.

    Attributes:
        receive: Who is asked for the next event: the server, or an endpoint's reader.
        send: The server's. Who calls it by itself checks the state before, and tells `lost` or
            `cut_off` how it failed.
        state: Where the connection stands.
        is_accepted: Whether accept was sent, so that the peer may take it for open.
        is_drained: Whether the disconnect was received: no other event follows.
        code: With what it was closed, by whoever was first; 1006 until then.
        reason: The reason that goes with it.
        listener: Who is told what happens to it. The one reference upwards: whoever sets it
            takes it away again.
        expires_at: When it is to be closed, in seconds since the epoch.
        close_timeout: Seconds that a close may take, in which it is not cancelled; `None` for
            one that is left to itself.
    """

    __slots__ = (
        "_is_ended",
        "_is_receiving",
        "_scope",
        "close_timeout",
        "code",
        "expires_at",
        "is_accepted",
        "is_drained",
        "listener",
        "reason",
        "receive",
        "send",
        "state",
    )

    def __init__(
        self, receive: Receive | None, send: Send | None, scope: Scope | None = None
    ) -> None:
        self.receive: Receive = receive or _no_receive
        self.state: ConnectionState = ConnectionState.CONNECTING
        self.is_accepted: bool = False
        self.is_drained: bool = False
        self.code: int = CloseCode.ABNORMAL_CLOSURE
        self.reason: str = ""
        self.listener: Listener | None = None
        self.close_timeout: float | None = None
        self.expires_at: float | None = None
        self.send: Send = send or _no_send
        self._scope: Scope = scope or {}
        self._is_receiving = False
        self._is_ended = False

    @property
    def is_closable(self) -> bool:
        """Whether a close would still say something new to the peer."""
        return (self.state, CLOSE) in SENT

    def disconnect(self) -> WebSocketDisconnect:
        """Return the exception that tells how the connection ended."""
        return WebSocketDisconnect(self.code, self.reason)

    async def transmit(self, event: Event) -> None:
        """Give a checked event to the server.

        Cancelling it breaks the connection; see `WebSocket.send_text`. Any number of tasks may
        call it at the same time.

        Raises:
            InvalidStateError: It is out of turn, or there is nowhere to send it.
            WebSocketDisconnect: The peer left.
        """
        if self.send is _no_send:
            await _no_send(event)
        if self.state is not _OPEN or event["type"] != SEND:
            following = self._after(event)
            if event["type"] == CLOSE:
                await self._finish(event["code"], event["reason"])
                return
            self.state = following
            if following is _OPEN:
                self.is_accepted = True
                if self.listener is not None:
                    self.listener.on_accept()
        try:
            # By hand, since most are done without having to wait: nothing bounds those.
            steps = self.send(event).__await__()
            if (trap := next(steps, DONE)) is not DONE:
                await self._wait(steps, trap)
        except Exception as exc:
            raise self.lost(exc) from exc
        except BaseException:
            self.cut_off()
            raise

    async def _wait(self, steps: Any, trap: Any) -> None:
        listener = self.listener
        if listener is not None:
            listener.on_send_wait(steps, True)
        try:
            await resume(steps, trap)
        finally:
            if listener is not None:
                listener.on_send_wait(steps, False)

    def _after(self, event: Event) -> ConnectionState:
        is_over = self.state is ConnectionState.CLOSED and self._is_ended
        if is_over or self.state is _DISCONNECTED:
            raise self.disconnect()
        return after_sending(self.state, event)

    def cut_off(self) -> None:
        """Take note that a send was cancelled: nobody knows how much of it went out."""
        if self.state is _OPEN:
            self.state = ConnectionState.BROKEN

    def lost(self, exc: Exception) -> WebSocketDisconnect:
        """Take note that the server's `send` failed: the event was legal, so the peer left."""
        logger.debug("send: the connection is over: %s", type(exc).__name__)
        # If we closed it while this send was under way, that is how it ended.
        if self.state not in {_DISCONNECTED, ConnectionState.CLOSED}:
            self._note(CloseCode.ABNORMAL_CLOSURE, "")
        return self.disconnect()

    async def close(self, code: int, reason: str | None) -> None:
        """Close the connection, or refuse it if it is not accepted yet; see `WebSocket.close`."""
        event = close_event(code, reason)
        if self.state is ConnectionState.CONNECTING:
            await self.next_event()
        if self.is_closable:
            await self.transmit(event)

    async def end(self, code: int, reason: str | None) -> None:
        """Close it for a cause that the application need not know of, such as a limit.

        A task that goes on sending did nothing wrong then: to it, the peer left.
        """
        if self.is_closable:
            self._is_ended = True
            await self.close(code, reason)

    async def _finish(self, code: int, reason: str) -> None:
        # Before the server has it: of two tasks that close, one does.
        self.state = ConnectionState.CLOSED
        self.code, self.reason = code, reason
        if self.listener is not None:
            self.listener.on_close()
        if self.close_timeout is None:
            await self._send_close(code)
            return
        # Some servers wait for the peer's answer, and the peer may be silent.
        with anyio.move_on_after(self.close_timeout, shield=True):
            await self._send_close(code)

    async def _send_close(self, code: int) -> None:
        """Send a close with a code that the server takes; if it takes none, the peer left."""
        if 1000 < code < 3000 and _is_daphne(self._scope):
            code = self._other_than(code)
        try:
            await self.send({"type": CLOSE, "code": code, "reason": self.reason})
        except (OSError, RuntimeError) as exc:
            # The second is uvicorn's legacy implementation's, once it has told of the disconnect.
            logger.debug("close: the peer left before: %s", type(exc).__name__)
        except Exception as exc:  # noqa: BLE001 - servers raise what they like
            if 1000 < code < 3000:
                await self._send_close(self._other_than(code))
            else:
                logger.debug("close: the server can't: %s", type(exc).__name__)

    def _other_than(self, code: int) -> int:
        logger.debug("close: the server refuses code %d, sending %d", code, code + _DAPHNES_OFFSET)
        return code + _DAPHNES_OFFSET

    async def next_event(self) -> Event:
        """Wait for the next event; see `WebSocket.receive`."""
        if self.is_drained:
            raise InvalidStateError("nothing can be received after 'websocket.disconnect'")
        if self._is_receiving:
            raise InvalidStateError("another task is receiving from this connection already")
        self._is_receiving = True
        try:
            event = await self.receive()
        finally:
            self._is_receiving = False
        self.received(event)
        return event

    def received(self, event: Event) -> None:
        """Take note of an event that the server delivered.

        Raises:
            ServerProtocolError: It may not come now.
        """
        following = after_receiving(self.state, event)
        if event["type"] == DISCONNECT:
            self.left(event)
            self.is_drained = True
        self.state = following

    def left(self, event: Event) -> None:
        """Take note that the peer left, be there events to handle from before or not."""
        if self.state is ConnectionState.CLOSED or self.is_drained:
            return
        code: object = event.get("code")
        reason: object = event.get("reason")
        # ASGI spec, "Disconnect": 1005 is the default. Servers have been seen to leave it out,
        # and to have None there.
        if not isinstance(code, int) or isinstance(code, bool) or not 1000 <= code <= 4999:
            code = CloseCode.NO_STATUS_RECEIVED
        self._note(int(code), reason if isinstance(reason, str) else "")

    def _note(self, code: int, reason: str) -> None:
        self.state = _DISCONNECTED
        self.code, self.reason = code, reason
        if self.listener is not None:
            self.listener.on_disconnect()


def _is_daphne(scope: Scope) -> bool:
    """Whether the server takes 1000 and 3000 to 4999 alone.

    daphne raises for other codes, and leaves the connection open. A framework between it and us
    would take a second attempt for a mistake, so the first must be right. It does not give its
    name, but no other server has such a scope.
    """
    return (
        scope.get("asgi") == {"version": "3.0"}
        and isinstance(scope.get("client"), list)
        and "raw_path" in scope
        and not any(key in scope for key in ("scheme", "http_version"))
    )


async def _no_receive() -> Event:
    raise InvalidStateError("this WebSocket was made without a `receive`: it can't receive")


async def _no_send(event: Event) -> None:
    raise InvalidStateError("this WebSocket was made without a `send`: it can't send")
