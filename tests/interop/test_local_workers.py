"""The workers of each server that has several find each other, and share groups."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import ClientConnection, connect

from wsendpoints.backplanes.local_place import remove_stale

from .servers import SERVERS, Process, Server

pytestmark = pytest.mark.anyio

GENEROUS = 60.0

MANY = {
    "uvicorn": "--workers 2",
    "hypercorn": "--workers 2",
    "hypercorn-trio": "--workers 2",
    "granian": "--workers 2",
    "gunicorn": "--workers 2",
}
"""What has each server start two workers. daphne has one only."""


def names_in(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where the workers meet: its path has room for sockets."""
    with tempfile.TemporaryDirectory(prefix="wse") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(params=MANY)
def process(request: pytest.FixtureRequest, runtime: Path, tmp_path: Path) -> Iterator[Process]:
    """Start a server with two workers."""
    name: Any = request.param
    server = SERVERS[name]
    several = Server(name, f"{server.arguments} {MANY[name]}")
    process = Process(several, "tests.interop.local_app:app", tmp_path / "log")
    try:
        process.wait_until_it_accepts()
        yield process
    finally:
        process.kill()


async def receive(client: ClientConnection) -> Any:
    """Return the next message."""
    with anyio.fail_after(GENEROUS):
        return json.loads(await client.recv())


async def test_g14_workers_share_groups(process: Process, runtime: Path) -> None:
    """What one is told, a client of the other gets; users are those of both."""
    async with AsyncExitStack() as stack:
        clients: dict[int, ClientConnection] = {}
        count = -1
        # The second worker may be up later than the first.
        with anyio.fail_after(GENEROUS):
            while len(clients) < 2:
                count += 1
                url = f"ws://{process.netloc}/?user=u{count}"
                client = await stack.enter_async_context(connect(url, proxy=None))
                pid = (await receive(client))["pid"]
                if pid in clients:
                    await client.close()
                clients.setdefault(pid, client)
        one, two = clients.values()
        await one.send(json.dumps("hello"))
        told = await receive(two)
        assert told == await receive(one)
        assert told["said"] == "hello"
        # The first one, of one worker, and the last one, of the other.
        assert {"u0", f"u{count}"} <= {*told["users"]}
        (directory,) = names_in(runtime)
        assert re.fullmatch(rf"wsendpoints-{os.geteuid()}-\d+-\d+", directory)
    process.terminate()
    process.wait()
    # A worker that the server kills as it ends leaves the directory to the next server.
    with anyio.fail_after(GENEROUS):
        while names_in(runtime):
            remove_stale()
            await anyio.lowlevel.checkpoint()
    assert process.errors() == []
