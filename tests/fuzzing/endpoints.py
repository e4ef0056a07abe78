"""Endpoint classes that do what they declare, and some that do not."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import anyio
from pydantic import BaseModel, Field

from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract.asyncapi import asyncapi

__all__ = [
    "Counted",
    "Edge",
    "Endless",
    "Hanging",
    "Honest",
    "Lying",
    "Mute",
    "Say",
    "document_of",
]


class Say(BaseModel):
    type: Literal["say"]
    text: Annotated[str, Field(max_length=20)]
    number: int = 0


class Said(BaseModel):
    type: Literal["said"] = "said"
    text: str


class Other(BaseModel):
    type: Literal["other"] = "other"


class Honest(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said(text=data.text)


class Edge(WebSocketEndpoint):
    """Fails for one value."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said(text=f"{1 / data.number if data.number > 1 else 1 // (data.number + 1)}")


class Lying(WebSocketEndpoint):
    """Sends what it does not declare."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        if data.number == 255:
            await websocket.send_json({"type": "other"})
        return Said(text="")


class Hanging(WebSocketEndpoint):
    """Never answers some messages, though it says that it does."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        if not data.text:
            await anyio.sleep_forever()
        return Said(text=data.text)


class Mute(WebSocketEndpoint):
    """Hangs where nobody waits for an answer."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        await anyio.sleep_forever()


class Endless(WebSocketEndpoint):
    """Streams without an end."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
        while True:
            yield Said(text=data.text)
            await anyio.lowlevel.checkpoint()


class Counted(WebSocketEndpoint):
    """Closes with a code of its own."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> None:
        await websocket.close(4000)


def document_of(cls: Any, path: str = "/") -> dict[str, Any]:
    """Return the document of a class."""
    return asyncapi({path: cls}, title="Application", version="1.0.0")
