"""Litestar: a route, a mount, a router, and a function."""

from typing import Any

from litestar import Litestar, WebSocket, asgi, websocket
from litestar.logging import LoggingConfig

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter

from .room import Room

__all__ = ["app"]


@websocket("/function/{room:str}")
async def serve(socket: WebSocket[Any, Any, Any]) -> None:
    # pyright takes its attributes `receive` and `send` for methods.
    await Room.serve(socket, greeting="good day")  # pyright: ignore[reportArgumentType]


app = Recording(
    Litestar(
        route_handlers=[
            asgi("/route/{room:str}", copy_scope=True)(Room.as_asgi()),
            asgi("/mount", is_mount=True, copy_scope=True)(Room.as_asgi()),
            asgi("/router", is_mount=True, copy_scope=True)(WebSocketRouter({"/{room}": Room})),
            serve,
        ],
        # By default it logs exceptions in debug mode alone, and keeps them from the server.
        logging_config=LoggingConfig(log_exceptions="always"),
    )
)
