"""An endpoint whose clients are in a group that they choose."""

from typing import Any

from wsendpoints import Limits, WebSocket
from wsendpoints.groups import Groups

from .journal import Recorded

__all__ = ["InAGroup"]

groups = Groups()


class InAGroup(Recorded):
    """Broadcasts what it is told, as often as it is told."""

    encoding = "json"
    limits = Limits(close_timeout=0.5)

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.group = websocket.query_params["group"]
        await groups.join(self, self.group)
        self.record("joined")

    async def on_receive(self, websocket: WebSocket, data: tuple[int, int]) -> Any:
        number, size = data
        for each in range(number):
            await groups.broadcast(self.group, [each, "x" * size])
        return "done"

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        if groups.members(self.group):
            self.record("others are there")
