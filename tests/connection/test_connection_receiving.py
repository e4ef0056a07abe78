"""What the server delivers, and how a disconnect is recorded."""

import anyio
import pytest

from tests.connection.connections import (
    NO_NUMBERS,
    SEND,
    S,
    connection_in,
    state_of,
)
from tests.connection.websocket_calls import cancelled, soon
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, binary, text
from wsendpoints import ConnectionState, InvalidStateError, ServerProtocolError, WebSocketDisconnect
from wsendpoints.connection.connection import Connection
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        (S.CONNECTING, {"websocket.connect", "websocket.disconnect"}),
        (S.HANDSHAKE, {"websocket.disconnect"}),
        (S.OPEN, {"websocket.receive", "websocket.disconnect"}),
        (S.BROKEN, {"websocket.receive", "websocket.disconnect"}),
        (S.DENYING, {"websocket.disconnect"}),
        (S.CLOSED, {"websocket.receive", "websocket.disconnect"}),
    ],
)
@pytest.mark.parametrize(
    "event",
    [
        pytest.param(CONNECT, id="connect"),
        pytest.param(text("x"), id="receive"),
        pytest.param(DISCONNECT, id="disconnect"),
        pytest.param({"type": "websocket.foo"}, id="unknown"),
        pytest.param({"type": 5}, id="no str"),
        pytest.param({}, id="no type"),
    ],
)
async def test_h17_h18_a_server_that_breaks_the_protocol(
    state: ConnectionState, allowed: set[str], event: Event
) -> None:
    """An event that may not come now raises what came and what was expected."""
    server = FakeServer()
    connection = await connection_in(state, server)
    server.deliver(event)
    if event.get("type") in allowed:
        assert await connection.next_event() is event
        return
    with pytest.raises(ServerProtocolError) as caught:
        await connection.next_event()
    assert str(caught.value).startswith(
        f"the server sent {event.get('type')!r} while the connection is {state.value}; expected '"
    )
    assert state_of(connection) is state


@pytest.mark.parametrize(
    ("given", "code"),
    [
        *[(code, code) for code in (1000, 1001, 1006, 1012, 1015, 3000, 4001, 4999)],
        pytest.param(1005, 1005, id="1005"),
        *[(code, 1005) for code in (0, 999, 5000, -1, 65536)],
        *[(code, 1005) for code in NO_NUMBERS],
    ],
)
async def test_h19_the_code_of_a_disconnect_is_a_number(given: object, code: int) -> None:
    """Anything that is no close code counts as a missing one, which is 1005."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    connection.received({"type": "websocket.disconnect", "code": given})
    assert connection.code == code
    assert type(connection.code) is int
    assert connection.disconnect_error().args == (code, "")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param({"reason": "bye"}, "bye", id="text"),
        pytest.param({"reason": None}, "", id="none"),
        pytest.param({"reason": b"bye"}, "", id="bytes"),
        pytest.param({}, "", id="missing"),
    ],
)
async def test_h19_a_disconnect_without_a_code(event: Event, reason: str) -> None:
    """Without a code it is 1005, and what is no text is no reason."""
    connection = await connection_in(S.OPEN, FakeServer())
    connection.received({"type": "websocket.disconnect", **event})
    assert connection.disconnect_error().args == (1005, reason)


async def test_nothing_is_received_after_the_disconnect() -> None:
    """Some servers never return from a further call, so there is none."""
    server = FakeServer()
    connection = await connection_in(S.DISCONNECTED, server)
    assert connection.is_drained
    with pytest.raises(InvalidStateError) as caught:
        await connection.next_event()
    assert str(caught.value) == "nothing can be received after 'websocket.disconnect'"
    assert server.receives == 0


async def test_the_disconnect_that_follows_our_close_changes_nothing() -> None:
    """How we closed it stays how it ended."""
    server = FakeServer()
    connection = await connection_in(S.CLOSED, server)
    server.deliver(text("x"), DISCONNECT)
    assert await connection.next_event() == text("x")
    assert await connection.next_event() == DISCONNECT
    assert state_of(connection) is S.CLOSED
    assert connection.is_drained
    assert connection.disconnect_error().args == (4000, "done")


async def test_f28_a_second_receiver_is_refused() -> None:
    """The first one gets the event, the second one an error."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    events: list[Event] = []

    async def receive() -> None:
        events.append(await connection.next_event())

    async with anyio.create_task_group() as tasks:
        await soon(tasks, receive)
        with pytest.raises(InvalidStateError) as caught:
            await connection.next_event()
        assert str(caught.value) == "another task is receiving from this connection already"
        server.deliver(text("x"))
    assert events == [text("x")]
    assert server.receives == 1


async def test_f29_a_cancelled_receive_loses_nothing() -> None:
    """The next one gets what the cancelled one would have got."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    await cancelled(connection.next_event)
    server.deliver(binary(b"x"))
    assert await connection.next_event() == binary(b"x")


async def test_a_receive_that_fails_does_not_bar_the_next() -> None:
    """What the server's `receive` raises is raised as it is."""
    failure = RuntimeError("broken")

    async def receive() -> Event:
        raise failure

    connection = Connection(receive, None)
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            await connection.next_event()
        assert caught.value is failure


async def test_a_disconnect_may_be_known_before_its_turn() -> None:
    """Sending ends at once; what came before the disconnect can be received after that."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    connection.disconnected(DISCONNECT)
    assert state_of(connection) is S.DISCONNECTED
    assert not connection.is_drained
    with pytest.raises(WebSocketDisconnect) as caught:
        await connection.transmit(SEND)
    assert caught.value.args == (4001, "bye")
    connection.received(text("before"))
    assert state_of(connection) is S.DISCONNECTED
    connection.received(DISCONNECT)
    assert connection.is_drained
    assert connection.disconnect_error().args == (4001, "bye")


@pytest.mark.parametrize("state", [S.CLOSED, S.DISCONNECTED])
async def test_a_connection_ends_once(state: ConnectionState) -> None:
    """A further disconnect does not change how it ended."""
    connection = await connection_in(state, FakeServer())
    before = connection.disconnect_error().args
    connection.disconnected({"type": "websocket.disconnect", "code": 1001, "reason": "again"})
    assert connection.disconnect_error().args == before
    assert state_of(connection) is state
