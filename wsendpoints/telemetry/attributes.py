"""What spans and metrics say of a connection, by the semantic conventions of OpenTelemetry.

There are none for WebSockets. A connection has the attributes of the HTTP request that it began as;
what is this library's own is called `wsendpoints....`. The query is left out, since browsers have
nowhere else to put a token.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from wsendpoints.connection.websocket import WebSocket
from wsendpoints.handshake.request import header_values
from wsendpoints.handshake.routing import route_of
from wsendpoints.handshake.url import URL

__all__ = [
    "CLOSE_BY",
    "CLOSE_CODE",
    "CONNECTION",
    "ENDPOINT",
    "ERROR_TYPE",
    "HANDLER",
    "MESSAGE",
    "PROTOCOL",
    "STATUS",
    "SUBPROTOCOL",
    "attributes_of",
    "parent_of",
]

CLOSE_BY: Final = "wsendpoints.close.by"
"""Which side closed first: `"client"` or `"server"`."""

CLOSE_CODE: Final = "wsendpoints.close.code"
CONNECTION: Final = "wsendpoints.connection.id"
ENDPOINT: Final = "wsendpoints.endpoint"
HANDLER: Final = "wsendpoints.handler"
MESSAGE: Final = "wsendpoints.message.type"
SUBPROTOCOL: Final = "wsendpoints.subprotocol"

ERROR_TYPE: Final = "error.type"
PROTOCOL: Final = "network.protocol.name"
STATUS: Final = "http.response.status_code"

_PORTS: Final[Mapping[str, int]] = {"ws": 80, "wss": 443}


def attributes_of(websocket: WebSocket) -> dict[str, str | int]:
    """Return what a connection's span says of it from the beginning."""
    scope = websocket.scope
    # Not `websocket.url`, which would be kept.
    url = URL.from_scope(scope)
    (agents,) = header_values(websocket, b"user-agent")
    client = websocket.client
    is_http_1 = str(scope.get("http_version", "1.1")).startswith("1")
    known: dict[str, str | int | None] = {
        # RFC 8441, section 4: over HTTP/2 a WebSocket begins as a CONNECT.
        "http.request.method": "GET" if is_http_1 else "CONNECT",
        "http.route": route_of(scope),
        PROTOCOL: "websocket",
        "url.scheme": scope.get("scheme", "ws"),
        "url.path": url.path,
        "server.address": url.hostname,
        "server.port": url.port or _PORTS.get(url.scheme),
        "client.address": client and client.host,
        "client.port": client and client.port,
        "user_agent.original": agents[0] if agents else None,
        CONNECTION: websocket.connection_id,
    }
    return {name: value for name, value in known.items() if value is not None}


def parent_of(websocket: WebSocket) -> tuple[Context | None, trace.SpanKind]:
    """Return what a connection's span is within, and its kind.

    It is within the span of a middleware before, if there is one; that is the server's then. If
    not, it continues what the headers of the handshake say.
    """
    if trace.get_current_span().get_span_context().is_valid:
        return None, trace.SpanKind.INTERNAL
    names = sorted(propagate.get_global_textmap().fields)
    values = header_values(websocket, *(name.lower().encode() for name in names))
    carrier = {name: found for name, found in zip(names, values, strict=True) if found}
    return propagate.extract(carrier), trace.SpanKind.SERVER
