"""JSON by msgspec: chosen by name, the same frames, and where it differs."""

import sys
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from wsendpoints import (
    ClientMessageError,
    ConfigurationError,
    InvalidDataError,
    InvalidMessageError,
    MsgspecJSON,
    WebSocket,
    WebSocketEndpoint,
)
from wsendpoints.messages.codecs import codec_of
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.outbound import Outbound
from wsendpoints.testing import connect

CODEC = codec_of(MsgspecJSON(), "Chat: encoding")


class Say(BaseModel):
    """A model."""

    text: str = "x"


class Said(msgspec.Struct):
    """A Struct."""

    text: str = "x"


def read(frame: Any, annotation: Any = Any) -> Any:
    """Return the message in a frame, or what it is refused with."""
    inbound = Inbound(annotation, CODEC, "Chat")
    try:
        return (inbound.decode_text if isinstance(frame, str) else inbound.decode_binary)(frame)
    except inbound.refused as exc:
        return inbound.client_error(exc, frame)


@pytest.mark.parametrize("frame", ['{"text":"ä"}', '{"text":"ä"}'.encode()])
def test_json_comes_in_either_kind_of_frame(frame: str | bytes) -> None:
    """As with the encoding "json", whatever is declared."""
    assert read(frame) == {"text": "ä"}
    assert read(frame, Say) == Say(text="ä")
    assert read(frame, Said) == Said(text="ä")


def test_decoder_itself_reads_what_has_no_type() -> None:
    """There is nothing in between."""
    inbound = Inbound(Any, CODEC, "Chat")
    assert isinstance(getattr(inbound.decode_text, "__self__", None), msgspec.json.Decoder)


@pytest.mark.parametrize("message", [{"text": "x"}, Say(), Said()], ids=["dict", "model", "Struct"])
@pytest.mark.parametrize("is_declared", [True, False])
def test_json_is_sent_in_text_frames(message: Any, is_declared: bool) -> None:
    """Whatever it is made of, and within other values too."""
    outbound = Outbound([type(message)] if is_declared else [], CODEC, "Chat")
    assert outbound.encode(message) == {"type": "websocket.send", "text": '{"text":"x"}'}
    if not is_declared:
        assert outbound.encode([message])["text"] == '[{"text":"x"}]'


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("[", id="no JSON"),
        pytest.param("[NaN]", id="NaN"),
        pytest.param(b"\xff", id="no UTF-8"),
        pytest.param('"\ud800"', id="surrogate"),
        pytest.param('"\\ud800"', id="escaped surrogate"),
        pytest.param("1e999", id="number too large"),
        pytest.param("[" * 100_000, id="too deep"),
    ],
)
def test_frame_that_is_refused_closes_with_1007(frame: Any) -> None:
    """The client is told no more."""
    error = read(frame)
    assert isinstance(error, InvalidDataError)
    assert (str(error), error.close_code, error.frame) == ("not valid JSON", 1007, frame)


def test_model_that_is_refused_is_told_of_by_pydantic() -> None:
    """As with the encoding "json"."""
    error = read('{"text":5}', Say)
    assert isinstance(error, InvalidMessageError)
    assert [detail["type"] for detail in error.errors] == ["string_type"]
    assert isinstance(read("[", Say), InvalidDataError)


def test_error_message_is_json() -> None:
    """In a text frame."""
    assert CODEC.error_event({"type": "error"}) == {
        "type": "websocket.send",
        "text": '{"type":"error"}',
    }


def test_it_is_a_codec() -> None:
    """Its methods may be called by others, such as a test client."""
    codec = MsgspecJSON()
    assert codec.decode(codec.encode({"x": [1]})) == {"x": [1]}
    with pytest.raises(ValueError, match="truncated"):
        codec.decode("[")


def test_package_that_is_missing_is_an_error_of_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(ConfigurationError) as caught:
        codec_of(MsgspecJSON(), "Chat: encoding")
    assert str(caught.value) == (
        "Chat: encoding is MsgspecJSON, which needs the package msgspec, and that is not "
        "installed: install wsendpoints[msgspec]"
    )


class Echo(WebSocketEndpoint):
    """An endpoint without types."""

    encoding = MsgspecJSON()

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        """Echo."""
        return data

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Tell what it was."""
        await self.push({"error": str(error)})


@pytest.mark.anyio
async def test_endpoint_speaks_it() -> None:
    """From the frame to the reply."""
    async with connect(Echo.as_asgi(), encoding=MsgspecJSON()) as client:
        await client.send({"x": [1, None, 2.5]})
        assert await client.receive(Any) == {"x": [1, None, 2.5]}
        await client.send_text("[")
        assert await client.receive(Any) == {"error": "not valid JSON"}
