"""A listener does what it overrides, and a relay in front of it passes all on."""

import time
from collections.abc import Callable

import anyio
import pytest

from tests.connection.connections import ACCEPT, SEND, Noting, S, connection_in
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket
from wsendpoints.connection.listener import Listener, Relay
from wsendpoints.connection.websocket import connection_of

pytestmark = pytest.mark.anyio


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
    assert Chat.log == ["accept", "disconnect", 4001]
