"""Backplanes that break what they promise of users, and only that: one thing each."""

from typing import Any, Final

from typing_extensions import override

from tests.groups.failing import Failing
from wsendpoints.protocol.exceptions import GroupFullError

__all__ = ["BROKEN_USERS"]


class ManyFirsts(Failing):
    """Takes each connection for the first."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        await super().enter(name, connection, user, **options)
        return True


class TellsNobody(Failing):
    """Does not tell who came."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        return await super().enter(name, connection, user, **{**options, "joined": b""})


class Mistakes(Failing):
    """Tells of another user who left."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        return await super().enter(name, connection, user, **{**options, "left": b"-somebody"})


class Sorts(Failing):
    """Sorts the users."""

    @override
    async def users(self, name: str) -> list[str]:
        return sorted(await super().users(name))


class Unlimited(Failing):
    """Lets everybody in."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        return await super().enter(name, connection, user, **{**options, "most": None})


class LooksFirst(Failing):
    """Looks whether there is room, and lets in those that have looked."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        users = await super().users(name)
        if user not in users and len(users) >= options["most"]:
            raise GroupFullError("full")
        return await super().enter(name, connection, user, **{**options, "most": None})


class LeavesAtOnce(Failing):
    """Takes a user for gone with the first connection that ends."""

    @override
    async def depart(self, name: str, connection: str) -> None:
        await super().depart(name, connection)
        if connection == "2":
            await super().depart(name, "5")


class NeverLeaves(Failing):
    """Counts connections for ever."""

    @override
    async def depart(self, name: str, connection: str) -> None:
        pass


class Unburied(Failing):
    """Counts the connections of a node that has ended."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        # As if each were of the hub itself.
        return self.hub.enter(name, (0, f"{id(self)} {connection}"), user, **options)

    @override
    async def depart(self, name: str, connection: str) -> None:
        self.hub.depart(name, (0, f"{id(self)} {connection}"))


class BuriesOnlyTold(Failing):
    """Tells who left with a node that ended, and counts them on."""

    @override
    async def users(self, name: str) -> list[str]:
        users = await super().users(name)
        return [*users, "ada"] if users == ["cyd"] else users


class LastStays(Failing):
    """Shows who left last."""

    @override
    async def users(self, name: str) -> list[str]:
        return await super().users(name) or ["cyd"]


class KeepsNoUsers(Failing):
    """Does not keep in the history who came."""

    @override
    async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
        return await super().enter(name, connection, user, **{**options, "history": None})

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        return [entry for entry in await super().read(name, after) if entry[1][:1] != b"+"]


BROKEN_USERS: Final[list[tuple[type[Failing], str]]] = [
    (ManyFirsts, r"whether each is the first of its user: \[True, True, True, True, True\]"),
    (TellsNobody, r"of users is told \[b'\.'\], and not \(b'\+cyd', b'\+bob', b'\+ada'\) and a"),
    (Mistakes, r"of users is told \[b'-somebody', b'\.'\], and not \(b'-bob',\) and a dot"),
    (Sorts, r"the users are not those that came, in their order"),
    (Unlimited, r"one user too many is let in"),
    (LooksFirst, r"of a crowd, .* are let in, .* as the first; 3 may be"),
    (LeavesAtOnce, r"of users is told \[b'-bob', b'\.'\], and not \(\) and a dot"),
    (NeverLeaves, r"of users is told \[b'\.'\], and not \(b'-bob',\) and a dot"),
    (Unburied, r"^word of who was on a node that ended: not within 2 seconds$"),
    (BuriesOnlyTold, r"the users of a node that ended are there, or others are not"),
    (LastStays, r"somebody is there after all have left"),
    (KeepsNoUsers, r"what is told of users is not what is in the history"),
]
"""Each with what it is told."""
