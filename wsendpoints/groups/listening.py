"""Code of the application that hears what is said in a group, without a connection."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self, final

import anyio
from anyio.lowlevel import checkpoint
from typing_extensions import override

from wsendpoints.backplanes.logs import number_of
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.channel import Channel
from wsendpoints.groups.direct import Direct
from wsendpoints.groups.entering import check_beginning
from wsendpoints.groups.entrant import Entrant
from wsendpoints.groups.group import Group, name_of
from wsendpoints.groups.members import Members
from wsendpoints.groups.presence import Membership
from wsendpoints.groups.sharing import Sharing
from wsendpoints.protocol.exceptions import PositionLost

__all__ = ["MOST", "listening"]

MOST: Final = 1024
"""Messages that may wait for a listener; what becomes of more, `overflow` says."""


@final
class _Listener(Entrant):
    """Takes what is said in a group, until it is asked for."""

    __slots__ = ("_more", "_waiting", "is_counted")

    def __init__(
        self, membership: Membership, *, after: int | None, last: int, user: str | None
    ) -> None:
        super().__init__(membership, after=after, last=last, user=user)
        self.is_counted = False
        # An exception stands for messages that are lost there.
        self._waiting: deque[Any] = deque()
        self._more: anyio.Event | None = None

    @property
    @override
    def key(self) -> Self:
        return self

    @property
    @override
    def is_there(self) -> bool:
        return True

    @override
    def is_wanted(self) -> bool:
        return True

    @override
    def counts(self) -> None:
        self.is_counted = True

    @override
    async def hand(self, message: Any) -> None:
        # The history bounds these.
        self._append(message)

    @override
    def enter(self, channel: Channel, newest: int) -> None:
        channel.listeners[self] = None

    # What the group calls.

    def take(self, message: Any, overflow: Overflow) -> None:
        """Take a message; see `Listens`."""
        if overflow == "latest":
            self._waiting.clear()
        elif len(self._waiting) >= MOST:
            if overflow == "close":
                self._lose(f"{MOST} messages wait already, and more were said: take them faster")
            if overflow != "drop_oldest":
                return
            self._waiting.popleft()
        self._append(message)

    def missed(self, lost: int | None) -> None:
        """Take note that messages are lost; see `Listens`."""
        number = "an unknown number of" if lost is None else str(lost)
        self._lose(f"{number} messages were lost on their way to this process")

    def _lose(self, why: str) -> None:
        if not (self._waiting and isinstance(self._waiting[-1], PositionLost)):
            self._append(PositionLost(f"{self.membership.name}: {why}"))

    def _append(self, one: Any) -> None:
        self._waiting.append(one)
        if self._more is not None:
            self._more.set()
            self._more = None

    # What the application calls.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        await checkpoint()
        while not self._waiting:
            if self._more is None:
                self._more = anyio.Event()
            await self._more.wait()
        one = self._waiting.popleft()
        if isinstance(one, PositionLost):
            raise one
        return one


@asynccontextmanager
async def listening(
    way: Direct | Sharing,
    members: Members,
    group: Group[Any] | str,
    after: str | None,
    last: int,
    user: str | None,
) -> AsyncGenerator[AsyncIterator[Any]]:
    """Hear what is said in a group while the block lasts; see `Groups.listen`.

    Args:
        way: How messages reach the members.
        members: The members.
        group: The group.
        after: The position to begin after.
        last: How many of the last messages to begin with otherwise.
        user: Who listens, if that counts.
    """
    name = name_of(group)
    check_beginning(group, after, last)
    if user is not None:
        way.check_user(name, group, user)
    membership = Membership(name, group)
    number = None if after is None else number_of(after)
    listener = _Listener(membership, after=number, last=last, user=user)
    members.bind()
    try:
        await way.admit(listener)
        yield listener
    finally:
        members.dismiss(name, listener)
        if listener.is_counted:
            with anyio.CancelScope(shield=True):
                await way.depart(membership)
