"""Backplanes that break what they promise of connections that break, and only that."""

from typing import Any, Final

import anyio
from anyio import sleep_forever
from typing_extensions import override

from tests.groups.failing import Failing
from wsendpoints.backplanes import History
from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["BROKEN_CONNECTIONS"]


class NeverDown(Failing):
    """Does not tell that its connection broke."""

    @override
    def cut(self) -> None:
        self.is_cut = True


class NeverUp(Failing):
    """Does not tell that it is connected again."""

    @override
    def mend(self) -> None:
        self.is_cut = False


class FencesAtItsOwn(Failing):
    """Tells, when it is connected again, what it has itself, and not where the groups are."""

    last: dict[str, int]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.last = {}

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        if not self.is_cut:
            self.last[name] = number
        super().message(name, number, data)

    @override
    def mend(self) -> None:
        self.is_cut = False
        assert self.receiver is not None
        heads = {name: self.hub.logs.head(name) for name in self.names}
        self.receiver.fenced({**heads, **self.last})


class RepeatsAtMend(Failing):
    """Hands on again, when it is connected again, the last but one that came before."""

    last: dict[str, list[tuple[int, bytes]]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.last = {}

    @override
    def message(self, name: str, number: int, data: bytes) -> None:
        if not self.is_cut:
            self.last.setdefault(name, []).append((number, data))
        super().message(name, number, data)

    @override
    def mend(self) -> None:
        self.is_cut = False
        for name, last in self.last.items():
            for number, data in last[-2:-1]:
                super().message(name, number, data)
        super().mend()


class SaysItIsPublished(Failing):
    """Tells a publisher a number while nothing is connected."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        if self.is_cut:
            await anyio.sleep(0.01)
            return self.hub.logs.head(name) + 1
        return await super().publish(name, data, history)


class PublishesAgain(Failing):
    """Says another thing than the publisher, once it is connected again."""

    was_cut = False

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        if self.is_cut:
            self.was_cut = True
        return await super().publish(name, b"0" if self.was_cut else data, history)


class KeepsNothingWhileDown(Failing):
    """Does not keep what it publishes while another one is cut off."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        number = await super().publish(name, data, history)
        if number % 5 == 0 and self.was_cut:
            gone: dict[int, None] = self.hub.__dict__.setdefault("gone", {})
            gone[number] = None
        return number

    was_cut = False

    @override
    def cut(self) -> None:
        self.was_cut = True
        super().cut()

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        gone: dict[int, None] = self.hub.__dict__.setdefault("gone", {})
        return [entry for entry in await super().read(name, after) if entry[0] not in gone]


class HangsWhileDown(Failing):
    """Has publishers wait for ever while nothing is connected."""

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        try:
            return await super().publish(name, data, history)
        except BackplaneError:
            await sleep_forever()
            raise


BROKEN_CONNECTIONS: Final[list[tuple[type[Failing], str]]] = [
    (NeverDown, r"^`down`: not within 2 seconds$"),
    (NeverUp, r"^`fenced` after `down`: not within 2 seconds$"),
    (FencesAtItsOwn, r"^check:\w+: message \d+: not within 2 seconds$"),
    (RepeatsAtMend, r"what was handed on and what was told to be lost are not all"),
    (SaysItIsPublished, r"a publisher is told a number that another message has|another message"),
    (PublishesAgain, r"another message came than was published with its number"),
    (KeepsNothingWhileDown, r"a message whose publisher was told its number is not in the"),
    (HangsWhileDown, r"^`publish`: not within 2 seconds$"),
]
"""Each with what it is told."""
