"""The connections to a Redis Cluster: a link to each server that has some of the slots."""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, final

import anyio
from anyio.abc import TaskGroup

from wsendpoints.backplanes.redis_link import Link, Take
from wsendpoints.backplanes.redis_scripts import HEADS, Script
from wsendpoints.backplanes.redis_server import Request, Server, Value
from wsendpoints.backplanes.redis_wire import Garbage, Keys, slot_of
from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["Cluster", "ClusterLink"]

_UNKNOWN: Final = (None, b"", b"?")
"""What a server says for a host if it is to be the one that was asked."""


@final
class Cluster:
    """Which server has which slots, as far as is known: it is asked for before each connect.

    Args:
        server: Any server of it. The others are logged in to alike.

    Raises:
        ConfigurationError: It can be none.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seed = (server.host, server)
        self._others: list[tuple[str, Server]] = []

    async def primaries(self, slots: Iterable[int]) -> Mapping[int, Server]:
        """Return the server that has each of some slots; the same object for each of the same.

        Raises:
            BackplaneError: Nobody answers, or nobody has one of them.
        """
        rows, asked = await self._ask()
        servers: dict[tuple[str, int], Server] = {}
        ranges: list[tuple[int, int, Server]] = []
        for first, last, *nodes in rows:
            # The primary is the first; the replicas may know more than it once it is lost.
            places = [_place(node, asked) for node in nodes]
            for host, port in places:
                servers.setdefault((host, port), self._server.at(host, port))
            ranges.append((first, last, servers[places[0]]))
        owners = {slot: _owner(slot, ranges) for slot in slots}
        self._others = [(host, server) for (host, _), server in servers.items()]
        return owners

    async def _ask(self) -> tuple[list[Any], str]:
        # One that was cut off from the others may say what was so. So the next time it is another.
        seeds = [self._seed, *self._others]
        random.shuffle(seeds)
        reasons: list[BackplaneError] = []
        for host, server in seeds:
            try:
                return await server.ask(b"CLUSTER SLOTS"), host
            except BackplaneError as exc:
                reasons.append(exc)
        raise reasons[0]


def _place(node: Sequence[Any], asked: str) -> tuple[str, int]:
    host, port = node[:2]
    return asked if host in _UNKNOWN else host.decode(), port


def _owner(slot: int, ranges: Iterable[tuple[int, int, Server]]) -> Server:
    for first, last, server in ranges:
        if first <= slot <= last:
            return server
    raise BackplaneError(f"no server of the Redis Cluster has slot {slot}")


@final
class ClusterLink:
    """A link to each server that has some of the slots that are used; they end together.

    Its methods are those of `Link`. Each request goes to the server that has the slot of its keys.
    Once that is another one, for any slot that something goes to, all of it ends.

    Args:
        cluster: Where the servers are.
        keys: How things are called.
        node: What this process is called.
        garbage: What others publish where only we do is counted.
        ping: Seconds between two signs of life of each server.
    """

    def __init__(
        self, cluster: Cluster, keys: Keys, node: str, garbage: Garbage, *, ping: float
    ) -> None:
        self._cluster = cluster
        self._keys = keys
        self._node = node
        self._garbage = garbage
        self._ping = ping
        self._links: dict[int, Link] = {}
        self._leaving: defaultdict[bytes, int] = defaultdict(int)

    async def open(self, group: TaskGroup, take: Take) -> None:
        """Connect; if one of the connections is lost later, the group ends with a BackplaneError.

        Raises:
            BackplaneError: A server can't be reached, or refuses. It comes in an `ExceptionGroup`,
                or not.
        """

        def take_or_end(kind: bytes, channel: bytes, data: Any) -> None:
            if kind == b"sunsubscribe":
                self._left(channel)
            else:
                take(kind, channel, data)

        tags = {slot_of(tag.encode()): tag for tag in self._keys.tags}
        links: dict[Server, Link] = {}
        for slot, server in (await self._cluster.primaries(tags)).items():
            if server not in links:
                # A channel that this server has the slot of: we hear ourselves through each.
                own = self._keys.node(self._node, tags[slot])
                links[server] = Link(server, own, self._garbage, ping=self._ping, is_sharded=True)
            self._links[slot] = links[server]
        async with anyio.create_task_group() as opening:
            for link in links.values():
                opening.start_soon(link.open, group, take_or_end)

    def start(self, script: Script, keys: Sequence[bytes], *args: Value) -> Request:
        """Run a script; all keys have the same tag."""
        return self._link(keys[0]).start(script.sharded, keys, *args)

    async def call(self, script: Script, keys: Sequence[bytes], *args: Value) -> Any:
        """Run a script, and return what it returns."""
        return await self.start(script, keys, *args)

    async def heads(self, counters: Sequence[bytes], ttl: int) -> list[bytes]:
        """Return the numbers that some counters are at."""
        requests = [(some, self.start(HEADS, some, ttl)) for some in _by_slot(counters)]
        heads: dict[bytes, bytes] = {}
        for some, request in requests:
            heads.update(zip(some, await request, strict=True))
        return [heads[counter] for counter in counters]

    async def members(self, key: bytes) -> list[bytes]:
        """Return the members of a sorted set."""
        return await self._link(key).members(key)

    def subscribe(self, channels: Collection[bytes]) -> None:
        """Ask for what is published on some channels."""
        for some in _by_slot(channels):
            self._link(some[0]).subscribe(some)

    def unsubscribe(self, channels: Collection[bytes]) -> None:
        """Ask for it no more."""
        for some in _by_slot(channels):
            for channel in some:
                self._leaving[channel] += 1
            self._link(some[0]).unsubscribe(some)

    async def fence(self, channels: Collection[bytes]) -> None:
        """Wait until all that was published on some channels is handed on, or is lost."""
        async with anyio.create_task_group() as group:
            for link in {self._link(channel) for channel in channels}:
                group.start_soon(link.fence, channels)

    def _left(self, channel: bytes) -> None:
        """Take note that a channel is unsubscribed from: we asked for it, or its slot has gone."""
        if channel not in self._leaving:
            raise BackplaneError("a slot of the Redis Cluster has another server")
        self._leaving[channel] -= 1
        if not self._leaving[channel]:
            del self._leaving[channel]

    def _link(self, key: bytes) -> Link:
        return self._links[slot_of(key)]


def _by_slot(keys: Iterable[bytes]) -> Collection[list[bytes]]:
    """Return them by their slots: a command is about one of those."""
    slots: defaultdict[int, list[bytes]] = defaultdict(list)
    for key in keys:
        slots[slot_of(key)].append(key)
    return slots.values()
