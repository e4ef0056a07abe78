"""Who is about to be in a group, and what it is sent of what was said before."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from wsendpoints.groups.channel import Channel
from wsendpoints.groups.presence import Membership

__all__ = ["Entrant"]


class Entrant(ABC):
    """A connection, or a listener, that is about to be in a group.

    Args:
        membership: What stands for it.
        after: The number of the last message that it has, if it has one.
        last: How many of the last messages it is sent otherwise.
        user: Whose it is, if anybody's.
    """

    __slots__ = ("after", "last", "membership", "user")

    def __init__(
        self, membership: Membership, *, after: int | None, last: int, user: str | None
    ) -> None:
        self.membership: Membership = membership
        self.after: int | None = after
        self.last: int = last
        self.user: str | None = user

    @property
    @abstractmethod
    def key(self) -> object:
        """What it is called among those that do not get a message."""

    @property
    @abstractmethod
    def is_there(self) -> bool:
        """Whether it is to be in the group still, and has not ended."""

    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether it is to be in the group still.

        Raises:
            WebSocketDisconnect: The client left.
            InvalidStateError: The application closed the connection.
        """

    @abstractmethod
    def counts(self) -> None:
        """Have the user counted until it ends."""

    @abstractmethod
    async def hand(self, message: Any) -> None:
        """Send it a message that was said before."""

    @abstractmethod
    def enter(self, channel: Channel, newest: int) -> None:
        """Be in the group from now on; see `Channel.add`."""

    async def catch_up(
        self,
        newest: int,
        read: Callable[[int | None], Coroutine[Any, Any, list[tuple[int, bytes]]]],
        message_of: Callable[[int, bytes], tuple[Any] | None],
    ) -> int:
        """Send what was said before, and return the number of the last of it.

        It ends in the turn of the event loop in which there is no more: who is in the group from
        that turn on misses nothing.

        Args:
            newest: The number to begin after, if it tells none, and wants none.
            read: Returns what came after a number, or all that is kept.
            message_of: Returns the message that was kept, if it is to get it.
        """
        if self.after is not None:
            newest = self.after
            missed = await read(newest)
        elif self.last:
            missed = (await read(None))[-self.last :]
        else:
            missed = await read(newest)
        while missed:
            for number, data in missed:
                found = message_of(number, data)
                if found is not None:
                    await self.hand(found[0])
                newest = number
            missed = await read(newest)
        return newest
