"""Who is in which group, and what is done with a group."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Self, TypeAlias, final, overload

from typing_extensions import TypeVar

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.backplanes.logs import number_of
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.entering import check_beginning, check_declared, check_reading
from wsendpoints.groups.group import Group, check_overflow, name_of
from wsendpoints.groups.lifespan import serve_lifespan
from wsendpoints.groups.listening import listening
from wsendpoints.groups.members import NOBODY, Joining, Members
from wsendpoints.groups.memberships import Memberships
from wsendpoints.groups.presence import Membership
from wsendpoints.groups.sharing import Sharing
from wsendpoints.groups.ways import way_of
from wsendpoints.lifecycle.hooks import Member, lifecycle_of
from wsendpoints.protocol.asgi import Receive, Send
from wsendpoints.protocol.close_codes import CloseCode, check_close_code
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["Groups"]

M = TypeVar("M")

Excluded: TypeAlias = "Member | Iterable[Member] | None"


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

    With a backplane other processes' connections are in the same groups: `broadcast`, `close` and
    `presence` reach them as well, and `async with groups:` in the application's lifespan starts it.
    Without one, they are this process's alone, and need no start.

    All methods are for the event loop of the members: from endpoints, HTTP handlers, and tasks.

    Args:
        backplane: What connects the processes; `None` for one process.
        overflow: What becomes of messages for a client that reads too slowly, in the groups that
            are plain strings; see `Group.overflow`.
    """

    def __init__(self, backplane: Backplane | None = None, *, overflow: Overflow = "close") -> None:
        check_overflow(overflow, "Groups")
        self._members = Members()
        self._way = way_of(self._members, backplane, overflow)
        self._memberships = Memberships(self._members, self._way)

    async def __aenter__(self) -> Self:
        if isinstance(self._way, Sharing):
            await self._way.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if isinstance(self._way, Sharing):
            await self._way.stop()

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Serve the lifespan of an ASGI application that has nothing else to start.

        ```python
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await groups.lifespan(receive, send)
            ...
        ```

        A framework has a place of its own for it, where `async with groups:` is.
        """
        await serve_lifespan(self, receive, send)

    @property
    def is_started(self) -> bool:
        """Whether they are started; without a backplane they always are."""
        return not isinstance(self._way, Sharing) or self._way.is_running

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups that have members."""
        channels = self._members.channels.items()
        return tuple(name for name, channel in channels if channel.endpoints)

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
            BackplaneError: With a backplane: the history can't be read, or the user not counted.
            ValueError: `last` is negative, or `user` no text of 1 to 200 characters.
            InvalidStateError: It is not accepted yet, or the application closed it; or it is in
                `limits.groups` groups already.
            WebSocketDisconnect: The client left.
        """
        name, kind = name_of(group), type(group)
        check_declared(endpoint, kind)
        history = check_beginning(group, after, last)
        if user is not None:
            self._way.check_user(name, group, user)
        lifecycle = lifecycle_of(endpoint)
        box = lifecycle.outbox(endpoint)
        self._members.bind()
        joined = self._memberships.of(lifecycle, box)
        if name in joined:
            return None if history is None else str(self._way.position(name, history))
        most = endpoint.limits.groups
        if most is not None and len(joined) >= most:
            raise InvalidStateError(
                f"the connection is in {most} groups already: see `Limits(groups=...)`"
            )
        membership = Membership(name, group)
        joining = Joining(
            endpoint,
            lifecycle,
            box,
            membership,
            after=None if after is None else number_of(after),
            last=last,
            user=user,
            # It may leave, and join again, while it is sent what it missed.
            is_wanted=lambda: joined.get(name) is membership,
            counts=partial(self._memberships.count, lifecycle, box, membership),
        )
        joined[name] = membership
        try:
            newest = await self._way.admit(joining)
        except BaseException:
            if joined.get(name) is membership:
                del joined[name]
            await self._memberships.uncount(box, membership)
            raise
        if user is None:
            # It needs to be known no more.
            if joined.get(name) is membership:
                joined[name] = None
        elif not joining.is_there:
            await self._memberships.uncount(box, membership)
        return None if history is None else str(newest)

    async def leave(self, endpoint: Member, group: "Group[Any] | str") -> None:
        """Have it get them no more; where it is no member, this does nothing."""
        name = name_of(group)
        for box, joined in self._memberships.found(endpoint):
            if name in joined:
                membership = joined.pop(name)
                self._members.discard(name, box)
                if membership is not None:
                    await self._memberships.uncount(box, membership)

    @overload
    def listen(
        self, group: Group[M], after: str | None = None, *, last: int = 0, user: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[M]]: ...
    @overload
    def listen(
        self, group: str, *, user: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Any]]: ...

    def listen(
        self,
        group: "Group[Any] | str",
        after: str | None = None,
        *,
        last: int = 0,
        user: str | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Hear what is said in a group, without a connection, while the block lasts.

        ```python
        async with groups.listen(Room("lobby")) as messages:
            async for message in messages: ...
        ```

        It gets each message once, in the order of the group, from all processes, from when the
        block is entered. A wait that is cancelled loses none. It holds up no broadcast: of 1024
        messages that wait for it, `overflow` of the group says what becomes of more; `"close"`
        loses them. It is no member: `broadcast` does not count it, and `close` leaves it alone.

        Args:
            group: The group. A message of this process is the very object that was said: leave it
                as it is.
            after: It begins with what came after this position, in a group with a history.
            last: It begins with so many of the last messages, if `after` is `None`.
            user: Who listens, for `presence`, and `joined` and `left` of the group. That one left
                is told also where this process dies.

        Returns:
            What is entered, for an iterator over the messages. Entering raises what `join` raises;
            the iterator raises `PositionLost` once for each hole, and goes on with what follows.
        """
        return listening(self._way, self._members, group, after, last, user)

    async def history(
        self, group: Group[M], after: str | None = None, *, last: int | None = None
    ) -> tuple[M, ...]:
        """Return what is kept of a group, the oldest first: for an HTTP handler, say.

        ```python
        messages = await groups.history(Room("lobby"), last=50)
        ```

        Messages that have a field `position` have theirs, which `join` and `listen` can go on
        after. What is said meanwhile may be among them, or not.

        Args:
            group: The group. It need not have members.
            after: Only what came after this position.
            last: At most so many, the last ones; `None` for all.

        Raises:
            PositionLost: Not all that came after `after` is kept, or no message has this position.
            ConfigurationError: The group has no history.
            BackplaneError: With a backplane: it can't be read now.
            ValueError: `last` is negative.
        """
        check_reading(group, last)
        number = None if after is None else number_of(after)
        # Only these are made messages again.
        part = slice(None) if last is None else slice(-last, None) if last else slice(0)
        return tuple(await self._way.history(group, number, part))

    @overload
    async def broadcast(self, group: Group[M], message: M, *, exclude: Excluded = None) -> int: ...
    @overload
    async def broadcast(self, group: str, message: Any, *, exclude: Excluded = None) -> int: ...

    async def broadcast(
        self, group: "Group[Any] | str", message: Any, *, exclude: Excluded = None
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
            How many clients of this process it was sent to, or waits for.

        Raises:
            ConfigurationError: The group does not carry such a message, or the class of a member
                does not send it; nobody got it.
            ValueError: It can't be written, as JSON, say; nobody got it.
            BackplaneError: With a backplane: other processes may not have got it. Without a history
                the members in this process have it; with one, nobody is known to.
        """
        return await self._broadcast(group, message, exclude)

    async def _broadcast(self, group: "Group[Any] | str", message: Any, exclude: Excluded) -> int:
        if isinstance(group, Group):
            group.check(message)
        excluded = NOBODY if exclude is None else self._memberships.boxes_of(exclude)
        return await self._way.broadcast(group, message, excluded)

    @overload
    def broadcast_from_thread(
        self, group: Group[M], message: M, *, exclude: Excluded = None, timeout: float | None = None
    ) -> int: ...
    @overload
    def broadcast_from_thread(
        self, group: str, message: Any, *, exclude: Excluded = None, timeout: float | None = None
    ) -> int: ...

    def broadcast_from_thread(
        self,
        group: "Group[Any] | str",
        message: Any,
        *,
        exclude: Excluded = None,
        timeout: float | None = None,
    ) -> int:
        """Do as `broadcast` does, from a thread that runs no event loop, and wait until it is done.

        Args:
            group: The group.
            message: The message.
            exclude: As for `broadcast`.
            timeout: Seconds that it may take; `None` waits for ever.

        Raises:
            InvalidStateError: The thread runs an event loop: await `broadcast`.
            TimeoutError: It took longer, as where the event loop is held up: it is cancelled.
        """
        if isinstance(group, Group):
            group.check(message)
        token = self._members.token
        if token is None or token.is_over:
            # Nobody has joined a group, and so there is no event loop to do it.
            self._way.keep(group, message)
            return 0
        return token.run(partial(self._broadcast, group, message, exclude), timeout)

    def members(self, group: "Group[Any] | str") -> tuple[Any, ...]:
        """Return this process's endpoints that are in a group, in the order of their joins."""
        channel = self._members.channels.get(name_of(group))
        return () if channel is None else tuple(channel.endpoints.values())

    async def presence(self, group: "Group[Any] | str") -> tuple[str, ...]:
        """Return the users that are in a group, in the order in which they came.

        A user is there from when `join` has returned until its last connection has left, or has
        ended, and all of its clean-up but `on_disconnect` is done.

        Raises:
            BackplaneError: With a backplane: it can't be asked now.
        """
        return await self._way.users(name_of(group))

    async def close(
        self, group: "Group[Any] | str", code: int = CloseCode.NORMAL_CLOSURE, reason: str = ""
    ) -> int:
        """Close the connections of all members of a group, as to sign out a user.

        Their handlers and tasks find that the connection has ended: for them, the client left.

        Returns:
            How many of the members were this process's.

        Raises:
            ValueError: It is no code that an application may close with.
            BackplaneError: Those in other processes may not be closed.
        """
        check_close_code(code)
        name = name_of(group)
        number = self._members.close(name, code, reason)
        await self._way.close(name, code, reason)
        return number
