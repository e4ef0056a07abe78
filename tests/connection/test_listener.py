"""A listener does what it overrides, and any number may listen."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

import anyio
import pytest

from tests.connection.connections import ACCEPT, SEND, Noting, S, connection_in
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ClientMessageError, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.listener import Listener
from wsendpoints.connection.websocket import connection_of

pytestmark = pytest.mark.anyio


async def test_listener_that_overrides_nothing_does_nothing() -> None:
    """Its methods are there, so that a listener overrides those of interest alone."""
    server = FakeServer()
    connection = await connection_in(S.HANDSHAKE, server)
    connection.listen(Listener())
    await connection.transmit(ACCEPT)
    await connection.transmit(SEND)
    connection.expire_at(None)
    connection.disconnected(DISCONNECT)
    await connection.close(1000, None)
    assert server.sent == [ACCEPT, SEND]


TELLS: dict[str, Callable[[Connection], object]] = {
    "disconnect": lambda connection: connection.disconnected(DISCONNECT),
    "expiry": lambda connection: connection.expire_at(1.0),
}


@pytest.mark.parametrize("name", TELLS)
async def test_all_that_listen_are_told_in_their_order(name: str) -> None:
    """Any number may listen, each from when it asks for it until it asks for no more."""
    connection = await connection_in(S.OPEN, FakeServer())
    first, second, gone = Noting(), Noting(), Noting()
    first.told = second.told
    for listener in (first, gone, second):
        connection.listen(listener)
    connection.stop_listening(gone)
    TELLS[name](connection)
    assert second.told == [name, name]
    assert gone.told == []


async def test_listener_tells_what_it_is_told() -> None:
    """The one of these tests notes each method that a listener has."""
    methods = {name for name in vars(Listener) if name.startswith("on_")}
    assert methods <= vars(Noting).keys()


class Log(Listener):
    """Notes what it is told."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def on_accept(self) -> None:
        self.log.append("accept")

    def on_close(self) -> None:
        self.log.append("close")

    def on_disconnect(self) -> None:
        self.log.append("disconnect")

    def on_invalid(self, error: ClientMessageError) -> None:
        self.log.append(type(error).__name__)

    def on_expiry_set(self) -> None:
        self.log.append("expiry")


class Logged(Recording):
    """Has a log that listens."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        connection_of(self.websocket).listen(Log(self.log))

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
            case "fail":
                raise DeliberateError
            case _:
                await websocket.close(4000)


class DeliberateError(Exception):
    """Raised by a handler."""


async def test_listener_hears_what_happens_to_an_endpoint() -> None:
    """One that is there from the beginning is told of all, and the endpoint listens as well."""

    class Chat(Logged):
        pass

    server = FakeServer(CONNECT, text("push"), text("expire"), text("close"))
    await Chat(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "accept", "expiry", "close", 4000]


async def test_listener_hears_of_what_a_client_does_wrong() -> None:
    """Before the endpoint is."""

    class Chat(Logged):
        encoding = "json"

    server = FakeServer(CONNECT, text("{"))
    await Chat(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "accept", "InvalidDataError", "invalid", "close", 1007]


async def test_listener_hears_of_the_last_close() -> None:
    """The endpoint has ended by then, and closes the connection for it."""

    class Chat(Logged):
        pass

    server = FakeServer(CONNECT, text("fail"))
    with pytest.raises(DeliberateError):
        await Chat(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "accept", "close", 1011]


async def test_listener_hears_of_a_client_that_says_nothing() -> None:
    """Until the first message no conversation is held."""

    class Quiet(WebSocketEndpoint):
        log: ClassVar[list[str]] = []

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            connection_of(self.websocket).listen(Log(self.log))

    server = FakeServer(CONNECT, DISCONNECT)
    await Quiet(make_scope(), server.receive, server.send)
    assert Quiet.log == ["accept", "disconnect"]


async def test_limits_hold_beside_another_listener() -> None:
    """The endpoint is told as well, and so closes a connection that expired."""

    class Chat(Logged):
        pass

    server = FakeServer(CONNECT, text("expired"))
    with anyio.fail_after(5):
        await Chat(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "accept", "expiry", "close", 4401]
    assert server.sent[-1]["code"] == 4401


async def test_disconnect_is_noticed_beside_another_listener() -> None:
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
    assert Chat.log == ["connect", "accept", "disconnect", 4001]
