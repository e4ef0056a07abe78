"""A Redis Cluster: how its servers are found, and what each of them has."""

from functools import partial
from typing import Final

import anyio
import pytest
from coredis import Redis

from tests.clocks import GENEROUS, REAL_TIME
from tests.ports import HOST, reserve_port
from wsendpoints.backplanes import History, RedisBackplane
from wsendpoints.backplanes.redis_cluster import Cluster, ClusterLink
from wsendpoints.backplanes.redis_server import Server
from wsendpoints.backplanes.redis_wire import Garbage, Keys, slot_of
from wsendpoints.protocol.exceptions import BackplaneError, PositionLost
from wsendpoints.testing import check_backplane

from .cluster import RedisCluster, cluster_server
from .nodes import RIGHTS, Delays, Node, bodies, new_name, running
from .server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient")]

HISTORY: Final = History(messages=10_000)

ODD_NAMES: Final = ["", "{", "}", "{}", "}{", "{a}", "a}b", "{a", "a b\n", "ä", "\U0001f600"]


def has_heard(node: Node, name: str, count: int) -> bool:
    """Whether so many messages were handed on."""
    return len(bodies(node, name)) == count


@REAL_TIME
async def test_cluster_keeps_it(cluster: RedisCluster) -> None:
    """All of it, while connections are reset."""
    await check_backplane(
        lambda: RedisBackplane(cluster.url, cluster=True),
        disrupt=cluster.disconnect_all,
        messages=40,
    )


@REAL_TIME
async def test_many_groups_are_on_all_servers(cluster: RedisCluster) -> None:
    """Two processes, connected to by different servers, exchange messages: once, and in order."""
    names = [new_name() for _ in range(50)]
    places = {(slot_of(Keys("wse", is_sharded=True).channel(name)) * 3) // 16384 for name in names}
    assert places == {0, 1, 2}
    planes = [RedisBackplane(cluster.servers[it].url, cluster=True) for it in (0, 1)]
    async with running(*planes) as nodes:
        for node in nodes:
            await node.subscribe(*names)

        async def publish(node: Node, name: str) -> None:
            for count in range(10):
                await node.backplane.publish(name, b"%d" % count, None)

        async with anyio.create_task_group() as group:
            for place, name in enumerate(names):
                group.start_soon(publish, nodes[place % 2], name)
                group.start_soon(publish, nodes[(place + 1) % 2], name)
        for name in names:
            for node in nodes:
                await node.until(partial(has_heard, node, name, 20), "all messages")
            received = nodes[0].received[name]
            assert received == nodes[1].received[name]
            assert sorted(bodies(nodes[0], name)) == sorted(b"%d" % (it // 2) for it in range(20))
        assert not any(node.lost for node in nodes)


@REAL_TIME
@pytest.mark.parametrize("is_kept", [False, True], ids=["plain", "history"])
async def test_group_may_be_called_anything(cluster: RedisCluster, is_kept: bool) -> None:
    """Braces in its name say nothing about its slot."""
    history = HISTORY if is_kept else None
    names = [f"{name}{new_name()}" for name in ODD_NAMES] + [
        f"{new_name()}{name}" for name in ODD_NAMES
    ]
    async with running(*(RedisBackplane(cluster.url, cluster=True) for _ in range(2))) as nodes:
        await nodes[0].subscribe(*names)
        for name in names:
            await nodes[0].reach(name, await nodes[1].publish(name, name.encode(), history))
            assert await nodes[1].enter(name, "1", "ada", most=1)
        for name in names:
            await nodes[0].until(partial(has_heard, nodes[0], name, 2), "both")
            assert bodies(nodes[0], name) == [name.encode(), b"+ada"]
            assert await nodes[0].users(name) == ["ada"]


@REAL_TIME
async def test_history_is_read(cluster: RedisCluster) -> None:
    """After a position, or the last messages; one that is not kept is told."""
    names = [cluster.name_at(place) for place in range(3)]
    async with running(RedisBackplane(cluster.url, cluster=True)) as (node,):
        for name in names:
            numbers = [await node.publish(name, b"%d" % count, HISTORY) for count in range(5)]
            kept = [*zip(numbers, (b"0", b"1", b"2", b"3", b"4"), strict=True)]
            assert await node.read(name, None) == kept
            assert await node.read(name, numbers[1]) == kept[2:]
            with pytest.raises(PositionLost):
                await node.read(name, numbers[0] - 2)


@REAL_TIME
async def test_unsubscribed_and_subscribed_again(cluster: RedisCluster) -> None:
    """That a channel is left is an answer to us, and no word of a slot that has gone."""
    name = cluster.name_at(0)
    async with running(RedisBackplane(cluster.url, cluster=True)) as (node,):
        await node.subscribe(name)
        for _ in range(3):
            node.backplane.unsubscribe([name])
            # The same server is told of it behind that, so the channel is left once it answers.
            await node.subscribe(cluster.name_at(0))
            await node.publish(name, b"unheard")
            await node.subscribe(name)
            await node.reach(name, await node.publish(name, b"heard"))
        assert {*bodies(node, name)} == {b"heard"}
        assert node.downs == 0


@REAL_TIME
async def test_each_answer_to_an_unsubscribe_is_expected(cluster: RedisCluster) -> None:
    """However many are on their way; one more says that the slot has gone."""
    keys = Keys("wse", is_sharded=True)
    channel = keys.channel(new_name())
    known = Cluster(Server(cluster.url, None))
    link = ClusterLink(known, keys, "test", Garbage(), ping=GENEROUS)
    heard: list[bytes] = []

    def take(kind: bytes, channel: bytes, data: int) -> None:
        heard.append(kind)

    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await link.open(group, take)
            link.unsubscribe([channel])
            link.subscribe([channel])
            link.unsubscribe([channel])
            await link.fence([channel])
            # Redis was told, and nobody here.
            vars(link)["_links"][slot_of(channel)].unsubscribe([channel])
            await anyio.sleep_forever()
    assert heard == [b"ssubscribe"]
    assert caught.group_contains(BackplaneError, match="slot of the Redis Cluster has another")


@REAL_TIME
async def test_word_of_others_on_our_own_channels_is_dropped(cluster: RedisCluster) -> None:
    """On each server there is one."""
    name = cluster.name_at(0)
    backplane = RedisBackplane(cluster.url, cluster=True)
    channels: set[bytes] = set()
    async with running(backplane) as (node,):
        await node.subscribe(name)
        for place in range(3):
            async with cluster.client(place) as client:
                for channel in await client.pubsub_shardchannels("wse:*node:*"):
                    channels.add(channel)
                    await client.spublish(channel, b"fence")
        await node.subscribe(name)
        for place in range(3):
            # What was said before is heard before.
            await node.subscribe(cluster.name_at(place))
        assert len(channels) == 3
        assert backplane.dropped == 3


@REAL_TIME
async def test_server_that_is_in_no_cluster(redis: RedisServer) -> None:
    """That is told at the start."""
    backplane = RedisBackplane(redis.url, cluster=True)
    with pytest.raises(BackplaneError, match=r"Redis refuses: .*cluster support disabled"):
        await backplane.run(Node(backplane, Delays(0)))


@REAL_TIME
async def test_server_of_a_cluster_alone(cluster: RedisCluster) -> None:
    """The error says what to write instead."""
    backplane = RedisBackplane(cluster.url)
    name = cluster.name_at(1)
    with pytest.raises(BackplaneError, match=r"RedisBackplane\(url, cluster=True\) goes there"):
        await _publish(backplane, name)


async def _publish(backplane: RedisBackplane, name: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await group.start(backplane.run, Node(backplane, Delays(0)))
            await backplane.publish(name, b"1", None)
    raise caught.value.exceptions[0]


@REAL_TIME
async def test_nobody_is_there() -> None:
    """That is told."""
    with reserve_port() as reserved:
        backplane = RedisBackplane(f"redis://{HOST}:{reserved.getsockname()[1]}", cluster=True)
        with pytest.raises(BackplaneError, match="Redis can't be reached"):
            await backplane.run(Node(backplane, Delays(0)))


@REAL_TIME
@pytest.mark.parametrize("kind", ["ip", "hostname", "unknown-endpoint"])
async def test_servers_are_where_the_cluster_says(cluster: RedisCluster, kind: str) -> None:
    """Or, if it says that it does not know or will not tell, on the host that was asked."""

    async def say(client: "Redis[bytes]", kind: str) -> None:
        await client.config_set({"cluster-preferred-endpoint-type": kind})

    slots = [cluster.slots(place)[0] for place in range(3)]
    await cluster.each(lambda client: say(client, kind))
    try:
        known = Cluster(Server(cluster.url.replace(HOST, "localhost"), None))
        for _ in range(5):
            found = await known.primaries(slots)
            assert [vars(it)["_location"].port for it in found.values()] == [
                server.port for server in cluster.servers[:3]
            ]
            assert {it.host for it in found.values()} <= {"localhost", HOST}
    finally:
        await cluster.each(lambda client: say(client, "ip"))


@REAL_TIME
async def test_slot_that_nobody_has() -> None:
    """That is told: what is in it can't be published."""
    with reserve_port() as bus, cluster_server(bus) as server:
        known = Cluster(Server(server.url, None))
        async with Redis.from_url(server.url) as client:
            await client.cluster_addslotsrange([(0, 99)])
        # It does not know its own address, as long as it is alone.
        found = await known.primaries([0, 99])
        assert (found[0].host, found[0]) == (HOST, found[99])
        with pytest.raises(BackplaneError, match="no server of the Redis Cluster has slot 100"):
            await known.primaries([99, 100])


@REAL_TIME
async def test_rights_that_it_needs(cluster: RedisCluster) -> None:
    """Those that docs/groups.md says, and those to ask where the slots are; on all servers."""
    rights = [*RIGHTS, "+cluster|slots"]
    await cluster.each(
        lambda client: client.acl_setuser("wse", "on", ">secret", "~wse:*", "&wse:*", *rights)
    )
    url = cluster.url.replace("//", "//wse:secret@")
    name = new_name()
    async with running(RedisBackplane(url, cluster=True)) as (node,):
        await node.subscribe(name)
        async with running(RedisBackplane(url, cluster=True)) as (other,):
            await other.enter(name, "1", "ada", most=5)
            await other.enter(name, "2", "bob", most=5)
            await other.depart(name, "1")
            assert await node.users(name) == ["bob"]
        await node.until(partial(has_heard, node, name, 4), "messages")
        assert await node.read(name, None) == node.received[name]
        node.backplane.unsubscribe([name])
        await node.subscribe(new_name())
        assert node.downs == 0
    await cluster.each(lambda client: client.acl_deluser(["wse"]))
