"""Replies, pushes, posts and broadcasts at once: each exactly once, in one order for each client.

The server's `send` waits as those of real servers do, or as one behind a middleware.
"""

import random
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.groups.turns import have_turns
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket, WebSocketEndpoint
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio

Kind = Literal["waits once", "waits always", "never waits", "holds a lock"]

KINDS: list[Kind] = ["waits once", "waits always", "never waits", "holds a lock"]

EACH = 15
"""Messages of each kind."""


class Server:
    """One client's server."""

    def __init__(self, kind: Kind, chance: random.Random) -> None:
        self.sent: list[str] = []
        self.called: list[str] = []
        self.writable = anyio.Event()
        self.writable.set()
        self._kind: Kind = kind
        self._chance = chance
        self._lock = anyio.Lock()
        self._events: list[Event] = [{"type": "websocket.connect"}]
        self._arrival = anyio.Event()

    def deliver(self, event: Event) -> None:
        """Have the endpoint receive an event."""
        self._events.append(event)
        self._arrival.set()

    async def receive(self) -> Event:
        """Return the next event."""
        while not self._events:
            self._arrival = anyio.Event()
            await self._arrival.wait()
        return self._events.pop(0)

    async def send(self, event: Event) -> None:
        """Take an event, which may have to wait."""
        if event["type"] != "websocket.send":
            return
        match self._kind:
            case "waits once":
                # As uvicorn: one that comes later may overtake others that wait.
                if not self.writable.is_set():
                    await self.writable.wait()
            case "waits always":
                await self._turns(self._chance.randint(1, 3))
            case "holds a lock":
                with anyio.fail_after(60):
                    async with self._lock:
                        await self._turns(self._chance.randint(0, 2))
            case "never waits":
                pass
        self.sent.append(event["text"])

    async def _turns(self, number: int) -> None:
        for _ in range(number):
            await checkpoint()


class Member(WebSocketEndpoint):
    """Replies to what it gets, as soon as it pleases."""

    encoding = "text"
    limits = Limits(outbox=None, outbox_bytes=None)
    groups_of: ClassVar[Groups]
    chance: ClassVar[random.Random]
    all: ClassVar[list["Member"]]
    next: ClassVar[Callable[[str], str]]
    server: Server

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.server = websocket.scope["server_of"]
        await self.groups_of.join(self, "room")
        self.all.append(self)

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        if self.chance.random() < 0.3:
            await checkpoint()
        text = type(self).next("reply")
        self.server.called.append(text)
        return text


class Scenario:
    """Some clients, and all that is sent to them.

    Args:
        seed: Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.groups = Groups()
        self.kind: Kind = self.chance.choice(KINDS)
        self.servers = [Server(self.kind, self.chance) for _ in range(self.chance.randint(1, 5))]
        self._number = 0
        self.kinds: Any = type(
            "Some",
            (Member,),
            {"groups_of": self.groups, "chance": self.chance, "all": [], "next": self._next},
        )

    def _next(self, what: str) -> str:
        self._number += 1
        return f"{what} {self._number}"

    async def run(self) -> None:
        """Let all of it happen."""
        members: list[Member] = self.kinds.all
        async with anyio.create_task_group() as tasks:
            for server in self.servers:
                scope: dict[str, Any] = {
                    "type": "websocket",
                    "path": "/",
                    "headers": [],
                    "server_of": server,
                }
                tasks.start_soon(self._serve, scope, server)
            while len(members) < len(self.servers):
                await checkpoint()
            async with anyio.create_task_group() as senders:
                for act in (
                    self._broadcast,
                    self._broadcast,
                    self._push,
                    self._post,
                    self._message,
                    self._hold_up,
                ):
                    senders.start_soon(act)
            for server in self.servers:
                server.writable.set()
            await all_tasks_blocked()
            for server in self.servers:
                server.deliver({"type": "websocket.disconnect", "code": 1000})

    async def _serve(self, scope: Any, server: Server) -> None:
        await self.kinds.as_asgi()(scope, server.receive, server.send)

    async def _pause(self, chance: float = 0.5) -> None:
        if self.chance.random() < chance:
            await checkpoint()

    async def _broadcast(self) -> None:
        for _ in range(EACH):
            await self.groups.broadcast("room", self._next("broadcast"))
            await self._pause()

    async def _push(self) -> None:
        for _ in range(EACH):
            member: Member = self.chance.choice(self.kinds.all)
            text = self._next("push")
            member.server.called.append(text)
            await member.push(text)
            await self._pause()

    async def _post(self) -> None:
        for _ in range(EACH):
            member: Member = self.chance.choice(self.kinds.all)
            text = self._next("post")
            member.server.called.append(text)
            member.post(text)
            await self._pause()

    async def _message(self) -> None:
        for _ in range(EACH):
            server = self.chance.choice(self.servers)
            server.deliver({"type": "websocket.receive", "text": "x"})
            await self._pause(0.7)

    async def _hold_up(self) -> None:
        for _ in range(4 * EACH):
            server = self.chance.choice(self.servers)
            if server.writable.is_set() and self.chance.random() < 0.6:
                server.writable = anyio.Event()
            elif self.chance.random() < 0.7:
                server.writable.set()
            await checkpoint()
        for _ in range(2 * EACH):
            for server in self.servers:
                server.writable.set()
            await checkpoint()

    def judge(self) -> None:
        """Check what was sent."""
        first = broadcasts_in(self.servers[0].sent)
        assert len(first) == 2 * EACH
        for server in self.servers:
            assert broadcasts_in(server.sent) == first
            assert [it for it in server.sent if not it.startswith("broadcast")] == server.called
        assert self.groups.names == ()


def broadcasts_in(sent: list[str]) -> list[str]:
    """Return the broadcasts among some messages."""
    return [text for text in sent if text.startswith("broadcast")]


async def play(seeds: range, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play some scenarios."""
    for seed in seeds:
        scenario = Scenario(seed)
        have_turns(monkeypatch, scenario.chance.choice([1, 3, 1000]))
        await scenario.run()
        try:
            scenario.judge()
        except AssertionError as exc:
            exc.add_note(f"seed {seed}: the server {scenario.kind}")
            raise


async def test_g12_one_order_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message once, and the broadcasts in one order for all."""
    await play(range(40), monkeypatch)


@pytest.mark.slow
async def test_g12_one_order_for_each_client_in_many_scenarios(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same, 400 times."""
    await play(range(40, 440), monkeypatch)
