"""The states of a connection, and which event may come next in each; no I/O.

Two tables say it all: what we may send, and what the server may deliver. An event that its
table does not list is a mistake: of the calling code in the first, of the server in the second.

Source: ASGI spec, "HTTP & WebSocket", section "WebSocket".
"""

from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import InvalidStateError, ServerProtocolError

__all__ = [
    "ACCEPT",
    "CLOSE",
    "CONNECT",
    "DISCONNECT",
    "RECEIVE",
    "RECEIVED",
    "RESPONSE_BODY",
    "RESPONSE_START",
    "SEND",
    "SENT",
    "ConnectionState",
    "after_receiving",
    "after_sending",
]

CONNECT: Final = "websocket.connect"
RECEIVE: Final = "websocket.receive"
DISCONNECT: Final = "websocket.disconnect"
ACCEPT: Final = "websocket.accept"
SEND: Final = "websocket.send"
CLOSE: Final = "websocket.close"
RESPONSE_START: Final = "websocket.http.response.start"
RESPONSE_BODY: Final = "websocket.http.response.body"


class ConnectionState(Enum):
    """Where a connection stands."""

    CONNECTING = "connecting"
    """Nothing was exchanged yet."""
    HANDSHAKE = "handshake"
    """The client asked for a connection, and has no answer yet."""
    OPEN = "open"
    """Accepted: messages go both ways."""
    BROKEN = "broken"
    """A send was cancelled half-way, so the peer may have half a message: close it."""
    DENYING = "denying"
    """An HTTP response that refuses the handshake is under way."""
    CLOSED = "closed"
    """We closed it, or refused it."""
    DISCONNECTED = "disconnected"
    """The peer left."""


# Each is equal to itself alone, so this will do. Enum's own is a function in Python, and slower.
ConnectionState.__hash__ = object.__hash__  # type: ignore[method-assign]  # on purpose


_S = ConnectionState

SENT: Final = MappingProxyType(
    {
        (_S.HANDSHAKE, ACCEPT): _S.OPEN,
        (_S.HANDSHAKE, CLOSE): _S.CLOSED,
        (_S.HANDSHAKE, RESPONSE_START): _S.DENYING,
        (_S.DENYING, RESPONSE_BODY): _S.CLOSED,  # or still DENYING, with `more_body`
        (_S.OPEN, SEND): _S.OPEN,
        (_S.OPEN, CLOSE): _S.CLOSED,
        (_S.BROKEN, CLOSE): _S.CLOSED,
    }
)
"""The state that follows when we send an event of this type in this state."""

RECEIVED: Final = MappingProxyType(
    {
        (_S.CONNECTING, CONNECT): _S.HANDSHAKE,
        (_S.CONNECTING, DISCONNECT): _S.DISCONNECTED,
        (_S.HANDSHAKE, DISCONNECT): _S.DISCONNECTED,
        (_S.OPEN, RECEIVE): _S.OPEN,
        (_S.OPEN, DISCONNECT): _S.DISCONNECTED,
        # What the client sent before it noticed our end of the connection.
        (_S.BROKEN, RECEIVE): _S.BROKEN,
        (_S.BROKEN, DISCONNECT): _S.DISCONNECTED,
        (_S.DENYING, DISCONNECT): _S.DISCONNECTED,
        (_S.CLOSED, RECEIVE): _S.CLOSED,
        (_S.CLOSED, DISCONNECT): _S.CLOSED,
        # What arrived before the disconnect that a failed send made known.
        (_S.DISCONNECTED, RECEIVE): _S.DISCONNECTED,
        (_S.DISCONNECTED, DISCONNECT): _S.DISCONNECTED,
    }
)
"""The state that follows when the server delivers an event of this type in this state."""

_WHAT_TO_DO: Final = MappingProxyType(
    {
        _S.CONNECTING: "receive the 'websocket.connect' event first, or call accept()",
        _S.HANDSHAKE: "accept the connection first, or refuse it",
        _S.OPEN: "it is accepted already: send messages, or close it",
        _S.BROKEN: "an earlier send was cancelled half-way: it can only be closed",
        _S.DENYING: "a response that refuses it is under way",
        _S.CLOSED: "it was closed by this side",
        _S.DISCONNECTED: "the peer left",
    }
)


def after_sending(state: ConnectionState, event: Event) -> ConnectionState:
    """Return the state that follows when `event` is sent in `state`.

    Raises:
        InvalidStateError: The event may not be sent in this state.
    """
    following = SENT.get((state, _type_of(event)))
    if following is None:
        raise InvalidStateError(
            f"{event.get('type')!r} can't be sent while the connection is {state.value}: "
            f"{_WHAT_TO_DO[state]}"
        )
    if event["type"] == RESPONSE_BODY and event.get("more_body"):
        return _S.DENYING
    return following


def after_receiving(state: ConnectionState, event: Event) -> ConnectionState:
    """Return the state that follows when the server delivers `event` in `state`.

    Raises:
        ServerProtocolError: The server may not deliver it in this state.
    """
    following = RECEIVED.get((state, _type_of(event)))
    if following is None:
        allowed = " or ".join(repr(type_) for before, type_ in RECEIVED if before is state)
        raise ServerProtocolError(
            f"the server sent {event.get('type')!r} while the connection is {state.value}; "
            f"expected {allowed}"
        )
    return following


def _type_of(event: Event) -> Any:
    type_ = event.get("type")
    return type_ if isinstance(type_, str) else None
