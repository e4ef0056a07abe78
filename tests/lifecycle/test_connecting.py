"""The handshake of a class that leaves it to the default: bounded, and alone on its event loop."""

import asyncio
from collections.abc import Callable
from typing import Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConnectionState,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.connection.websocket import connection_of
from wsendpoints.lifecycle.connecting import connect_alone
from wsendpoints.protocol.asgi import Event, Send
from wsendpoints.protocol.deadline import Deadline

pytestmark = pytest.mark.anyio

BOUND: Final = 1000.0
ACCEPT: Final[Event] = {"type": "websocket.accept", "subprotocol": None, "headers": []}

Result = Event | Deadline | None


class Quiet(WebSocketEndpoint):
    """Leaves the handshake to the default."""

    limits = Limits(connect_timeout=BOUND, send_timeout=None)


async def connecting(
    server: FakeServer, cls: type[WebSocketEndpoint] = Quiet, send: Send | None = None
) -> tuple[WebSocketEndpoint, Connection]:
    """Return an endpoint whose client has asked for a connection."""
    endpoint = cls(make_scope(), server.receive, send or server.send)
    connection = connection_of(endpoint.websocket)
    server.deliver(CONNECT)
    await connection.next_event()
    return endpoint, connection


# What it returns.


async def test_first_message_is_returned() -> None:
    """The handshake is answered, and nothing but the message was taken from the server."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    server.deliver(text("one"), text("two"))
    assert await connect_alone(endpoint, connection) == text("one")
    assert server.sent == [ACCEPT]
    assert connection.state is ConnectionState.OPEN
    assert await connection.next_event() == text("two")


async def test_disconnect_is_recorded() -> None:
    """There is no message then."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    server.deliver(DISCONNECT)
    assert await connect_alone(endpoint, connection) is None
    assert connection.state is ConnectionState.DISCONNECTED
    assert connection.disconnect_error().args == (4001, "bye")


@pytest.mark.parametrize("event", [CONNECT, {"type": "nonsense"}, {}], ids=repr)
async def test_h17_any_other_event_is_the_servers_fault(event: Event) -> None:
    """It is an error, as at any other time."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    server.deliver(event)
    with pytest.raises(ServerProtocolError):
        await connect_alone(endpoint, connection)


async def test_f05_accept_that_fails_is_a_disconnect() -> None:
    """The client did not wait for the answer."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    server.failure = OSError("gone")
    with pytest.raises(WebSocketDisconnect):
        await connect_alone(endpoint, connection)
    assert connection.state is ConnectionState.DISCONNECTED


async def test_first_message_may_take_its_time() -> None:
    """The limits of the handshake end with it."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    results: list[Result] = []

    async def connect() -> None:
        results.append(await connect_alone(endpoint, connection))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect)
        await anyio.sleep(BOUND * 5)
        server.deliver(text("late"))
    assert results == [text("late")]


# Its limits.


@pytest.mark.parametrize(
    ("limits", "passes"),
    [
        pytest.param(
            Limits(connect_timeout=BOUND, send_timeout=None),
            "connect_timeout",
            id="connect_timeout",
        ),
        pytest.param(
            Limits(connect_timeout=None, send_timeout=BOUND), "send_timeout", id="send_timeout"
        ),
        pytest.param(
            Limits(connect_timeout=BOUND * 2, send_timeout=BOUND), "send_timeout", id="the stricter"
        ),
        pytest.param(Limits(connect_timeout=None, send_timeout=None), None, id="no limit"),
    ],
)
async def test_accept_that_is_held_up_is_bounded(limits: Limits, passes: str | None) -> None:
    """An accept is a send, and a part of the handshake: the stricter limit is returned."""

    class Limited(Quiet):
        pass

    Limited.limits = limits
    server = FakeServer()
    endpoint, connection = await connecting(server, Limited)
    gate = server.gate = anyio.Event()
    results: list[Result] = []

    async def connect() -> None:
        results.append(await connect_alone(endpoint, connection))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect)
        await anyio.sleep(BOUND - 1)
        assert results == []
        await anyio.sleep(2)
        if passes is not None:
            (deadline,) = results
            assert isinstance(deadline, Deadline)
            assert (deadline.limit, deadline.seconds) == (passes, BOUND)
            assert connection.state is ConnectionState.BROKEN
            return
        await anyio.sleep(BOUND * 5)
        assert results == []
        gate.set()
        server.deliver(text("x"))
    assert results == [text("x")]


async def test_accept_that_goes_out_in_time_is_no_matter() -> None:
    """A server may hold it up for a while."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    gate = server.gate = anyio.Event()

    async def open_gate() -> None:
        await anyio.sleep(BOUND - 1)
        gate.set()
        await anyio.sleep(BOUND)
        server.deliver(text("x"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_gate)
        assert await connect_alone(endpoint, connection) == text("x")
    assert server.sent == [ACCEPT]


def timers() -> int:
    """Return the number of the event loop's timers."""
    scheduled = vars(asyncio.get_running_loop())["_scheduled"]
    return sum(not handle.cancelled() for handle in scheduled)


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "held up"])
async def test_timer_is_set_only_for_an_accept_that_waits(waits: bool) -> None:
    """On asyncio a handshake that does not wait sets nothing up."""
    seen: list[int] = []

    async def send(event: Event) -> None:
        seen.append(timers())
        if waits:
            await checkpoint()
            seen.append(timers())

    server = FakeServer()
    endpoint, connection = await connecting(server, send=send)
    server.deliver(text("x"))
    before = timers()
    assert await connect_alone(endpoint, connection) == text("x")
    assert seen == ([before, before + 1] if waits else [before])
    assert timers() == before


# What is around it.


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
async def test_timeout_of_the_applications_own_passes_through(waits: bool) -> None:
    """It is an exception like others, and is not taken for a limit."""
    failure = TimeoutError("the database")

    class Failing(Quiet):
        async def on_connect(self, websocket: WebSocket) -> None:
            if waits:
                await checkpoint()
            raise failure

    endpoint, connection = await connecting(FakeServer(), Failing)
    with pytest.raises(TimeoutError) as caught:
        await connect_alone(endpoint, connection)
    assert caught.value is failure


async def test_cancellation_passes_through() -> None:
    """A server that cancels the handshake is no limit either, and nothing is returned."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    server.gate = anyio.Event()
    results: list[Result] = []

    async def connect() -> None:
        results.append(await connect_alone(endpoint, connection))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert results == []
    assert connection.state is ConnectionState.BROKEN


async def test_limit_of_the_caller_passes_through() -> None:
    """A shorter time around the application is the caller's, who gets its own cancellation."""
    server = FakeServer()
    endpoint, connection = await connecting(server)
    server.gate = anyio.Event()
    with anyio.move_on_after(BOUND / 2) as scope:
        await connect_alone(endpoint, connection)
    assert scope.cancelled_caught
    assert connection.state is ConnectionState.BROKEN


def within_anyio(server: FakeServer, seconds: float, log: list[str]) -> Send:
    """Return a `send` that has a cancel scope of anyio open while it waits."""

    async def send(event: Event) -> None:
        with anyio.move_on_after(seconds) as scope:
            await server.send(event)
        log.append("late" if scope.cancelled_caught else "sent")

    return send


def within_asyncio(server: FakeServer, seconds: float, log: list[str]) -> Send:
    """Return a `send` that has a timeout of asyncio open while it waits."""

    async def send(event: Event) -> None:
        try:
            async with asyncio.timeout(seconds):
                await server.send(event)
        except TimeoutError:
            log.append("late")
        else:
            log.append("sent")

    return send


Middleware = Callable[[FakeServer, float, list[str]], Send]


async def check_middleware(middleware: Middleware) -> None:
    """Check that the limit of a middleware and that of the handshake each end what they are for."""
    log: list[str] = []

    server = FakeServer()
    endpoint, connection = await connecting(server, send=middleware(server, BOUND / 2, log))
    server.deliver(text("x"))
    assert await connect_alone(endpoint, connection) == text("x")
    assert log == ["sent"]

    log.clear()
    server = FakeServer()
    endpoint, connection = await connecting(server, send=middleware(server, BOUND * 2, log))
    server.gate = anyio.Event()
    began = anyio.current_time()
    deadline = await connect_alone(endpoint, connection)
    assert isinstance(deadline, Deadline)
    assert deadline.limit == "connect_timeout"
    assert anyio.current_time() - began == pytest.approx(BOUND)
    assert log == []

    server = FakeServer()
    endpoint, connection = await connecting(server, send=middleware(server, BOUND / 2, log))
    server.gate = anyio.Event()
    server.deliver(text("x"))
    began = anyio.current_time()
    # A middleware that swallows its own timeout sends nothing, and says nothing.
    assert await connect_alone(endpoint, connection) == text("x")
    assert anyio.current_time() - began == pytest.approx(BOUND / 2)
    assert log == ["late"]


async def test_middleware_may_have_a_cancel_scope_open() -> None:
    """Its `send` begins before there is a limit, and waits within it."""
    await check_middleware(within_anyio)
    # No cancellation is pending.
    await checkpoint()


@VIRTUAL_ASYNCIO
async def test_middleware_may_have_a_timeout_open() -> None:
    """The same holds for asyncio's own."""
    await check_middleware(within_asyncio)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await checkpoint()
