"""What befalls the workers of one machine, as processes: G14, and G15."""

import json
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.backplanes.files import matching
from tests.clocks import GENEROUS, REAL_TIME

pytestmark = [pytest.mark.anyio, REAL_TIME]

ROOT = Path(__file__).parents[2]


class Worker:
    """A worker that is a process."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self.process = process
        self._output = BufferedByteReceiveStream(process.stdout)

    async def next(self) -> list[Any]:
        """Return what it tells next."""
        with anyio.fail_after(GENEROUS):
            line: list[Any] = json.loads(await self._output.receive_until(b"\n", 65536))
        return line

    async def until(self, *words: object) -> list[list[Any]]:
        """Return what it tells until it tells something that begins so, which is the last of it."""
        told = [await self.next()]
        while told[-1][: len(words)] != [*words]:
            told.append(await self.next())
        return told

    async def send(self, *words: object) -> None:
        """Have it do something."""
        assert self.process.stdin is not None
        await self.process.stdin.send(json.dumps(words).encode() + b"\n")

    async def do(self, *words: object) -> Any:
        """Have it do something, and return what came of it."""
        await self.send(*words)
        return (await self.until("done"))[-1][1]

    async def texts(self, name: str, number: int) -> list[str]:
        """Return the texts of the next messages of a group; nothing is lost in between."""
        texts: list[str] = []
        while len(texts) < number:
            word, *rest = await self.next()
            assert word == "message"
            assert rest[0] == name
            texts.append(rest[2])
        return texts


@asynccontextmanager
async def workers(directory: Path, backend: str, number: int = 2) -> AsyncGenerator[list[Worker]]:
    """Start some workers, which are in group `a`."""
    command = [sys.executable, "-m", "tests.backplanes.local_worker", str(directory), backend]
    some: list[Worker] = []
    try:
        while len(some) < number:
            # stderr is that of the tests.
            some.append(Worker(await anyio.open_process(command, cwd=ROOT, stderr=None)))
        for worker in some:
            await worker.until("ready")
            await worker.send("subscribe", "a")
            await worker.until("fenced")
        yield some
        for worker in some:
            if worker.process.returncode is None and worker.process.stdin is not None:
                await worker.process.stdin.aclose()
                with anyio.fail_after(GENEROUS):
                    await worker.process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            for worker in some:
                if worker.process.returncode is None:
                    worker.process.kill()
                await worker.process.aclose()


async def test_g14_worker_that_is_killed(short_path: Path, anyio_backend_name: str) -> None:
    """What it published is there, its users are told of once, and its files are removed."""
    directory = short_path / "workers"
    async with workers(directory, anyio_backend_name, 3) as (one, two, three):
        assert await two.do("enter", "a", "ada")
        assert await one.do("enter", "a", "bob")
        assert not await two.do("enter", "a", "bob")
        await two.send("publish", "a", "x", 100_000)
        await one.until("message", "a")
        await three.until("message", "a")
        two.process.kill()
        await two.process.wait()
        told = await one.until("message", "a")
        while told[-1][3] != "-ada":
            told += await one.until("message", "a")
        numbers = [line[2] for line in told]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        assert await one.do("users", "a") == ["bob"]
        last = await one.do("publish", "a", "end", 1)
        told = await three.until("message", "a", last)
        assert [line[3] for line in told if line[0] == "message"].count("-ada") == 1
        assert not any(line[0] == "down" for line in told)
    assert not matching(short_path)


async def test_g14_worker_that_is_stopped(short_path: Path, anyio_backend_name: str) -> None:
    """It misses nothing, and the others go on meanwhile."""
    async with workers(short_path / "workers", anyio_backend_name) as (one, two):
        assert await two.do("enter", "a", "ada")
        assert await two.texts("a", 0) == []
        two.process.send_signal(signal.SIGSTOP)
        await one.until("message", "a")
        last = await one.do("publish", "a", "x", 2000)
        assert await one.do("users", "a") == ["ada"]
        two.process.send_signal(signal.SIGCONT)
        told = await two.until("message", "a", last)
        texts = [line[3] for line in told if line[0] == "message" and line[3] != "+ada"]
        assert texts == [f"x{count}" for count in range(2000)]
        assert not any(line[0] == "down" for line in told)


async def test_g14_worker_that_is_replaced(short_path: Path, anyio_backend_name: str) -> None:
    """The next one goes on with the same numbers, while others stay."""
    directory = short_path / "workers"
    async with workers(directory, anyio_backend_name) as (one, two):
        first = await one.do("publish", "a", "x", 1)
        two.process.kill()
        await two.process.wait()
        async with workers(directory, anyio_backend_name, 1) as (three,):
            assert await three.do("publish", "a", "y", 1) == first + 1
            await one.until("message", "a", first + 1, "y0")
            assert await one.do("publish", "a", "z", 1) == first + 2
            await three.until("message", "a", first + 2, "z0")


async def test_g14_socket_that_is_left_over(short_path: Path, anyio_backend_name: str) -> None:
    """Of one that was killed, where nobody was there to remove it: the next one begins anew."""
    directory = short_path / "workers"
    async with workers(directory, anyio_backend_name, 1) as (one,):
        first = await one.do("publish", "a", "x", 1)
        one.process.kill()
        await one.process.wait()
        assert matching(directory, "*.wakes")
        async with workers(directory, anyio_backend_name, 1) as (two,):
            assert await two.do("publish", "a", "y", 1) > first
            assert len(matching(directory, "*.wakes")) == 1
