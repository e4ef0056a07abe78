"""Backplanes that break what they promise of messages, and only that: one thing each."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from anyio import TASK_STATUS_IGNORED, sleep_forever
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint
from typing_extensions import override

from tests.groups.failing import Failing
from wsendpoints.backplanes import History, Receiver

__all__ = ["BROKEN_MESSAGES"]


class NeverStarts(Failing):
    """Says never that it takes part."""

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        await sleep_forever()


class NeverFences(Failing):
    """Does not tell that it has subscribed."""

    @override
    def fenced(self, heads: Mapping[str, int]) -> None:
        pass


class OwnHeads(Failing):
    """Numbers groups by itself."""

    @override
    def fenced(self, heads: Mapping[str, int]) -> None:
        super().fenced({name: head + id(self) % 997 for name, head in heads.items()})


class HeadsAreNext(Failing):
    """Tells the number of the next message, and not of the last."""

    @override
    def fenced(self, heads: Mapping[str, int]) -> None:
        super().fenced({name: head + 1 for name, head in heads.items()})


class Holes(Failing):
    """Leaves out a number."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        if b"7" in data:
            self.hub.logs.append(name, b"", history)
        return await super().publish(name, data, history)


class WrongNumber(Failing):
    """Tells a publisher the number of the last message, which may be another one."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        await super().publish(name, data, history)
        # Long enough for another one to publish.
        for _ in range(20):
            await checkpoint()
        return self.hub.logs.head(name)


class NotItsOwn(Failing):
    """Does not hand on what it has published itself."""

    says = False

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        await self._turns()
        self.says = True
        number = self.hub.publish(name, data, history)
        self.says = False
        return number

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        if not self.says:
            super().message(name, number, data)


class Loses(Failing):
    """Loses a message now and then."""

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        if number % 11:
            super().message(name, number, data)


class Text(Failing):
    """Takes messages for text."""

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        super().message(name, number, data.decode(errors="replace").encode())


class EndsAtZero(Failing):
    """Takes messages for C's strings."""

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        super().message(name, number, data.partition(b"\0")[0])


class Swaps(Failing):
    """Hands on two messages in another order."""

    held: tuple[str, int, bytes] | None = None

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        if self.held is None and data.endswith(b" 3"):
            self.held = name, number, data
            return
        super().message(name, number, data)
        if self.held is not None and self.held[0] == name:
            held, self.held = self.held, None
            super().message(*held)


class InPairs(Failing):
    """Publishes each second message before the one that was published before it."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        await self._turns()
        held: dict[str, bytes] = self.hub.__dict__.setdefault("held", {})
        if name not in held:
            held[name] = data
            return self.hub.logs.head(name) + 2
        first = held.pop(name)
        number = self.hub.publish(name, data, history)
        self.hub.publish(name, first, history)
        return number


class Again(Failing):
    """Hands on the last message once more, when it is asked to subscribe once more."""

    last: dict[str, tuple[int, bytes]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.last = {}

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        self.last[name] = number, data
        super().message(name, number, data)

    @override
    def subscribe(self, names: Collection[str]) -> None:
        for name in names:
            if name in self.last:
                super().message(name, *self.last[name])
        super().subscribe(names)


class HeadsOfThePast(Failing):
    """Tells the numbers that groups had as it subscribed for the first time."""

    first: dict[str, int]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.first = {}

    @override
    def fenced(self, heads: Mapping[str, int]) -> None:
        super().fenced({it: self.first.setdefault(it, head) for it, head in heads.items()})


class HandsOnAlike(Failing):
    """Hands on what is published in groups whose names begin alike."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        number = await super().publish(name, data, history)
        for plane in self.planes():
            for known in plane.names:
                if name.startswith(known) and name != known and plane.receiver is not None:
                    plane.receiver.message(name, number, data)
        return number

    def planes(self) -> list["HandsOnAlike"]:
        """Return those that share the hub."""
        planes: list[HandsOnAlike] = self.hub.__dict__.setdefault("planes", [])
        return planes

    @override
    def subscribe(self, names: Collection[str]) -> None:
        if self not in self.planes():
            self.planes().append(self)
        super().subscribe(names)


class NeverUnsubscribes(Failing):
    """Hands on what nobody wants any more."""

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        pass


class SubscribesOnce(Failing):
    """Hands on nothing of a group that was unsubscribed from."""

    gone: frozenset[str] = frozenset()

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        self.gone |= {*names}
        super().unsubscribe(names)

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        if name not in self.gone:
            super().message(name, number, data)


BROKEN_MESSAGES: Final[list[tuple[type[Failing], str]]] = [
    (NeverStarts, r"^`run`: not within 2 seconds$"),
    (NeverFences, r"^`fenced` after `subscribe`: not within 2 seconds$"),
    (OwnHeads, r"two nodes that subscribe to a silent group are told \{\d+, \d+\}"),
    (HeadsAreNext, r"messages do not follow each other, from its head"),
    (Holes, r"messages do not follow each other, from its head"),
    (WrongNumber, r"messages do not follow each other, from its head"),
    (NotItsOwn, r"a node did not get what was published|message \d+: not within"),
    (Loses, r"a node did not get what was published|message \d+: not within"),
    (Text, r"a node did not get what was published, in the order of the numbers"),
    (EndsAtZero, r"a node did not get what was published, in the order of the numbers"),
    (Swaps, r"a node did not get what was published, in the order of the numbers"),
    (InPairs, r"what one publishes comes in another order than it was published in"),
    (Again, r"^check:\w+: \d+ came after \d+$"),
    (HeadsOfThePast, r"^check:\w+: it is at \d+, and was at \d+$"),
    (HandsOnAlike, r"what was not subscribed to is handed on"),
    (NeverUnsubscribes, r"what was unsubscribed from is handed on"),
    (SubscribesOnce, r"^a message: not within 2 seconds$"),
]
"""Each with what it is told."""
