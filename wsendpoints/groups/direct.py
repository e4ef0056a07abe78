"""The groups of one process: a message goes to the members with nothing in between."""

from typing import Any, final

from wsendpoints.backplanes.logs import History, Logs
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.entrant import Entrant
from wsendpoints.groups.group import Group, name_of
from wsendpoints.groups.members import NOBODY, Members
from wsendpoints.groups.presence import Membership, Presence
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Direct"]


@final
class Direct:
    """Sends to the members, and keeps histories and users in memory.

    Args:
        members: The members.
        logs: Keeps what was said in groups that have a history.
        overflow: What becomes of messages for slow clients, in groups that are strings.
    """

    __slots__ = ("_logs", "_members", "_overflow", "_present")

    def __init__(self, members: Members, logs: Logs, overflow: Overflow) -> None:
        self._members = members
        self._logs = logs
        self._overflow: Overflow = overflow
        self._present = Presence()

    def position(self, name: str, history: History) -> int:
        """Return the number of the last message of a group."""
        return self._logs.head(name, history)

    def check_user(self, name: str, group: Group[Any] | str, user: str) -> None:
        """Check that a user may be in a group; see `Presence.check`."""
        self._present.check(name, group, user)

    async def admit(self, entrant: Entrant) -> int:
        """Have a connection, or a listener, in a group, once it was sent what it missed.

        Returns:
            The number of its last message, in a group that has a history.
        """
        membership = entrant.membership
        name, group = membership.name, membership.group
        newest, told = 0, None
        if isinstance(group, Group) and group.history is not None:
            newest = self._logs.head(name, group.history)
            if entrant.after is not None or entrant.last:
                newest = await self._catch_up(entrant, group, newest)
                # The client may have left while the last of it was on its way.
                if not entrant.is_wanted():
                    return newest
        if entrant.user is not None:
            told = self._present.enter(membership, entrant.user)
            entrant.counts()
        self._members.add(entrant, newest)
        if told is not None:
            await self.broadcast(group, told, frozenset((entrant.key,)))
        return newest

    async def _catch_up(self, entrant: Entrant, group: Group[Any], newest: int) -> int:
        archive = group.archive()

        async def read(after: int | None) -> list[tuple[int, bytes]]:
            return self._logs.read(group.name, after)

        def message_of(number: int, data: bytes) -> tuple[Any]:
            return (archive.read(data, str(number)),)

        return await entrant.catch_up(newest, read, message_of)

    async def history(self, group: Group[Any], after: int | None, part: slice) -> list[Any]:
        """Return a part of what is kept of a group after a number; see `Groups.history`."""
        archive = group.archive()
        kept = self._logs.read(group.name, after)[part]
        return [archive.read(data, str(number)) for number, data in kept]

    async def broadcast(
        self, group: Group[Any] | str, message: Any, excluded: frozenset[object]
    ) -> int:
        """Send a message to the members; see `Groups.broadcast`."""
        name, overflow = name_of(group), self._overflow
        if isinstance(group, Group):
            overflow = group.overflow
            if group.history is not None:
                return await self._say(group, group.history, message, excluded)
        if name in self._logs:
            raise ConfigurationError(
                f"{group!r} has a history, which this message would not be in: broadcast to "
                "the group of the class that has it"
            )
        return await self._members.broadcast(name, message, overflow, excluded)

    async def _say(
        self, group: Group[Any], history: History, message: Any, excluded: frozenset[object]
    ) -> int:
        """Keep a message, and send it to the members with its position."""
        name, archive = group.name, group.archive()
        data, copy = archive.write(message)
        channel = self._members.channels.get(name)
        if channel is None:
            self._logs.append(name, data, history)
            return 0
        self._members.bind()
        # Written before it is kept, so that nobody gets what cannot be written. Nothing is awaited
        # from here on: the number stays the next one, and members see the order of the history.
        number = self._logs.head(name, history) + 1
        said = archive.placed(copy, str(number))
        encoded = channel.encoded(said)
        self._logs.append(name, data, history)
        if channel.listeners:
            channel.tell(said, group.overflow, excluded)
        return await channel.broadcast(encoded, group.overflow, excluded, number)

    def keep(self, group: Group[Any] | str, message: Any) -> None:
        """Keep a message of a group that nobody has joined yet, from any thread."""
        if isinstance(group, Group) and group.history is not None:
            data, _ = group.archive().write(message)
            self._logs.append(group.name, data, group.history)

    async def users(self, name: str) -> tuple[str, ...]:
        """Return the users in a group."""
        return self._present.users(name)

    async def depart(self, membership: Membership) -> None:
        """Count a user's connection no more, and tell the others if it was the last."""
        told = self._present.depart(membership)
        if told is not None:
            await self.broadcast(membership.group, told, NOBODY)

    async def close(self, name: str, code: int, reason: str) -> None:
        """Close the connections that other processes have in a group: there are none."""
