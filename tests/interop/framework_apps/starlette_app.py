"""Starlette: a route for the class, for the class with attributes, and a mount."""

from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute

from tests.interop.journal import Recording

from .room import Room

__all__ = ["app"]

app = Recording(
    Starlette(
        routes=[
            WebSocketRoute("/class/{room}", Room),
            WebSocketRoute("/attributes/{room}", Room.as_asgi(greeting="good day")),
            Mount("/mount/{room}", Room.as_asgi()),
        ]
    )
)
