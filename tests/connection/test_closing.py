"""A close goes out with a code that the server takes, and what it says of it is no concern."""

import logging

import pytest

from tests.connection.connections import ACCEPT, S, connection_in, state_of
from tests.fake_server import CONNECT, FakeServer
from wsendpoints.connection.closing import send_close
from wsendpoints.connection.connection import Connection

pytestmark = pytest.mark.anyio


async def test_what_is_between_this_and_the_server_may_fail() -> None:
    """Its exception is raised, and no other code is tried."""
    server = FakeServer()
    server.failure = KeyError("user")
    with pytest.raises(KeyError):
        await send_close(server.send, 1011, "why", {})
    assert server.offers == [{"type": "websocket.close", "code": 1011, "reason": "why"}]


async def test_an_error_of_the_servers_close_is_no_concern(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A close after the peer disconnected counts as done."""
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
