"""An endpoint that only connects: its test has it join what it wants."""

from contextlib import AsyncExitStack
from typing import ClassVar

from tests.waiting import all_tasks_blocked
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.testing import Client, connect

__all__ = ["Quiet", "client_of"]


class Quiet(WebSocketEndpoint):
    """Accepts."""

    encoding = "json"
    members: ClassVar[list["Quiet"]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.members.append(self)


async def client_of(kind: type[Quiet], stack: AsyncExitStack) -> tuple[Client, Quiet]:
    """Connect a client, and return its endpoint as well."""
    client = await stack.enter_async_context(connect(kind, timeout=60))
    await all_tasks_blocked()
    return client, kind.members[-1]
