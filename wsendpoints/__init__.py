"""Typed WebSocket endpoint classes for any ASGI app, on anyio and pydantic.

A name is loaded when it is first used, so that `import wsendpoints` costs nothing: what loads are
the parts of pydantic that compile models, and those that only pass a name on need none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wsendpoints.attributes import Given
    from wsendpoints.connection.denial import DenialResponse
    from wsendpoints.connection.websocket import WebSocket
    from wsendpoints.dialects.dialect import Dialect
    from wsendpoints.dialects.jsonrpc import JsonRpc
    from wsendpoints.endpoint import WebSocketEndpoint
    from wsendpoints.handling import handles
    from wsendpoints.handshake.credentials import Credential
    from wsendpoints.handshake.datastructures import Address, Headers, QueryParams, State
    from wsendpoints.handshake.tokens import bearer_token
    from wsendpoints.handshake.url import URL
    from wsendpoints.lifecycle.task_handle import TaskHandle
    from wsendpoints.messages.custom import Codec
    from wsendpoints.messages.error_message import ErrorMessage
    from wsendpoints.messages.msgspec_json import MsgspecJSON
    from wsendpoints.protocol.close_codes import CloseCode
    from wsendpoints.protocol.exceptions import (
        BackplaneError,
        ClientMessageError,
        ConfigurationError,
        ConfigurationWarning,
        Denied,
        ErrorDetails,
        ErrorReply,
        GroupFullError,
        InvalidDataError,
        InvalidMessageError,
        InvalidStateError,
        MessageTooBigError,
        PositionLost,
        RateLimitedError,
        ServerProtocolError,
        UnsupportedDataError,
        WebSocketDisconnect,
        WebSocketError,
    )
    from wsendpoints.protocol.jittered import Jittered
    from wsendpoints.protocol.limits import Limits, Rate
    from wsendpoints.protocol.starlette_states import WebSocketState
    from wsendpoints.protocol.state import ConnectionState
    from wsendpoints.providing import provides
    from wsendpoints.router import WebSocketRouter
    from wsendpoints.sources import Cookie, Header

__all__ = [
    "URL",
    "Address",
    "BackplaneError",
    "ClientMessageError",
    "CloseCode",
    "Codec",
    "ConfigurationError",
    "ConfigurationWarning",
    "ConnectionState",
    "Cookie",
    "Credential",
    "DenialResponse",
    "Denied",
    "Dialect",
    "ErrorDetails",
    "ErrorMessage",
    "ErrorReply",
    "Given",
    "GroupFullError",
    "Header",
    "Headers",
    "InvalidDataError",
    "InvalidMessageError",
    "InvalidStateError",
    "Jittered",
    "JsonRpc",
    "Limits",
    "MessageTooBigError",
    "MsgspecJSON",
    "PositionLost",
    "QueryParams",
    "Rate",
    "RateLimitedError",
    "ServerProtocolError",
    "State",
    "TaskHandle",
    "UnsupportedDataError",
    "WebSocket",
    "WebSocketDisconnect",
    "WebSocketEndpoint",
    "WebSocketError",
    "WebSocketRouter",
    "WebSocketState",
    "bearer_token",
    "handles",
    "provides",
]

# Those that are not here are exceptions.
_MODULES: Final = {
    "URL": "handshake.url",
    "Address": "handshake.datastructures",
    "CloseCode": "protocol.close_codes",
    "Codec": "messages.custom",
    "ConnectionState": "protocol.state",
    "Cookie": "sources",
    "Credential": "handshake.credentials",
    "DenialResponse": "connection.denial",
    "Dialect": "dialects.dialect",
    "ErrorMessage": "messages.error_message",
    "Given": "attributes",
    "Header": "sources",
    "Headers": "handshake.datastructures",
    "Jittered": "protocol.jittered",
    "JsonRpc": "dialects.jsonrpc",
    "Limits": "protocol.limits",
    "MsgspecJSON": "messages.msgspec_json",
    "QueryParams": "handshake.datastructures",
    "Rate": "protocol.limits",
    "State": "handshake.datastructures",
    "TaskHandle": "lifecycle.task_handle",
    "WebSocket": "connection.websocket",
    "WebSocketEndpoint": "endpoint",
    "WebSocketRouter": "router",
    "WebSocketState": "protocol.starlette_states",
    "bearer_token": "handshake.tokens",
    "handles": "handling",
    "provides": "providing",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULES.get(name, 'protocol.exceptions')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
