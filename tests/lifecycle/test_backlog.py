"""Messages that wait behind a handler: the log says so, once for each, after five seconds."""

import logging
from typing import Any

import anyio
import pytest

from tests.clocks import as_asgi
from tests.connection.connections import Noting, S, connection_in
from tests.fake_server import FakeServer
from tests.recording import Recording
from wsendpoints import WebSocket
from wsendpoints.lifecycle.backlog import PATIENCE, Backlog
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log has of this."""
    return [it.getMessage() for it in caplog.records if it.levelno == logging.WARNING]


# The backlog alone.


async def test_listeners_are_told_once() -> None:
    """That is when the handler takes as long as that, however many messages come."""
    connection = await connection_in(S.OPEN, FakeServer())
    connection.listen(noting := Noting())
    tasks = Tasks(connection)
    backlog = Backlog(connection, tasks)
    async with tasks.group:
        backlog.grew(lambda: True)
        backlog.shrank()
        await anyio.sleep(2 * PATIENCE)
        assert noting.told == []
        backlog.began()
        for _ in range(2):
            backlog.grew(lambda: True)
            await anyio.sleep(PATIENCE - 0.1)
            backlog.shrank()
        assert noting.told == []
        await anyio.sleep(2 * PATIENCE)
        assert noting.told == ["held up"]
        backlog.grew(lambda: True)
        await anyio.sleep(2 * PATIENCE)
        assert noting.told == ["held up"]
        backlog.began()
        backlog.grew(lambda: True)
        await anyio.sleep(2 * PATIENCE)
        assert noting.told == ["held up", "held up"]


async def test_handler_that_ended_in_time_is_not_told() -> None:
    """Nor does anything go on to look at it."""
    connection = await connection_in(S.OPEN, FakeServer())
    connection.listen(noting := Noting())
    tasks = Tasks(connection)
    backlog = Backlog(connection, tasks)
    began = anyio.current_time()
    async with tasks.group:
        backlog.began()
        backlog.grew(lambda: anyio.current_time() - began < 1)
    assert noting.told == []
    assert anyio.current_time() - began < PATIENCE + 1


async def test_time_of_a_send_is_the_clients() -> None:
    """A client that reads slowly is not the fault of the handler."""
    connection = await connection_in(S.OPEN, FakeServer())
    connection.listen(noting := Noting())
    tasks = Tasks(connection)
    backlog = Backlog(connection, tasks)
    connection.is_send_long = True
    async with tasks.group:
        backlog.began()
        backlog.grew(lambda: True)
        await anyio.sleep(2.5 * PATIENCE)
        assert noting.told == []
        connection.is_send_long = False
        await anyio.sleep(PATIENCE)
        assert noting.told == ["held up"]


# The handlers of an endpoint.


class Sleeps(Recording):
    """Waits for as many seconds as a message says."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: float) -> None:
        await anyio.sleep(data)


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        pytest.param([4.0, 4.0, 4.0], 0, id="each in time"),
        pytest.param([20.0], 0, id="none behind it"),
        pytest.param([6.0, 0.0], 1, id="one behind it"),
        pytest.param([20.0, 0.0, 0.0, 0.0], 1, id="more behind it"),
        pytest.param([6.0, 6.0, 0.0], 2, id="two handlers"),
        pytest.param([0.0, 4.0, 6.0, 0.0], 1, id="the second"),
    ],
)
async def test_each_handler_is_told_once(
    messages: list[float], told: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes longer than that, and messages wait for it meanwhile, which came before or then."""

    class Chat(Sleeps):
        pass

    async with connect(as_asgi(Chat), timeout=100) as client:
        for message in messages:
            await client.send_json(message)
        await anyio.sleep(50)
    text = (
        f"{Chat.__qualname__}.on_receive has been waiting for over 5 s, and messages wait behind "
        "it: start what takes long with `start_soon`"
    )
    assert warnings_in(caplog) == told * [text]


async def test_message_that_comes_late_is_told_of_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The handler has waited for longer than that by then."""

    class Chat(Sleeps):
        pass

    async with connect(as_asgi(Chat), timeout=100) as client:
        await client.send_json(20.0)
        await anyio.sleep(10)
        await client.send_json(0.0)
        await anyio.sleep(0.1)
        assert len(warnings_in(caplog)) == 1


async def test_handler_that_receives_does_not_hold_up(caplog: pytest.LogCaptureFixture) -> None:
    """It takes the messages that came."""

    class Chat(Recording):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async for frame in websocket.iter_text():
                self.log.append(frame)
                await anyio.sleep(4)

    async with connect(as_asgi(Chat), timeout=100) as client:
        for number in range(4):
            await client.send_text(str(number))
        await anyio.sleep(30)
        await client.send_text("late")
    assert Chat.log[:5] == ["connect", "1", "2", "3", "late"]
    assert warnings_in(caplog) == []


@pytest.mark.parametrize("leave", ["vanish", "close"])
async def test_connection_that_has_ended_is_not_told_of(
    leave: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler may go on for its grace, and the messages from before are handled."""

    class Chat(Sleeps):
        async def on_receive(self, websocket: WebSocket, data: float) -> None:
            await anyio.sleep(1)
            if leave == "close":
                await websocket.close()
            await anyio.sleep(data)

    async with connect(as_asgi(Chat), timeout=100) as client:
        for _ in range(3):
            await client.send_json(8.0)
        if leave == "vanish":
            client.vanish()
        await client.wait_for_app()
    assert warnings_in(caplog) == []


async def test_reply_that_takes_long_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """The handler is done, and the client is slow."""

    class Chat(Recording):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> Any:
            await anyio.sleep(1)
            return data

    async with connect(as_asgi(Chat), timeout=100) as client:
        client.pause_reading()
        for _ in range(3):
            await client.send_text("x")
        await anyio.sleep(9)
        client.resume_reading()
        assert [await client.receive() for _ in range(3)] == ["x"] * 3
    assert warnings_in(caplog) == []
