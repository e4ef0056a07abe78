"""A close goes out once, with a code that the server takes, and within its time."""

from typing import Any

import anyio
import pytest

from tests.connection.connections import (
    CLOSE,
    NO_NUMBERS,
    SEND,
    S,
    connection_in,
    state_of,
)
from tests.connection.websocket_calls import soon
from tests.fake_server import CONNECT, DISCONNECT, FakeServer
from wsendpoints import CloseCode, ConnectionState, InvalidStateError, WebSocketDisconnect
from wsendpoints.connection.connection import Connection
from wsendpoints.protocol.events import close_event

pytestmark = pytest.mark.anyio


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


async def test_what_a_middleware_raises_in_a_close_is_raised_as_it_is() -> None:
    """No other code is tried, and the connection counts as closed."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.failure = KeyError("user")
    with pytest.raises(KeyError) as caught:
        await connection.close(1011, None)
    assert caught.value is server.failure
    assert [event["code"] for event in server.offers] == [1011]
    assert state_of(connection) is S.CLOSED


@pytest.mark.parametrize("state", S)
async def test_an_end_is_a_close_that_the_application_need_not_know_of(
    state: ConnectionState,
) -> None:
    """A task that sends after it gets a disconnect; after a close of its own, it is out of turn."""
    server = FakeServer()
    connection = await connection_in(state, server)
    await connection.end(1013, "too slow")
    if state in {S.HANDSHAKE, S.ACCEPTING, S.OPEN, S.BROKEN}:
        assert server.sent == [{"type": "websocket.close", "code": 1013, "reason": "too slow"}]
        with pytest.raises(WebSocketDisconnect) as caught:
            await connection.transmit(SEND)
        assert caught.value.args == (1013, "too slow")
    else:
        assert server.offers == []
        assert state_of(connection) is state
        disconnected = state is S.DISCONNECTED
        with pytest.raises(WebSocketDisconnect if disconnected else InvalidStateError):
            await connection.transmit(SEND)


async def test_a_close_waits_for_the_client_to_ask() -> None:
    """A connection is refused once the client has asked for one."""
    server = FakeServer()
    connection = Connection(server.receive, server.send)
    async with anyio.create_task_group() as tasks:
        await soon(tasks, lambda: connection.close(4000, "done"))
        assert server.offers == []
        server.deliver(CONNECT)
    assert server.sent == [CLOSE]


async def test_f05_a_client_that_disconnected_before_it_asked_is_not_refused() -> None:
    """With the disconnect in place of the connect, there is no client to refuse."""
    server = FakeServer(DISCONNECT)
    connection = Connection(server.receive, server.send)
    await connection.close(4000, "done")
    assert server.offers == []
    assert state_of(connection) is S.DISCONNECTED


OUT_OF_RANGE = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536, -1]


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


async def test_f26_a_close_is_bounded_and_not_cancelled() -> None:
    """A server that waits for a silent peer is waited for no longer than `close_timeout`."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    server.gate = anyio.Event()
    connection.close_timeout = 0.01
    with anyio.CancelScope() as scope:
        scope.cancel()
        await connection.close(1000, None)
    assert len(server.offers) == 1
    assert state_of(connection) is S.CLOSED
