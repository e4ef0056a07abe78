"""FastAPI: a function with what it depends on, a class with that, a route, a mount, a router."""

from typing import Annotated

from fastapi import Depends, FastAPI, Query, WebSocket

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter

from .room import Room

__all__ = ["app"]

api = FastAPI()


def get_greeting(language: Annotated[str, Query()] = "en") -> str:
    return {"de": "guten Tag"}.get(language, "hello")


@api.websocket("/function/{room}")
async def serve(websocket: WebSocket, greeting: Annotated[str, Depends(get_greeting)]) -> None:
    await Room.serve(websocket, greeting=greeting)


class Resolved(Room):
    greeting: Annotated[str, Depends(get_greeting)]


api.websocket("/resolved/{room}")(Resolved.as_route())
# Typed for functions only; it takes classes as `WebSocketRoute` does.
api.router.add_websocket_route("/class/{room}", Room)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
api.mount("/mount/{room}", Room.as_asgi())
api.mount("/router", WebSocketRouter({"/{room}": Room}))

app = Recording(api)
