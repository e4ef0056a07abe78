"""The members of one group on this event loop, and how a message reaches all of them."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, final

import anyio
from anyio.lowlevel import checkpoint

from wsendpoints.connection.outbox import Outbox, Overflow, size_of
from wsendpoints.connection.posting import Posting
from wsendpoints.lifecycle.shielding import run_shielded, uninterrupted
from wsendpoints.messages.codecs import Encode
from wsendpoints.protocol.asgi import Event

__all__ = ["Channel", "Listens", "Pace"]

_AT_ONCE: Final = 256
"""Sends after which others have a turn."""

_PAUSE: Final = 0.001
"""Seconds from one look at clients that have much to read to the next."""

_PATIENCE: Final = 0.1
"""Seconds that a burst waits for one of those."""

Encoded: TypeAlias = Mapping[Encode, tuple[Event, int]]
"""The event that sends a message, and its length, for each way in which members write it."""


class Listens(Protocol):
    """What hears all that is said in a group, and is no connection. It does not wait, or raise."""

    def take(self, message: Any, overflow: Overflow) -> None:
        """Take a message."""

    def missed(self, lost: int | None) -> None:
        """Take note that so many messages are lost; `None` if nobody knows how many."""


@final
class Pace:
    """How much is sent before others have a turn, counted over all groups of an event loop.

    Args:
        posting: Sends to many.
    """

    __slots__ = ("_since", "posting")

    def __init__(self, posting: Posting) -> None:
        self.posting: Posting = posting
        self._since = 0

    def takes_turn(self, number: int) -> bool:
        """Whether others have a turn once so many more are sent."""
        self._since += number
        return self._since > _AT_ONCE

    async def turn(self) -> None:
        """Let others have a turn."""
        self._since = 0
        await checkpoint()

    async def catch_up(self) -> None:
        """Wait for those that have much to read, if there are such.

        What is healthy has read most of it soon. What is not costs the others this patience once,
        and is closed when its outbox is full.
        """
        while any(self._is_awaited(box) for box in [*self.posting.crowded]):
            with anyio.CancelScope(shield=True):
                await anyio.sleep(_PAUSE)

    def _is_awaited(self, box: Outbox) -> bool:
        now = anyio.current_time()
        until = self.posting.crowded[box]
        if until is None:
            until = self.posting.crowded[box] = now + _PATIENCE
        return now < until


@final
class Channel:
    """The members of one group.

    Args:
        name: The name of the group.
        pace: How much is sent at once.

    Attributes:
        name: The name of the group.
        endpoints: The members, by what waits for their clients.
        encodes: The same, by how their classes write a message.
        listeners: Who else hears what is said.
    """

    __slots__ = (
        "_ahead",
        "_pace",
        "_turn",
        "_under_way",
        "encodes",
        "endpoints",
        "listeners",
        "name",
    )

    def __init__(self, name: str, pace: Pace) -> None:
        self.name: str = name
        self.endpoints: dict[Outbox, Any] = {}
        self.encodes: dict[Encode, dict[Outbox, None]] = {}
        self.listeners: dict[Listens, None] = {}
        self._pace = pace
        self._turn: anyio.Lock | None = None
        self._under_way = 0
        self._ahead: dict[Outbox, int] = {}

    def add(self, box: Outbox, endpoint: Any, encode: Encode, newest: int = 0) -> None:
        """Have a connection among the members.

        Args:
            box: Its outbox.
            endpoint: Its endpoint.
            encode: How its class writes a message.
            newest: The number of the last message that it was sent already, of a group that has a
                history: what is still on its way to the others is none for it.
        """
        if self._turn is not None and newest:
            self._ahead[box] = newest
        self.endpoints[box] = endpoint
        self.encodes.setdefault(encode, {})[box] = None

    def discard(self, box: Outbox) -> None:
        """Have it among them no more."""
        self._ahead.pop(box, None)
        if self.endpoints.pop(box, None) is not None:
            encode = next(encode for encode, boxes in self.encodes.items() if box in boxes)
            del self.encodes[encode][box]
            if not self.encodes[encode]:
                del self.encodes[encode]

    def encoded(self, message: Any) -> Encoded:
        """Write a message once for each way in which members write it.

        Raises:
            ConfigurationError: The class of a member does not declare it.
            ValueError: It can't be written.
        """
        events = {encode: encode(message) for encode in self.encodes}
        return {encode: (event, size_of(event)) for encode, event in events.items()}

    def tell(self, message: Any, overflow: Overflow, excluded: Collection[object]) -> None:
        """Have those that listen take a message, at once: they see the order of the calls."""
        for listener in self.listeners:
            if listener not in excluded:
                listener.take(message, overflow)

    async def broadcast(
        self,
        encoded: Encoded,
        overflow: Overflow,
        excluded: Collection[object],
        number: int | None = None,
    ) -> int:
        """Send a message to the members, in one order for all of them.

        Args:
            encoded: The message, as `encoded` returns it.
            overflow: What becomes of it for a client that reads too slowly.
            excluded: Who does not get it.
            number: Its number, in a group that has a history.

        Returns:
            How many it was sent to, or waits for.
        """
        members = len(self.endpoints)
        takes_turn = self._pace.takes_turn(members)
        if self._turn is None and members <= _AT_ONCE:
            reached = sum(
                self._post(self.encodes.get(encode, ()), event, size, overflow, excluded)
                for encode, (event, size) in encoded.items()
            )
            if takes_turn:
                await self._pace.turn()
        else:
            # Now, and not in its task: what is broadcast next may not overtake it.
            self._turn = turn = self._turn or anyio.Lock(fast_acquire=True)
            self._under_way += 1
            in_turns = partial(self._post_in_turns, turn, encoded, overflow, excluded, number)
            reached = uninterrupted(*await run_shielded(in_turns)) or 0
        await self._pace.catch_up()
        return reached

    async def _post_in_turns(
        self,
        turn: anyio.Lock,
        encoded: Encoded,
        overflow: Overflow,
        excluded: Collection[object],
        number: int | None,
    ) -> int:
        """Send a message to the members, and let others have turns. It is not to be cancelled."""
        reached, at_once = 0, self._pace.posting.at_once
        async with turn:
            for encode, (event, size) in encoded.items():
                boxes = [*self.encodes.get(encode, ())]
                for start in range(0, len(boxes), at_once):
                    chunk = boxes[start : start + at_once]
                    there = [box for box in chunk if self._is_due(box, number)]
                    reached += self._post(there, event, size, overflow, excluded)
                    await self._pace.turn()
        self._under_way -= 1
        if not self._under_way:
            self._turn = None
            self._ahead.clear()
        return reached

    def _is_due(self, box: Outbox, number: int | None) -> bool:
        """Whether a connection is a member, and was not sent a message as it joined."""
        return box in self.endpoints and (number is None or number > self._ahead.get(box, 0))

    def _post(
        self,
        boxes: Iterable[Outbox],
        event: Event,
        size: int,
        overflow: Overflow,
        excluded: Collection[object],
    ) -> int:
        # A copy: a client that is found gone leaves at once.
        to = [box for box in boxes if box not in excluded] if excluded else [*boxes]
        return self._pace.posting.post(to, event, size, overflow, self.name)
