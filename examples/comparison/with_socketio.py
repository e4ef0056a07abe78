"""The application with python-socketio: `uvicorn examples.comparison.with_socketio:app`.

Its clients have to speak Socket.IO. What is a `type` elsewhere is the name of an event here.
"""

# pyright: basic
# mypy: disable-error-code="untyped-decorator"
# It comes without types.

import asyncio
from contextlib import aclosing
from typing import Any, TypeVar

import socketio  # type: ignore[import-untyped]  # see above
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
)
from examples.comparison.model import generate

__all__ = ["app"]

# Handlers of one client one at a time, in order.
server = socketio.AsyncServer(async_mode="asgi", async_handlers=False)
app = socketio.ASGIApp(server)
members: dict[str, "Member"] = {}

M = TypeVar("M", bound=BaseModel)


class Login(BaseModel):
    room: RoomName
    name: Name


class Member:
    """One connection in a room."""

    def __init__(self, sid: str, login: Login) -> None:
        self.sid = sid
        self.room = login.room
        self.name = login.name
        self.answers: dict[str, asyncio.Task[None]] = {}

    async def answer(self, message: Ask) -> None:
        async with aclosing(generate(message.question)) as tokens:
            async for text in tokens:
                await emit(Token(id=message.id, text=text), self.sid)
        await emit(Done(id=message.id), self.sid)

    async def cancel(self, *ids: str) -> None:
        # Once they have ended, nothing of theirs is sent any more.
        found = [self.answers.pop(id) for id in ids if id in self.answers]
        for answer in found:
            answer.cancel()
        await asyncio.gather(*found, return_exceptions=True)


def names_in(room: str) -> list[str]:
    return sorted({it.name for it in members.values() if it.room == room})


async def emit(message: BaseModel, to: str) -> None:
    content = message.model_dump(mode="json")
    await server.emit(content.pop("type"), content, to=to)


async def validated(model: type[M], sid: str, data: Any) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False, include_input=False)
        await server.emit("error", {"errors": errors}, to=sid)
        return None


@server.event
async def connect(sid: str, environ: dict[str, Any], auth: Any) -> None:
    try:
        member = Member(sid, Login.model_validate(auth))
    except ValidationError:
        raise ConnectionRefusedError("a room and a name") from None
    if member.name not in names_in(member.room):
        await emit(Joined(name=member.name), member.room)
    members[sid] = member
    await server.enter_room(sid, member.room)
    await emit(Present(names=names_in(member.room)), sid)


@server.event
async def say(sid: str, data: Any) -> None:
    if message := await validated(Say, sid, data):
        member = members[sid]
        await emit(Said(name=member.name, text=message.text), member.room)


@server.event
async def ask(sid: str, data: Any) -> None:
    if message := await validated(Ask, sid, data):
        member = members[sid]
        await member.cancel(message.id)
        member.answers[message.id] = asyncio.create_task(member.answer(message))


@server.event
async def stop(sid: str, data: Any) -> None:
    if message := await validated(Stop, sid, data):
        await members[sid].cancel(message.id)
        await emit(Stopped(id=message.id), sid)


async def unknown(event: str, sid: str, data: Any) -> None:
    await server.emit("error", {"errors": [{"msg": f"unknown: {event}"[:100]}]}, to=sid)


server.on("*", unknown)


@server.event
async def disconnect(sid: str, reason: str) -> None:
    member = members.pop(sid, None)
    if member is None:
        return
    await member.cancel(*member.answers)
    if member.name not in names_in(member.room):
        await emit(Left(name=member.name), member.room)
