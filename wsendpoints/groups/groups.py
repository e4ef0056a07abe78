"""Who is in which group, and what is done with a group."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, TypeAlias, final, overload

from typing_extensions import TypeVar

from wsendpoints.backplanes.logs import History, Logs, number_of
from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.outbox import Outbox, Overflow
from wsendpoints.groups.channel import Channel, Pace
from wsendpoints.groups.group import Group, check_overflow, name_of
from wsendpoints.groups.presence import Membership, Presence
from wsendpoints.groups.token import Token
from wsendpoints.lifecycle.hooks import Lifecycle, Member, lifecycle_of
from wsendpoints.protocol.close_codes import CloseCode, check_close_code
from wsendpoints.protocol.exceptions import ConfigurationError, InvalidStateError

__all__ = ["Groups"]

logger: logging.Logger = logging.getLogger("wsendpoints")

M = TypeVar("M")

Excluded: TypeAlias = "Member | Iterable[Member] | None"

_NOBODY: Final[frozenset[Outbox]] = frozenset()


@final
class Groups:
    """The groups of an application.

    ```python
    groups = Groups()


    class Chat(WebSocketEndpoint):
        encoding = "json"
        groups = (Room,)

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.room = Room(websocket.path_params["room"])
            await groups.join(self, self.room)

        async def on_receive(self, websocket: WebSocket, data: Say) -> None:
            await groups.broadcast(self.room, Said(text=data.text), exclude=self)
    ```

    A group is a value of a `Group`, or a plain string, whose messages are not checked. It is there
    while it has members. A connection leaves all its groups by itself, however it ends. What a
    group with a history carried is kept in this process, with and without members.

    All methods are for the event loop of the members: from endpoints, HTTP handlers, and tasks.

    Args:
        overflow: What becomes of messages for a client that reads too slowly, in the groups that
            are plain strings; see `Group.overflow`.
    """

    def __init__(self, *, overflow: Overflow = "close") -> None:
        check_overflow(overflow, "Groups")
        self._overflow: Overflow = overflow
        self._channels: dict[str, Channel] = {}
        self._joined: dict[Outbox, dict[str, Membership | None]] = {}
        # Those of users: until their connection has ended for good.
        self._counted: dict[Outbox, list[Membership]] = {}
        self._logs = Logs()
        self._present = Presence()
        self._pace: Pace | None = None
        self._token: Token | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups that have members."""
        return tuple(self._channels)

    async def join(
        self,
        endpoint: Member,
        group: "Group[Any] | str",
        after: str | None = None,
        *,
        last: int = 0,
        user: str | None = None,
    ) -> str | None:
        """Have a connection get the messages of a group from now on; a second time does nothing.

        In a group with a history it is first sent all that it missed, as `push` sends: then
        whatever is said meanwhile reaches it behind that, without a hole, and nothing twice.

        Args:
            endpoint: The connection's.
            group: The group.
            after: The position of the last message that the client has, as it sent it; it is sent
                what came after that. `None` if it has none.
            last: How many of the last messages it is sent, if `after` is `None`.
            user: Whose connection it is, for `presence`, and `joined` and `left` of the group: a
                user is one, however many connections it has in the group.

        Returns:
            The position at which the client is now, in a group with a history: that of its last
            message, or of the one before its first.

        Raises:
            PositionLost: Not all that came after `after` is kept, or no message has this position.
                It is no member.
            ConfigurationError: Its class does not declare the group in `groups`; or the group has
                no history to begin in.
            GroupFullError: The group has as many users as it may.
            ValueError: `last` is negative, or `user` no text of 1 to 200 characters.
            InvalidStateError: It is not accepted yet, or the application closed it; or it is in
                `limits.groups` groups already.
            WebSocketDisconnect: The client left.
        """
        name, kind = name_of(group), type(group)
        history = group.history if isinstance(group, Group) else None
        _check_declared(endpoint, kind)
        if history is None and (after is not None or last):
            raise ConfigurationError(f"{group!r} has no history: set `history = History()`")
        if last < 0:
            raise ValueError(f"last={last}: use 0 or more")
        # A plain one needs nothing to be known of it.
        is_plain = after is None and not last and user is None
        membership = None if is_plain else Membership(name, group)
        if user is not None:
            self._present.check(name, group, user)
        lifecycle = lifecycle_of(endpoint)
        box = lifecycle.outbox(endpoint)
        pace = self._bound()
        joined = self._joined.get(box)
        if joined is None:
            joined = self._joined[box] = {}
            lifecycle.connection.at_end(partial(self._leave_all, box))
        newest = 0 if history is None else self._logs.head(name, history)
        if name in joined:
            return str(newest) if newest else None
        most = endpoint.limits.groups
        if most is not None and len(joined) >= most:
            raise InvalidStateError(
                f"the connection is in {most} groups already: see `Limits(groups=...)`"
            )
        # It may leave, and join again, while it is sent what it missed.
        joined[name] = membership
        try:
            if after is not None or last:
                newest = await self._catch_up(lifecycle, group, newest, after, last)
                # The client may have left while the last of it was on its way.
                lifecycle.outbox(endpoint)
                if joined.get(name) is not membership:
                    return str(newest)
            told = None
            if membership is not None and user is not None:
                told = self._present.enter(membership, user)
                if box not in self._counted:
                    lifecycle.farewells += (partial(self._depart_all, box),)
                self._counted.setdefault(box, []).append(membership)
        except BaseException:
            if joined.get(name) is membership:
                del joined[name]
            raise
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, pace)
        channel.add(box, endpoint, lifecycle.connection.encode, newest)
        if told is not None:
            await self._broadcast(group, told, endpoint)
        return str(newest) if newest else None

    async def _catch_up(
        self, lifecycle: Lifecycle, group: Any, newest: int, after: str | None, last: int
    ) -> int:
        """Send what was said before, and return the number of the last of it.

        It ends in the turn of the event loop in which there is no more: who becomes a member in
        that turn misses nothing.
        """
        name, archive, connection = group.name, group.archive(), lifecycle.connection
        if after is None:
            missed = self._logs.read(name, None)[-last:]
        else:
            newest = number_of(after)
            missed = self._logs.read(name, newest)
        while missed:
            for number, data in missed:
                message = archive.read(data, str(number))
                await connection.transmit(connection.encode(message))
                newest = number
            missed = self._logs.read(name, newest)
        return newest

    async def leave(self, endpoint: Member, group: "Group[Any] | str") -> None:
        """Have it get them no more; where it is no member, this does nothing."""
        name = name_of(group)
        for box, joined in self._boxes_of(endpoint):
            if name in joined:
                membership = joined.pop(name)
                self._discard(name, box)
                if membership is not None and membership.user is not None:
                    self._counted[box].remove(membership)
                    await self._depart(membership)

    @overload
    async def broadcast(
        self, group: Group[M], message: M, *, exclude: "Excluded" = None
    ) -> int: ...
    @overload
    async def broadcast(self, group: str, message: Any, *, exclude: "Excluded" = None) -> int: ...

    async def broadcast(
        self, group: "Group[Any] | str", message: Any, *, exclude: "Excluded" = None
    ) -> int:
        """Send a message to all members of a group; it does not wait for any of them.

        A client that reads slowly costs the others nothing: the message waits for it, within
        `limits.outbox`, and `overflow` says what becomes of it beyond that. All members see the
        messages of a group in the same order. Cancelled, either all get the message or none.

        Args:
            group: The group.
            message: The message. It is written once for all members of a class.
            exclude: An endpoint that does not get it, such as the one that sends, or some.

        Returns:
            How many clients it was sent to, or waits for.

        Raises:
            ConfigurationError: The group does not carry such a message, or the class of a member
                does not send it; nobody got it.
            ValueError: It can't be written, as JSON, say; nobody got it.
        """
        return await self._broadcast(group, message, exclude)

    async def _broadcast(self, group: "Group[Any] | str", message: Any, exclude: "Excluded") -> int:
        name, overflow = name_of(group), self._overflow
        if isinstance(group, Group):
            group.check(message)
            overflow = group.overflow
            if group.history is not None:
                return await self._say(group, group.history, message, exclude)
        if name in self._logs:
            raise ConfigurationError(
                f"{group!r} has a history, which this message would not be in: broadcast to "
                "the group of the class that has it"
            )
        channel = self._channels.get(name)
        if channel is None:
            return 0
        self._bound()
        excluded = self._excluded(exclude)
        return await channel.broadcast(channel.encoded(message), overflow, excluded)

    async def _say(
        self, group: "Group[Any]", history: History, message: Any, exclude: "Excluded"
    ) -> int:
        """Keep a message, and send it to the members with its position."""
        name, archive = group.name, group.archive()
        data, copy = archive.write(message)
        channel = self._channels.get(name)
        if channel is None:
            self._logs.append(name, data, history)
            return 0
        self._bound()
        # Written before it is kept, so that nobody gets what cannot be written. Nothing is awaited
        # from here on: the number stays the next one, and members see the order of the history.
        number = self._logs.head(name, history) + 1
        encoded = channel.encoded(archive.placed(copy, str(number)))
        self._logs.append(name, data, history)
        return await channel.broadcast(encoded, group.overflow, self._excluded(exclude), number)

    @overload
    def broadcast_from_thread(
        self, group: Group[M], message: M, *, exclude: "Excluded" = None
    ) -> int: ...
    @overload
    def broadcast_from_thread(
        self, group: str, message: Any, *, exclude: "Excluded" = None
    ) -> int: ...

    def broadcast_from_thread(
        self, group: "Group[Any] | str", message: Any, *, exclude: "Excluded" = None
    ) -> int:
        """Do as `broadcast` does, from a thread that runs no event loop, and wait until it is done.

        Raises:
            InvalidStateError: The thread runs an event loop: await `broadcast`.
        """
        if isinstance(group, Group):
            group.check(message)
        if self._token is None:
            # Nobody has joined a group yet, and so there is no event loop to do it.
            if isinstance(group, Group) and group.history is not None:
                data, _ = group.archive().write(message)
                self._logs.append(group.name, data, group.history)
            return 0
        return self._token.run(partial(self._broadcast, group, message, exclude))

    def members(self, group: "Group[Any] | str") -> tuple[Any, ...]:
        """Return the endpoints whose connections are in a group, in the order of their joins."""
        channel = self._channels.get(name_of(group))
        return () if channel is None else tuple(channel.endpoints.values())

    async def presence(self, group: "Group[Any] | str") -> tuple[str, ...]:
        """Return the users that are in a group, in the order in which they came.

        A user is there from when `join` has returned until its last connection has left, or has
        ended, and all of its clean-up but `on_disconnect` is done.
        """
        return self._present.users(name_of(group))

    async def _depart(self, membership: Membership) -> None:
        """Count a user's connection no more, and tell the others if it was the last."""
        told = self._present.depart(membership)
        if told is not None:
            await self._broadcast(membership.group, told, None)

    async def _depart_all(self, box: Outbox) -> None:
        for membership in self._counted.pop(box):
            try:
                await self._depart(membership)
            except Exception:
                logger.exception("%s: to tell that a user left failed", membership.name)

    async def close(
        self, group: "Group[Any] | str", code: int = CloseCode.NORMAL_CLOSURE, reason: str = ""
    ) -> int:
        """Close the connections of all members of a group, as to sign out a user.

        Their handlers and tasks find that the connection has ended: for them, the client left.

        Returns:
            How many were members.

        Raises:
            ValueError: It is no code that an application may close with.
        """
        check_close_code(code)
        self._bound()
        channel = self._channels.get(name_of(group))
        boxes = [] if channel is None else [*channel.endpoints]
        for box in boxes:
            connection = box.connection
            box.start(partial(connection.end, code, reason))
        return len(boxes)

    def _bound(self) -> Pace:
        """Return how much is sent at once, on the event loop of the members.

        Raises:
            InvalidStateError: This is another one.
        """
        posting = running_posting()
        if self._pace is None or (not self._channels and self._pace.posting is not posting):
            self._pace = Pace(posting)
            self._token = Token()
        elif self._pace.posting is not posting:
            raise InvalidStateError(
                "this is not the event loop of the group's members: use `broadcast_from_thread`"
            )
        return self._pace

    def _boxes_of(self, endpoint: Member) -> list[tuple[Outbox, dict[str, Membership | None]]]:
        box = lifecycle_of(endpoint).open_outbox
        joined = None if box is None else self._joined.get(box)
        return [] if box is None or joined is None else [(box, joined)]

    def _excluded(self, exclude: Any) -> frozenset[Outbox]:
        if exclude is None:
            return _NOBODY
        some = [exclude] if hasattr(exclude, "_lifecycle") else exclude
        return frozenset(box for endpoint in some for box, _ in self._boxes_of(endpoint))

    def _leave_all(self, box: Outbox) -> None:
        for name in self._joined.pop(box, {}):
            self._discard(name, box)

    def _discard(self, name: str, box: Outbox) -> None:
        # There is none as long as its only member is sent what it missed.
        channel = self._channels.get(name)
        if channel is not None:
            channel.discard(box)
            if not channel.endpoints:
                del self._channels[name]


def _check_declared(endpoint: Any, kind: type) -> None:
    if issubclass(kind, Group):
        declared: tuple[type, ...] = tuple(endpoint.groups)
        if not issubclass(kind, declared):
            where = type(endpoint).__qualname__
            raise ConfigurationError(
                f"{where} joins a {kind.__qualname__}, whose messages it does not declare: add "
                f"`groups = ({kind.__qualname__},)` to the class"
            )
