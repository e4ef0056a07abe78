"""What the application sends: M22 and M23."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.message_endpoints import BytesEcho, TextEcho
from tests.faults.playing import MARKER, Echo, Noting, play
from tests.some_messages import Say
from wsendpoints import ConfigurationError, WebSocket
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

anyio_test = pytest.mark.anyio

SURROGATE = "\ud800"


class Unprintable:
    """What can't be written as JSON."""


async def give(endpoint: Noting, how: str, value: Any) -> Any:
    """Send a value in one of several ways."""
    websocket = endpoint.websocket
    match how:
        case "reply":
            return value
        case "push":
            await endpoint.push(value)
        case "text":
            await websocket.send_text(value)
        case "bytes":
            await websocket.send_bytes(value)
        case "json":
            await websocket.send_json(value)
        case _:
            await websocket.send({"type": "websocket.send", **value})
    return None


@anyio_test
@pytest.mark.parametrize(
    ("how", "value", "error"),
    [
        pytest.param("reply", SURROGATE, ValueError, id="surrogate, reply"),
        pytest.param("reply", [SURROGATE], ValueError, id="surrogate, nested"),
        pytest.param(
            "reply", Say.model_construct(text=SURROGATE), ValueError, id="surrogate, model"
        ),
        pytest.param("push", SURROGATE, ValueError, id="surrogate, push"),
        pytest.param("text", SURROGATE, ValueError, id="surrogate, text"),
        pytest.param("json", SURROGATE, ValueError, id="surrogate, json"),
        pytest.param("event", {"text": SURROGATE}, ValueError, id="surrogate, event"),
        pytest.param("reply", Unprintable(), ValueError, id="object, reply"),
        pytest.param("reply", {"a": [Unprintable()]}, ValueError, id="object, nested"),
        pytest.param("push", Unprintable(), ValueError, id="object, push"),
        pytest.param("json", Unprintable(), ValueError, id="object, json"),
        pytest.param("text", b"x", TypeError, id="bytes, text"),
        pytest.param("text", 1, TypeError, id="int, text"),
        pytest.param("text", None, TypeError, id="None, text"),
        pytest.param("bytes", "x", TypeError, id="str, bytes"),
        pytest.param("bytes", 1, TypeError, id="int, bytes"),
        pytest.param("bytes", None, TypeError, id="None, bytes"),
        pytest.param("event", {"bytes": "x"}, TypeError, id="str, event"),
        pytest.param("event", {"text": b"x"}, TypeError, id="bytes, event"),
        pytest.param("event", {}, ValueError, id="no frame, event"),
        pytest.param("event", {"text": "x", "bytes": b"x"}, ValueError, id="two frames, event"),
    ],
)
async def test_m22_what_cannot_be_sent_never_reaches_the_server(
    how: str, value: Any, error: type[Exception]
) -> None:
    """It raises here: some servers would send an empty message, some end the connection."""

    class Sends(Noting):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            return await give(self, how, value)

    async with play(Sends, raises=error) as client:
        await client.send_json(MARKER)
        await client.expect_close(1011, "")
    assert Sends.sent_types() == ["accept", "close"]
    assert Sends.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize(
    ("base", "value"),
    [
        pytest.param(TextEcho, b"x", id="bytes for text"),
        pytest.param(TextEcho, bytearray(b"x"), id="bytearray for text"),
        pytest.param(TextEcho, SURROGATE, id="surrogate"),
        pytest.param(BytesEcho, "x", id="str for bytes"),
    ],
)
async def test_m22_reply_of_the_wrong_kind_never_reaches_the_server(
    base: type[Echo], value: Any
) -> None:
    """A reply that does not match the encoding raises, and is not sent."""

    class Sends(base):  # type: ignore[valid-type, misc]  # either
        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            return value

    endpoint: type[Noting] = Sends
    error = ValueError if value is SURROGATE else ConfigurationError
    async with play(endpoint, raises=error) as client:
        await client.send(b"x" if base is BytesEcho else "x")
        await client.expect_close(1011, "")
    assert endpoint.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("how", ["reply", "push", "bytes", "event"])
async def test_m22_what_is_like_bytes_is_sent_as_bytes(
    kind: Callable[[bytes], Any], how: str
) -> None:
    """A bytes-like object is sent as bytes, since servers take nothing else."""

    class Sends(BytesEcho):
        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            value = kind(data)
            return await give(self, how, {"bytes": value} if how == "event" else value)

    async with play(Sends) as client:
        await client.send_bytes(b"\x00\xff")
        assert await client.receive_bytes() == b"\x00\xff"
    assert type(Sends.sent[1]["bytes"]) is bytes


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame", "event"),
    [
        pytest.param(TextEcho, "", {"type": "websocket.send", "text": ""}, id="text"),
        pytest.param(BytesEcho, b"", {"type": "websocket.send", "bytes": b""}, id="bytes"),
    ],
)
async def test_m23_empty_message_is_given_to_the_server(
    endpoint: type[Echo], frame: str | bytes, event: Event
) -> None:
    """The server gets an empty message like any other; daphne drops it, as documented."""
    async with play(endpoint, server=Dialect()) as client:
        await client.send(frame)
        assert await client.receive() == frame
    assert endpoint.sent[1] == event
