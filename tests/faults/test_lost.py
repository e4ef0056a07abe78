"""What must not get lost: a hook that is to be called, a message, an exception: L01 to L06."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from tests.fake_server import CONNECT, FakeServer, binary, text
from tests.faults.endpoints import GONE, DeliberateError
from tests.faults.playing import (
    MARKER,
    SOON,
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
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ClientMessageError,
    ConnectionState,
    Denied,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.protocol.asgi import Event

anyio_test = pytest.mark.anyio
asyncio_test = VIRTUAL_ASYNCIO
"""Only asyncio cancels a task natively: by `Task.cancel`, which no scope's shield stops."""


class ClosesSlowly(FakeServer):
    """A server whose `send` of a close waits for ever."""

    def __init__(self, *events: Event) -> None:
        super().__init__(*events)
        self.closing = anyio.Event()

    async def send(self, event: Event) -> None:
        """Take an event."""
        await super().send(event)
        if event["type"] == "websocket.close":
            self.closing.set()
            await anyio.sleep_forever()


def ends(endpoint: type[Noting]) -> list[int]:
    """Return the codes that `on_disconnect` was called with."""
    return [entry for entry in endpoint.log if isinstance(entry, int)]


async def outcome(endpoint: type[Noting], server: FakeServer) -> BaseException | None:
    """Serve a connection, and return what was raised, without its traceback."""
    try:
        # Not by `serve`, where a cancellation could land outside of the endpoint.
        await endpoint(make_scope(), server.receive, server.send)
    except BaseException as exc:  # noqa: BLE001 - for the test to look at
        exc.__context__ = None
        return exc.with_traceback(None)
    finally:
        endpoint.sent.extend(server.offers)
    return None


class Fails(Noting):
    """Fails, closes, or has been cancelled, and cleans up in several turns of the event loop."""

    encoding = "text"
    failures: ClassVar[list[BaseException]] = []

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if self.failures:
            raise self.failures.pop()
        await websocket.close(4000)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        for _ in range(3):
            await checkpoint()
        await super().on_disconnect(websocket, close_code)


@anyio_test
@asyncio_test
async def test_l01_native_cancel_in_the_last_close_loses_no_failure() -> None:
    """`on_disconnect` is called, and the handler's exception is raised."""
    failure = DeliberateError()
    endpoint = derive(Fails, failures=[failure])
    server = ClosesSlowly(CONNECT, text(MARKER))
    with watch(endpoint):
        task = asyncio.create_task(outcome(endpoint, server))
        await server.closing.wait()
        task.cancel()
        assert await task is failure
    assert endpoint.log == ["connect", 1011]
    assert server.sent[-1]["code"] == 1011


@anyio_test
@asyncio_test
async def test_l01_native_cancel_in_the_last_close_goes_on() -> None:
    """Where nothing failed, the cancellation is raised once `on_disconnect` has returned."""
    endpoint = derive(Fails, limits=Limits(first_message_timeout=SOON))
    server = ClosesSlowly(CONNECT)
    with watch(endpoint, log=["INFO"]):
        task = asyncio.create_task(outcome(endpoint, server))
        await server.closing.wait()
        task.cancel()
        assert isinstance(await task, asyncio.CancelledError)
    assert endpoint.log == ["connect", 1008]


@anyio_test
@asyncio_test
async def test_l01_native_cancel_in_a_close_that_a_framework_asks_for() -> None:
    """The exception that asked for it is not raised on: it would ask for a second close."""
    from starlette.exceptions import WebSocketException

    endpoint = derive(Fails, failures=[WebSocketException(4001)])
    server = ClosesSlowly(CONNECT, text(MARKER))
    with watch(endpoint):
        task = asyncio.create_task(outcome(endpoint, server))
        await server.closing.wait()
        task.cancel()
        assert isinstance(await task, asyncio.CancelledError)
    assert endpoint.log == ["connect", 4001]


class CleansUp(Noting):
    """Cleans up in a way that each test chooses."""

    cleaning: anyio.Event
    go: anyio.Event

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        self.cleaning.set()
        await self.go.wait()
        self.log.append("cleaned up")


def cleans_up(**attributes: Any) -> type[CleansUp]:
    """Return an endpoint whose `on_disconnect` waits for `go`."""
    return derive(CleansUp, cleaning=anyio.Event(), go=anyio.Event(), **attributes)


@anyio_test
@asyncio_test
@pytest.mark.parametrize("times", [1, 3])
async def test_l02_native_cancel_does_not_reach_on_disconnect(times: int) -> None:
    """However often it comes; it is raised in the end."""
    endpoint = cleans_up()
    with watch(endpoint):
        task = asyncio.create_task(outcome(endpoint, FakeServer(CONNECT, GONE)))
        await endpoint.cleaning.wait()
        for _ in range(times):
            assert task.cancel()
            await all_tasks_blocked()
        assert not task.done()
        endpoint.go.set()
        assert isinstance(await task, asyncio.CancelledError)
    assert endpoint.log == ["connect", 1006, "cleaned up"]


@anyio_test
@asyncio_test
async def test_l02_timeout_around_the_application_does_not_cut_the_clean_up() -> None:
    """`asyncio.timeout` becomes a `TimeoutError` once `on_disconnect` has returned."""
    endpoint = cleans_up()
    with watch(endpoint), pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as timeout:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(expire, timeout, endpoint)
                await serve(endpoint, FakeServer(CONNECT, GONE))
    assert endpoint.log == ["connect", 1006, "cleaned up"]


async def expire(around: asyncio.Timeout, endpoint: type[CleansUp]) -> None:
    """Let a timeout pass while `on_disconnect` runs, and then let that go on."""
    with anyio.CancelScope(shield=True):
        await endpoint.cleaning.wait()
        around.reschedule(0)
        await all_tasks_blocked()
        endpoint.go.set()


@anyio_test
@asyncio_test
@pytest.mark.parametrize("how", ["asyncio.timeout", "move_on_after", "cancel scope in a group"])
async def test_l02_timeouts_within_on_disconnect_hold(how: str) -> None:
    """What `on_disconnect` cancels itself is cancelled."""

    class Impatient(Noting):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            match how:
                case "asyncio.timeout":
                    with pytest.raises(TimeoutError):
                        async with asyncio.timeout(0):
                            await anyio.sleep_forever()
                case "move_on_after":
                    with anyio.move_on_after(0):
                        await anyio.sleep_forever()
                case _:
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(anyio.sleep_forever)
                        tasks.cancel_scope.cancel()
            await super().on_disconnect(websocket, close_code)

    with watch(Impatient):
        await serve(Impatient, FakeServer(CONNECT, GONE))
    assert Impatient.log == ["connect", 1006]


@anyio_test
@asyncio_test
async def test_l02_on_disconnect_that_hangs_is_ended_despite_native_cancels() -> None:
    """`disconnect_timeout` holds, and the cancellation goes on."""
    endpoint = cleans_up(limits=Limits(disconnect_timeout=SOON))
    with watch(endpoint, log=["WARNING"]):
        task = asyncio.create_task(outcome(endpoint, FakeServer(CONNECT, GONE)))
        await endpoint.cleaning.wait()
        task.cancel()
        assert isinstance(await task, asyncio.CancelledError)
    assert endpoint.log == ["connect", 1006]


@anyio_test
@asyncio_test
async def test_l02_failure_of_on_disconnect_is_raised_despite_a_native_cancel() -> None:
    """It tells more than the cancellation."""
    failure = DeliberateError()

    class Broken(CleansUp):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            raise failure

    endpoint = derive(Broken, cleaning=anyio.Event(), go=anyio.Event())
    with watch(endpoint):
        task = asyncio.create_task(outcome(endpoint, FakeServer(CONNECT, GONE)))
        await endpoint.cleaning.wait()
        task.cancel()
        endpoint.go.set()
        assert await task is failure
    assert endpoint.log == ["connect", 1006, "cleaned up"]


def cancel_all(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks natively."""
    for task in tasks:
        task.cancel()


@anyio_test
@asyncio_test
async def test_l02_end_of_the_event_loop_ends_the_clean_up() -> None:
    """It cancels each task that there is, and waits for all of them."""
    endpoint = cleans_up()
    with watch(endpoint):
        before = asyncio.all_tasks()
        task = asyncio.create_task(outcome(endpoint, FakeServer(CONNECT, GONE)))
        await endpoint.cleaning.wait()
        cancel_all(asyncio.all_tasks() - before)
        assert isinstance(await task, asyncio.CancelledError)
    assert endpoint.log == ["connect", 1006]


@anyio_test
async def test_l02_context_of_on_disconnect_is_that_of_on_connect() -> None:
    """A context variable that one of them sets is reset by the other."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    class Sets(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.token = variable.set("set")
            await super().on_connect(websocket)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            assert variable.get() == "set"
            variable.reset(self.token)
            await super().on_disconnect(websocket, close_code)

    with watch(Sets):
        await serve(Sets, FakeServer(CONNECT, GONE))
        assert variable.get() == "unset"
    assert Sets.log == ["connect", 1006]


@anyio_test
@asyncio_test
async def test_l02_clean_up_works_with_eager_tasks() -> None:
    """Whatever makes the event loop's tasks."""
    loop = asyncio.get_running_loop()
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro.__name__)
        return asyncio.Task(coro, loop=loop, **options)

    loop.set_task_factory(factory)
    try:
        with watch(Fails):
            await serve(Fails, FakeServer(CONNECT, GONE))
    finally:
        loop.set_task_factory(None)
    assert Fails.log == ["connect", 1006]
    assert "_run" not in made


@anyio_test
@asyncio_test
@pytest.mark.parametrize("again", [1, 2, 3, 5])
@pytest.mark.parametrize("turns", range(1, 16))
@pytest.mark.parametrize("fails", [False, True], ids=["closes", "fails"])
async def test_l01_l02_cancelled_natively_twice(fails: bool, turns: int, again: int) -> None:
    """At whatever moments it is cancelled, `on_disconnect` is called once, and to its end."""
    failure = DeliberateError() if fails else None
    endpoint = derive(Fails, failures=[failure] if failure else [])
    server = FakeServer(CONNECT, text(MARKER))
    with watch(endpoint):
        task = asyncio.create_task(outcome(endpoint, server))
        for count in (turns, again):
            for _ in range(count):
                await checkpoint()
            task.cancel()
        raised = await task
        assert isinstance(raised, asyncio.CancelledError) or raised is failure
    assert len(ends(endpoint)) == ("accept" in endpoint.sent_types())


class Leaves(FakeServer):
    """A server whose client sends, and has disconnected before anything can be sent to it."""

    def __init__(self, *events: Event, raises: type[Exception] | None) -> None:
        super().__init__(CONNECT, *events)
        self.raises = raises

    async def send(self, event: Event) -> None:
        """Take the accept, and nothing else."""
        await checkpoint()
        if event["type"] != "websocket.accept" and self.raises is not None:
            raise self.raises


class Counts(Noting):
    """Notes each message that it gets, and does something about the first."""

    encoding = "json"
    how = ""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        if self.how == "a greeting":
            await websocket.send_text("hello")

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        if self.how == "on_invalid that sends in a group":
            self.log.append("invalid")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(websocket.send_text, "no")
                tasks.start_soon(websocket.send_text, "no")
        await super().on_invalid(websocket, error)

    async def on_receive(self, websocket: WebSocket, data: int) -> int | None:
        self.log.append(str(data))
        if data > 1:
            return None
        match self.how:
            case "a reply":
                return data
            case "a group":
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.push, 1)
                    tasks.start_soon(self.push, 2)
            case "a generator of its own":
                async with aclosing(ticks()) as numbers:
                    async for number in numbers:
                        await self.push(number)
            case _:
                pass
        return None


async def ticks() -> AsyncGenerator[int, None]:
    """Stream from within a task group."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep_forever)
        while True:
            await anyio.sleep(0.001)
            yield 0


@anyio_test
@pytest.mark.parametrize("raises", [OSError, RuntimeError, None], ids=["OSError", "other", "none"])
@pytest.mark.parametrize(
    "how",
    [
        "a reply",
        "an invalid message",
        "on_invalid that sends in a group",
        "a greeting",
        "a group",
        "a generator of its own",
    ],
)
async def test_l03_what_was_sent_before_is_handled(
    how: str, raises: type[Exception] | None
) -> None:
    """Whatever found out that the client disconnected, the rest is handled, in order."""
    endpoint = derive(Counts, how=how)
    first = text(f'"{MARKER}"' if "invalid" in how else "1")
    server = Leaves(first, text("2"), text("3"), GONE, raises=raises)
    with watch(endpoint):
        await serve(endpoint, server)
    handled = [] if "invalid" in how else ["1"]
    noted = [entry for entry in endpoint.log if entry not in {"connect", "invalid"}]
    assert noted == [*handled, "2", "3", 1006]


@anyio_test
async def test_l03_each_of_several_invalid_messages_is_refused() -> None:
    """The client is gone at the first, and `on_invalid` is told of all."""
    endpoint = derive(Counts)
    invalid = text(f'"{MARKER}"')
    server = Leaves(invalid, invalid, text("3"), GONE, raises=OSError)
    with watch(endpoint):
        await serve(endpoint, server)
    assert endpoint.log == ["connect", "invalid", "invalid", "3", 1006]


@anyio_test
async def test_l03_failure_beside_a_disconnect_is_raised_still() -> None:
    """What else is in the group of disconnects is the application's failure."""
    failure = DeliberateError()

    class Group(Counts):
        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            with pytest.raises(WebSocketDisconnect):
                await self.push(data)
            raise ExceptionGroup("", [WebSocketDisconnect(1006), failure])

    with watch(Group), surfacing(failure):
        await serve(Group, Leaves(text("1"), text("2"), GONE, raises=OSError))
    assert Group.log == ["connect", 1006]


ANOTHERS = "the WebSocketDisconnect of another connection"


class Relays(Noting):
    """Gets the disconnect of another connection, in a way that each test chooses."""

    encoding = "text"
    how = ""

    async def on_connect(self, websocket: WebSocket) -> None:
        match self.how:
            case "before the accept":
                await self.relay()
            case "a task before the accept":
                self.start_soon(self.relay)
                await anyio.sleep_forever()
            case _:
                await super().on_connect(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        match self.how:
            case "a handler":
                await self.relay()
            case "a group in a task":
                self.start_soon(self.relay_twice)
            case "a task, and then a failure":
                self.start_soon(self.relay)
                try:
                    await anyio.sleep_forever()
                finally:
                    raise DeliberateError
            case _:
                self.start_soon(self.relay)

    async def relay(self) -> None:
        """Send to a client that disconnected."""
        other = FakeServer()
        websocket = await other.accepted()
        other.failure = OSError("gone")
        await websocket.send_text("x")

    async def relay_twice(self) -> None:
        """Do so from two tasks."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.relay)
            tasks.start_soon(self.relay)


@anyio_test
@pytest.mark.parametrize("how", ["a handler", "a task", "a group in a task"])
async def test_l04_disconnect_of_another_connection_is_seen(how: str) -> None:
    """It ends this one with 1011 and a warning, wherever it escapes from."""
    endpoint = derive(Relays, how=how)
    async with play(endpoint, log=["WARNING"]) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]
    assert ANOTHERS in endpoint.lines("WARNING")[0]


@anyio_test
async def test_l04_failure_that_follows_is_raised() -> None:
    """The disconnect of another connection, which is not raised, hides no failure."""
    endpoint = derive(Relays, how="a task, and then a failure")
    async with play(endpoint, raises=DeliberateError) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize("how", ["before the accept", "a task before the accept"])
async def test_l04_disconnect_of_another_connection_before_the_accept(how: str) -> None:
    """The client is refused, and a warning says why."""
    endpoint = derive(Relays, how=how)
    denied = await refused(endpoint, log=["WARNING"])
    assert denied.status == 403
    assert endpoint.log == []
    assert ANOTHERS in endpoint.lines("WARNING")[0]


@anyio_test
async def test_l04_task_that_sends_before_the_accept_has_failed() -> None:
    """It finds no connection that ended, but one that has not begun."""

    class Early(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.start_soon(self.push, "x")
            await anyio.sleep_forever()

    await fails_at_once(Early, raises=InvalidStateError)
    assert Early.log == Early.sent == []


@anyio_test
async def test_l04_tasks_that_find_the_connection_closed_are_quiet() -> None:
    """Also in a group of their own."""

    class Late(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(self.push_twice)
            await websocket.close(4000)
            await all_tasks_blocked()

        async def push_twice(self) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.push, "x")
                tasks.start_soon(self.push, "x")

    async with play(Late) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000)
    assert Late.log == ["connect", 4000]


@anyio_test
async def test_l04_disconnect_in_on_disconnect_leaves_a_line() -> None:
    """It may be of another connection, and end the clean-up too early."""

    class Tells(Relays):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await self.relay()

    async with play(Tells, debug="Tells.on_disconnect ended with a WebSocketDisconnect") as client:
        await client.close()
    assert Tells.log == ["connect", 1000]


class Middleware:
    """Stands between an endpoint and its server, and fails at one type of event.

    Args:
        server: What it passes events on to.
        type_: The type of event that it fails at, without the prefix `websocket.`.
        failure: What it raises.
        when: Whether it passes that event on before.
    """

    def __init__(
        self, server: FakeServer, type_: str, failure: Exception, when: str = "before"
    ) -> None:
        self.server = server
        self.type = f"websocket.{type_}"
        self.failures = [failure]
        self.when = when

    async def receive(self) -> Event:
        """Return the next event, or fail."""
        event = await self.server.receive()
        if event["type"] == self.type and self.failures:
            raise self.failures.pop()
        return event

    async def send(self, event: Event) -> None:
        """Pass an event on, or fail."""
        fails = event["type"] == self.type and bool(self.failures)
        if not fails or self.when == "after":
            await self.server.send(event)
        if fails:
            raise self.failures.pop()

    async def serve(self, endpoint: type[Noting]) -> None:
        """Serve a connection through this."""
        await endpoint(make_scope(), self.receive, self.send)


class Own(RuntimeError):
    """A class that is no server's."""


FAILURES = pytest.mark.parametrize(
    "kind", [KeyError, TypeError, ValueError, RecursionError, AssertionError, Own]
)


class Sends(Noting):
    """Sends, in a way that each test chooses."""

    encoding = "text"
    how = ""

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        match self.how:
            case "reply":
                return "x"
            case "push":
                await self.push("x")
            case "task":
                self.start_soon(self.push, "x")
            case "close":
                await websocket.close(4000)
            case _:
                pass
        return None


class Streams(Noting):
    """Streams."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        yield "x"


@anyio_test
@FAILURES
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", ["reply", "push", "task", "stream"])
async def test_l05_middleware_that_fails_to_send_is_a_failure(
    how: str, when: str, kind: type[Exception]
) -> None:
    """It is no disconnect: the client gets 1011, and the very exception is raised."""
    failure = kind()
    endpoint = derive(Streams) if how == "stream" else derive(Sends, how=how)
    server = FakeServer(CONNECT, text(MARKER))
    with surfacing(failure):
        await Middleware(server, "send", failure, when).serve(endpoint)
    assert endpoint.log == ["connect", 1011]
    assert server.sent[-1]["code"] == 1011


@anyio_test
@FAILURES
@pytest.mark.parametrize("endpoint", [Sends, Noting], ids=["own on_connect", "default"])
async def test_l05_middleware_that_fails_to_accept_leaves_it_unaccepted(
    endpoint: type[Noting], kind: type[Exception]
) -> None:
    """Nothing more is sent, so the server answers the handshake; `on_disconnect` does not run."""
    failure = kind()
    endpoint = derive(endpoint)
    server = FakeServer(CONNECT, GONE)
    with surfacing(failure):
        await Middleware(server, "accept", failure).serve(endpoint)
    assert endpoint.log == ["connect"]
    assert server.sent == []


@anyio_test
async def test_l05_middleware_that_fails_to_accept_once() -> None:
    """The application may try again."""

    class Again(Sends):
        async def on_connect(self, websocket: WebSocket) -> None:
            with pytest.raises(KeyError):
                await websocket.accept()
            assert websocket.connection_state is ConnectionState.HANDSHAKE
            await websocket.accept()

    server = FakeServer(CONNECT, GONE)
    await Middleware(server, "accept", KeyError()).serve(Again)
    assert Again.log == [1006]


@anyio_test
@FAILURES
@pytest.mark.parametrize("how", ["close", "on_invalid", "at the end"])
async def test_l05_middleware_that_fails_to_close_is_a_failure(
    how: str, kind: type[Exception]
) -> None:
    """The close is not sent a second time, with another code."""
    failure = kind()
    limits = Limits(first_message_timeout=SOON)
    endpoint = derive(Sends, how=how, limits=limits)
    message = {"close": [text(MARKER)], "on_invalid": [binary(b"x")], "at the end": []}[how]
    server = FakeServer(CONNECT, *message)
    middleware = Middleware(server, "close", failure, "after")
    with surfacing(failure):
        await middleware.serve(endpoint)
    assert [event["type"] for event in server.sent] == ["websocket.accept", "websocket.close"]
    assert len(ends(endpoint)) == 1


@anyio_test
@FAILURES
@pytest.mark.parametrize("waits", [False, True], ids=["idle", "after a handler"])
async def test_l05_middleware_that_fails_to_receive_is_a_failure(
    waits: bool, kind: type[Exception]
) -> None:
    """The client gets 1011, and the very exception is raised."""

    class Waits(Sends):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await all_tasks_blocked()

    failure = kind()
    server = FakeServer(CONNECT, *([text(MARKER)] if waits else []), GONE)
    with surfacing(failure):
        await Middleware(server, "disconnect", failure).serve(Waits)
    assert Waits.log == ["connect", 1011]
    assert server.sent[-1]["code"] == 1011


@anyio_test
@pytest.mark.parametrize("type_", ["http.response.start", "http.response.body"])
async def test_l05_middleware_that_fails_to_deny_is_a_failure(type_: str) -> None:
    """The denial is not complete, and the very exception is raised."""

    class Denies(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401)

    failure = KeyError()
    scope = make_scope(extensions={"websocket.http.response": {}})
    middleware = Middleware(FakeServer(CONNECT), type_, failure)
    with surfacing(failure):
        await Denies(scope, middleware.receive, middleware.send)
    assert Denies.log == []


@anyio_test
async def test_l05_middleware_that_fails_once_the_client_left_is_quiet() -> None:
    """Whatever is raised for a client that is known to have disconnected: it tells nothing."""
    sending = anyio.Event()

    class Slow(Middleware):
        async def send(self, event: Event) -> None:
            if event["type"] == self.type:
                sending.set()
                await all_tasks_blocked()
            await super().send(event)

    endpoint = derive(Sends, how="push")
    server = FakeServer(CONNECT, text(MARKER))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Slow(server, "send", KeyError()).serve, endpoint)
        await sending.wait()
        server.deliver(GONE)
    assert endpoint.log == ["connect", 1006]


@anyio_test
async def test_l05_failure_of_the_last_close_is_logged_beside_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first failure is raised."""
    first = DeliberateError()
    endpoint = derive(Fails, failures=[first])
    server = FakeServer(CONNECT, text(MARKER))
    with surfacing(first):
        await Middleware(server, "close", KeyError("closing")).serve(endpoint)
    assert endpoint.log == ["connect", 1011]
    assert caplog.messages == ["Fails: the last close failed as well"]


class Slow(FakeServer):
    """A server whose `send` takes several turns of the event loop."""

    async def send(self, event: Event) -> None:
        """Take an event."""
        for _ in range(2):
            await checkpoint()
        await super().send(event)


class Ends(Noting):
    """Fails in a handler, or in a task, which another task does not wait for."""

    encoding = "text"
    by = ""
    started: ClassVar[list["Ends"]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.started.append(self)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if self.by == "a task":
            self.start_soon(self.fail)
            await anyio.sleep_forever()
        await self.fail()

    async def fail(self) -> None:
        """Fail."""
        await checkpoint()
        raise DeliberateError


async def nothing() -> None:
    """Return at once."""


async def disturb(endpoint: type[Ends], what: str, ended: anyio.Event) -> list[str]:
    """Push to a connection, or start tasks for it, in each turn until it has ended."""
    raised: list[str] = []
    while not ended.is_set():
        for one in endpoint.started:
            try:
                if what == "start_soon":
                    one.start_soon(nothing)
                else:
                    await one.push("tick")
            except (InvalidStateError, WebSocketDisconnect):
                pass
            except Exception as exc:  # noqa: BLE001 - for the test to look at
                raised.append(repr(exc))
        await checkpoint()
    endpoint.started.clear()
    return raised


@anyio_test
@pytest.mark.parametrize("what", ["push", "start_soon"])
@pytest.mark.parametrize("by", ["a handler", "a task"])
@pytest.mark.parametrize("takes", [FakeServer, Slow], ids=["quick", "slow"])
async def test_l10_what_others_do_in_the_turn_of_the_end(
    takes: type[FakeServer], by: str, what: str
) -> None:
    """A push of another task does not break the close, and is told of the end as always."""
    endpoint = derive(Ends, by=by, started=[])
    server = takes(CONNECT, text(MARKER))
    ended = anyio.Event()
    raised: list[str] = []

    async def disturbing() -> None:
        raised.extend(await disturb(endpoint, what, ended))

    with watch(endpoint):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(disturbing)
            with surfacing(DeliberateError):
                await serve(endpoint, server)
            ended.set()
    assert raised == []
    assert endpoint.log == ["connect", 1011]
    # In the order of the calls: a push that was under way may take longer than the close.
    assert endpoint.sent[-1]["code"] == 1011
