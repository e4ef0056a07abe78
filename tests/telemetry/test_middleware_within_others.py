"""With what others trace around: OpenTelemetry's middleware for ASGI, FastAPI, and Sentry."""

import inspect
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
import sentry_sdk
from fastapi import FastAPI
from fastapi import WebSocket as FastAPIWebSocket
from opentelemetry.instrumentation.asgi import (  # pyright: ignore[reportMissingTypeStubs]  # has none
    OpenTelemetryMiddleware,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.transport import Transport

from tests.telemetry.recorded import TRACE, TRACEPARENT, Recorded, attributes, trace_of
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.groups import Groups
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """A mistake of the application's."""


class Chat(WebSocketEndpoint):
    """Answers, pushes, streams, waits, and fails."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: str) -> str:
        if data == "fail":
            raise DeliberateError("no")
        await self.push("pushed")
        await anyio.sleep(1)
        return data

    @handles(concurrent=True)
    async def count(self, websocket: WebSocket, data: int) -> Any:
        for number in range(data):
            yield number


async def talk(app: Any) -> None:
    """Have several messages answered."""
    async with connect(app, headers=TRACEPARENT, timeout=10) as client:
        for _ in range(3):
            await client.send_json("a")
            await client.send_json(2)
        replies = [await client.receive_json() for _ in range(12)]
        assert sorted(map(str, replies)) == ["0"] * 3 + ["1"] * 3 + ["a"] * 3 + ["pushed"] * 3


def server_span(recorded: Recorded) -> ReadableSpan:
    """Return the span of the middleware: versions of it name it otherwise."""
    (found,) = (
        it
        for it in recorded.spans
        if it.kind is SpanKind.SERVER and not it.name.startswith("Chat.")
    )
    return found


async def test_opentelemetrys_middleware_has_the_connection_within_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its span is the server's. Those that it makes of each event are within ours."""
    recorded = Recorded()
    app = OpenTelemetryMiddleware(recorded.around(Chat.as_asgi()), tracer_provider=recorded.tracers)
    with caplog.at_level(logging.DEBUG, "opentelemetry"):
        await talk(app)
    assert not caplog.records
    server, connection = server_span(recorded), recorded.span("websocket Chat")
    assert trace_of(server) == TRACE
    assert connection.kind is SpanKind.INTERNAL
    assert connection.parent == server.get_span_context()
    messages = [it.get_span_context() for it in recorded.spans if it.name.startswith("Chat.")]
    assert len(messages) == 6
    sends = [it for it in recorded.spans if it.name.endswith("websocket send")]
    within = [it.parent in messages for it in sends]
    # Three pushes, and six items; the accept, and three replies, are the connection's.
    assert (within.count(True), within.count(False)) == (9, 4)
    for it in recorded.spans:
        if it.name.startswith("Chat."):
            assert [link.context for link in it.links] == [connection.get_span_context()]
        elif it.parent not in messages and it is not server:
            assert trace_of(it) == TRACE


async def test_the_order_of_the_two_does_not_matter() -> None:
    """Our span begins where the endpoint is served, which is within both."""
    recorded = Recorded()
    app = recorded.around(OpenTelemetryMiddleware(Chat.as_asgi(), tracer_provider=recorded.tracers))
    await talk(app)
    assert recorded.span("websocket Chat").parent == server_span(recorded).get_span_context()


async def test_within_the_span_that_fastapi_makes() -> None:
    """As newer versions do by themselves; with older ones ours is the server's."""
    recorded = Recorded()
    makes_spans = "telemetry" in inspect.signature(FastAPI).parameters
    own: Any = {"telemetry": {"tracer_provider": recorded.tracers}} if makes_spans else {}
    app = FastAPI(**own)

    async def serve(websocket: FastAPIWebSocket) -> None:
        await Chat.serve(websocket)

    app.add_api_websocket_route("/", serve)
    await talk(recorded.around(app))
    connection = recorded.span("websocket /")
    assert trace_of(connection) == TRACE
    # That of the connection, and, within it, that of the function.
    others = [it for it in recorded.spans if is_of(it, "fastapi")]
    assert bool(others) == makes_spans
    assert connection.kind is (SpanKind.INTERNAL if makes_spans else SpanKind.SERVER)
    assert not others or connection.parent in [it.get_span_context() for it in others]


def is_of(span: ReadableSpan, library: str) -> bool:
    """Whether a library made a span."""
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == library


async def test_messages_of_groups_pass(caplog: pytest.LogCaptureFixture) -> None:
    """Also those that have to wait, which are sent in the name of other tasks."""
    recorded = Recorded()
    groups = Groups()

    class Room(WebSocketEndpoint):
        encoding = "json"

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await groups.join(self, "all")

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            await groups.broadcast("all", data)

    app = OpenTelemetryMiddleware(recorded.around(Room.as_asgi()), tracer_provider=recorded.tracers)
    with caplog.at_level(logging.DEBUG, "opentelemetry"):
        async with connect(app, timeout=10) as one, connect(app, timeout=10) as other:
            other.pause_reading()
            for number in range(3):
                await one.send_json(number)
                assert await one.receive_json() == number
            other.resume_reading()
            assert [await other.receive_json() for _ in range(3)] == [0, 1, 2]
    assert not caplog.records
    key = attributes(endpoint=Room.__qualname__)
    assert recorded.metric("sent.messages") == {key: 6}


class Kept(Transport):
    """Keeps what would be sent to Sentry."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)

    @property
    def errors(self) -> list[Any]:
        """The events of exceptions."""
        events = [it for envelope in self.envelopes if (it := envelope.get_event()) is not None]
        return [it for it in events if "exception" in it]


@contextmanager
def sentry() -> Generator[Kept]:
    """Have Sentry's SDK set up, as an application does, and everything kept."""
    kept = Kept()
    with sentry_sdk.isolation_scope():
        before = sentry_sdk.get_global_scope().client
        sentry_sdk.init(
            "https://key@sentry.example/1",
            transport=kept,
            traces_sample_rate=1.0,
            auto_enabling_integrations=False,
        )
        try:
            yield kept
        finally:
            sentry_sdk.get_client().close()
            sentry_sdk.get_global_scope().set_client(before)


@pytest.mark.parametrize("is_traced", [True, False], ids=["traced", "alone"])
async def test_sentry_gets_a_mistake_once(is_traced: bool) -> None:
    """Of a handler, by the connection that it ends; what the client does right passes."""
    recorded = Recorded()
    app = Chat.as_asgi()
    with sentry() as kept:
        around: Any = SentryAsgiMiddleware(recorded.around(app) if is_traced else app)
        await talk(around)
        assert kept.errors == []
        with pytest.raises(DeliberateError):
            async with connect(around, timeout=10) as client:
                await client.send_json("fail")
                await client.expect_close(1011)
        (event,) = kept.errors
    (value,) = event["exception"]["values"]
    assert (value["type"], value["value"]) == ("DeliberateError", "no")
    functions = [frame["function"] for frame in value["stacktrace"]["frames"]]
    assert functions[-1] == "say"
