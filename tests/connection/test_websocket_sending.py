"""Sending: each kind of message, what can't be sent, calls out of turn, and many tasks at once."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel, Field

from tests.connection.websocket_calls import SENDING, Call, cancelled, soon, taken
from tests.fake_server import DISCONNECT, FakeServer, text
from wsendpoints import ConnectionState, InvalidStateError, WebSocket, WebSocketDisconnect
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

S = ConnectionState

Unchecked = Callable[[Any], Coroutine[Any, Any, object]]

SENDING_OR_ACCEPTING: dict[str, Call] = {**SENDING, "accept": WebSocket.accept}


class Model(BaseModel):
    """A message with an alias and a default."""

    kind: Literal["model"] = "model"
    text: str = Field(alias="Text")


@dataclass
class Plain:
    """A message."""

    number: int


@pytest.mark.parametrize("data", ["", "x", "caf\xe9 \U0001f600", "\0", "\ufeff"], ids=ascii)
async def test_send_text(data: str) -> None:
    """A str goes out as a text frame."""
    server = FakeServer()
    await (await server.accepted()).send_text(data)
    assert server.sent == [{"type": "websocket.send", "text": data}]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x", id="bytes"),
        pytest.param(b"", id="empty"),
        pytest.param(bytearray(b"x"), id="bytearray"),
        pytest.param(memoryview(b"xyz")[::2], id="memoryview"),
    ],
)
async def test_send_bytes(data: bytes | bytearray | memoryview) -> None:
    """Any bytes-like object goes out as bytes in a binary frame."""
    server = FakeServer()
    await (await server.accepted()).send_bytes(data)
    assert server.sent == [{"type": "websocket.send", "bytes": bytes(data)}]
    assert type(server.sent[0]["bytes"]) is bytes


@pytest.mark.parametrize("mode", ["text", "binary"])
@pytest.mark.parametrize(
    ("value", "json"),
    [
        pytest.param({"a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true]}', id="plain"),
        pytest.param("caf\xe9", '"caf\xe9"', id="text"),
        pytest.param(None, "null", id="none"),
        pytest.param(Model(Text="x"), '{"kind":"model","Text":"x"}', id="model"),
        pytest.param(Plain(1), '{"number":1}', id="dataclass"),
        pytest.param([Model(Text="x"), Plain(1)], '[{"kind":"model","Text":"x"},{"number":1}]'),
        pytest.param([float("nan"), float("-inf")], "[null,null]", id="not a number"),
    ],
)
async def test_send_json(value: object, json: str, mode: Literal["text", "binary"]) -> None:
    """Any mix of plain values, models and dataclasses goes out as JSON, in a frame of `mode`."""
    server = FakeServer()
    websocket = await server.accepted()
    await websocket.send_json(value, mode)
    frame = {"text": json} if mode == "text" else {"bytes": json.encode()}
    assert server.sent == [{"type": "websocket.send", **frame}]


CIRCULAR: list[Any] = []

CIRCULAR.append(CIRCULAR)

UNSENDABLE: dict[str, tuple[Unchecked, type[Exception]]] = {
    "text, surrogate": (lambda websocket: websocket.send_text("a\ud800"), ValueError),
    "text, bytes": (lambda websocket: websocket.send_text(b"x"), TypeError),
    "text, None": (lambda websocket: websocket.send_text(None), TypeError),
    "bytes, str": (lambda websocket: websocket.send_bytes("x"), TypeError),
    "bytes, list": (lambda websocket: websocket.send_bytes([1]), TypeError),
    "JSON, surrogate": (lambda websocket: websocket.send_json("a\ud800"), ValueError),
    "JSON, object": (lambda websocket: websocket.send_json(object()), ValueError),
    "JSON, bytes": (lambda websocket: websocket.send_json(b"\xff"), ValueError),
    "JSON, circular": (lambda websocket: websocket.send_json(CIRCULAR), ValueError),
    "JSON, mode": (lambda websocket: websocket.send_json(1, mode="bytes"), ValueError),
    "JSON, no mode": (lambda websocket: websocket.send_json(1, mode=None), ValueError),
}


@pytest.mark.parametrize(("call", "error"), UNSENDABLE.values(), ids=UNSENDABLE)
async def test_m22_what_cannot_be_sent(call: Unchecked, error: type[Exception]) -> None:
    """What can't be sent raises before the server sees it, and the connection stays open."""
    server = FakeServer()
    websocket = await server.accepted()
    with pytest.raises(error):
        await call(websocket)
    assert server.offers == []
    assert websocket.connection_state is S.OPEN


async def test_an_unknown_mode() -> None:
    """An unknown mode raises an error that names both modes, in sending and in receiving."""
    websocket = await FakeServer(text("1")).accepted()
    mode: Any = "bytes"
    for call in (websocket.send_json(1, mode), websocket.receive_json(mode)):
        with pytest.raises(ValueError, match="mode") as caught:
            await call
        assert str(caught.value) == "mode='bytes': use 'text' or 'binary'"
    assert await websocket.receive_json() == 1


@pytest.mark.parametrize(
    "failure", [OSError("gone"), RuntimeError("closed"), Exception("Disconnected")], ids=repr
)
async def test_f07_a_send_that_fails(failure: Exception) -> None:
    """Whatever exception the server's `send` raises, the peer has disconnected."""
    server = FakeServer()
    websocket = await server.accepted()
    server.failure = failure
    with pytest.raises(WebSocketDisconnect) as caught:
        await websocket.send_text("x")
    assert (caught.value.code, caught.value.reason) == (1006, "")
    assert caught.value.__cause__ is failure
    server.failure = None
    with pytest.raises(WebSocketDisconnect):
        await websocket.send_text("x")
    assert len(server.offers) == 1


async def test_only_a_close_may_follow_a_cancelled_send() -> None:
    """After a cancelled send the peer may have half a message, so only a close may follow."""
    server = FakeServer(text("x"))
    websocket = await server.accepted()
    server.gate = anyio.Event()
    await cancelled(lambda: websocket.send_text("half"))
    assert websocket.connection_state is S.BROKEN
    server.gate = None
    server.offers.clear()
    for call in SENDING.values():
        with pytest.raises(InvalidStateError, match="it can only be closed"):
            await call(websocket)
    with pytest.raises(WebSocketDisconnect):
        await websocket.receive_text()
    assert await taken(websocket.iter_text()) == []
    assert server.offers == []
    await websocket.close(1011)
    assert server.sent == [{"type": "websocket.close", "code": 1011, "reason": ""}]


async def test_f27_many_tasks_send_at_once() -> None:
    """Each message goes out whole, in the order of the calls."""
    server = FakeServer()
    websocket = await server.accepted()
    server.gate = anyio.Event()
    messages = [f"{number}" * 100 for number in range(20)]
    async with anyio.create_task_group() as tasks:
        for message in messages:
            await soon(tasks, partial(websocket.send_text, message))
        assert server.sent == []
        server.gate.set()
    assert [event["text"] for event in server.offers] == messages
    assert sorted(event["text"] for event in server.sent) == sorted(messages)


async def test_f27_each_task_keeps_its_order() -> None:
    """The messages of one task arrive in its order, while other tasks send too."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.accept()

        async def count(name: str) -> None:
            for number in range(10):
                await websocket.send_json([name, number])

        async with anyio.create_task_group() as tasks:
            for name in "abc":
                tasks.start_soon(count, name)
        await websocket.close()

    async with connect(app) as client:
        received = [await client.receive_json() for _ in range(30)]
        await client.expect_close(1000)
    for name in "abc":
        assert [number for sender, number in received if sender == name] == list(range(10))


@pytest.mark.parametrize("name", SENDING_OR_ACCEPTING)
async def test_f24_sending_after_our_close(name: str) -> None:
    """Sending after our own close is the caller's error, and the server does not see it."""
    server = FakeServer()
    websocket = await server.accepted()
    await websocket.close(4000)
    server.offers.clear()
    with pytest.raises(InvalidStateError, match="it was closed by this side"):
        await SENDING_OR_ACCEPTING[name](websocket)
    assert server.offers == []


@pytest.mark.parametrize("name", SENDING_OR_ACCEPTING)
async def test_f24_sending_after_the_disconnect(name: str) -> None:
    """Sending after the disconnect raises the peer's code, and the server does not see it."""
    server = FakeServer(DISCONNECT)
    websocket = await server.accepted()
    await websocket.receive()
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect) as caught:
            await SENDING_OR_ACCEPTING[name](websocket)
        assert (caught.value.code, caught.value.reason) == (4001, "bye")
        assert caught.value.__cause__ is None
    assert server.offers == []
