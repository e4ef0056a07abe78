"""What becomes of a Redis Cluster, and what its clients hear of it."""

from functools import partial
from typing import Final

import anyio
import pytest
from anyio import to_thread

from tests.clocks import REAL_TIME
from wsendpoints.backplanes import History, RedisBackplane
from wsendpoints.backplanes.redis_cluster import Cluster
from wsendpoints.backplanes.redis_server import Server
from wsendpoints.backplanes.redis_wire import Keys, slot_of
from wsendpoints.protocol.exceptions import BackplaneError

from .cluster import RedisCluster
from .nodes import Node, bodies, eventually, publish_at_last, running
from .other_process import other_process

pytestmark = pytest.mark.anyio

HISTORY: Final = History(messages=10_000)

OFTEN: Final = 0.2
"""Seconds between signs of life: a dead connection is found after three times as much."""

SHORT: Final = 1.0
"""Seconds after which a silent process is dead."""


def two(cluster: RedisCluster, *, ping: float = 1.0) -> list[RedisBackplane]:
    """Return what two processes have."""
    return [RedisBackplane(cluster.url, cluster=True, _ping=ping) for _ in range(2)]


def slot(name: str) -> int:
    """Return the slot of a group."""
    return slot_of(Keys("wse", is_sharded=True).channel(name))


def all_are_told(node: Node, name: str, first: int) -> bool:
    """Whether each message came, or was told to be lost; exactly once."""
    return len(node.received[name]) + node.lost.get(name, 0) == node.heads[name] - first


async def publish_on(node: Node, name: str, until: anyio.Event) -> list[int]:
    """Publish as often as it can be done, with a history, and return the numbers."""
    numbers: list[int] = []
    while not until.is_set():
        try:
            numbers.append(await node.backplane.publish(name, b"%d" % len(numbers), HISTORY))
        except BackplaneError:
            await anyio.sleep(0.01)
    return numbers


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_server_that_is_killed_and_comes_back(cluster: RedisCluster) -> None:
    """All groups are told of a gap, and go on as soon as it is back; it forgot its own."""
    names = [cluster.name_at(place) for place in range(3)]
    known = Cluster(Server(cluster.servers[1].url, None))
    owners = await known.primaries(map(slot, names))
    async with running(*two(cluster)) as (node, other):
        await node.subscribe(*names)
        before = [await other.publish(name, b"before", HISTORY) for name in names]
        for name, number in zip(names, before, strict=True):
            await node.reach(name, number)
        await to_thread.run_sync(cluster.servers[1].kill)
        await node.until(lambda: node.downs == 1, "`down`")
        with pytest.raises(BackplaneError):
            await node.backplane.publish(names[0], b"meanwhile", None)
        # Whoever knows one of the others asks it.
        found = await known.primaries(map(slot, names))
        assert [vars(it)["_location"] for it in found.values()] == [
            vars(it)["_location"] for it in owners.values()
        ]
        await cluster.restart(1)
        await node.come_back(0, *names)
        kept = [[data for _, data in await node.read(name, None)] for name in names]
        assert kept == [[b"before"], [], [b"before"]]
        for name in names:
            number = await publish_at_last(other, name, b"after")
            await node.reach(name, number)
            assert bodies(node, name) == [b"before", b"after"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_server_that_is_silent(cluster: RedisCluster) -> None:
    """It is found by its silence, though the others speak."""
    names = [cluster.name_at(place) for place in range(3)]
    async with running(*two(cluster, ping=OFTEN)) as (node, other):
        await node.subscribe(*names)
        firsts = [node.heads[name] for name in names]
        with cluster.servers[2].paused():
            await node.until(lambda: node.downs > 0, "`down`")
        await node.come_back(0, *names)
        for name, first in zip(names, firsts, strict=True):
            await node.reach(name, await publish_at_last(other, name, b"after"))
            assert all_are_told(node, name, first)


@REAL_TIME
async def test_slot_is_moved_to_another_server(cluster: RedisCluster) -> None:
    """What is lost meanwhile is told exactly, and is in the history; all goes on."""
    name, other_name = cluster.name_at(1), cluster.name_at(0)
    is_over = anyio.Event()
    numbers: list[int] = []

    async def publish(node: Node) -> None:
        numbers.extend(await publish_on(node, name, is_over))

    async with running(*two(cluster)) as (node, other):
        await node.subscribe(name, other_name)
        first = node.heads[name]
        async with anyio.create_task_group() as group:
            group.start_soon(publish, other)
            for source, target in ((1, 2), (2, 1)):
                downs = node.downs
                await node.reach(name, node.heads[name] + 1)
                await cluster.move(slot(name), source, target)
                await node.come_back(downs, name, other_name)
            await node.reach(name, node.heads[name] + 1)
            is_over.set()
        await node.reach(name, numbers[-1])
        assert all_are_told(node, name, first)
        kept = await node.read(name, first)
        assert {*node.received[name]} <= {*kept}
        assert {*numbers} <= {number for number, _ in kept}
        assert [number for number, _ in kept] == [*range(first + 1, numbers[-1] + 1)]
        await node.reach(other_name, await publish_at_last(other, other_name, b"1"))


@REAL_TIME
async def test_slot_that_is_being_moved(cluster: RedisCluster) -> None:
    """What is published there fails meanwhile, and all begins anew, until it is moved."""
    name = cluster.name_at(0)
    async with (
        running(*two(cluster)) as (node, other),
        cluster.client(0) as giving,
        cluster.client(1) as taking,
    ):
        await taking.cluster_setslot(slot(name), importing=await giving.cluster_myid())
        await giving.cluster_setslot(slot(name), migrating=await taking.cluster_myid())
        try:
            with pytest.raises(BackplaneError, match=f"slot {slot(name)} of the Redis Cluster is"):
                await other.backplane.publish(name, b"1", None)
            await other.until(lambda: other.downs > 0, "`down`")
        finally:
            await giving.cluster_setslot(slot(name), stable=True)
            await taking.cluster_setslot(slot(name), stable=True)
        await node.subscribe(name)
        await node.reach(name, await publish_at_last(other, name, b"2"))
        assert bodies(node, name) == [b"2"]


@REAL_TIME
async def test_replica_becomes_the_primary(cluster: RedisCluster) -> None:
    """Whoever listens there goes to it, also one that publishes nothing."""
    name = cluster.name_at(0)
    async with running(*two(cluster, ping=OFTEN)) as (node, other):
        await node.subscribe(name)
        first = node.heads[name]
        for source, target in ((0, 3), (3, 0)):
            downs = node.downs
            await cluster.fail_over(source, target)
            await node.come_back(downs, name)
            await node.reach(name, await publish_at_last(other, name, b"%d" % target))
        assert all_are_told(node, name, first)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_users_of_a_killed_process(cluster: RedisCluster) -> None:
    """They leave, once each, also where no other process has users."""
    name = cluster.name_at(1)
    planes = [RedisBackplane(cluster.url, cluster=True, presence_ttl=SHORT) for _ in range(2)]
    async with running(*planes) as nodes:
        for node in nodes:
            await node.subscribe(name)
        with other_process(cluster.url, SHORT, name, "ada", "bob", is_cluster=True):
            assert await nodes[0].users(name) == ["ada", "bob"]
        for node in nodes:
            await eventually(partial(are_here, node, name))
            await node.reach(name, await node.publish(name, b"."))
        for node in nodes:
            told = [data for data in bodies(node, name) if data != b"."]
            assert (told[:2], sorted(told[2:])) == ([b"+ada", b"+bob"], [b"-ada", b"-bob"])


async def are_here(node: Node, name: str, *users: str) -> bool:
    """Whether some are in a group, and nobody else."""
    try:
        return await node.backplane.users(name) == [*users]
    except BackplaneError:
        return False


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_users_come_back_after_one_server_forgot_all(cluster: RedisCluster) -> None:
    """Each process says again who is with it."""
    names = [cluster.name_at(place) for place in range(3)]
    backplane = RedisBackplane(cluster.url, cluster=True, presence_ttl=SHORT)
    async with running(backplane) as (node,):
        for name in names:
            await node.enter(name, "1", "ada", most=9)
        async with cluster.client(2) as client:
            await client.flushall()
        assert await node.users(names[2]) == []
        for name in names:
            await eventually(partial(are_here, node, name, "ada"))
        await node.depart(names[2], "1")
        assert await node.users(names[2]) == []


@REAL_TIME
async def test_process_that_ends_takes_its_users_with_it(cluster: RedisCluster) -> None:
    """At once, on all servers; and nothing of it is left there."""
    names = [cluster.name_at(place) for place in range(3)]
    async with running(RedisBackplane(cluster.url, cluster=True)) as (node,):
        known = await nodes_of(cluster)
        async with running(RedisBackplane(cluster.url, cluster=True)) as (other,):
            for name in names:
                await other.enter(name, "1", "ada", most=9)
            assert await nodes_of(cluster) > known
        for name in names:
            assert await node.users(name) == []
        assert await nodes_of(cluster) <= known


async def nodes_of(cluster: RedisCluster) -> set[bytes]:
    """Return all that the cluster keeps of nodes: who is alive, and where each is."""
    found: set[bytes] = set()
    for place in range(3):
        async with cluster.client(place) as client:
            for key in await client.keys("wse:*node*"):
                found.add(key)
                if key.endswith(b"nodes"):
                    found.update(await client.zrange(key, 0, -1))
    return found
