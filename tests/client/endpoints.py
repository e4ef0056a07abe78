"""Endpoint classes that clients are of."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from wsendpoints import (
    Denied,
    ErrorReply,
    PositionLost,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.groups import Group, Groups, History

__all__ = ["Add", "Added", "Chat", "Confirm", "Confirmed", "News", "Said", "Say", "Stop", "app"]


class Say(BaseModel):
    """Something to tell."""

    type: Literal["say"] = "say"
    text: str = Field(max_length=100)


class Said(BaseModel):
    """What was told."""

    type: Literal["said"] = "said"
    text: str
    position: str | None = None


class Add(BaseModel):
    """A number, and one more, or as many as the client confirms."""

    type: Literal["add"] = "add"
    id: str | None = None
    number: int


class Added(BaseModel):
    """Their sum."""

    type: Literal["added"] = "added"
    id: str | None = None
    sum: int


class Confirm(BaseModel):
    """A question."""

    type: Literal["confirm"] = "confirm"
    id: str | None = None
    text: str


class Confirmed(BaseModel):
    """The answer."""

    type: Literal["confirmed"] = "confirmed"
    id: str | None = None
    number: int


class Stop(BaseModel):
    """Asks the server to close."""

    type: Literal["stop"] = "stop"
    code: int


class News(Group[Said]):
    """What all were told."""

    name = "news"
    history = History(messages=100, seconds=60)


groups = Groups()


class Chat(WebSocketEndpoint[Said | Added | Confirm]):
    """Tells what it is told."""

    encoding: ClassVar[Any] = "json"
    correlation_id = "id"
    answers = Confirmed
    groups: ClassVar[Any] = (News,)
    error_codes: ClassVar[Any] = {"negative": "The number is negative."}

    async def on_connect(self, websocket: WebSocket) -> None:
        """Take part in the news, from where the client was."""
        if websocket.query_params.get("token") == "old":
            raise Denied(401)
        await websocket.accept()
        try:
            await groups.join(self, News(), after=websocket.query_params.get("after"))
        except PositionLost:
            await groups.join(self, News())

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> None:
        """Tell everybody."""
        await groups.broadcast(News(), Said(text=data.text))

    @handles(concurrent=True)
    async def add(self, websocket: WebSocket, data: Add) -> Added:
        """Add what the client says."""
        if data.number < 0:
            raise ErrorReply("negative", "no", {"number": data.number})
        if data.number == 0:
            return Added(sum=1)
        answer = await self.ask(Confirm(text="how many?"), Confirmed, timeout=30)
        return Added(sum=data.number + answer.number)

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> None:
        """Close."""
        await websocket.close(data.code, "as asked")


app = Chat.as_asgi()
