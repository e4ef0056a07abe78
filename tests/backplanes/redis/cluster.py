"""A Redis Cluster of the tests' own."""

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Final, Self, final

import anyio
from anyio import to_thread
from coredis import Redis
from coredis.tokens import PureToken

from tests.ports import HOST, reserve_port
from wsendpoints.backplanes.redis_server import Server
from wsendpoints.backplanes.redis_wire import Keys, slot_of

from .nodes import eventually, new_name
from .server import RedisServer

__all__ = ["RedisCluster", "cluster_server"]

_KEYS: Final = Keys("wse", is_sharded=True)

_PRIMARIES: Final = 3

_SERVERS: Final = _PRIMARIES + 1

_TIMEOUT: Final = "3000"
"""Milliseconds after which the others take a server for dead: the tests have it back before. They
talk twice as often, and so soon know what became of each other."""


def cluster_server(bus: socket.socket) -> RedisServer:
    """Return a server of a cluster, which talks to the others on a port that is reserved."""
    return RedisServer(
        *("--cluster-enabled", "yes", "--cluster-port", str(bus.getsockname()[1])),
        *("--cluster-node-timeout", _TIMEOUT, "--cluster-replica-no-failover", "yes"),
        *("--repl-diskless-sync-delay", "0"),
    )


@final
class RedisCluster:
    """Servers that each have a range of the slots, as `redis-cli --cluster create` has them.

    Attributes:
        servers: Three of them, and a replica of the first.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._buses = [self._stack.enter_context(reserve_port()) for _ in range(_SERVERS)]
        self.servers: list[RedisServer] = [cluster_server(bus) for bus in self._buses]

    @property
    def url(self) -> str:
        """How to connect to one of the servers, and so to all."""
        return self.servers[0].url

    def slots(self, place: int) -> range:
        """Return the slots that a server begins with."""
        return range(place * 16384 // _PRIMARIES, (place + 1) * 16384 // _PRIMARIES)

    def name_at(self, place: int) -> str:
        """Return the name of a group, which no other test has, in a slot of a server."""
        while True:
            name = new_name()
            if slot_of(_KEYS.channel(name)) in self.slots(place):
                return name

    @asynccontextmanager
    async def client(self, place: int) -> AsyncGenerator[Redis[bytes]]:
        """Connect to one of the servers, and to no other."""
        async with Redis(host=HOST, port=self.servers[place].port) as client:
            yield client

    async def each(self, func: Callable[["Redis[bytes]"], Awaitable[object]]) -> None:
        """Have something done by each of the servers."""
        for place in range(_SERVERS):
            async with self.client(place) as client:
                await func(client)

    async def disconnect_all(self) -> None:
        """End all connections of clients, as a network does that breaks."""

        async def disconnect(client: "Redis[bytes]") -> None:
            for kind in (PureToken.NORMAL, PureToken.PUBSUB):
                await client.client_kill(type_=kind)

        await self.each(disconnect)

    async def until_whole(self) -> None:
        """Wait until each of the servers says that all slots are served."""

        async def is_whole(client: "Redis[bytes]") -> bool:
            info = await client.cluster_info()
            return (info["cluster_state"], info["cluster_known_nodes"]) == ("ok", str(_SERVERS))

        await self.each(lambda client: eventually(partial(is_whole, client)))

    async def restart(self, place: int) -> None:
        """Start a server that was killed, and wait until it does its part again. It is empty."""
        await to_thread.run_sync(self.servers[place].start)
        await self.until_whole()

    async def move(self, slot: int, source: int, target: int) -> None:
        """Move a slot, with all that is in it, as `redis-cli --cluster reshard` does."""
        async with self.client(source) as giving, self.client(target) as taking:
            giver = await giving.cluster_myid()
            taker = await taking.cluster_myid()
            await taking.cluster_setslot(slot, importing=giver)
            await giving.cluster_setslot(slot, migrating=taker)
            while keys := await giving.cluster_getkeysinslot(slot, 100):
                port = self.servers[target].port
                await giving.migrate(HOST, port, 0, 10_000, *keys)
            for place in (target, source, *({*range(_PRIMARIES)} - {target, source})):
                async with self.client(place) as client:
                    await client.cluster_setslot(slot, node=taker)

    async def fail_over(self, source: int, target: int) -> None:
        """Have a replica become the primary, with all that was written, and wait until all know."""

        async def is_in_step() -> bool:
            async with self.client(target) as client:
                return (await client.info("replication")).get("master_link_status") == "up"

        async def knows(server: RedisServer) -> bool:
            rows = await Server(server.url, None).ask(b"CLUSTER SLOTS")
            return any(row[2][1] == self.servers[target].port for row in rows)

        await eventually(is_in_step)
        async with self.client(source) as client:
            with client.ensure_replication(1, 60_000):
                # What was written before is replicated before.
                await client.set(_KEYS.tag(self.name_at(0)), "1")
        async with self.client(target) as client:
            # Without a vote: whoever gave one just now gives none for a while.
            await client.cluster_failover(PureToken.TAKEOVER)
        for server in self.servers:
            await eventually(partial(knows, server))

    async def _join(self) -> None:
        bus = self._buses[0].getsockname()[1]
        for place in range(_SERVERS):
            async with self.client(place) as client:
                await client.cluster_set_config_epoch(place + 1)
                if place < _PRIMARIES:
                    slots = self.slots(place)
                    await client.cluster_addslotsrange([(slots[0], slots[-1])])
                if place:
                    await client.cluster_meet(HOST, self.servers[0].port, bus)
        await self.until_whole()
        async with self.client(0) as first, self.client(_PRIMARIES) as replica:
            await replica.cluster_replicate(await first.cluster_myid())

    def __enter__(self) -> Self:
        for server in self.servers:
            self._stack.enter_context(server)
        anyio.run(self._join)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
