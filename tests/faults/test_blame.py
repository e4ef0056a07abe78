"""Who is to blame for an exception, and what is no failure at all: L06, L07 and L09."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint
from starlette.exceptions import WebSocketException

from tests.clocks import GENEROUS, REAL_TIME, VIRTUAL_ASYNCIO, as_asgi
from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.endpoints import GONE, NEVER, SILENT, DeliberateError, FailsAtOnce
from tests.faults.playing import (
    MARKER,
    Noting,
    derive,
    fails_at_once,
    make_scope,
    play,
    serve,
    surfacing,
    tap_app,
    watch,
)
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

anyio_test = pytest.mark.anyio

BRIEFLY: Final = 0.01
"""Seconds of real time: on the loops of `tests.clocks` none passes while a generator never waits.

However busy the machine is, what is asserted holds: also if they pass before the first message.
"""


@asynccontextmanager
async def task_group(seconds: float) -> AsyncGenerator[None]:
    """Be a task group with a task that waits for ever."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep_forever)
        yield


@asynccontextmanager
async def nested(seconds: float) -> AsyncGenerator[None]:
    """Be a task group in a task group in a timeout."""
    with anyio.fail_after(seconds):
        async with task_group(seconds), task_group(seconds):
            yield


@asynccontextmanager
async def fail_after(seconds: float) -> AsyncGenerator[None]:
    """Be a timeout of anyio's."""
    with anyio.fail_after(seconds):
        yield


def native_group(seconds: float) -> AbstractAsyncContextManager[Any]:
    """Return a task group of asyncio's."""
    return asyncio.TaskGroup()


AROUND: Final[Mapping[str, Callable[[float], AbstractAsyncContextManager[Any]]]] = {
    "a task group": task_group,
    "a timeout": fail_after,
    "all of it": nested,
    "asyncio.timeout": asyncio.timeout,
    "asyncio.TaskGroup": native_group,
}

around_a_yield = pytest.mark.parametrize(
    ("anyio_backend", "around"),
    [
        *(("asyncio", around) for around in AROUND),
        *(("trio", around) for around in AROUND if "asyncio" not in around),
    ],
    indirect=["anyio_backend"],
)


class Streams(Noting):
    """Streams from within something that belongs to the task."""

    encoding = "text"
    around = ""
    seconds: float = NEVER
    waits_between = False

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        try:
            async with AROUND[self.around](self.seconds):
                while True:
                    yield "tick"
                    if self.waits_between:
                        await anyio.sleep_forever()
        finally:
            self.log.append("stream ended")


@anyio_test
@around_a_yield
@pytest.mark.parametrize("server", [Dialect(), SILENT], ids=["OSError", "silent"])
@pytest.mark.parametrize("where", ["between", "waiting", "sending"])
async def test_l06_client_that_leaves_a_stream_is_no_failure(
    around: str, server: Dialect, where: str
) -> None:
    """Wherever the generator is, and whatever is around its `yield`."""
    endpoint = derive(Streams, around=around, waits_between=where == "waiting")
    async with play(endpoint, server=server, timeout=GENEROUS) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "tick"
        if where == "sending":
            client.pause_reading()
        if where != "between":
            await all_tasks_blocked()
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log == ["connect", "stream ended", 1006]


@anyio_test
@around_a_yield
async def test_l06_stream_is_ended_by_a_close(around: str) -> None:
    """Another task closes, and the generator is closed where it is."""

    class Closes(Streams):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.close_later)

        async def close_later(self) -> None:
            for _ in range(9):
                await checkpoint()
            await self.websocket.close(4000)

    endpoint = derive(Closes, around=around)
    async with play(endpoint, timeout=GENEROUS) as client:
        await client.send_text(MARKER)
        while True:
            try:
                await client.receive_text()
            except AssertionError:
                break
        await client.expect_close(4000)
    assert endpoint.log == ["connect", "stream ended", 4000]


@anyio_test
@around_a_yield
async def test_l06_cancellation_of_a_stream_goes_on(around: str) -> None:
    """The server's cancellation closes with 1012, and is raised, not in a group."""
    endpoint = derive(Streams, around=around)
    async with play(endpoint, timeout=GENEROUS) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "tick"
        client.cancel_app()
        await client.wait_for_app()
    assert endpoint.log == ["connect", "stream ended", 1012]


@anyio_test
@pytest.mark.parametrize(
    ("anyio_backend", "around"),
    [("asyncio", "a timeout"), ("trio", "a timeout"), ("asyncio", "asyncio.timeout")],
    indirect=["anyio_backend"],
)
@pytest.mark.parametrize("where", ["between", "waiting", "sending"])
async def test_l06_timeout_around_a_yield_is_the_applications(around: str, where: str) -> None:
    """When it is over, the generator raises a `TimeoutError`, and that is its failure."""
    endpoint = derive(Streams, around=around, seconds=BRIEFLY, waits_between=where == "waiting")
    server = Holding(CONNECT, text(MARKER), holds=where == "sending")
    with watch(endpoint), surfacing(TimeoutError):
        await serve(endpoint, server)
    assert endpoint.log == ["connect", "stream ended", 1011]
    assert endpoint.sent[-1]["code"] == 1011


class Holding(FakeServer):
    """A server that holds up messages, from the second one on."""

    def __init__(self, *events: Event, holds: bool) -> None:
        super().__init__(*events)
        self.holds = holds

    async def send(self, event: Event) -> None:
        """Take an event, or wait for ever."""
        await super().send(event)
        if self.holds and event["type"] == "websocket.send" and len(self.sent) > 2:
            await anyio.sleep_forever()


class GoesOn(Noting):
    """Streams for a while, and then says good bye."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        with anyio.move_on_after(BRIEFLY):
            while True:
                yield "tick"
        yield "bye"


@anyio_test
@REAL_TIME
async def test_l06_stream_goes_on_after_a_timeout_around_a_yield() -> None:
    """The cancellation of a scope around a `yield` ends at that scope."""
    async with play(GoesOn, timeout=GENEROUS) as client:
        await client.send_text(MARKER)
        while (got := await client.receive_text()) == "tick":
            pass
        assert got == "bye"
        await client.close()
    assert GoesOn.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize("waits_between", [False, True], ids=["sending", "waiting"])
async def test_l06_task_around_a_yield_that_fails_is_raised(waits_between: bool) -> None:
    """The failure of a task in a group around a `yield` surfaces as the object that it is."""
    failure = DeliberateError()
    failures = [failure]

    async def fail() -> None:
        raise failures.pop()

    class FailsBeside(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fail)
                while True:
                    yield "tick"
                    if waits_between:
                        await anyio.sleep_forever()

    with watch(FailsBeside), surfacing(failure):
        server = FakeServer(CONNECT, text(MARKER))
        await serve(FailsBeside, server)
    assert FailsBeside.log == ["connect", 1011]


class Awaits(Noting):
    """Awaits something that somebody else cancels, in a place that each test chooses."""

    encoding = "text"
    how = ""
    where = ""

    async def on_connect(self, websocket: WebSocket) -> None:
        if self.where == "on_connect":
            await self.wait()
        await super().on_connect(websocket)
        if self.where == "on_connect, accepted":
            await self.wait()

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if self.where == "a task":
            self.start_soon(self.wait)
            await anyio.sleep_forever()
        elif self.where == "a handler":
            await self.wait()

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        if self.where == "on_disconnect":
            await self.wait()

    async def wait(self) -> None:
        """Wait, and have what is waited for cancelled."""
        loop = asyncio.get_running_loop()
        match self.how:
            case "cancelled before":
                future = loop.create_future()
                future.cancel()
                await future
            case "cancelled later":
                future = loop.create_future()
                loop.call_soon(future.cancel)
                await future
            case _:
                await loop.create_task(cancelled_by_a_scope())


async def cancelled_by_a_scope() -> None:
    """End as a task that a cancel scope has cancelled."""
    cancellations: list[BaseException] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await checkpoint()
        except asyncio.CancelledError as exc:
            cancellations.append(exc)
    raise cancellations.pop()


waits = pytest.mark.parametrize("how", ["cancelled before", "cancelled later", "a cancelled task"])
asyncio_test = VIRTUAL_ASYNCIO
"""Only asyncio raises `CancelledError` where something that is awaited was cancelled."""


class Sends(Noting):
    """A handler whose send the client holds up, and that goes on for some time after it."""

    encoding = "text"
    how: ClassVar[str]

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        if self.how == "a reply":
            return "reply"
        await (self.push("push") if self.how == "push" else websocket.send_text("sent"))
        await anyio.sleep(8)
        self.log.append("handled")
        return None


@asynccontextmanager
async def sends_held_up(endpoint: type[Noting], seconds: float) -> AsyncGenerator[FakeServer]:
    """Have a client send a message, and hold up what is sent to it for some time."""
    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_virtually, endpoint, server)
        await all_tasks_blocked()
        gate = server.gate = anyio.Event()
        server.deliver(text("x"))
        await anyio.sleep(seconds)
        gate.set()
        yield server


SLOW_READER: Final = Limits(handler_timeout=10, send_timeout=100)


@anyio_test
@pytest.mark.parametrize("how", ["push", "send_text", "a reply"])
async def test_l20_handler_is_not_to_blame_for_a_client_that_reads_slowly(how: str) -> None:
    """Only `send_timeout` counts while a send is held up; the handler still has its own time."""
    endpoint = derive(Sends, how=how, limits=SLOW_READER)
    with watch(endpoint):
        async with sends_held_up(endpoint, 90) as server:
            await anyio.sleep(9)
            server.deliver(GONE)
    assert endpoint.sent_types() == ["accept", "send"]
    assert endpoint.log == ["connect", *([] if how == "a reply" else ["handled"]), 1006]


@anyio_test
async def test_l20_client_that_reads_nothing_is_to_blame() -> None:
    """It is closed for what it did, though the handler took too long for it."""
    endpoint = derive(Sends, how="push", limits=SLOW_READER)
    with watch(endpoint, log=["WARNING"]):
        async with sends_held_up(endpoint, 101):
            pass
    assert endpoint.log == ["connect", 1013]


async def serve_virtually(endpoint: type[Noting], server: FakeServer) -> None:
    """Serve a connection on the clock of the event loop."""
    app = tap_app(endpoint, as_asgi(endpoint))
    await app(make_scope(), server.receive, server.send)


@anyio_test
@asyncio_test
@waits
@pytest.mark.parametrize("where", ["a handler", "a task", "on_connect, accepted"])
async def test_l07_awaiting_what_was_cancelled_is_a_failure(where: str, how: str) -> None:
    """It closes with 1011, and raises an exception that no server takes for a cancellation."""
    endpoint = derive(Awaits, where=where, how=how)
    async with play(endpoint, raises=AwaitedCancelledError) as client:
        if where != "on_connect, accepted":
            await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert [entry for entry in endpoint.log if isinstance(entry, int)] == [1011]


@anyio_test
@asyncio_test
@waits
async def test_l07_awaiting_what_was_cancelled_before_the_accept_is_a_failure(how: str) -> None:
    """Nothing is sent, as with any failure there."""
    endpoint = derive(Awaits, where="on_connect", how=how)
    await fails_at_once(endpoint, raises=AwaitedCancelledError)
    assert endpoint.log == endpoint.sent == []


@anyio_test
@asyncio_test
@waits
async def test_l07_awaiting_what_was_cancelled_in_on_disconnect_is_a_failure(how: str) -> None:
    """It is raised as the failure of that."""
    endpoint = derive(Awaits, where="on_disconnect", how=how)
    with watch(endpoint), surfacing(AwaitedCancelledError):
        await serve(endpoint, FakeServer(CONNECT, GONE))
    assert endpoint.log == ["connect", 1006]


@anyio_test
@asyncio_test
async def test_l07_cancellation_of_the_handler_itself_is_none() -> None:
    """What is raised by the cancellation of the task that awaits stays one."""

    class Sleeps(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await asyncio.get_running_loop().create_future()

    server = FakeServer(CONNECT, text(MARKER))
    with watch(Sleeps):
        task = asyncio.create_task(serve(Sleeps, server))
        await all_tasks_blocked()
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()
        del task
    assert Sleeps.log == ["connect", 1012]


def asking(reason: Any) -> WebSocketException:
    """Return the exception that asks for a close, with whatever a user gives it as the reason."""
    asked = WebSocketException(4001)
    asked.reason = reason
    return asked


@anyio_test
@pytest.mark.parametrize("reason", [None, 1, b"x", {"why": "x"}, ["x"]], ids=repr)
async def test_l09_reason_of_a_framework_that_is_no_str(reason: object) -> None:
    """It closes all the same, without a reason."""
    endpoint = derive(FailsAtOnce, failures=[asking(reason)])
    async with play(endpoint) as client:
        await client.send_text(MARKER)
        await client.expect_close(4001, "")
    assert endpoint.log == ["connect", 4001]
