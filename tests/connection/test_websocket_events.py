"""Raw ASGI events: they are checked and completed, and change the state as the methods do."""

from collections.abc import Coroutine
from types import MappingProxyType
from typing import Any

import pytest

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, text
from wsendpoints import ConnectionState, InvalidStateError
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio

S = ConnectionState


def ids(values: list[Any]) -> list[str]:
    """Return a name for each value."""
    return [repr(value)[:40] for value in values]


async def test_raw_events_keep_the_state_right() -> None:
    """A conversation in raw events sends what one by methods sends, and has the same states."""
    server = FakeServer(CONNECT, text("x"), DISCONNECT)
    websocket = server.websocket(subprotocols=["v1"])
    states: list[ConnectionState] = [websocket.connection_state]

    async def step(call: Coroutine[Any, Any, Event | None]) -> Event | None:
        result = await call
        states.append(websocket.connection_state)
        return result

    assert await step(websocket.receive()) == CONNECT
    await step(
        websocket.send(
            {"type": "websocket.accept", "subprotocol": "v1", "headers": [("X-A", "b")]},
        )
    )
    await step(websocket.send({"type": "websocket.send", "text": "a", "bytes": None}))
    await step(websocket.send({"type": "websocket.send", "bytes": bytearray(b"b")}))
    assert await step(websocket.receive()) == text("x")
    assert await step(websocket.receive()) == DISCONNECT
    assert states == [S.CONNECTING, S.HANDSHAKE, *[S.OPEN] * 4, S.DISCONNECTED]
    assert websocket.subprotocol == "v1"
    assert server.sent == [
        {"type": "websocket.accept", "subprotocol": "v1", "headers": [(b"x-a", b"b")]},
        {"type": "websocket.send", "text": "a", "bytes": None},
        {"type": "websocket.send", "bytes": b"b"},
    ]
    with pytest.raises(InvalidStateError, match="nothing can be received after"):
        await websocket.receive()


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        pytest.param({}, {"code": 1000, "reason": ""}, id="bare"),
        pytest.param({"code": 4000}, {"code": 4000, "reason": ""}, id="code"),
        pytest.param({"code": 1001, "reason": None}, {"code": 1001, "reason": ""}, id="None"),
        pytest.param(
            {"code": 1001, "reason": "x" * 200}, {"code": 1001, "reason": "x" * 123}, id="long"
        ),
    ],
)
@pytest.mark.parametrize("is_open", [False, True], ids=["handshake", "open"])
async def test_a_raw_close(event: Event, sent: Event, is_open: bool) -> None:
    """A raw close gets the code and reason that it lacks, and closes as `close` does."""
    server = FakeServer(CONNECT)
    if is_open:
        websocket = await FakeServer.accepted(server)
    else:
        websocket = server.websocket()
        await websocket.receive()
    await websocket.send({"type": "websocket.close", **event})
    assert server.sent == [{"type": "websocket.close", **sent}]
    assert websocket.connection_state is S.CLOSED
    await websocket.close()
    with pytest.raises(InvalidStateError, match="it was closed by this side"):
        await websocket.send({"type": "websocket.close"})
    assert len(server.sent) == 1


async def test_a_raw_close_on_daphne() -> None:
    """A code that the server refuses is replaced by another one, as in `close`."""
    server = FakeServer()
    websocket = await server.accepted()
    server.failure, server.refused_codes = Exception("no"), range(1001, 3000)
    await websocket.send({"type": "websocket.close", "code": 1011})
    assert server.sent == [{"type": "websocket.close", "code": 4011, "reason": ""}]


async def test_a_raw_event_is_the_callers() -> None:
    """A raw event may be any mapping, and is not modified."""
    server = FakeServer(CONNECT)
    websocket = server.websocket()
    await websocket.receive()
    accept: Event = {"type": "websocket.accept", "headers": [("X-A", "b")]}
    await websocket.send(accept)
    assert accept == {"type": "websocket.accept", "headers": [("X-A", "b")]}
    proxy: Any = MappingProxyType({"type": "websocket.send", "text": "x"})
    await websocket.send(proxy)
    assert type(server.sent[1]) is dict


BROKEN_EVENTS: list[tuple[Any, type[Exception]]] = [
    ({}, ValueError),
    ({"type": None}, ValueError),
    ({"type": 5}, ValueError),
    ({"type": []}, ValueError),
    ({"type": "websocket.foo"}, ValueError),
    ({"type": "websocket.receive", "text": "x"}, ValueError),
    ({"type": "http.response.start"}, ValueError),
    ({"type": "websocket.send"}, ValueError),
    ({"type": "websocket.send", "text": None, "bytes": None}, ValueError),
    ({"type": "websocket.send", "text": "x", "bytes": b"x"}, ValueError),
    ({"type": "websocket.send", "text": "\ud800"}, ValueError),
    ({"type": "websocket.send", "text": b"x"}, TypeError),
    ({"type": "websocket.send", "bytes": "x"}, TypeError),
    ({"type": "websocket.send", "text": 0}, TypeError),
    ({"type": "websocket.accept"}, InvalidStateError),
    ({"type": "websocket.accept", "subprotocol": "v2"}, ValueError),
    ({"type": "websocket.accept", "headers": [(b"a\n", b"b")]}, ValueError),
    ({"type": "websocket.accept", "headers": [(b"a", 1)]}, TypeError),
    ({"type": "websocket.close", "code": 1005}, ValueError),
    ({"type": "websocket.close", "code": None}, ValueError),
    ({"type": "websocket.close", "reason": b"x"}, TypeError),
    ({"type": "websocket.http.response.start", "status": 403}, InvalidStateError),
    ({"type": "websocket.http.response.start"}, TypeError),
    ({"type": "websocket.http.response.start", "status": "403"}, TypeError),
    ({"type": "websocket.http.response.start", "status": True}, TypeError),
    ({"type": "websocket.http.response.start", "status": 101}, ValueError),
    ({"type": "websocket.http.response.start", "status": 600}, ValueError),
    ({"type": "websocket.http.response.start", "status": 403, "headers": [("a", 1)]}, TypeError),
    ({"type": "websocket.http.response.body"}, InvalidStateError),
    ({"type": "websocket.http.response.body", "body": "x"}, TypeError),
    ("hello", TypeError),
    (b"hello", TypeError),
    (None, TypeError),
]


@pytest.mark.parametrize(("event", "error"), BROKEN_EVENTS, ids=ids([e for e, _ in BROKEN_EVENTS]))
async def test_a_raw_event_that_is_illegal(event: Any, error: type[Exception]) -> None:
    """An illegal event raises, does not reach the server, and changes no state."""
    server = FakeServer()
    websocket = await server.accepted(
        subprotocols=["v1"], extensions={"websocket.http.response": {}}
    )
    with pytest.raises(error):
        await websocket.send(event)
    assert server.offers == []
    assert websocket.connection_state is S.OPEN


NO_EVENT = (
    "an ASGI event is a dict, not str: for messages there are send_text, send_bytes and send_json"
)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("hello", NO_EVENT),
        ({"type": "websocket.foo"}, "'websocket.foo' is no type of event that can be sent"),
        ({}, "None is no type of event that can be sent"),
        ({"type": "websocket.send"}, "a 'websocket.send' event carries one of 'text' and 'bytes'"),
        (
            {"type": "websocket.http.response.start", "status": "403"},
            "the status of a response is an int, not str",
        ),
        (
            {"type": "websocket.http.response.start", "status": 101},
            "a response can't have the status 101: use 200 to 599",
        ),
    ],
)
async def test_what_is_wrong_with_a_raw_event(event: Any, message: str) -> None:
    """The error says what is wrong with the event, and what to send instead."""
    websocket = FakeServer().websocket(extensions={"websocket.http.response": {}})
    with pytest.raises((ValueError, TypeError)) as caught:
        await websocket.send(event)
    assert str(caught.value) == message


async def test_a_raw_response() -> None:
    """A handshake can be denied in as many parts as the server takes."""
    server = FakeServer(CONNECT)
    websocket = server.websocket(extensions={"websocket.http.response": {}})
    await websocket.receive()
    await websocket.send(
        {"type": "websocket.http.response.start", "status": 401, "headers": {"X-A": "b"}}
    )
    await websocket.send(
        {"type": "websocket.http.response.body", "body": bytearray(b"a"), "more_body": True}
    )
    await websocket.send({"type": "websocket.http.response.body"})
    assert server.sent == [
        {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"b")]},
        {"type": "websocket.http.response.body", "body": b"a", "more_body": True},
        {"type": "websocket.http.response.body", "body": b""},
    ]
    assert websocket.connection_state is S.CLOSED
