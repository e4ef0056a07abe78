"""Starlette: a route for the class, for the class with attributes, a mount, and a router."""

from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter

from .room import Room

__all__ = ["app"]

app = Recording(
    Starlette(
        routes=[
            WebSocketRoute("/class/{room}", Room),
            WebSocketRoute("/attributes/{room}", Room.as_asgi(greeting="good day")),
            Mount("/mount/{room}", Room.as_asgi()),
            Mount("/router", WebSocketRouter({"/{room}": Room})),
        ]
    )
)
