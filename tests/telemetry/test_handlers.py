"""The span of a message: a trace of its own, for as long as the handler takes."""

import logging
from collections.abc import Generator
from contextvars import copy_context
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from opentelemetry import baggage, trace
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel

from tests.clocks import GENEROUS, REAL_TIME
from tests.telemetry.recorded import TRACEPARENT, Recorded, attributes, said, trace_of
from wsendpoints import (
    ErrorReply,
    InvalidMessageError,
    JsonRpc,
    WebSocket,
    WebSocketEndpoint,
    handles,
    provides,
)
from wsendpoints.messages.method import Method
from wsendpoints.telemetry.handlers import measured
from wsendpoints.telemetry.metrics import metrics_of
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """A mistake of the application's."""


class Say(BaseModel):
    """A message."""

    text: str


def query(recorded: Recorded, name: str = "query") -> None:
    """Do what the instrumentation of a database does."""
    with recorded.tracers.get_tracer("database").start_as_current_span(name):
        pass


async def test_a_message_has_a_trace_of_its_own() -> None:
    """It is linked to the connection, and what the handler does is within it."""
    recorded = Recorded()

    class Chat(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say) -> str:
            query(recorded)
            await anyio.lowlevel.checkpoint()
            query(recorded, "after a wait")
            return websocket.connection_id

    async with connect(recorded.around(Chat.as_asgi()), headers=TRACEPARENT) as client:
        await client.send_json({"text": "a"})
        connection_id = await client.receive_json()
    name = f"{Chat.__qualname__}.on_receive"
    span, connection = recorded.span(name), recorded.span(f"websocket {Chat.__qualname__}")
    assert (span.parent, span.kind, span.status.status_code) == (
        None,
        SpanKind.SERVER,
        StatusCode.UNSET,
    )
    assert [link.context for link in span.links] == [connection.get_span_context()]
    assert trace_of(span) != trace_of(connection)
    assert said(span) == {
        "wsendpoints.endpoint": Chat.__qualname__,
        "wsendpoints.handler": "on_receive",
        "wsendpoints.connection.id": connection_id,
        "wsendpoints.message.type": "Say",
        "network.protocol.name": "websocket",
        "code.function.name": f"{__name__}.{name}",
    }
    for inner in (recorded.span("query"), recorded.span("after a wait")):
        assert inner.parent == span.get_span_context()
    key = attributes(endpoint=Chat.__qualname__, handler="on_receive")
    assert recorded.metric("handler.duration") == {key: 1}


async def test_the_span_of_a_stream_is_as_long_as_the_stream() -> None:
    """It ends behind the last item."""
    recorded = Recorded()

    class Counting(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: int) -> Any:
            for number in range(data):
                query(recorded, f"item {number}")
                yield number

    name = f"{Counting.__qualname__}.on_receive"
    async with connect(recorded.around(Counting.as_asgi())) as client:
        await client.send_json(2)
        assert [await client.receive_json() for _ in range(2)] == [0, 1]
    assert recorded.names[:3] == ["item 0", "item 1", name]
    for number in range(2):
        inner = recorded.span(f"item {number}")
        assert inner.parent == recorded.span(name).get_span_context()


async def test_handlers_beside_each_other_have_their_own() -> None:
    """What each does is within its own, in whatever order."""
    recorded = Recorded()
    both_run = anyio.Event()

    class Beside(WebSocketEndpoint):
        encoding = "json"

        @handles(concurrent=True)
        async def search(self, websocket: WebSocket, data: int) -> int:
            if data == 2:
                both_run.set()
            await both_run.wait()
            query(recorded, f"of {data}")
            return data

    async with connect(recorded.around(Beside.as_asgi())) as client:
        await client.send_json(1)
        await client.send_json(2)
        assert {await client.receive_json() for _ in range(2)} == {1, 2}
    spans = [it for it in recorded.spans if it.name == f"{Beside.__qualname__}.search"]
    parents = [recorded.span(f"of {number}").parent for number in (1, 2)]
    assert {trace_of(it) for it in spans} == {f"{it.trace_id:032x}" for it in parents if it}
    assert len({trace_of(it) for it in spans}) == 2


@REAL_TIME
async def test_a_handler_in_a_thread_is_within_its_span() -> None:
    """With what is provided for it."""
    recorded = Recorded()

    class Blocking(WebSocketEndpoint):
        encoding = "json"

        @provides
        async def session(self) -> Any:
            query(recorded, "begin")
            yield None
            query(recorded, "commit")

        @handles
        def save(self, websocket: WebSocket, data: int, session: None) -> int:
            query(recorded)
            return data

    app = recorded.around(Blocking.as_asgi())
    async with connect(app, timeout=GENEROUS) as client:
        await client.send_json(1)
        assert await client.receive_json() == 1
    own = recorded.span(f"{Blocking.__qualname__}.save").get_span_context()
    assert [recorded.span(it).parent for it in ("begin", "query", "commit")] == [own] * 3


async def test_a_call_is_named_as_the_protocol_does() -> None:
    """By the conventions of RPC."""
    recorded = Recorded()

    class Service(WebSocketEndpoint):
        encoding = "json"
        dialect = JsonRpc()

        @handles("math/double")
        async def double(self, websocket: WebSocket, number: int) -> int:
            return 2 * number

    async with connect(recorded.around(Service.as_asgi())) as client:
        call = {"jsonrpc": "2.0", "method": "math/double", "params": [2], "id": 1}
        await client.send_json(call)
        assert (await client.receive_json())["result"] == 4
    found = said(recorded.span(f"{Service.__qualname__}.double"))
    assert (found["rpc.system.name"], found["rpc.method"]) == ("jsonrpc", "math/double")
    assert "wsendpoints.message.type" not in found


async def test_a_mistake_is_recorded() -> None:
    """With its traceback, and it ends the connection as ever."""
    recorded = Recorded()

    class Failing(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise DeliberateError("no")

    with pytest.raises(DeliberateError):
        async with connect(recorded.around(Failing.as_asgi())) as client:
            await client.send_text("a")
            await client.expect_close(1011)
    span = recorded.span(f"{Failing.__qualname__}.on_receive")
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "DeliberateError: no"
    assert said(span)["error.type"] == f"{__name__}.DeliberateError"
    (event,) = span.events
    assert event.name == "exception"
    assert "raise DeliberateError" in str((event.attributes or {})["exception.stacktrace"])
    key = attributes(
        endpoint=Failing.__qualname__,
        handler="on_receive",
        error__type=f"{__name__}.DeliberateError",
    )
    assert recorded.metric("handler.duration") == {key: 1}


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        pytest.param(ErrorReply("room_full"), "room_full", id="reply"),
        pytest.param(InvalidMessageError([]), "InvalidMessageError", id="invalid"),
    ],
)
async def test_what_a_client_does_is_no_mistake(error: Exception, error_type: str) -> None:
    """It is named, and not recorded."""
    recorded = Recorded()

    class Refusing(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            raise error

    async with connect(recorded.around(Refusing.as_asgi())) as client:
        await client.send_json(1)
        assert (await client.receive_json())["type"] == "error"
    span = recorded.span(f"{Refusing.__qualname__}.on_receive")
    assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
    assert said(span)["error.type"] == error_type


async def test_a_handler_that_is_cancelled_ends_its_span() -> None:
    """The client has left."""
    recorded = Recorded()

    class Waiting(WebSocketEndpoint):
        cancel_on_disconnect = True

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    async with connect(recorded.around(Waiting.as_asgi())) as client:
        await client.send_text("a")
        await anyio.sleep(1)
    span = recorded.span(f"{Waiting.__qualname__}.on_receive")
    assert said(span)["error.type"] == "cancelled"
    assert span.status.status_code is StatusCode.UNSET


async def test_a_handler_that_holds_up_messages_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """The log says which it is, as without a span around it."""
    recorded = Recorded()

    class Slow(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep(8)

    async with connect(recorded.around(Slow.as_asgi()), timeout=60) as client:
        await client.send_text("a")
        await client.send_text("b")
        await anyio.sleep(7)
    (line,) = [it for it in caplog.records if it.levelno == logging.WARNING]
    assert line.getMessage().startswith(f"{Slow.__qualname__}.on_receive has been waiting")


async def test_what_the_handshake_carries_is_known_to_each_handler() -> None:
    """Its own span is the current one, so that log records can tell the trace."""
    recorded = Recorded()
    known: list[Any] = []

    class Carrying(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            known.append(
                (baggage.get_baggage("tenant"), trace.get_current_span().get_span_context())
            )
            await websocket.close()

    headers = {**TRACEPARENT, "baggage": "tenant=a"}
    async with connect(recorded.around(Carrying.as_asgi()), headers=headers) as client:
        await client.send_text("a")
        await client.expect_close(1000)
    own = recorded.span(f"{Carrying.__qualname__}.on_receive").get_span_context()
    assert known == [("a", own)]


def test_a_handler_that_is_thrown_away_ends_its_span(caplog: pytest.LogCaptureFixture) -> None:
    """As its event loop was: there is no context to go back to, and nothing is said of that."""
    recorded = Recorded()
    found = metrics_of(recorded.meters)
    tally = found.tally("Chat")

    class Open:
        id = "1"
        links = ()
        is_accepted = True
        waiting = (0, 0)

    tally.open[id(None)] = Open()

    class Wait:
        """What an event loop is asked to wait for."""

        def __await__(self) -> Generator[None]:
            yield

    async def forever(endpoint: Any, websocket: Any, data: Any) -> None:
        await Wait()

    method = Method("say", forever, str, str)
    tracer = recorded.tracers.get_tracer("test")
    handle = measured(forever, method, WebSocketEndpoint, tracer=tracer, metrics=found, tally=tally)
    assert handle.__name__ == "say"
    steps = handle(None, None, "a")
    copy_context().run(steps.send, None)
    with caplog.at_level(logging.DEBUG):
        copy_context().run(steps.close)
    assert recorded.names == ["WebSocketEndpoint.say"]
    assert not caplog.records
