"""What remains of a connection: X01 and X02."""

import gc
import logging
import tracemalloc
from collections.abc import Iterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import REAL_TIME
from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.playing import MARKER, Noting, derive, serve
from tests.lifecycle.test_leaks import ENDINGS, Remains, Script
from wsendpoints import WebSocket
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.protocol.asgi import Event

anyio_test = pytest.mark.anyio

ROUNDS = 30
"""Of each ending. `python -m benchmarks.connections` does ten thousand."""


@anyio_test
@pytest.mark.usefixtures("no_log")
@REAL_TIME
async def test_x01_nothing_remains_of_many_connections() -> None:
    """All endings in turn leave no task, no object of ours, and less than 100 bytes each."""
    endings = [ending for ending in ENDINGS if is_asyncio() or ending.cancelled != "task"]

    async def serve_all() -> None:
        for ending in endings:
            await Script(ending).serve()

    for _ in range(10):
        await serve_all()
    gc.collect()
    tracemalloc.start()
    try:
        before = Remains.now()
        for _ in range(ROUNDS):
            await serve_all()
        remains = Remains.now() - before
    finally:
        tracemalloc.stop()
    assert (remains.tasks, remains.objects) == (0, 0)
    assert remains.bytes < 100 * ROUNDS * len(endings)


@pytest.fixture
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log nothing, since the test runner would keep the records."""
    monkeypatch.setattr(logging.getLogger("wsendpoints"), "disabled", True)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Free objects by reference counts alone, which a cycle keeps above zero."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class DeliberateError(Exception):
    """What a hook raises."""


class Failing(Noting):
    """Fails with an exception that refers to the endpoint in a closure and in its frames."""

    where: str

    async def on_connect(self, websocket: WebSocket) -> None:
        if self.where == "on_connect":
            self.fail(websocket)
        await websocket.accept()
        if self.where == "after the accept":
            self.fail(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if self.where == "a handler that waited":
            await checkpoint()
        elif self.where == "a task":
            self.start_soon(self.fail_later)
            await anyio.sleep_forever()
        self.fail(websocket)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        if self.where == "on_disconnect":
            self.fail(websocket)

    async def fail_later(self) -> None:
        """Fail in a task."""
        await checkpoint()
        self.fail(self.websocket)

    def fail(self, websocket: WebSocket) -> None:
        """Fail because of another failure."""

        def describe() -> str:
            return f"{websocket!r} of {self!r}"

        try:
            raise KeyError(len(describe()))
        except KeyError as exc:
            raise DeliberateError from exc


@anyio_test
@pytest.mark.usefixtures("no_collector", "no_log")
@pytest.mark.parametrize(
    "where",
    [
        "on_connect",
        "after the accept",
        "a handler",
        "a handler that waited",
        "a task",
        "on_disconnect",
    ],
)
async def test_x02_traceback_is_all_that_holds_a_connection(where: str) -> None:
    """Once the server has dropped the exception, the connection is freed."""
    endpoint = derive(Failing, where=where)
    gone: Event = {"type": "websocket.disconnect", "code": 1006}
    server = FakeServer(CONNECT, gone if where == "on_disconnect" else text(MARKER))
    await raises_deliberately(endpoint, server)
    # The event loop holds what it did last until it has another turn.
    await checkpoint()
    if where == "a task" and not is_asyncio():
        # A cycle of trio's own: `CancelScope.cancel` keeps the frame that called it.
        gc.collect()
    assert [reference() for reference in endpoint.references] == [None, None]


async def raises_deliberately(endpoint: type[Noting], server: FakeServer) -> None:
    """Serve a connection as a server does, and drop its exception."""
    try:
        await serve(endpoint, server)
    except DeliberateError:
        return
    raise AssertionError("it did not fail")


@anyio_test
@pytest.mark.usefixtures("no_collector", "no_log")
@pytest.mark.parametrize("leaves", [False, True], ids=["we close", "the client leaves"])
async def test_x02_connection_without_a_failure_leaves_no_cycle(leaves: bool) -> None:
    """A connection is freed as soon as it has ended."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await checkpoint()
            if not leaves:
                await websocket.close()

    gone: Event = {"type": "websocket.disconnect", "code": 1006}
    await serve(Closing, FakeServer(CONNECT, text(MARKER), *[gone] * leaves))
    await checkpoint()
    assert [reference() for reference in Closing.references] == [None, None]
