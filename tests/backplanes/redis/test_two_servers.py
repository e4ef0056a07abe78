"""Two servers and one Redis: what is said on either reaches the clients of both, once, in order."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.examples.browsing import Server

from .server import RedisServer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]

CLIENTS, MESSAGES = map(int, os.environ.get("WSENDPOINTS_TWO_SERVERS", "40x100").split("x"))

APP: Final = "tests.backplanes.redis.shared_app:app"


@asynccontextmanager
async def clients_of_two(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, path: str, number: int
) -> AsyncGenerator[list[ClientConnection]]:
    """Start two servers, and connect so many clients, in turns to each."""
    monkeypatch.setenv("REDIS_URL", redis.url)
    servers = [Server(APP) for _ in range(2)]
    try:
        for server in servers:
            server.start()
        async with AsyncExitStack() as stack:
            clients: list[ClientConnection] = []
            for count in range(number):
                url = f"ws://127.0.0.1:{servers[count % 2].port}{path}"
                # Many clients of one process read slowly, without being slow.
                client = await stack.enter_async_context(connect(url, ping_interval=None))
                assert json.loads(await client.recv()) == {"joined": True}
                clients.append(client)
            yield clients
    finally:
        for server in servers:
            server.close()


async def texts(client: ClientConnection, number: int) -> list[tuple[str, int]]:
    """Receive so many messages of the group."""
    got: list[tuple[str, int]] = []
    while len(got) < number:
        message: dict[str, Any] = json.loads(await client.recv())
        if "done" not in message:
            got.append((message["by"], message["number"]))
    return got


@pytest.mark.parametrize("path", ["/bare", "/kept"])
async def test_each_message_reaches_each_client_once_in_order(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Said on both at once; with a history all clients see one order."""
    async with clients_of_two(redis, monkeypatch, path, CLIENTS) as clients:
        async with asyncio.TaskGroup() as tasks:
            got = [tasks.create_task(texts(client, MESSAGES)) for client in clients]
            for speaker, by in zip(clients, "ab", strict=False):
                await speaker.send(json.dumps([by, MESSAGES // 2]))
        orders = {tuple(task.result()) for task in got}
        for order in orders:
            for by in "ab":
                assert [number for name, number in order if name == by] == [*range(MESSAGES // 2)]
        assert len(orders) == 1 or path == "/bare"


async def test_redis_that_is_killed_loses_nothing_untold(
    mortal_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clients of a server get what is said there; all go on once Redis is there again."""
    async with clients_of_two(mortal_redis, monkeypatch, "/bare", 2) as (one, two):
        # A group is told from what it was before by the clock that its numbers begin at.
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began + 0.2:
            await two.send(json.dumps(["b", 1]))
            for client, number in ((one, 1), (two, 2)):
                for _ in range(number):
                    await client.recv()
        mortal_redis.kill()
        await one.send(json.dumps(["a", 1]))
        assert json.loads(await one.recv()) == {"by": "a", "number": 0}
        mortal_redis.start()
        # That it could not be published to the other server closed the connection that said it.
        with pytest.raises(Exception, match="1011"):
            await one.recv()
        assert json.loads(await two.recv()) == {"lost": None}
        await two.send(json.dumps(["b", 2]))
        assert [json.loads(await two.recv()) for _ in range(3)] == [
            {"by": "b", "number": 0},
            {"by": "b", "number": 1},
            {"done": "b"},
        ]
