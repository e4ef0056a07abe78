"""Endpoints that take messages, and what they answer to a bad one."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from tests.faults.playing import MARKER, Echo, Noting, play
from tests.some_messages import Say
from wsendpoints import WebSocket, handles
from wsendpoints.testing import Client

__all__ = [
    "BytesEcho",
    "Chat",
    "JsonEcho",
    "Rename",
    "SayNumbers",
    "TextEcho",
    "check_open",
    "close_for",
    "error_for",
    "typed_and_not",
]


class SayNumbers(Say):
    """A message with numbers."""

    numbers: list[int] = Field(default=[])


class Rename(BaseModel):
    """A message that forbids extra fields."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["rename"] = "rename"
    name: str = ""


class TextEcho(Echo):
    """Takes text alone."""

    encoding = "text"


class BytesEcho(Echo):
    """Takes bytes alone."""

    encoding = "bytes"


class JsonEcho(Noting):
    """Takes any JSON."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return data


class Chat(Noting):
    """Takes two types of messages."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: SayNumbers) -> SayNumbers:
        """Repeat it."""
        return data

    @handles
    async def rename(self, websocket: WebSocket, data: Rename) -> Rename:
        """Repeat it."""
        return data


typed_and_not = pytest.mark.parametrize("endpoint", [JsonEcho, Chat], ids=["any", "models"])


async def close_for(
    endpoint: type[Noting], frame: str | bytes, code: int, *, level: str = "INFO"
) -> None:
    """Send a frame for which the connection is to be closed with a code."""
    async with play(endpoint, log=[level]) as client:
        await client.send(frame)
        await client.expect_close(code)
        await client.wait_for_app()
    assert endpoint.log == ["connect", "invalid", code]
    assert endpoint.sent_types() == ["accept", "close"]


async def check_open(client: Client) -> None:
    """Check that a `Chat` still answers."""
    await client.send_json({"type": "say", "text": "still there?"})
    assert (await client.receive(Say)).text == "still there?"


async def error_for(endpoint: type[Noting], frame: str | bytes) -> dict[str, Any]:
    """Send a frame that is answered with an error message, and return that."""
    async with play(endpoint, debug="the message is not one") as client:
        await client.send(frame)
        text = await client.receive_text()
        assert MARKER not in text
        assert len(text.encode()) <= 4096
        await client.send_json({"type": "say", "text": "still there?"})
        await client.receive()
        await client.close(1000)
    assert endpoint.log == ["connect", "invalid", 1000]
    assert len([line for line in endpoint.lines("DEBUG") if "the message is not one" in line]) == 1
    error: dict[str, Any] = from_json(text)
    assert (error["type"], error["code"]) == ("error", "invalid_message")
    assert all(set(detail) == {"loc", "type", "msg"} for detail in error["errors"])
    return error
