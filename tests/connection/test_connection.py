"""A connection's state over a server that does what servers do."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, binary, text
from wsendpoints import (
    CloseCode,
    ConnectionState,
    InvalidStateError,
    ServerProtocolError,
    WebSocketDisconnect,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.listener import Listener
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.events import close_event

pytestmark = pytest.mark.anyio

S = ConnectionState
ACCEPT: Event = {"type": "websocket.accept"}
SEND: Event = {"type": "websocket.send", "text": "x"}
CLOSE: Event = {"type": "websocket.close", "code": 4000, "reason": "done"}
START: Event = {"type": "websocket.http.response.start", "status": 403, "headers": []}
BODY: Event = {"type": "websocket.http.response.body", "body": b""}


Call = Callable[[], Coroutine[Any, Any, object]]


def state_of(connection: Connection) -> ConnectionState:
    """Return the state; type checkers take the attribute for what an assertion found it to be."""
    return connection.state


async def cancelled(call: Call) -> None:
    """Call, and cancel the call once it waits."""
    async with anyio.create_task_group() as tasks:
        await soon(tasks, call)
        tasks.cancel_scope.cancel()


async def soon(tasks: TaskGroup, call: Call) -> None:
    """Call in a task of its own, and return once it waits, or has ended."""
    tasks.start_soon(call)
    await anyio.wait_all_tasks_blocked()


async def connection_in(state: ConnectionState, server: FakeServer) -> Connection:
    """Return a connection on `server` that is in `state`, with nothing sent since."""
    connection = Connection(server.receive, server.send)
    if state is S.CONNECTING:
        return connection
    server.deliver(CONNECT)
    await connection.next_event()
    if state is S.DENYING:
        await connection.transmit(START)
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


# What may be sent when.

FOLLOWING = {
    (S.HANDSHAKE, "accept"): S.OPEN,
    (S.HANDSHAKE, "close"): S.CLOSED,
    (S.HANDSHAKE, "start"): S.DENYING,
    (S.DENYING, "body"): S.CLOSED,
    (S.OPEN, "send"): S.OPEN,
    (S.OPEN, "close"): S.CLOSED,
    (S.BROKEN, "close"): S.CLOSED,
}
EVENTS = {"accept": ACCEPT, "send": SEND, "close": CLOSE, "start": START, "body": BODY}


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", S)
async def test_an_event_goes_out_in_its_turn_alone(state: ConnectionState, name: str) -> None:
    """An event that is out of turn raises, and the server does not see it."""
    server = FakeServer()
    connection = await connection_in(state, server)
    if following := FOLLOWING.get((state, name)):
        await connection.transmit(EVENTS[name])
        assert server.sent == [EVENTS[name]]
        assert state_of(connection) is following
        return
    is_left = state is S.DISCONNECTED
    with pytest.raises(WebSocketDisconnect if is_left else InvalidStateError) as caught:
        await connection.transmit(EVENTS[name])
    if is_left:
        assert caught.value.args == (4001, "bye")
    assert server.offers == []
    assert state_of(connection) is state


@pytest.mark.parametrize("state", S)
async def test_whether_a_close_would_say_something(state: ConnectionState) -> None:
    """A connection can be closed while the peer waits for an answer, or takes it for open."""
    connection = await connection_in(state, FakeServer())
    assert connection.is_closable is (state in {S.HANDSHAKE, S.OPEN, S.BROKEN})


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
        pytest.param(WebSocketDisconnect(4001, "bye"), id="another WebSocket, left"),
        pytest.param(InvalidStateError("closed"), id="another WebSocket, closed"),
    ],
)
@pytest.mark.parametrize(
    ("state", "event"), [(S.HANDSHAKE, ACCEPT), (S.OPEN, SEND)], ids=["accept", "send"]
)
async def test_f07_whatever_send_raises_the_peer_left(
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
    """What the peer had sent before is received still, then how it left."""
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
    """Of several sends that are under way when the peer leaves, each raises how it left."""
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
    """Where `send` stays silent, the disconnect alone tells that the peer left."""
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
    """Nobody knows how much of it went out, so the state is never what it was before."""
    server = FakeServer()
    connection = await connection_in(state, server)
    server.gate = anyio.Event()
    await cancelled(lambda: connection.transmit(event))
    assert server.offers == [event]
    assert state_of(connection) is after
    assert connection.is_accepted is (event is ACCEPT or state is S.OPEN)


async def test_a_broken_connection_receives_still() -> None:
    """What the peer sent is there to be received, and its disconnect."""
    server = FakeServer()
    connection = await connection_in(S.BROKEN, server)
    server.deliver(text("x"), DISCONNECT)
    assert await connection.next_event() == text("x")
    assert state_of(connection) is S.BROKEN
    await connection.next_event()
    assert state_of(connection) is S.DISCONNECTED


async def test_a_send_beside_one_that_was_cancelled_ends_as_the_server_has_it() -> None:
    """A send that was under way already is the server's business."""
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


# Closing.


@pytest.mark.parametrize("state", S)
async def test_f25_a_close_says_something_new_or_nothing(state: ConnectionState) -> None:
    """It is sent where the peer does not know yet, and does nothing anywhere else."""
    server = FakeServer()
    connection = await connection_in(state, server)
    server.deliver(CONNECT)
    await connection.close(4000, "done")
    if state in {S.DENYING, S.CLOSED, S.DISCONNECTED}:
        assert server.offers == []
        assert state_of(connection) is state
    else:
        assert server.sent == [CLOSE]
        assert state_of(connection) is S.CLOSED
        assert (connection.code, connection.reason) == (4000, "done")


async def test_f25_of_two_tasks_that_close_the_first_wins() -> None:
    """Exactly one close event goes out, and the other task goes on at once."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.close(4000, "done"))
        await connection.close(4001, "late")
        server.gate.set()
    assert server.offers == [CLOSE]
    assert (connection.code, connection.reason) == (4000, "done")


async def test_a_close_waits_for_the_client_to_ask() -> None:
    """A connection is refused once the client has asked for one."""
    server = FakeServer()
    connection = Connection(server.receive, server.send)
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.close(4000, "done"))
        assert server.offers == []
        server.deliver(CONNECT)
    assert server.sent == [CLOSE]


async def test_f05_a_client_that_left_before_it_asked_is_not_refused() -> None:
    """With the disconnect in place of the connect, there is nobody to refuse."""
    server = FakeServer(DISCONNECT)
    connection = Connection(server.receive, server.send)
    await connection.close(4000, "done")
    assert server.offers == []
    assert state_of(connection) is S.DISCONNECTED


OUT_OF_RANGE = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536, -1]
NO_NUMBERS: list[Any] = ["x", "1000", True, 1000.0, None]


@pytest.mark.parametrize("code", OUT_OF_RANGE + NO_NUMBERS)
@pytest.mark.parametrize("state", S)
async def test_h06_a_code_that_may_not_be_sent(state: ConnectionState, code: Any) -> None:
    """It raises in every state, and nothing happens to the connection."""
    server = FakeServer()
    connection = await connection_in(state, server)
    with pytest.raises(ValueError, match="is no close code that may be sent"):
        await connection.close(code, None)
    assert server.offers == []
    assert server.receives == 0
    assert state_of(connection) is state


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 4999])
async def test_h06_a_code_that_may_be_sent(code: int) -> None:
    """It goes out, and stays with the connection."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    await connection.close(CloseCode(code) if code < 3000 else code, None)
    assert server.sent == [{"type": "websocket.close", "code": code, "reason": ""}]
    assert type(server.sent[0]["code"]) is int
    assert connection.code == code


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        pytest.param(None, "", id="none"),
        pytest.param("", "", id="empty"),
        pytest.param("a" * 123, "a" * 123, id="fits"),
        pytest.param("a" * 124, "a" * 123, id="one too many"),
        pytest.param("é" * 62, "é" * 61, id="within a character"),
        pytest.param("a" * 122 + "é", "a" * 122, id="the last of two bytes"),
        pytest.param("\ud800!", "?!", id="a lone surrogate"),
    ],
)
async def test_h07_a_reason_is_cut_between_characters(reason: str | None, cut: str) -> None:
    """What fits into 123 bytes of UTF-8 goes out, and stays with the connection."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    await connection.close(1000, reason)
    assert server.sent == [{"type": "websocket.close", "code": 1000, "reason": cut}]
    assert connection.reason == cut


@pytest.mark.parametrize("reason", [b"bye", 5, 0, ["bye"]])
def test_h07_a_reason_is_text(reason: object) -> None:
    """Anything but a str or nothing is a mistake of the caller's."""
    with pytest.raises(TypeError) as caught:
        close_event(1000, reason)
    assert str(caught.value) == f"the reason of a close is a str, not {type(reason).__name__}"


async def test_an_error_of_the_servers_close_is_no_concern(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A close of a connection that the peer left already is done."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = BrokenPipeError("gone")
    await connection.close(1011, None)
    assert len(server.offers) == 1
    assert state_of(connection) is S.CLOSED
    assert connection.code == 1011
    assert caplog.messages == ["close: the peer disconnected before: BrokenPipeError"]


@pytest.mark.parametrize("code", [1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014])
async def test_a_code_that_daphne_refuses_is_sent_as_another(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """1011 goes out as 4011, and so on; for this side it stays 1011."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure, server.refused_codes = Exception("no"), range(1001, 3000)
    await connection.close(code, "why")
    assert server.sent == [{"type": "websocket.close", "code": code + 3000, "reason": "why"}]
    assert connection.code == code
    line = f"close: the server refuses code {code}, sending {code + 3000}"
    assert caplog.messages == [line]


@pytest.mark.parametrize(("code", "tries"), [(1000, 1), (1011, 2), (3000, 1), (4011, 1)])
async def test_a_server_that_cannot_close_is_let_be(
    code: int, tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no code helps, the connection counts as closed, and nothing is raised."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = Exception("no")
    await connection.close(code, None)
    assert len(server.offers) == tries
    assert state_of(connection) is S.CLOSED
    assert caplog.messages[-1] == "close: the server can't: Exception"


async def test_a_close_that_comes_too_late_is_sent_once() -> None:
    """A server that says so of a connection that ended is not tried with another code."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = RuntimeError("after the disconnect")
    await connection.close(1003, None)
    assert len(server.offers) == 1


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

    class Noting(Listener):
        def on_close(self) -> None:
            offers.append(len(server.offers))

    connection.listener = Noting()
    await (connection.transmit(CLOSE) if by_event else connection.close(4000, "done"))
    assert offers == [0]
    assert len(server.offers) == 1
    assert state_of(connection) is S.CLOSED
    await connection.close(4000, None)
    assert offers == [0]
    assert len(server.offers) == 1


async def test_f26_a_close_is_bounded_and_not_cancelled() -> None:
    """A server that waits for a silent peer is waited for no longer than `close_timeout`."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate = anyio.Event()
    connection.listener, connection.close_timeout = Listener(), 0.01
    with anyio.CancelScope() as scope:
        scope.cancel()
        await connection.close(1000, None)
    assert len(server.offers) == 1
    assert state_of(connection) is S.CLOSED


@pytest.mark.parametrize("code", [1001, 1011, 1014])
async def test_daphne_is_known_by_its_scope(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """A framework between us and daphne allows no second try, so the first code is right."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    server = FakeServer(CONNECT)
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "path": "/",
        "raw_path": b"/",
        "client": ["127.0.0.1", 1],
    }
    connection = Connection(server.receive, server.send, scope)
    await connection.next_event()
    await connection.transmit(ACCEPT)
    await connection.close(code, None)
    assert server.sent[-1] == {"type": "websocket.close", "code": code + 3000, "reason": ""}
    assert connection.code == code
    assert caplog.messages == [f"close: the server refuses code {code}, sending {code + 3000}"]


# What the server delivers.


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
    """A code that is none counts as not given; one that a server gave as not given is 1006."""
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


async def test_a_reader_may_know_of_the_disconnect_before_its_turn() -> None:
    """`left` ends the sending at once; what came before can be received still."""
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
