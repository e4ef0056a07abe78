"""One process's part in a backplane, as the contract test watches it."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Never, TypeVar, final

import anyio
import anyio.lowlevel

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import BackplaneError, GroupFullError, PositionLost

__all__ = ["HISTORY", "Delays", "Node", "fail", "nodes_of"]

_TICK: Final = 1 / 256
"""Seconds from one time to the next at which those that wait go on."""

R = TypeVar("R")

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

_PATIENCE: Final = 30.0
"""Seconds after which something has not come."""


HISTORY: Final = History(messages=10_000)
"""Keeps all that is said."""


def fail(what: str) -> Never:
    """Say what a backplane does not keep."""
    raise AssertionError(what)


async def _within(what: str, func: Callable[[], Awaitable[R]]) -> R:
    """Return what an async function returns, which does not take for ever."""
    with anyio.move_on_after(_PATIENCE):
        return await func()
    fail(f"{what}: not within {_PATIENCE:g} seconds")


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

        async def wait() -> None:
            while not condition():
                await self._changed.wait()

        await _within(what, wait)

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
        number = await _within("`publish`", lambda: self.backplane.publish(name, data, history))
        await self.delays()
        return number

    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        """Read, with delays."""
        await self.delays()
        entries = await _within("`read`", lambda: self.backplane.read(name, after))
        await self.delays()
        return [(number, bytes(data)) for number, data in entries]

    async def enter(self, name: str, connection: str, user: str, *, most: int) -> bool:
        """Count a connection of a user, with delays; `+user` and `-user` are told of it."""
        await self.delays()
        is_first = await _within(
            "`enter`",
            lambda: self.backplane.enter(
                name,
                connection,
                user,
                joined=f"+{user}".encode(),
                left=f"-{user}".encode(),
                most=most,
                history=HISTORY,
            ),
        )
        await self.delays()
        return is_first

    async def depart(self, name: str, *connections: str) -> None:
        """Count some connections no more."""
        for connection in connections:
            await _within("`depart`", partial(self.backplane.depart, name, connection))

    async def users(self, name: str) -> list[str]:
        """Return who is in a group."""
        return await _within("`users`", lambda: self.backplane.users(name))

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
            # All that wait go on at one time: else, on a clock that stands still while any of them
            # does something, they would do everything one after the other.
            await anyio.sleep_until((anyio.current_time() // _TICK + 1) * _TICK)
        for _ in range(self.random.randrange(4)):
            await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def nodes_of(
    connect: Callable[[], Backplane], delays: Delays, number: int
) -> AsyncGenerator[list[Node]]:
    """Have some nodes take part, and check at the end that nothing went wrong meanwhile.

    Raises:
        AssertionError: Something did, in whichever task.
    """
    nodes = [Node(connect(), delays) for _ in range(number)]
    try:
        async with anyio.create_task_group() as group:
            for node in nodes:
                await _within("`run`", partial(group.start, node.backplane.run, node))
            yield nodes
            for node in nodes:
                node.check()
            group.cancel_scope.cancel()
    except BaseExceptionGroup as exc:
        told: BaseExceptionGroup[BaseException] | None = (
            exc.split(AssertionError)[0]
            or exc.split((BackplaneError, GroupFullError, PositionLost))[0]
        )
        if told is None:
            raise
        failure: BaseException = told
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        if isinstance(failure, AssertionError):
            raise failure from None
        raise AssertionError(f"nothing is wrong, but it raised {failure!r}") from failure
