"""What is done before a connection is left: messages are answered, within their grace."""

import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, text
from tests.lifecycle.drains import LONG, Answering, Timing, drained, echo, served
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import Jittered, Limits, WebSocket, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("over", [0, 1])
async def test_what_was_sent_is_answered_before_the_close(over: float) -> None:
    """The message that is handled, and those that wait behind it."""
    cls = echo()
    async with connect(as_asgi(cls), timeout=LONG) as client:
        for seconds in (5.0, 2.0, 0.0, 1.0):
            await client.send(seconds)
        await all_tasks_blocked()
        assert await drained(cls, over=over) == pytest.approx(8, abs=1e-6)
        assert [await client.receive(float) for _ in range(4)] == [5.0, 2.0, 0.0, 1.0]
        await client.expect_close(1012, f"drain: {over} s")


async def test_message_in_the_turn_of_the_event_loop_is_answered() -> None:
    """It had arrived, though nobody has looked at it."""
    cls = echo()
    async with connect(as_asgi(cls), timeout=LONG) as client:
        await client.send(3.0)
        await client.send(2.0)
        async with anyio.create_task_group() as group:
            await anyio.sleep(1)
            # Its handler waits, and what reads beside it was not needed yet.
            group.start_soon(partial(cls.drain, over=0))
            assert await client.receive(float) == 3.0
            assert await client.receive(float) == 2.0
            await client.expect_close(1012)


async def test_messages_that_the_server_has_are_answered() -> None:
    """Though its handler ends before anything could read them."""
    go = anyio.Event()

    class Waiting(Timing):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await go.wait()
            return data

    server = Answering(CONNECT, text("a"), text("b"), text("c"))
    async with anyio.create_task_group() as group:
        group.start_soon(served, Waiting, server)
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        group.start_soon(partial(Waiting.drain, over=0))
        go.set()
    sent = [event.get("text") for event in server.sent if event["type"] == "websocket.send"]
    assert sent == ["a", "b", "c"]
    assert server.sent[-1]["code"] == 1012


async def test_handlers_that_run_beside_each_other_are_waited_for() -> None:
    """And what begins while they do."""

    class Beside(Timing):
        encoding = "json"

        @handles(concurrent=True)
        async def wait(self, websocket: WebSocket, data: float) -> float:
            await anyio.sleep(data)
            return data

        @handles
        async def say(self, websocket: WebSocket, data: str) -> str:
            await anyio.sleep(1)
            return data

    async with connect(as_asgi(Beside), timeout=LONG) as client:
        for seconds in (5.0, 2.0):
            await client.send(seconds)
        await all_tasks_blocked()
        async with anyio.create_task_group() as group:
            group.start_soon(partial(Beside.drain, over=0))
            assert await client.receive(float) == 2.0
            await anyio.sleep(2.5)
            # It takes longer than the handler.
            await client.send_json("x")
            assert await client.receive(float) == 5.0
            assert await client.receive_json() == "x"
            await client.expect_close(1012)


async def test_handler_may_take_its_grace_and_no_longer() -> None:
    """A stream without an end is cancelled then, and may clean up."""
    cleaned: list[float] = []

    class Ticker(Timing):
        encoding = "json"
        limits = Limits(grace=30)

        async def on_receive(self, websocket: WebSocket, data: int) -> AsyncIterator[int]:
            try:
                while True:
                    yield data
                    await anyio.sleep(7)
            finally:
                cleaned.append(anyio.current_time())

    async with connect(as_asgi(Ticker), timeout=LONG) as client:
        await client.send(1)
        assert await client.receive(int) == 1
        assert await drained(Ticker, over=10) == pytest.approx(30, abs=1e-6)
        assert [await client.receive(int) for _ in range(4)] == [1] * 4
        await client.expect_close(1012, "drain: 10 s")
    assert len(cleaned) == 1


async def test_handler_without_a_limit_of_its_grace_is_waited_for() -> None:
    """With `grace=None` it may take as long as it likes."""
    cls = echo(limits=Limits(grace=None))
    async with connect(as_asgi(cls), timeout=LONG) as client:
        await client.send(1000.0)
        await all_tasks_blocked()
        assert await drained(cls, over=0) == pytest.approx(1000, abs=1e-3)
        assert await client.receive(float) == 1000.0
        await client.expect_close(1012)


async def test_tasks_are_not_waited_for() -> None:
    """They live as long as the connection, and clean up as at each end."""
    log: list[str] = []

    class Pushing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tick)

        async def tick(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                log.append("cleaned")

    async with connect(as_asgi(Pushing)) as client:
        assert await drained(Pushing, over=0) == pytest.approx(0)
        await client.expect_close(1012)
    assert log == ["cleaned"]


async def test_client_that_leaves_meanwhile_ends_as_ever() -> None:
    """What it had sent is handled, and its code is its own."""
    cls = echo()
    async with connect(as_asgi(cls), timeout=LONG) as client:
        await client.send(5.0)
        await client.send(2.0)
        await all_tasks_blocked()
        async with anyio.create_task_group() as group:
            group.start_soon(partial(cls.drain, over=0))
            await anyio.sleep(1)
            await client.close(4000)
    assert [code for _, code in cls.ended] == [4000]


async def test_client_that_never_rests_is_closed_when_its_grace_is_over() -> None:
    """A flood holds up nobody's deploy."""
    cls = echo(limits=Limits(grace=30))
    async with connect(as_asgi(cls), timeout=LONG) as client:
        for _ in range(20):
            await client.send(2.0)
        await all_tasks_blocked()
        assert await drained(cls, over=0) == pytest.approx(30, abs=1e-6)
        for _ in range(14):
            assert await client.receive(float) == 2.0
        assert [code for _, code in cls.ended] == [1012]


async def test_connection_that_is_left_twice_is_closed_once() -> None:
    """For the first of the two causes."""
    cls = echo()
    async with connect(as_asgi(cls), timeout=LONG) as client:
        await client.send(0.0)
        assert await client.receive(float) == 0.0
        async with anyio.create_task_group() as group:
            for over in (0, 1e-9):
                group.start_soon(partial(cls.drain, over=over))
        await client.expect_close(1012)
    assert len(cls.ended) == 1


async def test_connection_that_is_over_is_not_closed() -> None:
    """A send had failed, and what the client sent before may still come."""
    go = anyio.Event()

    class Pushing(Timing):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tick)

        async def tick(self) -> None:
            await go.wait()
            await self.push("tick")

    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as group:
        group.start_soon(served, Pushing, server)
        await all_tasks_blocked()
        server.failure = OSError("gone")
        go.set()
        await all_tasks_blocked()
        group.start_soon(partial(Pushing.drain, over=0))
        await all_tasks_blocked()
        server.deliver(DISCONNECT)
    assert [event["type"] for event in server.offers] == ["websocket.accept", "websocket.send"]
    assert [code for _, code in Pushing.ended] == [4001]


# The age.


def aging(base: type[Timing], **limits: Any) -> type[Timing]:
    """Return a subclass with these limits."""
    return type("Aging", (base,), {"limits": Limits(**limits)})


@pytest.mark.parametrize("speaks", [True, False])
async def test_connection_is_left_when_it_is_old(
    speaks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether its client says anything or not; the log tells of it at DEBUG."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    cls = aging(echo(), max_age=1000)
    async with connect(as_asgi(cls), timeout=LONG) as client:
        began = anyio.current_time()
        if speaks:
            for _ in range(9):
                await client.send(100.0)
                assert await client.receive(float) == 100.0
        await client.expect_close(1012, "max_age: 1000 s")
        assert anyio.current_time() - began == pytest.approx(1000)
    assert "Aging: max_age: 1000 s" in caplog.messages
    assert {it.levelno for it in caplog.records} == {logging.DEBUG}


async def test_old_connection_answers_what_was_sent() -> None:
    """Within the grace of its handlers, and with the code of the class."""
    cls = aging(echo(), max_age=10, grace=30, close_codes={"max_age": 4900})
    async with connect(as_asgi(cls), timeout=LONG) as client:
        for seconds in (12.0, 8.0):
            await client.send(seconds)
        assert await client.receive(float) == 12.0
        assert await client.receive(float) == 8.0
        await client.expect_close(4900, "max_age: 10 s")
    async with connect(as_asgi(cls), timeout=LONG) as client:
        began = anyio.current_time()
        await client.send(100.0)
        await client.expect_close(4900, "max_age: 10 s")
        assert anyio.current_time() - began == pytest.approx(10 + 30)


async def test_age_of_each_connection_is_drawn() -> None:
    """So that those that came together do not go together."""
    cls = aging(echo(), max_age=Jittered(3600, 600))
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(served, cls, Answering(CONNECT))
    ages = [moment - began for moment, code in cls.ended if code == 1012]
    assert len({*ages}) == 20
    assert 3000 <= min(ages) <= max(ages) <= 4200.001


@pytest.mark.parametrize("is_accepted_first", [True, False])
async def test_limits_that_on_connect_assigns_have_the_age(is_accepted_first: bool) -> None:
    """That of the class holds no longer."""

    class Choosing(Timing):
        limits = Limits(max_age=5, connect_timeout=None)

        async def on_connect(self, websocket: WebSocket) -> None:
            if is_accepted_first:
                await websocket.accept()
            age = websocket.query_params.get("age")
            self.limits = Limits(max_age=None if age is None else float(age))
            if not is_accepted_first:
                await websocket.accept()

    async with connect(as_asgi(Choosing), "/?age=500", timeout=LONG) as client:
        began = anyio.current_time()
        await client.expect_close(1012, "max_age: 500 s")
        assert anyio.current_time() - began == pytest.approx(500)
    async with connect(as_asgi(Choosing), timeout=LONG):
        await anyio.sleep(1000)
    assert [code for _, code in Choosing.ended] == [1012, 1000]
