"""The span of a connection, and what is counted of it."""

import contextvars
import gc
import logging
import weakref
from typing import Any

import anyio
import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope
from tests.telemetry.recorded import TRACE, TRACEPARENT, Recorded, attributes, said, trace_of
from wsendpoints import Denied, Limits, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.groups import Groups
from wsendpoints.lifecycle.hooks import lifecycle_of
from wsendpoints.telemetry import TelemetryMiddleware
from wsendpoints.telemetry.metrics import metrics_of
from wsendpoints.telemetry.watched import Watched
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """A mistake of the application's."""


class Quiet(WebSocketEndpoint):
    """Says nothing."""


async def test_a_connection_has_a_span() -> None:
    """From the handshake to the end, by its route; hooks are within it."""
    recorded = Recorded()

    class Chat(WebSocketEndpoint):
        subprotocols = ("v1",)

        async def on_connect(self, websocket: WebSocket) -> None:
            with recorded.tracers.get_tracer("database").start_as_current_span("user"):
                await websocket.accept("v1")

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            with recorded.tracers.get_tracer("database").start_as_current_span("goodbye"):
                pass

    app = recorded.around(WebSocketRouter({"/rooms/{room}": Chat}))
    async with connect(app, "/rooms/1", headers=TRACEPARENT, subprotocols=["v1"]) as client:
        key = attributes(endpoint=Chat.__qualname__)
        assert recorded.metric("active_connections") == {key: 1}
        await client.close(4001)
    span = recorded.span("websocket /rooms/{room}")
    assert (trace_of(span), span.kind) == (TRACE, SpanKind.SERVER)
    assert span.parent is not None
    assert span.parent.is_remote
    assert span.status.status_code is StatusCode.UNSET
    expected = {
        "http.route": "/rooms/{room}",
        "http.response.status_code": 101,
        "wsendpoints.endpoint": Chat.__qualname__,
        "wsendpoints.subprotocol": "v1",
        "wsendpoints.close.code": 4001,
        "wsendpoints.close.by": "client",
    }
    assert expected.items() <= said(span).items()
    for hook in ("user", "goodbye"):
        assert recorded.span(hook).parent == span.get_span_context()
    assert recorded.metric("active_connections") == {key: 0}
    assert recorded.metric("connection.duration") == {key: 1}
    assert recorded.metric("refused.connections") == {}


async def test_messages_are_counted() -> None:
    """Those that came, and those that were sent in any way; invalid ones by what is wrong."""
    recorded = Recorded()
    groups = Groups()

    class Chat(WebSocketEndpoint):
        encoding = "json"
        limits = Limits(max_message_size=20)

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await groups.join(self, "all")

        async def on_receive(self, websocket: WebSocket, data: int) -> int:
            await self.push(1)
            await groups.broadcast("all", 2)
            return 3

    async with connect(recorded.around(Chat.as_asgi())) as client:
        await client.send_json("no number")
        assert (await client.receive_json())["type"] == "error"
        await client.send_json(1)
        assert [await client.receive_json() for _ in range(3)] == [1, 2, 3]
        await client.send_text("2" * 30)
        await client.expect_close(1009)
    key = attributes(endpoint=Chat.__qualname__)
    assert recorded.metric("received.messages") == {key: 3}
    assert recorded.metric("sent.messages") == {key: 4}
    assert recorded.metric("invalid.messages") == {
        attributes(endpoint=Chat.__qualname__, error__type="InvalidMessageError"): 1,
        attributes(endpoint=Chat.__qualname__, error__type="max_message_size"): 1,
    }
    closed = attributes(endpoint=Chat.__qualname__, close__code=1009, close__by="server")
    assert recorded.metric("closed.connections") == {closed: 1}


async def test_what_waits_is_counted() -> None:
    """Behind a handler, and for a client that does not read."""
    recorded = Recorded()
    groups = Groups()

    class Slow(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await groups.join(self, "all")

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep(10)

    def waiting(queue: str) -> Any:
        return recorded.metric("waiting.messages")[
            attributes(endpoint=Slow.__qualname__, queue=queue)
        ]

    async with connect(recorded.around(Slow.as_asgi()), timeout=60) as client:
        assert (waiting("inbox"), waiting("outbox")) == (0, 0)
        client.pause_reading()
        for _ in range(3):
            await client.send_text("a")
            await groups.broadcast("all", "b")
        await anyio.sleep(1)
        assert (waiting("inbox"), waiting("outbox")) == (2, 2)
        client.resume_reading()
    assert (waiting("inbox"), waiting("outbox")) == (0, 0)


@pytest.mark.parametrize(
    ("scope", "status"),
    [({}, 401), ({"extensions": {}}, 403)],
    ids=["a response", "a server without"],
)
async def test_a_refused_handshake_is_told_by_its_status(scope: Any, status: int) -> None:
    """It is no connection, and no mistake."""
    recorded = Recorded()

    class Closed(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401)

    with pytest.raises(HandshakeDenied):
        async with connect(recorded.around(Closed.as_asgi()), scope=scope):
            pass
    span = recorded.span(f"websocket {Closed.__qualname__}")
    assert said(span)["http.response.status_code"] == status
    assert span.status.status_code is StatusCode.UNSET
    key = attributes(endpoint=Closed.__qualname__, http__response__status_code=status)
    assert recorded.metric("refused.connections") == {key: 1}
    assert recorded.metric("closed.connections") == {}


async def test_a_handshake_that_fails_is_told_by_its_error() -> None:
    """The server answers it."""
    recorded = Recorded()

    class Failing(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise DeliberateError("no")

    with pytest.raises(DeliberateError):
        async with connect(recorded.around(Failing.as_asgi())):
            pass
    span = recorded.span(f"websocket {Failing.__qualname__}")
    assert span.status.status_code is StatusCode.ERROR
    error_type = f"{__name__}.DeliberateError"
    assert said(span)["error.type"] == error_type
    key = attributes(endpoint=Failing.__qualname__, error__type=error_type)
    assert recorded.metric("refused.connections") == {key: 1}


async def test_a_client_that_does_not_wait_is_not_refused() -> None:
    """It disconnected before the handshake was answered."""
    recorded = Recorded()
    server = FakeServer(CONNECT, DISCONNECT)

    class Slow(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.receive()

    await recorded.around(Slow.as_asgi())(make_scope(), server.receive, server.send)
    assert recorded.names == [f"websocket {Slow.__qualname__}"]
    assert recorded.metric("refused.connections") == {}


async def test_a_close_without_a_code_is_told_as_hooks_are() -> None:
    """Servers differ in which of the two codes they say."""
    recorded = Recorded()

    async with connect(recorded.around(Quiet.as_asgi())) as client:
        await client.close(1005)
    closed = attributes(endpoint="Quiet", close__code=1006, close__by="client")
    assert recorded.metric("closed.connections") == {closed: 1}


async def test_codes_that_clients_choose_are_counted_without() -> None:
    """So that no client makes thousands of time series; the server's own codes are counted."""
    recorded = Recorded()

    class Closing(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4001)

    app = recorded.around(Closing.as_asgi())
    async with connect(app) as client:
        await client.close(4002)
    async with connect(app) as client:
        await client.send_text("a")
        await client.expect_close(4001)
    assert recorded.metric("closed.connections") == {
        attributes(endpoint=Closing.__qualname__, close__by="client"): 1,
        attributes(endpoint=Closing.__qualname__, close__by="server", close__code=4001): 1,
    }
    assert {said(it).get("wsendpoints.close.code") for it in recorded.spans} == {None, 4001, 4002}


async def test_within_the_span_of_a_middleware() -> None:
    """That one is the server's."""
    recorded = Recorded()

    inner = recorded.around(Quiet.as_asgi())

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        with recorded.tracers.get_tracer("outer").start_as_current_span("outer"):
            await inner(scope, receive, send)

    async with connect(outer, headers=TRACEPARENT):
        pass
    span = recorded.span("websocket Quiet")
    assert span.kind is SpanKind.INTERNAL
    assert span.parent == recorded.span("outer").get_span_context()


async def test_what_is_not_sampled_is_counted_and_served() -> None:
    """Nothing else depends on the sampler."""
    recorded = Recorded(ALWAYS_OFF)

    class Echo(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(recorded.around(Echo.as_asgi())) as client:
        await client.send_text("a")
        assert await client.receive_text() == "a"
    assert recorded.spans == ()
    assert recorded.metric("sent.messages") == {attributes(endpoint=Echo.__qualname__): 1}


async def test_without_spans_there_is_nothing_to_link_to() -> None:
    """Where an application has set no provider of them."""
    recorded = Recorded()
    links: list[Any] = []

    class Echo(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            (it,) = metrics_of(recorded.meters).tally(type(self).__qualname__).open.values()
            links.append(it.links)
            return data

    app = TelemetryMiddleware(
        Echo.as_asgi(), tracer_provider=trace.NoOpTracerProvider(), meter_provider=recorded.meters
    )
    async with connect(app) as client:
        await client.send_text("a")
        assert await client.receive_text() == "a"
    assert links == [()]


async def test_context_is_as_before_in_the_end() -> None:
    """Whoever serves the connection goes on with its own."""
    recorded = Recorded()

    server = FakeServer(CONNECT, DISCONNECT)
    before = context.get_current()
    await recorded.around(Quiet.as_asgi())(make_scope(), server.receive, server.send)
    assert context.get_current() == before
    assert not trace.get_current_span().get_span_context().is_valid


async def test_nothing_of_a_connection_remains() -> None:
    """No reference leads in a circle, so that no garbage collector has to find it."""
    recorded = Recorded()
    gone: list[weakref.ref[Any]] = []

    class Quiet(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            gone.append(weakref.ref(self))
            await websocket.accept()

    gc.disable()
    try:
        async with connect(recorded.around(Quiet.as_asgi())):
            pass
        assert [ref() for ref in gone] == [None]
    finally:
        gc.enable()


def test_a_connection_that_is_thrown_away_ends_its_span(caplog: pytest.LogCaptureFixture) -> None:
    """As its event loop was: there is no context to go back to, and nothing is said of that."""
    recorded = Recorded()
    server = FakeServer()
    endpoint = Quiet(make_scope(), server.receive, server.send)
    found = metrics_of(recorded.meters)
    tracer = recorded.tracers.get_tracer("test")
    watched = Watched(endpoint, lifecycle_of(endpoint), tracer, found, found.tally("Quiet"))
    contextvars.copy_context().run(watched.__enter__)
    with caplog.at_level(logging.DEBUG):
        watched.__exit__(GeneratorExit, GeneratorExit(), None)
    assert recorded.names == ["websocket Quiet"]
    assert not caplog.records
