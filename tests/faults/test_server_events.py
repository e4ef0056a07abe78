"""Scopes and events that a server may give: H16 to H19."""

from typing import Any

import pytest

from tests.fake_server import FakeServer
from tests.faults.handshake_endpoints import seeing
from tests.faults.playing import MARKER, Noting, play, serve, surfacing, watch
from wsendpoints import ServerProtocolError, WebSocket
from wsendpoints.protocol.asgi import Event, Scope

anyio_test = pytest.mark.anyio


async def called(scope: Scope, *events: Event) -> list[Event]:
    """Return what an application sends to a scope of another type."""
    endpoint = seeing(lambda websocket: None)
    server = FakeServer(*events)
    with watch(endpoint):
        await endpoint.as_asgi()(scope, server.receive, server.send)
    assert endpoint.log == []
    return server.sent


@anyio_test
async def test_h16_lifespan_is_answered() -> None:
    """Lifespan is answered, since hypercorn on trio exits where an application refuses it."""
    sent = await called(
        {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}
    )
    assert [event["type"] for event in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


@anyio_test
async def test_h16_http_is_told_to_upgrade() -> None:
    """HTTP is answered with 426: RFC 9110, section 15.5.22."""
    scope: Scope = {"type": "http", "method": "GET", "path": f"/{MARKER}", "headers": []}
    sent = await called(scope, {"type": "http.request"})
    assert sent[0]["status"] == 426
    assert (b"upgrade", b"websocket") in sent[0]["headers"]


@anyio_test
@pytest.mark.parametrize("type_", ["webtransport", "", None, 1], ids=repr)
async def test_h16_other_scope_is_named(type_: Any) -> None:
    """Any other scope raises an error that names its type."""
    endpoint = seeing(lambda websocket: None)
    server = FakeServer()
    with pytest.raises(ValueError, match=f"not {type_!r}"):
        await endpoint.as_asgi()({"type": type_}, server.receive, server.send)
    with pytest.raises(ValueError, match=f"not {type_!r}"):
        endpoint({"type": type_}, server.receive, server.send)
    assert server.receives == 0


@anyio_test
@pytest.mark.parametrize(
    "event",
    [
        {"type": "websocket.receive", "text": MARKER},
        {"type": "websocket.foo"},
        {"type": "http.request"},
        {"type": None},
        {},
    ],
    ids=lambda event: str(event.get("type", "none")),
)
async def test_h17_first_event_must_be_connect(event: Event) -> None:
    """Any other first event is the server's error, which is a RuntimeError."""
    assert issubclass(ServerProtocolError, RuntimeError)
    endpoint = seeing(lambda websocket: None)
    with watch(endpoint), surfacing(ServerProtocolError):
        await serve(endpoint, FakeServer(event))
    assert endpoint.log == endpoint.sent == []


@anyio_test
@pytest.mark.parametrize(
    "event",
    [
        {"type": "websocket.foo"},
        {"type": "websocket.connect"},
        {"type": "websocket.send", "text": "x"},
        {"type": None},
        {"type": []},
        {},
        {"text": "x"},
    ],
    ids=lambda event: str(event.get("type", f"none, {len(event)}")),
)
@pytest.mark.parametrize("while_", ["idle", "handling"])
async def test_h18_unknown_event_closes_with_1011(event: Event, while_: str) -> None:
    """An event that may not come now is the server's error, and raised to it."""

    class Told(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.receive_text()

    async with play(Told, raises=ServerProtocolError) as client:
        if while_ == "handling":
            await client.send_text(MARKER)
        await client.send_event(event)
        await client.expect_close(1011, "")
    assert Told.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param({"code": None}, 1006, id="None, daphne"),
        pytest.param({}, 1006, id="missing"),
        pytest.param({"code": 1005}, 1006, id="1005"),
        pytest.param({"code": 1006}, 1006, id="1006"),
        pytest.param({"code": 0}, 1006, id="0"),
        pytest.param({"code": -1}, 1006, id="-1"),
        pytest.param({"code": 999}, 1006, id="999"),
        pytest.param({"code": 5000}, 1006, id="5000"),
        pytest.param({"code": 10**100}, 1006, id="huge"),
        pytest.param({"code": "1001"}, 1006, id="str"),
        pytest.param({"code": True}, 1006, id="bool"),
        pytest.param({"code": 1001.0}, 1006, id="float"),
        pytest.param({"code": 1001, "reason": None}, 1001, id="reason None"),
        pytest.param({"code": 1001, "reason": b"x"}, 1001, id="reason of bytes"),
        pytest.param({"code": 4999, "reason": MARKER}, 4999, id="4999"),
    ],
)
async def test_h19_disconnect_has_an_int(event: Event, code: int) -> None:
    """`on_disconnect` gets an int that a peer may send, or 1006."""
    endpoint = seeing(lambda websocket: "")
    async with play(endpoint) as client:
        await client.send_event({"type": "websocket.disconnect", **event})
        await client.wait_for_app()
    assert endpoint.log == ["''", code]
    assert isinstance(endpoint.log[-1], int)
