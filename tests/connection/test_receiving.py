"""Receiving: each kind of message, bad ones, iteration, and calls that are cancelled."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Literal

import anyio
import pytest

from tests.connection.websocket_calls import RECEIVING, Call, cancelled, soon, taken
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, binary, text
from wsendpoints import (
    ConnectionState,
    InvalidDataError,
    InvalidStateError,
    ServerProtocolError,
    UnsupportedDataError,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio

S = ConnectionState


@pytest.mark.parametrize("data", ["", "x", "caf\xe9"])
@pytest.mark.parametrize("rest", [{}, {"bytes": None}], ids=["one key", "both"])
async def test_m02_receive_text(data: str, rest: Event) -> None:
    """A text frame is received as its str, also where the server sends both keys."""
    websocket = await FakeServer({**text(data), **rest}).accepted()
    assert await websocket.receive_text() == data


@pytest.mark.parametrize("data", [b"", b"x", b"\xff"])
@pytest.mark.parametrize("rest", [{}, {"text": None}], ids=["one key", "both"])
async def test_m02_receive_bytes(data: bytes, rest: Event) -> None:
    """A binary frame is received as its bytes, also where the server sends both keys."""
    websocket = await FakeServer({**binary(data), **rest}).accepted()
    assert await websocket.receive_bytes() == data


@pytest.mark.parametrize(
    ("json", "value"),
    [
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ('"caf\xe9"', "caf\xe9"),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (" 1 ", 1),
    ],
)
async def test_receive_json(json: str, value: object) -> None:
    """JSON is received from either kind of frame; of duplicate keys the last one counts."""
    websocket = await FakeServer(text(json), binary(json.encode())).accepted()
    assert await websocket.receive_json() == value
    assert await websocket.receive_json("binary") == value


NO_TEXT = "expected a text message, not a binary one"

NO_BYTES = "expected a binary message, not a text one"

WRONG_KIND: dict[str, tuple[Call, Event, str]] = {
    "text": (WebSocket.receive_text, binary(b"x"), NO_TEXT),
    "bytes": (WebSocket.receive_bytes, text("x"), NO_BYTES),
    "JSON in text": (WebSocket.receive_json, binary(b"1"), NO_TEXT),
    "JSON in bytes": (lambda websocket: websocket.receive_json("binary"), text("1"), NO_BYTES),
}


@pytest.mark.parametrize(("call", "event", "message"), WRONG_KIND.values(), ids=WRONG_KIND)
@pytest.mark.parametrize("both_keys", [False, True])
async def test_m01_a_frame_of_the_wrong_kind(
    call: Call, event: Event, message: str, both_keys: bool
) -> None:
    """A frame of the wrong kind is the client's error, and the next message can be received."""
    event = {"text": None, "bytes": None, **event} if both_keys else event
    websocket = await FakeServer(event, text("next")).accepted()
    with pytest.raises(UnsupportedDataError) as caught:
        await call(websocket)
    assert str(caught.value) == message
    assert caught.value.close_code == 1003
    assert isinstance(caught.value, ValueError)
    assert await websocket.receive_text() == "next"


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[1] 2",
        "// 1",
        "{'a': 1}",
        "\ufeff1",
        "1\0",
        "NaN",
        "Infinity",
        "-Infinity",
        "[" * 10_000,
        "[" * 100_000,
        "1" * 4301,
        '"\\ud800"',
        "\ud800",
        b"",
        b"\xff",
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80\xed\xb0\x80"',
        "1".encode("utf-16"),
        b"\xef\xbb\xbf1",
    ],
)
async def test_m04_to_m12_garbage_for_json(frame: str | bytes) -> None:
    """What is not JSON is the client's error, which repeats nothing of the client's input."""
    mode: Literal["text", "binary"] = "text" if isinstance(frame, str) else "binary"
    event = text(frame) if isinstance(frame, str) else binary(frame)
    websocket = await FakeServer(event, text("next")).accepted()
    with pytest.raises(InvalidDataError) as caught:
        await websocket.receive_json(mode)
    assert str(caught.value) == "not valid JSON"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert caught.value.close_code == 1007
    assert await websocket.receive_text() == "next"


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param({}, id="neither"),
        pytest.param({"text": None, "bytes": None}, id="both None"),
        pytest.param({"text": "x", "bytes": b"x"}, id="both"),
        pytest.param({"text": "", "bytes": b""}, id="both empty"),
        pytest.param({"text": b"x"}, id="text of bytes"),
        pytest.param({"bytes": "x"}, id="bytes of str"),
        pytest.param({"bytes": bytearray(b"x")}, id="bytearray"),
        pytest.param({"text": 1}, id="text of int"),
    ],
)
@pytest.mark.parametrize("name", RECEIVING)
async def test_m03_a_frame_that_the_server_got_wrong(name: str, frame: Event) -> None:
    """A receive event without exactly one frame is the server's error."""
    websocket = await FakeServer({"type": "websocket.receive", **frame}).accepted()
    with pytest.raises(ServerProtocolError) as caught:
        await RECEIVING[name](websocket)
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value).startswith("the server sent a 'websocket.receive' event with 'text'")


@pytest.mark.parametrize("event", [CONNECT, {"type": "websocket.foo"}, {"type": None}], ids=repr)
@pytest.mark.parametrize("name", RECEIVING)
async def test_h18_an_event_that_may_not_come(name: str, event: Event) -> None:
    """An event that may not come on an open connection is the server's error."""
    websocket = await FakeServer(event).accepted()
    with pytest.raises(ServerProtocolError, match="while the connection is open"):
        await RECEIVING[name](websocket)


@pytest.mark.parametrize(
    ("name", "events", "messages"),
    [
        ("iter_text", [text("a"), text("")], ["a", ""]),
        ("iter_bytes", [binary(b"a"), binary(b"")], [b"a", b""]),
        ("iter_json", [text("[1]"), text("null")], [[1], None]),
    ],
)
async def test_an_iteration_ends_with_the_connection(
    name: str, events: list[Event], messages: list[object]
) -> None:
    """An iteration yields each message in order, and ends at the disconnect."""
    websocket = await FakeServer(*events, DISCONNECT).accepted()
    assert await RECEIVING[name](websocket) == messages
    assert websocket.connection_state is S.DISCONNECTED


async def test_an_iteration_over_json_in_binary_frames() -> None:
    """`iter_json` takes the kind of frame as an argument, as `receive_json` does."""
    websocket = await FakeServer(binary(b"1"), binary(b"2"), DISCONNECT).accepted()
    assert await taken(websocket.iter_json("binary")) == [1, 2]


@pytest.mark.parametrize("name", ["iter_text", "iter_bytes", "iter_json"])
async def test_an_iteration_ends_with_our_own_close(name: str) -> None:
    """Closing the connection within the loop ends the loop."""
    event = binary(b"1") if name == "iter_bytes" else text("1")
    server = FakeServer(event, event)
    websocket = await server.accepted()
    count = 0
    messages: AsyncIterator[Any] = getattr(websocket, name)()
    async for _ in messages:
        count += 1
        await websocket.close()
    assert count == 1
    assert server.receives == 1


async def test_an_iteration_does_not_hide_a_mistake_of_the_clients() -> None:
    """A frame of the wrong kind raises in a loop as it does without one."""
    websocket = await FakeServer(text("a"), binary(b"b")).accepted()
    with pytest.raises(UnsupportedDataError):
        await taken(websocket.iter_text())


async def test_f28_a_second_receiver() -> None:
    """A second receiver is refused, and the first one gets the message."""
    server = FakeServer()
    websocket = await server.accepted()
    received: list[str] = []

    async def receive() -> None:
        received.append(await websocket.receive_text())

    async with anyio.create_task_group() as tasks:
        await soon(tasks, receive)
        for name in RECEIVING:
            with pytest.raises(InvalidStateError, match="another task is receiving"):
                await RECEIVING[name](websocket)
        server.deliver(text("x"))
    assert received == ["x"]


async def test_f29_a_cancelled_receive() -> None:
    """A cancelled receive loses no message: the next call gets it."""
    server = FakeServer()
    websocket = await server.accepted()
    for name in ("receive_text", "receive_bytes", "receive_json", "iter_text"):
        await cancelled(partial(RECEIVING[name], websocket))
    server.deliver(text("x"))
    assert await websocket.receive_text() == "x"


async def test_a_receive_that_waits_when_we_close() -> None:
    """A pending receive raises our own close code, once the server confirms the end."""
    server = FakeServer()
    websocket = await server.accepted()
    raised: list[WebSocketDisconnect] = []

    async def receive() -> None:
        with pytest.raises(WebSocketDisconnect) as caught:
            await websocket.receive_text()
        raised.append(caught.value)

    async with anyio.create_task_group() as tasks:
        await soon(tasks, receive)
        await websocket.close(4000, "done")
        server.deliver({"type": "websocket.disconnect", "code": 1006})
    assert raised[0].args == (4000, "done")


@pytest.mark.parametrize("name", RECEIVING)
async def test_receiving_after_our_close(name: str) -> None:
    """After our close, receiving raises our code without asking the server; an iteration ends."""
    server = FakeServer(text("x"))
    websocket = await server.accepted()
    await websocket.close(4000, "done")
    if name.startswith("iter"):
        assert await RECEIVING[name](websocket) == []
    else:
        with pytest.raises(WebSocketDisconnect) as caught:
            await RECEIVING[name](websocket)
        assert (caught.value.code, caught.value.reason) == (4000, "done")
    assert server.receives == 0


@pytest.mark.parametrize("name", RECEIVING)
async def test_receiving_after_the_disconnect(name: str) -> None:
    """After the disconnect, each receive raises the peer's code; the server is asked once."""
    server = FakeServer(DISCONNECT)
    websocket = await server.accepted()
    for _ in range(2):
        if name.startswith("iter"):
            assert await RECEIVING[name](websocket) == []
        else:
            with pytest.raises(WebSocketDisconnect) as caught:
                await RECEIVING[name](websocket)
            assert (caught.value.code, caught.value.reason) == (4001, "bye")
    assert server.receives == 1


@pytest.mark.parametrize("name", RECEIVING)
async def test_f30_a_message_before_the_accept(name: str) -> None:
    """Before the accept no message can be received, and the error says when one can."""
    server = FakeServer(CONNECT)
    with pytest.raises(InvalidStateError) as caught:
        await RECEIVING[name](server.websocket())
    assert str(caught.value) == "messages can be received once the connection is accepted"
    assert server.receives == 0


async def test_a_message_after_our_own_close() -> None:
    """A connection that this side closed is over for what receives, too."""
    websocket = await FakeServer(text("x")).accepted()
    await websocket.close(4000, "enough")
    with pytest.raises(WebSocketDisconnect) as caught:
        await websocket.receive_text()
    assert (caught.value.code, caught.value.reason) == (4000, "enough")


async def test_json_comes_in_one_of_two_kinds_of_frames() -> None:
    """Another mode is refused before anything is received."""
    server = FakeServer(text("1"))
    websocket = await server.accepted()
    mode: Any = "bytes"
    with pytest.raises(ValueError, match="mode") as caught:
        await websocket.receive_json(mode)
    assert str(caught.value) == "mode='bytes': use 'text' or 'binary'"
    assert await websocket.receive_json() == 1


async def test_raw_events_come_as_they_are() -> None:
    """`receive` returns the event that the server delivered."""
    event = text("x")
    websocket = await FakeServer(event).accepted()
    assert await websocket.receive() is event
