"""What a client has asked, and waits for: one reply, or the replies of a stream."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Any, final

import anyio
from typing_extensions import override

from wsendpoints.client.errors import ClientError
from wsendpoints.client.inbox import Inbox
from wsendpoints.client.socket import Socket
from wsendpoints.client.speech import Speech
from wsendpoints.messages.correlation import Id

__all__ = ["Asked", "Outgoing", "Pending", "Request", "Stream"]


@dataclass(eq=False, slots=True)
class Outgoing:
    """A message on its way.

    Attributes:
        message: The message.
        speech: How the frame was written.
        frame: It, as it was when it was given.
        only_on: The one connection that it may be sent on; `None` if any will do.
        sent_on: The connection that it was sent on; `None` while it waits.
    """

    message: object
    speech: Speech
    frame: str | bytes
    only_on: Socket | None = None
    sent_on: Socket | None = None


class Asked(ABC):
    """What has replies.

    Args:
        outgoing: The message that asks.
        classes: Those of its replies; `None` if anything may be one.

    Attributes:
        is_over: Whether nothing more comes.
    """

    def __init__(self, outgoing: Outgoing, classes: tuple[type, ...] | None) -> None:
        self.outgoing = outgoing
        self.classes = classes
        self.is_over: bool = False

    @property
    @abstractmethod
    def is_awaited(self) -> bool:
        """Whether somebody waits for what comes next."""

    @abstractmethod
    async def take(self, reply: object) -> None:
        """Take a reply."""

    @abstractmethod
    def fail(self, error: ClientError) -> None:
        """Tell whoever waits that nothing more comes."""

    def end(self) -> None:
        """Take note that nothing more comes."""
        self.is_over = True


@final
class Request(Asked):
    """What has one reply."""

    def __init__(self, outgoing: Outgoing, classes: tuple[type, ...] | None) -> None:
        super().__init__(outgoing, classes)
        self._done = anyio.Event()
        self._reply: object = None
        self._error: ClientError | None = None

    @property
    @override
    def is_awaited(self) -> bool:
        """Always."""
        return True

    @override
    async def take(self, reply: object) -> None:
        """Take the reply."""
        self._reply = reply
        self.end()
        self._done.set()

    @override
    def fail(self, error: ClientError) -> None:
        """Have no reply."""
        self._error = error
        self.end()
        self._done.set()

    async def reply(self) -> Any:
        """Wait for the reply, and return it.

        Raises:
            ClientError: There is none.
        """
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._reply


@final
class Stream(Asked):
    """What has one reply after the other. It is the iterator over them.

    Args:
        outgoing: The message that asks.
        classes: Those of its replies; `None` if anything may be one.
        is_last: Whether a reply is the last one.
        bound: How many replies may wait to be taken.
        pending: What else was asked.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        classes: tuple[type, ...] | None,
        is_last: Callable[[Any], bool],
        bound: int,
        pending: "Pending",
    ) -> None:
        super().__init__(outgoing, classes)
        self._is_last = is_last
        self._is_left = False
        self._has_ended = False
        self._inbox: Inbox[Any] = Inbox(
            bound, lambda: self._is_left or pending.is_awaited, pending.hurry
        )

    @property
    @override
    def is_awaited(self) -> bool:
        """Only while somebody waits in the loop."""
        return self._inbox.is_awaited

    @override
    async def take(self, reply: object) -> None:
        """Keep a reply for the loop."""
        await self._inbox.put(reply)

    @override
    def fail(self, error: ClientError) -> None:
        """Have the loop raise an error behind the replies that came."""
        self.end()
        self._inbox.end(lambda: error)

    def notify(self) -> None:
        """Look again whether there is time to wait for the loop."""
        self._inbox.notify()

    def leave(self) -> None:
        """Take no more replies."""
        self._is_left = True
        self.notify()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Any:
        if self._has_ended:
            raise StopAsyncIteration
        reply = await self._inbox.take()
        if self._is_last(reply):
            self._has_ended = True
            self.end()
        return reply


@final
class Pending:
    """All that was asked, and waits for replies.

    Args:
        hurry: Is called when somebody begins to wait, for what may be behind other messages.
    """

    def __init__(self, hurry: Callable[[], None]) -> None:
        self._hurry = hurry
        self._asked: dict[Id, list[Asked]] = {}

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what comes next."""
        return any(it.is_awaited for it in self._every())

    def hurry(self) -> None:
        """Have what nobody takes stand in the way of nothing."""
        self._hurry()
        for it in self._every():
            if isinstance(it, Stream):
                it.notify()

    def add(self, id_: Id, asked: Asked) -> None:
        """Wait for the replies with an id.

        Raises:
            ValueError: They could be those of another one.
        """
        others = self._asked.setdefault(id_, [])
        if any(_overlap(it.classes, asked.classes) for it in others):
            raise ValueError(f"the id {id_!r} is that of another request")
        others.append(asked)

    def forget(self, id_: Id, asked: Asked) -> None:
        """Wait no more. May be called again."""
        rest = [it for it in self._asked.pop(id_, ()) if it is not asked]
        if rest:
            self._asked[id_] = rest

    def asking(self, id_: Id, message: object, *, is_reply: bool) -> Asked | None:
        """Return what a message is a reply to.

        What is a reply to nothing, such as an error, is for whoever asked last.

        Args:
            id_: Its id.
            message: The message.
            is_reply: Whether it is declared as the reply to something.
        """
        every = self._asked.get(id_, [])
        for it in every:
            if it.classes is None or isinstance(message, it.classes):
                return it
        return every[-1] if every and not is_reply else None

    def fail(self, error: ClientError, is_meant: Callable[[Asked], bool]) -> None:
        """Tell whoever waits that nothing more comes."""
        for it in filter(is_meant, self._every()):
            it.fail(error)

    def _every(self) -> Iterator[Asked]:
        return chain.from_iterable(self._asked.values())


def _overlap(some: tuple[type, ...] | None, others: tuple[type, ...] | None) -> bool:
    """Return whether a reply may be of both."""
    if some is None or others is None:
        return True
    return any(issubclass(a, b) or issubclass(b, a) for a, b in product(some, others))
