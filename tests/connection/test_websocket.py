"""A connection as the application sees it: what it tells, sends, receives, and refuses to do."""

import gc
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import anyio
import pytest
from anyio.abc import TaskGroup
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, binary, text
from wsendpoints import (
    Address,
    ConnectionState,
    DenialResponse,
    InvalidDataError,
    InvalidStateError,
    ServerProtocolError,
    UnsupportedDataError,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.connection.websocket import ASGIResponse, connection_of
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio

S = ConnectionState
Call = Callable[[WebSocket], Coroutine[Any, Any, object]]
Unchecked = Callable[[Any], Coroutine[Any, Any, object]]


def ids(values: list[Any]) -> list[str]:
    """Return a name for each value."""
    return [repr(value)[:40] for value in values]


async def soon(tasks: TaskGroup, call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Call in a task of its own, and return once it waits, or has ended."""
    tasks.start_soon(call)
    await anyio.wait_all_tasks_blocked()


async def cancelled(call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Call, and cancel the call once it waits."""
    async with anyio.create_task_group() as tasks:
        await soon(tasks, call)
        tasks.cancel_scope.cancel()


# What the scope tells.

FULL: Scope = {
    "type": "websocket",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "scheme": "wss",
    "path": "/chat/caf\xe9",
    "raw_path": b"/chat/caf%C3%A9",
    "query_string": b"search=a+b&tag=x&tag=y",
    "root_path": "",
    "headers": [
        (b"host", b"example.com:8443"),
        (b"sec-websocket-version", b"13"),
        (b"cookie", b"a=1; b=2; a=3"),
        (b"x-tag", b"one"),
        (b"x-tag", b"two"),
    ],
    "client": ["127.0.0.1", 50000],
    "server": ("127.0.0.1", 8443),
    "subprotocols": ["v2", "v1"],
    "extensions": {"websocket.http.response": {}},
    "path_params": {"room": "caf\xe9"},
    "state": {"pool": "the pool"},
}


def test_a_websocket_is_a_mapping_over_its_scope() -> None:
    """It can be used in the same way as the scope."""
    websocket = WebSocket(FULL)
    assert websocket["path"] == "/chat/caf\xe9"
    assert dict(websocket) == FULL
    assert list(websocket) == list(FULL)
    assert len(websocket) == len(FULL)
    assert "path" in websocket
    assert websocket.get("missing", 1) == 1
    assert websocket.scope is FULL
    with pytest.raises(KeyError, match="missing"):
        websocket["missing"]


def test_a_websocket_equals_itself_alone() -> None:
    """Two over one scope are still two, in sets and as keys too."""
    one, two = WebSocket(FULL), WebSocket(FULL)
    assert one.__eq__(one)
    assert one != two
    assert one != FULL
    assert len({one, two, one}) == 2
    assert {one: 1}.get(two) is None


def test_the_handshake_of_a_full_scope() -> None:
    """Each part is read from its key."""
    websocket = WebSocket(dict(FULL))
    assert websocket.url == "wss://example.com:8443/chat/caf%C3%A9?search=a+b&tag=x&tag=y"
    assert isinstance(websocket.url, str)
    assert (websocket.url.scheme, websocket.url.port) == ("wss", 8443)
    assert websocket.headers["Sec-WebSocket-Version"] == "13"
    assert websocket.headers.getlist("x-tag") == ["one", "two"]
    assert websocket.query_params["search"] == "a b"
    assert websocket.query_params.getlist("tag") == ["x", "y"]
    assert websocket.path_params == {"room": "caf\xe9"}
    assert websocket.cookies == {"a": "3", "b": "2"}
    assert websocket.client == ("127.0.0.1", 50000)
    assert websocket.client == Address(host="127.0.0.1", port=50000)
    assert websocket.subprotocols == ["v2", "v1"]
    assert websocket.state.pool == "the pool"
    assert websocket.can_respond
    assert websocket.subprotocol is None


def test_what_is_costly_to_read_is_read_once() -> None:
    """URL, headers and query are made when they are first asked for."""
    websocket = WebSocket(dict(FULL))
    assert websocket.url is websocket.url
    assert websocket.headers is websocket.headers
    assert websocket.query_params is websocket.query_params


OPTIONAL = [
    "asgi",
    "client",
    "extensions",
    "headers",
    "path",
    "path_params",
    "query_string",
    "root_path",
    "scheme",
    "server",
    "state",
    "subprotocols",
    "url_route",
]


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({}, id="missing"),
        pytest.param(dict.fromkeys(OPTIONAL), id="none"),
    ],
)
def test_h14_a_scope_without_anything_optional(scope: Scope) -> None:
    """Every accessor works, and what is not known is empty."""
    websocket = WebSocket({"type": "websocket", **scope})
    assert websocket.url == "/"
    assert list(websocket.headers) == []
    assert list(websocket.query_params) == []
    assert websocket.path_params == {}
    assert websocket.cookies == {}
    assert websocket.client is None
    assert websocket.subprotocols == []
    assert dict(websocket.state) == {}
    assert not websocket.can_respond
    assert websocket.subprotocol is None
    assert websocket.connection_state is S.CONNECTING


@pytest.mark.parametrize(
    ("client", "address"),
    [
        pytest.param(None, None, id="a Unix socket"),
        pytest.param(("::1", 5), ("::1", 5), id="IPv6"),
        pytest.param(("::1", 5, 0, 0), ("::1", 5), id="a socket's own"),
        pytest.param([], None, id="empty"),
        pytest.param("/run/app.sock", None, id="a path"),
    ],
)
def test_h14_the_client(client: object, address: tuple[str, int] | None) -> None:
    """The peer's address, as far as the server knows it."""
    websocket = WebSocket({"type": "websocket", "client": client})
    assert websocket.client == address


@pytest.mark.parametrize(
    ("scope", "params"),
    [
        pytest.param({"path_params": {"id": 1}}, {"id": 1}, id="Starlette"),
        pytest.param({"url_route": {"args": (), "kwargs": {"id": 1}}}, {"id": 1}, id="Channels"),
        pytest.param(
            {"path_params": {}, "url_route": {"kwargs": {"id": 1}}}, {"id": 1}, id="Channels in it"
        ),
        pytest.param({"path_params": {"id": 1}, "url_route": {}}, {"id": 1}, id="both"),
        pytest.param({"path_params": {}}, {}, id="none"),
        pytest.param({"url_route": {}}, {}, id="Channels, none"),
        pytest.param({"url_route": {"kwargs": None}}, {}, id="Channels, None"),
        pytest.param({}, {}, id="nowhere"),
    ],
)
def test_the_path_parameters(scope: Scope, params: dict[str, Any]) -> None:
    """They are found where the host's router puts them, and are the caller's own copy."""
    websocket = WebSocket({"type": "websocket", **scope})
    assert websocket.path_params == params
    websocket.path_params["other"] = 2
    assert websocket.path_params == params


@pytest.mark.parametrize("scope", [{}, {"state": None}, {"state": {}}], ids=repr)
def test_the_state_is_the_scopes(scope: Scope) -> None:
    """Items and attributes are one, and a second WebSocket over the scope shares them."""
    scope = {"type": "websocket", **scope}
    websocket, other = WebSocket(scope), WebSocket(scope)
    websocket.state.user = "ann"
    other.state["room"] = "lobby"
    assert websocket.state["user"] == other.state.user == "ann"
    assert websocket.state.room == "lobby"
    assert scope["state"] == {"user": "ann", "room": "lobby"}
    del websocket.state.user
    assert "user" not in other.state
    with pytest.raises(AttributeError):
        _ = websocket.state.user


def test_a_scope_of_another_type_is_refused() -> None:
    """A WebSocket is not made of an HTTP request."""
    with pytest.raises(ValueError, match="WebSocket") as caught:
        WebSocket({"type": "http"})
    assert str(caught.value) == "a WebSocket needs a scope of type 'websocket', not 'http'"


async def test_repr_shows_path_and_state() -> None:
    """A line of a log or a traceback tells which connection it is, with its text escaped."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(path="/a\n")
    assert repr(websocket) == r"<WebSocket '/a\n' connecting>"
    await websocket.accept()
    assert repr(websocket) == r"<WebSocket '/a\n' open>"
    await websocket.close()
    assert repr(websocket) == r"<WebSocket '/a\n' closed>"
    assert repr(WebSocket({"type": "websocket"})) == "<WebSocket '' connecting>"


# Accepting.


async def test_accept_awaits_the_client() -> None:
    """It receives the connect event itself, if nobody did before."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    await websocket.accept()
    assert server.sent == [{"type": "websocket.accept", "subprotocol": None, "headers": []}]
    assert websocket.connection_state is S.OPEN
    assert server.receives == 1


async def test_accept_after_the_connect_event_was_received() -> None:
    """Whoever receives it by hand can accept then."""
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
    """They go out as pairs of bytes, names in lower case."""
    server = FakeServer(CONNECT)
    await server.websocket().accept(headers=headers)
    assert server.sent[0]["headers"] == [(b"x-a", b"caf\xe9")]


async def test_h04_headers_that_can_be_read_once() -> None:
    """An iterator will do, too."""
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
    """It raises before the server is touched; accepting without it is still possible."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    with pytest.raises(ValueError, match="header"):
        await websocket.accept(headers=[header])
    assert (server.offers, server.receives) == ([], 0)
    await websocket.accept()


async def test_h04_a_header_of_another_type() -> None:
    """A number is no header's value."""
    headers: Any = {"x-a": 5}
    with pytest.raises(TypeError, match="a header is made of str or bytes, not int"):
        await FakeServer(CONNECT).websocket().accept(headers=headers)


@pytest.mark.parametrize("chosen", ["v1", "v2"])
async def test_accept_chooses_a_subprotocol(chosen: str) -> None:
    """It is sent, and known from then on."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(subprotocols=["v1", "v2"])
    await websocket.accept(chosen)
    assert server.sent[0]["subprotocol"] == chosen
    assert websocket.subprotocol == chosen


BAD_SUBPROTOCOLS: list[Any] = ["v3", "V1", "", " ", "v1\r\n", "caf\xe9", "v1, v2", 1, b"v1"]


@pytest.mark.parametrize("offered", [["v1", "v2"], [], None], ids=repr)
@pytest.mark.parametrize("chosen", BAD_SUBPROTOCOLS)
async def test_h01_h02_a_subprotocol_that_was_not_offered(chosen: Any, offered: object) -> None:
    """It raises before the server is touched; accepting without it is still possible."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(subprotocols=offered)
    with pytest.raises(ValueError, match="can't be chosen: the client offers"):
        await websocket.accept(chosen)
    assert (server.offers, server.receives) == ([], 0)
    assert websocket.subprotocol is None
    await websocket.accept()


async def test_an_accept_that_fails_chooses_nothing() -> None:
    """A subprotocol that never reached the client is not in use."""
    server = FakeServer(CONNECT)
    server.failure = OSError()
    websocket = server.websocket(subprotocols=["v1"])
    with pytest.raises(WebSocketDisconnect):
        await websocket.accept("v1")
    assert websocket.subprotocol is None


@pytest.mark.parametrize("failure", [OSError("gone"), RuntimeError("no handshake")], ids=repr)
async def test_f05_accept_once_the_client_left(failure: Exception) -> None:
    """A server that refuses the accept says so by that."""
    server = FakeServer(CONNECT)
    server.failure = failure
    websocket = server.websocket()
    with pytest.raises(WebSocketDisconnect) as caught:
        await websocket.accept()
    assert caught.value.code == 1006
    assert caught.value.__cause__ is failure
    assert websocket.connection_state is S.DISCONNECTED


async def test_f05_the_disconnect_comes_in_place_of_the_connect() -> None:
    """There is nobody to accept."""
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
    """A server that begins with anything else broke the specification."""
    server = FakeServer(event)
    with pytest.raises(ServerProtocolError) as caught:
        await call(server.websocket())
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == (
        f"the server sent {event.get('type')!r} while the connection is connecting; "
        "expected 'websocket.connect' or 'websocket.disconnect'"
    )
    assert server.offers == []


# Out of turn.

SENDING: dict[str, Call] = {
    "send_text": lambda websocket: websocket.send_text("x"),
    "send_bytes": lambda websocket: websocket.send_bytes(b"x"),
    "send_json": lambda websocket: websocket.send_json([]),
    "send": lambda websocket: websocket.send({"type": "websocket.send", "text": "x"}),
}
SENDING_OR_ACCEPTING: dict[str, Call] = {**SENDING, "accept": WebSocket.accept}
RECEIVING: dict[str, Call] = {
    "receive_text": WebSocket.receive_text,
    "receive_bytes": WebSocket.receive_bytes,
    "receive_json": WebSocket.receive_json,
    "iter_text": lambda websocket: taken(websocket.iter_text()),
    "iter_bytes": lambda websocket: taken(websocket.iter_bytes()),
    "iter_json": lambda websocket: taken(websocket.iter_json()),
}


async def taken(messages: AsyncIterator[Any]) -> list[Any]:
    """Return what an iterator yields."""
    return [message async for message in messages]


@pytest.mark.parametrize("is_asked", [False, True], ids=["connecting", "handshake"])
@pytest.mark.parametrize("name", [*SENDING, *RECEIVING])
async def test_f30_before_the_accept(name: str, is_asked: bool) -> None:
    """Messages are exchanged once it is accepted; before, the server is not touched."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    if is_asked:
        await websocket.receive()
    before = (websocket.connection_state, server.receives)
    with pytest.raises(InvalidStateError) as caught:
        await (SENDING | RECEIVING)[name](websocket)
    assert isinstance(caught.value, RuntimeError)
    assert server.offers == []
    assert (websocket.connection_state, server.receives) == before
    await websocket.accept()


async def test_f30_accept_twice() -> None:
    """The second one raises, and the server does not see it."""
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


@pytest.mark.parametrize("name", SENDING_OR_ACCEPTING)
async def test_f24_sending_after_our_close(name: str) -> None:
    """It is a mistake of the caller's, and the server does not see it."""
    server = FakeServer()
    websocket = await server.accepted()
    await websocket.close(4000)
    server.offers.clear()
    with pytest.raises(InvalidStateError, match="it was closed by this side"):
        await SENDING_OR_ACCEPTING[name](websocket)
    assert server.offers == []


@pytest.mark.parametrize("name", SENDING_OR_ACCEPTING)
async def test_f24_sending_after_the_disconnect(name: str) -> None:
    """It tells how the peer left, and the server does not see it."""
    server = FakeServer(DISCONNECT)
    websocket = await server.accepted()
    await websocket.receive()
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect) as caught:
            await SENDING_OR_ACCEPTING[name](websocket)
        assert (caught.value.code, caught.value.reason) == (4001, "bye")
        assert caught.value.__cause__ is None
    assert server.offers == []


@pytest.mark.parametrize("name", RECEIVING)
async def test_receiving_after_our_close(name: str) -> None:
    """It tells how we closed it, and the server is not asked; an iteration ends."""
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
    """It tells how the peer left, each time; the server is asked once. An iteration ends."""
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


# Sending.


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


@pytest.mark.parametrize("data", [b"x", b"", bytearray(b"x"), memoryview(b"xyz")[::2]], ids=repr)
async def test_send_bytes(data: bytes | bytearray | memoryview) -> None:
    """What is bytes-like goes out as bytes in a binary frame."""
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
    """It raises before the server sees it, and the connection is as good as before."""
    server = FakeServer()
    websocket = await server.accepted()
    with pytest.raises(error):
        await call(websocket)
    assert server.offers == []
    assert websocket.connection_state is S.OPEN


async def test_a_mode_that_there_is_not() -> None:
    """The error says which there are, for sending and receiving."""
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
    """Whatever the server raises: the peer left."""
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


async def test_a_cancelled_send_leaves_only_the_close() -> None:
    """The peer may have half a message: nothing but a close may follow."""
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
    """What one task sends arrives in its order, whatever the others do."""

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


# Receiving.


@pytest.mark.parametrize("data", ["", "x", "caf\xe9"])
@pytest.mark.parametrize("rest", [{}, {"bytes": None}], ids=["one key", "both"])
async def test_m02_receive_text(data: str, rest: Event) -> None:
    """A text frame is its str, also where the server sends both keys."""
    websocket = await FakeServer({**text(data), **rest}).accepted()
    assert await websocket.receive_text() == data


@pytest.mark.parametrize("data", [b"", b"x", b"\xff"])
@pytest.mark.parametrize("rest", [{}, {"text": None}], ids=["one key", "both"])
async def test_m02_receive_bytes(data: bytes, rest: Event) -> None:
    """A binary frame is its bytes, also where the server sends both keys."""
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
    """JSON is its value, of either kind of frame; of duplicate keys the last one wins."""
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
    """It is the client's mistake, and the next message can be received."""
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
    """It is the client's mistake, whatever is wrong with it, and tells nothing of it back."""
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
    """It is the server's mistake."""
    websocket = await FakeServer({"type": "websocket.receive", **frame}).accepted()
    with pytest.raises(ServerProtocolError) as caught:
        await RECEIVING[name](websocket)
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value).startswith("the server sent a 'websocket.receive' event with 'text'")


@pytest.mark.parametrize("event", [CONNECT, {"type": "websocket.foo"}, {"type": None}], ids=repr)
@pytest.mark.parametrize("name", RECEIVING)
async def test_h18_an_event_that_may_not_come(name: str, event: Event) -> None:
    """It is the server's mistake."""
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
    """It yields each message in order, and ends at the disconnect."""
    websocket = await FakeServer(*events, DISCONNECT).accepted()
    assert await RECEIVING[name](websocket) == messages
    assert websocket.connection_state is S.DISCONNECTED


async def test_an_iteration_over_json_in_binary_frames() -> None:
    """`iter_json` takes the kind of frame, as `receive_json` does."""
    websocket = await FakeServer(binary(b"1"), binary(b"2"), DISCONNECT).accepted()
    assert await taken(websocket.iter_json("binary")) == [1, 2]


@pytest.mark.parametrize("name", ["iter_text", "iter_bytes", "iter_json"])
async def test_an_iteration_ends_with_our_own_close(name: str) -> None:
    """Closing within the loop ends it."""
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
    """A frame of the wrong kind raises, as it does without a loop."""
    websocket = await FakeServer(text("a"), binary(b"b")).accepted()
    with pytest.raises(UnsupportedDataError):
        await taken(websocket.iter_text())


async def test_f28_a_second_receiver() -> None:
    """It is refused, and the first one gets the message."""
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
    """The message that it waited for is there for the next."""
    server = FakeServer()
    websocket = await server.accepted()
    for name in ("receive_text", "receive_bytes", "receive_json", "iter_text"):
        await cancelled(partial(RECEIVING[name], websocket))
    server.deliver(text("x"))
    assert await websocket.receive_text() == "x"


async def test_a_receive_that_waits_when_we_close() -> None:
    """It raises how we closed it, once the server says that it is over."""
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


# Closing.


async def test_a_close_goes_out_once() -> None:
    """Closing again does nothing, and the first code stays."""
    server = FakeServer()
    websocket = await server.accepted()
    await websocket.close()
    await websocket.close(4000, "again")
    assert server.sent == [{"type": "websocket.close", "code": 1000, "reason": ""}]
    assert websocket.connection_state is S.CLOSED


async def test_a_close_after_the_disconnect() -> None:
    """There is nobody to tell."""
    server = FakeServer(DISCONNECT)
    websocket = await server.accepted()
    await websocket.receive()
    await websocket.close()
    assert server.offers == []
    assert websocket.connection_state is S.DISCONNECTED


@pytest.mark.parametrize("is_asked", [False, True], ids=["connecting", "handshake"])
async def test_a_close_before_the_accept_is_a_refusal(is_asked: bool) -> None:
    """It awaits the connect event, if nobody did before."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    if is_asked:
        await websocket.receive()
    await websocket.close(4003, "no")
    assert server.sent == [{"type": "websocket.close", "code": 4003, "reason": "no"}]
    assert server.receives == 1
    with pytest.raises(InvalidStateError):
        await websocket.accept()


async def test_the_client_sees_a_refusal_as_403() -> None:
    """ASGI servers answer a close before the accept so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await WebSocket(scope, receive, send).close()

    with pytest.raises(HandshakeDenied) as caught:
        async with connect(app):
            pass
    assert caught.value.status == 403


# Raw events.


async def test_raw_events_keep_the_state_right() -> None:
    """A conversation by raw events leaves the same traces as one by methods."""
    server = FakeServer(CONNECT, text("x"), DISCONNECT)
    websocket = server.websocket(subprotocols=["v1"])
    states: list[ConnectionState] = [websocket.connection_state]

    async def step(call: Coroutine[Any, Any, Event | None]) -> Event | None:
        result = await call
        states.append(websocket.connection_state)
        return result

    assert await step(websocket.receive()) == CONNECT
    await step(
        websocket.send(
            {"type": "websocket.accept", "subprotocol": "v1", "headers": [("X-A", "b")]},
        )
    )
    await step(websocket.send({"type": "websocket.send", "text": "a", "bytes": None}))
    await step(websocket.send({"type": "websocket.send", "bytes": bytearray(b"b")}))
    assert await step(websocket.receive()) == text("x")
    assert await step(websocket.receive()) == DISCONNECT
    assert states == [S.CONNECTING, S.HANDSHAKE, *[S.OPEN] * 4, S.DISCONNECTED]
    assert websocket.subprotocol == "v1"
    assert server.sent == [
        {"type": "websocket.accept", "subprotocol": "v1", "headers": [(b"x-a", b"b")]},
        {"type": "websocket.send", "text": "a", "bytes": None},
        {"type": "websocket.send", "bytes": b"b"},
    ]
    with pytest.raises(InvalidStateError, match="nothing can be received after"):
        await websocket.receive()


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        pytest.param({}, {"code": 1000, "reason": ""}, id="bare"),
        pytest.param({"code": 4000}, {"code": 4000, "reason": ""}, id="code"),
        pytest.param({"code": 1001, "reason": None}, {"code": 1001, "reason": ""}, id="None"),
        pytest.param(
            {"code": 1001, "reason": "x" * 200}, {"code": 1001, "reason": "x" * 123}, id="long"
        ),
    ],
)
@pytest.mark.parametrize("is_open", [False, True], ids=["handshake", "open"])
async def test_a_raw_close(event: Event, sent: Event, is_open: bool) -> None:
    """It is completed, and then as good as `close`."""
    server = FakeServer(CONNECT)
    if is_open:
        websocket = await FakeServer.accepted(server)
    else:
        websocket = server.websocket()
        await websocket.receive()
    await websocket.send({"type": "websocket.close", **event})
    assert server.sent == [{"type": "websocket.close", **sent}]
    assert websocket.connection_state is S.CLOSED
    await websocket.close()
    with pytest.raises(InvalidStateError, match="it was closed by this side"):
        await websocket.send({"type": "websocket.close"})
    assert len(server.sent) == 1


async def test_a_raw_close_on_daphne() -> None:
    """A code that the server refuses goes out as another one, as by `close`."""
    server = FakeServer()
    websocket = await server.accepted()
    server.failure, server.refused_codes = Exception("no"), range(1001, 3000)
    await websocket.send({"type": "websocket.close", "code": 1011})
    assert server.sent == [{"type": "websocket.close", "code": 4011, "reason": ""}]


async def test_a_raw_event_is_the_callers() -> None:
    """It is not changed on its way, and may be any mapping."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    await websocket.receive()
    accept: Event = {"type": "websocket.accept", "headers": [("X-A", "b")]}
    await websocket.send(accept)
    assert accept == {"type": "websocket.accept", "headers": [("X-A", "b")]}
    proxy: Any = MappingProxyType({"type": "websocket.send", "text": "x"})
    await websocket.send(proxy)
    assert type(server.sent[1]) is dict


BROKEN_EVENTS: list[tuple[Any, type[Exception]]] = [
    ({}, ValueError),
    ({"type": None}, ValueError),
    ({"type": 5}, ValueError),
    ({"type": []}, ValueError),
    ({"type": "websocket.foo"}, ValueError),
    ({"type": "websocket.receive", "text": "x"}, ValueError),
    ({"type": "http.response.start"}, ValueError),
    ({"type": "websocket.send"}, ValueError),
    ({"type": "websocket.send", "text": None, "bytes": None}, ValueError),
    ({"type": "websocket.send", "text": "x", "bytes": b"x"}, ValueError),
    ({"type": "websocket.send", "text": "\ud800"}, ValueError),
    ({"type": "websocket.send", "text": b"x"}, TypeError),
    ({"type": "websocket.send", "bytes": "x"}, TypeError),
    ({"type": "websocket.send", "text": 0}, TypeError),
    ({"type": "websocket.accept"}, InvalidStateError),
    ({"type": "websocket.accept", "subprotocol": "v2"}, ValueError),
    ({"type": "websocket.accept", "headers": [(b"a\n", b"b")]}, ValueError),
    ({"type": "websocket.accept", "headers": [(b"a", 1)]}, TypeError),
    ({"type": "websocket.close", "code": 1005}, ValueError),
    ({"type": "websocket.close", "code": None}, ValueError),
    ({"type": "websocket.close", "reason": b"x"}, TypeError),
    ({"type": "websocket.http.response.start", "status": 403}, InvalidStateError),
    ({"type": "websocket.http.response.start"}, TypeError),
    ({"type": "websocket.http.response.start", "status": "403"}, TypeError),
    ({"type": "websocket.http.response.start", "status": True}, TypeError),
    ({"type": "websocket.http.response.start", "status": 101}, ValueError),
    ({"type": "websocket.http.response.start", "status": 600}, ValueError),
    ({"type": "websocket.http.response.start", "status": 403, "headers": [("a", 1)]}, TypeError),
    ({"type": "websocket.http.response.body"}, InvalidStateError),
    ({"type": "websocket.http.response.body", "body": "x"}, TypeError),
    ("hello", TypeError),
    (b"hello", TypeError),
    (None, TypeError),
]


@pytest.mark.parametrize(("event", "error"), BROKEN_EVENTS, ids=ids([e for e, _ in BROKEN_EVENTS]))
async def test_a_raw_event_that_is_illegal(event: Any, error: type[Exception]) -> None:
    """It raises, the server does not see it, and the connection is as good as before."""
    server = FakeServer()
    websocket = await server.accepted(
        subprotocols=["v1"], extensions={"websocket.http.response": {}}
    )
    with pytest.raises(error):
        await websocket.send(event)
    assert server.offers == []
    assert websocket.connection_state is S.OPEN


NO_EVENT = (
    "an ASGI event is a dict, not str: for messages there are send_text, send_bytes and send_json"
)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("hello", NO_EVENT),
        ({"type": "websocket.foo"}, "'websocket.foo' is no type of event that can be sent"),
        ({}, "None is no type of event that can be sent"),
        ({"type": "websocket.send"}, "a 'websocket.send' event carries one of 'text' and 'bytes'"),
        (
            {"type": "websocket.http.response.start", "status": "403"},
            "the status of a response is an int, not str",
        ),
        (
            {"type": "websocket.http.response.start", "status": 101},
            "a response can't have the status 101: use 200 to 599",
        ),
    ],
)
async def test_what_is_wrong_with_a_raw_event(event: Any, message: str) -> None:
    """The error says what is wrong, and what to do."""
    websocket = FakeServer().websocket(extensions={"websocket.http.response": {}})
    with pytest.raises((ValueError, TypeError)) as caught:
        await websocket.send(event)
    assert str(caught.value) == message


async def test_a_raw_response() -> None:
    """A handshake can be denied in as many parts as the server takes."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions={"websocket.http.response": {}})
    await websocket.receive()
    await websocket.send(
        {"type": "websocket.http.response.start", "status": 401, "headers": {"X-A": "b"}}
    )
    await websocket.send(
        {"type": "websocket.http.response.body", "body": bytearray(b"a"), "more_body": True}
    )
    await websocket.send({"type": "websocket.http.response.body"})
    assert server.sent == [
        {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"b")]},
        {"type": "websocket.http.response.body", "body": b"a", "more_body": True},
        {"type": "websocket.http.response.body", "body": b""},
    ]
    assert websocket.connection_state is S.CLOSED


# Denying the handshake.

OFFER: Event = {"websocket.http.response": {}}


async def unprefixed(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond as to an HTTP request."""
    await send({"type": "http.response.start", "status": 418, "headers": [(b"X-A", b"b")]})
    await send({"type": "http.response.body", "body": b"tea", "more_body": True})
    await send({"type": "http.response.body", "body": b"pot"})


async def bodiless(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the least that the specification asks for."""
    await send({"type": "websocket.http.response.start", "status": 404})
    await send({"type": "websocket.http.response.body"})


async def parts() -> AsyncIterator[str]:
    """Yield the parts of a body."""
    for part in ("one ", "two ", "three"):
        yield part


Denial = tuple[Callable[[], ASGIResponse], int, bytes, tuple[bytes, bytes]]
DENIALS: dict[str, Denial] = {
    "ours": (
        lambda: DenialResponse("no", 401, headers={"WWW-Authenticate": "Basic"}),
        401,
        b"no",
        (b"www-authenticate", b"Basic"),
    ),
    "Starlette's": (lambda: Response("no", 403), 403, b"no", (b"content-length", b"2")),
    "JSON": (
        lambda: JSONResponse({"detail": "no"}, 422),
        422,
        b'{"detail":"no"}',
        (b"content-type", b"application/json"),
    ),
    "streaming": (
        lambda: StreamingResponse(parts(), 503, headers={"Retry-After": "5"}),
        503,
        b"one two three",
        (b"retry-after", b"5"),
    ),
    "redirect": (lambda: RedirectResponse("/login"), 307, b"", (b"location", b"/login")),
    "an HTTP app's": (lambda: unprefixed, 418, b"teapot", (b"x-a", b"b")),
}


@pytest.mark.parametrize(("make", "status", "body", "header"), DENIALS.values(), ids=DENIALS)
async def test_a_denial_response(
    make: Callable[[], ASGIResponse], status: int, body: bytes, header: tuple[bytes, bytes]
) -> None:
    """Any response that is an ASGI application denies the handshake."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.send_denial_response(make())
        assert websocket.connection_state is S.CLOSED

    with pytest.raises(HandshakeDenied) as caught:
        async with connect(app):
            pass
    assert (caught.value.status, caught.value.body) == (status, body)
    assert header in caught.value.headers


@pytest.mark.parametrize("response", [unprefixed, bodiless])
async def test_a_denial_response_goes_out_in_one_piece(response: ASGIResponse) -> None:
    """The parts of a body are joined, for servers that take but one."""
    server = FakeServer(CONNECT)
    await server.websocket(extensions=OFFER).send_denial_response(response)
    assert [event["type"] for event in server.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert all(type(name) is bytes and name.islower() for name, _ in server.sent[0]["headers"])
    assert server.sent[1]["body"] in {b"teapot", b""}
    assert "more_body" not in server.sent[1]


async def test_a_denial_response_does_not_wait_for_its_background_task() -> None:
    """The client has its answer before the response goes on with something else."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=OFFER)
    sent: list[int] = []

    async def note() -> None:
        sent.append(len(server.sent))

    await websocket.send_denial_response(Response("no", 403, background=BackgroundTask(note)))
    assert sent == [2]


@pytest.mark.parametrize("extensions", [None, {}, {"tls": {}}], ids=repr)
async def test_a_server_that_cannot_respond(extensions: Event | None) -> None:
    """It raises before anything happens; a refusal works still."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=extensions)
    with pytest.raises(InvalidStateError) as caught:
        await websocket.send_denial_response(DenialResponse("no"))
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == (
        "this server can't send a response to a denied handshake: it has no extension "
        "'websocket.http.response'; close() refuses with a 403 everywhere"
    )
    assert (server.offers, server.receives) == ([], 0)
    await websocket.close()
    assert len(server.sent) == 1


async def test_a_server_of_the_test_client_that_cannot_respond() -> None:
    """So it is on daphne."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        with pytest.raises(RuntimeError, match="extension"):
            await websocket.send_denial_response(Response("no", 401))
        await websocket.close()

    with pytest.raises(HandshakeDenied) as caught:
        async with connect(app, server=Dialect(denial_response=False)):
            pass
    assert caught.value.status == 403


def sending(*events: Event) -> ASGIResponse:
    """Return a response that sends just these events."""

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        for event in events:
            await send(event)

    return response


START: Event = {"type": "http.response.start", "status": 403, "headers": []}
BODY: Event = {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        pytest.param(sending(), InvalidStateError, id="nothing"),
        pytest.param(sending(START), InvalidStateError, id="no body"),
        pytest.param(sending(BODY), InvalidStateError, id="no start"),
        pytest.param(sending(START, {**BODY, "more_body": True}), InvalidStateError, id="no end"),
        pytest.param(sending({**START, "status": 101}), ValueError, id="status"),
        pytest.param(sending({**START, "headers": [(b"a", b"\n")]}), ValueError, id="header"),
        pytest.param(sending(START, {**BODY, "body": "x"}), TypeError, id="body of str"),
        pytest.param(
            sending(START, {"type": "http.response.pathsend", "path": "/"}), ValueError, id="file"
        ),
    ],
)
async def test_a_response_that_is_none(response: ASGIResponse, error: type[Exception]) -> None:
    """It raises, nothing goes out, and the handshake can be answered otherwise."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=OFFER)
    with pytest.raises(error):
        await websocket.send_denial_response(response)
    assert server.offers == []
    await websocket.send_denial_response(DenialResponse("no"))
    assert server.sent[1] == {"type": "websocket.http.response.body", "body": b"no"}


async def test_a_response_that_ends_half_way_is_named() -> None:
    """The error says which response it was."""
    websocket = FakeServer(CONNECT).websocket(extensions=OFFER)

    class Silent:
        def __repr__(self) -> str:
            return "Silent()"

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            pass

    with pytest.raises(InvalidStateError) as caught:
        await websocket.send_denial_response(Silent())
    assert str(caught.value) == "Silent() ended without a whole response"


async def test_a_response_that_goes_on_after_its_end() -> None:
    """What follows the last part is out of turn, and does not reach the server."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=OFFER)
    with pytest.raises(InvalidStateError):
        await websocket.send_denial_response(sending(START, BODY, BODY))
    assert len(server.offers) == 2


async def test_a_response_after_the_handshake_was_answered() -> None:
    """It raises before the response is asked for anything."""
    asked: list[bool] = []

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(True)

    accepted, refused = FakeServer(), FakeServer(CONNECT)
    websockets = [
        await accepted.accepted(extensions=OFFER),
        refused.websocket(extensions=OFFER),
    ]
    await websockets[1].close()
    for websocket in websockets:
        before = websocket.connection_state
        with pytest.raises(InvalidStateError, match="can't be sent while the connection is"):
            await websocket.send_denial_response(response)
        assert websocket.connection_state is before
    assert asked == []
    assert accepted.offers == []


@pytest.mark.parametrize("failure", [OSError(), RuntimeError()], ids=repr)
async def test_f05_a_response_for_a_client_that_left(failure: Exception) -> None:
    """It is a disconnect, as in accept."""
    server = FakeServer(CONNECT)
    server.failure = failure
    with pytest.raises(WebSocketDisconnect) as caught:
        await server.websocket(extensions=OFFER).send_denial_response(DenialResponse("no"))
    assert caught.value.__cause__ is failure

    server = FakeServer(DISCONNECT)
    with pytest.raises(WebSocketDisconnect) as caught:
        await server.websocket(extensions=OFFER).send_denial_response(DenialResponse("no"))
    assert caught.value.code == 4001
    assert server.offers == []


# What a WebSocket is made of.


async def test_without_receive_and_send() -> None:
    """It tells of the handshake; when it is used otherwise it says what it lacks."""
    websocket = WebSocket(FULL)
    assert websocket.url.path == "/chat/caf%C3%A9"
    for call in (websocket.accept(), websocket.close(), websocket.receive()):
        with pytest.raises(InvalidStateError, match="was made without a `receive`"):
            await call


async def test_without_send() -> None:
    """It can receive; when it should send it says what it lacks."""
    websocket = WebSocket({"type": "websocket"}, FakeServer(CONNECT).receive)
    for call in (websocket.accept(), websocket.close()):
        with pytest.raises(InvalidStateError, match="was made without a `send`"):
            await call
    assert websocket.connection_state is S.HANDSHAKE


async def test_the_connection_below() -> None:
    """The package reaches it, and it has one state with the WebSocket."""
    websocket = await FakeServer().accepted()
    connection = connection_of(websocket)
    assert connection.state is S.OPEN
    connection.disconnected(DISCONNECT)
    assert websocket.connection_state is S.DISCONNECTED


@contextmanager
def without_gc() -> Generator[None]:
    """Keep the garbage collector from running."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def converse(server: FakeServer) -> "weakref.ref[WebSocket]":
    """Have a conversation in which everything goes wrong that can, and let go of it."""
    websocket = await server.accepted(path="/", headers=[], query_string=b"a=1")
    _ = websocket.url, websocket.headers, websocket.query_params, websocket.state.get("x")
    await websocket.send_text("x")
    with suppress(InvalidStateError):
        await websocket.accept()
    with suppress(UnsupportedDataError):
        await websocket.receive_bytes()
    with suppress(InvalidDataError):
        await websocket.receive_json()
    server.failure = OSError()
    with suppress(WebSocketDisconnect):
        await websocket.send_text("x")
    server.failure = None
    async for _ in websocket.iter_text():
        pass
    with suppress(WebSocketDisconnect):
        await websocket.receive_text()
    await websocket.close()
    return weakref.ref(websocket)


async def test_x02_nothing_keeps_a_websocket_alive() -> None:
    """Once nobody holds it any more it is gone, without the garbage collector."""
    with without_gc():
        server = FakeServer(text("x"), text("{"), text("x"), DISCONNECT)
        alive = await converse(server)
        assert alive() is None


async def test_x02_nothing_keeps_a_denied_one_alive() -> None:
    """The same holds once a handshake was denied."""

    async def deny() -> "weakref.ref[WebSocket]":
        websocket = FakeServer(CONNECT).websocket(extensions=OFFER)
        with suppress(InvalidStateError):
            await websocket.send_denial_response(sending())
        await websocket.send_denial_response(DenialResponse("no"))
        return weakref.ref(websocket)

    with without_gc():
        alive = await deny()
        assert alive() is None
