"""Who is in which group, over all processes, whatever becomes of them."""

from functools import partial
from typing import Final

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread
from coredis import Redis

from tests.clocks import REAL_TIME
from wsendpoints.backplanes import History, RedisBackplane
from wsendpoints.protocol.exceptions import BackplaneError, GroupFullError

from .nodes import Node, bodies, eventually, new_name, running
from .other_process import other_process
from .proxy import proxied
from .server import RedisServer

pytestmark = [pytest.mark.anyio, REAL_TIME]

SHORT: Final = 0.6
"""Seconds after which a silent process is dead."""

LONGER: Final = 1.5
"""The same, where one that is not silent must not be taken for dead, on a busy machine."""

OFTEN: Final = 0.2


async def enter(
    node: Node,
    name: str,
    user: str,
    connection: str = "1",
    *,
    most: int | None = None,
    history: History | None = None,
) -> bool:
    """Count a connection, with messages that say whose."""
    return await node.backplane.enter(
        name,
        connection,
        user,
        joined=f"+{user}".encode(errors="surrogatepass"),
        left=f"-{user}".encode(errors="surrogatepass"),
        most=most,
        history=history,
    )


def has_heard(node: Node, name: str, *data: bytes) -> bool:
    """Whether some messages were handed on."""
    return {*bodies(node, name)}.issuperset(data)


async def until_here(node: Node, name: str, *users: str) -> None:
    """Wait until some are in a group, and nobody else."""

    async def are_here() -> bool:
        try:
            return await node.backplane.users(name) == [*users]
        except BackplaneError:
            return False

    await eventually(are_here)


async def test_killed_process_is_found_by_the_others(redis: RedisServer) -> None:
    """Its users leave, once each, after the ttl; those that are elsewhere too stay."""
    name = new_name()
    planes = [RedisBackplane(redis.url, presence_ttl=LONGER) for _ in range(2)]
    async with running(*planes) as nodes:
        for node in nodes:
            await node.subscribe(name)
        await enter(nodes[0], name, "ada")
        with other_process(redis.url, LONGER, name, "ada", "bob", "cyd") as process:
            # All hear of it while it is there.
            await nodes[1].until(lambda: b"+cyd" in bodies(nodes[1], name), "a message")
            process.kill()
        for node in nodes:
            await node.until(partial(has_heard, node, name, b"-bob", b"-cyd"), "word of it")
        # Both are at it by now, if they will ever be.
        for node in nodes:
            await node.reach(name, await node.publish(name, b"."))
        for node in nodes:
            told = [data for data in bodies(node, name) if data != b"."]
            assert told[:3] == [b"+ada", b"+bob", b"+cyd"]
            assert sorted(told[3:]) == [b"-bob", b"-cyd"]
        assert await nodes[1].backplane.users(name) == ["ada"]


async def test_users_of_a_process_that_ends_leave_at_once(redis: RedisServer) -> None:
    """However many groups they are in: the others need not wait for the ttl."""
    names = [new_name() for _ in range(300)]
    history = History(messages=5)
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(*names)
        async with (
            running(RedisBackplane(redis.url)) as (other,),
            anyio.create_task_group() as group,
        ):
            for name in names:
                for user in ("ada", "bob"):
                    await enter(other, name, user, user, history=history)
            group.cancel_scope.cancel()
        await node.until(
            lambda: all(len(bodies(node, name)) == 4 for name in names), "that all have left"
        )
        for name in names[::50]:
            assert not await node.backplane.users(name)
            # Said by nobody who is there, and kept all the same.
            assert [data for _, data in await node.backplane.read(name, None)] == bodies(node, name)


async def test_more_connections_than_are_buried_in_one_go(redis: RedisServer) -> None:
    """A node of many connections in one group leaves none behind."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(name)
        async with running(RedisBackplane(redis.url)) as (other,):
            for start in range(0, 1200, 50):
                async with anyio.create_task_group() as group:
                    for count in range(start, start + 50):
                        group.start_soon(enter, other, name, f"user {count // 2}", str(count))
            assert len(await node.backplane.users(name)) == 600
        await node.until(lambda: len(bodies(node, name)) == 1200, "that all have left")
        assert await node.backplane.users(name) == []


async def test_nobody_is_told_of_a_reset(redis: RedisServer) -> None:
    """Who was there before, and is after it, was there all the time; who left meanwhile left."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        await other.subscribe(name)
        await enter(node, name, "ada")
        await enter(node, name, "bob", "2")
        proxy.mode = "cut"
        await proxy.reset()
        await node.until(lambda: node.downs == 1, "`down`")
        with pytest.raises(BackplaneError, match="not connected to Redis"):
            await enter(node, name, "cyd", "3")
        with pytest.raises(BackplaneError, match="not connected to Redis"):
            await node.backplane.users(name)
        await node.backplane.depart(name, "2")
        await node.backplane.depart(name, "3")
        proxy.mode = "pass"
        await other.until(lambda: b"-bob" in bodies(other, name), "that one has left")
        await until_here(node, name, "ada")
        assert bodies(other, name) == [b"+ada", b"+bob", b"-bob"]
        await node.backplane.depart(name, "1")
        assert await other.backplane.users(name) == []


async def test_emptied_redis_gets_all_users_again(mortal_redis: RedisServer) -> None:
    """FLUSHALL, or an empty restart: each process says again who is with it."""
    name = new_name()
    async with running(RedisBackplane(mortal_redis.url, presence_ttl=SHORT)) as (node,):
        await node.subscribe(name)
        for count in range(100):
            await enter(node, name, f"{count}", f"{count}")
        async with Redis.from_url(mortal_redis.url) as client:
            await client.flushall()
        await until_here(node, name, *(f"{count}" for count in range(100)))
        await to_thread.run_sync(mortal_redis.kill)
        await to_thread.run_sync(mortal_redis.start)
        await until_here(node, name, *(f"{count}" for count in range(100)))


async def test_process_that_was_taken_for_dead_comes_back(redis: RedisServer) -> None:
    """The others are told that its users left, and that they came again."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(
            RedisBackplane(proxy.url, presence_ttl=SHORT, _ping=OFTEN),
            RedisBackplane(redis.url, presence_ttl=SHORT),
        ) as (node, other),
    ):
        await other.subscribe(name)
        await enter(node, name, "ada")
        proxy.mode = "blackhole"
        proxy.swallow()
        await other.until(lambda: b"-ada" in bodies(other, name), "that it is dead")
        proxy.mode = "pass"
        await other.until(lambda: len(bodies(other, name)) == 3, "that it came back")
        assert bodies(other, name) == [b"+ada", b"-ada", b"+ada"]
        assert await other.backplane.users(name) == ["ada"]


async def test_node_that_is_dead_counts_nobody(redis: RedisServer) -> None:
    """What arrives late of it changes nothing any more."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,), Redis.from_url(redis.url) as client:
        await client.zrem("wse:nodes", await client.zrange("wse:nodes", 0, -1))
        with pytest.raises(BackplaneError, match="this process was taken for dead"):
            await enter(node, name, "ada")
        assert await node.backplane.users(name) == []
        assert not await client.keys(f"wse:{{{name}}}*")


@pytest.mark.parametrize("mode", ["blackhole", "delay"])
async def test_enter_that_is_not_known_to_be_counted_is_not(redis: RedisServer, mode: str) -> None:
    """It raises, or is cancelled: nobody is there then, nor later."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url, _ping=0.6), RedisBackplane(redis.url)) as (
            node,
            other,
        ),
    ):
        await node.subscribe(name)
        proxy.mode = "delay"
        if mode == "blackhole":
            # Redis gets it. The answer is lost.
            proxy.swallow(answers=True)
            with pytest.raises(BackplaneError, match="Redis did not answer within 1 s"):
                await enter(node, name, "ada")
            await until_here(other, name)
            await node.come_back(0, name)
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(enter, node, name, "ada")
                for _ in range(5):
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            # All this goes by one connection, in the order in which it was asked for.
            await node.reach(name, await node.publish(name, b"."))
            assert bodies(node, name) == [b"+ada", b"-ada", b"."]
            assert node.downs == 0
        proxy.mode = "pass"
        await proxy.reset()
        await node.subscribe(name)
        await until_here(node, name)


async def test_most_counts_over_all_processes(redis: RedisServer) -> None:
    """Of many that enter at once, as many are let in as may be; the others are not counted."""
    name = new_name()
    async with running(*(RedisBackplane(redis.url) for _ in range(3))) as nodes:
        outcomes: list[bool] = []

        async def try_to_enter(node: Node, user: str) -> None:
            try:
                outcomes.append(await enter(node, name, user, user, most=5))
            except GroupFullError:
                outcomes.append(False)

        async with anyio.create_task_group() as group:
            for count in range(30):
                group.start_soon(try_to_enter, nodes[count % 3], f"{count}")
        assert outcomes.count(True) == 5
        users = await nodes[0].backplane.users(name)
        assert len(users) == 5
        for count in range(30):
            await nodes[count % 3].backplane.depart(name, f"{count}")
        assert await nodes[0].backplane.users(name) == []


async def test_same_connection_counts_once(redis: RedisServer) -> None:
    """Entering twice is entering once."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        assert await enter(node, name, "ada")
        assert not await enter(node, name, "ada")
        await node.backplane.depart(name, "1")
        assert await node.backplane.users(name) == []


async def test_users_are_any_text(redis: RedisServer) -> None:
    """A client says who it is: with half a surrogate pair, say."""
    name = new_name()
    users = ["\ud800", "a:b:c", "\0", "\n%d", "ö"]
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(name)
        for user in users:
            await enter(node, name, user, user.encode(errors="surrogatepass").hex())
        assert await node.backplane.users(name) == users
        for user in users:
            await node.backplane.depart(name, user.encode(errors="surrogatepass").hex())
        await node.until(lambda: len(bodies(node, name)) == 10, "that all have left")
        assert bodies(node, name)[5:] == [f"-{it}".encode(errors="surrogatepass") for it in users]


async def test_nothing_said_if_nothing_is_to_be_said(redis: RedisServer) -> None:
    """Empty messages are none."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(name)
        await node.backplane.enter(name, "1", "ada", joined=b"", left=b"", most=None, history=None)
        await node.backplane.depart(name, "1")
        await node.reach(name, await node.publish(name, b"."))
        assert bodies(node, name) == [b"."]


async def test_departed_while_it_is_entered(redis: RedisServer) -> None:
    """It is counted, and then it is not: in the order of the calls. Nor if neither was answered."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url, _ping=OFTEN), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(name)
        proxy.mode = "delay"
        outcomes: list[bool | None] = []

        async def try_to_enter() -> None:
            try:
                outcomes.append(await enter(node, name, "ada"))
            except BackplaneError:
                outcomes.append(None)

        for _ in range(2):
            async with anyio.create_task_group() as group:
                group.start_soon(try_to_enter)
                for _ in range(5):
                    await anyio.lowlevel.checkpoint()
                await node.backplane.depart(name, "1")
            await until_here(other, name)
            proxy.swallow(answers=True)
        assert outcomes == [True, None]
        await node.come_back(0, name)
        await until_here(node, name)


async def test_end_without_a_connection(redis: RedisServer) -> None:
    """The others find out by its silence."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(redis.url, presence_ttl=SHORT)) as (other,),
    ):
        await other.subscribe(name)
        async with running(RedisBackplane(proxy.url, presence_ttl=SHORT)) as (node,):
            await enter(node, name, "ada")
            proxy.mode = "cut"
            await proxy.reset()
            await node.until(lambda: node.downs == 1, "`down`")
        await other.until(partial(has_heard, other, name, b"-ada"), "that it is dead")
