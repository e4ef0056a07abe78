"""An application whose clients are in groups that several servers share by Redis."""

import os
from typing import Any, ClassVar

from pydantic import BaseModel

from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Gap, Group, Groups, History, RedisBackplane
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["Bare", "Kept", "Said", "Talk", "app"]


class Said(BaseModel):
    """A message."""

    by: str
    number: int


class Bare(Group[Said]):
    """Keeps nothing."""

    name = "bare"


class Kept(Group[Said]):
    """Keeps what is said in the test."""

    name = "kept"
    history = History(messages=100_000)


groups = Groups(RedisBackplane(os.environ["REDIS_URL"]))


class Talk(WebSocketEndpoint):
    """Is in the group that its path names, and says there so many messages as it is told."""

    encoding = "json"
    sends = dict[str, Any]
    groups: ClassVar[Any] = (Bare, Kept)
    group: Group[Said]

    async def on_connect(self, websocket: WebSocket) -> None:
        self.group = Kept() if websocket.url.path == "/kept" else Bare()
        await websocket.accept()
        await groups.join(self, self.group)
        await self.push({"joined": True})

    async def on_receive(self, websocket: WebSocket, data: tuple[str, int]) -> dict[str, Any]:
        by, count = data
        for number in range(count):
            await groups.broadcast(self.group, Said(by=by, number=number))
        return {"done": by}

    async def on_gap(self, websocket: WebSocket, gap: Gap) -> None:
        await self.push({"lost": gap.lost})


talk = Talk.as_asgi()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the lifespan, and all connections."""
    if scope["type"] == "lifespan":
        await groups.lifespan(receive, send)
    else:
        await talk(scope, receive, send)
