"""Who is in which group, and what is done with a group."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final, TypeAlias, final, overload

from typing_extensions import TypeVar

from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.outbox import Outbox, Overflow
from wsendpoints.groups.channel import Channel, Pace
from wsendpoints.groups.group import Group, check_name, check_overflow
from wsendpoints.groups.token import Token
from wsendpoints.lifecycle.hooks import Member, lifecycle_of
from wsendpoints.protocol.close_codes import CloseCode, check_close_code
from wsendpoints.protocol.exceptions import ConfigurationError, InvalidStateError

__all__ = ["Groups"]

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
    while it has members. A connection leaves all its groups by itself, however it ends.

    All methods are for the event loop of the members: from endpoints, HTTP handlers, and tasks.

    Args:
        overflow: What becomes of messages for a client that reads too slowly, in the groups that
            are plain strings; see `Group.overflow`.
    """

    def __init__(self, *, overflow: Overflow = "close") -> None:
        check_overflow(overflow, "Groups")
        self._overflow: Overflow = overflow
        self._channels: dict[str, Channel] = {}
        self._joined: dict[Outbox, dict[str, None]] = {}
        self._pace: Pace | None = None
        self._token: Token | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups that have members."""
        return tuple(self._channels)

    async def join(self, endpoint: Member, group: "Group[Any] | str") -> None:
        """Have a connection get the messages of a group from now on; a second time does nothing.

        Raises:
            ConfigurationError: Its class does not declare the group in `groups`.
            InvalidStateError: It is not accepted yet, or the application closed it; or it is in
                `limits.groups` groups already.
            WebSocketDisconnect: The client left.
        """
        name, kind = _name_of(group), type(group)
        _check_declared(endpoint, kind)
        lifecycle = lifecycle_of(endpoint)
        box = lifecycle.outbox(endpoint)
        pace = self._bound()
        joined = self._joined.get(box)
        if joined is None:
            joined = self._joined[box] = {}
            lifecycle.connection.at_end(partial(self._leave_all, box))
        if name in joined:
            return
        most = endpoint.limits.groups
        if most is not None and len(joined) >= most:
            raise InvalidStateError(
                f"the connection is in {most} groups already: see `Limits(groups=...)`"
            )
        joined[name] = None
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, pace)
        channel.add(box, endpoint, lifecycle.connection.encode)

    async def leave(self, endpoint: Member, group: "Group[Any] | str") -> None:
        """Have it get them no more; where it is no member, this does nothing."""
        name = _name_of(group)
        for box, joined in self._boxes_of(endpoint):
            if name in joined:
                del joined[name]
                self._discard(name, box)

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
        name, overflow = _name_of(group), self._overflow
        if isinstance(group, Group):
            group.check(message)
            overflow = group.overflow
        channel = self._channels.get(name)
        if channel is None:
            return 0
        self._bound()
        excluded = self._excluded(exclude)
        return await channel.broadcast(channel.encoded(message), overflow, excluded)

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
            return 0
        return self._token.run(partial(self._broadcast, group, message, exclude))

    def members(self, group: "Group[Any] | str") -> tuple[Any, ...]:
        """Return the endpoints whose connections are in a group, in the order of their joins."""
        channel = self._channels.get(_name_of(group))
        return () if channel is None else tuple(channel.endpoints.values())

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
        channel = self._channels.get(_name_of(group))
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

    def _boxes_of(self, endpoint: Member) -> "list[tuple[Outbox, dict[str, None]]]":
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
        channel = self._channels[name]
        channel.discard(box)
        if not channel.endpoints:
            del self._channels[name]


def _name_of(group: "Group[Any] | str") -> str:
    return group.name if isinstance(group, Group) else check_name(group)


def _check_declared(endpoint: Any, kind: type) -> None:
    if issubclass(kind, Group):
        declared: tuple[type, ...] = tuple(endpoint.groups)
        if not issubclass(kind, declared):
            where = type(endpoint).__qualname__
            raise ConfigurationError(
                f"{where} joins a {kind.__qualname__}, whose messages it does not declare: add "
                f"`groups = ({kind.__qualname__},)` to the class"
            )
