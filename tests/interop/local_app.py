"""An application whose workers share groups: each connection tells which worker has it."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Groups, LocalBackplane

__all__ = ["app"]

groups = Groups(LocalBackplane())


class Echo(WebSocketEndpoint):
    """Broadcasts what it is told."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, "all", user=websocket.query_params["user"])
        await self.push({"pid": os.getpid()})

    async def on_receive(self, websocket: WebSocket, data: str) -> Any:
        await groups.broadcast("all", {"said": data, "users": [*await groups.presence("all")]})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    """Share groups with the other workers while this one serves."""
    async with groups:
        yield


app = Starlette(routes=[WebSocketRoute("/", Echo)], lifespan=lifespan)
