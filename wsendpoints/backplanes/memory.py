"""The backplane of one process."""

from collections.abc import Collection
from typing import ClassVar, final

from anyio import TASK_STATUS_IGNORED, sleep_forever
from anyio.abc import TaskStatus
from typing_extensions import override

from wsendpoints.backplanes.backplane import Backplane, Receiver
from wsendpoints.backplanes.logs import History, Logs
from wsendpoints.protocol.exceptions import GroupFullError

__all__ = ["Hub", "MemoryBackplane"]


@final
class _User:
    """A user in a group: its connections, and what is published when the last of them leaves."""

    __slots__ = ("connections", "history", "left")

    def __init__(self, left: bytes, history: History | None) -> None:
        self.connections: set[tuple[int, str]] = set()
        self.left = left
        self.history = history


@final
class Hub:
    """What several `MemoryBackplane`s share, on one event loop.

    Attributes:
        logs: Numbers the messages of each group, and keeps the last ones.
    """

    def __init__(self) -> None:
        self.logs: Logs = Logs()
        self._receivers: dict[str, list[Receiver]] = {}
        self._users: dict[str, dict[str, _User]] = {}

    def add(self, name: str, receiver: Receiver) -> None:
        """Hand on what is published in a group."""
        receivers = self._receivers.setdefault(name, [])
        if receiver not in receivers:
            receivers.append(receiver)
        receiver.fenced({name: self.logs.head(name)})

    def discard(self, name: str, receiver: Receiver) -> None:
        """Hand it on no more."""
        receivers = self._receivers.get(name, [])
        if receiver in receivers:
            receivers.remove(receiver)
        if not receivers:
            self._receivers.pop(name, None)

    def publish(self, name: str, data: bytes, history: History | None) -> int:
        """Hand a message on to all."""
        number = self.logs.append(name, data, history)
        for receiver in [*self._receivers.get(name, ())]:
            receiver.message(name, number, data)
        return number

    def users(self, name: str) -> list[str]:
        """Return the users in a group."""
        return [*self._users.get(name, ())]

    def enter(
        self,
        name: str,
        connection: tuple[int, str],
        user: str,
        *,
        joined: bytes,
        left: bytes,
        most: int | None,
        history: History | None,
    ) -> bool:
        """Count a connection of a user."""
        users = self._users.get(name, {})
        is_new = user not in users
        if is_new and most is not None and len(users) >= most:
            raise GroupFullError(f"{name}: {most} users are in it already")
        users = self._users.setdefault(name, users)
        users.setdefault(user, _User(left, history)).connections.add(connection)
        if is_new and joined:
            self.publish(name, joined, history)
        return is_new

    def bury(self, node: int) -> None:
        """Count none of a node's connections any more."""
        for name, users in [*self._users.items()]:
            theirs = [it for user in users.values() for it in user.connections if it[0] == node]
            for connection in theirs:
                self.depart(name, connection)

    def depart(self, name: str, connection: tuple[int, str]) -> None:
        """Count it no more."""
        users = self._users.get(name, {})
        for user, it in [*users.items()]:
            it.connections.discard(connection)
            if not it.connections:
                del users[user]
                if not users:
                    del self._users[name]
                if it.left:
                    self.publish(name, it.left, it.history)


@final
class MemoryBackplane(Backplane):
    """Carries the messages of groups within this process: the default.

    It needs no start. Numbers and histories are in memory, and are gone with the process.

    Args:
        hub: What it shares with others, to try in one process, in a test, what several `Groups`
            with members of their own do; `None` if it shares nothing.

    Attributes:
        is_shared: Whether it has a hub. If not, `Groups` sends to the members directly, and `run`
            is not needed.
        logs: Numbers the messages, and keeps the last ones.
    """

    presence: ClassVar[bool] = True

    def __init__(self, hub: Hub | None = None) -> None:
        self.is_shared: bool = hub is not None
        self._hub = hub or Hub()
        self.logs: Logs = self._hub.logs
        self._names: dict[str, None] = {}
        self._receiver: Receiver | None = None

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        self._receiver = receiver
        try:
            for name in self._names:
                self._hub.add(name, receiver)
            task_status.started()
            await sleep_forever()
        finally:
            self._receiver = None
            for name in self._names:
                self._hub.discard(name, receiver)
            self._hub.bury(id(self))

    @override
    def subscribe(self, names: Collection[str]) -> None:
        for name in names:
            self._names[name] = None
            if self._receiver is not None:
                self._hub.add(name, self._receiver)

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        for name in names:
            if self._names.pop(name, self) is None and self._receiver is not None:
                self._hub.discard(name, self._receiver)

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        return self._hub.publish(name, data, history)

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        return self._hub.logs.read(name, after)

    @override
    async def enter(
        self,
        name: str,
        connection: str,
        user: str,
        *,
        joined: bytes,
        left: bytes,
        most: int | None,
        history: History | None,
    ) -> bool:
        return self._hub.enter(
            name,
            (id(self), connection),
            user,
            joined=joined,
            left=left,
            most=most,
            history=history,
        )

    @override
    async def depart(self, name: str, connection: str) -> None:
        self._hub.depart(name, (id(self), connection))

    @override
    async def users(self, name: str) -> list[str]:
        return self._hub.users(name)
