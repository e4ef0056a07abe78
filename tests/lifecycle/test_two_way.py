"""What goes on beside the loop is that of one connection, and knows the message that is handled."""

from typing import Literal

import anyio
import pytest
from pydantic import BaseModel

from tests.clocks import as_asgi
from tests.recording import Recording
from wsendpoints import Limits, WebSocket, handles
from wsendpoints.connection.websocket import connection_of
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Work(BaseModel):
    """Work of one second."""

    type: Literal["work"] = "work"
    id: str | None = None
    text: str = ""


class Stop(BaseModel):
    """Cancels it."""

    type: Literal["stop"] = "stop"
    key: str | None = None


class Answer(BaseModel):
    """Answers a question of the server."""

    type: Literal["answer"] = "answer"
    id: str | None = None


class Works(Recording):
    """Works beside others."""

    encoding = "json"
    correlation_id = "id"
    answers = Answer

    @handles(concurrent=True, key="text")
    async def work(self, websocket: WebSocket, data: Work) -> Work:
        await self.ask(Work(), Answer, timeout=100)
        await anyio.sleep(1)
        return Work(text=data.text)

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> None:
        self.log.append(self.cancel(self.work if data.key is None else data.key))


async def test_all_that_a_message_leads_to() -> None:
    """A question, its answer, and the reply with the id of the message."""

    class Chat(Works):
        pass

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Work(id="a", text="x"))
        question = await client.receive(Work)
        assert question.id == "s1"
        await client.send(Answer(id=question.id))
        assert await client.receive(Work) == Work(id="a", text="x")
        for stop in (Stop(key="x"), Stop()):
            await client.send(Work(id="b", text="x"))
            await client.receive(Work)
            for _ in range(2):
                await client.send(stop)
                await client.receive_nothing()
    assert Chat.log == ["connect", True, False, True, False, 1000]


async def test_class_without_correlation_keeps_no_id() -> None:
    """A handler beside others needs none; messages are counted by their size while they wait."""

    class Chat(Recording):
        encoding = "text"
        limits = Limits(concurrency=1, inbox_bytes=100)

        @handles(concurrent=True)
        async def work(self, websocket: WebSocket, data: str) -> str:
            await anyio.sleep(1)
            return data

    async with connect(as_asgi(Chat), timeout=50) as client:
        for _ in range(3):
            await client.send("x" * 80)
        assert [len(await client.receive_text()) for _ in range(3)] == [80] * 3


async def test_class_that_declares_none_of_it_has_none() -> None:
    """It would cost each message."""

    class Chat(Recording):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.log.append(self._lifecycle.two_way)

    async with connect(Chat.as_asgi()) as client:
        await client.send("x")
    assert Chat.log == ["connect", None, 1000]


async def test_close_ends_all() -> None:
    """What waits, and the questions."""

    class Chat(Works):
        limits = Limits(concurrency=1)

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            await connection_of(websocket).end(4001, "over")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Work(text="x"))
        await client.receive(Work)
        await client.send(Work(text="x"))
        await client.send(Stop())
        await client.expect_close(4001)
        await client.wait_for_app()
    assert Chat.log == ["connect", 4001]
