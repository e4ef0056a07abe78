"""The members of all groups on one event loop."""

from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Any, Final, final

from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.outbox import Outbox, Overflow
from wsendpoints.groups.channel import Channel, Pace
from wsendpoints.groups.presence import Membership
from wsendpoints.groups.token import Token
from wsendpoints.lifecycle.hooks import Lifecycle, Member
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["NOBODY", "Joining", "Members"]

NOBODY: Final[frozenset[Outbox]] = frozenset()


@final
class Joining:
    """A connection that is about to be in a group.

    Args:
        endpoint: The connection's.
        lifecycle: The endpoint's.
        box: What waits for the client.
        membership: What stands for it.
        after: The number of the last message that the client has, if it has one.
        last: How many of the last messages it is sent otherwise.
        user: Whose connection it is, if anybody's.
        is_wanted: Whether it still is, and did not leave meanwhile.
        counts: Has the user's connection counted until it ends.
    """

    __slots__ = (
        "_is_wanted",
        "after",
        "box",
        "counts",
        "endpoint",
        "last",
        "lifecycle",
        "membership",
        "user",
    )

    def __init__(
        self,
        endpoint: Member,
        lifecycle: Lifecycle,
        box: Outbox,
        membership: Membership,
        *,
        after: int | None,
        last: int,
        user: str | None,
        is_wanted: Callable[[], bool],
        counts: Callable[[], None],
    ) -> None:
        self.endpoint: Member = endpoint
        self.lifecycle: Lifecycle = lifecycle
        self.box: Outbox = box
        self.membership: Membership = membership
        self.after: int | None = after
        self.last: int = last
        self.user: str | None = user
        self.counts: Callable[[], None] = counts
        self._is_wanted = is_wanted

    def is_wanted(self) -> bool:
        """Whether it is to be a member still.

        Raises:
            WebSocketDisconnect: The client left.
            InvalidStateError: The application closed the connection.
        """
        self.lifecycle.outbox(self.endpoint)
        return self.is_there

    @property
    def is_there(self) -> bool:
        """Whether it is to be a member still, and has not ended."""
        return not self.box.is_closed and self._is_wanted()

    async def catch_up(
        self,
        newest: int,
        read: Callable[[int | None], Coroutine[Any, Any, list[tuple[int, bytes]]]],
        message_of: Callable[[int, bytes], tuple[Any] | None],
    ) -> int:
        """Send what was said before, and return the number of the last of it.

        It ends in the turn of the event loop in which there is no more: who becomes a member in
        that turn misses nothing.

        Args:
            newest: The number to begin after, if the client tells none, and wants none.
            read: Returns what came after a number, or all that is kept.
            message_of: Returns the message that was kept, if the client is to get it.
        """
        connection = self.lifecycle.connection
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
                    await connection.transmit(connection.encode(found[0]))
                newest = number
            missed = await read(newest)
        return newest


@final
class Members:
    """The members of all groups.

    Attributes:
        channels: Those of each group that has some, by its name.
        emptied: Called with the name of a group whose last member has left.
        is_held: Whether the event loop stays the one that it is, though there are no members.
        token: The event loop of the members, once it is known.
    """

    __slots__ = ("_pace", "channels", "emptied", "is_held", "token")

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.emptied: Callable[[str], None] | None = None
        self.is_held: bool = False
        self._pace: Pace | None = None
        self.token: Token | None = None

    def bind(self) -> Pace:
        """Return how much is sent at once, on the event loop of the members.

        Raises:
            InvalidStateError: This is another one.
        """
        posting = running_posting()
        if self._pace is None or (
            not self.channels and self._pace.posting is not posting and not self.is_held
        ):
            self._pace = Pace(posting)
            self.token = Token()
        elif self._pace.posting is not posting:
            raise InvalidStateError(
                "this is not the event loop of the group's members: use `broadcast_from_thread`"
            )
        return self._pace

    def add(self, joining: Joining, newest: int = 0) -> None:
        """Have a connection among the members of a group.

        Args:
            joining: The connection.
            newest: See `Channel.add`.
        """
        name = joining.membership.name
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name, self.bind())
        channel.add(joining.box, joining.endpoint, joining.lifecycle.connection.encode, newest)

    def discard(self, name: str, box: Outbox) -> None:
        """Have it among them no more."""
        # There is none as long as its only member is sent what it missed.
        channel = self.channels.get(name)
        if channel is not None:
            channel.discard(box)
            if not channel.endpoints:
                del self.channels[name]
                if self.emptied is not None:
                    self.emptied(name)

    async def broadcast(
        self,
        name: str,
        message: Any,
        overflow: Overflow,
        excluded: Collection[Outbox],
        number: int | None = None,
    ) -> int:
        """Send a message to the members of a group; see `Channel.broadcast`."""
        channel = self.channels.get(name)
        if channel is None:
            return 0
        self.bind()
        return await channel.broadcast(channel.encoded(message), overflow, excluded, number)

    def close(self, name: str, code: int, reason: str) -> int:
        """Close the connections of the members of a group, and return how many they are."""
        self.bind()
        channel = self.channels.get(name)
        boxes = [] if channel is None else [*channel.endpoints]
        for box in boxes:
            connection = box.connection
            box.start(partial(connection.end, code, reason))
        return len(boxes)
