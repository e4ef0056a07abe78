"""When a loop rests: it waits for a message, and none that has come waits for it."""

import anyio
import pytest

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import InvalidStateError, WebSocket
from wsendpoints.lifecycle.hooks import lifecycle_of
from wsendpoints.lifecycle.reader import Reader

pytestmark = pytest.mark.anyio


class Slow(Recording):
    """Handles a message when it is told to."""

    go: anyio.Event
    reader: Reader

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        conversation: object = lifecycle_of(self).conversation
        type(self).reader = vars_of(conversation)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.log.append(f"{data} begins")
        await self.go.wait()
        self.log.append(data)


def vars_of(conversation: object) -> Reader:
    """Return the reader of a conversation."""
    reader: Reader = getattr(conversation, "reader")  # noqa: B009 - its protocol has none
    return reader


async def served(server: FakeServer) -> None:
    """Serve one connection."""
    await Slow(make_scope(), server.receive, server.send)


async def rested() -> None:
    """Note that the loop rests."""
    Slow.log.append("rests")


async def test_loop_rests_once_all_that_had_come_is_handled() -> None:
    """Also what the server had, and nobody had read."""
    Slow.log.clear()
    Slow.go = anyio.Event()
    server = FakeServer(CONNECT, text("a"), text("b"))
    async with anyio.create_task_group() as group:
        group.start_soon(served, server)
        while "a begins" not in Slow.log:
            await anyio.lowlevel.checkpoint()
        reader = Slow.reader
        assert not reader.is_at_rest
        reader.at_rest(rested)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        Slow.go.set()
        await all_tasks_blocked()
        assert Slow.log == ["connect", "a begins", "a", "b begins", "b", "rests"]
        # From then on it is as it was.
        assert reader.is_at_rest
        server.deliver(text("c"))
        await all_tasks_blocked()
        reader.at_rest(rested)
        await all_tasks_blocked()
        assert Slow.log[6:] == ["c begins", "c", "rests"]
        server.deliver(DISCONNECT)


async def test_loop_that_ends_never_rests() -> None:
    """And nothing is started any more."""
    Slow.log.clear()
    Slow.go = anyio.Event()
    server = FakeServer(CONNECT, text("a"))
    async with anyio.create_task_group() as group:
        group.start_soon(served, server)
        await all_tasks_blocked()
        Slow.reader.at_rest(rested)
        server.deliver(DISCONNECT)
        await all_tasks_blocked()
        Slow.go.set()
    assert Slow.log == ["connect", "a begins", "a", 4001]


async def test_limits_are_not_changed_once_messages_are_handled() -> None:
    """They are looked at before the first of them."""
    Slow.log.clear()
    Slow.go = anyio.Event()
    server = FakeServer(CONNECT, text("a"))
    async with anyio.create_task_group() as group:
        group.start_soon(served, server)
        await all_tasks_blocked()
        reader = Slow.reader
        with pytest.raises(InvalidStateError, match="limits are assigned in __init__"):
            reader.limit_by(reader._limits, reader._intake)  # pyright: ignore[reportPrivateUsage]  # what it has
        Slow.go.set()
        server.deliver(DISCONNECT)
