"""The backplane that is Redis."""

import logging
import random
import ssl
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from typing_extensions import override

from wsendpoints.backplanes.backplane import Backplane, Receiver
from wsendpoints.backplanes.logs import History
from wsendpoints.backplanes.redis_presence import Entry, Presence
from wsendpoints.backplanes.redis_scripts import PUBLISH, READ
from wsendpoints.backplanes.redis_session import COUNTER_TTL, Session, Wanted
from wsendpoints.backplanes.redis_wire import MAX_SIZE, Garbage, Keys, kept
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError, PositionLost

if TYPE_CHECKING:
    # It needs coredis, which `Groups` without Redis do without.
    from wsendpoints.backplanes.redis_cluster import ClusterLink
    from wsendpoints.backplanes.redis_link import Link

__all__ = ["RedisBackplane"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_SOON: Final = 1.0
"""Seconds in which something is published, or is not known to be."""

_READ: Final = 5.0
"""Seconds in which something is read: a history may be large."""

_LEAVING: Final = 2.0
"""Seconds in which users leave when a process ends."""

_FIRST_DELAY: Final = 0.05
_LAST_DELAY: Final = 0.8
"""Seconds until the connection is made anew: twice as many after each failure, up to the last."""

_LASTING: Final = 5.0
"""Seconds after which one that is lost had not failed."""

_LASTING_IN_CLUSTER: Final = 0.5
"""The same where each slot that is moved to another server ends one that works."""


@final
class RedisBackplane(Backplane):
    """Carries the messages of groups between processes, on any number of machines, by Redis.

    It needs coredis: `pip install "wsendpoints[redis]"`. A process has two connections to Redis, to
    each primary if it is a cluster, whatever it does. What Redis does not get is not published;
    what is lost on the way from it is told exactly. Connections that broke are made anew within a
    second after Redis is back; that they went silent is found out within four.

    Args:
        url: Such as `redis://user:password@host:6379/0`; `rediss://...` with TLS; `unix:///path`.
        cluster: Whether it is that of any server of a Redis Cluster (Redis 7, or Valkey), whose
            user, password and TLS are those of all. All processes say the same.
        prefix: What all keys and channels begin with. Applications that share a Redis have one
            each, for they could read each other's messages.
        required: Whether it is an error if Redis can't be reached at the start. If not, it is
            tried again, as it is after a connection was lost.
        presence_ttl: Seconds of silence after which a process is dead, and its users have left.
        ssl_context: For `rediss://`; `None` for one that checks the certificate and the name.

    Raises:
        ConfigurationError: An argument is none of these, or coredis is not installed.
    """

    presence: ClassVar[bool] = True

    def __init__(
        self,
        url: str,
        *,
        cluster: bool = False,
        prefix: str = "wse",
        required: bool = True,
        presence_ttl: float = 10.0,
        ssl_context: ssl.SSLContext | None = None,
        _ping: float = 1.0,
    ) -> None:
        if not presence_ttl > 0:
            raise ConfigurationError(f"presence_ttl={presence_ttl!r}: use a number above 0")
        self._required = required
        self._lasting = _LASTING_IN_CLUSTER if cluster else _LASTING
        self._keys = Keys(prefix, is_sharded=cluster)
        self._garbage = Garbage()
        self._connect = _links(
            url, ssl_context, self._keys, self._garbage, ping=_ping, cluster=cluster
        )
        self._wanted = Wanted(self._keys)
        self._presence = Presence(self._keys, presence_ttl)
        self._session: Session | None = None

    @property
    def dropped(self) -> int:
        """How much was dropped that others published, and that is no message."""
        return self._garbage.dropped

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        started = anyio.Event()
        failures: list[BackplaneError] = []
        # When this is cancelled, the connections stay until the users have left.
        supervision = anyio.CancelScope(shield=True)

        async def supervise() -> None:
            with supervision:
                try:
                    await self._supervise(receiver, started)
                except BackplaneError as exc:
                    failures.append(exc)
                    started.set()

        async with anyio.create_task_group() as group:
            group.start_soon(supervise)
            try:
                await started.wait()
                if not failures:
                    task_status.started()
                    await anyio.sleep_forever()
            finally:
                with anyio.move_on_after(_LEAVING, shield=True):
                    await self._presence.leave()
                supervision.cancel()
        raise failures[0]

    async def _supervise(self, receiver: Receiver, started: anyio.Event) -> None:
        delay = _FIRST_DELAY
        while True:
            begun_at = anyio.current_time()
            was_started = started.is_set()
            is_hearing, is_up = anyio.Event(), anyio.Event()
            reason = await self._serve(receiver, is_hearing, is_up, started)
            if self._required and not started.is_set():
                raise reason
            if is_hearing.is_set() or not was_started:
                receiver.down()
            if is_up.is_set() or not was_started:
                # Once, and not for each try.
                logger.warning("RedisBackplane: %s: trying again", reason)
            started.set()
            if anyio.current_time() - begun_at > self._lasting:
                delay = _FIRST_DELAY
            # Not all processes at the same moment.
            await anyio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 - no secret
            delay = min(2 * delay, _LAST_DELAY)

    async def _serve(
        self,
        receiver: Receiver,
        is_hearing: anyio.Event,
        is_up: anyio.Event,
        started: anyio.Event,
    ) -> BackplaneError:
        """Take part until a connection is lost, and return why.

        Args:
            receiver: What is heard is handed on to it.
            is_hearing: Is set once it is.
            is_up: Is set once everything works.
            started: Is set then too.
        """
        reason = BackplaneError("the connection to Redis is lost")
        session = Session(self._connect, self._keys, self._wanted, receiver, self._garbage)
        try:
            async with anyio.create_task_group() as group:
                await group.start(session.run)
                is_hearing.set()
                await group.start(self._presence.run, session)
                self._session = session
                logger.info("RedisBackplane: connected")
                is_up.set()
                started.set()
        except* BackplaneError as failed:
            reason = _first(failed)
        finally:
            self._session = None
        return reason

    @override
    def subscribe(self, names: Collection[str]) -> None:
        self._wanted.add(names)

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        self._wanted.discard(names)

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        if len(data) > MAX_SIZE:
            raise BackplaneError(f"{name}: a message of {len(data)} bytes: at most {MAX_SIZE}")
        with _limit(_SOON):
            session = self._connected()
            async with session.publishing:
                keys = self._keys.counter(name), self._keys.stream(name)
                number: bytes = await session.link.call(
                    PUBLISH, keys, self._keys.channel(name), data, COUNTER_TTL, *kept(history)
                )
        return int(number)

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        with _limit(_READ):
            keys = self._keys.counter(name), self._keys.stream(name)
            found = await self._connected().link.call(READ, keys, "" if after is None else after)
        head, entries = _history(found)
        if after is None:
            return _tail(entries, head)
        # They ascend: if they are as many as there are numbers, none is missing.
        if found is None or len(entries) != head - after or (entries and entries[-1][0] != head):
            raise PositionLost(f"{name}: what came after {after} is not kept")
        return entries

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
        with _limit(_SOON):
            return await self._presence.enter(
                Entry(name, connection, user, joined, left, history), most
            )

    @override
    async def depart(self, name: str, connection: str) -> None:
        with anyio.move_on_after(_SOON):
            await self._presence.depart(name, connection)

    @override
    async def users(self, name: str) -> list[str]:
        with _limit(_READ):
            return await self._presence.users(name)

    def _connected(self) -> Session:
        if self._session is None:
            raise BackplaneError("not connected to Redis")
        return self._session


def _links(
    url: str,
    ssl_context: ssl.SSLContext | None,
    keys: Keys,
    garbage: Garbage,
    *,
    ping: float,
    cluster: bool,
) -> "Callable[[str], Link | ClusterLink]":
    """Return what makes new connections for a node."""
    try:
        # Not before somebody wants Redis.
        from wsendpoints.backplanes.redis_cluster import Cluster, ClusterLink
        from wsendpoints.backplanes.redis_link import Link
        from wsendpoints.backplanes.redis_server import Server
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            'RedisBackplane needs coredis: pip install "wsendpoints[redis]"'
        ) from exc
    server = Server(url, ssl_context)
    if cluster:
        known = Cluster(server)
        return lambda node: ClusterLink(known, keys, node, garbage, ping=ping)
    (tag,) = keys.tags
    return lambda node: Link(server, keys.node(node, tag), garbage, ping=ping)


@contextmanager
def _limit(seconds: float) -> Generator[None]:
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise BackplaneError(f"Redis did not answer within {seconds:g} s") from None


def _first(group: "ExceptionGroup[BackplaneError]") -> BackplaneError:
    """Return what happened first."""
    exc = group.exceptions[0]
    return _first(exc) if isinstance(exc, ExceptionGroup) else exc


def _history(found: Any) -> tuple[int, list[tuple[int, bytes]]]:
    """Return the number of the last message of a group, and those that were read."""
    if found is None:
        return 0, []
    head, rows = found
    return int(head), [(int(id.partition(b"-")[0]), fields[1]) for id, fields in rows]


def _tail(entries: list[tuple[int, bytes]], head: int) -> list[tuple[int, bytes]]:
    """Return those up to the head without a hole: what is before one is of a former life."""
    first = len(entries)
    while first and entries[first - 1][0] == head - (len(entries) - first):
        first -= 1
    return entries[first:]
