"""FastAPI: a function with what it depends on, a route for the class, a mount, and a router."""

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


# Typed for functions only; it takes classes as `WebSocketRoute` does.
api.router.add_websocket_route("/class/{room}", Room)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
api.mount("/mount/{room}", Room.as_asgi())
api.mount("/router", WebSocketRouter({"/{room}": Room}))

app = Recording(api)
