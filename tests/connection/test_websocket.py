"""A connection as the application sees it: its state, how it is closed, and its lifetime."""

import math
import weakref
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from starlette.websockets import WebSocket as Starlettes

from tests.connection.websocket_calls import RECEIVING, SENDING, without_gc
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from wsendpoints import (
    ConnectionState,
    InvalidDataError,
    InvalidStateError,
    UnsupportedDataError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketState,
)
from wsendpoints.connection.websocket import connection_of
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio

S = ConnectionState


def test_a_scope_of_another_type_is_refused() -> None:
    """A WebSocket is not made of an HTTP request."""
    with pytest.raises(ValueError, match="WebSocket") as caught:
        WebSocket({"type": "http"})
    assert str(caught.value) == "a WebSocket needs a scope of type 'websocket', not 'http'"


def test_a_new_connection_is_connecting() -> None:
    """A new connection is not answered, has no subprotocol, and never expires."""
    websocket = WebSocket({"type": "websocket"})
    assert websocket.connection_state is S.CONNECTING
    assert websocket.subprotocol is None
    assert websocket.expires_at is None


@pytest.mark.parametrize(
    ("extensions", "can_respond"),
    [
        pytest.param({"websocket.http.response": {}}, True, id="response"),
        pytest.param({"tls": {}}, False, id="another"),
        pytest.param({}, False, id="empty"),
        pytest.param(None, False, id="None"),
    ],
)
def test_can_respond_is_what_the_server_offers(
    extensions: dict[str, object] | None, can_respond: bool
) -> None:
    """A response to a denied handshake is an extension of ASGI that the scope names."""
    websocket = WebSocket({"type": "websocket", "extensions": extensions})
    assert websocket.can_respond is can_respond


def test_h14_a_scope_without_extensions() -> None:
    """A server that names no extensions has none."""
    assert not WebSocket({"type": "websocket"}).can_respond


class Listening:
    """A listener that counts how often an expiry is set."""

    def __init__(self) -> None:
        self.expiries = 0

    def on_expiry_set(self) -> None:
        self.expiries += 1


MOMENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(MOMENT, id="UTC"),
        pytest.param(MOMENT.astimezone(timezone(timedelta(hours=5))), id="another zone"),
        pytest.param(MOMENT.timestamp(), id="seconds"),
    ],
)
def test_an_expiry_may_be_set_in_any_form(moment: datetime | float) -> None:
    """An expiry is read as a moment in UTC, `None` removes it, and the listener is told of each."""
    websocket = WebSocket({"type": "websocket"})
    listener: Any = Listening()
    websocket.expires_at = moment
    expiry = websocket.expires_at
    assert expiry is not None
    assert (expiry, expiry.tzinfo) == (MOMENT, UTC)
    connection_of(websocket).listen(listener)
    websocket.expires_at = None
    assert websocket.expires_at is None
    websocket.expires_at = moment
    assert listener.expiries == 2


def test_a_client_that_shows_a_new_token_stays() -> None:
    """The last moment counts, and what is none changes nothing."""
    websocket = WebSocket({"type": "websocket"})
    websocket.authenticated(expires_at=MOMENT - timedelta(hours=1))
    websocket.authenticated(expires_at=MOMENT)
    with pytest.raises(ValueError, match="time zone"):
        websocket.authenticated(expires_at=datetime(2030, 1, 2))
    assert websocket.expires_at == MOMENT


def test_an_expiry_needs_a_time_zone() -> None:
    """A datetime without a time zone is ambiguous, so it is refused and changes nothing."""
    websocket = WebSocket({"type": "websocket"})
    with pytest.raises(ValueError, match="time zone") as caught:
        websocket.expires_at = datetime(2030, 1, 2)
    assert str(caught.value) == (
        "expires_at=datetime.datetime(2030, 1, 2, 0, 0): use a datetime with a time zone"
    )
    assert websocket.expires_at is None


@pytest.mark.parametrize(
    ("moment", "error"),
    [
        pytest.param(True, TypeError, id="bool"),
        pytest.param("2030-01-02", TypeError, id="str"),
        pytest.param(date(2030, 1, 2), TypeError, id="date"),
        pytest.param(timedelta(hours=1), TypeError, id="timedelta"),
        pytest.param(math.nan, ValueError, id="NaN"),
        pytest.param(math.inf, ValueError, id="infinite"),
        pytest.param(1e300, ValueError, id="beyond all years"),
        pytest.param(10**400, ValueError, id="beyond all floats"),
    ],
)
def test_an_expiry_that_is_no_moment_is_refused(moment: Any, error: type[Exception]) -> None:
    """Where it is set, rather than where it would be waited for; the one before stays."""
    websocket = WebSocket({"type": "websocket"})
    websocket.expires_at = MOMENT
    with pytest.raises(error, match=r"^expires_at=.*: use .*seconds since the epoch"):
        websocket.expires_at = moment
    assert websocket.expires_at == MOMENT


async def test_repr_shows_path_and_state() -> None:
    """The repr, as a log or a traceback shows it, has the path escaped, and the state."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(path="/a\n")
    assert repr(websocket) == r"<WebSocket '/a\n' connecting>"
    await websocket.accept()
    assert repr(websocket) == r"<WebSocket '/a\n' open>"
    await websocket.close()
    assert repr(websocket) == r"<WebSocket '/a\n' closed>"
    assert repr(WebSocket({"type": "websocket"})) == "<WebSocket '' connecting>"


@pytest.mark.parametrize("is_asked", [False, True], ids=["connecting", "handshake"])
@pytest.mark.parametrize("name", [*SENDING, *RECEIVING])
async def test_f30_before_the_accept(name: str, is_asked: bool) -> None:
    """Before the accept, sending and receiving messages raise without touching the server."""
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


# Its state, as Starlette has it.

_W = WebSocketState
OFFER: dict[str, Any] = {"websocket.http.response": {}}

STATES: dict[S, tuple[WebSocketState, WebSocketState]] = {
    S.CONNECTING: (_W.CONNECTING, _W.CONNECTING),
    S.HANDSHAKE: (_W.CONNECTED, _W.CONNECTING),
    S.ACCEPTING: (_W.CONNECTED, _W.CONNECTED),
    S.OPEN: (_W.CONNECTED, _W.CONNECTED),
    S.BROKEN: (_W.CONNECTED, _W.CONNECTED),
    S.DENYING: (_W.CONNECTED, _W.RESPONSE),
    S.CLOSED: (_W.DISCONNECTED, _W.DISCONNECTED),
    S.DISCONNECTED: (_W.DISCONNECTED, _W.DISCONNECTED),
}


@pytest.mark.parametrize("state", S, ids=lambda state: state.name)
def test_starlettes_states_are_views_of_the_one(state: S) -> None:
    """Both sides are told for each state of the connection, and neither can be set."""
    websocket: Any = WebSocket({"type": "websocket"})
    connection_of(websocket).state = state
    assert (websocket.client_state, websocket.application_state) == STATES[state]
    for name in ("client_state", "application_state"):
        with pytest.raises(AttributeError):
            setattr(websocket, name, _W.CONNECTED)


def sides(websocket: Any) -> tuple[str, str]:
    """Return the names of the states of both sides."""
    return (websocket.client_state.name, websocket.application_state.name)


@pytest.mark.parametrize("end", ["close", "disconnect", "refusal", "response"])
async def test_states_are_those_that_starlette_has(end: str) -> None:
    """Until the connection ends they are Starlette's own; then both sides are disconnected."""
    told: list[list[tuple[str, str]]] = []
    for make in (WebSocket, Starlettes):
        server = FakeServer(CONNECT, DISCONNECT)
        scope: Scope = {"type": "websocket", "path": "/", "extensions": OFFER}
        websocket: Any = make(scope, server.receive, server.send)
        told.append([sides(websocket)])
        await websocket.receive()
        told[-1].append(sides(websocket))
        if end == "refusal":
            await websocket.close()
        elif end == "response":
            start: Event = {"type": "websocket.http.response.start", "status": 403, "headers": []}
            await websocket.send(start)
            told[-1].append(sides(websocket))
            await websocket.send({"type": "websocket.http.response.body", "body": b""})
        else:
            await websocket.accept()
            told[-1].append(sides(websocket))
            await (websocket.close() if end == "close" else websocket.receive())
        if make is WebSocket:
            assert sides(websocket) == ("DISCONNECTED", "DISCONNECTED")
        else:
            assert "DISCONNECTED" in sides(websocket)
    assert told[0] == told[1]


# Closing.


async def test_a_close_goes_out_once() -> None:
    """A second close does nothing, and the first code stays."""
    server = FakeServer()
    websocket = await server.accepted()
    await websocket.close()
    await websocket.close(4000, "again")
    assert server.sent == [{"type": "websocket.close", "code": 1000, "reason": ""}]
    assert websocket.connection_state is S.CLOSED


async def test_a_close_after_the_disconnect() -> None:
    """Once the peer has disconnected, a close sends nothing."""
    server = FakeServer(DISCONNECT)
    websocket = await server.accepted()
    await websocket.receive()
    await websocket.close()
    assert server.offers == []
    assert websocket.connection_state is S.DISCONNECTED


@pytest.mark.parametrize("is_asked", [False, True], ids=["connecting", "handshake"])
async def test_a_close_before_the_accept_is_a_refusal(is_asked: bool) -> None:
    """A close before the accept receives the connect event first, if that is still pending."""
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
    """ASGI servers answer the handshake with 403 when it is closed before the accept."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await WebSocket(scope, receive, send).close()

    with pytest.raises(HandshakeDenied) as caught:
        async with connect(app):
            pass
    assert caught.value.status == 403


# What a WebSocket is made of.


async def test_without_receive_and_send() -> None:
    """Without the server's functions the scope can be read, and all else says what is missing."""
    websocket = WebSocket({"type": "websocket", "path": "/chat"})
    assert websocket.url.path == "/chat"
    for call in (websocket.accept(), websocket.close(), websocket.receive()):
        with pytest.raises(InvalidStateError, match="was made without a `receive`"):
            await call


async def test_without_send() -> None:
    """Without `send` the connection can receive, and what sends says what is missing."""
    websocket = WebSocket({"type": "websocket"}, FakeServer(CONNECT).receive)
    for call in (websocket.accept(), websocket.close()):
        with pytest.raises(InvalidStateError, match="was made without a `send`"):
            await call
    assert websocket.connection_state is S.HANDSHAKE


async def test_the_connection_below() -> None:
    """The package reaches the connection below a WebSocket, and both have one state."""
    websocket = await FakeServer(DISCONNECT).accepted()
    connection = connection_of(websocket)
    assert connection.state is S.OPEN
    assert await connection.next_event() == DISCONNECT
    assert websocket.connection_state is S.DISCONNECTED


async def converse(server: FakeServer) -> "weakref.ref[WebSocket]":
    """Have a conversation in which everything fails that can, and drop the WebSocket."""
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
    """A WebSocket is freed with its last reference, without the garbage collector."""
    with without_gc():
        server = FakeServer(text("x"), text("{"), text("x"), DISCONNECT)
        alive = await converse(server)
        assert alive() is None


def test_id_is_kept_for_the_whole_connection() -> None:
    """Another WebSocket over the same scope is the same connection."""
    scope = make_scope()
    assert WebSocket(scope).connection_id == WebSocket(scope).connection_id


def test_fields_for_lines_of_ones_own() -> None:
    """Those of the library; a connection without an endpoint has none."""
    websocket = WebSocket({**make_scope(), "path": "/rooms/1"})
    assert dict(websocket.log_fields) == {
        "connection_id": websocket.connection_id,
        "endpoint": None,
        "path": "/rooms/1",
    }
