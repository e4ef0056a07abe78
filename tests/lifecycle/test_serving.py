"""The life of a connection: which hooks run, how it ends, and what remains of it."""

import contextlib
import gc
import weakref
from collections.abc import AsyncIterator, Generator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, Script, make_scope
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    InvalidMessageError,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_client_that_closes_ends_the_connection_with_its_code() -> None:
    """Each hook runs once, and `on_disconnect` gets the client's code."""

    class Echo(Recording):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(Echo.as_asgi()) as client:
        await client.send_text("hello")
        assert await client.receive_text() == "hello"
        await client.close(4001, "bye")
    assert Echo.log == ["connect", 4001]


async def test_what_watches_a_connection_is_around_all_of_it() -> None:
    """It is told of the endpoint before the handshake, and left behind `on_disconnect`."""
    log: list[Any] = []

    class Watched(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            log.append(self)
            await websocket.accept()

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            log.append(close_code)
            raise ValueError("a mistake")

    @contextlib.contextmanager
    def outer(endpoint: Any) -> Generator[None]:
        log.append("outer")
        with pytest.raises(ValueError, match="a mistake") as raised:
            yield
        log.append("outer left")
        raise raised.value

    @contextlib.contextmanager
    def inner(endpoint: Any) -> Generator[None]:
        log.append(endpoint)
        try:
            yield
        finally:
            log.append("inner left")

    with pytest.raises(ValueError, match="a mistake"):
        async with connect(Watched.as_asgi(), scope={WATCHED: (outer, inner)}):
            pass
    first, told, itself, *others = log
    assert told is itself
    assert isinstance(told, Watched)
    assert (first, others) == ("outer", [1000, "inner left", "outer left"])


async def test_connection_that_is_reset_ends_with_1006() -> None:
    """A connection that ends without a close frame gives 1006."""

    class Quiet(Recording):
        pass

    async with connect(Quiet.as_asgi()) as client:
        client.vanish()
        await client.wait_for_app()
    assert Quiet.log == ["connect", 1006]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param({"code": 1001}, 1001, id="a code"),
        pytest.param({"code": 1005}, 1006, id="1005, which servers say of a reset as well"),
        pytest.param({"code": None}, 1006, id="None"),
        pytest.param({}, 1006, id="no code"),
        pytest.param({"code": "x"}, 1006, id="a str"),
        pytest.param({"code": 70000}, 1006, id="out of range"),
    ],
)
async def test_on_disconnect_gets_an_int(event: Event, code: int) -> None:
    """Whatever the server says, the close code is an int."""

    class Quiet(Recording):
        pass

    server = Script({"type": "websocket.disconnect", **event})
    await Quiet(make_scope(), server.receive, server.send)
    assert Quiet.log == ["connect", code]


async def test_close_in_a_handler_ends_the_connection() -> None:
    """Our own close ends the connection with our code, and the handler runs to its end."""

    class Bye(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await websocket.close(4000, "enough")
            await checkpoint()
            self.log.append("after")
            return "a reply that is not sent"

    async with connect(Bye.as_asgi()) as client:
        await client.send_text("x")
        await client.send_text("y")
        await client.expect_close(4000, "enough")
    assert Bye.log == ["connect", "after", 4000]


async def test_close_from_another_task_wakes_the_endpoint() -> None:
    """A close by a task ends the connection, even while the endpoint waits for a message."""

    class Timed(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.end)

        async def end(self) -> None:
            await self.websocket.close(4002)

    async with connect(Timed.as_asgi()) as client:
        await client.expect_close(4002)
        await client.wait_for_app()
    assert Timed.log == [4002]


@pytest.mark.parametrize(
    ("limits", "sent", "code"),
    [
        pytest.param(Limits(), "{", 1007, id="bad input"),
        pytest.param(Limits(max_invalid=1), "[]", 1008, id="invalid messages"),
        pytest.param(Limits(handler_timeout=0.01), "1", 1011, id="time limit"),
        pytest.param(Limits(), "2", 1011, id="failure"),
    ],
)
async def test_sending_to_a_client_that_was_closed_is_no_mistake(
    limits: Limits, sent: str, code: int
) -> None:
    """Sending to a connection that a limit or an error closed raises `WebSocketDisconnect`."""
    found: list[object] = []

    class Member(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            if data == 2:
                raise ValueError
            await anyio.sleep_forever()

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            try:
                await self.push("news")
            except WebSocketDisconnect as exc:
                found.append(exc.code)
            await websocket.close()

    Member.limits = limits
    with contextlib.suppress(ValueError):
        async with connect(as_asgi(Member)) as client:
            await client.send_text(sent)
            await client.wait_for_app()
    assert found == [code]


async def test_message_on_its_way_while_a_task_closes_is_dropped() -> None:
    """A message that arrives while a task closes the connection is not handled."""
    go = anyio.Event()

    class Closing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.end)

        async def end(self) -> None:
            await go.wait()
            await self.websocket.close(4002)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.log.append(data)

    server = FakeServer(CONNECT)

    async def receive() -> Event:
        event = await server.receive()
        if event["type"] == "websocket.receive":
            # The task closes the connection before this returns.
            go.set()
            with anyio.CancelScope(shield=True):
                await all_tasks_blocked()
        return event

    server.deliver({"type": "websocket.receive", "text": "late"})
    with anyio.fail_after(5):
        await Closing(make_scope(), receive, server.send)
    assert Closing.log == ["connect", 4002]


async def test_error_message_is_not_sent_after_a_close() -> None:
    """An invalid message is not answered on a connection that is closed, and nothing fails."""

    class Closing(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            closed = anyio.Event()
            self.start_soon(self.end, closed)
            await closed.wait()
            raise InvalidMessageError([])

        async def end(self, closed: anyio.Event) -> None:
            await self.websocket.close(4002)
            closed.set()

    async with connect(Closing.as_asgi()) as client:
        await client.send_text("1")
        await client.expect_close(4002)
    assert Closing.log == ["connect", "invalid", 4002]


async def test_close_from_another_task_lets_the_handler_end() -> None:
    """A close by another task does not cancel the handler that runs."""

    class Slow(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            closed = anyio.Event()
            self.start_soon(self.end, closed)
            await closed.wait()
            self.log.append("handled")

        async def end(self, closed: anyio.Event) -> None:
            await self.websocket.close(4003)
            closed.set()

    async with connect(Slow.as_asgi()) as client:
        await client.send_text("x")
        await client.expect_close(4003)
        await client.wait_for_app()
    assert Slow.log == ["connect", "handled", 4003]


# What an endpoint does while it is served.


async def test_stream_is_sent_value_by_value() -> None:
    """Each value that a handler yields is a message."""

    class Counter(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            for number in range(3):
                yield str(number)

    async with connect(Counter.as_asgi()) as client:
        await client.send_text("x")
        assert [await client.receive_text() for _ in range(3)] == ["0", "1", "2"]
        await client.close(1000)
    assert Counter.log == ["connect", 1000]


async def test_task_is_started_only_while_the_connection_is_served() -> None:
    """Before the connection begins and after it has ended, nothing would await a task."""

    class Quiet(Recording):
        pass

    server = Script({"type": "websocket.disconnect", "code": 1000})
    endpoint = Quiet(make_scope(), server.receive, server.send)
    for _ in range(2):
        with pytest.raises(InvalidStateError) as raised:
            endpoint.start_soon(anyio.sleep_forever)
        assert str(raised.value) == "tasks can be started while the connection is served"
        if not Quiet.log:
            await endpoint
    assert Quiet.log == ["connect", 1000]


# Cancellation.


async def test_cancelled_in_a_handler_says_that_it_restarts() -> None:
    """F22: a cancellation closes with 1012, runs `on_disconnect`, and goes on."""
    started = anyio.Event()

    class Sleeper(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            started.set()
            await anyio.sleep_forever()

    server = Script({"type": "websocket.receive", "text": "x"})
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await Sleeper(make_scope(), server.receive, server.send)
            raise AssertionError("the cancellation must go on")

        tasks.start_soon(serve)
        await started.wait()
        tasks.cancel_scope.cancel()
    assert server.closes == [1012]
    assert Sleeper.log == ["connect", 1012]


async def test_cancelled_while_waiting_for_a_message_says_that_it_restarts() -> None:
    """F22: a cancellation closes with 1012 where no handler runs, too."""

    class Quiet(Recording):
        pass

    server = Script()
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await Quiet(make_scope(), server.receive, server.send)
            raise AssertionError("the cancellation must go on")

        tasks.start_soon(serve)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert server.closes == [1012]
    assert Quiet.log == ["connect", 1012]


async def test_cancelled_before_the_accept_refuses_the_client() -> None:
    """F22: a handshake whose endpoint is cancelled is refused."""

    class Hanging(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep_forever()

    server = Script()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(self_serving(Hanging), server)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert server.closes == [1000]
    assert Hanging.log == []


def self_serving(endpoint: type[Recording]) -> Any:
    """Return a function that serves an endpoint on a server."""

    async def serve(server: Script) -> None:
        await endpoint(make_scope(), server.receive, server.send)

    return serve


async def test_send_that_is_cancelled_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a cancelled send the client may have half a message, so the connection is closed."""

    class Impatient(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await websocket.send_text("half")

    server = Script({"type": "websocket.receive", "text": "x"})

    async def send(event: Event) -> None:
        if event["type"] == "websocket.send":
            await anyio.sleep_forever()
        await server.send(event)

    await Impatient(make_scope(), server.receive, send)
    assert server.closes == [1011]
    assert Impatient.log == ["connect", 1011]
    assert caplog.messages[0].endswith("for a send that was cancelled half-way")


# What remains.


async def test_nothing_keeps_a_connection_alive() -> None:
    """X02: neither the endpoint nor its WebSocket is in a cycle, even after a failure."""
    kept: list[weakref.ref[Any]] = []

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await checkpoint()
            kept.append(weakref.ref(websocket))
            kept.append(weakref.ref(self))
            if data == "fail":
                raise ValueError(data)
            return data

    async def serve(*events: Event) -> None:
        server = Script(*events)
        with contextlib.suppress(ValueError):
            await Echo(make_scope(), server.receive, server.send)

    gc.disable()
    try:
        for text in ("x", "fail"):
            await serve(
                {"type": "websocket.receive", "text": text},
                {"type": "websocket.disconnect", "code": 1000},
            )
        assert [reference() for reference in kept] == [None] * 4
    finally:
        gc.enable()


async def test_each_connection_of_a_drained_class_is_told_of() -> None:
    """When it has ended, with its clean-up."""

    class Drained(Recording):
        pass

    admission: Any = vars(Drained)["_admission"]
    async with connect(Drained.as_asgi()) as one:
        admission.draining = lambda: True
        admission.drained = (lambda: Drained.log.append("drained"),)
        await one.close()
    assert Drained.log == ["connect", 1000, "drained"]
    assert admission.open == set()
