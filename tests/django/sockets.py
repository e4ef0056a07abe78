"""The router of the project, as `mysite/sockets.py` is in one."""

from typing import Any

from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.groups import Groups

__all__ = ["groups", "router", "routes"]

groups = Groups()


class Chat(WebSocketEndpoint):
    """Has its room from the path."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, websocket.path_params["room"])

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


routes: dict[str, Any] = {"/ws/{room}": Chat}

router = WebSocketRouter(
    routes, title="Rooms", groups=groups, asyncapi="/ws/asyncapi.json", docs="/ws/docs"
)
