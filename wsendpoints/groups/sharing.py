"""The groups of several processes: a message goes to the members in each by way of a backplane."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, Final, final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.backplanes.logs import History
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.entrant import Entrant
from wsendpoints.groups.envelopes import Envelopes
from wsendpoints.groups.group import Group, name_of
from wsendpoints.groups.incoming import CONTROL, Incoming, archive_of
from wsendpoints.groups.members import Members
from wsendpoints.groups.presence import Membership, check_user
from wsendpoints.groups.stream import Stream
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError, InvalidStateError

__all__ = ["Sharing"]

_PATIENCE: Final = 1.0
"""Seconds that a join waits for the backplane, and a publisher for its own message."""


@final
class Sharing:
    """Publishes, and has what comes sent to the members.

    In a group without a history a message goes to this process's members at once, so that they
    are served while the backplane is down. In one with a history it goes to them as it comes
    back: position and order are those of the history, for all.

    Args:
        members: The members.
        backplane: What connects the processes.
        overflow: What becomes of messages for slow clients, in groups that are strings.
    """

    __slots__ = (
        "_backplane",
        "_control",
        "_envelopes",
        "_ids",
        "_incoming",
        "_is_running",
        "_members",
        "_tasks",
    )

    def __init__(self, members: Members, backplane: Backplane, overflow: Overflow) -> None:
        self._members = members
        self._backplane = backplane
        self._envelopes = Envelopes()
        self._incoming = Incoming(backplane, members, self._envelopes, overflow)
        self._ids = itertools.count(1)
        self._is_running = False
        self._tasks: TaskGroup | None = None
        members.emptied = self._incoming.look

    @property
    def is_running(self) -> bool:
        """Whether it takes part."""
        return self._is_running

    async def start(self) -> None:
        """Take part until `stop`, which the same task calls.

        Raises:
            BackplaneError: The backplane can't be reached.
            InvalidStateError: It was started already.
        """
        if self._tasks is not None:
            raise InvalidStateError("these groups are started already: start them once a process")
        self._members.bind()
        self._members.is_held = True
        self._tasks = tasks = anyio.create_task_group()
        self._control = self._incoming.use(CONTROL, CONTROL)
        await tasks.__aenter__()
        try:
            failure = await tasks.start(self._run_backplane)
        except BaseException:
            await self.stop()
            raise
        if failure is not None:
            try:
                await self.stop()
                raise failure
            finally:
                # The exception holds this frame: without this reference it is no cycle.
                del failure
        tasks.start_soon(self._incoming.run)
        self._is_running = True

    async def stop(self) -> None:
        """Take part no more."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            self._is_running = self._members.is_held = False
            tasks.cancel_scope.cancel()
            try:
                # Whatever ends the caller stays as it is, and becomes no group of exceptions.
                await tasks.__aexit__(None, None, None)
            finally:
                self._incoming.release(self._control)

    async def _run_backplane(self, *, task_status: TaskStatus[Any]) -> None:
        try:
            await self._backplane.run(self._incoming, task_status=task_status)
        except BackplaneError as exc:
            if self._is_running:
                raise
            # Raised by `start`, outside of the task group, which would make a group of it.
            task_status.started(exc)

    def position(self, name: str, history: History) -> int:
        """Return the number of the last message that this process's members of a group have."""
        stream = self._incoming.streams.get(name)
        return 0 if stream is None else stream.last

    def check_user(self, name: str, group: Group[Any] | str, user: str) -> None:
        """Check that a user can be counted; whether there is room is known as it is."""
        self._check_running()
        if not self._backplane.presence:
            raise ConfigurationError(
                f"{type(self._backplane).__qualname__} does not count users: join without `user`"
            )
        check_user(user)

    async def admit(self, entrant: Entrant) -> int:
        """Have a connection, or a listener, in a group, once it was sent what it missed.

        Returns:
            The number of its last message, in a group that has a history.
        """
        self._check_running()
        membership = entrant.membership
        stream = self._incoming.use(membership.name, membership.group)
        try:
            is_up = await _waited(stream.when_up)
            if not is_up and stream.history is not None:
                raise BackplaneError(f"{stream.name}: its history can't be read now")
            if entrant.user is not None:
                await self._enter(entrant, stream)
            if stream.history is not None:
                return await self._follow(entrant, stream)
            if entrant.is_wanted():
                self._members.add(entrant)
            return 0
        finally:
            self._incoming.release(stream)

    async def _enter(self, entrant: Entrant, stream: Stream) -> None:
        """Count a user's connection, and tell the others if it is the first."""
        membership, user = entrant.membership, str(entrant.user)
        group, history = membership.group, stream.history
        joined = left = b""
        most = None
        if isinstance(group, Group):
            joined = self._sealed(group, group.joined(user), frozenset((entrant.key,)))
            left = self._sealed(group, group.left(user))
            most = group.max_users
        membership.id = str(next(self._ids))
        enter = partial(self._backplane.enter, membership.name, membership.id, user)
        try:
            await enter(joined=joined, left=left, most=most, history=history)
        except anyio.get_cancelled_exc_class():
            # It is not known whether it is counted.
            with anyio.CancelScope(shield=True):
                await self._backplane.depart(membership.name, membership.id)
            raise
        membership.user = user
        entrant.counts()

    def _sealed(
        self, group: Group[Any], message: Any, excluded: frozenset[object] = frozenset()
    ) -> bytes:
        if message is None:
            return b""
        group.check(message)
        data, _ = archive_of(group).write(message)
        return self._envelopes.seal(data, excluded=excluded)

    async def _follow(self, entrant: Entrant, stream: Stream) -> int:
        """Send what was missed, and go on with what comes: no hole, and nothing twice."""

        def message_of(number: int, sealed: bytes) -> tuple[Any] | None:
            envelope = self._incoming.open(stream, sealed)
            if envelope is None or entrant.key in self._envelopes.excluded(envelope):
                return None
            return self._incoming.message_of(stream, envelope, number)

        read = partial(self._read, stream)
        newest = stream.current
        if entrant.after is not None or entrant.last:
            newest = await entrant.catch_up(newest, read, message_of)
            entrant.after = newest
            while stream.current > newest:
                # That was said while the last of it was on its way to the client.
                entrant.after = newest = await entrant.catch_up(newest, read, message_of)

        def add() -> None:
            if entrant.is_there:
                self._members.add(entrant)

        # What it was sent may be ahead of what has come: it is a member from just behind that on.
        if not await _waited(partial(stream.when, newest), add):
            raise BackplaneError(f"{stream.name}: what is said there does not come now")
        entrant.is_wanted()
        return newest

    async def history(self, group: Group[Any], after: int | None, part: slice) -> list[Any]:
        """Return a part of what is kept of a group after a number; see `Groups.history`."""
        self._check_running()
        # It needs no messages that come, and is subscribed to nothing.
        stream = Stream(group.name, group)
        messages: list[Any] = []
        for number, sealed in (await self._read(stream, after))[part]:
            envelope = self._incoming.open(stream, sealed)
            if envelope is not None:
                messages += self._incoming.message_of(stream, envelope, number) or ()
        return messages

    async def _read(self, stream: Stream, after: int | None) -> list[tuple[int, bytes]]:
        """Return what came after a number, or the last messages, as many as are to be kept."""
        entries = await self._backplane.read(stream.name, after)
        if after is None and stream.history is not None:
            # Redis keeps some more, as it drops many at once.
            return entries[-stream.history.messages :]
        return entries

    async def broadcast(
        self, group: Group[Any] | str, message: Any, excluded: frozenset[object]
    ) -> int:
        """Send a message to the members in all processes; see `Groups.broadcast`."""
        self._check_running()
        name = name_of(group)
        data, copy = archive_of(group).write(message)
        if isinstance(group, Group) and group.history is not None:
            return await self._say(group, data, copy, excluded)
        stream = self._incoming.streams.get(name)
        if stream is not None and stream.history is not None:
            raise ConfigurationError(
                f"{group!r} has a history, which this message would not be in: broadcast to "
                "the group of the class that has it"
            )
        reached = await self._members.broadcast(
            name, message, self._incoming.overflow_of(group), excluded
        )
        sealed = self._envelopes.seal(data, is_said=True)
        stream = self._incoming.streams.get(name)
        if stream is None:
            await self._backplane.publish(name, sealed, None)
        else:
            said = anyio.Event()
            stream.saying.add(said)
            try:
                stream.had(await self._backplane.publish(name, sealed, None))
            finally:
                stream.saying.discard(said)
                said.set()
        return reached

    async def _say(
        self, group: Group[Any], data: bytes, copy: Any, excluded: frozenset[object]
    ) -> int:
        """Publish a message that is kept, and wait until this process's members were sent it."""
        channel = self._members.channels.get(group.name)
        if channel is not None:
            # So that the publisher is told what can't be written, and nobody gets it.
            channel.encoded(copy)
        sealed = self._envelopes.seal(data, excluded=excluded)
        number = await self._backplane.publish(group.name, sealed, group.history)
        stream = self._incoming.streams.get(group.name)
        if stream is None:
            return 0
        reached: list[int] = []
        await _waited(partial(stream.when, number), lambda: reached.append(stream.reached))
        return sum(reached)

    def keep(self, group: Group[Any] | str, message: Any) -> None:
        """Keep a message of a group without an event loop: it needs one."""
        self._check_running()

    async def users(self, name: str) -> tuple[str, ...]:
        """Return the users in a group, in all processes."""
        self._check_running()
        return tuple(await self._backplane.users(name))

    async def depart(self, membership: Membership) -> None:
        """Count a user's connection no more, and have the others told if it was the last."""
        await self._backplane.depart(membership.name, membership.id)

    async def close(self, name: str, code: int, reason: str) -> None:
        """Close the connections that other processes have in a group."""
        self._check_running()
        data, _ = archive_of(CONTROL).write([name, code, reason])
        # This process's are closed already.
        sealed = self._envelopes.seal(data, is_said=True)
        await self._backplane.publish(CONTROL, sealed, None)

    def _check_running(self) -> None:
        if not self._is_running:
            raise InvalidStateError(
                "these groups are shared with other processes, and not started: `async with "
                "groups:` in the application's lifespan does it, which a test runs by `async with "
                "wsendpoints.testing.lifespan(app)`"
            )


async def _waited(
    ask: Callable[[Callable[[], None]], Callable[[], None]],
    then: Callable[[], None] | None = None,
) -> bool:
    """Wait until something calls back, for a while; return whether it did.

    Args:
        ask: Takes what is called back, and returns what ends that.
        then: What is done at once as it does.
    """
    done = anyio.Event()

    def call() -> None:
        if then is not None:
            then()
        done.set()

    end = ask(call)
    try:
        with anyio.move_on_after(_PATIENCE):
            await done.wait()
    finally:
        end()
    return done.is_set()
