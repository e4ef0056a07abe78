"""Messages of a test in frames, and back."""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, PydanticSchemaGenerationError

from tests.packing import pack, unpack
from wsendpoints import Codec, WebSocket, WebSocketEndpoint
from wsendpoints.testing import UnexpectedEventError, connect
from wsendpoints.testing.encodings import Encoding, Messages

MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


class Say(BaseModel):
    """A message."""

    model_config = ConfigDict(strict=True)

    text: str = Field(default="x", alias="Text")
    pair: tuple[int, ...] = (1, 2)
    data: bytes = b"y"
    at: datetime = MOMENT
    counts: dict[int, set[UUID]] = {1: {UUID(int=1)}}


class Said(msgspec.Struct, tag="said"):
    """A message of msgspec's."""

    data: bytes = b"y"
    at: datetime = MOMENT
    counts: dict[int, set[int]] | None = None


@dataclass
class Point:
    """A dataclass."""

    x: int = 1


class Reversed(Codec[str]):
    """JSON, reversed."""

    def decode(self, frame: str) -> Any:
        """Read it."""
        return json.loads(frame[::-1])

    def encode(self, value: Any) -> str:
        """Write it."""
        return json.dumps(value)[::-1]


ENCODINGS: list[Any] = ["json", "msgpack", Reversed()]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=["json", "msgpack", "codec"])
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(Say(), Say, id="model"),
        pytest.param(Said(counts={1: {2}}), Said, id="Struct"),
        pytest.param([Said()], list[Said], id="list of Structs"),
        pytest.param(Point(), Point, id="dataclass"),
        pytest.param({"x": (1, {2})}, dict[str, tuple[int, set[int]]], id="plain values"),
        pytest.param(5, Literal[5], id="number"),
        pytest.param({"x": None}, Any, id="anything"),
    ],
)
def test_message_comes_back(encoding: Encoding, message: Any, expected: Any) -> None:
    """Whatever it is made of."""
    messages = Messages(encoding)
    assert messages.message_of(messages.frame_of(message), expected) == message


def test_messagepack_has_bytes_and_moments() -> None:
    """They are what they are; keys are texts."""
    frame = Messages("msgpack").frame_of(Say())
    assert unpack(frame) == {
        "Text": "x",
        "pair": [1, 2],
        "data": b"y",
        "at": MOMENT,
        "counts": {"1": [str(UUID(int=1))]},
    }
    assert Messages("msgpack").message_of(pack({1: 2}), Any) == {1: 2}


@pytest.mark.parametrize(
    ("encoding", "frame", "expected", "error"),
    [
        pytest.param(
            "msgpack",
            pack({"x": "y"}),
            Point,
            "awaited Point, but a binary frame came: b'\\x81\\xa1x\\xa1y' (x: Input should be a "
            "valid integer, unable to parse string as an integer)",
            id="another message",
        ),
        pytest.param(
            "msgpack",
            b"\xc1",
            Point,
            "awaited Point, but a binary frame came: b'\\xc1' ()",
            id="no MessagePack",
        ),
        pytest.param(
            "msgpack",
            "x",
            Point,
            "awaited Point, but a text frame came: 'x' (MessagePack comes in binary frames)",
            id="text",
        ),
        pytest.param(
            "json",
            '{"type": "said", "data": 5}',
            Said,
            'awaited Said, but a text frame came: \'{"type": "said", "data": 5}\' (Expected '
            "`bytes`, got `int` - at `$.data`)",
            id="another Struct",
        ),
        pytest.param(
            "json",
            '{"x": "y"}',
            Point,
            'awaited Point, but a text frame came: \'{"x": "y"}\' (x: Input should be a valid '
            "integer, unable to parse string as an integer)",
            id="another JSON",
        ),
    ],
)
def test_something_else(encoding: Encoding, frame: Any, expected: Any, error: str) -> None:
    """The error tells both, and why."""
    with pytest.raises(UnexpectedEventError) as caught:
        Messages(encoding).message_of(frame, expected)
    assert str(caught.value) == error


def test_type_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is pydantic's error, unless it may be msgspec's."""
    monkeypatch.delitem(sys.modules, "msgspec")
    with pytest.raises(PydanticSchemaGenerationError):
        Messages("json").message_of("1", Said)


class Echo(WebSocketEndpoint):
    """An endpoint with MessagePack."""

    encoding = "msgpack"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Say:
        """Echo."""
        return data


@pytest.mark.anyio
async def test_client_sends_and_receives_in_its_encoding() -> None:
    """What `connect` was told; texts and bytes are frames as before."""
    async with connect(Echo.as_asgi(), encoding="msgpack") as client:
        await client.send(Say(Text="hello"))
        assert await client.receive(Say) == Say(Text="hello")
        await client.send(pack({}))
        assert isinstance(await client.receive(bytes), bytes)
        await client.send("{}")
        await client.expect_close(1003)
