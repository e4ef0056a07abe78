"""Typed WebSocket endpoint classes for any ASGI app, on anyio and pydantic.

A name is loaded when it is first used, so that `import wsendpoints` costs nothing: what loads are
the parts of pydantic that compile models, and those that only pass a name on need none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wsendpoints.close_codes import CloseCode
    from wsendpoints.datastructures import Address, Headers, QueryParams, State
    from wsendpoints.declaration import handles
    from wsendpoints.endpoint import WebSocketEndpoint
    from wsendpoints.exceptions import (
        BackplaneError,
        ClientMessageError,
        ConfigurationError,
        ConfigurationWarning,
        Denied,
        InvalidDataError,
        InvalidMessageError,
        InvalidStateError,
        MessageTooBigError,
        RateLimitedError,
        ServerProtocolError,
        UnsupportedDataError,
        WebSocketDisconnect,
        WebSocketError,
    )
    from wsendpoints.handshake import DenialResponse
    from wsendpoints.limits import Limits, Rate
    from wsendpoints.state import ConnectionState
    from wsendpoints.tokens import bearer_token
    from wsendpoints.url import URL
    from wsendpoints.websocket import WebSocket

__all__ = [
    "URL",
    "Address",
    "BackplaneError",
    "ClientMessageError",
    "CloseCode",
    "ConfigurationError",
    "ConfigurationWarning",
    "ConnectionState",
    "DenialResponse",
    "Denied",
    "Headers",
    "InvalidDataError",
    "InvalidMessageError",
    "InvalidStateError",
    "Limits",
    "MessageTooBigError",
    "QueryParams",
    "Rate",
    "RateLimitedError",
    "ServerProtocolError",
    "State",
    "UnsupportedDataError",
    "WebSocket",
    "WebSocketDisconnect",
    "WebSocketEndpoint",
    "WebSocketError",
    "bearer_token",
    "handles",
]

# Those that are not here are exceptions.
_MODULES: Final = {
    "URL": "url",
    "Address": "datastructures",
    "CloseCode": "close_codes",
    "ConnectionState": "state",
    "DenialResponse": "handshake",
    "Headers": "datastructures",
    "Limits": "limits",
    "QueryParams": "datastructures",
    "Rate": "limits",
    "State": "datastructures",
    "WebSocket": "websocket",
    "WebSocketEndpoint": "endpoint",
    "bearer_token": "tokens",
    "handles": "declaration",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULES.get(name, 'exceptions')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
