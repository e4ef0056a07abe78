"""Accepting a connection: its event, headers and subprotocol, and clients that disconnected."""

from types import MappingProxyType
from typing import Any

import pytest

from tests.connection.websocket_calls import Call
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, binary, text
from wsendpoints import (
    ConnectionState,
    InvalidStateError,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.connection.websocket import tell_subprotocol
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio

S = ConnectionState


async def test_accept_awaits_the_client() -> None:
    """`accept` receives the connect event itself, if that is still pending."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    await websocket.accept()
    assert server.sent == [{"type": "websocket.accept", "subprotocol": None, "headers": []}]
    assert websocket.connection_state is S.OPEN
    assert server.receives == 1


async def test_accept_after_the_connect_event_was_received() -> None:
    """An application may receive the connect event itself, and then accept."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    assert await websocket.receive() == CONNECT
    await websocket.accept()
    assert server.receives == 1
    assert websocket.connection_state is S.OPEN


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-A": "caf\xe9"}, id="mapping of str"),
        pytest.param({b"X-A": b"caf\xe9"}, id="mapping of bytes"),
        pytest.param(MappingProxyType({"X-A": "caf\xe9"}), id="another mapping"),
        pytest.param([("X-A", "caf\xe9")], id="pairs of str"),
        pytest.param([(b"X-A", b"caf\xe9")], id="pairs of bytes"),
        pytest.param([("X-A", " caf\xe9\t")], id="with space around"),
    ],
)
async def test_h04_headers_in_any_form(headers: Any) -> None:
    """Headers go out as pairs of bytes, with their names in lower case."""
    server = FakeServer(CONNECT)
    await server.websocket().accept(headers=headers)
    assert server.sent[0]["headers"] == [(b"x-a", b"caf\xe9")]


async def test_h04_headers_that_can_be_read_once() -> None:
    """Headers may come from an iterator, which is read once."""
    server = FakeServer(CONNECT)
    await server.websocket().accept(headers=iter([("X-A", "b"), ("X-A", "c")]))
    assert server.sent[0]["headers"] == [(b"x-a", b"b"), (b"x-a", b"c")]


@pytest.mark.parametrize(
    "header",
    [
        ("x-a", "a\r\nb: c"),
        ("x-a", "a\nb"),
        ("x-a", "a\0b"),
        ("x-a", "\u20ac"),
        ("x-a\r\n", "a"),
        ("x a", "a"),
        ("", "a"),
        ("Sec-WebSocket-Protocol", "v1"),
        ("sec-websocket-accept", "x"),
        ("sec-websocket-extensions", "x"),
        ("connection", "close"),
        ("upgrade", "h2c"),
        ("transfer-encoding", "chunked"),
    ],
    ids=repr,
)
async def test_h04_a_header_that_cannot_be_sent(header: tuple[str, str]) -> None:
    """A bad header raises before the server is touched, and the handshake can still be accepted."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    with pytest.raises(ValueError, match="header"):
        await websocket.accept(headers=[header])
    assert (server.offers, server.receives) == ([], 0)
    await websocket.accept()


async def test_h04_a_header_of_another_type() -> None:
    """The value of a header is a str or bytes, not a number."""
    headers: Any = {"x-a": 5}
    with pytest.raises(TypeError, match="a header is made of str or bytes, not int"):
        await FakeServer(CONNECT).websocket().accept(headers=headers)


@pytest.mark.parametrize("chosen", ["v1", "v2"])
async def test_accept_chooses_a_subprotocol(chosen: str) -> None:
    """The subprotocol is sent, and `subprotocol` tells it from then on."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(subprotocols=["v1", "v2"])
    await websocket.accept(chosen)
    assert server.sent[0]["subprotocol"] == chosen
    assert websocket.subprotocol == chosen


BAD_SUBPROTOCOLS: list[Any] = ["v3", "V1", "", " ", "v1\r\n", "caf\xe9", "v1, v2", 1, b"v1"]


@pytest.mark.parametrize("offered", [["v1", "v2"], [], None], ids=repr)
@pytest.mark.parametrize("chosen", BAD_SUBPROTOCOLS)
async def test_h01_h02_a_subprotocol_that_was_not_offered(chosen: Any, offered: object) -> None:
    """It raises before the server is touched, and the handshake can still be accepted."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(subprotocols=offered)
    with pytest.raises(ValueError, match="can't be chosen: the client offers"):
        await websocket.accept(chosen)
    assert (server.offers, server.receives) == ([], 0)
    assert websocket.subprotocol is None
    await websocket.accept()


async def test_an_accept_that_fails_chooses_nothing() -> None:
    """When the accept fails, no subprotocol is in use."""
    server = FakeServer(CONNECT)
    server.failure = OSError()
    websocket = server.websocket(subprotocols=["v1"])
    with pytest.raises(WebSocketDisconnect):
        await websocket.accept("v1")
    assert websocket.subprotocol is None


@pytest.mark.parametrize("failure", [OSError("gone"), RuntimeError("no handshake")], ids=repr)
async def test_f05_accept_once_the_client_disconnected(failure: Exception) -> None:
    """When the server's `send` fails for the accept, the client has disconnected."""
    server = FakeServer(CONNECT)
    server.failure = failure
    websocket = server.websocket()
    with pytest.raises(WebSocketDisconnect) as caught:
        await websocket.accept()
    assert caught.value.code == 1006
    assert caught.value.__cause__ is failure
    assert websocket.connection_state is S.DISCONNECTED


async def test_f05_the_disconnect_comes_in_place_of_the_connect() -> None:
    """A client that disconnects before the handshake begins can't be accepted."""
    server = FakeServer(DISCONNECT)
    websocket = server.websocket()
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect) as caught:
            await websocket.accept()
        assert (caught.value.code, caught.value.reason) == (4001, "bye")
    assert server.offers == []
    assert server.receives == 1


@pytest.mark.parametrize(
    "event",
    [text("x"), binary(b"x"), {"type": "websocket.foo"}, {"type": "http.request"}, {}],
    ids=repr,
)
@pytest.mark.parametrize("call", [WebSocket.accept, WebSocket.close, WebSocket.receive])
async def test_h17_the_first_event_is_the_connect(call: Call, event: Event) -> None:
    """A server that begins with another event breaks the specification."""
    server = FakeServer(event)
    with pytest.raises(ServerProtocolError) as caught:
        await call(server.websocket())
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == (
        f"the server sent {event.get('type')!r} while the connection is connecting; "
        "expected 'websocket.connect' or 'websocket.disconnect'"
    )
    assert server.offers == []


async def test_f30_accept_twice() -> None:
    """The second accept raises, and the server does not see it."""
    server = FakeServer()
    websocket = await server.accepted(subprotocols=["v1"])
    with pytest.raises(InvalidStateError) as caught:
        await websocket.accept("v1")
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == (
        "'websocket.accept' can't be sent while the connection is open: "
        "it is accepted already: send messages, or close it"
    )
    assert (server.offers, server.receives) == ([], 0)
    assert websocket.subprotocol is None
    await websocket.send_text("x")


async def test_subprotocol_is_told_before_the_accept_is_sent() -> None:
    """Once, unless the accept fails: then it is taken back."""
    told: list[Any] = []
    server = FakeServer(CONNECT)
    websocket = server.websocket(subprotocols=["v1"])
    tell_subprotocol(websocket, lambda name: told.append((name, [*server.sent])))
    await websocket.accept("v1")
    assert told == [("v1", [])]
    with pytest.raises(InvalidStateError):
        await websocket.accept("v1")
    assert [name for name, _ in told] == ["v1", "v1", "v1"]
    assert websocket.subprotocol == "v1"


async def test_subprotocol_of_an_accept_that_failed_is_taken_back() -> None:
    """Nothing was chosen then."""
    told: list[str | None] = []
    server = FakeServer(CONNECT)
    websocket = server.websocket(subprotocols=["v1"])
    tell_subprotocol(websocket, told.append)
    server.failure = OSError()
    with pytest.raises(WebSocketDisconnect):
        await websocket.accept("v1")
    assert (told, websocket.subprotocol) == (["v1", None], None)


async def test_accept_without_a_subprotocol_tells_nothing() -> None:
    """There is nothing to choose."""
    told: list[Any] = []
    websocket = FakeServer(CONNECT).websocket()
    tell_subprotocol(websocket, told.append)
    await websocket.accept()
    assert told == []
