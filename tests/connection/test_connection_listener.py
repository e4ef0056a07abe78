"""The listener of a connection: what it is told, and a relay in front of it."""

import time
from collections.abc import Callable
from functools import partial

import anyio
import pytest

from tests.connection.connections import ACCEPT, CLOSE, SEND, START, S, connection_in
from tests.connection.websocket_calls import cancelled, soon
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConnectionState,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.listener import Listener, Relay
from wsendpoints.connection.websocket import connection_of
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio


class Noting(Listener):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_accept(self) -> None:
        self.told.append("accept")

    def on_close(self) -> None:
        self.told.append("close")

    def on_disconnect(self) -> None:
        self.told.append("disconnect")

    def on_send(self) -> None:
        self.told.append("send")

    def on_sent(self) -> None:
        self.told.append("sent")

    def on_expiry_set(self) -> None:
        self.told.append("expiry")


async def listened(state: ConnectionState, server: FakeServer) -> tuple[Connection, Noting]:
    """Return a connection in a state, and its listener."""
    connection = await connection_in(state, server)
    connection.listener = listener = Noting()
    connection.tells_sends = connection.tells_sent = True
    return connection, listener


SENDING = ["send", "sent"]
"""What a listener is told of a send, if it asks for it."""


# What it is told.


@pytest.mark.parametrize(
    ("state", "event", "told"),
    [
        pytest.param(S.HANDSHAKE, ACCEPT, [*SENDING, "accept"], id="accept"),
        pytest.param(S.HANDSHAKE, START, SENDING, id="response"),
        pytest.param(S.HANDSHAKE, CLOSE, ["close"], id="refusal"),
        pytest.param(S.OPEN, SEND, SENDING, id="send"),
        pytest.param(S.OPEN, CLOSE, ["close"], id="close"),
    ],
)
async def test_event_that_is_sent_is_told(
    state: ConnectionState, event: Event, told: list[str]
) -> None:
    """An accept is told once it is sent, a close before; a close is told as no send."""
    connection, listener = await listened(state, FakeServer())
    await connection.transmit(event)
    assert listener.told == told


async def test_send_is_told_to_those_that_ask() -> None:
    """The beginning and the end of a send are asked for apart."""
    connection, listener = await listened(S.OPEN, FakeServer())
    connection.tells_sends = False
    await connection.transmit(SEND)
    assert listener.told == ["sent"]
    connection.tells_sends, connection.tells_sent = True, False
    await connection.transmit(SEND)
    assert listener.told == ["sent", "send"]
    connection.listener = None
    connection.tells_sent = True
    await connection.transmit(SEND)
    assert (connection.sends_begun, connection.sends_ended) == (3, 3)


async def test_sends_that_are_under_way_are_counted() -> None:
    """Those that have begun, and those that have ended, whether they wait or not."""
    server = FakeServer()
    connection, listener = await listened(S.OPEN, server)
    server.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.transmit(SEND))
        await soon(tasks, lambda: connection.transmit(SEND))
        assert listener.told == ["send", "send"]
        assert (connection.sends_begun, connection.sends_ended) == (2, 0)
        server.gate.set()
    assert listener.told == ["send", "send", "sent", "sent"]
    assert (connection.sends_begun, connection.sends_ended) == (2, 2)


async def test_send_that_fails_or_is_cancelled_has_ended() -> None:
    """However a send ends, its end is told."""
    server = FakeServer()
    connection, listener = await listened(S.OPEN, server)
    server.failure = OSError("gone")
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(SEND)
    assert listener.told == ["send", "disconnect", "sent"]

    server = FakeServer()
    connection, listener = await listened(S.OPEN, server)
    server.gate = anyio.Event()
    await cancelled(partial(connection.transmit, SEND))
    assert listener.told == SENDING


async def test_accept_that_is_not_sent_is_not_told() -> None:
    """A failed accept is a disconnect, and a cancelled one is neither."""
    server = FakeServer()
    connection, listener = await listened(S.HANDSHAKE, server)
    server.failure = OSError("gone")
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(ACCEPT)
    assert listener.told == ["send", "disconnect", "sent"]

    server = FakeServer()
    connection, listener = await listened(S.HANDSHAKE, server)
    server.gate = anyio.Event()
    await cancelled(partial(connection.transmit, ACCEPT))
    assert listener.told == SENDING


async def test_event_out_of_turn_is_not_told() -> None:
    """Nothing happens to the connection then."""
    connection, listener = await listened(S.HANDSHAKE, FakeServer())
    with pytest.raises(InvalidStateError):
        await connection.transmit(SEND)
    assert listener.told == []


async def test_disconnect_is_told_each_time_that_more_is_known_of_it() -> None:
    """First that it is there, then its code: after our close, and after itself, nothing."""
    server = FakeServer()
    connection, listener = await listened(S.OPEN, server)
    server.failure = OSError("gone")
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(SEND)
    connection.received(DISCONNECT)
    assert listener.told == [*SENDING, "disconnect", "disconnect"]
    connection.disconnected(DISCONNECT)
    assert listener.told == [*SENDING, "disconnect", "disconnect"]

    connection, listener = await listened(S.OPEN, FakeServer())
    await connection.close(1000, None)
    connection.received(DISCONNECT)
    assert listener.told == ["close"]


@pytest.mark.parametrize("by_event", [False, True], ids=["close", "event"])
@pytest.mark.parametrize("failure", [None, OSError(), RuntimeError()], ids=repr)
async def test_a_close_is_told_before_the_server_has_it(
    failure: Exception | None, by_event: bool
) -> None:
    """The listener is told first, as a server may not close while it is received from."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = failure
    offers: list[int] = []

    class Counting(Listener):
        def on_close(self) -> None:
            offers.append(len(server.offers))

    connection.listener = Counting()
    await (connection.transmit(CLOSE) if by_event else connection.close(4000, "done"))
    assert offers == [0]
    assert len(server.offers) == 1
    await connection.close(4000, None)
    assert offers == [0]
    assert len(server.offers) == 1


async def test_time_of_expiry_is_told() -> None:
    """Each time that it is set it is told, also if it is set to `None`."""
    websocket = await FakeServer().accepted()
    connection_of(websocket).listener = listener = Noting()
    websocket.expires_at = time.time()
    websocket.expires_at = None
    assert listener.told == ["expiry", "expiry"]


async def test_listener_that_overrides_nothing_does_nothing() -> None:
    """Its methods are there, so that a listener overrides those of interest alone."""
    server = FakeServer()
    connection = await connection_in(S.HANDSHAKE, server)
    connection.listener = Listener()
    await connection.transmit(ACCEPT)
    await connection.transmit(SEND)
    connection.listener.on_expiry_set()
    connection.disconnected(DISCONNECT)
    await connection.close(1000, None)
    assert server.sent == [ACCEPT, SEND]


# A relay.


TELLS: dict[str, Callable[[Listener], None]] = {
    "accept": lambda listener: listener.on_accept(),
    "close": lambda listener: listener.on_close(),
    "disconnect": lambda listener: listener.on_disconnect(),
    "send": lambda listener: listener.on_send(),
    "sent": lambda listener: listener.on_sent(),
    "expiry": lambda listener: listener.on_expiry_set(),
}


@pytest.mark.parametrize("name", TELLS)
async def test_relay_passes_on_what_it_is_told(name: str) -> None:
    """The listener behind any number of relays is told the same, once."""
    direct, behind = Noting(), Noting()
    TELLS[name](direct)
    TELLS[name](Relay(Relay(behind)))
    assert behind.told == direct.told
    assert behind.told == [name]


async def test_every_method_of_a_listener_is_passed_on() -> None:
    """A relay overrides each method that a listener has."""
    methods = {name for name in vars(Listener) if name.startswith("on_")}
    assert methods <= vars(Relay).keys()
    assert methods <= vars(Noting).keys()


class Log(Relay):
    """Notes what it is told, and passes it on."""

    def __init__(self, behind: Listener, log: list[str]) -> None:
        super().__init__(behind)
        self.log = log

    def on_accept(self) -> None:
        self.log.append("accept")
        super().on_accept()

    def on_close(self) -> None:
        self.log.append("close")
        super().on_close()

    def on_disconnect(self) -> None:
        self.log.append("disconnect")
        super().on_disconnect()

    def on_expiry_set(self) -> None:
        self.log.append("expiry")
        super().on_expiry_set()


class Logged(Recording):
    """Has a log in front of its listener."""

    async def on_connect(self, websocket: WebSocket) -> None:
        connection = connection_of(websocket)
        assert connection.listener is not None
        connection.listener = Log(connection.listener, self.log)
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        match data:
            case "push":
                await self.push("x")
            case "expire":
                websocket.expires_at = time.time() + 3600
            case "expired":
                websocket.expires_at = 0
                await anyio.sleep_forever()
            case "sleep":
                await anyio.sleep_forever()
            case _:
                await websocket.close(4000)


async def test_relay_hears_what_happens_to_an_endpoint() -> None:
    """A relay that `on_connect` puts there is told of all that follows, and nothing is lost."""

    class Chat(Logged):
        pass

    server = FakeServer(CONNECT, text("push"), text("expire"), text("close"))
    endpoint = Chat(make_scope(), server.receive, server.send)
    await endpoint
    # The accept sets the time until the connection expires.
    assert Chat.log == ["accept", "expiry", "close", 4000]
    assert connection_of(endpoint.websocket).listener is None


async def test_limits_hold_behind_a_relay() -> None:
    """The endpoint behind it is told as well, and so closes a connection that expired."""

    class Chat(Logged):
        pass

    server = FakeServer(CONNECT, text("expired"))
    with anyio.fail_after(5):
        await Chat(make_scope(), server.receive, server.send)
    assert Chat.log[:2] == ["accept", "expiry"]
    assert Chat.log[-1] == 4401
    assert server.sent[-1]["code"] == 4401


async def test_disconnect_is_noticed_behind_a_relay() -> None:
    """A handler that waits is cancelled, as the class asks for."""

    class Chat(Logged):
        cancel_on_disconnect = True
        limits = Limits(grace=None)

    server = FakeServer(CONNECT, text("sleep"))
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await Chat(make_scope(), server.receive, server.send)

        tasks.start_soon(serve)
        await all_tasks_blocked()
        server.deliver(DISCONNECT)
    assert Chat.log == [*SENDING, "accept", "disconnect", 4001]
