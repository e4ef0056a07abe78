"""Denying the handshake with a response: any ASGI response, whole or not at all."""

import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.connection.websocket_calls import without_gc
from tests.fake_server import CONNECT, DISCONNECT, FakeServer
from wsendpoints import (
    ConnectionState,
    DenialResponse,
    InvalidStateError,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.connection.websocket import ASGIResponse
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio

S = ConnectionState

OFFER: Event = {"websocket.http.response": {}}


async def unprefixed(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the events of an HTTP request."""
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
    """The parts of a body are joined, since some servers take only one."""
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
    """The client gets its answer before the response's background task runs."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=OFFER)
    sent: list[int] = []

    async def note() -> None:
        sent.append(len(server.sent))

    await websocket.send_denial_response(Response("no", 403, background=BackgroundTask(note)))
    assert sent == [2]


@pytest.mark.parametrize("extensions", [None, {}, {"tls": {}}], ids=repr)
async def test_a_server_that_cannot_respond(extensions: Event | None) -> None:
    """Without the extension a response raises before anything is sent, and `close` still works."""
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
    """The testing client can play a server without the extension, such as daphne."""

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
    """Return a response that sends exactly these events."""

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
    """A malformed response raises, sends nothing, and the handshake can still be answered."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=OFFER)
    with pytest.raises(error):
        await websocket.send_denial_response(response)
    assert server.offers == []
    await websocket.send_denial_response(DenialResponse("no"))
    assert server.sent[1] == {"type": "websocket.http.response.body", "body": b"no"}


async def test_a_response_that_ends_half_way_is_named() -> None:
    """The error names the response that ended half-way."""
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
    """What follows the last part raises, and does not reach the server."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions=OFFER)
    with pytest.raises(InvalidStateError):
        await websocket.send_denial_response(sending(START, BODY, BODY))
    assert len(server.offers) == 2


async def test_a_response_after_the_handshake_was_answered() -> None:
    """A denial raises before the response is called, if the handshake was answered."""
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
async def test_f05_a_response_for_a_client_that_disconnected(failure: Exception) -> None:
    """A response to a client that has disconnected raises `WebSocketDisconnect`."""
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


async def test_x02_nothing_keeps_a_denied_one_alive() -> None:
    """A WebSocket whose handshake was denied is freed with its last reference."""

    async def deny() -> "weakref.ref[WebSocket]":
        websocket = FakeServer(CONNECT).websocket(extensions=OFFER)
        with suppress(InvalidStateError):
            await websocket.send_denial_response(sending())
        await websocket.send_denial_response(DenialResponse("no"))
        return weakref.ref(websocket)

    with without_gc():
        alive = await deny()
        assert alive() is None
