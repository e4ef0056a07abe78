"""A conversation whose handlers run beside its loop: which of them ends which, and when."""

from typing import Literal

import anyio
import pytest
from pydantic import BaseModel

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from wsendpoints import Limits, WebSocket, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Work(BaseModel):
    """Work beside others."""

    type: Literal["work"] = "work"
    seconds: float
    then: str = ""


class Turn(BaseModel):
    """Work in its turn."""

    type: Literal["turn"] = "turn"
    seconds: float
    then: str = ""


class Works(Recording):
    """Works, then sends or closes."""

    encoding = "json"

    @handles(concurrent=True)
    async def work(self, websocket: WebSocket, data: Work) -> None:
        await self._do("work", data.seconds, data.then)

    @handles
    async def turn(self, websocket: WebSocket, data: Turn) -> None:
        await self._do("turn", data.seconds, data.then)

    async def _do(self, what: str, seconds: float, then: str) -> None:
        try:
            await anyio.sleep(seconds)
            self.log.append(f"{what} is done")
        except anyio.get_cancelled_exc_class():
            self.log.append(f"{what} is cancelled")
            raise
        if then == "close":
            await self.websocket.close(4001)
        elif then == "push":
            await self.push(then)


async def test_handlers_go_on_once_the_loop_has_the_disconnect() -> None:
    """Until their grace is over."""

    class Chat(Works):
        limits = Limits(grace=5)

    async with connect(as_asgi(Chat), timeout=50) as client:
        for seconds in (3, 4, 60):
            await client.send(Work(seconds=seconds))
        await anyio.sleep(1)
        began = anyio.current_time()
        await client.close(4000)
        assert anyio.current_time() - began == pytest.approx(5, abs=0.1)
    assert Chat.log == ["connect", "work is done", "work is done", "work is cancelled", 4000]


async def test_disconnect_that_comes_while_the_loop_is_at_work() -> None:
    """Both have their grace, and what waits in the inbox is handled."""

    class Chat(Works):
        limits = Limits(grace=5)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Work(seconds=4))
        await client.send(Turn(seconds=3))
        await client.send(Turn(seconds=0))
        await anyio.sleep(1)
        await client.close(4000)
    assert Chat.log == ["connect", "turn is done", "turn is done", "work is done", 4000]


@pytest.mark.parametrize("seconds", [0.5, 20], ids=["in time", "too late"])
async def test_disconnect_that_the_server_forgets(seconds: float) -> None:
    """A send fails, and nothing more is received: the loop waits for a second, handlers longer."""

    class Chat(Works):
        limits = Limits(grace=10)

    server = FakeServer(CONNECT, text('{"type": "work", "seconds": 5}'))
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await as_asgi(Chat)(make_scope(), server.receive, server.send)

        tasks.start_soon(serve)
        await anyio.sleep(1)
        server.failure = OSError("gone")
        server.deliver(text('{"type": "work", "seconds": 0, "then": "push"}'))
        await anyio.sleep(seconds)
        server.deliver(text('{"type": "turn", "seconds": 0}'))
    assert anyio.current_time() - began == pytest.approx(max(5, 1 + seconds), abs=0.1)
    in_time = ["turn is done"] if seconds < 1 else []
    assert Chat.log == ["connect", "work is done", *in_time, "work is done", 1006]


async def test_handler_that_closes_ends_the_loop() -> None:
    """It receives nothing more; another handler goes on."""

    class Chat(Works):
        pass

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Work(seconds=2))
        await client.send(Work(seconds=1, then="close"))
        await client.expect_close(4001)
        await client.wait_for_app()
    assert Chat.log == ["connect", "work is done", "work is done", 4001]


async def test_loop_that_is_at_work_goes_on_once_a_handler_has_closed() -> None:
    """And the other way round."""

    class Chat(Works):
        pass

    for then in (("close", ""), ("", "close")):
        async with connect(as_asgi(Chat), timeout=50) as client:
            await client.send(Work(seconds=1 if then[0] else 2, then=then[0]))
            await client.send(Turn(seconds=1 if then[1] else 2, then=then[1]))
            await client.expect_close(4001)
            await client.wait_for_app()
    assert Chat.log == [
        *("connect", "work is done", "turn is done", 4001),
        *("connect", "turn is done", "work is done", 4001),
    ]


async def test_failure_of_the_loop_ends_the_handlers() -> None:
    """At once: nothing is sent any more."""

    class Chat(Works):
        @handles
        async def turn(self, websocket: WebSocket, data: Turn) -> None:
            await anyio.sleep(1)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with connect(as_asgi(Chat), timeout=50) as client:
            await client.send(Work(seconds=5))
            await client.send(Turn(seconds=1))
            await client.expect_close(1011)
    assert Chat.log == ["connect", "work is cancelled", 1011]


@pytest.mark.parametrize("is_told", [False, True], ids=["cancelled", "closed before"])
async def test_server_that_shuts_down_ends_the_handlers(is_told: bool) -> None:
    """Hypercorn cancels the application."""

    class Chat(Works):
        limits = Limits(grace=60)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Work(seconds=500))
        await anyio.sleep(1)
        if is_told:
            client.shutdown()
        else:
            client.cancel_app()
        began = anyio.current_time()
        await client.wait_for_app()
        assert anyio.current_time() - began <= 60.1
    assert Chat.log == ["connect", "work is cancelled", 1012]


async def test_messages_after_the_disconnect_are_not_waited_for() -> None:
    """The loop has the disconnect: that is the last."""

    class Chat(Works):
        pass

    server = FakeServer(CONNECT, text('{"type": "work", "seconds": 1}'), DISCONNECT)
    await as_asgi(Chat)(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "work is done", DISCONNECT["code"]]
    assert server.receives == 3


async def test_send_that_is_broken_ends_all() -> None:
    """Whoever cancelled it ends the connection, so that nobody can be answered any more."""

    class Chat(Works):
        @handles
        async def turn(self, websocket: WebSocket, data: Turn) -> None:
            with anyio.move_on_after(1):
                await self.push("x")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Work(seconds=100))
        await anyio.sleep(0.1)
        client.pause_reading()
        await client.send(Turn(seconds=0))
        await anyio.sleep(2)
        client.resume_reading()
        await client.receive(str)
        await client.expect_close()
    assert Chat.log[:2] == ["connect", "work is cancelled"]
