"""Each limit in seconds, a second before it has passed and a second after."""

import time
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Final

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket, WebSocketEndpoint
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.limits import OUTCOMES

pytestmark = pytest.mark.anyio

BOUND: Final = 1000.0
EXPIRES_IN: Final = 1e8
"""Seconds until a connection expires.

That is a moment of the calendar, so the time that the test takes counts. Of a limit as long as this
one, a minute is less than its reason shows.
"""
GONE: Final[Event] = {"type": "websocket.disconnect", "code": 1001}


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
            websocket.expires_at = time.time() + EXPIRES_IN
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
        disconnects: Whether it disconnects then.
        holds_up: The type of the events that the server takes for ever to send.
        log: Which hooks ran in the end.
        closes: The codes and reasons that it was closed with.
        inbox: How many messages may wait.
        bound: The seconds of the limit.
        margin: The seconds by which the test is too early, and then too late.
    """

    hangs_in: str = ""
    frames: list[str] = field(default_factory=lambda: list[str]())
    disconnects: bool = False
    holds_up: str = ""
    log: list[Any] = field(default_factory=lambda: list[Any]())
    closes: list[tuple[int, str]] = field(default_factory=lambda: list[tuple[int, str]]())
    inbox: int = 32
    bound: float = BOUND
    margin: float = 1


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
        disconnects=True,
        inbox=1,
        log=["connect", 1013],
        closes=[(1013, "inbox_timeout: 1000 s")],
    ),
    "grace": Case("on_receive", ["x"], disconnects=True, log=["connect", 1001]),
    "close_timeout": Case(
        frames=["close"],
        holds_up="websocket.close",
        log=["connect", 4000],
        closes=[(4000, "")],
    ),
    "disconnect_timeout": Case("on_disconnect", disconnects=True, log=["connect", 1001]),
    "max_age": Case(frames=["x"], log=["connect", 1012], closes=[(1012, "max_age: 1000 s")]),
    "expires_at": Case(
        "expired",
        log=["connect", 4401],
        closes=[(4401, "expires_at: 1e+08 s")],
        bound=EXPIRES_IN,
        margin=60,
    ),
}


async def test_every_time_is_tested() -> None:
    """The table has each limit that is a number of seconds."""
    assert {*CASES} - {"expires_at"} == {
        field.name for field in fields(Limits) if "float" in str(field.type)
    }


CHOSEN: Final = 4321
"""A close code that no limit has by itself."""


@pytest.mark.parametrize(
    ("limit", "codes"),
    [
        *(pytest.param(limit, {}, id=limit) for limit in CASES),
        *(
            pytest.param(limit, {limit: CHOSEN}, id=f"{limit}, another code")
            for limit, case in CASES.items()
            if limit in OUTCOMES and case.closes and case.closes[0][0] == OUTCOMES[limit].code
        ),
    ],
)
async def test_limit_is_over_at_its_bound(limit: str, codes: dict[str, int]) -> None:
    """A second before nothing happened yet; a second after, the connection has ended.

    It is closed with the code of the limit, or with the one that the class chose for it.
    """
    case = CASES[limit]

    limits: dict[str, Any] = dict.fromkeys({*CASES} - {"expires_at"})
    if limit in limits:
        limits[limit] = BOUND

    class Limited(Endpoint):
        hangs_in = case.hangs_in

    Limited.limits = Limits(**limits, inbox=case.inbox, close_codes=codes)
    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def send(event: Event) -> None:
        await server.send(event)
        if event["type"] == case.holds_up:
            await anyio.sleep_forever()

    async def serve() -> None:
        await as_asgi(Limited)(make_scope(), server.receive, send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await all_tasks_blocked()
        server.deliver(*map(text, case.frames), *([GONE] if case.disconnects else []))
        await all_tasks_blocked()
        await anyio.sleep(case.bound - case.margin)
        assert not ended.is_set()
        await anyio.sleep(2 * case.margin)
        assert ended.is_set()
    ends = [event for event in server.sent if event["type"] == "websocket.close"]
    closes, log = case.closes, case.log
    if codes:
        closes, log = [(CHOSEN, reason) for _, reason in closes], ["connect", CHOSEN]
    assert [(event["code"], event["reason"]) for event in ends] == closes
    assert Limited.log == log


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
async def test_limit_begins_anew_with_each_message(limits: Limits, messages: int) -> None:
    """What was in time is forgotten, and counts for nothing in what follows."""

    class Patient(Gated):
        gates: ClassVar[list[anyio.Event]] = []

    Patient.limits = replace(limits, send_timeout=None, grace=None)
    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def serve() -> None:
        await as_asgi(Patient)(make_scope(), server.receive, server.send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        server.deliver(*map(text, "x" * messages))
        for _ in range(4):
            await all_tasks_blocked()
            await anyio.sleep(BOUND - 1)
            assert not ended.is_set()
            Patient.gates.pop().set()
            server.deliver(text("x"))
        await all_tasks_blocked()
        await anyio.sleep(BOUND - 1)
        assert not ended.is_set()
        await anyio.sleep(2)
        assert ended.is_set()


async def test_f04_client_is_idle_while_nothing_is_handled() -> None:
    """The time of a handler does not count, and each message begins the time anew."""

    class Idle(Gated):
        gates: ClassVar[list[anyio.Event]] = []
        limits = Limits(idle_timeout=BOUND)

    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def serve() -> None:
        await as_asgi(Idle)(make_scope(), server.receive, server.send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await all_tasks_blocked()
        for _ in range(3):
            await anyio.sleep(BOUND - 1)
            server.deliver(text("x"))
            await all_tasks_blocked()
            await anyio.sleep(BOUND * 3)
            assert not ended.is_set()
            Idle.gates.pop().set()
            await all_tasks_blocked()
        await anyio.sleep(BOUND - 1)
        assert not ended.is_set()
        await anyio.sleep(2)
        assert ended.is_set()
    assert Idle.log == ["connect", 1001]


class Default(Recording):
    """Leaves the handshake to the default."""

    on_connect = WebSocketEndpoint.on_connect


@pytest.mark.parametrize("limit", ["connect_timeout", "send_timeout"])
@pytest.mark.parametrize("base", [Recording, Default], ids=["own on_connect", "default"])
async def test_accept_that_the_server_holds_up_is_bounded(
    base: type[Recording], limit: str
) -> None:
    """An accept is a send, and a part of the handshake: both limits hold, whoever accepts."""

    class Held(base):  # type: ignore[misc, valid-type]  # one of two classes
        pass

    limits: dict[str, Any] = {"connect_timeout": None, "send_timeout": None, limit: BOUND}
    Held.limits = Limits(**limits)
    server = FakeServer(CONNECT)
    held = server.gate = anyio.Event()
    ended = anyio.Event()

    async def serve() -> None:
        await as_asgi(Held)(make_scope(), server.receive, server.send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await all_tasks_blocked()
        await anyio.sleep(BOUND - 1)
        assert not ended.is_set()
        server.gate = None
        await anyio.sleep(2)
        assert ended.is_set()
        held.set()
    code = OUTCOMES[limit].code
    assert Held.log[-1] == code
    assert server.sent[-1] == {
        "type": "websocket.close",
        "code": code,
        "reason": f"{limit}: 1000 s",
    }


async def test_send_that_ended_in_time_is_forgotten() -> None:
    """Each of any number of sends has the whole time, and a new one may have a shorter limit."""

    class Pushing(Recording):
        limits = Limits(send_timeout=BOUND, handler_timeout=BOUND * 10)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.start_soon(self.push, "pushed")
            return data

    server = FakeServer(CONNECT)
    ended = anyio.Event()

    async def serve() -> None:
        await as_asgi(Pushing)(make_scope(), server.receive, server.send)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await all_tasks_blocked()
        for _ in range(3):
            server.gate = anyio.Event()
            server.deliver(text("x"))
            await all_tasks_blocked()
            await anyio.sleep(BOUND - 1)
            assert not ended.is_set()
            server.gate.set()
            await all_tasks_blocked()
        # Nothing is blocked now, for longer than any limit.
        await anyio.sleep(BOUND * 20)
        assert not ended.is_set()
        server.gate = anyio.Event()
        server.deliver(text("x"))
        await all_tasks_blocked()
        await anyio.sleep(BOUND - 1)
        assert not ended.is_set()
        await anyio.sleep(2)
        server.gate.set()
        await all_tasks_blocked()
        assert ended.is_set()
    closes = [event["reason"] for event in server.sent if event["type"] == "websocket.close"]
    assert closes == ["send_timeout: 1000 s"]
