"""Handlers that are plain functions run in worker threads, and the connection waits for them."""

import asyncio
import gc
import re
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from tests.clocks import GENEROUS, REAL_TIME
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.some_messages import Leave, Said, Say
from wsendpoints import (
    ConfigurationError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    handles,
    provides,
)
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

variable = ContextVar("variable", default="unset")


class DeliberateError(Exception):
    """What a handler raises to fail."""


class Gate:
    """Holds a thread up, until a test lets it go on."""

    def __init__(self) -> None:
        self.is_reached = anyio.Event()
        self._opened = threading.Event()

    def wait(self) -> None:
        """Wait in the thread."""
        anyio.from_thread.run_sync(self.is_reached.set)
        assert self._opened.wait(GENEROUS)

    def open(self) -> None:
        """Let it go on."""
        self._opened.set()


async def play_on(cls: Any, server: FakeServer) -> None:
    """Serve a connection."""
    await cls(make_scope(), server.receive, server.send)


@REAL_TIME
async def test_result_is_sent() -> None:
    """The function runs in another thread, and may call what is async from there."""

    class Chat(Recording):
        encoding = "json"
        sends = int

        async def on_connect(self, websocket: WebSocket) -> None:
            variable.set("set")
            await super().on_connect(websocket)

        @handles
        def say(self, websocket: WebSocket, data: Say) -> Said:
            assert threading.current_thread() is not threading.main_thread()
            anyio.from_thread.run(self.push, 1)
            return Said(text=f"{data.text} {variable.get()}")

        @handles
        def leave(self, websocket: WebSocket, data: Leave) -> None:
            anyio.from_thread.run(websocket.close, 4001)

    async with connect(Chat.as_asgi(), timeout=GENEROUS) as client:
        await client.send(Say(text="x"))
        assert await client.receive(int) == 1
        assert await client.receive(Said) == Said(text="x set")
        await client.send(Leave())
        await client.expect_close(4001)
    assert Chat.log == ["connect", 4001]


@REAL_TIME
async def test_it_takes_what_is_provided() -> None:
    """Which is opened and closed in the event loop."""

    class Chat(Recording):
        @provides
        async def it(self) -> AsyncIterator[str]:
            yield "it"
            self.log.append("closed")

        @handles
        def say(self, websocket: WebSocket, data: str, it: str) -> str:
            return it

    async with connect(Chat.as_asgi(), timeout=GENEROUS) as client:
        await client.send_text("x")
        assert await client.receive_text() == "it"
        assert Chat.log == ["connect", "closed"]


@REAL_TIME
@pytest.mark.parametrize("failure", [DeliberateError("no"), SystemExit(3)], ids=repr)
async def test_failure_is_raised_with_its_traceback(failure: BaseException) -> None:
    """The connection is closed with 1011."""

    class Chat(Recording):
        @handles
        def say(self, websocket: WebSocket, data: str) -> None:
            raise failure

    server = FakeServer(CONNECT, text("x"))
    with pytest.raises(type(failure)) as caught:
        await play_on(Chat, server)
    assert caught.value is failure
    assert caught.traceback[-1].name == "say"
    assert Chat.log == ["connect", 1011]


@REAL_TIME
async def test_failure_leaves_no_cycle() -> None:
    """What it holds is freed with it."""

    class Chat(Recording):
        @handles
        def say(self, websocket: WebSocket, data: str) -> None:
            raise DeliberateError

    async def run() -> "weakref.ref[Any]":
        server = FakeServer(CONNECT, text("x"))
        endpoint = Chat(make_scope(), server.receive, server.send)
        with pytest.raises(DeliberateError):
            await endpoint
        return weakref.ref(endpoint)

    gc.collect()
    gc.disable()
    try:
        reference = await run()
        # A worker thread of anyio holds what it ran until it gets something else.
        await anyio.to_thread.run_sync(lambda: None)
        assert reference() is None
    finally:
        gc.enable()


@REAL_TIME
async def test_stop_iteration_is_a_failure() -> None:
    """It can't be raised where something waits for the thread: it is the cause of what is."""

    class Chat(Recording):
        @handles
        def say(self, websocket: WebSocket, data: str) -> None:
            next(iter(()))

    with pytest.raises(RuntimeError) as caught:
        await play_on(Chat, FakeServer(CONNECT, text("x")))
    assert isinstance(caught.value.__cause__, StopIteration)
    assert Chat.log == ["connect", 1011]


async def coroutine() -> None:
    """Be forgotten."""
    raise AssertionError


async def generator() -> AsyncIterator[None]:
    """Be forgotten."""
    yield


def numbers() -> Iterator[int]:
    """Yield nothing that is asked for."""
    yield 1


AWAITED = "from a thread, where nothing is awaited: make the method an `async def`"
NOT_ITERATED = "which would run in the event loop, and not in the thread: return a list"


@REAL_TIME
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (coroutine, f"sends the coroutine of coroutine {AWAITED}"),
        (generator, f"sends the async generator generator {AWAITED}"),
        (numbers, f"returned a generator, {NOT_ITERATED}"),
    ],
)
async def test_what_is_still_to_run_is_an_error(make: Any, error: str) -> None:
    """It would not run in the thread."""

    class Chat(Recording):
        encoding = "json"

        @handles
        def say(self, websocket: WebSocket, data: Say) -> Any:
            return make()

    with pytest.raises(ConfigurationError, match=re.escape(error)) as caught:
        await play_on(Chat, FakeServer(CONNECT, text("{}")))
    assert str(caught.value) == f"{Chat.__qualname__}.say {error}"


@REAL_TIME
@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_connection_waits_for_a_thread(is_cancelled: bool) -> None:
    """Beyond the grace of a handler too: `on_disconnect` cleans up behind it."""

    class Chat(Recording):
        cancel_on_disconnect = is_cancelled
        limits = Limits(grace=0.01, disconnect_timeout=0.01)

        @handles
        def say(self, websocket: WebSocket, data: str) -> str:
            gate.wait()
            self.log.append("done")
            try:
                anyio.from_thread.run(self.push, "late")
            except WebSocketDisconnect:
                self.log.append("disconnected")
                raise
            return data

    gate = Gate()
    server = FakeServer(CONNECT, text("x"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(play_on, Chat, server)
        await gate.is_reached.wait()
        server.deliver(DISCONNECT)
        # Longer than all that would end it.
        await anyio.sleep(0.2)
        assert Chat.log == ["connect"]
        gate.open()
    assert Chat.log == ["connect", "done", "disconnected", DISCONNECT["code"]]
    assert [event["type"] for event in server.sent] == ["websocket.accept"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("fails", [False, True])
async def test_native_cancellation_waits_for_a_thread(anyio_backend: str, fails: bool) -> None:
    """It is raised once the thread is done, unless that failed."""

    class Chat(Recording):
        @handles
        def say(self, websocket: WebSocket, data: str) -> str:
            gate.wait()
            self.log.append("done")
            if fails:
                raise DeliberateError
            return data

    gate = Gate()
    task = asyncio.create_task(play_on(Chat, FakeServer(CONNECT, text("x"))))
    await gate.is_reached.wait()
    task.cancel()
    await anyio.sleep(0.05)
    assert Chat.log == ["connect"]
    gate.open()
    with pytest.raises(DeliberateError if fails else asyncio.CancelledError):
        await task
    assert Chat.log == ["connect", "done", 1011 if fails else 1012]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_thread_that_can_not_be_started_is_a_failure(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the system has no more of them."""

    class Chat(Recording):
        @handles
        def say(self, websocket: WebSocket, data: str) -> None:
            raise AssertionError

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        await play_on(Chat, FakeServer(CONNECT, text("x")))
    assert Chat.log == ["connect", 1011]
