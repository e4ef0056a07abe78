"""The server cancels, or shuts down: F22 and F23."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.endpoints import GONE, quiet
from tests.faults.playing import MARKER, Noting, derive, play, serve, watch
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket

anyio_test = pytest.mark.anyio


class Waits(Noting):
    """Waits for the event loop in every hook."""

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
    """Cancels the application at the n-th turn of the event loop."""

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
    """The client is closed, `on_disconnect` runs once, and the cancellation goes on."""
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
    """It is logged at DEBUG, since a server that shuts down cancels all connections."""
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
    """`on_disconnect` runs to its end, for at most `disconnect_timeout` seconds."""
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
                await all_tasks_blocked()
                assert Cleaning.log == ["connect", 1006]
                go.set()
    assert Cleaning.log == ["connect", 1006, "cleaned up"]


class Sleeper(Noting):
    """Its handler sleeps."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep_forever()


@anyio_test
@pytest.mark.parametrize(("grace", "seconds"), [(None, 1), (30, 1), (0.5, 0.5)])
async def test_f23_shutdown_waits_a_second_for_a_handler(
    grace: float | None, seconds: float
) -> None:
    """Uvicorn delivers a disconnect with 1012, and waits until the handler has ended."""
    endpoint = derive(Sleeper, limits=Limits(grace=grace))
    async with play(endpoint, log=["INFO"]) as client:
        await client.send_text(MARKER)
        await all_tasks_blocked()
        began = anyio.current_time()
        client.shutdown()
        await client.wait_for_app(timeout=10)
        assert anyio.current_time() - began == pytest.approx(seconds, abs=0.01)
    assert endpoint.log == ["connect", 1012]


@anyio_test
async def test_f23_shutdown_of_an_idle_connection() -> None:
    """Uvicorn's disconnect with 1012 ends an idle connection."""
    endpoint = quiet()
    async with play(endpoint, log=["INFO"]) as client:
        client.shutdown()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1012]


@anyio_test
@pytest.mark.parametrize("sleeps", [False, True], ids=["idle", "handler"])
async def test_f23_shutdown_by_cancellation(sleeps: bool) -> None:
    """Hypercorn cancels the application at shutdown; the other servers tell nothing, as documented.

    It can't be told from another cancellation, so it is logged as in F22.
    """
    endpoint = derive(Sleeper)
    async with play(endpoint) as client:
        if sleeps:
            await client.send_text(MARKER)
            await all_tasks_blocked()
        client.cancel_app()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1012]
