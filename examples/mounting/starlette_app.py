"""Starlette: `uvicorn examples.mounting.starlette_app:app`.

A route takes the class itself, as it takes Starlette's own; `as_asgi` is for a class that is
given attributes.
"""

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from examples.mounting.greeter import Greeter

__all__ = ["app"]

app = Starlette(
    routes=[
        WebSocketRoute("/rooms/{room}", Greeter),
        WebSocketRoute("/polite/{room}", Greeter.as_asgi(greeting="Good day")),
    ]
)
