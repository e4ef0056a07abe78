"""An app is started and shut down as a server does it, and the test is told what went wrong."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest
import sniffio
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import (
    AppStillRunningError,
    IllegalEventError,
    LeftoverTasksError,
    LifespanFailedError,
    UnexpectedEventError,
    connect,
    lifespan,
)

pytestmark = pytest.mark.anyio

COMPLETE = {"type": "lifespan.startup.complete"}
SHUT_DOWN = {"type": "lifespan.shutdown.complete"}

Step = Callable[[Scope, Receive, Send], Awaitable[None]]


def app_of(*steps: Event | Step | BaseException) -> ASGIApp:
    """Return an app of some steps: an event is sent after a `receive`, an exception raised."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        for step in steps:
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                await step(scope, receive, send)
            else:
                await receive()
                await send(step)

    return app


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    """Do nothing more."""
    await anyio.sleep_forever()


async def hang_at_any_rate(scope: Scope, receive: Receive, send: Send) -> None:
    """Do nothing more, and do not even end when cancelled."""
    with anyio.CancelScope(shield=True):
        await anyio.sleep(1000)


# What is started, and what connections have of it.


class Counter(WebSocketEndpoint):
    """Counts the connections in what they share, and in what is their own."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        state = websocket.scope["state"]
        state["own"] = state.get("own", 0) + 1
        state["shared"].append(state["own"])
        await websocket.accept()
        await websocket.send_json([*state["shared"]])


log: list[str] = []


@asynccontextmanager
async def share(app: object) -> AsyncGenerator[dict[str, Any]]:
    """Share a list with the connections."""
    log.append("started")
    yield {"shared": []}
    log.append("shut down")


APPS = {
    "router": lambda: WebSocketRouter({"/": Counter}, lifespan=share),
    "starlette": lambda: Starlette(routes=[WebSocketRoute("/", Counter)], lifespan=share),
}


@pytest.mark.parametrize("make", APPS.values(), ids=APPS)
async def test_connections_have_a_copy_of_the_state(make: Callable[[], ASGIApp]) -> None:
    """ASGI spec, "Lifespan State": what one of them puts into it is no other's."""
    log.clear()
    async with lifespan(make()) as app:
        assert log == ["started"]
        for expected in [1], [1, 1]:
            async with connect(app) as client:
                assert await client.receive(list[int]) == expected
                assert client.scope["state"]["own"] == 1
    assert log == ["started", "shut down"]


async def test_state_of_the_test_counts() -> None:
    """A scope that the test gives one has that."""
    async with (
        lifespan(WebSocketRouter({"/": Counter}, lifespan=share)) as app,
        connect(app, scope={"state": {"shared": [7]}}) as client,
    ):
        assert await client.receive(list[int]) == [7, 1]


async def test_app_that_knows_no_state() -> None:
    """It has an empty one, as servers give it."""
    scopes: list[Scope] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async with lifespan(app_of(note, COMPLETE, SHUT_DOWN)):
        pass
    assert scopes == [
        {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    ]


async def test_it_may_return_without_waiting_for_the_shutdown() -> None:
    """Servers do not mind."""
    async with lifespan(app_of(COMPLETE)):
        await anyio.wait_all_tasks_blocked()


async def test_entered_and_left_in_different_tasks() -> None:
    """As plugins of pytest have it that tear a fixture down elsewhere, in any order."""
    first, second = lifespan(app_of(COMPLETE, SHUT_DOWN)), lifespan(app_of(COMPLETE, SHUT_DOWN))
    for step in first.__aenter__, second.__aenter__, partial(leave, first), partial(leave, second):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(called, step)


async def leave(context: AbstractAsyncContextManager[Any]) -> None:
    """Leave a context."""
    await context.__aexit__(None, None, None)


async def called(step: Callable[[], Awaitable[Any]]) -> None:
    """Do a step."""
    await step()


# What goes wrong.


class OwnError(Exception):
    """The app's."""


FAILED = {"type": "lifespan.startup.failed", "message": "no database"}

AT_STARTUP: dict[str, tuple[ASGIApp, type[BaseException], str]] = {
    "failed": (
        app_of(FAILED),
        LifespanFailedError,
        "the app sent lifespan.startup.failed: 'no database'",
    ),
    "failed, without a message": (
        app_of({"type": "lifespan.startup.failed"}),
        LifespanFailedError,
        "the app sent lifespan.startup.failed: ''",
    ),
    "failed, and raised": (app_of(FAILED, OwnError("why")), OwnError, "why"),
    "failed, and goes on": (
        app_of(FAILED, hang),
        LifespanFailedError,
        "the app sent lifespan.startup.failed: 'no database'",
    ),
    "raised": (
        app_of(OwnError("why")),
        LifespanFailedError,
        "the app ended without an answer to lifespan.startup",
    ),
    "returned": (
        app_of(),
        LifespanFailedError,
        "the app ended without an answer to lifespan.startup",
    ),
    "no answer": (
        app_of(hang),
        UnexpectedEventError,
        "awaited lifespan.startup.complete, but nothing came within 3 s",
    ),
    "an answer to another": (
        app_of(SHUT_DOWN),
        IllegalEventError,
        (
            "the app sent an illegal event: the answer to lifespan.startup is "
            "lifespan.startup.complete or lifespan.startup.failed; the event is "
            "{'type': 'lifespan.shutdown.complete'}; servers raise an error"
        ),
    ),
    "no message": (
        app_of({**FAILED, "message": b"no"}),
        IllegalEventError,
        (
            "the app sent an illegal event: the message must be a str; the event is "
            "{'type': 'lifespan.startup.failed', 'message': b'no'}; servers raise an error"
        ),
    ),
}


@pytest.mark.parametrize(("app", "kind", "text"), AT_STARTUP.values(), ids=AT_STARTUP)
async def test_what_does_not_start(app: ASGIApp, kind: type[BaseException], text: str) -> None:
    """The test is told, and nothing of it runs on."""
    with pytest.raises(kind) as caught:
        async with lifespan(app, timeout=3):
            pytest.fail("it has started")
    assert (type(caught.value), str(caught.value)) == (kind, text)


async def test_cause_of_an_end_before_the_start() -> None:
    """It is what the app raised."""
    error = OwnError()
    with pytest.raises(LifespanFailedError) as caught:
        async with lifespan(app_of(error)):
            pass
    assert (caught.value.__cause__, caught.value.message) == (error, None)


AT_THE_END: dict[str, tuple[ASGIApp, type[BaseException], str]] = {
    "failed": (
        app_of(COMPLETE, {"type": "lifespan.shutdown.failed", "message": "no"}),
        LifespanFailedError,
        "the app sent lifespan.shutdown.failed: 'no'",
    ),
    "failed, and raised": (
        app_of(COMPLETE, {"type": "lifespan.shutdown.failed"}, OwnError("why")),
        OwnError,
        "why",
    ),
    "raised meanwhile": (app_of(COMPLETE, OwnError("why")), OwnError, "why"),
    "raised after all": (app_of(COMPLETE, SHUT_DOWN, OwnError("why")), OwnError, "why"),
    "no answer": (
        app_of(COMPLETE, hang),
        UnexpectedEventError,
        "awaited lifespan.shutdown.complete, but nothing came within 3 s",
    ),
    "no end": (
        app_of(COMPLETE, SHUT_DOWN, hang),
        AppStillRunningError,
        "the app was shut down, but the app did not end within 3 s: it was cancelled",
    ),
    "receives for ever": (
        app_of(COMPLETE, SHUT_DOWN, {}),
        AppStillRunningError,
        "the app was shut down, but the app did not end within 3 s: it was cancelled",
    ),
    "answers twice": (
        app_of(COMPLETE, lambda scope, receive, send: send(COMPLETE)),
        IllegalEventError,
        (
            "the app sent an illegal event: it has answered lifespan.startup already; the event is "
            "{'type': 'lifespan.startup.complete'}; servers raise an error"
        ),
    ),
}


@pytest.mark.parametrize(("app", "kind", "text"), AT_THE_END.values(), ids=AT_THE_END)
async def test_what_does_not_end_well(app: ASGIApp, kind: type[BaseException], text: str) -> None:
    """It is raised as the block is left; if the test has failed, it is a note of that."""
    with pytest.raises(kind) as caught:
        async with lifespan(app, timeout=3):
            await anyio.wait_all_tasks_blocked()
    assert (type(caught.value), str(caught.value)) == (kind, text)

    own = ValueError("the test's own")
    with pytest.raises(ValueError, match="own") as failed:
        async with lifespan(app, timeout=3):
            await anyio.wait_all_tasks_blocked()
            raise own
    assert failed.value is own
    assert text in own.__notes__[0]


async def test_illegal_event_that_the_app_swallowed() -> None:
    """It is told all the same."""

    async def swallow(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(IllegalEventError):
            await send(COMPLETE)

    with pytest.raises(IllegalEventError, match="has answered lifespan"):
        async with lifespan(app_of(COMPLETE, swallow, SHUT_DOWN)):
            await anyio.wait_all_tasks_blocked()


async def test_app_that_does_not_end_when_cancelled() -> None:
    """The test goes on."""
    with pytest.raises(AppStillRunningError) as caught:
        async with lifespan(app_of(COMPLETE, SHUT_DOWN, hang_at_any_rate), timeout=3):
            pass
    assert not caught.value.has_ended


async def test_test_that_is_cancelled_shuts_the_app_down() -> None:
    """All of it, before the cancellation goes on."""
    log.clear()
    with anyio.move_on_after(1) as scope:
        async with lifespan(WebSocketRouter({"/": Counter}, lifespan=share)):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["started", "shut down"]


async def test_tasks_that_outlive_the_app() -> None:
    """On asyncio they are told and cancelled, unless they are named."""
    if sniffio.current_async_library() != "asyncio":
        return
    tasks: list[asyncio.Task[Any]] = []

    async def linger() -> None:
        await asyncio.sleep(math.inf)

    async def start(scope: Scope, receive: Receive, send: Send) -> None:
        tasks.append(asyncio.create_task(linger()))

    with pytest.raises(LeftoverTasksError, match="linger"):
        async with lifespan(app_of(start, COMPLETE, SHUT_DOWN)):
            pass
    assert tasks[0].cancelled()
    async with lifespan(
        app_of(start, COMPLETE, SHUT_DOWN),
        lasting_tasks=["test_tasks_that_outlive_the_app.<locals>.linger"],
    ):
        pass
    assert not tasks[1].done()
    tasks[1].cancel()


async def test_task_that_is_cancelled_from_outside() -> None:
    """As by a loop that is shut down."""
    if sniffio.current_async_library() != "asyncio":
        return
    running: list[asyncio.Task[Any] | None] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        running.append(asyncio.current_task())

    with pytest.raises(UnexpectedEventError, match="its task was cancelled"):
        async with lifespan(app_of(note, COMPLETE, SHUT_DOWN)):
            assert running[0]
            running[0].cancel()
            await anyio.wait_all_tasks_blocked()


@pytest.fixture
async def app() -> AsyncIterator[ASGIApp]:
    """Start an app for a test."""
    async with lifespan(WebSocketRouter({"/": Counter}, lifespan=share)) as app:
        yield app


async def test_in_a_fixture(app: ASGIApp) -> None:
    """It has started when the test begins."""
    async with connect(app) as client:
        assert await client.receive(list[int]) == [1]
