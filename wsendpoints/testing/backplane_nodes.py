"""One process's part in a backplane, as the contract test watches it."""

import random
from collections.abc import Callable, Mapping
from typing import Final, Never, final

import anyio
import anyio.lowlevel

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.backplanes.logs import History

__all__ = ["Delays", "Node", "fail"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

_PATIENCE: Final = 30.0
"""Seconds after which something has not come."""


def fail(what: str) -> Never:
    """Say what a backplane does not keep."""
    raise AssertionError(what)


@final
class Node:
    """One process's part: keeps what is handed on, and counts what is told to be lost."""

    def __init__(self, backplane: Backplane, delays: "Delays") -> None:
        self.backplane = backplane
        self.delays = delays
        self.received: dict[str, list[tuple[int, bytes]]] = {}
        self.heads: dict[str, int] = {}
        self.lost: dict[str, int] = {}
        self.failures: list[str] = []
        self.is_up: set[str] = set()
        self.downs: int = 0
        self._changed = anyio.Event()

    def message(self, name: str, number: int, data: bytes) -> None:
        """Take a message."""
        self._reach(name, number - 1)
        if number <= self.heads.get(name, 0):
            self.failures.append(f"{name}: {number} came after {self.heads[name]}")
        self.heads[name] = number
        self.received.setdefault(name, []).append((number, bytes(data)))
        self._change()

    def fenced(self, heads: Mapping[str, int]) -> None:
        """Take note of where groups are."""
        for name, head in heads.items():
            if head < self.heads.get(name, 0):
                self.failures.append(f"{name}: it is at {head}, and was at {self.heads[name]}")
            self._reach(name, head)
            self.is_up.add(name)
        self._change()

    def down(self) -> None:
        """Take note that nothing comes."""
        self.downs += 1
        self.is_up.clear()
        self._change()

    def _reach(self, name: str, number: int) -> None:
        # What came before the first is nobody's.
        missing = number - self.heads.get(name, number)
        if missing > 0:
            self.lost[name] = self.lost.get(name, 0) + missing
        self.heads[name] = max(number, self.heads.get(name, 0))

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        with anyio.move_on_after(_PATIENCE):
            while not condition():
                await self._changed.wait()
            return
        fail(f"{what}: not within {_PATIENCE:g} seconds")

    async def reach(self, name: str, number: int) -> None:
        """Wait until a message has come, or is told to be lost."""
        await self.until(lambda: self.heads[name] >= number, f"{name}: message {number}")

    async def come_back(self, downs: int, *names: str) -> None:
        """Wait until it was told once more that nothing comes, and then that it does."""
        await self.until(lambda: self.downs > downs, "`down`")
        await self.until(lambda: self.is_up.issuperset(names), "`fenced` after `down`")

    async def subscribe(self, *names: str) -> None:
        """Subscribe, and wait for the fence."""
        for name in names:
            self.is_up.discard(name)
        self.backplane.subscribe(names)
        await self.until(lambda: self.is_up.issuperset(names), "`fenced` after `subscribe`")

    async def publish(self, name: str, data: bytes, history: History | None = None) -> int:
        """Publish, with delays."""
        await self.delays()
        number = await self.backplane.publish(name, data, history)
        await self.delays()
        return number

    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        """Read, with delays."""
        await self.delays()
        entries = await self.backplane.read(name, after)
        await self.delays()
        return [(number, bytes(data)) for number, data in entries]

    def check(self) -> None:
        """Check that nothing went wrong meanwhile."""
        if self.failures:
            fail(self.failures[0])


@final
class Delays:
    """Gives others a turn, or some, before and after what is called."""

    def __init__(self, seed: int) -> None:
        self.random: random.Random = random.Random(seed)  # noqa: S311 - no secret

    async def __call__(self) -> None:
        """Wait."""
        if self.random.random() < 0.1:
            await anyio.sleep(self.random.random() / 100)
        for _ in range(self.random.randrange(4)):
            await anyio.lowlevel.checkpoint()
