"""What comes from other processes, and from this one by way of them: to the members, in order."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Mapping
from functools import partial
from time import monotonic
from typing import Any, Final, TypeAlias, cast, final

import anyio

from wsendpoints.backplanes.backplane import Backplane
from wsendpoints.connection.outbox import Overflow
from wsendpoints.groups.envelopes import Envelope, Envelopes
from wsendpoints.groups.gap import Gap, ignore_gap
from wsendpoints.groups.group import Group
from wsendpoints.groups.members import Members
from wsendpoints.groups.stream import Missing, Stream
from wsendpoints.lifecycle.hooks import lifecycle_of
from wsendpoints.messages.archive import Archive
from wsendpoints.protocol.close_codes import check_close_code
from wsendpoints.protocol.exceptions import BackplaneError, PositionLost

__all__ = ["CONTROL", "Incoming", "archive_of"]

logger: logging.Logger = logging.getLogger("wsendpoints")

CONTROL: Final = "!"
"""The name of what processes tell each other beside the messages: no group can have it."""

_MOST: Final = 20_000
"""Messages that wait here. What comes beyond that is found missing later, and read, or told."""

_RETRY: Final = 0.1
"""Seconds until a history is read again that could not be read."""

_PATIENCE: Final = 1.0
"""Seconds in which a publish has ended."""

_QUIET: Final = 10.0
"""Seconds between two warnings."""

_ANYTHING: Final = Archive(Any, "a group that is a string")

Step: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


def archive_of(group: Group[Any] | str) -> Archive:
    """Return what writes the messages of a group, and reads them."""
    return group.archive() if isinstance(group, Group) else _ANYTHING


@final
class Incoming:
    """Receives from a backplane, and sends to the members.

    One task does all of it, so that what comes is sent in the order in which it came.

    Args:
        backplane: Where it comes from.
        members: The members.
        envelopes: Those of this process.
        overflow: What becomes of messages for slow clients, in groups that are strings.

    Attributes:
        streams: Those of the groups that are subscribed to, by name.
        dropped: How many messages were none, or could not be read.
    """

    def __init__(
        self, backplane: Backplane, members: Members, envelopes: Envelopes, overflow: Overflow
    ) -> None:
        self.streams: dict[str, Stream] = {}
        self.dropped: int = 0
        self._backplane = backplane
        self._members = members
        self._envelopes = envelopes
        self._overflow: Overflow = overflow
        self._waiting: deque[tuple[Stream, Step]] = deque()
        self._more = anyio.Event()
        self._overrun: set[str] = set()
        self._warned_at = -_QUIET

    # What `Backplane` calls.

    def message(self, name: str, number: int, data: bytes) -> None:
        """Take a message."""
        stream = self.streams.get(name)
        if stream is None:
            return
        if len(self._waiting) >= _MOST:
            self._overrun.add(name)
            return
        stream.seen = max(stream.seen, number)
        self._waiting.append((stream, partial(self._take, stream, number, data)))
        self._more.set()

    def fenced(self, heads: Mapping[str, int]) -> None:
        """Take note of where groups are."""
        for name, head in heads.items():
            stream = self.streams.get(name)
            if stream is not None:
                self._waiting.append((stream, partial(self._fence, stream, head)))
        self._more.set()

    def down(self) -> None:
        """Take note that nothing comes."""
        for stream in self.streams.values():
            stream.is_up = False
            self._waiting.append((stream, partial(self._down, stream, stream.seen)))
        self._more.set()

    # What the rest of the process calls.

    def use(self, name: str, group: Group[Any] | str) -> Stream:
        """Return a group's stream, which is there until `release`, and while it has members."""
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = Stream(name, group)
            self._backplane.subscribe((name,))
        stream.users += 1
        return stream

    def release(self, stream: Stream) -> None:
        """Need it no more."""
        stream.users -= 1
        self.look(stream.name)

    def look(self, name: str) -> None:
        """Have the group's messages come no more, if nobody needs them."""
        stream = self.streams.get(name)
        if stream is not None and not stream.users and name not in self._members.channels:
            del self.streams[name]
            self._backplane.unsubscribe((name,))

    def overflow_of(self, group: Group[Any] | str) -> Overflow:
        """Return what becomes of a group's messages for slow clients."""
        return group.overflow if isinstance(group, Group) else self._overflow

    async def run(self) -> None:
        """Send what comes to the members, until this is cancelled."""
        while True:
            while not self._waiting:
                self._more = anyio.Event()
                if self._overrun:
                    overrun, self._overrun = self._overrun, set()
                    # The fence that follows tells what is missing, if nothing comes after it.
                    self._backplane.subscribe([name for name in overrun if name in self.streams])
                await self._more.wait()
            stream, step = self._waiting.popleft()
            if self.streams.get(stream.name) is stream:
                await step()

    def message_of(self, stream: Stream, envelope: Envelope, number: int) -> tuple[Any] | None:
        """Return a message, unless it can't be read, as one of a newer version."""
        position = None if stream.history is None else str(number)
        data = envelope.data
        if not isinstance(stream.group, Group):
            # Its members take the messages of a class, too, as what they are written as.
            data = b"|" + data.partition(b"|")[2]
        try:
            return (archive_of(stream.group).read(data, position),)
        except Exception as exc:  # noqa: BLE001 - whatever a validator raises for what is none
            self._drop(stream, type(exc).__name__)
            return None

    def open(self, stream: Stream, sealed: bytes) -> Envelope | None:
        """Return an envelope; `None` if it is none."""
        try:
            return self._envelopes.open(sealed)
        except ValueError:
            self._drop(stream, "no envelope of this version")
            return None

    def _drop(self, stream: Stream, why: str) -> None:
        self.dropped += 1
        now = monotonic()
        if now - self._warned_at >= _QUIET:
            self._warned_at = now
            logger.warning(
                "%s: what another process published can't be read (%s); %d were dropped so far",
                stream.name,
                why,
                self.dropped,
            )

    async def _take(self, stream: Stream, number: int, data: bytes) -> None:
        missing = stream.before(number)
        if missing is None or missing > 0:
            await self._fill(stream, number - 1, missing)
            # It may have been read as well.
            missing = stream.before(number)
        if missing == 0:
            await self._deliver(stream, number, data)

    async def _down(self, stream: Stream, seen: int) -> None:
        stream.went_down(seen)

    async def _fence(self, stream: Stream, head: int) -> None:
        missing = stream.fenced(head)
        if missing != 0:
            await self._fill(stream, head, missing)
        stream.came_up()

    async def _fill(self, stream: Stream, head: int, missing: Missing) -> None:
        """Hand on what is missing up to a number, if it is kept, and tell what is not."""
        if stream.saying:
            # The members have these. They are missing here if they came to nobody.
            with anyio.move_on_after(_PATIENCE):
                for said in [*stream.saying]:
                    await said.wait()
        entries: list[tuple[int, bytes]] = []
        if stream.history is not None and head > stream.last:
            entries = await self._read(stream, None if missing is None else stream.last)
            if missing is not None:
                # All that is kept was read, if something is not.
                entries = [entry for entry in entries if entry[0] > stream.last]
        # They begin behind the last one, unless not all is kept.
        kept_after = entries[0][0] - 1 if entries else head
        if missing is None:
            stream.begin_anew()
            self._lose(stream, kept_after, None)
        elif kept_after > stream.last:
            self._lose(stream, kept_after, stream.missing(kept_after))
        for number, data in entries:
            await self._deliver(stream, number, data)

    async def _read(self, stream: Stream, after: int | None) -> list[tuple[int, bytes]]:
        """Return what is kept after a number: all of it, or what there is."""
        while self.streams.get(stream.name) is stream:
            try:
                return await self._backplane.read(stream.name, after)
            except PositionLost:
                after = None
            except BackplaneError:
                await anyio.sleep(_RETRY)
        return []

    async def _deliver(self, stream: Stream, number: int, sealed: bytes) -> None:
        """Send a message to the members."""
        envelope = self.open(stream, sealed)
        stream.current = number
        if envelope is not None and not (envelope.is_said and envelope.is_ours):
            found = self.message_of(stream, envelope, number)
            if found is None:
                pass
            elif stream.name == CONTROL:
                self._obey(stream, found[0])
            else:
                await self._send(stream, found[0], envelope)
        stream.reach(number)

    async def _send(self, stream: Stream, message: Any, envelope: Envelope) -> None:
        overflow = self.overflow_of(stream.group)
        excluded = self._envelopes.excluded(envelope)
        try:
            stream.reached = await self._members.broadcast(stream.name, message, overflow, excluded)
        except Exception:
            # A class that does not declare it, say, which the publisher's process does not have.
            logger.exception("%s: a message of another process can't be sent", stream.name)

    def _obey(self, stream: Stream, command: Any) -> None:
        """Close the members of a group, as another process asks."""
        try:
            name, code, reason = command
            check_close_code(code)
            close = partial(self._members.close, str(name), code, str(reason))
        except (ValueError, TypeError) as exc:
            self._drop(stream, type(exc).__name__)
        else:
            close()

    def _lose(self, stream: Stream, number: int, lost: Missing) -> None:
        """Go on after a number, and tell the members that some messages are lost."""
        stream.reach(number)
        if lost == 0:
            return
        channel = self._members.channels.get(stream.name)
        endpoints: Collection[Any] = () if channel is None else [*channel.endpoints.values()]
        logger.info(
            "%s: %s messages were lost for %d members",
            stream.name,
            "unknown" if lost is None else lost,
            len(endpoints),
        )
        for listener in () if channel is None else channel.listeners:
            listener.missed(lost)
        gap = Gap(stream.group, lost)
        for endpoint in endpoints:
            lifecycle, kind = lifecycle_of(endpoint), cast("Any", type(endpoint))
            # It may be about to end.
            if kind.on_gap is not ignore_gap and lifecycle.tasks is not None:
                lifecycle.start_soon(endpoint.on_gap, (endpoint.websocket, gap))
