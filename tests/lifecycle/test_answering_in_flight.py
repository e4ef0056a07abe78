"""What answers an exception once its handler is cancelled, or the client is lost."""

from contextlib import suppress
from typing import Any

import anyio
import pytest
from anyio import get_cancelled_exc_class

from tests.lifecycle.in_flight import Busy, Do, Out, Serve, Speaking, app_of, expect_going_on
from wsendpoints import (
    ErrorReply,
    WebSocket,
)
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", ["reply", "error reply"])
async def test_on_error_of_a_cancelled_handler_is_not_heard(kind: str) -> None:
    """Whether it was cancelled before, or while that runs."""

    class Chat(Speaking):
        async def work(self) -> Out:
            raise ValueError

        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
            with suppress(get_cancelled_exc_class()):
                await anyio.sleep(5)
            if kind == "reply":
                return Out(text="reply")
            raise ErrorReply("error")

    async with connect(app_of(Chat, []), timeout=30) as client:
        await client.send_json(Do(what="work"))
        await anyio.sleep(1)
        await client.send_json(Serve(what="stop"))
        await anyio.sleep(1)
        await expect_going_on(client)


@pytest.mark.parametrize("what", ["refuse", "fail", "fail otherwise"])
async def test_answer_that_finds_the_client_lost_loses_no_message(what: str) -> None:
    """What came before the disconnect is handled still."""

    class Chat(Busy):
        async def refuse(self) -> None:
            raise ErrorReply("refused")

        async def fail(self) -> None:
            raise ValueError

        async def note(self) -> None:
            self.log.append("noted")

        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
            if what == "fail otherwise":
                await self.push(Out(text="failed"))
            return Out(text="failed")

    log: list[Any] = []
    async with connect(app_of(Chat, log), timeout=30) as client:
        await client.send_json(Serve(what=what.partition(" ")[0]))
        await client.send_json(Serve(what="note"))
        client.vanish()
        await client.wait_for_app()
    assert log == ["noted", 1006]
