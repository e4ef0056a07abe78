"""No framework: a router that a server serves alone, with a router in it, and what it starts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.interop.journal import Recorded, Recording
from wsendpoints import WebSocket, WebSocketRouter

from .room import Room

__all__ = ["app"]


class Started(Recorded):
    """Tells what the lifespan left for it."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        await websocket.send_json(websocket.scope.get("state"))


@asynccontextmanager
async def lifespan(router: WebSocketRouter) -> AsyncGenerator[dict[str, str]]:
    yield {"started": router.title}


app = Recording(
    WebSocketRouter(
        {
            "/class/{room}": Room,
            "/within": WebSocketRouter({"/{room:path}": Room.as_asgi(greeting="good day")}),
            "/started": Started,
        },
        title="rooms",
        lifespan=lifespan,
    )
)
