"""Backplanes that break what they promise of histories, or of publishers that are cancelled."""

from typing import Final

import anyio
from anyio import get_cancelled_exc_class, sleep_forever
from anyio.lowlevel import checkpoint
from typing_extensions import override

from tests.groups.failing import Failing
from wsendpoints.backplanes import History
from wsendpoints.protocol.exceptions import PositionLost

__all__ = ["BROKEN_HISTORIES"]


class ReadsFromIt(Failing):
    """Reads the message as well that the reader has."""

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        return await super().read(name, None if after is None else after - 1)


class ReadsAllButOne(Failing):
    """Does not read the first message after that which the reader has."""

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        entries = await super().read(name, after)
        return entries if after is None else entries[1:]


class ReadsTheFirst(Failing):
    """Reads the first messages that are kept, and not the last."""

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        entries = await super().read(name, after)
        return entries[:5] if after is None else entries


class ReadsApart(Failing):
    """Reads what there is, though some is not kept."""

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        try:
            return await super().read(name, after)
        except PositionLost:
            return await super().read(name, None)


class ReadsTheFuture(Failing):
    """Reads nothing after a number that no message has yet."""

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        if after is not None and after > self.hub.logs.head(name):
            return []
        return await super().read(name, after)


class ReadsOthers(Failing):
    """Reads another group, where nothing was said."""

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        entries = await super().read(name, after)
        return [(1, b"x")] if after is None and not entries else entries


class KeepsLate(Failing):
    """Hands a message on, and keeps it a little later, before the publisher is told its number."""

    def late(self) -> dict[tuple[str, int], None]:
        """Return what is not kept yet."""
        late: dict[tuple[str, int], None] = self.hub.__dict__.setdefault("late", {})
        return late

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        number = self.hub.logs.head(name) + 1
        self.late()[name, number] = None
        assert self.hub.publish(name, data, history) == number
        try:
            await anyio.sleep(0.02)
        finally:
            del self.late()[name, number]
        return number

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        entries = await super().read(name, after)
        return [entry for entry in entries if (name, entry[0]) not in self.late()]


class MistakesReplies(Failing):
    """Takes the reply to a publish that was cancelled for that to the next one."""

    behind = 0

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        try:
            return await super().publish(name, data, history) - self.behind
        except get_cancelled_exc_class():
            self.behind += 1
            raise


class TakesNumbers(Failing):
    """Takes a number for a publish that was cancelled before it was sent."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        try:
            await checkpoint()
        except get_cancelled_exc_class():
            self.hub.logs.append(name, data, history)
            raise
        return await super().publish(name, data, history)


class HangsAfterwards(Failing):
    """Waits for ever for the reply to a publish that was cancelled."""

    hangs = False

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        if self.hangs:
            await sleep_forever()
        try:
            return await super().publish(name, data, history)
        except get_cancelled_exc_class():
            self.hangs = True
            raise


BROKEN_HISTORIES: Final[list[tuple[type[Failing], str]]] = [
    (ReadsFromIt, r"^nothing is wrong, but it raised PositionLost\('check:.* is not kept'\)$"),
    (ReadsAllButOne, r"^what is read after \d+ is not all that came after it$"),
    (ReadsTheFirst, r"the last messages are not those that are read with `after=None`"),
    (ReadsApart, r"after \d+ is read, though not all of it is kept, or nothing has that number"),
    (ReadsTheFuture, r"after \d+ is read, though not all of it is kept"),
    (ReadsOthers, r"a group of which nothing was said has a history"),
    (KeepsLate, r"who reads the history while others publish misses something"),
    (MistakesReplies, r"after a publish that was cancelled, another one is not what was said"),
    (TakesNumbers, r"a publish that was cancelled leaves a hole in the numbers"),
    (HangsAfterwards, r"^`publish`: not within 2 seconds$"),
]
"""Each with what it is told."""
