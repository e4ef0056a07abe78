"""Each limit in seconds, a second before it is over and a second after.

The clock of the event loop is moved, so that no time passes.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint
from trio.testing import MockClock

from tests.fake_server import CONNECT, FakeServer, text
from tests.recording import Recording
from wsendpoints import Limits, WebSocket
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio

BOUND: Final = 1000.0
GONE: Final[Event] = {"type": "websocket.disconnect", "code": 1001}


class Clock:
    """Shows how late it is: later than it is by what it was moved."""

    def __init__(self, mock: MockClock | None) -> None:
        self._mock = mock
        self._moved = 0.0

    def shift(self, clock: Callable[[], float]) -> Callable[[], float]:
        """Return another clock that is moved by as much."""
        return lambda: clock() + self._moved

    async def move(self, seconds: float) -> None:
        """Let it be later, and let everything happen that is due."""
        self._moved += seconds
        if self._mock is not None:
            self._mock.jump(seconds)
        await settle()


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(5):
        await checkpoint()
    await anyio.wait_all_tasks_blocked()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Have trio's clock stand still."""
    return request.param, {"clock": MockClock()} if request.param == "trio" else {}


@pytest.fixture
async def clock(
    anyio_backend: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Clock:
    """Return a clock that all others are moved with."""
    clock = Clock(anyio_backend[1].get("clock"))
    if anyio_backend[0] == "asyncio":
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", clock.shift(loop.time))
    for name in ("time", "monotonic"):
        monkeypatch.setattr(
            f"wsendpoints.lifecycle.deadlines.{name}", clock.shift(getattr(time, name))
        )
    return clock


class Endpoint(Recording):
    """Takes its time, where it is told to."""

    hangs_in: str = ""

    async def hang(self, where: str) -> None:
        """Wait for ever, if this is where."""
        if self.hangs_in == where:
            await anyio.sleep_forever()

    async def on_connect(self, websocket: WebSocket) -> None:
        await self.hang("on_connect")
        if self.hangs_in == "expired":
            websocket.expires_at = time.time() + BOUND
        await super().on_connect(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        await self.hang("on_receive")
        if data == "close":
            await websocket.close(4000)
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        await self.hang("on_disconnect")


@dataclass
class Case:
    """How a limit is reached.

    Attributes:
        hangs_in: Where the endpoint takes its time.
        frames: What the client sends.
        leaves: Whether it leaves then.
        holds_up: The type of the events that the server takes for ever to send.
        log: Which hooks ran in the end.
        closes: The codes and reasons that it was closed with.
        inbox: How many messages may wait.
    """

    hangs_in: str = ""
    frames: list[str] = field(default_factory=lambda: list[str]())
    leaves: bool = False
    holds_up: str = ""
    log: list[Any] = field(default_factory=lambda: list[Any]())
    closes: list[tuple[int, str]] = field(default_factory=lambda: list[tuple[int, str]]())
    inbox: int = 32


CASES: Final = {
    "connect_timeout": Case("on_connect", closes=[(1000, "")]),
    "first_message_timeout": Case(
        log=["connect", 1008], closes=[(1008, "first_message_timeout: 1000 s")]
    ),
    "idle_timeout": Case(
        frames=["x"], log=["connect", 1001], closes=[(1001, "idle_timeout: 1000 s")]
    ),
    "handler_timeout": Case(
        "on_receive", ["x"], log=["connect", 1011], closes=[(1011, "handler_timeout: 1000 s")]
    ),
    "send_timeout": Case(
        frames=["x"],
        holds_up="websocket.send",
        log=["connect", 1013],
        closes=[(1013, "send_timeout: 1000 s")],
    ),
    "inbox_timeout": Case(
        "on_receive",
        ["x", "y", "z"],
        leaves=True,
        inbox=1,
        log=["connect", 1013],
        closes=[(1013, "inbox_timeout: 1000 s")],
    ),
    "grace": Case("on_receive", ["x"], leaves=True, log=["connect", 1001]),
    "close_timeout": Case(
        frames=["close"],
        holds_up="websocket.close",
        log=["connect", 4000],
        closes=[(4000, "")],
    ),
    "disconnect_timeout": Case("on_disconnect", leaves=True, log=["connect", 1001]),
    "expires_at": Case("expired", log=["connect", 4401], closes=[(4401, "expires_at: 1000 s")]),
}


def test_every_time_is_tested() -> None:
    """The table has each limit that is a number of seconds."""
    assert {*CASES} - {"expires_at"} == {
        field.name for field in fields(Limits) if "float" in str(field.type)
    }


@pytest.mark.parametrize("limit", CASES)
async def test_limit_is_over_at_its_bound(limit: str, clock: Clock) -> None:
    """A second before nothing happened yet; a second after, the connection has ended."""
    case = CASES[limit]

    limits: dict[str, Any] = dict.fromkeys({*CASES} - {"expires_at"})
    if limit in limits:
        limits[limit] = BOUND

    class Limited(Endpoint):
        hangs_in = case.hangs_in

    Limited.limits = Limits(**limits, inbox=case.inbox)
    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def send(event: Event) -> None:
        await server.send(event)
        if event["type"] == case.holds_up:
            await anyio.sleep_forever()

    async def serve() -> None:
        await Limited({"type": "websocket", "path": "/"}, server.receive, send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await settle()
        server.deliver(*map(text, case.frames), *([GONE] if case.leaves else []))
        await settle()
        await clock.move(BOUND - 1)
        assert not ended.is_set()
        await clock.move(2)
        assert ended.is_set()
    ends = [event for event in server.sent if event["type"] == "websocket.close"]
    assert [(event["code"], event["reason"]) for event in ends] == case.closes
    assert Limited.log == case.log


class Gated(Recording):
    """Handles each message when it is told to."""

    gates: ClassVar[list[anyio.Event]] = []

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        gate = anyio.Event()
        self.gates.append(gate)
        await gate.wait()
        return data


@pytest.mark.parametrize(
    ("limits", "messages"),
    [
        pytest.param(Limits(handler_timeout=BOUND), 1, id="handler_timeout"),
        pytest.param(Limits(inbox=2, inbox_timeout=BOUND), 9, id="inbox_timeout"),
    ],
)
async def test_limit_begins_anew_with_each_message(
    limits: Limits, messages: int, clock: Clock
) -> None:
    """What was in time is forgotten, and counts for nothing in what follows."""

    class Patient(Gated):
        gates: ClassVar[list[anyio.Event]] = []

    Patient.limits = replace(limits, send_timeout=None, grace=None)
    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def serve() -> None:
        await Patient({"type": "websocket", "path": "/"}, server.receive, server.send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        server.deliver(*map(text, "x" * messages))
        for _ in range(4):
            await settle()
            await clock.move(BOUND - 1)
            assert not ended.is_set()
            Patient.gates.pop().set()
            server.deliver(text("x"))
        await settle()
        await clock.move(BOUND - 1)
        assert not ended.is_set()
        await clock.move(2)
        assert ended.is_set()


async def test_send_that_ended_in_time_is_forgotten(clock: Clock) -> None:
    """Each of any number of sends has the whole time, and a new one may have a shorter limit."""

    class Pushing(Recording):
        limits = Limits(send_timeout=BOUND, handler_timeout=BOUND * 10)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.start_soon(self.push, "pushed")
            return data

    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def serve() -> None:
        await Pushing({"type": "websocket", "path": "/"}, server.receive, server.send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await settle()
        for _ in range(3):
            server.gate = anyio.Event()
            server.deliver(text("x"))
            await settle()
            await clock.move(BOUND - 1)
            assert not ended.is_set()
            server.gate.set()
            await settle()
        # Nothing is blocked now, for longer than any limit.
        await clock.move(BOUND * 20)
        assert not ended.is_set()
        server.gate = anyio.Event()
        server.deliver(text("x"))
        await settle()
        await clock.move(BOUND - 1)
        assert not ended.is_set()
        await clock.move(2)
        server.gate.set()
        await settle()
        assert ended.is_set()
    closes = [event["reason"] for event in server.sent if event["type"] == "websocket.close"]
    assert closes == ["send_timeout: 1000 s"]
