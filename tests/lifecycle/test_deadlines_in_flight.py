"""The time limits of a connection with several things in flight."""

from contextlib import suppress
from typing import Any

import anyio
import pytest

from tests.lifecycle.in_flight import (
    Answer,
    Busy,
    Do,
    Out,
    Question,
    Serve,
    Speaking,
    app_of,
    expect_going_on,
)
from wsendpoints import (
    Limits,
    WebSocketDisconnect,
)
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_message_that_came_late_has_its_time() -> None:
    """The wait for what the server is still to deliver does not count for its handler."""

    class Chat(Busy):
        async def push_late(self) -> None:
            await anyio.sleep(1)
            with suppress(WebSocketDisconnect):
                await self.push(Out(text="x"))
            await anyio.sleep(8)
            self.log.append("beside")

        async def work(self) -> None:
            await anyio.sleep(3)
            self.log.append("worked")

    log: list[Any] = []
    app = app_of(Chat, log)
    message = {"type": "websocket.receive", "text": Serve(what="work").model_dump_json()}
    events: list[tuple[float, Event]] = [(1.5, message), (0, {"type": "websocket.disconnect"})]

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def receive_late() -> Event:
            nonlocal received
            received += 1
            if received <= 2:
                return await receive()
            seconds, event = events[min(received - 3, 1)]
            await anyio.sleep(seconds)
            return event

        await app(scope, receive_late, send)

    async with connect(late, timeout=30) as client:
        await client.send_json(Do(what="push_late"))
        await anyio.sleep(0.5)
        client.vanish()
        await client.wait_for_app()
    assert log == ["worked", "beside", 1006]


async def test_end_of_a_concurrent_handler_makes_no_busy_connection_idle() -> None:
    """While a handler runs alone, or another one beside it, it is not idle."""

    class Chat(Speaking):
        async def work(self) -> None:
            await anyio.sleep(0.5)

        async def serve_long(self) -> None:
            await anyio.sleep(5)

    log: list[Any] = []
    app = app_of(Chat, log, limits=Limits(idle_timeout=1))
    async with connect(app, timeout=30) as client:
        await client.send_json(Do(what="work"))
        await client.send_json(Serve(what="serve_long"))
        await anyio.sleep(4)
        await expect_going_on(client)
        began = anyio.current_time()
        await client.expect_close(1001, "idle_timeout: 1 s")
        assert anyio.current_time() - began == pytest.approx(1, abs=0.1)


async def test_connection_is_idle_behind_an_answer() -> None:
    """Which was taken out of turn, while the loop waited for a message."""

    class Chat(Speaking):
        async def ask_later(self) -> None:
            self.start_soon(self.ask_one)
            await anyio.sleep(0.5)

        async def ask_one(self) -> None:
            await anyio.sleep(1)
            await self.ask(Question(), Answer, timeout=10)

    log: list[Any] = []
    app = app_of(Chat, log, limits=Limits(idle_timeout=3))
    async with connect(app, timeout=30) as client:
        await client.send_json(Serve(what="ask_later"))
        question = await client.receive(Question)
        await client.send_json(Answer(id=question.id))
        began = anyio.current_time()
        await client.expect_close(1001, "idle_timeout: 3 s")
        assert anyio.current_time() - began == pytest.approx(3, abs=0.1)


async def test_connection_is_idle_behind_an_answer_while_a_handler_receives() -> None:
    """The handler waits for the client all the same."""

    class Chat(Speaking):
        async def ask_and_receive(self) -> None:
            self.start_soon(self.ask_one)
            await self.websocket.receive_json()

        async def ask_one(self) -> None:
            await self.ask(Question(), Answer, timeout=10)

    log: list[Any] = []
    app = app_of(Chat, log, limits=Limits(idle_timeout=3))
    async with connect(app, timeout=30) as client:
        await client.send_json(Serve(what="ask_and_receive"))
        question = await client.receive(Question)
        await anyio.sleep(1)
        await client.send_json(Answer(id=question.id))
        await client.expect_close(1001, "idle_timeout: 3 s", timeout=5)
