"""What connects the processes that share groups, as `Groups` uses it: bytes, numbers, and names."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import ClassVar, Protocol

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Backplane", "Receiver"]


class Receiver(Protocol):
    """What a backplane hands on to. Nothing of it waits, or raises, in the event loop of `run`."""

    def message(self, name: str, number: int, data: bytes) -> None:
        """Take a message of a group that was subscribed to.

        Args:
            name: The name of the group.
            number: The message's, one above that of the message before.
            data: What was published.
        """

    def fenced(self, heads: Mapping[str, int]) -> None:
        """Take note that whatever was published in some groups until now was handed on, or is lost.

        It follows each `subscribe`, for each of its groups, and each `down` that ends, for all
        groups that are subscribed to. What is published after it is handed on.

        Args:
            heads: The number of the last message of each, or of the one before its first.
        """

    def down(self) -> None:
        """Take note that nothing is handed on, and may be lost, until `fenced` is called again."""


class Backplane(ABC):
    """Carries the messages of groups between processes.

    One object is one process's part in it, for one `Groups`. `Groups` does the rest, for all
    backplanes alike: members, what is lost and filled from the history, and what is written.
    `wsendpoints.testing.check_backplane` tests all that is said here.

    The messages of a group have numbers, which follow each other without a hole. They begin at the
    time, in microseconds since 1970, so that a group that was forgotten, with its numbers, begins
    above those that it had.

    Attributes:
        presence: Whether it counts users: has `enter`, `depart` and `users`.
    """

    presence: ClassVar[bool] = False

    @abstractmethod
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        """Take part until this is cancelled, and hand on what comes.

        `task_status.started()` is called once it takes part. Lost connections are made anew:
        the receiver is told by `down`, and by `fenced` later.

        Raises:
            BackplaneError: It can't take part at all.
        """

    @abstractmethod
    def subscribe(self, names: Collection[str]) -> None:
        """Hand on what is published in some groups from soon on: `Receiver.fenced` tells when.

        It does not wait, nor raise, also while nothing is connected. Called again for a name, it
        changes nothing, but `fenced` follows again.
        """

    @abstractmethod
    def unsubscribe(self, names: Collection[str]) -> None:
        """Hand it on no more, soon. It does not wait, nor raise."""

    @abstractmethod
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        """Hand a message to the receivers of all that subscribed to a group, the own one too.

        Args:
            name: The name of the group.
            data: The message.
            history: How much of the group is kept, if it has a history.

        Returns:
            The number of the message.

        Raises:
            BackplaneError: It is not known to have reached any. At most a second has passed.
        """

    @abstractmethod
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        """Return what was published in a group with a history after a message, with its numbers.

        It is all of it, up to the very last at a moment between the call and the return.

        Args:
            name: The name of the group.
            after: The number of the message; `None` for all that is kept.

        Raises:
            PositionLost: Not all of it is kept, or no message has that number.
            BackplaneError: It can't be read now.
        """

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
        """Count a connection of a user in a group, and tell the others if it is the first.

        It is counted until `depart`; or until this process has ended, or has been silent for long,
        when another one tells the others. Counted, and published, in one step.

        Args:
            name: The name of the group.
            connection: What tells it from all others of this process, in this group.
            user: Whose it is.
            joined: What is published if it is the first of the user; empty for nothing.
            left: What is published when the last of the user's leaves; empty for nothing.
            most: How many users may be in the group.
            history: How much of the group is kept, if it has a history.

        Returns:
            Whether it is the first of the user.

        Raises:
            GroupFullError: The user would be one too many.
            BackplaneError: It is not known to be counted, and will not be.
        """
        raise ConfigurationError(f"{type(self).__qualname__} does not count users")

    async def depart(self, name: str, connection: str) -> None:
        """Count a connection no more, and tell the others if it was the last of its user.

        It raises no BackplaneError: while nothing is connected, this is done once something is.
        """
        raise ConfigurationError(f"{type(self).__qualname__} does not count users")

    async def users(self, name: str) -> list[str]:
        """Return the users in a group, in the order in which they came.

        Raises:
            BackplaneError: They can't be read now.
        """
        raise ConfigurationError(f"{type(self).__qualname__} does not count users")
