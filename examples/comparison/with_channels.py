"""The application with Django Channels: `uvicorn examples.comparison.with_channels:app`."""

# pyright: basic
# Neither Django nor Channels comes with types.

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs

import django  # type: ignore[import-untyped]  # Django has no types
from channels.generic.websocket import (  # type: ignore[import-untyped]  # Channels has no types
    AsyncWebsocketConsumer,
)
from channels.routing import ProtocolTypeRouter, URLRouter  # type: ignore[import-untyped]  # Channels has no types
from channels.security.websocket import (  # type: ignore[import-untyped]  # Channels has no types
    AllowedHostsOriginValidator,
)
from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.urls import re_path  # type: ignore[import-untyped]  # Django has no types
from pydantic import BaseModel, TypeAdapter, ValidationError

from examples.comparison.messages import (
    Ask,
    Done,
    Joined,
    Left,
    Name,
    Present,
    Said,
    Say,
    Stop,
    Stopped,
    Token,
    client_message,
)
from examples.comparison.model import generate

__all__ = ["app"]

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)
django.setup()

checked_name: TypeAdapter[str] = TypeAdapter(Name)

# A channel layer does not know who is in a group. These are the users of this process.
users: dict[str, Counter[str]] = {}


class Chat(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    name: str = ""

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode())
        try:
            name = checked_name.validate_python(query.get("name", [""])[0])
        except ValidationError:
            await self.close()
            return
        self.answers: dict[str, asyncio.Task[None]] = {}
        route = self.scope["url_route"]  # pyright: ignore[reportTypedDictNotRequiredAccess]  # it is routed
        self.room = f"room.{route['kwargs']['room']}"
        self.name = name
        await self.accept()
        present = users.setdefault(self.room, Counter())
        present[name] += 1
        if present[name] == 1:
            await self.broadcast(Joined(name=name))
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.send_message(Present(names=sorted(present)))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = client_message.validate_json(text_data or bytes_data or b"")
        except ValidationError as exc:
            errors = exc.json(include_url=False, include_context=False, include_input=False)
            await self.send(text_data=f'{{"type": "error", "errors": {errors}}}')
        else:
            await self.handle(message)

    async def handle(self, message: Say | Ask | Stop) -> None:
        match message:
            case Say():
                await self.broadcast(Said(name=self.name, text=message.text))
            case Ask():
                await self.cancel(message.id)
                answer = asyncio.create_task(self.answer(message))
                self.answers[message.id] = answer
            case Stop():
                await self.cancel(message.id)
                await self.send_message(Stopped(id=message.id))

    async def answer(self, message: Ask) -> None:
        async with aclosing(generate(message.question)) as tokens:
            async for text in tokens:
                await self.send_message(Token(id=message.id, text=text))
        await self.send_message(Done(id=message.id))

    async def cancel(self, *ids: str) -> None:
        # Once they have ended, nothing of theirs is sent any more.
        found = [self.answers.pop(id) for id in ids if id in self.answers]
        for answer in found:
            answer.cancel()
        await asyncio.gather(*found, return_exceptions=True)

    async def send_message(self, message: BaseModel) -> None:
        await self.send(text_data=message.model_dump_json())

    async def broadcast(self, message: BaseModel) -> None:
        event = {"type": "relay", "text": message.model_dump_json()}
        await self.channel_layer.group_send(self.room, event)

    async def relay(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def disconnect(self, code: int) -> None:
        # It is called for a client that was refused, too.
        if not self.name:
            return
        await self.channel_layer.group_discard(self.room, self.channel_name)
        await self.cancel(*self.answers)
        present = users[self.room]
        present[self.name] -= 1
        if not present[self.name]:
            del present[self.name]
            await self.broadcast(Left(name=self.name))
        if not present:
            users.pop(self.room, None)


routes = [re_path(r"^rooms/(?P<room>[a-z]{1,24})$", Chat.as_asgi())]
router = URLRouter(routes)  # pyright: ignore[reportArgumentType]  # as its documentation has it
app = ProtocolTypeRouter({"websocket": AllowedHostsOriginValidator(router)})
