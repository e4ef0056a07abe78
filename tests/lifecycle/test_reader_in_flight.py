"""Answers that the reader takes out of turn."""

from typing import Any

import anyio
import pytest

from tests.lifecycle.in_flight import Answer, Question, Serve, Speaking, app_of
from wsendpoints import Limits
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Asking(Speaking):
    """Asks in a task."""

    async def ask_later(self) -> None:
        self.start_soon(self.ask_one)
        await anyio.sleep(0.5)

    async def ask_and_receive(self) -> None:
        self.start_soon(self.ask_one)
        await self.websocket.receive_json()

    async def ask_one(self) -> None:
        await anyio.sleep(1)
        await self.ask(Question(), Answer, timeout=10)


@pytest.mark.parametrize("what", ["ask_later", "ask_and_receive"])
async def test_connection_is_idle_behind_an_answer(what: str) -> None:
    """Whether the loop waits for the next message, or a handler does so itself."""
    log: list[Any] = []
    app = app_of(Asking, log, limits=Limits(idle_timeout=3))
    async with connect(app, timeout=30) as client:
        await client.send_json(Serve(what=what))
        question = await client.receive(Question)
        await client.send_json(Answer(id=question.id))
        await client.expect_close(1001, "idle_timeout: 3 s")
