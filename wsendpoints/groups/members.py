"""The members of all groups on one event loop."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final, final

from typing_extensions import override

from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.outbox import Outbox, Overflow
from wsendpoints.groups.channel import Channel, Listens, Pace
from wsendpoints.groups.entrant import Entrant
from wsendpoints.groups.presence import Membership
from wsendpoints.groups.token import Token
from wsendpoints.lifecycle.hooks import Lifecycle, Member
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["NOBODY", "Joining", "Members"]

NOBODY: Final[frozenset[object]] = frozenset()


@final
class Joining(Entrant):
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

    __slots__ = ("_counts", "_is_wanted", "box", "endpoint", "lifecycle")

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
        super().__init__(membership, after=after, last=last, user=user)
        self.endpoint: Member = endpoint
        self.lifecycle: Lifecycle = lifecycle
        self.box: Outbox = box
        self._is_wanted = is_wanted
        self._counts = counts

    @property
    @override
    def key(self) -> Outbox:
        return self.box

    @override
    def is_wanted(self) -> bool:
        self.lifecycle.outbox(self.endpoint)
        return self.is_there

    @property
    @override
    def is_there(self) -> bool:
        return not self.box.is_closed and self._is_wanted()

    @override
    def counts(self) -> None:
        self._counts()

    @override
    async def hand(self, message: Any) -> None:
        connection = self.lifecycle.connection
        await connection.transmit(connection.encode(message))

    @override
    def enter(self, channel: Channel, newest: int) -> None:
        channel.add(self.box, self.endpoint, self.lifecycle.connection.encode, newest)


@final
class Members:
    """The members of all groups, and those that listen.

    Attributes:
        channels: Those of each group that has some, by its name.
        emptied: Called with the name of a group once nobody is in it any more.
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

    def add(self, entrant: Entrant, newest: int = 0) -> None:
        """Have a connection, or a listener, in a group.

        Args:
            entrant: The one that enters.
            newest: See `Channel.add`.
        """
        name = entrant.membership.name
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name, self.bind())
        entrant.enter(channel, newest)

    def discard(self, name: str, box: Outbox) -> None:
        """Have it among them no more."""
        # There is none as long as its only member is sent what it missed.
        channel = self.channels.get(name)
        if channel is not None:
            channel.discard(box)
            self._look(channel)

    def dismiss(self, name: str, listener: Listens) -> None:
        """Have a listener hear no more of a group."""
        channel = self.channels.get(name)
        if channel is not None:
            channel.listeners.pop(listener, None)
            self._look(channel)

    def _look(self, channel: Channel) -> None:
        if not (channel.endpoints or channel.listeners):
            del self.channels[channel.name]
            if self.emptied is not None:
                self.emptied(channel.name)

    async def broadcast(
        self,
        name: str,
        message: Any,
        overflow: Overflow,
        excluded: Collection[object],
        number: int | None = None,
    ) -> int:
        """Send a message to the members of a group, and those that listen.

        See `Channel.broadcast`.
        """
        channel = self.channels.get(name)
        if channel is None:
            return 0
        self.bind()
        encoded = channel.encoded(message)
        if channel.listeners:
            channel.tell(message, overflow, excluded)
        return await channel.broadcast(encoded, overflow, excluded, number)

    def close(self, name: str, code: int, reason: str) -> int:
        """Close the connections of the members of a group, and return how many they are."""
        self.bind()
        channel = self.channels.get(name)
        boxes = [] if channel is None else [*channel.endpoints]
        for box in boxes:
            connection = box.connection
            box.start(partial(connection.end, code, reason))
        return len(boxes)
