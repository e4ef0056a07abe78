"""What may happen to a connection, in its course and at its end: F01 to F34."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.fake_server import CONNECT, FakeServer, binary, text
from tests.faults.playing import (
    MARKER,
    SOON,
    Echo,
    Noting,
    derive,
    fails_at_once,
    make_scope,
    play,
    refused,
    serve,
    surfacing,
    watch,
)
from wsendpoints import (
    ConfigurationError,
    ConnectionState,
    Denied,
    InvalidStateError,
    Limits,
    Rate,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.lifecycle import deadlines
from wsendpoints.protocol.asgi import ASGIApp, Event
from wsendpoints.testing import Client, Dialect, HandshakeDenied, connect

anyio_test = pytest.mark.anyio

SILENT = Dialect(send_after_disconnect="silent")
NEVER = 3600
GONE: Event = {"type": "websocket.disconnect", "code": 1006, "reason": ""}


class DeliberateError(Exception):
    """What an application raises."""


def quiet(**attributes: Any) -> type[Noting]:
    """Return an endpoint that takes no notice of messages."""
    return derive(Noting, encoding="text", **attributes)


def echo(**attributes: Any) -> type[Noting]:
    """Return an endpoint that sends messages back."""
    return derive(Echo, encoding="text", **attributes)


# Time.


@anyio_test
async def test_f01_client_that_never_sends_is_closed() -> None:
    """`first_message_timeout` closes with 1008; it is off by default."""
    assert Limits().first_message_timeout is None
    endpoint = echo(limits=Limits(first_message_timeout=SOON))
    async with play(endpoint, log=["INFO"]) as client:
        await client.expect_close(1008, "first_message_timeout: 0.01 s")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1008]


@anyio_test
@pytest.mark.parametrize("extension", [True, False], ids=["with response", "without"])
async def test_f02_on_connect_that_hangs_is_refused(extension: bool) -> None:
    """A client that is kept waiting for its answer is refused, after ten seconds by default."""
    assert Limits().connect_timeout == 10

    class Hanging(Noting):
        limits = Limits(connect_timeout=SOON)

        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep_forever()

    denied = await refused(Hanging, log=["WARNING"], server=Dialect(denial_response=extension))
    assert denied.status == 403
    assert Hanging.log == []


@anyio_test
async def test_f03_half_a_handshake_calls_no_hook() -> None:
    """Ending it is the server's job, and hypercorn alone does it: set a timeout in the proxy.

    What comes to us, at the most, is a call without the event `websocket.connect`. Nothing
    happens then, and its end is that of the server's task.
    """
    endpoint = quiet(limits=Limits(max_connections=1))
    server = FakeServer()
    with watch(endpoint):
        with anyio.move_on_after(SOON) as scope:
            await serve(endpoint, server)
        assert scope.cancelled_caught
        # The event loop holds the cancellation, with its traceback, until it has another turn.
        await checkpoint()
    assert endpoint.log == endpoint.sent == []


@anyio_test
@pytest.mark.parametrize("messages", [0, 2])
async def test_f04_silent_peer_is_closed(messages: int) -> None:
    """`idle_timeout` closes with 1001; it is off by default."""
    assert Limits().idle_timeout is None
    endpoint = echo(limits=Limits(idle_timeout=SOON))
    async with play(endpoint, log=["INFO"]) as client:
        for _ in range(messages):
            await client.send_text(MARKER)
            assert await client.receive_text() == MARKER
        await client.expect_close(1001, "idle_timeout: 0.01 s")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1001]


# A client that leaves.


class Failing(FakeServer):
    """Its `send` fails for events of some types."""

    def __init__(
        self, *events: Event, types: tuple[str, ...], raises: type[Exception] | None
    ) -> None:
        super().__init__(*events)
        self.types = tuple(f"websocket.{type_}" for type_ in types)
        self.raises = raises

    async def send(self, event: Event) -> None:
        """Take an event, or fail."""
        await checkpoint()
        if event["type"] in self.types and self.raises is not None:
            raise self.raises(MARKER)
        self.sent.append(event)


ACCEPT_OUTCOMES = pytest.mark.parametrize(
    "raises",
    [
        pytest.param(OSError, id="OSError, uvicorn"),
        pytest.param(RuntimeError, id="RuntimeError, gunicorn"),
        pytest.param(None, id="silent"),
    ],
)


@anyio_test
@ACCEPT_OUTCOMES
async def test_f05_client_gone_before_the_accept_is_a_disconnect(
    raises: type[Exception] | None,
) -> None:
    """`on_disconnect` runs, as accept was attempted, and nothing surfaces."""
    endpoint = quiet()
    server = Failing(CONNECT, GONE, types=("accept",), raises=raises)
    with watch(endpoint, debug=""):
        await serve(endpoint, server)
    assert endpoint.log == ["connect", 1006]


@anyio_test
@ACCEPT_OUTCOMES
@pytest.mark.parametrize("how", ["close", "deny", "nothing"])
async def test_f05_client_gone_before_it_is_refused(
    raises: type[Exception] | None, how: str
) -> None:
    """`on_disconnect` does not run, as accept was not attempted, and nothing surfaces."""

    class Refusing(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if how == "close":
                await websocket.close()
            elif how == "deny":
                raise Denied(401)

    types = ("close", "http.response.start", "http.response.body")
    server = Failing(CONNECT, GONE, types=types, raises=raises)
    # If the server stays silent nobody knows that the client is gone.
    debug = None if raises is None else "close: the "
    if how == "deny":
        debug = "401"
    with watch(Refusing, log=["WARNING"] if how == "nothing" else [], debug=debug):
        await serve(Refusing, server, extensions={"websocket.http.response": {}})
    assert Refusing.log == []


@anyio_test
async def test_f05_client_gone_at_once_meets_no_hook() -> None:
    """The disconnect came in place of the connect."""
    endpoint = quiet()
    with watch(endpoint):
        await serve(endpoint, FakeServer(GONE))
    assert endpoint.log == endpoint.sent == []


@anyio_test
@pytest.mark.parametrize("code", [1005, 1006, None], ids=["RST as 1005", "RST as 1006", "FIN"])
async def test_f06_client_that_leaves_while_idle_ends_it(code: int | None) -> None:
    """Servers say 1005, 1006 or nothing for a connection that is reset: it is 1006 here."""
    endpoint = quiet()
    async with play(endpoint, debug="") as client:
        await client.send_event({"type": "websocket.disconnect", "code": code})
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1006]


class Pushing(Noting):
    """Sends until somebody stops it, in each way that there is."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        match data.split()[0]:
            case "push":
                await self.push_on(self.push)
            case "send":
                await self.push_on(websocket.send_text)
            case "task":
                self.start_soon(self.push_on, self.push)
                await anyio.sleep_forever()
            case "reply":
                await websocket.send_text("tick")
                while websocket.connection_state is ConnectionState.OPEN:
                    await checkpoint()
                return "tock"
            case _:
                with contextlib.suppress(WebSocketDisconnect):
                    await self.push_on(self.push)
                self.log.append("suppressed")
        return None

    async def push_on(self, push: Callable[[str], Awaitable[None]]) -> None:
        """Send, with a turn for others after each."""
        while True:
            await push("tick")
            await checkpoint()


class Streaming(Noting):
    """Sends until somebody stops it, as a stream."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        while True:
            yield "tick"


WAYS = pytest.mark.parametrize(
    ("endpoint", "way"),
    [
        *(pytest.param(Pushing, way, id=way) for way in ("push", "send", "reply", "suppressed")),
        pytest.param(Streaming, "stream", id="stream"),
    ],
)


@anyio_test
@WAYS
@pytest.mark.parametrize("code", [1005, 1006, 1001])
async def test_f07_client_that_leaves_in_mid_send_is_no_error(
    endpoint: type[Noting], way: str, code: int
) -> None:
    """The handler gets a WebSocketDisconnect; if it escapes, that is quiet as well."""
    async with play(endpoint, debug="") as client:
        await client.send_text(f"{way} {MARKER}")
        assert await client.receive_text() == "tick"
        client.vanish(code)
        await client.wait_for_app()
    (ending,) = [entry for entry in endpoint.log if isinstance(entry, int)]
    assert ending in {code, 1006}


@anyio_test
async def test_f07_task_that_sends_is_no_error() -> None:
    """A task of the connection ends, and a handler that waits for nothing has its grace."""

    class Patient(Pushing):
        limits = Limits(grace=SOON)

    async with play(Patient, log=["INFO"], debug="") as client:
        await client.send_text("task")
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert Patient.log == ["connect", 1006]


@anyio_test
async def test_f07_send_fails_before_the_disconnect_is_received() -> None:
    """What the server's `send` raises is enough to know it."""

    class Once(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await websocket.send_text("tick")
            except WebSocketDisconnect as exc:
                self.log.append(str(exc.code))
                raise

    server = Failing(CONNECT, text(MARKER), GONE, types=("send",), raises=OSError)
    with watch(Once, debug="OSError"):
        await serve(Once, server)
    assert Once.log == ["connect", "1006", 1006]


@anyio_test
@WAYS
async def test_f08_silent_server_is_no_different(endpoint: type[Noting], way: str) -> None:
    """The watcher sees the disconnect: `send` raises from then on, though the server does not."""
    async with play(endpoint, debug="", server=SILENT) as client:
        await client.send_text(f"{way} {MARKER}")
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log[-1] == 1006


@anyio_test
async def test_f08_tasks_and_streams_end_at_once() -> None:
    """What speaks to nobody is cancelled, though it waits for something else."""

    class Waiting(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.start_soon(self.wait)
            await super().on_connect(websocket)

        async def wait(self) -> None:
            """Wait for ever."""
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("task ended")

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                yield "tick"
                await anyio.sleep_forever()
            finally:
                self.log.append("stream ended")

    async with play(Waiting, debug="", server=SILENT) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert sorted(map(str, Waiting.log[1:-1])) == ["stream ended", "task ended"]
    assert Waiting.log[-1] == 1006


@anyio_test
async def test_f08_handler_has_its_grace() -> None:
    """Thirty seconds by default, in which it is not cancelled."""
    assert Limits().grace == 30
    go = anyio.Event()

    class Saving(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            while websocket.connection_state is ConnectionState.OPEN:
                await checkpoint()
            self.log.append("noticed")
            await go.wait()
            self.log.append("saved")

    async with play(Saving, debug="", server=SILENT) as client:
        await client.send_text(MARKER)
        client.vanish()
        await anyio.wait_all_tasks_blocked()
        assert Saving.log == ["connect", "noticed"]
        go.set()
        await client.wait_for_app()
    assert Saving.log == ["connect", "noticed", "saved", 1006]


class Blocked(Noting):
    """Sends once; `sending` is set just before."""

    encoding = "text"
    sending: anyio.Event

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.sending.set()
        await websocket.send_text("tick")
        self.log.append("sent")


@anyio_test
@pytest.mark.parametrize(
    "server", [pytest.param(Dialect(), id="OSError"), pytest.param(SILENT, id="returns")]
)
async def test_f09_blocked_send_ends_with_the_connection(server: Dialect) -> None:
    """Uvicorn raises then, hypercorn and granian return."""
    endpoint = derive(Blocked, sending=anyio.Event())
    async with play(endpoint, debug="", server=server) as client:
        client.pause_reading()
        await client.send_text(MARKER)
        await endpoint.sending.wait()
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log == ["connect", *(["sent"] if server is SILENT else []), 1006]


@anyio_test
async def test_f09_blocked_send_is_cancelled_by_the_server() -> None:
    """Gunicorn does no more than cancel, three seconds after the client left."""
    endpoint = derive(Blocked, sending=anyio.Event())
    server = FakeServer(CONNECT, text(MARKER))
    with watch(endpoint, debug=""):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, endpoint, server)
            while "connect" not in endpoint.log or not server.sent:
                await checkpoint()
            server.gate = anyio.Event()
            await endpoint.sending.wait()
            server.deliver(GONE)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert endpoint.log == ["connect", 1006]
    assert endpoint.sent_types() == ["accept", "send"]


# Flow.


@anyio_test
@pytest.mark.parametrize("way", ["reply", "push", "stream", "task"])
async def test_f10_client_that_does_not_read_is_closed(way: str) -> None:
    """A send that is blocked for `send_timeout`, ten seconds by default, closes with 1013."""
    assert Limits().send_timeout == 10

    class Slow(Noting):
        encoding = "text"
        limits = Limits(send_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
            if way == "reply":
                return "0"
            if way == "push":
                await self.push_many()
            else:
                self.start_soon(self.push_many)
            return None

        async def push_many(self) -> None:
            """Send more than a client reads that does not."""
            for number in range(100):
                await self.push(str(number))

    class SlowStream(Noting):
        encoding = "text"
        limits = Limits(send_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            for number in range(100):
                yield str(number)

    endpoint = SlowStream if way == "stream" else Slow
    async with play(endpoint, log=["WARNING"]) as client:
        client.pause_reading()
        await client.send_text(MARKER)
        await client.wait_for_app()
        client.resume_reading()
        # Nothing is kept for it besides the one that is in the server's hands.
        assert await client.receive_text() == "0"
        await client.expect_close(1013, "send_timeout: 0.01 s")
    assert endpoint.log == ["connect", 1013]
    assert "send_timeout" in endpoint.lines("WARNING")[0]


@anyio_test
@pytest.mark.parametrize(
    ("limits", "size", "waiting"),
    [
        pytest.param(Limits(inbox=4), 10, 4, id="messages"),
        pytest.param(Limits(inbox_bytes=400), 100, 4, id="bytes"),
        pytest.param(Limits(inbox_bytes=50), 100, 1, id="one always fits"),
        pytest.param(Limits(), 10, 32, id="default"),
        pytest.param(Limits(), 524_288, 2, id="default bytes"),
    ],
)
@pytest.mark.parametrize("make", [text, binary], ids=["text", "binary"])
async def test_f11_flood_waits_outside(
    limits: Limits, size: int, waiting: int, make: Callable[[Any], Event]
) -> None:
    """A full inbox receives no more, and nothing is lost or out of order."""
    go = anyio.Event()
    flood = [f"{number:08}".ljust(size, "x") for number in range(60)]
    frames = [make(each if make is text else each.encode()) for each in flood]

    class Busy(Noting):
        async def on_receive(self, websocket: WebSocket, data: str | bytes) -> None:
            await go.wait()
            self.log.append(str(data[:8], "ascii") if isinstance(data, bytes) else data[:8])

    Busy.limits = limits
    server = FakeServer(CONNECT, *frames)
    with watch(Busy):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, Busy, server)
            await anyio.wait_all_tasks_blocked()
            # The connect, the message that is handled, and those that wait.
            assert server.receives == 2 + waiting
            server.deliver(GONE)
            go.set()
    assert Busy.log == ["connect", *(each[:8] for each in flood), 1006]


@anyio_test
async def test_f12_messages_over_the_rate_close() -> None:
    """1008, before the message is decoded, and one line; there is no rate by default."""
    assert Limits().rate is None

    class Counting(Noting):
        encoding = "json"
        limits = Limits(rate=Rate(messages=1, per=NEVER, burst=3))

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            self.log.append(str(data))

    flood = [*"123", "{", f'"{MARKER}"', "4"]
    server = FakeServer(CONNECT, *map(text, flood))
    with watch(Counting, log=["WARNING"]):
        await serve(Counting, server)
    assert Counting.log == ["connect", "1", "2", "3", "invalid", 1008]
    assert [(each["code"], each["reason"]) for each in server.sent[1:]] == [
        (1008, "rate: 1 messages in 3600 s")
    ]


@anyio_test
@pytest.mark.parametrize(
    ("extension", "status"), [pytest.param(True, 503, id="503"), pytest.param(False, 403, id="403")]
)
async def test_f13_one_connection_too_many_is_refused(extension: bool, status: int) -> None:
    """It meets no hook, and costs none of the others."""
    assert Limits().max_connections is None
    endpoint = echo(limits=Limits(max_connections=2))
    app = endpoint.as_asgi()
    async with play(endpoint, log=["INFO"]) as first, connect(app) as second:
        assert await status_for(app, Dialect(denial_response=extension)) == status
        for client in (first, second):
            await client.send_text("x")
            assert await client.receive_text() == "x"
        assert endpoint.log == ["connect", "connect"]
        # Its accept is not counted in what `play` sees.
        await second.close(1001)
        assert endpoint.log.pop() == 1001
    assert endpoint.log == ["connect", "connect", 1000]


async def status_for(app: ASGIApp, server: Dialect) -> int:
    """Return the status with which a client is refused."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, server=server):
            pass
    return denied.value.status


async def end_by_close(client: Client) -> None:
    """Close as a client does."""
    await client.close(1000)


async def end_by_reset(client: Client) -> None:
    """Lose the connection."""
    client.vanish()
    await client.wait_for_app()


async def end_by_shutdown(client: Client) -> None:
    """Shut the server down."""
    client.shutdown()
    await client.wait_for_app()


async def end_by_cancelling(client: Client) -> None:
    """Cancel the app."""
    client.cancel_app()
    await client.wait_for_app()


async def end_by_us(client: Client) -> None:
    """Have the endpoint close."""
    await client.send_text("close")
    await client.expect_close(4000)


async def end_by_bad_frame(client: Client) -> None:
    """Send what is not taken."""
    await client.send_bytes(b"x")
    await client.expect_close(1003)


async def end_by_failure(client: Client) -> None:
    """Have the endpoint fail."""
    await client.send_text("fail")
    await client.expect_close(1011)


class Moody(Noting):
    """Ends as it is told."""

    encoding = "text"
    limits = Limits(max_connections=1)

    async def on_connect(self, websocket: WebSocket) -> None:
        match websocket.query_params.get("mood"):
            case "refuse":
                await websocket.close()
            case "deny":
                raise Denied(401)
            case "forget":
                pass
            case "fail":
                raise DeliberateError
            case _:
                await super().on_connect(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if data == "close":
            await websocket.close(4000)
        elif data == "fail":
            raise DeliberateError
        await websocket.send_text(data)


@anyio_test
@pytest.mark.parametrize(
    "end",
    [
        end_by_close,
        end_by_reset,
        end_by_shutdown,
        end_by_cancelling,
        end_by_us,
        end_by_bad_frame,
        end_by_failure,
    ],
    ids=lambda end: end.__name__,
)
async def test_f13_every_ending_makes_room(end: Callable[[Client], Awaitable[None]]) -> None:
    """There is room for one, so the next would be refused if the first still counted."""
    app = Moody.as_asgi()
    with contextlib.suppress(DeliberateError, InvalidStateError):
        async with connect(app) as client:
            await end(client)
    async with connect(app) as client:
        await client.send_text("x")
        assert await client.receive_text() == "x"


@anyio_test
@pytest.mark.parametrize("mood", ["refuse", "deny", "forget", "fail"])
async def test_f13_every_refusal_makes_room(mood: str) -> None:
    """The same where nothing was accepted."""
    app = Moody.as_asgi()
    with pytest.raises((HandshakeDenied, DeliberateError)):
        async with connect(app, f"/?mood={mood}"):
            pass
    async with connect(app) as client:
        await client.send_text("x")
        assert await client.receive_text() == "x"


@anyio_test
@pytest.mark.parametrize("way", ["handler", "stream"])
async def test_f14_handler_over_its_time_closes_with_1011(way: str) -> None:
    """The line in the log names the endpoint; there is no such limit by default."""
    assert Limits().handler_timeout is None

    class Hanging(Noting):
        limits = Limits(handler_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    class HangingStream(Noting):
        limits = Limits(handler_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            yield "first"
            await anyio.sleep_forever()

    endpoint = HangingStream if way == "stream" else Hanging
    async with play(endpoint, log=["WARNING"]) as client:
        await client.send_text(MARKER)
        if way == "stream":
            assert await client.receive_text() == "first"
        await client.expect_close(1011, "handler_timeout: 0.01 s")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1011]
    assert endpoint.__name__ in endpoint.lines("WARNING")[0]


@anyio_test
@pytest.mark.parametrize("server", [Dialect(), SILENT], ids=["OSError", "silent"])
async def test_f15_handler_that_hangs_is_cancelled_after_its_grace(server: Dialect) -> None:
    """The client left, and nobody waits for what it does."""

    class Hanging(Noting):
        limits = Limits(grace=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("cancelled")

    async with play(Hanging, log=["INFO"], server=server) as client:
        await client.send_text(MARKER)
        client.vanish()
        await client.wait_for_app()
    assert Hanging.log == ["connect", "cancelled", 1006]


@anyio_test
async def test_f15_handler_is_cancelled_at_once_if_the_class_says_so() -> None:
    """`cancel_on_disconnect` leaves no grace."""

    class Hanging(Noting):
        cancel_on_disconnect = True
        limits = Limits(grace=NEVER)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("cancelled")

    async with play(Hanging, log=["INFO"]) as client:
        await client.send_text(MARKER)
        client.vanish()
        await client.wait_for_app()
    assert Hanging.log == ["connect", "cancelled", 1006]


# Failures of the application.


class FailsAtOnce(Noting):
    """Fails without having waited."""

    failures: list[BaseException]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        raise self.failures.pop()


class FailsLater(Noting):
    """Fails once it has waited."""

    failures: list[BaseException]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await checkpoint()
        raise self.failures.pop()


class FailsInStream(Noting):
    """Fails in the middle of a stream."""

    failures: list[BaseException]

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        if not data:
            yield "never"
        raise self.failures.pop()


class FailsInTask(Noting):
    """Fails in a task."""

    failures: list[BaseException]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.start_soon(self.fail)
        await anyio.sleep_forever()

    async def fail(self) -> None:
        """Fail."""
        raise self.failures.pop()


class FailsInMarked(Noting):
    """Fails in a method marked with `handles`."""

    encoding = "json"
    failures: list[BaseException]

    @handles
    async def number(self, websocket: WebSocket, data: str) -> None:
        """Fail."""
        raise self.failures.pop()


class FailsAtInvalid(Noting):
    """Fails where it answers a bad message."""

    encoding = "json"
    failures: list[BaseException]

    async def on_receive(self, websocket: WebSocket, data: int) -> None:
        pass

    async def on_invalid(self, websocket: WebSocket, error: Exception) -> None:
        raise self.failures.pop()


class FailsAfterAccept(Noting):
    """Fails in `on_connect`, once it accepted."""

    failures: list[BaseException]

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.log.append("accepted")
        raise self.failures.pop()


FAILING: list[type[Noting]] = [
    FailsAtOnce,
    FailsLater,
    FailsInStream,
    FailsInTask,
    FailsInMarked,
    FailsAtInvalid,
]
failing = pytest.mark.parametrize("base", FAILING, ids=lambda base: base.__name__)


def that_fails(base: type[Noting], failure: BaseException) -> type[Noting]:
    """Return an endpoint that fails with an exception."""
    return derive(base, failures=[failure])


@anyio_test
@failing
async def test_f16_handler_that_raises_closes_with_1011(base: type[Noting]) -> None:
    """The client is told nothing else, and the server gets the same exception."""
    failure = DeliberateError("secret")
    endpoint = that_fails(base, failure)
    async with play(endpoint, raises=failure) as client:
        await client.send_text(f'"{MARKER}"')
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


@anyio_test
@failing
@pytest.mark.parametrize(
    ("make", "surfaces"),
    [
        pytest.param(lambda: [DeliberateError()], DeliberateError, id="one"),
        pytest.param(lambda: [ExceptionGroup("", [KeyError(1)])], KeyError, id="nested"),
        pytest.param(
            lambda: [WebSocketDisconnect(1001), DeliberateError()],
            DeliberateError,
            id="beside a disconnect",
        ),
        pytest.param(
            lambda: [DeliberateError(), KeyError(1)], ExceptionGroup, id="two, as the group"
        ),
        pytest.param(lambda: [KeyboardInterrupt()], KeyboardInterrupt, id="KeyboardInterrupt"),
        pytest.param(
            lambda: [WebSocketDisconnect(), KeyboardInterrupt()],
            KeyboardInterrupt,
            id="KeyboardInterrupt beside a disconnect",
        ),
        pytest.param(
            lambda: [DeliberateError(), KeyboardInterrupt()],
            BaseExceptionGroup,
            id="KeyboardInterrupt beside a failure",
        ),
    ],
)
async def test_f17_group_that_holds_a_failure_closes_with_1011(
    base: type[Noting], make: Callable[[], list[BaseException]], surfaces: type[BaseException]
) -> None:
    """A single failure surfaces as what it is, several as their group."""
    endpoint = that_fails(base, BaseExceptionGroup("", make()))
    async with play(endpoint, raises=surfaces) as client:
        await client.send_text(f'"{MARKER}"')
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


@anyio_test
async def test_f17_group_of_disconnects_is_quiet() -> None:
    """Tasks of the application that all find the client gone are no failure."""

    class Group(Pushing):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.push_on, self.push)
                tasks.start_soon(self.push_on, websocket.send_text)

    async with play(Group) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert Group.log == ["connect", 1006]


@anyio_test
@pytest.mark.parametrize("base", [FailsAtOnce, FailsLater, FailsInStream], ids=lambda b: b.__name__)
async def test_f17_group_of_others_disconnects_does_not_surface(base: type[Noting]) -> None:
    """The client is here still, so it is closed and a line says why."""
    endpoint = that_fails(
        base, BaseExceptionGroup("", [WebSocketDisconnect(1001), WebSocketDisconnect(1006)])
    )
    async with play(endpoint, log=["WARNING"]) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


async def a_cancellation() -> BaseException:
    """Return what cancels a task on this event loop."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            return exc.with_traceback(None)
    raise AssertionError


@anyio_test
@pytest.mark.parametrize("base", [FailsAtOnce, FailsLater, FailsInStream], ids=lambda b: b.__name__)
async def test_f17_group_of_cancellations_is_raised_again(base: type[Noting]) -> None:
    """It is no failure of the application's, but it is not to disappear."""
    group = BaseExceptionGroup("", [await a_cancellation()])
    endpoint = that_fails(base, group)
    async with play(endpoint, raises=group) as client:
        await client.send_text(MARKER)
        await client.expect_close(1012, "")
    assert endpoint.log == ["connect", 1012]


@anyio_test
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
async def test_f18_on_connect_that_fails_sends_nothing(waits: bool) -> None:
    """The server answers with 500, granian with 403."""
    failure = DeliberateError()

    class Broken(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if waits:
                await checkpoint()
            raise failure

    await fails_at_once(Broken, raises=failure)
    assert Broken.log == Broken.sent == []


@anyio_test
async def test_f19_on_connect_that_fails_once_accepted_closes_with_1011() -> None:
    """It is a failure like any other then."""
    failure = DeliberateError()
    endpoint = that_fails(FailsAfterAccept, failure)
    async with play(endpoint, raises=failure) as client:
        await client.expect_close(1011, "")
    assert endpoint.log == ["accepted", 1011]


class FailsAtTheEnd(FailsAtOnce):
    """Fails in `on_disconnect` besides."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        await checkpoint()
        raise KeyError("cleaning up")


@anyio_test
async def test_f20_on_disconnect_that_fails_surfaces() -> None:
    """Where nothing else failed, it is the failure."""
    async with play(FailsAtTheEnd, raises=KeyError) as client:
        client.vanish(4001)
    assert FailsAtTheEnd.log == ["connect", 4001]


@anyio_test
async def test_f20_original_exception_wins() -> None:
    """It is raised, with its context; the other one is told of by the one line at ERROR."""
    context = ValueError("before")
    failure = DeliberateError()
    failure.__context__ = context
    endpoint = that_fails(FailsAtTheEnd, failure)
    async with play(endpoint, raises=failure, log=["ERROR"]) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]
    assert failure.__context__ is context
    (record,) = [record for record in endpoint.records if record.levelname == "ERROR"]
    assert record.exc_text is not None
    assert record.exc_text.endswith("KeyError: 'cleaning up'")


@anyio_test
async def test_f21_on_disconnect_that_hangs_is_left() -> None:
    """After `disconnect_timeout`, five seconds by default."""
    assert Limits().disconnect_timeout == 5

    class Hanging(Noting):
        limits = Limits(disconnect_timeout=SOON)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await anyio.sleep_forever()

    async with play(Hanging, log=["WARNING"]) as client:
        await client.close(4001)
    assert Hanging.log == ["connect", 4001]


# Cancellation.


class Waits(Noting):
    """Has to wait at every turn."""

    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await checkpoint()
        await super().on_connect(websocket)
        await checkpoint()

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        self.log.append("handler")
        try:
            await checkpoint()
        finally:
            self.log.append("handler ended")
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        await checkpoint()


class Cancelling(FakeServer):
    """Cancels the app at the event loop's n-th turn."""

    was_cancelled = False
    is_done = False

    async def run(self, endpoint: type[Noting], turns: int, how: Literal["scope", "task"]) -> None:
        """Serve a connection, and cancel it."""
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                if how == "scope":
                    tasks.start_soon(self._count, turns, scope.cancel)
                else:
                    task = asyncio.current_task()
                    assert task is not None
                    tasks.start_soon(self._count, turns, task.cancel)
                try:
                    await serve(endpoint, self)
                    self.is_done = True
                    await anyio.sleep_forever()
                except anyio.get_cancelled_exc_class():
                    self.was_cancelled = True
                    if how == "scope":
                        raise
                    asyncio.current_task().uncancel()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]  # there is one

    async def _count(self, turns: int, cancel: Callable[[], object]) -> None:
        for _ in range(turns):
            await checkpoint()
        cancel()


@anyio_test
@pytest.mark.parametrize("turns", range(24))
@pytest.mark.parametrize(
    ("anyio_backend", "how"),
    [("asyncio", "scope"), ("asyncio", "task"), ("trio", "scope")],  # trio cancels scopes alone
    indirect=["anyio_backend"],
)
async def test_f22_cancelled_at_any_checkpoint(turns: int, how: Literal["scope", "task"]) -> None:
    """The client is told, `on_disconnect` runs once, and the cancellation goes on."""
    server = Cancelling(CONNECT, text(MARKER))
    with watch(Waits):
        await server.run(Waits, turns, how)
        assert server.was_cancelled
        assert not server.is_done
    codes = [event["code"] for event in Waits.sent if event["type"] == "websocket.close"]
    if "accept" in Waits.sent_types():
        assert codes == [1012]
        assert [entry for entry in Waits.log if isinstance(entry, int)] == [1012]
    else:
        assert codes in ([], [1000])
    assert Waits.log.count("handler") == Waits.log.count("handler ended")


@anyio_test
@pytest.mark.parametrize("where", ["handler", "idle", "task", "stream"])
async def test_f22_cancellation_leaves_a_line(where: str) -> None:
    """At DEBUG, since a server that stops cancels all of them."""
    started = anyio.Event()

    class Waiting(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if where == "task":
                self.start_soon(anyio.sleep_forever)
            started.set()
            if where == "handler":
                await anyio.sleep_forever()

    class WaitingStream(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            started.set()
            yield data
            await anyio.sleep_forever()

    endpoint = WaitingStream if where == "stream" else Waiting
    server = FakeServer(CONNECT, text(MARKER))
    with watch(endpoint, debug=""):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, endpoint, server)
            await started.wait()
            tasks.cancel_scope.cancel()
    assert endpoint.log == ["connect", 1012]


@anyio_test
async def test_f22_on_disconnect_is_not_cancelled() -> None:
    """It runs to its end, for `disconnect_timeout` seconds at the most."""
    started, go = anyio.Event(), anyio.Event()

    class Cleaning(Noting):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            started.set()
            await go.wait()
            self.log.append("cleaned up")

    server = FakeServer(CONNECT, GONE)
    with watch(Cleaning):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, Cleaning, server)
            await started.wait()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.wait_all_tasks_blocked()
                assert Cleaning.log == ["connect", 1006]
                go.set()
    assert Cleaning.log == ["connect", 1006, "cleaned up"]


# The server shuts down.


class Sleeper(Noting):
    """Its handler sleeps."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep_forever()


@anyio_test
@pytest.mark.parametrize("grace", [None, 30, SOON])
async def test_f23_shutdown_does_not_wait_for_a_handler(
    grace: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uvicorn delivers a disconnect with 1012, and would wait for the handler for ever."""
    monkeypatch.setattr("wsendpoints.lifecycle.deadlines._GRACE_AT_SHUTDOWN", SOON)
    endpoint = derive(Sleeper, limits=Limits(grace=grace))
    async with play(endpoint, log=["INFO"]) as client:
        await client.send_text(MARKER)
        client.shutdown()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1012]


def test_f23_shutdown_takes_less_than_two_seconds() -> None:
    """A handler has one of them."""
    assert vars(deadlines)["_GRACE_AT_SHUTDOWN"] <= 1


@anyio_test
async def test_f23_shutdown_of_an_idle_connection() -> None:
    """Uvicorn delivers a disconnect with 1012."""
    endpoint = quiet()
    async with play(endpoint, log=["INFO"]) as client:
        client.shutdown()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1012]


@anyio_test
@pytest.mark.parametrize("sleeps", [False, True], ids=["idle", "handler"])
async def test_f23_shutdown_by_cancellation(sleeps: bool) -> None:
    """Hypercorn cancels the app; the other servers end without a word, which is documented.

    It can't be told from another cancellation, so what F22 says of the log holds.
    """
    endpoint = derive(Sleeper)
    async with play(endpoint) as client:
        if sleeps:
            await client.send_text(MARKER)
            await anyio.wait_all_tasks_blocked()
        client.cancel_app()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1012]


# Sends and closes out of turn.


async def use(endpoint: Noting, how: str) -> None:
    """Send or receive in one of the ways there are."""
    websocket = endpoint.websocket
    match how:
        case "push":
            await endpoint.push("x")
        case "send_text":
            await websocket.send_text("x")
        case "send_bytes":
            await websocket.send_bytes(b"x")
        case "send_json":
            await websocket.send_json("x")
        case "send":
            await websocket.send({"type": "websocket.send", "text": "x"})
        case "receive_text":
            await websocket.receive_text()
        case "receive_bytes":
            await websocket.receive_bytes()
        case _:
            await websocket.receive_json()


SENDS = ["push", "send_text", "send_bytes", "send_json", "send"]
RECEIVES = ["receive_text", "receive_bytes", "receive_json"]


@anyio_test
@pytest.mark.parametrize("how", SENDS)
async def test_f24_send_after_our_close_is_out_of_turn(how: str) -> None:
    """The server does not see it."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000)
            with pytest.raises(InvalidStateError):
                await use(self, how)
            self.log.append("refused")

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000)
        await client.wait_for_app()
    assert Closing.log == ["connect", "refused", 4000]
    assert Closing.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize("how", SENDS)
@pytest.mark.parametrize("server", [Dialect(), SILENT], ids=["OSError", "silent"])
async def test_f24_send_after_the_disconnect_tells_of_it(how: str, server: Dialect) -> None:
    """The server does not see it."""

    class Late(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            while websocket.connection_state is ConnectionState.OPEN:
                await checkpoint()
            with pytest.raises(WebSocketDisconnect) as raised:
                await use(self, how)
            self.log.append(f"left with {raised.value.code}")

    async with play(Late, server=server) as client:
        await client.send_text(MARKER)
        await client.close(4001)
    assert Late.log == ["connect", "left with 4001", 4001]
    assert Late.sent_types() == ["accept"]


@anyio_test
async def test_f25_first_of_two_closes_wins() -> None:
    """The second does nothing."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000, "first")
            await websocket.close(4001, "second")

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000, "first")
        await client.wait_for_app()
    assert Closing.log == ["connect", 4000]
    assert Closing.sent_types() == ["accept", "close"]


@anyio_test
async def test_f25_close_after_the_disconnect_does_nothing() -> None:
    """The client's code is the one that counts."""

    class Late(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            while websocket.connection_state is ConnectionState.OPEN:
                await checkpoint()
            await websocket.close(4000)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await websocket.close(4000)

    async with play(Late) as client:
        await client.send_text(MARKER)
        await client.close(4001)
    assert Late.log == ["connect", 4001]
    assert Late.sent_types() == ["accept"]


@anyio_test
@pytest.mark.parametrize("where", ["handler", "tasks"])
async def test_f25_tasks_that_close_at_once_send_one_close(where: str) -> None:
    """Whoever is first; the server has to wait in between."""
    returned: list[int] = []
    all_returned = anyio.Event()

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if where == "tasks":
                for code in range(4000, 4005):
                    self.start_soon(self.close, code)
                await all_returned.wait()
                return
            async with anyio.create_task_group() as tasks:
                for code in range(4000, 4005):
                    tasks.start_soon(self.close, code)

        async def close(self, code: int) -> None:
            """Close."""
            await self.websocket.close(code)
            returned.append(code)
            if len(returned) == 5:
                all_returned.set()

    server = FakeServer(CONNECT, text(MARKER))
    with watch(Closing):
        await serve(Closing, server)
    assert Closing.sent_types() == ["accept", "close"]
    assert Closing.log == ["connect", server.sent[-1]["code"]]
    assert len(returned) == 5


class SlowToClose(FakeServer):
    """Waits for an answer of the peer's before a close returns, and the peer is silent."""

    async def send(self, event: Event) -> None:
        """Take an event."""
        await super().send(event)
        if event["type"] == "websocket.close":
            await anyio.sleep_forever()


@anyio_test
@pytest.mark.parametrize("how", ["handler", "invalid", "task", "failure", "cancelled"])
async def test_f26_close_that_blocks_is_left(how: str) -> None:
    """Legacy uvicorn would wait ten seconds, gunicorn five; `close_timeout` is five by default."""
    assert Limits().close_timeout == 5
    handling = anyio.Event()

    class Closing(Noting):
        encoding = "text"
        limits = Limits(close_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            handling.set()
            match how:
                case "handler":
                    await websocket.close(4000)
                case "task":
                    self.start_soon(websocket.close, 4000)
                case "failure":
                    raise DeliberateError
                case _:
                    await anyio.sleep_forever()

    server = SlowToClose(CONNECT, binary(b"x") if how == "invalid" else text(MARKER))
    codes = {"invalid": 1003, "failure": 1011, "cancelled": 1012}
    failure = DeliberateError if how == "failure" else None
    with watch(Closing, log=["INFO"] if how == "invalid" else []), surfacing(failure):
        if how == "cancelled":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve, Closing, server)
                await handling.wait()
                tasks.cancel_scope.cancel()
        else:
            await serve(Closing, server)
    code = codes.get(how, 4000)
    assert [entry for entry in Closing.log if isinstance(entry, int)] == [code]
    assert server.sent[-1] == {"type": "websocket.close", "code": code, "reason": ""} or (
        how == "invalid" and server.sent[-1]["code"] == code
    )


@anyio_test
async def test_f26_refusal_that_blocks_is_left() -> None:
    """The same before the accept."""
    endpoint = quiet(limits=Limits(close_timeout=SOON), on_connect=refuse_by_close)
    server = SlowToClose(CONNECT)
    with watch(endpoint):
        await serve(endpoint, server)
    assert endpoint.log == []


async def refuse_by_close(self: Noting, websocket: WebSocket) -> None:
    """Refuse."""
    await websocket.close()


# Several tasks.


@anyio_test
async def test_f27_concurrent_sends_are_whole_and_in_order() -> None:
    """Each message goes out whole, in the order of the calls, whoever calls."""
    calls: list[str] = []

    class Many(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(self.talk, number)

        async def talk(self, number: int) -> None:
            """Send, with turns for the others in between."""
            for count in range(20):
                message = f"{number}:{count}:" + "x" * number * 100
                calls.append(message)
                await self.push(message)
                for _ in range((number + count) % 3):
                    await checkpoint()

    async with play(Many) as client:
        await client.send_text(MARKER)
        came = [await client.receive_text() for _ in range(200)]
        await client.close(1000)
    assert came == calls
    for number in range(10):
        own = [message.split(":")[1] for message in came if message.startswith(f"{number}:")]
        assert own == [str(count) for count in range(20)]


@anyio_test
async def test_f28_second_receiver_is_refused() -> None:
    """The first one gets the message, and none is lost."""
    receiving = anyio.Event()

    class Two(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.receive)
                await receiving.wait()
                with pytest.raises(InvalidStateError, match="another task is receiving"):
                    await websocket.receive_text()
                await websocket.send_text("ready")
            self.log.append(f"then {await websocket.receive_text()}")

        async def receive(self) -> None:
            """Receive the first."""
            receiving.set()
            self.log.append(f"first {await self.websocket.receive_text()}")

    async with play(Two) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "ready"
        await client.send_text("one")
        await client.send_text("two")
        await client.close(1000)
    assert Two.log == ["connect", "first one", "then two", 1000]


@anyio_test
async def test_f28_second_receiver_that_does_not_expect_it_fails() -> None:
    """It is a mistake of the application's: 1011, and it surfaces."""

    class Two(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(websocket.receive_text)
            await checkpoint()
            await checkpoint()
            await websocket.receive_text()

    async with play(Two, raises=InvalidStateError) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert Two.log == ["connect", 1011]


@anyio_test
async def test_f28_task_does_not_receive_what_is_for_on_receive() -> None:
    """While no handler runs, the endpoint itself is the one that receives."""

    class Task(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(self.receive)

        async def receive(self) -> None:
            """Receive what is not for it."""
            await self.websocket.receive_text()

    async with play(Task, raises=InvalidStateError) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert Task.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize("way", ["timeout", "scope"])
async def test_f29_receive_that_is_cancelled_loses_nothing(way: str) -> None:
    """The message comes to whoever receives next."""

    class Impatient(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            if data == "wait":
                with anyio.move_on_after(SOON) as scope:
                    if way == "scope":
                        scope.cancel()
                    await websocket.receive_text()
                self.log.append("nothing came")
                await websocket.send_text("gave up")
                return await websocket.receive_text()
            return f"loop {data}"

    async with play(Impatient) as client:
        await client.send_text("wait")
        assert await client.receive_text() == "gave up"
        await client.send_text(f"one {MARKER}")
        await client.send_text("two")
        assert await client.receive_text() == f"one {MARKER}"
        assert await client.receive_text() == "loop two"
        await client.close(1000)
    assert Impatient.log == ["connect", "nothing came", 1000]


@anyio_test
async def test_f30_second_accept_is_refused_by_us() -> None:
    """Granian would take no notice, daphne would raise AttributeError."""

    class Twice(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.accept()

    async with play(Twice, raises=InvalidStateError) as client:
        await client.expect_close(1011, "")
    assert Twice.log == [1011]
    assert Twice.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize("how", [*SENDS, *RECEIVES])
async def test_f30_use_before_the_accept_is_refused_by_us(how: str) -> None:
    """Nothing reaches the server, and the error is a RuntimeError as in Starlette."""
    assert issubclass(InvalidStateError, RuntimeError)

    class Early(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            await use(self, how)

    await fails_at_once(Early, raises=InvalidStateError)
    assert Early.log == Early.sent == []


@anyio_test
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
async def test_f31_on_connect_that_does_not_answer_refuses(waits: bool) -> None:
    """It fails closed, and a line says why."""

    class Forgetful(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if waits:
                await checkpoint()

    denied = await refused(Forgetful, log=["WARNING"])
    assert denied.status == 403
    assert Forgetful.log == []
    assert "Forgetful: on_connect did not accept" in Forgetful.lines("WARNING")[0]


@anyio_test
@failing
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_f32_interrupt_goes_on(base: type[Noting], kind: type[BaseException]) -> None:
    """The client is closed, the clean-up runs, and the process gets its exception."""
    failure = kind()
    endpoint = that_fails(base, failure)
    async with play(endpoint, raises=failure) as client:
        await client.send_text(f'"{MARKER}"')
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


@anyio_test
async def test_f33_instance_serves_one_connection() -> None:
    """It is the state of one."""
    endpoint = quiet()
    server = FakeServer(CONNECT, GONE)
    with watch(endpoint):
        instance = endpoint(make_scope(), server.receive, server.send)
        await instance
        with pytest.raises(InvalidStateError, match="an instance serves one connection, once"):
            await instance
        del instance
        # It did not come by `serve`, which would have noted them.
        endpoint.sent.extend(server.sent)
    assert endpoint.log == ["connect", 1006]


@anyio_test
async def test_f33_scope_is_that_of_one_connection() -> None:
    """A second connection with it is a mistake of whoever calls."""
    endpoint = quiet()
    scope = make_scope()
    first, second = FakeServer(CONNECT), FakeServer(CONNECT, GONE)
    async with anyio.create_task_group() as tasks:

        async def serve_first() -> None:
            await endpoint(scope, first.receive, first.send)

        tasks.start_soon(serve_first)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError):
            await endpoint(scope, second.receive, second.send)
        assert second.sent == []
        tasks.cancel_scope.cancel()


def plain(self: object, websocket: object, data: object) -> None:
    """Be no coroutine function."""


@pytest.mark.parametrize(
    "attributes",
    [
        {"on_receive": plain},
        {"on_connect": plain},
        {"on_disconnect": plain},
        {"on_invalid": plain},
        {"method": handles(plain)},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_f34_plain_function_is_refused_with_the_class(attributes: dict[str, Any]) -> None:
    """It would block the event loop, or do nothing: seen before any client comes."""
    with pytest.raises(ConfigurationError, match="is no async method: use `async def"):
        type("Plain", (WebSocketEndpoint,), attributes)
