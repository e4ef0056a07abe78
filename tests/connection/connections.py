"""A connection in each of its states, the events that may be sent, and a listener."""

from collections.abc import Generator
from typing import Any, Final

import anyio

from tests.connection.websocket_calls import cancelled
from tests.fake_server import CONNECT, DISCONNECT, FakeServer
from wsendpoints import ConnectionState
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.listener import Listener
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import ClientMessageError

__all__ = [
    "ACCEPT",
    "BODY",
    "CLOSE",
    "EVENTS",
    "NO_NUMBERS",
    "SEND",
    "START",
    "Noting",
    "S",
    "connection_in",
    "state_of",
]

S = ConnectionState
ACCEPT: Event = {"type": "websocket.accept"}
SEND: Event = {"type": "websocket.send", "text": "x"}
CLOSE: Event = {"type": "websocket.close", "code": 4000, "reason": "done"}
START: Event = {"type": "websocket.http.response.start", "status": 403, "headers": []}
BODY: Event = {"type": "websocket.http.response.body", "body": b""}


EVENTS: Final = {"accept": ACCEPT, "send": SEND, "close": CLOSE, "start": START, "body": BODY}
NO_NUMBERS: Final[list[Any]] = ["x", "1000", True, 1000.0, None]


def state_of(connection: Connection) -> ConnectionState:
    """Return the state; type checkers take the attribute for what an assertion found it to be."""
    return connection.state


async def connection_in(state: ConnectionState, server: FakeServer) -> Connection:
    """Return a connection on `server` that is in `state`, with nothing sent since."""
    connection = Connection(server.receive, server.send)
    if state is S.CONNECTING:
        return connection
    server.deliver(CONNECT)
    await connection.next_event()
    if state is S.DENYING:
        await connection.transmit(START)
    elif state is S.ACCEPTING:
        _begin_to_accept(connection)
    elif state is not S.HANDSHAKE:
        await connection.transmit(ACCEPT)
    match state:
        case S.BROKEN:
            server.gate = anyio.Event()
            await cancelled(lambda: connection.transmit(SEND))
            server.gate = None
        case S.CLOSED:
            await connection.close(4000, "done")
        case S.DISCONNECTED:
            server.deliver(DISCONNECT)
            await connection.next_event()
        case _:
            pass
    assert state_of(connection) is state
    server.sent.clear()
    server.offers.clear()
    server.receives = 0
    return connection


class _Endless:
    """An awaitable that nothing wakes."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def _begin_to_accept(connection: Connection) -> None:
    """Have the server hold the accept up; it goes on with what is sent after it."""

    async def hold(event: Event) -> None:
        await _Endless()

    send, connection.send = connection.send, hold
    accept = connection.transmit(ACCEPT)
    accept.send(None)
    connection.send = send
    # Held, since to drop it would end it.
    connection.at_end(accept.close)


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

    def on_told(self) -> None:
        self.told.append("told")

    def on_held_up(self) -> None:
        self.told.append("held up")

    def on_invalid(self, error: ClientMessageError) -> None:
        self.told.append("invalid")

    def on_expiry_set(self) -> None:
        self.told.append("expiry")
