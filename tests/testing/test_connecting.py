"""Tests of opening and leaving a connection."""

import asyncio
import threading
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, get_args

import anyio
import pytest

from tests.clocks import VIRTUAL_ASYNCIO
from wsendpoints import InvalidStateError
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import (
    DIALECTS,
    AppStillRunningError,
    Client,
    ConnectionEndedError,
    Dialect,
    HandshakeDenied,
    IllegalEventError,
    LeftoverTasksError,
    ServerName,
    UnexpectedEventError,
    connect,
)

from .apps import ACCEPT, CLOSE, Bare, Recorder, echo, sending, text

pytestmark = pytest.mark.anyio

START: Event = {
    "type": "websocket.http.response.start",
    "status": 401,
    "headers": [(b"content-type", b"text/plain")],
}
BODY: Event = {"type": "websocket.http.response.body", "body": b"go "}


@pytest.fixture
async def echoing() -> AsyncGenerator[Client]:
    """A client of the echo app, closed when the test is over."""
    async with connect(echo) as client:
        yield client


async def test_a_fixture_opens_what_the_test_uses(echoing: Client) -> None:
    """A connection can be opened in a fixture, and closed after the test."""
    await echoing.send("hello")
    assert await echoing.receive() == "hello"


async def test_what_the_app_accepted_with() -> None:
    """The client knows the scope, the subprotocol and the headers."""
    app = sending({**ACCEPT, "subprotocol": "b", "headers": [(b"x-a", b"1")]})
    async with connect(app, "/x", subprotocols=["a", "b"], scope={"client": None}) as client:
        assert client.subprotocol == "b"
        assert client.headers == [(b"x-a", b"1")]
        assert client.scope["path"] == "/x"
        assert client.scope["client"] is None


async def test_headers_reach_the_scope() -> None:
    """The client's headers stand in the scope, in lower case."""
    async with connect(echo, headers={"Origin": "http://x"}) as client:
        assert (b"origin", b"http://x") in client.scope["headers"]


async def test_a_scope_full_of_junk_reaches_the_app() -> None:
    """A test may put anything into the scope."""
    junk = {"subprotocols": 5, "extensions": None, "state": None}
    async with connect(echo, scope=junk) as client:
        assert junk.items() <= client.scope.items()


@pytest.mark.parametrize(
    ("app", "status", "headers", "body"),
    [
        pytest.param(sending(CLOSE), 403, [], b"", id="close"),
        pytest.param(sending(CLOSE, waits=False), 403, [], b"", id="close and return"),
        pytest.param(
            sending(START, {**BODY, "more_body": True}, {**BODY, "body": b"away"}),
            401,
            [(b"content-type", b"text/plain")],
            b"go away",
            id="denial response",
        ),
        pytest.param(sending(waits=False), 500, [], b"", id="no answer"),
        pytest.param(sending(START, waits=False), 500, [], b"", id="half a denial response"),
    ],
)
async def test_denied(
    app: ASGIApp, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """A refusal is told by its HTTP response."""
    with pytest.raises(HandshakeDenied) as caught:
        async with connect(app):
            pytest.fail("never entered")
    assert caught.value.status == status
    assert caught.value.headers == headers
    assert caught.value.body == body


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param([{**CLOSE, "code": 4000}], 4000, id="close"),
        pytest.param([START, BODY], 1006, id="denial response"),
    ],
)
async def test_an_app_that_denied_gets_a_disconnect(answer: list[Event], code: int) -> None:
    """What follows a refusal is a disconnect."""
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for event in answer:
            await send(event)
        events.append(await receive())

    with pytest.raises(HandshakeDenied):
        async with connect(app):
            pytest.fail("never entered")
    assert events == [{"type": "websocket.disconnect", "code": code, "reason": ""}]


async def test_without_the_extension_a_denial_response_is_illegal() -> None:
    """A dialect may lack denial responses."""
    with pytest.raises(IllegalEventError, match="does not offer the extension"):
        async with connect(sending(START), server=Dialect(denial_response=False)):
            pytest.fail("never entered")


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="no answer"),
        pytest.param([CLOSE], id="denied"),
        pytest.param([ACCEPT], id="accepted"),
        pytest.param([ACCEPT, CLOSE], id="closed"),
    ],
)
async def test_the_app_raises(before: list[Event]) -> None:
    """The app's exception surfaces: the same object, once, with the line that raised it."""
    error = ValueError("boom")
    with pytest.raises(ValueError, match=r"^boom$") as caught:
        async with connect(sending(*before, error)):
            pass
    assert caught.value is error
    frames = traceback.extract_tb(error.__traceback__)
    assert frames[-1].line == "raise event"
    assert sum(frame.line == "raise event" for frame in frames) == 1
    assert not hasattr(error, "__notes__")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KeyboardInterrupt(), id="KeyboardInterrupt"),
        pytest.param(SystemExit(1), id="SystemExit"),
        pytest.param(ExceptionGroup("several", [ValueError("boom")]), id="a group of its own"),
        pytest.param(StopAsyncIteration("boom"), id="StopAsyncIteration"),
    ],
)
async def test_whatever_the_app_raises_is_raised(error: BaseException) -> None:
    """No exception is too odd to surface."""
    caught: BaseException | None = None
    try:
        async with connect(sending(ACCEPT, error)) as client:
            await client.receive()
    except BaseException as exc:  # noqa: BLE001 - pytest.raises is not for KeyboardInterrupt
        caught = exc
    assert caught is error


async def test_the_exception_of_the_test_wins() -> None:
    """A failing test fails with its own error, which notes what the app raised."""
    with pytest.raises(AssertionError, match="mine") as caught:
        async with connect(sending(ACCEPT, ValueError("boom"))):
            raise AssertionError("mine")
    (note,) = caught.value.__notes__
    assert note.startswith("Also, in the app under test:\nTraceback")
    assert "raise event" in note
    assert note.endswith("ValueError: boom")


@pytest.mark.parametrize("use", ["receive", "expect_close", "receive_nothing", "wait"])
async def test_the_exception_of_the_app_is_behind_what_follows_from_it(use: str) -> None:
    """A test that awaited something else fails with what the app raised, which is its cause."""
    gone = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sending(ACCEPT, {**CLOSE, "code": 1011}, waits=False)(scope, receive, send)
        await gone.wait()
        raise boom

    boom = ValueError("boom")
    with pytest.raises(ValueError, match="boom") as caught:
        async with connect(app) as client:
            try:
                match use:
                    case "receive":
                        await client.receive()
                    case "expect_close":
                        await client.expect_close(1000)
                    case "receive_nothing":
                        await client.receive_nothing()
                    case _:
                        await client.send("x")
            finally:
                gone.set()
    assert caught.value is boom
    assert isinstance(boom.__context__, UnexpectedEventError | ConnectionEndedError)
    assert boom.__cause__ is None
    assert not hasattr(boom, "__notes__")


async def test_the_exception_of_the_app_keeps_its_causes() -> None:
    """What the test failed with stands before them."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sending(ACCEPT, CLOSE, waits=False)(scope, receive, send)
        try:
            try:
                raise KeyError("first")
            except KeyError as exc:
                raise TypeError("second") from exc
        except TypeError:
            raise ValueError("third")  # noqa: B904 - what is tested

    with pytest.raises(ValueError, match="third") as caught:
        async with connect(app) as client:
            await client.receive_text()
    chain: list[BaseException | None] = [caught.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    assert [type(exc) for exc in chain[:-1]] == [
        ValueError,
        TypeError,
        KeyError,
        UnexpectedEventError,
    ]


async def test_an_exception_that_was_raised_is_not_noted_again() -> None:
    """What a wait raised already is not told twice."""
    with pytest.raises(ValueError, match="boom") as caught:
        async with connect(sending(ACCEPT, ValueError("boom"))) as client:
            await client.receive()
    assert not hasattr(caught.value, "__notes__")


async def test_an_exception_that_the_test_expects_ends_with_it() -> None:
    """An error of the app's that the test caught does not come again."""
    async with connect(sending(ACCEPT, ValueError("boom"))) as client:
        with pytest.raises(ValueError, match="boom"):
            await client.receive()


async def test_an_illegal_event_that_the_app_swallows_fails_the_test() -> None:
    """The app's send raises it, and so does leaving the connection."""
    seen: list[IllegalEventError] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        try:
            await send(ACCEPT)
        except IllegalEventError as exc:
            seen.append(exc)
        await receive()

    with pytest.raises(IllegalEventError, match=r"'websocket\.accept' after it acc") as caught:
        async with connect(app):
            pass
    assert seen == [caught.value]


async def test_an_illegal_event_that_the_app_lets_pass_is_told_once() -> None:
    """An illegal event that makes the app fail is the app's exception."""
    with pytest.raises(IllegalEventError) as caught:
        async with connect(sending(text("too early"))):
            pytest.fail("never entered")
    assert not hasattr(caught.value, "__notes__")


async def test_an_illegal_event_before_another_exception_is_noted() -> None:
    """The app's exception wins over an illegal event."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await send({"type": "websocket.foo"})
        except IllegalEventError:
            raise ValueError("boom") from None

    with pytest.raises(ValueError, match="boom") as caught:
        async with connect(app):
            pytest.fail("never entered")
    (note,) = caught.value.__notes__
    assert "IllegalEventError" in note


async def test_an_illegal_event_that_the_test_saw_is_not_noted() -> None:
    """The exception that goes on has no note of itself."""
    sends: list[Send] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sends.append(send)
        await sending(ACCEPT)(scope, receive, send)

    with pytest.raises(IllegalEventError) as caught:
        async with connect(app):
            await sends[0](ACCEPT)
    assert not hasattr(caught.value, "__notes__")


async def test_no_answer_in_time() -> None:
    """An app that does not answer the handshake is told, and gets a disconnect with 1006."""
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        events.extend([await receive(), await receive()])

    with pytest.raises(UnexpectedEventError) as caught:
        async with connect(app, timeout=0.01):
            pytest.fail("never entered")
    assert str(caught.value) == (
        "awaited the app's answer to the handshake, but nothing came within 0.01 s"
    )
    assert not hasattr(caught.value, "__notes__")
    assert events[1] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


async def test_giving_up_the_handshake_disconnects() -> None:
    """A client that is cancelled before the app accepted disconnects."""
    outcomes: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        outcomes.extend([await receive(), await receive()])
        try:
            await send(ACCEPT)
        except OSError as exc:
            outcomes.append(str(exc))

    with anyio.move_on_after(0.01):
        async with connect(app):
            pytest.fail("never entered")
    assert outcomes == [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": 1006, "reason": ""},
        "the client disconnected with 1006 (abnormal closure)",
    ]


async def test_leaving_disconnects_with_1000() -> None:
    """A connection that is open at the end is closed as a client does."""
    recorder = Recorder()
    async with connect(recorder):
        pass
    assert recorder.events == [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": 1000, "reason": ""},
    ]


async def test_the_app_may_return_early() -> None:
    """An app that returned without closing is no failure by itself."""
    async with connect(sending(ACCEPT, waits=False)) as client:
        await client.wait_for_app()


async def test_an_app_that_does_not_end_is_cancelled() -> None:
    """An app that misses the disconnect fails the test."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await anyio.sleep_forever()

    with pytest.raises(AppStillRunningError) as caught:
        async with connect(app, timeout=0.01):
            pass
    assert str(caught.value) == (
        "the client disconnected with 1000 (normal closure), "
        "but the app did not end within 0.01 s: it was cancelled"
    )


async def test_an_app_that_survives_its_cancellation() -> None:
    """An app that does not even end when it is cancelled fails the test, and is left alone."""
    release = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        with anyio.CancelScope(shield=True):
            await release.wait()

    with pytest.raises(AppStillRunningError, match="did not even end when cancelled"):
        async with connect(app, timeout=0.01):
            pass
    release.set()
    await anyio.wait_all_tasks_blocked()


async def test_an_app_of_bare_awaitables() -> None:
    """What an app returns, and what it awaits, needs neither `throw` nor `close`."""

    async def bare_echo(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, lambda: Bare(receive()), lambda event: Bare(send(event)))

    def app(scope: Scope, receive: Receive, send: Send) -> Bare:
        return Bare(bare_echo(scope, receive, send))

    async with connect(app) as client:
        await client.send("x")
        assert await client.receive() == "x"


async def test_an_app_in_a_bare_awaitable_is_cancelled() -> None:
    """A cancellation ends the app's task where what it awaits cannot be thrown into."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await Bare(anyio.Event().wait())

    async with connect(app) as client:
        client.cancel_app()
        await client.wait_for_app()


async def test_a_cancelled_test_still_ends_the_app() -> None:
    """Cancellation of the test does not keep the app from its disconnect."""
    recorder = Recorder()
    with anyio.CancelScope() as scope:
        async with connect(recorder):
            scope.cancel()
            await anyio.sleep_forever()
    assert recorder.events[-1]["type"] == "websocket.disconnect"


@pytest.mark.parametrize(
    "order",
    [pytest.param([1, 0], id="last in, first out"), pytest.param([0, 1], id="first in, first out")],
)
async def test_many_clients_in_any_order(order: list[int]) -> None:
    """Connections may be exited in any order."""
    async with AsyncExitStack() as stack:
        stacks = [await stack.enter_async_context(AsyncExitStack()) for _ in range(2)]
        clients = [await each.enter_async_context(connect(echo)) for each in stacks]
        for number in order:
            await clients[number].send(f"{number}")
            assert await clients[number].receive() == f"{number}"
            await stacks[number].aclose()


async def test_clients_talk_through_the_app() -> None:
    """Many clients of one app share what the app shares."""
    sends: list[Send] = []

    async def chat(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        sends.append(send)
        while (event := await receive())["type"] == "websocket.receive":
            for each in sends:
                await each(text(event["text"]))
        sends.remove(send)

    async with connect(chat) as one, connect(chat) as two:
        await one.send("from one")
        assert await two.receive() == "from one"
        assert await one.receive() == "from one"
        await one.close()
        await two.send("from two")
        assert await two.receive() == "from two"


async def test_a_connection_is_left_in_another_task() -> None:
    """Entering and leaving may happen in different tasks, as in the fixtures of some plugins."""
    context = connect(echo)

    async def enter() -> None:
        client = await context.__aenter__()
        await client.send("hello")
        assert await client.receive() == "hello"

    async def leave() -> None:
        assert not await context.__aexit__(None, None, None)

    step: Callable[[], object]
    for step in (enter, leave):
        async with anyio.create_task_group() as group:
            group.start_soon(step)


@VIRTUAL_ASYNCIO
async def test_tasks_that_the_app_left_running_fail_the_test(anyio_backend: object) -> None:
    """A leftover task is named."""
    import asyncio

    started: list[asyncio.Task[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        started.append(asyncio.create_task(anyio.sleep_forever(), name="mine"))
        await echo(scope, receive, send)

    with pytest.raises(LeftoverTasksError) as caught:
        async with connect(app):
            pass
    assert caught.value.tasks == ["mine (sleep_forever)"]
    assert started[0].cancelled()


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("by", ["name", "coroutine"])
async def test_tasks_that_may_last_go_on(anyio_backend: object, by: str) -> None:
    """They are named; all others are to end with the app."""
    go = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def fill_cache() -> None:
        await go.wait()

    async def forgotten() -> None:
        await go.wait()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tasks.append(asyncio.create_task(fill_cache(), name="cache"))
        tasks.append(asyncio.create_task(forgotten(), name="other"))
        await echo(scope, receive, send)

    name = {"name": "cache", "coroutine": fill_cache.__qualname__}[by]
    with pytest.raises(LeftoverTasksError) as caught:
        async with connect(app, lasting_tasks=[name]):
            pass
    assert caught.value.tasks == [f"other ({forgotten.__qualname__})"]
    lasting, other = tasks
    assert other.cancelled()
    assert not lasting.done()
    async with connect(app, lasting_tasks=[name, "other"]):
        pass
    go.set()
    await asyncio.gather(lasting, *tasks[2:])


ANOTHER_LOOP = (
    "the client is used on another event loop than `connect` was: let the test and its fixtures "
    "share one, or call `connect` in the test"
)

USES: dict[str, Callable[[Client], Any]] = {
    "send": lambda client: client.send("x"),
    "send_event": lambda client: client.send_event(text("x")),
    "receive": lambda client: client.receive(),
    "receive_nothing": lambda client: client.receive_nothing(),
    "expect_close": lambda client: client.expect_close(),
    "close": lambda client: client.close(),
    "wait_for_app": lambda client: client.wait_for_app(),
    "vanish": lambda client: client.vanish(),
    "shutdown": lambda client: client.shutdown(),
    "cancel_app": lambda client: client.cancel_app(),
    "pause_reading": lambda client: client.pause_reading(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_a_client_is_used_on_one_event_loop(use: str, backend: str) -> None:
    """A fixture with a loop of its own would wait for ever."""

    def use_elsewhere(client: Client) -> None:
        async def do() -> None:
            result = USES[use](client)
            if result is not None:
                await result

        with pytest.raises(InvalidStateError) as caught:
            anyio.run(do, backend=backend)
        assert str(caught.value) == ANOTHER_LOOP

    async with connect(echo) as client:
        thread = threading.Thread(target=use_elsewhere, args=[client])
        thread.start()
        thread.join()
        await client.send("x")
        assert await client.receive() == "x"


async def test_a_client_is_used_on_an_event_loop() -> None:
    """A thread without one can't wake the app."""
    errors: list[str] = []

    def vanish(client: Client) -> None:
        try:
            client.vanish()
        except InvalidStateError as exc:
            errors.append(str(exc))

    async with connect(echo) as client:
        thread = threading.Thread(target=vanish, args=[client])
        thread.start()
        thread.join()
    assert errors == [ANOTHER_LOOP]


async def test_sends_that_are_swallowed() -> None:
    """The send of an app returns, whatever the server does with one after the disconnect."""
    sent: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        await send(text("x"))
        sent.append(True)

    async with connect(app, server="uvicorn-legacy", swallow_sends=True):
        pass
    assert sent == [True]


async def test_a_server_that_nobody_measured() -> None:
    """A wrong name is told, with those that there are."""
    wrong: Any = "nginx"
    with pytest.raises(ValueError, match=r"^server='nginx': use a Dialect, or one of 'uvicorn', "):
        async with connect(echo, server=wrong):
            pytest.fail("never entered")


@pytest.mark.parametrize("server", [None, *get_args(ServerName)])
async def test_an_app_that_ends_without_an_answer(server: ServerName | None) -> None:
    """The client gets the server's status; or it waits, and the test is told."""
    status = DIALECTS[server].return_status if server else 500
    error = UnexpectedEventError if status is None else HandshakeDenied
    with pytest.raises(error) as caught:
        async with connect(sending(waits=False), server=server or Dialect()):
            pytest.fail("never entered")
    assert str(caught.value) == (
        f"awaited the app's answer to the handshake, but it returned without one, and {server} "
        "leaves the client waiting"
        if status is None
        else f"the app denied the handshake with status {status}"
    )


async def test_a_server_of_ones_own() -> None:
    """A dialect that was measured can be changed in one respect."""
    dialect = replace(DIALECTS["daphne"], name=None)
    with pytest.raises(UnexpectedEventError, match="and the server leaves the client waiting"):
        async with connect(sending(waits=False), server=dialect):
            pytest.fail("never entered")
