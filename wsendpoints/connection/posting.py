"""Sending one message to many clients from one task, without waiting for any of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, final

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.state import OPEN

if TYPE_CHECKING:
    from wsendpoints.connection.outbox import Outbox, Overflow

__all__ = ["Posting", "PostingByTasks"]


class Posting(ABC):
    """Sends to many, on one event loop.

    Attributes:
        at_once: How many sends of one message begin at once, if it goes to more than a few hundred
            clients, before others have a turn.
        crowded: The outboxes that were half full of messages which may not be dropped, until they
            are a quarter full; and until when it is of use to wait for that, in seconds of the
            event loop's clock, once somebody does.
    """

    __slots__ = ("crowded",)

    at_once: ClassVar[int]

    def __init__(self) -> None:
        self.crowded: dict[Outbox, float | None] = {}

    @abstractmethod
    def post(
        self, boxes: Iterable["Outbox"], event: Event, size: int, overflow: "Overflow", key: object
    ) -> int:
        """Send a message to some clients, or have it wait in their outboxes.

        Args:
            boxes: Their outboxes.
            event: The event that sends it.
            size: Its length, which it counts for while it waits.
            overflow: What becomes of it where there is no room.
            key: What it replaces if it is `"latest"`: one with an equal key.

        Returns:
            How many clients it was sent to, or waits for.
        """

    @abstractmethod
    def go_on(self, box: "Outbox") -> None:
        """Have a task send what waits in an outbox."""

    @abstractmethod
    def opened(self) -> None:
        """There is one more outbox."""

    @abstractmethod
    def released(self, box: "Outbox") -> None:
        """There is one less: what is under way for it is cancelled."""


@final
class PostingByTasks(Posting):
    """Sends by a task of each connection, as trio needs it: none runs in the name of another."""

    __slots__ = ()

    # With a thousand tasks at once, Python's garbage collector takes twice as long as they do.
    at_once: ClassVar[int] = 8

    def post(
        self, boxes: Iterable["Outbox"], event: Event, size: int, overflow: "Overflow", key: object
    ) -> int:
        """Send a message to some clients, or have it wait in their outboxes."""
        number = 0
        for box in boxes:
            if box.is_closed or box.connection.state is not OPEN:
                continue
            number += box.keep({**event}, size, overflow, key)
            if not (box.is_busy or box.is_closed):
                box.is_busy = True
                self.go_on(box)
        return number

    def go_on(self, box: "Outbox") -> None:
        """Have a task of the connection send what waits."""
        box.start(box.deliver)

    def opened(self) -> None:
        """There is one more outbox."""

    def released(self, box: "Outbox") -> None:
        """There is one less; its task ends together with the connection."""
