"""What mypy and pyright must refuse of what frameworks resolve."""

from tests.typing.accepted_hosts import DB, Chat, Room
from wsendpoints import WebSocket
from wsendpoints.litestar import as_handler

__all__ = ["wrong"]


class Other(Chat):
    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return self.room  # refused: returned


def wrong() -> None:
    """Mount what can't be."""
    Chat.as_route(DB())  # refused: call
    as_handler(Room, DB())  # refused: call
    as_handler(cls=Room)  # refused: call
    as_handler(Room.as_asgi())  # refused: argument
    as_handler(Room.as_route())  # refused: argument
    as_handler(DB)  # refused: argument
