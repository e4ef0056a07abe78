"""An application with an endpoint for each protocol."""

from typing import Final

from examples import graphql_transport_ws, ocpp_central_system
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

from .openai_server import Realtime, Responses
from .phoenix import Rooms
from .rpc import Rpc

__all__ = ["app"]

RPC: Final = Rpc.as_asgi()

APPS: Final[dict[str, ASGIApp]] = {
    "rpc": RPC,
    "ocpp": ocpp_central_system.app,
    "graphql": graphql_transport_ws.GraphQL.as_asgi(
        schema=graphql_transport_ws.schema, allowed_origins="*"
    ),
    "realtime": Realtime.as_asgi(),
    "responses": Responses.as_asgi(),
    "phoenix": Rooms.as_asgi(),
}
"""By the first part of the path."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the protocol that the path names; JSON-RPC for clients that can't be told a path."""
    name = scope["path"].split("/")[1] if scope["type"] == "websocket" else ""
    await APPS.get(name, RPC)(scope, receive, send)
