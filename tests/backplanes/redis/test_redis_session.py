"""One connect to Redis: what is subscribed to, and what is told of it."""

import anyio
import pytest
from coredis import Redis

from tests.clocks import REAL_TIME
from wsendpoints.backplanes import RedisBackplane, redis_session
from wsendpoints.backplanes.redis_session import Wanted
from wsendpoints.backplanes.redis_wire import Keys

from .nodes import Node, bodies, eventually, new_name, publish_at_last, running
from .proxy import proxied
from .server import RedisServer

pytestmark = pytest.mark.anyio

OFTEN = 0.2


def wanted(*names: str) -> Wanted:
    """Return some that are wanted, and subscribed to."""
    some = Wanted(Keys("wse"))
    some.add(names)
    some.take()
    return some


def test_wanted_are_taken_once() -> None:
    """Those that come and those that go, in chunks."""
    some = wanted("a", "b", "c")
    some.add(["d"])
    some.discard(["b", "unknown"])
    assert some.by_channel == {b"wse:{a}": "a", b"wse:{c}": "c", b"wse:{d}": "d"}
    assert some.take() == (["d"], ["b"])
    assert some.take() == ([], [])
    some.add(f"{count}" for count in range(600))
    assert [len(some.take()[0]) for _ in range(3)] == [512, 88, 0]


def test_last_word_counts() -> None:
    """Of wanting it and not wanting it, before either was done."""
    some = wanted("a", "b")
    some.discard(["a"])
    some.add(["a"])
    some.add(["c"])
    some.discard(["c"])
    assert some.take() == (["a"], ["c"])


def test_name_that_comes_back_is_another() -> None:
    """A fence of its first time is none of its second; wanted twice, it stays the same."""
    some = wanted("a")
    first = some.names["a"]
    some.add(["a"])
    assert some.names["a"] is first
    some.discard(["a"])
    some.add(["a"])
    assert some.names["a"] is not first


def test_new_connection_wants_all() -> None:
    """And has nothing to unsubscribe from."""
    some = wanted("a", "b")
    some.discard(["b"])
    some.restart()
    assert some.take() == (["a"], [])


@REAL_TIME
async def test_fence_follows_for_each_subscription(redis: RedisServer) -> None:
    """Also for one that was there; its head is where the group is."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(name)
        first = node.heads[name]
        for count in range(1, 4):
            await node.publish(name, b"1")
            await node.subscribe(name)
            assert (node.heads[name], len(bodies(node, name))) == (first + count, count)


@REAL_TIME
async def test_fence_comes_behind_what_was_published(redis: RedisServer) -> None:
    """However slow the connections are: nothing up to its head comes later, and none is missing."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(name)
        first = node.heads[name]
        proxy.mode = "delay"
        is_over = anyio.Event()

        async def publish() -> None:
            while not is_over.is_set():
                await other.backplane.publish(name, b"1", None)

        async with anyio.create_task_group() as group:
            group.start_soon(publish)
            for _ in range(3):
                await node.subscribe(name)
                # `Node` checks that the number never goes back.
                assert node.heads[name] - first == len(bodies(node, name))
            is_over.set()
        assert not node.lost


@REAL_TIME
@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "with_another"])
async def test_unsubscribed_while_being_subscribed_to(redis: RedisServer, is_alone: bool) -> None:
    """No fence follows, and nothing is handed on; it can be subscribed to again."""
    name, other_name = new_name(), new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        proxy.mode = "delay"
        node.backplane.subscribe([name] if is_alone else [name, other_name])

        async def is_subscribed() -> bool:
            return bool(await client.pubsub_channels(f"wse:{{{name}}}"))

        async with Redis.from_url(redis.url) as client:
            await eventually(is_subscribed)
        node.backplane.unsubscribe([name])
        await other.publish(name, b"1")
        if not is_alone:
            await node.until(lambda: other_name in node.is_up, "`fenced`")
        await node.subscribe(other_name)
        assert name not in node.heads
        await node.subscribe(name)
        await node.reach(name, await other.publish(name, b"2"))
        assert bodies(node, name) == [b"2"]


@REAL_TIME
async def test_numbers_of_silent_groups_live_on(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as somebody subscribes; if they are lost all the same, new ones begin."""
    monkeypatch.setattr(redis_session, "_REFRESH", 0.05)
    names = [new_name() for _ in range(3)]
    async with (
        running(RedisBackplane(redis.url)) as (node,),
        Redis.from_url(redis.url) as client,
    ):
        await node.subscribe(*names)
        counters = [f"wse:{{{name}}}:n" for name in names]
        before = await client.mget(counters)
        for counter in counters:
            await client.expire(counter, 3600)

        async def have_long_to_live() -> bool:
            return all([await client.ttl(counter) > 3600 for counter in counters])

        await eventually(have_long_to_live)
        assert await client.mget(counters) == before
        await client.delete(counters)

        async def are_back() -> bool:
            return await client.exists(counters) == len(counters)

        await eventually(are_back)
        await node.reach(names[0], await node.publish(names[0], b"1"))


@REAL_TIME
@pytest.mark.parametrize("way", ["speaking", "hearing"])
async def test_silence_of_either_connection_ends_the_session(redis: RedisServer, way: str) -> None:
    """Redis does not answer, or it does, but nothing is heard."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url, _ping=OFTEN)) as (node,),
    ):
        await node.subscribe(name)
        proxy.swallow(only={"speaking": 0, "hearing": 1}[way])
        await node.come_back(0, name)
        await node.reach(name, await publish_at_last(node, name, b"after"))


@REAL_TIME
async def test_word_of_others_on_our_own_channel_is_dropped(redis: RedisServer) -> None:
    """Nobody else fences for us."""
    name = new_name()
    backplane = RedisBackplane(redis.url)
    async with running(backplane) as (node,), Redis.from_url(redis.url) as client:
        await node.subscribe(name)
        for channel in await client.pubsub_channels("wse:node:*"):
            await client.publish(channel, "fence")
        await client.publish(f"wse:{{{name}}}", "garbage")
        await node.reach(name, await node.publish(name, b"1"))
        await node.subscribe(name)
        assert backplane.dropped == 2


def told_lost(node: Node, name: str) -> int:
    """Return how many messages were told to be lost."""
    return node.lost.get(name, 0)


@REAL_TIME
async def test_many_groups_come_back_after_a_reset(redis: RedisServer) -> None:
    """All of them are fenced, and what each lost is told."""
    names = [new_name() for _ in range(1100)]
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(*names)
        proxy.mode = "cut"
        await proxy.reset()
        await node.until(lambda: node.downs == 1, "`down`")
        for start in range(0, len(names), 50):
            async with anyio.create_task_group() as group:
                for name in names[start : start + 50]:
                    group.start_soon(other.backplane.publish, name, b"1", None)
        proxy.mode = "pass"
        await node.come_back(0, *names)
        assert {told_lost(node, name) for name in names} == {1}
