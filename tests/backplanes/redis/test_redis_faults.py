"""What breaks between a process and Redis, and what becomes of it."""

import logging
from typing import Final

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread
from coredis import Redis

from tests.clocks import GENEROUS, REAL_TIME
from tests.ports import HOST, reserve_port
from wsendpoints.backplanes import History, RedisBackplane
from wsendpoints.protocol.exceptions import BackplaneError

from .nodes import Delays, Node, bodies, eventually, new_name, publish_at_last, running
from .proxy import proxied
from .server import RedisServer

pytestmark = [pytest.mark.anyio, REAL_TIME]

HISTORY: Final = History(messages=10_000)

OFTEN: Final = 0.2
"""Seconds between signs of life: a dead connection is found after three times as much."""


def all_are_told(node: Node, name: str, first: int) -> bool:
    """Whether each message came, or was told to be lost; exactly once."""
    return len(node.received[name]) + node.lost.get(name, 0) == node.heads[name] - first


async def test_r01_down_at_the_start_is_an_error() -> None:
    """`run` fails loudly."""
    with reserve_port() as reserved:
        backplane = RedisBackplane(f"redis://{HOST}:{reserved.getsockname()[1]}/0")
        with pytest.raises(BackplaneError, match="Redis can't be reached"):
            await backplane.run(Node(backplane, Delays(0)))


async def test_r01_down_at_the_start_may_be_allowed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried again, and meanwhile nothing can be published."""
    server = RedisServer()
    name = new_name()
    try:
        async with running(RedisBackplane(server.url, required=False)) as (node,):
            assert node.downs == 1
            with pytest.raises(BackplaneError, match="not connected to Redis"):
                await node.backplane.publish(name, b"1", None)
            node.backplane.subscribe([name])
            await to_thread.run_sync(server.start)
            await node.until(lambda: name in node.is_up, "`fenced`")
            await node.backplane.publish(name, b"2", None)
            await node.until(lambda: bodies(node, name) == [b"2"], "the message")
    finally:
        server.close()
    warnings = [it for it in caplog.records if it.name == "wsendpoints" and it.levelno > 20]
    assert len(warnings) == 1, "one warning, not one for each try"


async def test_r02_killed_and_back(mortal_redis: RedisServer) -> None:
    """While it is gone a publish fails; when it is back, all goes on, with numbers above."""
    name = new_name()
    plane, other = RedisBackplane(mortal_redis.url), RedisBackplane(mortal_redis.url)
    async with running(plane, other) as (node, _):
        await node.subscribe(name)
        before = await other.publish(name, b"before", HISTORY)
        await node.reach(name, before)
        await to_thread.run_sync(mortal_redis.kill)
        await node.until(lambda: node.downs == 1, "`down`")
        with pytest.raises(BackplaneError):
            await plane.publish(name, b"meanwhile", None)
        with pytest.raises(BackplaneError):
            await plane.read(name, None)
        await to_thread.run_sync(mortal_redis.start)
        await node.come_back(0, name)
        # Redis forgot all: what came before can't be followed, and no number is given twice.
        after = await publish_at_last(node, name, b"after")
        assert after > before + 1
        await node.reach(name, after)
        assert bodies(node, name) == [b"before", b"after"]
        assert await plane.read(name, None) == []


@pytest.mark.parametrize("history", [None, HISTORY], ids=["plain", "history"])
async def test_r03_reset(redis: RedisServer, history: History | None) -> None:
    """What was published meanwhile is told exactly, and is in the history."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(name)
        first = node.heads[name]
        proxy.mode = "cut"
        await proxy.reset()
        await node.until(lambda: node.downs == 1, "`down`")
        missed = [b"%d" % count for count in range(30)]
        for data in missed:
            await other.backplane.publish(name, data, history)
        proxy.mode = "pass"
        await node.come_back(0, name)
        await node.reach(name, await other.backplane.publish(name, b"after", history))
        assert (bodies(node, name), node.lost[name]) == ([b"after"], 30)
        if history is not None:
            entries = await node.backplane.read(name, first)
            assert [data for _, data in entries] == [*missed, b"after"]


async def test_r04_blackhole_is_found_and_left(redis: RedisServer) -> None:
    """Connections that swallow everything are found by their silence."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url, _ping=OFTEN), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(name)
        first = node.heads[name]
        await node.reach(name, await other.publish(name, b"before"))
        proxy.swallow()
        for count in range(30):
            await other.publish(name, b"%d" % count)
        await node.come_back(0, name)
        await node.reach(name, await other.publish(name, b"after"))
        assert (bodies(node, name), node.lost[name]) == ([b"before", b"after"], 30)
        assert all_are_told(node, name, first)


async def test_r04_blackhole_for_all_that_is_new(redis: RedisServer) -> None:
    """A publish fails within a second, then at once; when it is over, all goes on."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        # Silence is found after a publish has failed by itself.
        running(RedisBackplane(proxy.url, _ping=0.6)) as (node,),
    ):
        await node.subscribe(name)
        proxy.mode = "blackhole"
        proxy.swallow()
        with pytest.raises(BackplaneError, match="Redis did not answer within 1 s"):
            await node.backplane.publish(name, b"lost", None)
        await node.until(lambda: node.downs == 1, "`down`")
        with pytest.raises(BackplaneError, match="not connected to Redis"):
            await node.backplane.publish(name, b"lost", None)
        proxy.mode = "pass"
        await node.come_back(0, name)
        await node.reach(name, await publish_at_last(node, name, b"after"))
        assert bodies(node, name) == [b"after"]


async def test_r05_killed_for_reading_too_slowly(mortal_redis: RedisServer) -> None:
    """Redis ends a connection that does not take what it is sent: that is a reset."""
    name = new_name()
    async with Redis.from_url(mortal_redis.url) as client:
        await client.config_set({"client-output-buffer-limit": "pubsub 1mb 0 0"})
    large = b"." * 500_000
    async with (
        proxied(mortal_redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(mortal_redis.url)) as (node, other),
    ):
        await node.subscribe(name)
        first = node.heads[name]
        proxy.stop_reading()
        while not mortal_redis.has_logged("overcoming of output buffer limits"):
            await other.backplane.publish(name, large, None)
        proxy.go_on_reading()
        await node.come_back(0, name)
        await node.reach(name, await other.publish(name, b"after"))
        assert node.lost[name] > 0
        assert all_are_told(node, name, first)


async def test_r06_garbage_is_dropped(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """What is no message is dropped, counted, and told once; the others come."""
    name = new_name()
    backplane = RedisBackplane(redis.url)
    garbage = [
        *(b"", b"secret", b"12", b"x|y", b"-1|y", b"1.5|y", b"12345678901234567|y"),
        *(b"\xff\xfe|", b"gASVBgAAAAAAAACMAnRvlC4=", b"1|" + b"." * (16 * 1024 * 1024 + 20)),
    ]
    async with running(backplane) as (node,), Redis.from_url(redis.url) as client:
        await node.subscribe(name)
        for data in garbage:
            await client.publish(f"wse:{{{name}}}", data)
        for channel in await client.pubsub_channels("wse:node:*"):
            await client.publish(channel, "secret")
        await node.reach(name, await node.publish(name, b"after"))
        assert bodies(node, name) == [b"after"]
        assert backplane.dropped == len(garbage) + 1
        assert node.downs == 0
    (warning,) = [it for it in caplog.records if it.name == "wsendpoints" and it.levelno > 20]
    assert warning.levelno == logging.WARNING
    assert warning.getMessage() == (
        f"RedisBackplane: what is published on 'wse:{{{name}}}' is no message: dropped, 1 in all"
    )


async def test_r07_each_message_once(redis: RedisServer) -> None:
    """One's own come back once, however often it subscribes, and whatever is reset."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(name)
        first = node.heads[name]

        async def publish(one: Node) -> None:
            for count in range(100):
                if count == 50 and one is node:
                    await proxy.reset()
                await publish_at_last(one, name, b"%d" % count)
                one.backplane.subscribe([name])

        async with anyio.create_task_group() as group:
            group.start_soon(publish, node)
            group.start_soon(publish, other)
        await node.until(lambda: node.downs == 1, "`down`")
        await node.subscribe(name)
        numbers = [number for number, _ in node.received[name]]
        assert numbers == sorted({*numbers})
        assert all_are_told(node, name, first)


async def test_r08_cancelled_in_mid_publish(redis: RedisServer) -> None:
    """The others get their own numbers, by the same connections."""
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url)) as (node,),
    ):
        await node.subscribe(name)
        made = proxy.made
        proxy.mode = "delay"
        published: dict[int, bytes] = {}

        async def publish(count: int) -> None:
            data = b"%d" % count
            published[await node.backplane.publish(name, data, None)] = data

        for count in range(8):
            async with anyio.create_task_group() as group:
                group.start_soon(publish, 3 * count)
                async with anyio.create_task_group() as cancelled:
                    cancelled.start_soon(node.backplane.publish, name, b"cancelled", None)
                    group.start_soon(publish, 3 * count + 1)
                    # Some are on their way by then. None of them is answered before it is sent on.
                    for _ in range(count):
                        await anyio.lowlevel.checkpoint()
                    cancelled.cancel_scope.cancel()
                group.start_soon(publish, 3 * count + 2)
        await node.reach(name, max(published))
        assert len(published) == 24
        assert published.items() <= dict(node.received[name]).items()
        assert set(bodies(node, name)) - {*published.values()} == {b"cancelled"}
        assert (proxy.made, node.lost) == (made, {})


async def test_r09_all_of_this_on_trio(redis: RedisServer, anyio_backend_name: str) -> None:
    """All tests here run on both loops; this one knows that it does."""
    assert anyio.get_cancelled_exc_class().__module__.split(".")[0] == anyio_backend_name
    name = new_name()
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url)) as (node,),
    ):
        for count in range(3):
            await node.subscribe(name)
            await proxy.reset()
            await node.come_back(count, name)
        await node.reach(name, await publish_at_last(node, name, b"after"))


async def test_r10_connections_are_two(redis: RedisServer) -> None:
    """However many groups there are, and users, and messages under way."""
    names = [new_name() for _ in range(5000)]
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url), RedisBackplane(redis.url)) as (node, other),
    ):
        await node.subscribe(*names)

        async def publish(name: str) -> None:
            await node.backplane.enter(
                name, "1", "ada", joined=b"+", left=b"-", most=None, history=None
            )
            await node.reach(name, await other.backplane.publish(name, b"1", HISTORY))
            await node.backplane.read(name, None)

        with anyio.fail_after(GENEROUS):
            async with anyio.create_task_group() as group:
                for name in names[::100]:
                    group.start_soon(publish, name)
        assert all(bodies(node, name) == [b"+", b"1"] for name in names[::100])
        node.backplane.unsubscribe(names)
        assert (proxy.open, proxy.made) == (2, 2)

        async def is_silent() -> bool:
            async with Redis.from_url(redis.url) as client:
                return not await client.pubsub_channels("wse:{test:*")

        await eventually(is_silent)


async def test_nothing_is_left(redis: RedisServer, anyio_backend_name: str) -> None:
    """When `run` has ended, so have its tasks and its connections."""
    async with proxied(redis.port) as proxy:
        async with running(RedisBackplane(proxy.url)) as (node,):
            await node.subscribe(new_name())
            assert proxy.open == 2

        async def is_closed() -> bool:
            return not proxy.open

        await eventually(is_closed)
        for task in anyio.get_running_tasks():
            assert "coredis" not in str(task.coro) + str(task.name), task
