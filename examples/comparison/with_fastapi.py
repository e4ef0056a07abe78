"""The application with FastAPI alone: `uvicorn examples.comparison.with_fastapi:app`."""

import asyncio
from contextlib import aclosing
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Query, WebSocket, WebSocketDisconnect, WebSocketException
from pydantic import BaseModel, ValidationError

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
    client_message,
)
from examples.comparison.model import generate

__all__ = ["app"]

app = FastAPI()
rooms: dict[str, set["Member"]] = {}


class Member:
    """One connection in a room."""

    def __init__(self, websocket: WebSocket, room: str, name: str) -> None:
        self.websocket = websocket
        self.room = room
        self.name = name
        self.answers: dict[str, asyncio.Task[None]] = {}

    async def send(self, message: BaseModel) -> None:
        await self.websocket.send_text(message.model_dump_json())

    async def handle(self, message: Say | Ask | Stop) -> None:
        match message:
            case Say():
                await broadcast(self.room, Said(name=self.name, text=message.text))
            case Ask():
                await self.cancel(message.id)
                answer = asyncio.create_task(self.answer(message))
                self.answers[message.id] = answer
            case Stop():
                await self.cancel(message.id)
                await self.send(Stopped(id=message.id))

    async def answer(self, message: Ask) -> None:
        async with aclosing(generate(message.question)) as tokens:
            async for text in tokens:
                await self.send(Token(id=message.id, text=text))
        await self.send(Done(id=message.id))

    async def cancel(self, *ids: str) -> None:
        # Once they have ended, nothing of theirs is sent any more.
        found = [self.answers.pop(id) for id in ids if id in self.answers]
        for answer in found:
            answer.cancel()
        await asyncio.gather(*found, return_exceptions=True)


def names_in(room: str) -> list[str]:
    return sorted({member.name for member in rooms.get(room, ())})


async def broadcast(room: str, message: BaseModel) -> None:
    # One that has just left is no error; one that does not read holds up all who wait here.
    members = [*rooms.get(room, ())]
    await asyncio.gather(*(it.send(message) for it in members), return_exceptions=True)


def check_origin(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != websocket.headers.get("host"):
        raise WebSocketException(1008)


@app.websocket("/rooms/{room}", dependencies=[Depends(check_origin)])
async def chat(websocket: WebSocket, room: RoomName, name: Annotated[Name, Query()]) -> None:
    await websocket.accept()
    member = Member(websocket, room, name)
    try:
        if name not in names_in(room):
            await broadcast(room, Joined(name=name))
        rooms.setdefault(room, set()).add(member)
        await member.send(Present(names=names_in(room)))
        while True:
            event = await websocket.receive()
            if event["type"] == "websocket.disconnect":
                break
            frame = event.get("text") or event.get("bytes") or b""
            try:
                message = client_message.validate_json(frame)
            except ValidationError as exc:
                errors = exc.errors(include_url=False, include_context=False, include_input=False)
                await websocket.send_json({"type": "error", "errors": errors})
            else:
                await member.handle(message)
    except WebSocketDisconnect:
        pass
    finally:
        members = rooms[room]
        members.discard(member)
        if not members:
            del rooms[room]
        await member.cancel(*member.answers)
        if name not in names_in(room):
            await broadcast(room, Left(name=name))
