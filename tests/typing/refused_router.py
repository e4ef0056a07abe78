"""What mypy and pyright must refuse of routers."""

from tests.typing.accepted_groups import Room, groups
from tests.typing.accepted_router import Plain, function
from wsendpoints import WebSocket, WebSocketRouter

__all__ = ["wrong"]


async def handler(websocket: WebSocket) -> None:
    """Be a function of a framework's."""


def wrong() -> None:
    """Make a router of what is none."""
    WebSocketRouter({"/": "Plain"})  # refused: item
    WebSocketRouter({"/": handler})  # refused: item
    WebSocketRouter({5: Plain})  # refused: item
    WebSocketRouter([("/", Plain)])  # refused: argument
    WebSocketRouter({"/": Plain}, groups=Room)  # refused: argument
    WebSocketRouter({"/": Plain}, lifespan=groups)  # refused: argument
    WebSocketRouter({"/": Plain}, lifespan=function)  # refused: argument
    WebSocketRouter({"/": Plain}, servers=["wss://example.com"])  # refused: argument
    WebSocketRouter({"/": Plain}, "Chat")  # refused: call
