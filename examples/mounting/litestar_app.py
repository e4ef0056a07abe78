"""Litestar: `uvicorn examples.mounting.litestar_app:app`."""

from litestar import Litestar, asgi

from examples.mounting.greeter import Greeter

__all__ = ["app"]

app = Litestar(
    route_handlers=[asgi("/rooms/{room:str}", copy_scope=True)(Greeter.as_asgi())],
)
