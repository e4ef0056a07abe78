"""The states of a connection, and which events are legal in each.

`SENT` lists what we may send, `RECEIVED` what the server may deliver. An event that is missing
from `SENT` is a mistake in the calling code; one that is missing from `RECEIVED` is the server's.

Source: ASGI spec, "HTTP & WebSocket", section "WebSocket".
"""

from enum import Enum
from types import MappingProxyType
from typing import Final

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import InvalidStateError, ServerProtocolError

__all__ = [
    "ACCEPT",
    "ACCEPTING",
    "BROKEN",
    "CLOSE",
    "CLOSED",
    "CONNECT",
    "CONNECTING",
    "DENYING",
    "DISCONNECT",
    "DISCONNECTED",
    "HANDSHAKE",
    "OPEN",
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
    """The state of a connection."""

    CONNECTING = "connecting"
    """No event has been exchanged yet."""
    HANDSHAKE = "handshake"
    """The client asked for a connection and waits for our answer."""
    ACCEPTING = "accepting"
    """The accept is being sent."""
    OPEN = "open"
    """We accepted it: messages go both ways."""
    BROKEN = "broken"
    """A send was cancelled half-way: the peer may have part of a message, so we can only close."""
    DENYING = "denying"
    """We are sending an HTTP response that refuses the handshake."""
    CLOSED = "closed"
    """We closed or refused it."""
    DISCONNECTED = "disconnected"
    """The peer disconnected."""


# A member equals only itself, so identity will do. `Enum.__hash__` is slower: it is Python code.
ConnectionState.__hash__ = object.__hash__  # type: ignore[method-assign]  # on purpose

# Python 3.11 takes thirty times as long to read a member of an enumeration from its class.
CONNECTING: Final = ConnectionState.CONNECTING
HANDSHAKE: Final = ConnectionState.HANDSHAKE
ACCEPTING: Final = ConnectionState.ACCEPTING
OPEN: Final = ConnectionState.OPEN
BROKEN: Final = ConnectionState.BROKEN
DENYING: Final = ConnectionState.DENYING
CLOSED: Final = ConnectionState.CLOSED
DISCONNECTED: Final = ConnectionState.DISCONNECTED

_S = ConnectionState

SENT: Final = MappingProxyType(
    {
        (_S.HANDSHAKE, ACCEPT): _S.ACCEPTING,  # OPEN, once it is sent
        (_S.HANDSHAKE, CLOSE): _S.CLOSED,
        (_S.HANDSHAKE, RESPONSE_START): _S.DENYING,
        (_S.DENYING, RESPONSE_BODY): _S.CLOSED,  # with `more_body` still DENYING
        (_S.ACCEPTING, SEND): _S.ACCEPTING,  # in its turn, behind the accept
        (_S.ACCEPTING, CLOSE): _S.CLOSED,
        (_S.OPEN, SEND): _S.OPEN,
        (_S.OPEN, CLOSE): _S.CLOSED,
        (_S.BROKEN, CLOSE): _S.CLOSED,
    }
)
"""The state that we are in once an event of this type is on its way, by the state before."""

RECEIVED: Final = MappingProxyType(
    {
        (_S.CONNECTING, CONNECT): _S.HANDSHAKE,
        (_S.CONNECTING, DISCONNECT): _S.DISCONNECTED,
        (_S.HANDSHAKE, DISCONNECT): _S.DISCONNECTED,
        # The client has the accept before the server tells us that it is sent.
        (_S.ACCEPTING, RECEIVE): _S.ACCEPTING,
        (_S.ACCEPTING, DISCONNECT): _S.DISCONNECTED,
        (_S.OPEN, RECEIVE): _S.OPEN,
        (_S.OPEN, DISCONNECT): _S.DISCONNECTED,
        # The client does not know that a send of ours was cancelled, and keeps sending.
        (_S.BROKEN, RECEIVE): _S.BROKEN,
        (_S.BROKEN, DISCONNECT): _S.DISCONNECTED,
        (_S.DENYING, DISCONNECT): _S.DISCONNECTED,
        # The client sent this before it saw our close.
        (_S.CLOSED, RECEIVE): _S.CLOSED,
        (_S.CLOSED, DISCONNECT): _S.CLOSED,
        # A failed send reveals a disconnect before the server delivers what arrived earlier.
        (_S.DISCONNECTED, RECEIVE): _S.DISCONNECTED,
        (_S.DISCONNECTED, DISCONNECT): _S.DISCONNECTED,
    }
)
"""The state that we are in after receiving an event of this type, by the state before."""

_ADVICE: Final = MappingProxyType(
    {
        _S.CONNECTING: "receive the 'websocket.connect' event first, or call accept()",
        _S.HANDSHAKE: "accept the connection first, or refuse it",
        _S.ACCEPTING: "it is being accepted already",
        _S.OPEN: "it is accepted already: send messages, or close it",
        _S.BROKEN: "an earlier send was cancelled half-way: it can only be closed",
        _S.DENYING: "a response that refuses it is under way",
        _S.CLOSED: "it was closed by this side",
        _S.DISCONNECTED: "the peer disconnected",
    }
)


def after_sending(state: ConnectionState, event: Event) -> ConnectionState:
    """Return the state that follows when `event` is sent in `state`.

    Raises:
        InvalidStateError: The event may not be sent in this state.
    """
    try:
        following = SENT.get((state, event.get("type", "")))
    except TypeError:  # it can't be hashed, such as a list
        following = None
    if following is None:
        raise InvalidStateError(
            f"{event.get('type')!r} can't be sent while the connection is {state.value}: "
            f"{_ADVICE[state]}"
        )
    if event["type"] == RESPONSE_BODY and event.get("more_body"):
        return _S.DENYING
    return following


def after_receiving(state: ConnectionState, event: Event) -> ConnectionState:
    """Return the state that follows when the server delivers `event` in `state`.

    Raises:
        ServerProtocolError: The event may not be delivered in this state.
    """
    try:
        following = RECEIVED.get((state, event.get("type", "")))
    except TypeError:  # it can't be hashed, such as a list
        following = None
    if following is None:
        allowed = " or ".join(repr(type_) for before, type_ in RECEIVED if before is state)
        raise ServerProtocolError(
            f"the server sent {event.get('type')!r} while the connection is {state.value}; "
            f"expected {allowed}"
        )
    return following
