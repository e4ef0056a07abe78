"""The application with chanx: `uvicorn examples.comparison.with_chanx:app`."""

import asyncio
from collections import Counter
from contextlib import aclosing

from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.utils.scope import path_param, query_params
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from fast_channels.middleware import OriginValidator
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from examples.comparison.messages import Name, RoomName
from examples.comparison.messages_of_chanx import (
    Ask,
    Done,
    IdPayload,
    Joined,
    Left,
    NamePayload,
    NamesPayload,
    Present,
    Said,
    SaidPayload,
    Say,
    Stop,
    Stopped,
    Token,
    TokenPayload,
)
from examples.comparison.model import generate

__all__ = ["app"]

register_channel_layer("default", InMemoryChannelLayer())

checked_name: TypeAdapter[str] = TypeAdapter(Name)
checked_room: TypeAdapter[str] = TypeAdapter(RoomName)

# A channel layer does not know who is in a group. These are the users of this process.
users: dict[str, Counter[str]] = {}


class Chat(AsyncJsonWebsocketConsumer):
    channel_layer_alias = "default"
    user: str = ""
    room: str

    async def post_authentication(self) -> None:
        self.answers: dict[str, asyncio.Task[None]] = {}
        try:
            user = checked_name.validate_python(query_params(self.scope).get("name", [""])[0])
            self.room = checked_room.validate_python(path_param(self.scope, "room"))
        except ValidationError:
            # It has been accepted already.
            await self.close(1008)
            return
        self.user = user
        present = users.setdefault(self.room, Counter())
        present[user] += 1
        if present[user] == 1:
            await self.tell_room(Joined(payload=NamePayload(name=user)))
        await self.join_group(self.room)
        await self.send_message(Present(payload=NamesPayload(names=sorted(present))))

    async def tell_room(self, message: BaseMessage) -> None:
        await self.broadcast_message(message, [self.room])

    # Each message is handled in a task of its own, so what comes later may be handled earlier.

    @ws_handler(output_type=Said)
    async def say(self, message: Say) -> None:
        if self.user:
            said = SaidPayload(name=self.user, text=message.payload.text)
            await self.tell_room(Said(payload=said))

    @ws_handler(output_type=[Token, Done])
    async def ask(self, message: Ask) -> None:
        id = message.payload.id
        await self.cancel(id)
        if task := asyncio.current_task():
            self.answers[id] = task
        async with aclosing(generate(message.payload.question)) as tokens:
            async for text in tokens:
                await self.send_message(Token(payload=TokenPayload(id=id, text=text)))
        await self.send_message(Done(payload=IdPayload(id=id)))

    @ws_handler
    async def stop(self, message: Stop) -> Stopped:
        await self.cancel(message.payload.id)
        return Stopped(payload=message.payload)

    async def cancel(self, *ids: str) -> None:
        # Once they have ended, nothing of theirs is sent any more.
        found = [self.answers.pop(id) for id in ids if id in self.answers]
        for answer in found:
            answer.cancel()
        await asyncio.gather(*found, return_exceptions=True)

    async def disconnect(self, code: int) -> None:
        if not self.user:
            return
        await self.leave_group(self.room)
        await self.cancel(*self.answers)
        present = users[self.room]
        present[self.user] -= 1
        if not present[self.user]:
            del present[self.user]
            await self.tell_room(Left(payload=NamePayload(name=self.user)))
        if not present:
            users.pop(self.room, None)


app = Starlette(
    routes=[
        WebSocketRoute("/rooms/{room}", OriginValidator(Chat.as_asgi(), ["127.0.0.1", "localhost"]))
    ]
)
