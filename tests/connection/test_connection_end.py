"""What is called at the end of a connection: once, whatever ends it."""

import contextlib
import logging
import types
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, ClassVar

import anyio
import pytest

from tests.connection.connections import ACCEPT, CLOSE, SEND, START, S, connection_in, state_of
from tests.connection.websocket_calls import cancelled
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from wsendpoints import (
    ConnectionState,
    DenialResponse,
    Denied,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.websocket import connection_of
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send

pytestmark = pytest.mark.anyio


class Calls:
    """Counts the calls of a callback, and notes how many events the server had at the last."""

    def __init__(self, server: FakeServer, connection: Connection) -> None:
        self.count = 0
        self.offers = -1
        self._server = server
        connection.at_end(self.call)

    def call(self) -> None:
        """Count a call."""
        self.count += 1
        self.offers = len(self._server.offers)


# What ends a connection.


@pytest.mark.parametrize(
    "state", [S.CONNECTING, S.HANDSHAKE, S.DENYING, S.ACCEPTING, S.OPEN, S.BROKEN]
)
async def test_it_is_called_when_the_disconnect_is_received(state: ConnectionState) -> None:
    """The peer can disconnect at any time before the end."""
    server = FakeServer()
    connection = await connection_in(state, server)
    calls = Calls(server, connection)
    server.deliver(DISCONNECT)
    assert calls.count == 0
    await connection.next_event()
    assert calls.count == 1


async def test_it_is_called_when_the_disconnect_is_known() -> None:
    """A disconnect that is known before its turn ends the connection, and its turn does nothing."""
    connection = await connection_in(S.OPEN, server := FakeServer())
    calls = Calls(server, connection)
    connection.disconnected(DISCONNECT)
    assert calls.count == 1
    connection.received(DISCONNECT)
    assert calls.count == 1


@pytest.mark.parametrize(
    ("state", "event"), [(S.HANDSHAKE, ACCEPT), (S.OPEN, SEND)], ids=["accept", "send"]
)
async def test_it_is_called_when_a_send_fails(state: ConnectionState, event: Event) -> None:
    """A send that fails is a disconnect; the disconnect that follows it calls nothing again."""
    connection = await connection_in(state, server := FakeServer())
    calls = Calls(server, connection)
    server.failure = OSError("gone")
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(event)
    assert calls.count == 1
    server.deliver(DISCONNECT)
    await connection.next_event()
    assert calls.count == 1


@pytest.mark.parametrize(
    "close",
    [
        pytest.param(partial(Connection.close, code=4000, reason="done"), id="close"),
        pytest.param(partial(Connection.end, code=4000, reason="done"), id="end"),
        pytest.param(partial(Connection.transmit, event=CLOSE), id="event"),
    ],
)
@pytest.mark.parametrize("state", [S.HANDSHAKE, S.OPEN, S.BROKEN])
async def test_it_is_called_before_the_server_has_our_close(
    state: ConnectionState, close: Callable[[Connection], Awaitable[None]]
) -> None:
    """Our close, or refusal, calls it before anything is sent, and so once."""
    connection = await connection_in(state, server := FakeServer())
    calls = Calls(server, connection)
    await close(connection)
    assert (calls.count, calls.offers) == (1, 0)
    assert len(server.offers) == 1
    server.deliver(DISCONNECT)
    await connection.next_event()
    assert calls.count == 1


async def test_a_close_that_is_cancelled_calls_it() -> None:
    """It is called before anything is awaited, so that no cancellation can prevent it."""
    connection = await connection_in(S.OPEN, server := FakeServer())
    calls = Calls(server, connection)
    server.gate = anyio.Event()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await connection.close(1000, None)
    assert scope.cancelled_caught
    assert calls.count == 1


async def test_a_broken_connection_has_not_ended() -> None:
    """A send that is cancelled breaks the connection, which is to be closed after that."""
    connection = await connection_in(S.OPEN, server := FakeServer())
    calls = Calls(server, connection)
    server.gate = anyio.Event()
    await cancelled(lambda: connection.transmit(SEND))
    assert state_of(connection) is S.BROKEN
    assert calls.count == 0


async def test_a_denial_ends_with_its_endpoint() -> None:
    """A response may have several parts, so the connection ends when that is said."""
    connection = await connection_in(S.HANDSHAKE, server := FakeServer())
    calls = Calls(server, connection)
    await connection.transmit(START)
    assert calls.count == 0
    connection.ended()
    connection.ended()
    assert calls.count == 1


# What is called.


async def test_all_are_called_in_their_order() -> None:
    """Any number of functions may wait for the end, and one may do so twice."""
    connection = await connection_in(S.OPEN, FakeServer())
    calls: list[str] = []
    for name in ("first", "second", "second"):
        connection.at_end(partial(calls.append, name))
    connection.ended()
    assert calls == ["first", "second", "second"]


@pytest.mark.parametrize("state", [S.CLOSED, S.DISCONNECTED])
async def test_it_is_called_at_once_if_it_has_ended(state: ConnectionState) -> None:
    """There is no other moment for it."""
    connection = await connection_in(state, FakeServer())
    calls: list[str] = []
    connection.at_end(lambda: calls.append("called"))
    assert calls == ["called"]
    connection.ended()
    assert calls == ["called"]


async def test_a_callback_may_add_another() -> None:
    """By then the connection has ended, so the other one is called at once."""
    connection = await connection_in(S.OPEN, FakeServer())
    calls: list[str] = []

    def first() -> None:
        connection.at_end(lambda: calls.append("added"))
        calls.append("first")

    connection.at_end(first)
    connection.at_end(lambda: calls.append("second"))
    connection.ended()
    assert calls == ["added", "first", "second"]


@pytest.mark.parametrize("is_late", [False, True], ids=["at the end", "after the end"])
async def test_a_callback_that_fails_is_logged(
    is_late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Its exception is logged with its traceback, and keeps no other callback from being called."""
    connection = await connection_in(S.OPEN, FakeServer())
    calls: list[str] = []
    failure = ValueError("failed")

    def fail() -> None:
        raise failure

    if is_late:
        connection.ended()
    connection.at_end(fail)
    connection.at_end(lambda: calls.append("called"))
    connection.ended()
    assert calls == ["called"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message == "a function that was to be called at a connection's end failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is failure


async def test_what_a_callback_returns_is_ignored() -> None:
    """Nothing is awaited: an awaitable that it returns is dropped."""

    class Never:
        def __await__(self) -> Any:
            raise AssertionError("it is never awaited")

    connection = await connection_in(S.OPEN, FakeServer())
    connection.at_end(Never)
    await connection.close(1000, None)


@pytest.mark.parametrize("exc", [KeyboardInterrupt, SystemExit])
async def test_what_ends_the_process_goes_on(exc: type[BaseException]) -> None:
    """A callback's exception is caught only if it is an `Exception`."""
    connection = await connection_in(S.OPEN, FakeServer())

    def interrupt() -> None:
        raise exc

    connection.at_end(interrupt)
    with pytest.raises(exc):
        connection.ended()


# When its endpoint is served.


class Moody(WebSocketEndpoint):
    """Ends as the text or the path says."""

    calls: ClassVar[list[str]] = []
    limits = Limits(max_message_size=5)

    async def on_connect(self, websocket: WebSocket) -> None:
        match websocket["path"]:
            case "/return":
                pass
            case "/close":
                await websocket.close()
            case "/respond":
                await websocket.send_denial_response(DenialResponse("no"))
            case "/denied":
                raise Denied(404)
            case "/fail":
                raise ValueError("failed")
            case _:
                await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        match data:
            case "close":
                await websocket.close()
            case "fail":
                raise ValueError("failed")
            case _:
                pass

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.calls.append("on_disconnect")


class Accepting(Moody):
    """Leaves the handshake to the default."""

    calls: ClassVar[list[str]] = []
    on_connect = WebSocketEndpoint.on_connect


def endpoint_of(cls: type[Moody], receive: Receive, send: Send, **scope: Any) -> Moody:
    """Return an endpoint, the end of whose connection is among its calls."""
    cls.calls.clear()
    endpoint = cls(make_scope(**scope), receive, send)
    connection_of(endpoint.websocket).at_end(lambda: cls.calls.append("end"))
    return endpoint


async def serve(cls: type[Moody], server: FakeServer, **scope: Any) -> None:
    """Serve a connection to its end."""
    with contextlib.suppress(ValueError, ServerProtocolError):  # what some of the endings raise
        await endpoint_of(cls, server.receive, server.send, **scope)


RESPONSE: Scope = {"extensions": {"websocket.http.response": {}}}
ORIGIN: Scope = {"headers": [(b"origin", b"https://elsewhere.example")]}


@pytest.mark.parametrize(
    ("scope", "event"),
    [
        pytest.param({"path": "/return"}, CONNECT, id="not accepted"),
        pytest.param({"path": "/close"}, CONNECT, id="refused"),
        pytest.param({"path": "/respond", **RESPONSE}, CONNECT, id="a response"),
        pytest.param({"path": "/denied", **RESPONSE}, CONNECT, id="denied"),
        pytest.param({"path": "/denied"}, CONNECT, id="denied without a response"),
        pytest.param({**ORIGIN, **RESPONSE}, CONNECT, id="a foreign origin"),
        pytest.param({"path": "/fail"}, CONNECT, id="on_connect fails"),
        pytest.param({}, DISCONNECT, id="disconnected before the handshake"),
    ],
)
async def test_it_is_called_once_where_nothing_was_accepted(scope: Scope, event: Event) -> None:
    """However a handshake ends, the connection has ended then."""
    await serve(Moody, FakeServer(event), **scope)
    assert Moody.calls == ["end"]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(DISCONNECT, id="disconnected"),
        pytest.param(text("close"), id="closed"),
        pytest.param(text("fail"), id="a handler fails"),
        pytest.param(text("too big"), id="a limit"),
        pytest.param(CONNECT, id="the server fails"),
    ],
)
@pytest.mark.parametrize("cls", [Moody, Accepting], ids=["own on_connect", "default"])
async def test_it_is_called_once_before_on_disconnect(cls: type[Moody], event: Event) -> None:
    """However a connection ends, it is called once, and the clean-up follows."""
    for events in ([event], [text("x"), event]):
        await serve(cls, FakeServer(CONNECT, *events))
        assert cls.calls == ["end", "on_disconnect"]


@pytest.mark.parametrize("cls", [Moody, Accepting], ids=["own on_connect", "default"])
async def test_it_is_called_when_the_server_cancels(cls: type[Moody]) -> None:
    """A server that shuts down cancels, and the connection is closed."""
    await cancelled(lambda: serve(cls, FakeServer(CONNECT)))
    assert cls.calls == ["end", "on_disconnect"]


@types.coroutine
def forever() -> Generator[None, None, None]:
    """Wait for what never comes."""
    yield


async def test_it_is_called_when_the_application_is_given_up() -> None:
    """A coroutine that is closed while it waits can await nothing, but the function is called."""
    events = [CONNECT]

    async def receive() -> Event:
        if not events:
            await forever()
        return events.pop()

    async def send(event: Event) -> None:
        pass

    steps = endpoint_of(Accepting, receive, send).__await__()
    next(steps)
    steps.close()
    assert Accepting.calls == ["end"]
