"""Who is in which group, over all processes: one sign of life a process, whatever it holds."""

from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from wsendpoints.backplanes.logs import History
from wsendpoints.backplanes.redis_scripts import BEAT, BURY, ENTER, KILL, LEAVE
from wsendpoints.backplanes.redis_session import COUNTER_TTL, Session
from wsendpoints.backplanes.redis_wire import Keys, kept
from wsendpoints.protocol.exceptions import BackplaneError, GroupFullError

__all__ = ["Entry", "Presence"]

_CHUNK: Final = 64
"""So many connections are entered again at a time."""

_FIRST: Final = 1
_FULL: Final = -1
_DEAD: Final = -2


@final
class Entry:
    """A connection of a user in a group.

    Args:
        name: The name of the group.
        connection: What tells it from all others of this process, in this group.
        user: Whose it is.
        joined: What is published if it is the first of the user.
        left: What is published when the last of the user's leaves.
        history: How much of the group is kept.

    Attributes:
        place: The name and the connection.
        node: What the process was called when it was counted; empty if that is not known.
    """

    __slots__ = ("history", "joined", "left", "node", "place", "user")

    def __init__(
        self,
        name: str,
        connection: str,
        user: str,
        joined: bytes,
        left: bytes,
        history: History | None,
    ) -> None:
        self.place: tuple[str, str] = (name, connection)
        self.user: str = user
        self.joined: bytes = joined
        self.left: bytes = left
        self.history: History | None = history
        self.node: str = ""


@final
class Presence:
    """The connections that this process has in groups.

    Each session is a node of its own. It enters the connections that there are, and then removes
    the node before, as it would remove a dead one. So all is right again, and nobody is told of a
    user that was there all the time, whatever happened in between: connections that ended, a Redis
    that forgot everything, or others that took this process for dead.

    Args:
        keys: How things are called in Redis.
        ttl: Seconds of silence after which a process is dead.
    """

    def __init__(self, keys: Keys, ttl: float) -> None:
        self._keys = keys
        self._ttl = ttl
        self._session: Session | None = None
        self._entries: dict[tuple[str, str], Entry] = {}
        self._before: list[str] = []

    async def run(
        self, session: Session, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        """Be there until this is cancelled.

        Raises:
            BackplaneError: The connection is lost, or others took this process for dead.
        """
        await self._beat(session, is_new=True)
        self._session = session
        task_status.started()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._restore, session)
                while True:
                    await anyio.sleep(self._ttl / 3)
                    for node, tags in (await self._beat(session, is_new=False)).items():
                        await self._bury(session, node.decode(), tags, is_dead=False)
        finally:
            self._session = None
            self._before.append(session.node)

    async def leave(self) -> None:
        """End, and let the users leave at once, as far as there is a connection."""
        session, self._session = self._session, None
        self._entries.clear()
        if session is not None:
            # If it fails, the others find out.
            with suppress(BackplaneError):
                await self._bury(session, session.node, self._keys.tags, is_dead=True)

    async def enter(self, entry: Entry, most: int | None) -> bool:
        """Count a connection; return whether it is the first of its user.

        Raises:
            GroupFullError: The user would be one too many.
            BackplaneError: It is not known to be counted, and will not be.
        """
        session = self._connected()
        # From here on `depart` finds it.
        self._entries[entry.place] = entry
        try:
            request = self._entering(session, entry, most)
            outcome = _outcome(await request)
            entry.node = session.node
            if outcome == _FULL:
                raise GroupFullError(f"{entry.place[0]}: {most} users are in it already")
        except BaseException:
            # It may have been counted. The request to forget it comes behind the one to count it;
            # if the connection is lost, the next session does it.
            self._forget(session, entry)
            raise
        return outcome == _FIRST

    async def depart(self, name: str, connection: str) -> None:
        """Count it no more."""
        entry = self._entries.pop((name, connection), None)
        if entry is not None and self._session is not None:
            # If it fails, the next session finds it gone.
            with suppress(BackplaneError):
                await self._session.link.call(LEAVE, *self._leaving(self._session, entry))

    async def users(self, name: str) -> list[str]:
        """Return the users of a group.

        Raises:
            BackplaneError: They can't be read now.
        """
        users = await self._connected().link.members(self._keys.users(name))
        return [user.decode(errors="surrogatepass") for user in users]

    def _connected(self) -> Session:
        if self._session is None:
            raise BackplaneError("not connected to Redis")
        return self._session

    def _entering(self, session: Session, entry: Entry, most: int | None) -> Awaitable[Any]:
        name, connection = entry.place
        tag = self._keys.tag(name)
        return session.link.start(
            ENTER,
            [
                *self._keys.presence(name, session.node),
                self._keys.nodes(tag),
                self._keys.places(session.node, tag),
            ],
            session.node,
            connection,
            # A client may have sent half a surrogate pair.
            entry.user.encode(errors="surrogatepass"),
            entry.joined,
            entry.left,
            "" if most is None else most,
            self._keys.channel(name),
            COUNTER_TTL,
            *kept(entry.history),
            name,
        )

    def _forget(self, session: Session, entry: Entry) -> None:
        if self._entries.get(entry.place) is entry:
            del self._entries[entry.place]
        with suppress(BackplaneError):
            session.link.start(LEAVE, *self._leaving(session, entry))

    def _leaving(self, session: Session, entry: Entry) -> tuple[Any, ...]:
        name, connection = entry.place
        keys = self._keys.presence(name, session.node)
        return keys, connection, self._keys.channel(name), COUNTER_TTL

    async def _restore(self, session: Session) -> None:
        """Enter what there was before, and then remove the nodes that it was counted under."""
        # What is said of it now, if anything, is heard here too.
        await session.is_settled.wait()
        entries = [*self._entries.values()]
        for start in range(0, len(entries), _CHUNK):
            # One that has no node is being entered just now, or was, in vain. Between this look
            # and the requests nothing is awaited: a `depart` comes before them, or behind.
            some = [
                entry
                for entry in entries[start : start + _CHUNK]
                if self._entries.get(entry.place) is entry and entry.node not in ("", session.node)
            ]
            requests = [self._entering(session, entry, None) for entry in some]
            for entry, request in zip(some, requests, strict=True):
                _outcome(await request)
                entry.node = session.node
        while self._before:
            await self._bury(session, self._before[0], self._keys.tags, is_dead=True)
            del self._before[0]

    async def _beat(self, session: Session, *, is_new: bool) -> Mapping[bytes, Sequence[str]]:
        """Give a sign of life, and return some nodes that gave none for too long, with tags."""
        args = session.node, round(self._ttl * 1000), int(is_new)
        requests = [
            (tag, session.link.start(BEAT, [self._keys.nodes(tag)], *args))
            for tag in self._keys.tags
        ]
        dead: defaultdict[bytes, list[str]] = defaultdict(list)
        for tag, request in requests:
            nodes = await request
            if nodes is None:
                raise BackplaneError("this process was taken for dead, or Redis was emptied")
            for node in nodes:
                dead[node].append(tag)
        return dead

    async def _bury(
        self, session: Session, node: str, tags: Sequence[str], *, is_dead: bool
    ) -> None:
        """Remove a node's connections. Several may do so at the same time, and leave at any point.

        Args:
            session: What it is done by.
            node: Whose.
            tags: In the groups of which.
            is_dead: Whether it is known to be dead, even if it gave a sign of life just now.
        """
        while tags:
            places = {tag: self._keys.places(node, tag) for tag in tags}
            killing = [
                session.link.start(KILL, [self._keys.nodes(tag), places[tag]], node, int(is_dead))
                for tag in tags
            ]
            burying: list[Awaitable[Any]] = []
            left: list[str] = []
            for tag, request in zip(tags, killing, strict=True):
                names = [name.decode() for name in await request or ()]
                burying += [
                    session.link.start(
                        BURY,
                        [*self._keys.presence(name, node), places[tag]],
                        self._keys.channel(name),
                        COUNTER_TTL,
                        name,
                    )
                    for name in names
                ]
                if names:
                    left.append(tag)
            for buried in burying:
                await buried
            tags = left


def _outcome(answer: int) -> int:
    if answer == _DEAD:
        raise BackplaneError("this process was taken for dead")
    return answer
