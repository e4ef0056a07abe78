"""An endpoint whose clients choose between MessagePack and JSON."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel

from wsendpoints import WebSocket, WebSocketEndpoint, handles

__all__ = ["Chat", "app"]

ENCODINGS: Final[Mapping[str, Literal["json", "msgpack"]]] = {
    "chat.v1.msgpack": "msgpack",
    "chat.v1.json": "json",
}


class Note(BaseModel):
    """A message with what JSON has not."""

    type: Literal["note"] = "note"
    text: str
    data: bytes
    at: datetime


class Count(BaseModel):
    """A message that is answered by a stream."""

    type: Literal["count"] = "count"
    number: int


class Chat(WebSocketEndpoint):
    """Echoes notes, and counts."""

    encoding = "json"
    subprotocols = ENCODINGS

    @handles
    async def note(self, websocket: WebSocket, data: Note) -> Note:
        """Echo."""
        return data

    @handles
    async def count(self, websocket: WebSocket, data: Count) -> AsyncIterator[Count]:
        """Count."""
        for number in range(data.number):
            yield Count(number=number)


app = Chat.as_asgi()
