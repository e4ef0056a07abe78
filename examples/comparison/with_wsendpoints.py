"""The application with this library: `uvicorn examples.comparison.with_wsendpoints:app`."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from pydantic import BaseModel

from examples.comparison.messages import (
    Ask,
    Done,
    Joined,
    Left,
    Name,
    Present,
    RoomName,
    Said,
    Say,
    Stop,
    Stopped,
    Token,
)
from examples.comparison.model import generate
from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter, handles
from wsendpoints.groups import Group, Groups

__all__ = ["app"]


class Room(Group[Joined | Left | Said]):
    name = "room:{}"

    def joined(self, user: str) -> Joined:
        return Joined(name=user)

    def left(self, user: str) -> Left:
        return Left(name=user)


class Params(BaseModel):
    room: RoomName
    name: Name


groups = Groups()


class Chat(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "id"
    sends = Present
    groups = (Room,)
    params: Params
    room: Room

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.room = Room(self.params.room)
        await groups.join(self, self.room, user=self.params.name)
        self.post(Present(names=[*await groups.presence(self.room)]))

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> None:
        await groups.broadcast(self.room, Said(name=self.params.name, text=data.text))

    @handles(concurrent=True, key="id")
    async def answer(self, websocket: WebSocket, data: Ask) -> AsyncIterator[Token | Done]:
        async with aclosing(generate(data.question)) as tokens:
            async for text in tokens:
                yield Token(text=text)
        yield Done()

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> Stopped:
        self.cancel(data.id)
        return Stopped()


app = WebSocketRouter({"/rooms/{room}": Chat}, groups=groups)
