"""What a connection is at: a handler, a reply, or a send that takes long is found by two looks."""

from contextvars import ContextVar
from typing import Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.connection.connections import SEND, S, connection_in
from tests.fake_server import FakeServer
from wsendpoints import Limits
from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.attention import Attention
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.stage import Stage
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.lifecycle.ticker import running_ticker

pytestmark = pytest.mark.anyio

WHO: Final[ContextVar[str]] = ContextVar("who", default="nobody")


class Noting(Attention):
    """Notes what takes long, and whose context it is told in."""

    def __init__(self, connection: Connection, tasks: Tasks, deadlines: Deadlines) -> None:
        self._connection = self.connection = connection
        self.tasks = tasks
        self._deadlines = self.deadlines = deadlines
        self.stage = self._ticker = None
        self.is_unseen = self._is_attended = self._is_found_long = self._is_send_long = False
        self._sends_seen = None
        self.told: list[tuple[Stage | None, str]] = []

    def _take_long(self) -> None:
        self.told.append((self.stage, WHO.get()))

    @property
    def is_watched(self) -> bool:
        """Whether the ticker looks at it."""
        return not self.connection.tells_sends


async def noting(server: FakeServer | None = None) -> Noting:
    """Return one of an open connection, to which a client that reads nothing for 5 s is lost."""
    connection = await connection_in(S.OPEN, server or FakeServer())
    tasks = Tasks(connection)
    limits = Limits(send_timeout=5, handler_timeout=None)
    return Noting(connection, tasks, Deadlines(limits, tasks, anyio.current_time))


async def turns() -> None:
    """Let the others run, in no time."""
    for _ in range(10):
        await checkpoint()


def look() -> None:
    """Have the ticker look once."""
    running_ticker().look()


async def test_handler_that_takes_long_is_found_at_the_second_look() -> None:
    """It is told once, and then not looked at any more."""
    one = await noting()
    async with one.tasks.group:
        one.watch_sends()
        one.stage = Stage.HANDLING
        assert one.is_handling
        one.attend()
        look()
        assert one.told == []
        look()
        assert one.told == [(Stage.HANDLING, "nobody")]
        assert one.is_watched is False
        look()
        # The handler begins a send.
        one.attend_send()
        look()
        assert len(one.told) == 1
        one.tasks.end()


async def test_handler_that_ended_in_time_is_not_found() -> None:
    """Nor is the next one, which began since the last look."""
    one = await noting()
    async with one.tasks.group:
        for _ in range(3):
            one.stage = Stage.HANDLING
            one.attend()
            look()
        one.stage = None
        assert not one.is_handling
        look()
        assert one.told == []
        assert one.connection.tells_sends
        one.tasks.end()


async def test_stage_that_begins_meanwhile_is_not_told() -> None:
    """Between the look and what follows from it, the loop went on."""
    one = await noting()
    ticker = running_ticker()
    async with one.tasks.group:
        for following in (None, Stage.REPLYING):
            one.stage = Stage.HANDLING
            one.attend()
            one.look(ticker)
            one.look(ticker)
            one.stage = following
            if following is not None:
                one.attend()
            look()
        assert one.told == []
        one.tasks.end()


async def test_it_is_told_in_the_context_of_the_connection() -> None:
    """Not in that of whoever looks."""
    one = await noting()
    async with one.tasks.group:
        token = WHO.set("the connection")
        one.stage = Stage.REPLYING
        one.attend()
        WHO.reset(token)
        look()
        look()
        assert one.told == [(Stage.REPLYING, "the connection")]
        one.tasks.end()


async def test_send_that_takes_long_is_found() -> None:
    """Its time is counted from then on, until the last of those that wait has ended."""
    server = FakeServer()
    one = await noting(server)
    connection = one.connection
    began = anyio.current_time()
    async with one.tasks.group as tasks:
        server.gate = anyio.Event()
        one.watch_sends()
        one.watch_sends()
        one.attend_send()
        one.watch_sends()
        tasks.start_soon(connection.transmit, SEND)
        await turns()
        look()
        assert not connection.is_send_long
        look()
        assert connection.is_send_long
        assert connection.tells_sent
        assert one.told == []
        # It is not found again.
        one.attend_send()
        look()
        await anyio.sleep(3)
        tasks.start_soon(connection.transmit, SEND)
        # Another one waits still: it has the whole time.
        one.sent()
        await anyio.sleep(4)
        assert not one.tasks.is_cancelled
        server.gate.set()
        await anyio.sleep(0.1)
        one.sent()
        assert not connection.is_send_long
        one.sent()
        await anyio.sleep(20)
        assert not one.tasks.is_cancelled
        one.tasks.end()
    assert one.deadlines.passed() is None
    assert anyio.current_time() - began == pytest.approx(27.1, abs=0.1)


async def test_client_that_never_reads_is_lost() -> None:
    """After the time for a send."""
    server = FakeServer()
    one = await noting(server)
    began = anyio.current_time()
    async with one.tasks.group as tasks:
        server.gate = anyio.Event()
        one.attend_send()
        tasks.start_soon(one.connection.transmit, SEND)
        await turns()
        look()
        look()
    assert one.deadlines.passed() is not None
    assert anyio.current_time() - began == pytest.approx(5, abs=0.1)


async def test_sends_that_end_in_time_are_not_found() -> None:
    """Each look sees another one."""
    server = FakeServer()
    one = await noting(server)
    async with one.tasks.group as tasks:
        for _ in range(3):
            gate = server.gate = anyio.Event()
            one.attend_send()
            tasks.start_soon(one.connection.transmit, SEND)
            await turns()
            look()
            assert not one.connection.is_send_long
            gate.set()
            await turns()
        assert not one.connection.is_send_long
        one.tasks.end()


@pytest.mark.parametrize("was_attended", [False, True])
async def test_nothing_is_looked_at_in_the_end(was_attended: bool) -> None:
    """Neither does the connection tell of its sends."""
    one = await noting()
    async with one.tasks.group:
        one.watch_sends()
        if was_attended:
            one.stage = Stage.HANDLING
            one.attend()
        one.retire()
        for _ in range(3):
            look()
        assert one.told == []
        assert not one.connection.tells_sends
        assert not one.connection.tells_sent
        one.tasks.end()


async def test_what_is_being_sent_is_known() -> None:
    """A reply of the loop, which is not counted among the sends, or any of those."""
    server = FakeServer()
    one = await noting(server)
    assert not one.is_sending
    one.stage = Stage.REPLYING
    assert one.is_sending
    one.stage = Stage.HANDLING
    assert not one.is_sending
    server.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(one.connection.transmit, SEND)
        await turns()
        assert one.is_sending
        server.gate.set()
    assert not one.is_sending
