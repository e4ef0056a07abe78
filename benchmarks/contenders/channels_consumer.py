"""Django Channels: its asynchronous consumers, without a channel layer and a database.

With a channel layer, it would wait for messages from there as well. With each message it closes
old database connections, in a thread, even where there is no database; no setting turns that off.
"""

from typing import Any

import django  # type: ignore[import-untyped]  # Django has no types
from channels.generic.websocket import (  # type: ignore[import-untyped]  # Channels has no types
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
)
from django.conf import settings  # type: ignore[import-untyped]  # Django has no types

from benchmarks.contenders import Contender
from benchmarks.messages import answer, inbound

__all__ = ["contender"]

settings.configure()  # pyright: ignore[reportUnknownMemberType]  # it has no types
django.setup()


class EchoText(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)


class EchoJSON(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # it has no types
    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json(content)


class AnswerTypes(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        reply = await answer(inbound.validate_json(text_data or ""))
        await self.send(text_data=reply.model_dump_json())


contender = Contender(
    name="Django Channels",
    text=EchoText.as_asgi(),
    json=EchoJSON.as_asgi(),
    types=AnswerTypes.as_asgi(),
    needs_asyncio=True,
)
