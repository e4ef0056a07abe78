"""Broadcasts of this library, by each backplane: what an application served for it is."""

import os
from typing import Final

from benchmarks.contenders import ITEM
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Group, Groups, History, LocalBackplane, RedisBackplane
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["in_memory", "local", "local_history", "redis", "redis_history"]


class Bare(Group[str]):
    name = "bare"


class Kept(Group[str]):
    name = "kept"
    history = History(messages=100)


class Broadcast(WebSocketEndpoint):
    """Broadcasts as often as it is told."""

    encoding = "text"
    groups = (Bare, Kept)
    them: Groups
    group: Group[str]

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.them.join(self, self.group)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        for _ in range(int(data)):
            await self.them.broadcast(self.group, ITEM)


def served(groups: Groups, group: Group[str]) -> ASGIApp:
    """Return an application whose clients are in a group."""
    broadcast = Broadcast.as_asgi(them=groups, group=group)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await groups.lifespan(receive, send)
        else:
            await broadcast(scope, receive, send)

    return app


_URL: Final = os.environ.get("REDIS_URL", "redis://127.0.0.1")

in_memory: ASGIApp = served(Groups(), Bare())
local: ASGIApp = served(Groups(LocalBackplane()), Bare())
local_history: ASGIApp = served(Groups(LocalBackplane()), Kept())
redis: ASGIApp = served(Groups(RedisBackplane(_URL)), Bare())
redis_history: ASGIApp = served(Groups(RedisBackplane(_URL)), Kept())
