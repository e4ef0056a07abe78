"""Several processes' groups under random broadcasts, joins, and connections that break."""

import os
import random
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.groups.failing import Failing
from tests.waiting import all_tasks_blocked
from wsendpoints import BackplaneError, WebSocket, WebSocketEndpoint
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Gap, Group, Groups, History
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio

SCENARIOS: Final = int(os.environ.get("WSENDPOINTS_SHARING_SCENARIOS", "10"))

NODES: Final = 3
STEPS: Final = 60


class Said(BaseModel):
    """A message that tells its position."""

    text: str
    position: str | None = None


class Bare(Group[Said]):
    """Keeps nothing."""

    name = "bare"


class Kept(Group[Said]):
    """Keeps all."""

    name = "kept"
    history = History(messages=10_000)


class End(Group[Said]):
    """Tells of the end."""

    name = "end"


class Chat(WebSocketEndpoint):
    """Joins all."""

    encoding = "json"
    groups: ClassVar[Any] = (Bare, Kept, End)
    them: Groups
    gaps: list[Gap]
    failures: ClassVar[list[Exception]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.them.join(self, Bare())
        await self.them.join(self, End())
        after = websocket.query_params.get("after")
        try:
            await self.them.join(self, Kept(), after)
        except BackplaneError as exc:
            self.failures.append(exc)

    async def on_gap(self, websocket: WebSocket, gap: Gap) -> None:
        self.gaps.append(gap)


async def received_by(client: Client) -> dict[str, list[Said]]:
    """Return what a client got until the end, by the group."""
    got: dict[str, list[Said]] = defaultdict(list)
    while (said := await client.receive(Said)).text != "end":
        got["bare" if said.position is None else "kept"].append(said)
    return got


@pytest.mark.parametrize("seed", range(SCENARIOS))
async def test_lost_is_told_and_what_is_kept_is_not_lost(seed: int) -> None:
    """Where nothing is kept, got and told make all; where all is kept, all is got, in order."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    hub = Hub()
    Chat.failures.clear()
    async with AsyncExitStack() as stack:
        planes = [Failing(hub, seed + node) for node in range(NODES)]
        nodes = [await stack.enter_async_context(Groups(plane)) for plane in planes]
        clients: list[tuple[int, list[Gap], Client, str | None]] = []

        async def come(node: int, after: str | None = None) -> None:
            gaps: list[Gap] = []
            query = "" if after is None else f"after={after}"
            app = Chat.as_asgi(them=nodes[node], gaps=gaps)
            client = await stack.enter_async_context(connect(app, f"/?{query}", timeout=60))
            clients.append((node, gaps, client, after))

        for node in range(NODES):
            await come(node)
        await all_tasks_blocked()
        first = {name: hub.logs.head(name) for name in ("bare", "kept")}
        # Of those that have a number: who said them does not matter.
        numbered: dict[str, list[str]] = {"bare": [], "kept": []}

        async def say(node: int, group: Group[Said], text: str) -> None:
            try:
                await nodes[node].broadcast(group, Said(text=text))
            except BackplaneError:
                return
            numbered[group.name].append(text)

        async with anyio.create_task_group() as tasks:
            for step in range(STEPS):
                node = rng.randrange(NODES)
                match rng.random():
                    case chance if chance < 0.7:
                        group: Group[Said] = rng.choice([Bare(), Kept()])
                        tasks.start_soon(say, node, group, str(step))
                    case chance if chance < 0.75:
                        if not planes[node].is_cut:
                            planes[node].cut()
                    case chance if chance < 0.8:
                        planes[node].hold()
                    case chance if chance < 0.82:
                        planes[node].drops += 1
                    case chance if chance < 0.87:
                        planes[node].release()
                    case chance if chance < 0.92:
                        planes[node].mend()
                    case _:
                        if not planes[node].is_cut:
                            await come(node, str(first["kept"]))
                for _ in range(rng.randrange(4)):
                    await checkpoint()
            for plane in planes:
                plane.release()
                plane.drops = 0
                plane.mend()
        # What could not be read is read again after a while, of virtual time.
        await anyio.sleep(10)
        await all_tasks_blocked()
        await nodes[0].broadcast(End(), Said(text="end"))
        assert hub.logs.head("kept") - first["kept"] == len(numbered["kept"])
        orders: set[tuple[str, ...]] = set()
        for node, gaps, client, after in clients:
            got = await received_by(client)
            texts = [said.text for said in got["kept"]]
            assert all(gap.group == Bare() for gap in gaps), gaps
            if after is None or not Chat.failures:
                assert sorted(texts, key=int) == sorted(numbered["kept"], key=int)
                positions = [int(str(said.position)) for said in got["kept"]]
                assert positions == [*range(first["kept"] + 1, hub.logs.head("kept") + 1)]
                orders.add(tuple(texts))
            if after is None:
                bare = [said.text for said in got["bare"]]
                assert len(set(bare)) == len(bare)
                lost = sum(gap.lost or 0 for gap in gaps)
                of_others = set(numbered["bare"])
                assert len(of_others & set(bare)) + lost == len(of_others), (node, gaps)
        assert len(orders) == 1
