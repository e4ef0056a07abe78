"""Litestar: a route, a mount, a router, a function, and a class with what it resolves."""

from typing import Any

from litestar import Litestar, WebSocket, asgi, websocket
from litestar.logging import LoggingConfig
from litestar.params import FromQuery

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter
from wsendpoints.litestar import as_handler

from .room import Room

__all__ = ["app"]


@websocket("/function/{room:str}")
async def serve(socket: WebSocket[Any, Any, Any]) -> None:
    # pyright takes its attributes `receive` and `send` for methods.
    await Room.serve(socket, greeting="good day")  # pyright: ignore[reportArgumentType]


class Resolved(Room):
    greeting: FromQuery[str] = "hello"


app = Recording(
    Litestar(
        route_handlers=[
            asgi("/route/{room:str}", copy_scope=True)(Room.as_asgi()),
            asgi("/mount", is_mount=True, copy_scope=True)(Room.as_asgi()),
            asgi("/router", is_mount=True, copy_scope=True)(WebSocketRouter({"/{room}": Room})),
            serve,
            websocket("/resolved/{room:str}")(as_handler(Resolved)),
        ],
        # By default it logs exceptions in debug mode alone, keeps them from the server, and logs
        # in a thread, at some time later.
        logging_config=LoggingConfig(
            log_exceptions="always",
            loggers={"litestar": {"level": "INFO", "handlers": ["console"], "propagate": False}},
        ),
    )
)
