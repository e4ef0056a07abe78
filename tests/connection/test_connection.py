"""What may be sent when, by what it is sent, and what follows if that fails or is cancelled."""

from functools import partial
from itertools import product
from typing import Any

import anyio
import pytest

from tests.connection.connections import (
    ACCEPT,
    BODY,
    CLOSE,
    EVENTS,
    SEND,
    START,
    S,
    connection_in,
    state_of,
)
from tests.connection.websocket_calls import cancelled, soon
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.some_messages import Leave, Said
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConfigurationError,
    ConnectionState,
    InvalidStateError,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.websocket import connection_of
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio

SAID = '{"type":"said","text":"x"}'

# What may be sent when.

FOLLOWING = {
    (S.HANDSHAKE, "accept"): S.OPEN,
    (S.HANDSHAKE, "close"): S.CLOSED,
    (S.HANDSHAKE, "start"): S.DENYING,
    (S.DENYING, "body"): S.CLOSED,
    (S.ACCEPTING, "close"): S.CLOSED,
    (S.OPEN, "send"): S.OPEN,
    (S.OPEN, "close"): S.CLOSED,
    (S.BROKEN, "close"): S.CLOSED,
}


IN_TURN_OR_NOT = [pair for pair in product(S, EVENTS) if pair != (S.ACCEPTING, "send")]


@pytest.mark.parametrize(("state", "name"), IN_TURN_OR_NOT)
async def test_an_event_goes_out_in_its_turn_alone(state: ConnectionState, name: str) -> None:
    """An event that is out of turn raises, and the server does not see it."""
    server = FakeServer()
    connection = await connection_in(state, server)
    if following := FOLLOWING.get((state, name)):
        await connection.transmit(EVENTS[name])
        assert server.sent == [EVENTS[name]]
        assert state_of(connection) is following
        return
    has_ended = state is S.DISCONNECTED
    with pytest.raises(WebSocketDisconnect if has_ended else InvalidStateError) as caught:
        await connection.transmit(EVENTS[name])
    if has_ended:
        assert caught.value.args == (4001, "bye")
    assert server.offers == []
    assert state_of(connection) is state


@pytest.mark.parametrize("state", S)
async def test_whether_a_close_would_say_something(state: ConnectionState) -> None:
    """A connection can be closed while the peer waits for an answer, or takes it for open."""
    connection = await connection_in(state, FakeServer())
    assert connection.is_closable is (state in {S.HANDSHAKE, S.ACCEPTING, S.OPEN, S.BROKEN})


async def test_it_is_accepted_once_accept_was_sent() -> None:
    """The peer may take it for open from the moment that the accept is under way."""
    server = FakeServer(CONNECT)
    connection = Connection(server.receive, server.send)
    await connection.next_event()
    assert not connection.is_accepted
    await connection.transmit(ACCEPT)
    assert connection.is_accepted
    await connection.close(1000, None)
    assert connection.is_accepted


async def accepting(server: FakeServer) -> Connection:
    """Return a connection whose accept the server holds up, until its gate opens."""
    connection = await connection_in(S.HANDSHAKE, server)
    server.gate = anyio.Event()
    return connection


async def test_it_is_open_once_the_accept_is_sent() -> None:
    """What other tasks send meanwhile waits, and goes out after the accept, in order."""
    server = FakeServer()
    connection = await accepting(server)
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.transmit(ACCEPT))
        for data in ("first", "second"):
            await soon(tasks, partial(connection.transmit, {**SEND, "text": data}))
        assert server.offers == [ACCEPT]
        assert state_of(connection) is S.ACCEPTING
        assert server.gate is not None
        server.gate.set()
    assert server.sent == [ACCEPT, {**SEND, "text": "first"}, {**SEND, "text": "second"}]
    assert state_of(connection) is S.OPEN


@pytest.mark.parametrize(
    ("failure", "error", "state"),
    [
        pytest.param(OSError("gone"), WebSocketDisconnect, S.DISCONNECTED, id="a server's"),
        pytest.param(KeyError("x"), InvalidStateError, S.HANDSHAKE, id="a middleware's"),
    ],
)
async def test_accept_that_fails_is_the_end_of_those_that_wait(
    failure: Exception, error: type[Exception], state: ConnectionState
) -> None:
    """They are told what they would be told without having waited."""
    server = FakeServer()
    connection = await accepting(server)
    server.failure = failure

    async def accept() -> None:
        with pytest.raises(KeyError if isinstance(failure, KeyError) else WebSocketDisconnect):
            await connection.transmit(ACCEPT)

    async def push() -> None:
        with pytest.raises(error):
            await connection.transmit(SEND)

    async with anyio.create_task_group() as tasks:
        await soon(tasks, accept)
        await soon(tasks, push)
        assert server.gate is not None
        server.gate.set()
    assert server.offers == [ACCEPT]
    assert state_of(connection) is state


@pytest.mark.parametrize("how", ["cancelled", "closed", "disconnected"])
async def test_accept_that_is_given_up_wakes_those_that_wait(how: str) -> None:
    """They raise at once, also while the server still holds the accept up."""
    server = FakeServer()
    connection = await accepting(server)
    gate = server.gate
    assert gate is not None
    errors: list[str] = []

    async def push() -> None:
        try:
            await connection.transmit(SEND)
        except (InvalidStateError, WebSocketDisconnect) as exc:
            errors.append(str(exc))

    async with anyio.create_task_group() as tasks, anyio.create_task_group() as accepts:
        await soon(accepts, lambda: connection.transmit(ACCEPT))
        await soon(tasks, push)
        match how:
            case "cancelled":
                accepts.cancel_scope.cancel()
            case "closed":
                await soon(tasks, lambda: connection.close(4000, "done"))
                assert len(errors) == 1
            case _:
                connection.disconnected(DISCONNECT)
                await all_tasks_blocked()
                assert len(errors) == 1
        if how != "cancelled":
            gate.set()
    (error,) = errors
    assert SEND not in server.offers
    assert {
        "cancelled": "an earlier send was cancelled half-way",
        "closed": "it was closed by this side",
        "disconnected": "4001",
    }[how] in error


async def test_a_refusal_is_no_acceptance() -> None:
    """A connection that was refused was never accepted."""
    for refusal in (CLOSE, START):
        connection = await connection_in(S.HANDSHAKE, FakeServer())
        await connection.transmit(refusal)
        assert not connection.is_accepted


async def test_more_of_a_body_may_follow() -> None:
    """A response goes on until a part says that it is the last."""
    server = FakeServer()
    connection = await connection_in(S.DENYING, server)
    await connection.transmit({**BODY, "more_body": True})
    assert state_of(connection) is S.DENYING
    await connection.transmit(BODY)
    assert state_of(connection) is S.CLOSED


# A server whose `send` fails.


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(OSError("gone"), id="uvicorn"),
        pytest.param(RuntimeError("Unexpected ASGI message"), id="uvicorn, legacy"),
        pytest.param(Exception("Disconnected"), id="daphne"),
        pytest.param(ExceptionGroup("both", [OSError("gone")]), id="a group"),
        pytest.param(TimeoutError(), id="a timeout"),
        pytest.param(WebSocketDisconnect(4001, "bye"), id="another WebSocket, disconnected"),
        pytest.param(InvalidStateError("closed"), id="another WebSocket, closed"),
    ],
)
@pytest.mark.parametrize(
    ("state", "event"), [(S.HANDSHAKE, ACCEPT), (S.OPEN, SEND)], ids=["accept", "send"]
)
async def test_f07_whatever_send_raises_the_peer_disconnected(
    state: ConnectionState, event: Event, failure: Exception
) -> None:
    """A send that fails is a disconnect, with the server's exception as its cause."""
    server = FakeServer()
    connection = await connection_in(state, server)
    server.failure = failure
    with pytest.raises(WebSocketDisconnect) as caught:
        await connection.transmit(event)
    assert caught.value.args == (1006, "")
    assert caught.value.__cause__ is failure
    assert state_of(connection) is S.DISCONNECTED
    assert connection.is_accepted
    assert not connection.is_drained


@pytest.mark.parametrize(
    ("state", "event"), [(S.HANDSHAKE, ACCEPT), (S.OPEN, SEND)], ids=["accept", "send"]
)
async def test_what_a_middleware_raises_in_a_send_is_raised_as_it_is(
    state: ConnectionState, event: Event
) -> None:
    """It is no disconnect, and the event was not sent: it may be sent again."""
    server = FakeServer()
    connection = await connection_in(state, server)
    server.failure = KeyError("user")
    with pytest.raises(KeyError) as caught:
        await connection.transmit(event)
    assert caught.value is server.failure
    assert state_of(connection) is state
    assert connection.is_accepted is (state is S.OPEN)
    server.failure = None
    await connection.transmit(event)
    assert server.sent == [event]


async def test_f24_nothing_is_sent_after_a_send_that_failed() -> None:
    """The server is not asked again."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = OSError()
    for _ in range(3):
        with pytest.raises(WebSocketDisconnect):
            await connection.transmit(SEND)
    await connection.close(1000, None)
    assert server.offers == [SEND]


async def test_the_disconnect_that_follows_a_failed_send_tells_the_code() -> None:
    """What the peer had sent before is received first, then the code of its disconnect."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = OSError()
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(SEND)
    server.deliver(text("last words"), DISCONNECT)
    assert await connection.next_event() == text("last words")
    assert (connection.code, connection.reason) == (1006, "")
    assert await connection.next_event() == DISCONNECT
    assert (connection.code, connection.reason) == (4001, "bye")
    assert connection.is_drained


async def test_two_sends_that_fail_tell_the_same() -> None:
    """Of several pending sends, each raises the same disconnect."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate, server.failure = anyio.Event(), OSError()
    raised: list[WebSocketDisconnect] = []

    async def send() -> None:
        with pytest.raises(WebSocketDisconnect) as caught:
            await connection.transmit(SEND)
        raised.append(caught.value)

    async with anyio.create_task_group() as tasks:
        await soon(tasks, send)
        await soon(tasks, send)
        server.gate.set()
    assert [exc.args for exc in raised] == [(1006, "")] * 2


async def test_a_send_that_fails_after_the_disconnect_tells_the_code_of_that() -> None:
    """A send that was under way when the disconnect came raises what the disconnect said."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate, server.failure = anyio.Event(), OSError()

    async def send() -> None:
        with pytest.raises(WebSocketDisconnect) as caught:
            await connection.transmit(SEND)
        assert caught.value.args == (4001, "bye")

    async with anyio.create_task_group() as tasks:
        await soon(tasks, send)
        server.deliver(DISCONNECT)
        await connection.next_event()
        server.gate.set()
    assert state_of(connection) is S.DISCONNECTED


async def test_f10_a_send_that_fails_after_our_close_leaves_the_code_of_that() -> None:
    """A send that blocks until we close a slow client's connection raises how we closed it."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate, server.failure = anyio.Event(), OSError()

    async def send() -> None:
        with pytest.raises(WebSocketDisconnect) as caught:
            await connection.transmit(SEND)
        assert caught.value.args == (1013, "too slow")

    async with anyio.create_task_group() as tasks:
        await soon(tasks, send)
        await soon(tasks, lambda: connection.close(1013, "too slow"))
        assert state_of(connection) is S.CLOSED
        server.gate.set()
    assert state_of(connection) is S.CLOSED
    assert (connection.code, connection.reason) == (1013, "too slow")


async def test_f08_a_server_that_swallows_sends_is_believed_until_the_disconnect() -> None:
    """Where `send` stays silent, the disconnect alone tells that the connection ended."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.deliver(DISCONNECT)
    await connection.transmit(SEND)
    await connection.next_event()
    with pytest.raises(WebSocketDisconnect):
        await connection.transmit(SEND)
    assert server.offers == [SEND]


# A send that is cancelled.


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        pytest.param(S.HANDSHAKE, ACCEPT, S.BROKEN, id="accept"),
        pytest.param(S.OPEN, SEND, S.BROKEN, id="send"),
        pytest.param(S.OPEN, CLOSE, S.CLOSED, id="close"),
        pytest.param(S.HANDSHAKE, CLOSE, S.CLOSED, id="refusal"),
        pytest.param(S.HANDSHAKE, START, S.DENYING, id="response"),
        pytest.param(S.DENYING, BODY, S.CLOSED, id="body"),
    ],
)
async def test_a_cancelled_send(
    state: ConnectionState, event: Event, after: ConnectionState
) -> None:
    """How much of it was sent is not known, so the state is never what it was before."""
    server = FakeServer()
    connection = await connection_in(state, server)
    server.gate = anyio.Event()
    await cancelled(lambda: connection.transmit(event))
    assert server.offers == [event]
    assert state_of(connection) is after
    assert connection.is_accepted is (event is ACCEPT or state is S.OPEN)


async def test_a_broken_connection_goes_on_receiving() -> None:
    """A send that was cancelled does not keep messages, or the disconnect, from being received."""
    server = FakeServer()
    connection = await connection_in(S.BROKEN, server)
    server.deliver(text("x"), DISCONNECT)
    assert await connection.next_event() == text("x")
    assert state_of(connection) is S.BROKEN
    await connection.next_event()
    assert state_of(connection) is S.DISCONNECTED


async def test_a_send_beside_one_that_was_cancelled_ends_as_the_server_has_it() -> None:
    """A send that was under way already is completed by the server."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.transmit(SEND))
        await cancelled(lambda: connection.transmit(SEND))
        assert state_of(connection) is S.BROKEN
        server.gate.set()
    assert server.sent == [SEND]
    assert state_of(connection) is S.BROKEN


# A connection that lacks one direction.


async def test_without_a_receive() -> None:
    """Nothing can be received, and the error says why."""
    connection = Connection(None, FakeServer().send)
    with pytest.raises(InvalidStateError) as caught:
        await connection.next_event()
    assert str(caught.value) == "this WebSocket was made without a `receive`: it can't receive"
    assert state_of(connection) is S.CONNECTING


@pytest.mark.parametrize("name", ["accept", "close", "start"])
async def test_without_a_send(name: str) -> None:
    """Nothing can be sent, and the error says why; the state stays as it was."""
    connection = Connection(FakeServer(CONNECT).receive, None)
    await connection.next_event()
    with pytest.raises(InvalidStateError) as caught:
        await connection.transmit(EVENTS[name])
    assert str(caught.value) == "this WebSocket was made without a `send`: it can't send"
    with pytest.raises(InvalidStateError):
        await connection.close(1000, None)
    assert state_of(connection) is S.HANDSHAKE
    assert not connection.is_accepted


# What sends its messages.


@pytest.mark.parametrize(
    ("message", "event"),
    [
        pytest.param("x", SEND, id="str"),
        pytest.param(b"x", {"type": "websocket.send", "bytes": b"x"}, id="bytes"),
        pytest.param(Said(text="x"), {"type": "websocket.send", "text": SAID}, id="model"),
        pytest.param([None], {"type": "websocket.send", "text": "[null]"}, id="value"),
    ],
)
async def test_any_message_is_encoded_where_no_class_declares_any(
    message: Any, event: Event
) -> None:
    """A WebSocket that is used alone sends a str or bytes as a frame, and other values as JSON."""
    websocket = FakeServer().websocket()
    assert connection_of(websocket).encode(message) == event


async def test_connection_of_an_endpoint_encodes_what_its_class_declares() -> None:
    """The WebSocket of an endpoint sends what the endpoint itself can send."""

    class Chat(WebSocketEndpoint):
        encoding = "json"
        sends = Said

    server = FakeServer()
    connection = connection_of(Chat(make_scope(), server.receive, server.send).websocket)
    assert connection.encode(Said(text="x")) == {"type": "websocket.send", "text": SAID}
    with pytest.raises(
        ConfigurationError, match="Chat sends a message of type Leave, but declares"
    ):
        connection.encode(Leave())


async def test_another_send_may_take_the_place_of_the_servers() -> None:
    """It is looked up for each send, so that an outbox can take its place between two sends."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    queue: list[Event] = []

    async def put(event: Event) -> None:
        queue.append(event)

    await connection.transmit(SEND)
    connection.send = put
    await connection.transmit(SEND)
    await connection.close(4000, "done")
    assert server.sent == [SEND]
    assert queue == [SEND, CLOSE]


async def test_send_that_was_cancelled_before_it_began_breaks_nothing() -> None:
    """Whoever holds it back says so: nothing of it went out. The next one may break it."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    send, is_held = connection.send, True

    async def hold(event: Event) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            connection.is_unsent = is_held

    connection.send = hold
    await cancelled(lambda: connection.transmit(SEND))
    assert state_of(connection) is S.OPEN
    assert not connection.sends.are_under_way
    is_held = False
    await cancelled(lambda: connection.transmit(SEND))
    assert state_of(connection) is S.BROKEN
    connection.send = send
