"""No framework: a router that a server serves alone, with a router in it."""

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter

from .room import Room

__all__ = ["app"]

app = Recording(
    WebSocketRouter(
        {
            "/class/{room}": Room,
            "/within": WebSocketRouter({"/{room:path}": Room.as_asgi(greeting="good day")}),
        }
    )
)
