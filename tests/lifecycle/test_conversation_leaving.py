"""A conversation that is left: it is closed between two messages."""

import logging
from typing import Final

import anyio
import pytest

from tests.clocks import as_asgi
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket
from wsendpoints.lifecycle.hooks import lifecycle_of
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

DEADLINE: Final = Deadline("drain", 20, 1012, logging.INFO)


class Echo(Recording):
    """Says it again once it was left by its own task, if it is."""

    limits = Limits(grace=30, close_codes={"idle_timeout": 4000})
    waits: float = 0

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.start_soon(self.leave)

    async def leave(self) -> None:
        await anyio.sleep(5)
        await lifecycle_of(self).leave(DEADLINE)

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        await anyio.sleep(self.waits)
        return data


async def test_idle_conversation_is_closed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log tells why."""
    caplog.set_level(logging.INFO, "wsendpoints")
    Echo.log.clear()
    async with connect(as_asgi(Echo), timeout=100) as client:
        await client.expect_close(1012, "drain: 20 s")
    assert Echo.log == ["connect", 1012]
    assert caplog.messages == ["Echo: drain: 20 s"]


@pytest.mark.parametrize(("waits", "is_answered"), [(6, True), (60, False)])
async def test_busy_conversation_has_its_grace(waits: float, is_answered: bool) -> None:
    """What is handled within it is answered, and nothing after it."""

    class Busy(Echo):
        pass

    Busy.waits = waits
    async with connect(as_asgi(Busy), timeout=100) as client:
        began = anyio.current_time()
        await client.send_text("x")
        await all_tasks_blocked()
        if is_answered:
            assert await client.receive_text() == "x"
        await client.expect_close(1012, "drain: 20 s")
        expected = waits if is_answered else 5 + 30
        assert anyio.current_time() - began == pytest.approx(expected)
