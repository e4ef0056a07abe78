"""What takes long is found by a look at all that is under way, on the event loop's own time."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import GENEROUS, REAL_TIME, as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from wsendpoints import Limits, WebSocket, WebSocketDisconnect
from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.lifecycle.ticker import INTERVAL, Ticker, running_ticker
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Work:
    """Is busy for a number of looks."""

    def __init__(self, looks: int, *, long_at: int | None = None) -> None:
        self.tasks = Tasks(Connection(None, None))
        self.remaining = looks
        self.long_at = long_at
        self.looked_at: list[float] = []
        self.cared_at: list[float] = []
        # On asyncio the looks are in callbacks, where anyio can't tell the time.
        self._clock = asyncio.get_running_loop().time if is_asyncio() else anyio.current_time

    def look(self, ticker: Ticker) -> bool:
        self.looked_at.append(self._clock())
        self.remaining -= 1
        if self.remaining == self.long_at:
            ticker.takes_long(self)
        return self.remaining > 0

    def take_care(self) -> None:
        # In a task: anyio knows the event loop, and can start another.
        self.cared_at.append(anyio.current_time())
        self.tasks.start_own(anyio.sleep_forever, "a task beside it")


async def test_each_is_looked_at_every_interval_while_it_is_busy() -> None:
    """What is no longer busy is looked at no more; once it is added again, it is."""
    ticker, short, long = Ticker(), Work(1), Work(4)
    async with short.tasks.group, long.tasks.group:
        began = anyio.current_time()
        ticker.add(short)
        ticker.add(long)
        await anyio.sleep(10)
        assert [len(each.looked_at) for each in (short, long)] == [1, 4]
        expected = [began + INTERVAL * number for number in range(1, 5)]
        assert long.looked_at == pytest.approx(expected, abs=0.001)
        ticker.add(short)
        await anyio.sleep(10)
        assert len(short.looked_at) == 2


async def test_what_takes_long_is_cared_for_in_a_task() -> None:
    """Right after the look that found it, and where a task can be started."""
    ticker, work = Ticker(), Work(5, long_at=2)
    async with work.tasks.group:
        ticker.add(work)
        await anyio.sleep(10)
        work.tasks.end()
    assert work.cared_at == pytest.approx([work.looked_at[2]], abs=0.001)
    assert len(work.looked_at) == 5


async def test_what_ends_in_the_meantime_is_not_cared_for() -> None:
    """A connection that is removed between the look and the task has no use for it."""
    ticker, work = Ticker(), Work(5)
    async with work.tasks.group:
        ticker.takes_long(work)
        ticker.remove(work)
        ticker.look()
    assert work.cared_at == []


async def test_ticker_goes_on_when_a_connection_ends() -> None:
    """On trio it is a task of one of them, and of another one then; no task outlives its own."""
    ticker, first, second, third = Ticker(), Work(1000), Work(1000), Work(1000)
    async with second.tasks.group, third.tasks.group:
        async with first.tasks.group:
            for work in (first, second, third):
                ticker.add(work)
            await anyio.sleep(INTERVAL * 2.5)
            assert len(first.looked_at) == 2
            ticker.remove(first)
            first.tasks.end()
        second.tasks.end()
        await anyio.sleep(INTERVAL * 2.5)
        assert len(first.looked_at) == 2
        assert len(third.looked_at) > 3
        ticker.remove(second)
        ticker.remove(third)
        looks = len(third.looked_at)
        third.tasks.end()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(INTERVAL * 3)
        assert len(third.looked_at) == looks


async def test_every_event_loop_has_one_ticker() -> None:
    """All connections of an event loop are looked at by the same one."""
    assert running_ticker() is running_ticker()


def test_ticker_ends_with_its_event_loop() -> None:
    """It holds no event loop that is closed."""

    async def found() -> weakref.ref[Ticker]:
        return weakref.ref(running_ticker())

    ticker = asyncio.run(found())
    gc.collect()
    assert ticker() is None


# What it is for.


@REAL_TIME
async def test_disconnect_is_noticed_while_a_handler_sends() -> None:
    """Sending raises at once, though the handler never receives."""

    class Sender(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            try:
                while True:
                    await websocket.send_text("tick")
                    await checkpoint()
            except WebSocketDisconnect as exc:
                self.log.append(exc)
                raise

    async with connect(Sender.as_asgi(), swallow_sends=True, timeout=GENEROUS) as client:
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert [str(entry) for entry in Sender.log] == [
        "the connection ended with code 1006 (abnormal closure)",
        "1006",
    ]


async def test_send_that_is_held_up_is_timed_from_the_first_of_many() -> None:
    """Further sends, which begin while one is held up, don't put its time off."""

    class Pushing(Recording):
        limits = Limits(send_timeout=10)

        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.push_on)

        async def push_on(self) -> None:
            async with anyio.create_task_group() as tasks:
                while True:
                    tasks.start_soon(self.push, "x")
                    await anyio.sleep(1)

    server = FakeServer(CONNECT)
    began = anyio.current_time()

    async def send(event: Any) -> None:
        if event["type"] == "websocket.send":
            await anyio.sleep_forever()
        await server.send(event)

    await as_asgi(Pushing)(make_scope(), server.receive, send)
    assert Pushing.log == ["connect", 1013]
    assert anyio.current_time() - began < 11


async def test_reply_of_a_slow_handler_is_timed_too() -> None:
    """A handler that took long was looked at already, and its reply is looked at again."""

    class Slow(Recording):
        limits = Limits(send_timeout=10)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await anyio.sleep(5)
            return data

    server = FakeServer(CONNECT, text("x"))

    async def send(event: Any) -> None:
        if event["type"] == "websocket.send":
            await anyio.sleep_forever()
        await server.send(event)

    await as_asgi(Slow)(make_scope(), server.receive, send)
    assert Slow.log == ["connect", 1013]
    assert server.sent[-1]["reason"] == "send_timeout: 10 s"


async def test_short_waits_cost_no_task() -> None:
    """A handler and a reply that wait for less than an interval have no reader beside them."""
    reads: list[float] = []

    class Quick(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await anyio.sleep(INTERVAL / 2)
            self.log.append(len(reads))
            return data

    server = FakeServer(CONNECT, text("1"), text("2"), text("3"), DISCONNECT)

    async def receive() -> Any:
        reads.append(anyio.current_time())
        return await server.receive()

    await as_asgi(Quick)(make_scope(), receive, server.send)
    # The connect, and each message, before its handler: none is read ahead.
    assert Quick.log[1:4] == [2, 3, 4]


@REAL_TIME
async def test_stream_that_floods_a_silent_server_is_cancelled() -> None:
    """Its sends, of which none waits, don't keep its handler from being found."""

    class Flooding(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            while True:
                yield data

    server = FakeServer(CONNECT, text("x"))
    sent = 0

    async def send(event: Any) -> None:
        nonlocal sent
        sent += event["type"] == "websocket.send"
        if sent == 100:
            server.deliver(DISCONNECT)

    with anyio.fail_after(GENEROUS):
        await Flooding(make_scope(), server.receive, send)
    assert Flooding.log == ["connect", DISCONNECT["code"]]
