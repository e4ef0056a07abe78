"""A backplane in memory that can be cut off, and that takes turns of the event loop."""

import random
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, ClassVar, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint
from typing_extensions import override

from wsendpoints.backplanes import Backplane, History, Hub, MemoryBackplane, Receiver
from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["Failing"]

R = TypeVar("R")


class Failing(Backplane):
    """Carries messages through a hub.

    Args:
        hub: Shared with the others.
        seed: Of how many turns each call takes.

    Attributes:
        is_cut: Whether nothing comes, and nothing can be published or read.
        dies: Set, it fails for good.
        drops: How many of the next messages do not come.
    """

    presence: ClassVar[bool] = True

    def __init__(self, hub: Hub, seed: int = 0) -> None:
        self.inner = MemoryBackplane(hub)
        self.receiver: Receiver | None = None
        self.is_cut = False
        self.names: dict[str, None] = {}
        self.hub = hub
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.refuses_start = False
        self.drops = 0
        self.dies = anyio.Event()
        self._held: list[Callable[[Receiver], None]] | None = None

    def cut(self) -> None:
        """Cut it off."""
        assert self.receiver is not None
        self.release()
        self.is_cut = True
        self.receiver.down()

    def mend(self) -> None:
        """Have everything come again."""
        self.is_cut = False
        heads = {name: self.hub.logs.head(name) for name in self.names}
        self._hand(lambda receiver: receiver.fenced(heads))

    def hold(self) -> None:
        """Have what comes wait until `release`."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Hand on what waits."""
        held, self._held = self._held, None
        for hand in held or ():
            self._hand(hand)

    def _hand(self, hand: Callable[[Receiver], None]) -> None:
        if self._held is not None:
            self._held.append(hand)
        elif self.receiver is not None:
            hand(self.receiver)

    def lose(self, name: str, data: bytes, history: History | None = None) -> int:
        """Publish a message that this one alone does not get."""
        self.is_cut = True
        number = self.hub.publish(name, data, history)
        self.is_cut = False
        return number

    def message(self, name: str, number: int, data: bytes) -> None:
        """Hand on, as `Receiver`."""
        if self.drops:
            self.drops -= 1
        elif not self.is_cut:
            self._hand(lambda receiver: receiver.message(name, number, data))

    def fenced(self, heads: Mapping[str, int]) -> None:
        """Hand on, as `Receiver`."""
        if not self.is_cut:
            self._hand(lambda receiver: receiver.fenced(heads))

    def down(self) -> None:
        """Hand on, as `Receiver`."""

    async def _turns(self) -> None:
        for _ in range(self.random.randrange(4)):
            await checkpoint()

    async def _call(self, func: Callable[[], Coroutine[Any, Any, R]]) -> R:
        await self._turns()
        if self.is_cut:
            raise BackplaneError("cut off")
        result = await func()
        await self._turns()
        return result

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        if self.refuses_start:
            raise BackplaneError("nothing there")
        self.receiver = receiver
        try:
            async with anyio.create_task_group() as tasks:
                await tasks.start(self.inner.run, self)
                task_status.started()
                await self.dies.wait()
                tasks.cancel_scope.cancel()
        finally:
            self.receiver = None
        raise BackplaneError("gone for good")

    @override
    def subscribe(self, names: Collection[str]) -> None:
        self.names.update(dict.fromkeys(names))
        self.inner.subscribe(names)

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        for name in names:
            self.names.pop(name, None)
        self.inner.unsubscribe(names)

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        return await self._call(lambda: self.inner.publish(name, data, history))

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        return await self._call(lambda: self.inner.read(name, after))

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        return await self._call(lambda: self.inner.enter(name, connection, user, **options))

    @override
    async def depart(self, name: str, connection: str) -> None:
        await self._turns()
        await self.inner.depart(name, connection)

    @override
    async def users(self, name: str) -> list[str]:
        return await self._call(lambda: self.inner.users(name))
