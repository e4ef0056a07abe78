"""From one connect to Redis to the loss of it: what is subscribed to, heard, and still there."""

import secrets
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from wsendpoints.backplanes.backplane import Receiver
from wsendpoints.backplanes.redis_wire import Garbage, Keys, read_message

if TYPE_CHECKING:
    # It needs coredis, which `Groups` without Redis do without.
    from wsendpoints.backplanes.redis_cluster import ClusterLink
    from wsendpoints.backplanes.redis_link import Link

__all__ = ["COUNTER_TTL", "Session", "Wanted"]

COUNTER_TTL: Final = 24 * 3600 * 1000
"""Milliseconds after which the number of a group is forgotten that nobody subscribes to."""

_REFRESH: Final = COUNTER_TTL / 3000
"""Seconds after which it is told that somebody does."""

_PUBLISHING: Final = 1024
"""So many messages may be on their way to Redis at a time; other publishers wait."""

_CHUNK: Final = 512
"""So many names in one command: others are served between two."""


@final
class Wanted:
    """The groups that are subscribed to, over all sessions.

    Attributes:
        names: Each has a mark. If it leaves, and comes back, it has another one, so that a fence of
            its first time is none of its second.
        by_channel: The same, by their channels.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.names: dict[str, object] = {}
        self.by_channel: dict[bytes, str] = {}
        self._come: dict[str, None] = {}
        self._gone: dict[str, None] = {}
        self._changed = anyio.Event()

    def add(self, names: Iterable[str]) -> None:
        """Want some, and a fence for them."""
        for name in names:
            if name not in self.names:
                self.names[name] = object()
                self.by_channel[self._keys.channel(name)] = name
            self._gone.pop(name, None)
            self._come[name] = None
        self._changed.set()

    def discard(self, names: Iterable[str]) -> None:
        """Want them no more."""
        for name in names:
            if self.names.pop(name, None) is not None:
                del self.by_channel[self._keys.channel(name)]
                self._come.pop(name, None)
                self._gone[name] = None
        self._changed.set()

    def restart(self) -> None:
        """Begin with a new connection, that hears nothing yet."""
        self._gone.clear()
        self._come = dict.fromkeys(self.names)
        # The one before may be of another event loop.
        self._changed = anyio.Event()
        self._changed.set()

    async def change(self) -> None:
        """Wait until there is something to do."""
        await self._changed.wait()
        self._changed = anyio.Event()

    def take(self) -> tuple[list[str], list[str]]:
        """Return some names to subscribe to, and some to unsubscribe from; none if all is done."""
        taken: list[list[str]] = []
        for names in (self._come, self._gone):
            some = [*islice(names, _CHUNK)]
            for name in some:
                del names[name]
            taken.append(some)
        come, gone = taken
        return come, gone


@final
class _Chunk:
    """Groups that are being subscribed to together."""

    def __init__(self, marks: dict[str, object]) -> None:
        self.marks = marks
        self.waiting = len(marks)
        self.acknowledged = anyio.Event()
        self.heard: dict[str, int] = {}


@final
class Session:
    """One connect to Redis.

    Args:
        connect: Returns connections, which are not open yet, for a node.
        keys: How things are called in Redis.
        wanted: What to subscribe to.
        receiver: What is heard is handed on to it.
        garbage: What is no message is counted there.

    Attributes:
        link: The connections.
        node: What this process is called, as long as this session is.
        is_settled: Set once all that was wanted at the start is subscribed to.
        publishing: Limits how many messages are on their way to Redis.
    """

    def __init__(
        self,
        connect: "Callable[[str], Link | ClusterLink]",
        keys: Keys,
        wanted: Wanted,
        receiver: Receiver,
        garbage: Garbage,
    ) -> None:
        self.node: str = secrets.token_hex(8)
        self.link: Link | ClusterLink = connect(self.node)
        self.is_settled: anyio.Event = anyio.Event()
        self.publishing: anyio.Semaphore = anyio.Semaphore(_PUBLISHING, fast_acquire=True)
        self._keys = keys
        self._wanted = wanted
        self._receiver = receiver
        self._garbage = garbage
        self._fencing = _Chunk({})

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Take part until this is cancelled, or a connection is lost.

        Raises:
            BackplaneError: It is lost, or could not be made. It comes in an `ExceptionGroup`.
        """
        async with anyio.create_task_group() as group:
            await self.link.open(group, self._take)
            self._wanted.restart()
            task_status.started()
            group.start_soon(self._refresh)
            while True:
                await self._wanted.change()
                await self._follow()
                self.is_settled.set()

    async def _follow(self) -> None:
        """Subscribe and unsubscribe until all is as it is wanted."""
        while True:
            come, gone = self._wanted.take()
            if gone:
                self.link.unsubscribe([self._keys.channel(name) for name in gone])
            if come:
                await self._subscribe({name: self._wanted.names[name] for name in come})
            if not come and not gone:
                return

    async def _subscribe(self, marks: dict[str, object]) -> None:
        """Subscribe, read where the groups are, and hear a fence behind that.

        When the fence is heard, on the connection that hears the messages, those with numbers up to
        the heads that were read before have been heard.
        """
        self._fencing = chunk = _Chunk(marks)
        channels = [self._keys.channel(name) for name in marks]
        self.link.subscribe(channels)
        await chunk.acknowledged.wait()
        counters = [self._keys.counter(name) for name in marks]
        heads = await self.link.heads(counters, COUNTER_TTL)
        await self.link.fence(channels)
        reached = {
            # What came since the head was read was handed on, behind it.
            name: max(int(head), chunk.heard.get(name, 0))
            for name, head in zip(marks, heads, strict=True)
            if self._wanted.names.get(name) is marks[name]
        }
        self._fencing = _Chunk({})
        if reached:
            self._receiver.fenced(reached)

    async def _refresh(self) -> None:
        """Let the numbers of silent groups live on, as long as there are subscribers."""
        while True:
            await anyio.sleep(_REFRESH)
            names = [*self._wanted.names]
            for start in range(0, len(names), _CHUNK):
                some = names[start : start + _CHUNK]
                counters = [self._keys.counter(name) for name in some]
                await self.link.heads(counters, COUNTER_TTL)

    def _take(self, kind: bytes, channel: bytes, data: Any) -> None:
        """Take what is heard."""
        if kind in (b"message", b"smessage"):
            self._hear(channel, data)
        elif kind in (b"subscribe", b"ssubscribe"):
            chunk = self._fencing
            chunk.waiting -= 1
            if not chunk.waiting:
                chunk.acknowledged.set()

    def _hear(self, channel: bytes, data: Any) -> None:
        name = self._wanted.by_channel.get(channel)
        if name is None:
            # It is not unsubscribed from yet.
            return
        message = read_message(data)
        if message is None:
            self._garbage.drop(channel)
            return
        if name in self._fencing.marks:
            self._fencing.heard[name] = message[0]
        self._receiver.message(name, *message)
