"""What a connection tells a listener, and when."""

import time
from functools import partial

import anyio
import pytest

from tests.connection.connections import ACCEPT, CLOSE, SEND, START, Noting, S, connection_in
from tests.connection.websocket_calls import cancelled, soon
from tests.fake_server import DISCONNECT, FakeServer
from wsendpoints import (
    ConnectionState,
    InvalidStateError,
    WebSocketDisconnect,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.listener import Listener
from wsendpoints.connection.sends import Sends
from wsendpoints.connection.websocket import connection_of
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio


async def listened(state: ConnectionState, server: FakeServer) -> tuple[Connection, Noting]:
    """Return a connection in a state, and its listener."""
    connection = await connection_in(state, server)
    connection.listen(listener := Noting())
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
    connection.stop_listening(listener)
    connection.tells_sent = True
    await connection.transmit(SEND)
    assert listener.told == ["sent", "send"]


async def test_sends_that_are_under_way_are_known() -> None:
    """By when they began, whether they wait or not."""
    server = FakeServer()
    connection, listener = await listened(S.OPEN, server)
    server.gate = anyio.Event()
    assert connection.mark_sends() is None
    marked: list[Sends | None] = []
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.transmit(SEND))
        await soon(tasks, lambda: connection.transmit(SEND))
        assert listener.told == ["send", "send"]
        marked += connection.mark_sends(), connection.mark_sends()
        assert [sends and sends.under_way for sends in marked] == [2, 2]
        server.gate.set()
    assert listener.told == ["send", "send", "sent", "sent"]
    assert [sends and sends.are_under_way for sends in marked] == [False, False]
    assert connection.mark_sends() is None


@pytest.mark.parametrize(
    ("state", "event"),
    [pytest.param(S.OPEN, SEND, id="message"), pytest.param(S.HANDSHAKE, ACCEPT, id="accept")],
)
async def test_send_that_fails_or_is_cancelled_has_ended(
    state: ConnectionState, event: Event
) -> None:
    """However a send ends, its end is told; an accept that was not sent is not told as one.

    Before that it is told that an exception tells of the disconnect.
    """
    server = FakeServer()
    connection, listener = await listened(state, server)
    server.failure = OSError("gone")
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(event)
    assert listener.told == ["send", "disconnect", "told", "sent"]

    server = FakeServer()
    connection, listener = await listened(state, server)
    server.gate = anyio.Event()
    await cancelled(partial(connection.transmit, event))
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
    assert listener.told == ["send", "disconnect", "told", "sent", "disconnect"]
    connection.disconnected(DISCONNECT)
    assert listener.told == ["send", "disconnect", "told", "sent", "disconnect"]

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

    connection.listen(Counting())
    await (connection.transmit(CLOSE) if by_event else connection.close(4000, "done"))
    assert offers == [0]
    assert len(server.offers) == 1
    await connection.close(4000, None)
    assert offers == [0]
    assert len(server.offers) == 1


async def test_time_of_expiry_is_told() -> None:
    """Each time that it is set it is told, also if it is set to `None`."""
    websocket = await FakeServer().accepted()
    connection_of(websocket).listen(listener := Noting())
    websocket.expires_at = time.time()
    websocket.expires_at = None
    assert listener.told == ["expiry", "expiry"]
