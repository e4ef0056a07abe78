"""A lifespan is served where the server has none."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from wsendpoints import InvalidStateError, WebSocketRouter
from wsendpoints.django.lifespan import Lifespan

pytestmark = pytest.mark.anyio


def router(log: list[str], *failures: Exception) -> WebSocketRouter:
    """Return a router that tells of its lifespan, and fails at first as it begins."""
    remaining = [*failures]

    @asynccontextmanager
    async def lifespan(_: WebSocketRouter) -> AsyncGenerator[dict[str, str]]:
        if remaining:
            raise remaining.pop(0)
        log.append("starts")
        yield {"a": "state"}
        log.append("ends")

    return WebSocketRouter({}, lifespan=lifespan)


async def start(served: Lifespan) -> None:
    """Connect, and leave."""
    async with served.started():
        pass


async def test_it_starts_once_for_all_that_wait() -> None:
    """It lasts until it is stopped, and what it yields is its state."""
    log: list[str] = []
    served = Lifespan(router(log))
    assert not served.is_running
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start, served)
        tasks.start_soon(start, served)
    await start(served)
    assert served.is_running
    assert (log, served.state) == (["starts"], {"a": "state"})
    await served.stop()
    assert log == ["starts", "ends"]


async def test_stopped_before_it_began_it_does_nothing() -> None:
    """As where no client came."""
    await Lifespan(router([])).stop()


async def test_it_starts_anew_once_it_has_ended() -> None:
    """As on another event loop, in tests."""
    log: list[str] = []
    served = Lifespan(router(log))
    for _ in range(2):
        await start(served)
        await served.stop()
    assert log == ["starts", "ends"] * 2


async def test_what_cannot_start_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """The next client may have more luck."""
    log: list[str] = []
    served = Lifespan(router(log, ConnectionError("no Redis")))
    with pytest.raises(InvalidStateError, match=r"^the application can't start: no Redis$"):
        await start(served)
    assert [it.message for it in caplog.records] == ["the application can't start"]
    await start(served)
    await served.stop()
    assert log == ["starts", "ends"]


async def test_client_that_leaves_does_not_keep_it_from_starting() -> None:
    """It starts for the others."""
    log: list[str] = []
    served = Lifespan(router(log))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await start(served)
    await start(served)
    await served.stop()
    assert log == ["starts", "ends"]


async def test_what_fails_meanwhile_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As a server does."""

    async def app(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise KeyError("gone")

    served = Lifespan(app)
    await start(served)
    await served.stop()
    assert [(it.levelno, it.message) for it in caplog.records] == [
        (logging.ERROR, "the application ended before its server")
    ]


def test_it_ends_with_the_event_loop() -> None:
    """`asyncio.run` cancels what is left, and waits for it."""
    log: list[str] = []
    served = Lifespan(router(log))
    asyncio.run(start(served))
    assert log == ["starts", "ends"]


async def test_it_ends_while_it_starts() -> None:
    """Whoever waits is told."""

    async def app(*_: object) -> None:
        """Begin nothing."""

    with pytest.raises(InvalidStateError, match="can't start: the event loop ends"):
        await start(Lifespan(app))


async def test_connections_end_before_it() -> None:
    """They are cancelled, unless they are already, and have the time to clean up."""
    log: list[str] = []
    served = Lifespan(router(log))

    async def connect() -> None:
        async with served.started():
            try:
                await anyio.sleep_forever()
            finally:
                await asyncio.sleep(0)
                log.append("a connection ends")

    connections = [asyncio.create_task(connect()) for _ in range(2)]
    await wait_all_tasks_blocked()
    connections[0].cancel()
    await served.stop()
    assert log == ["starts", "a connection ends", "a connection ends", "ends"]
    assert all(it.cancelled() and it.cancelling() == 1 for it in connections)


async def test_it_ends_with_the_reactor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which waits for it."""
    triggers: list[tuple[str, str, Callable[[], Any]]] = []

    def add(phase: str, event: str, function: Callable[[], Any]) -> None:
        triggers.append((phase, event, function))

    def from_future(future: object) -> object:
        return future

    reactor: Any = SimpleNamespace(running=True, addSystemEventTrigger=add)
    deferred: Any = SimpleNamespace(Deferred=SimpleNamespace(fromFuture=from_future))
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
    monkeypatch.setitem(sys.modules, "twisted.internet.defer", deferred)
    log: list[str] = []
    served = Lifespan(router(log))
    await start(served)
    ((phase, event, end),) = triggers
    # daphne's own triggers are in this phase, too, and the reactor waits for no other.
    assert (phase, event) == ("before", "shutdown")
    await end()
    assert log == ["starts", "ends"]


async def test_reactor_that_does_not_run_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was imported, as by Channels, and another server runs the loop."""
    reactor: Any = SimpleNamespace(running=False)
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
    served = Lifespan(router([]))
    await start(served)
    await served.stop()
