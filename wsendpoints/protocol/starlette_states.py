"""The states of a connection as Starlette names them, for code that was written for it."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from wsendpoints.protocol.state import ConnectionState

__all__ = ["APPLICATION_STATES", "CLIENT_STATES", "WebSocketState"]


class WebSocketState(Enum):
    """Starlette's states of one side of a connection, with its names and values.

    A member equals that of Starlette's own class as well, whichever of the two was imported.
    Compare with `==`: `is` tells the two classes apart.
    """

    CONNECTING = 0
    """It has not asked for the connection, or not answered, yet."""
    CONNECTED = 1
    """It has."""
    DISCONNECTED = 2
    """The connection is over."""
    RESPONSE = 3
    """The application is refusing the handshake with an HTTP response."""

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        # By its name, so that Starlette need not be installed.
        cls = type(other)
        is_starlettes = (cls.__module__, cls.__name__) == ("starlette.websockets", "WebSocketState")
        return is_starlettes and isinstance(other, Enum) and other.value == self.value

    # Defining `__eq__` takes it away. Starlette's members have the same hash, that of their names.
    __hash__ = Enum.__hash__


_CONNECTING: Final = WebSocketState.CONNECTING
_CONNECTED: Final = WebSocketState.CONNECTED
_DISCONNECTED: Final = WebSocketState.DISCONNECTED

CLIENT_STATES: Final[Mapping[ConnectionState, WebSocketState]] = MappingProxyType(
    {
        ConnectionState.CONNECTING: _CONNECTING,
        ConnectionState.HANDSHAKE: _CONNECTED,
        ConnectionState.ACCEPTING: _CONNECTED,
        ConnectionState.OPEN: _CONNECTED,
        ConnectionState.BROKEN: _CONNECTED,
        ConnectionState.DENYING: _CONNECTED,
        ConnectionState.CLOSED: _DISCONNECTED,
        ConnectionState.DISCONNECTED: _DISCONNECTED,
    }
)
"""What `WebSocket.client_state` is in each state of the connection."""

APPLICATION_STATES: Final[Mapping[ConnectionState, WebSocketState]] = MappingProxyType(
    {
        ConnectionState.CONNECTING: _CONNECTING,
        ConnectionState.HANDSHAKE: _CONNECTING,
        ConnectionState.ACCEPTING: _CONNECTED,
        ConnectionState.OPEN: _CONNECTED,
        ConnectionState.BROKEN: _CONNECTED,
        ConnectionState.DENYING: WebSocketState.RESPONSE,
        ConnectionState.CLOSED: _DISCONNECTED,
        ConnectionState.DISCONNECTED: _DISCONNECTED,
    }
)
"""What `WebSocket.application_state` is in each state of the connection."""
