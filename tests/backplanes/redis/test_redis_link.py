"""The two connections: how they are made, what Redis refuses, and how they end."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.lowlevel
import pytest
from anyio.streams.memory import MemoryObjectSendStream
from coredis import Redis
from coredis.connection import BaseConnection

from tests.clocks import GENEROUS, REAL_TIME
from tests.ports import HOST, reserve_port
from wsendpoints.backplanes import redis_link
from wsendpoints.backplanes.redis_link import Link, Take
from wsendpoints.backplanes.redis_scripts import HEADS
from wsendpoints.backplanes.redis_server import Server
from wsendpoints.backplanes.redis_wire import Garbage, Keys, slot_of
from wsendpoints.protocol.exceptions import BackplaneError

from .cluster import RedisCluster
from .nodes import eventually, new_name
from .proxy import proxied
from .server import RedisServer

pytestmark = pytest.mark.anyio

_BURST: Final = 8000

IS_LOST: Final = "the connection to Redis is lost"


OWN: Final = b"wse:own"


def link_to(url: str, *, garbage: Garbage | None = None, ping: float = GENEROUS) -> Link:
    """Return a link that is not open yet."""
    return Link(Server(url, None), OWN, garbage or Garbage(), ping=ping)


def ignore(kind: bytes, channel: bytes, data: Any) -> None:
    """Take what is heard, and do nothing."""


@asynccontextmanager
async def linked(
    url: str, take: Take = ignore, *, garbage: Garbage | None = None, ping: float = GENEROUS
) -> AsyncGenerator[Link]:
    """Connect, for as long as the block lasts. What ends the connections ends no test."""
    link = link_to(url, garbage=garbage, ping=ping)
    async with anyio.create_task_group() as group:
        await link.open(group, take)
        try:
            yield link
        finally:
            group.cancel_scope.cancel()


@REAL_TIME
@pytest.mark.parametrize("mode", ["cut", "blackhole", "none"])
async def test_open_says_why_it_could_not(
    redis: RedisServer, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, closed, or silent."""
    if mode == "blackhole":
        monkeypatch.setattr(redis_link, "CONNECT", 0.2)
    with reserve_port() as reserved:
        async with proxied(redis.port) as proxy:
            proxy.mode = mode if mode != "none" else "pass"
            url = proxy.url
            if mode == "none":
                url = f"redis://{HOST}:{reserved.getsockname()[1]}"
            async with anyio.create_task_group() as group:
                with pytest.raises(BackplaneError, match=r"Redis (can't be reached|does not)"):
                    await link_to(url).open(group, ignore)


@REAL_TIME
async def test_redis_forgot_the_scripts(redis: RedisServer) -> None:
    """It is taken for a lost connection: a new one teaches them again."""
    with pytest.raises(ExceptionGroup) as caught:
        async with linked(redis.url) as link, Redis.from_url(redis.url) as client:
            await client.script_flush()
            with pytest.raises(BackplaneError, match=r"NOSCRIPT|No matching script"):
                await link.call(HEADS, [b"wse:test"], 1000)
            with pytest.raises(BackplaneError, match=IS_LOST):
                link.start(HEADS, [b"wse:test"], 1000)
            await anyio.sleep_forever()
    assert caught.group_contains(BackplaneError, match=IS_LOST)


@REAL_TIME
async def test_redis_was_made_a_replica(mortal_redis: RedisServer) -> None:
    """The one to write to is elsewhere: the connection ends, to be made anew."""
    with pytest.raises(ExceptionGroup) as caught:
        async with linked(mortal_redis.url) as link, Redis.from_url(mortal_redis.url) as client:
            await client.replicaof(HOST, 1)
            with pytest.raises(BackplaneError, match=r"Redis refuses: .*read only"):
                await link.call(HEADS, [b"wse:test"], 1000)
            await anyio.sleep_forever()
    assert caught.group_contains(BackplaneError, match=IS_LOST)


@REAL_TIME
async def test_slot_of_another_server(cluster: RedisCluster) -> None:
    """The error says where it is, and the connection ends, to be made anew."""
    key = Keys("wse", is_sharded=True).counter(cluster.name_at(1))
    with pytest.raises(ExceptionGroup) as caught:
        async with linked(cluster.url) as link:
            with pytest.raises(BackplaneError, match=f"slot {slot_of(key)} of the Redis Cluster"):
                await link.call(HEADS, [key], 1000)
            await anyio.sleep_forever()
    assert caught.group_contains(BackplaneError, match=IS_LOST)


@REAL_TIME
async def test_other_refusals_end_nothing(redis: RedisServer) -> None:
    """A key that is something else, say."""
    key = new_name()
    async with linked(redis.url) as link, Redis.from_url(redis.url) as client:
        await client.set(key, "text")
        with pytest.raises(BackplaneError, match=r"Redis refuses: .*wrong kind"):
            await link.members(key.encode())
        await client.delete([key])
        await client.zadd(key, {"b": 1, "a": 2})
        assert await link.members(key.encode()) == [b"b", b"a"]
        (head,) = await link.heads([new_name().encode()], 1000)
        assert int(head) > 0


@REAL_TIME
async def test_user_that_may_not_subscribe(mortal_redis: RedisServer) -> None:
    """That is told, instead of silence."""
    async with Redis.from_url(mortal_redis.url) as client:
        await client.acl_setuser("deaf", "on", ">secret", "~*", "+@all", "resetchannels")
    url = mortal_redis.url.replace("//", "//deaf:secret@")
    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await link_to(url).open(group, ignore)
    assert caught.group_contains(BackplaneError, match=r"Redis refuses: .*permission")


@REAL_TIME
async def test_lost_connections_are_told_to_all(redis: RedisServer) -> None:
    """To those that wait for an answer, that ask, and to the group."""
    failures: list[str] = []

    async def expect(function: Any, *args: Any) -> None:
        with pytest.raises(BackplaneError, match=IS_LOST):
            await function(*args)
        failures.append(function.__name__)

    async with proxied(redis.port) as proxy:
        with pytest.raises(ExceptionGroup) as caught:
            link = link_to(proxy.url)
            async with anyio.create_task_group() as group:
                await link.open(group, ignore)
                proxy.mode = "delay"
                with anyio.CancelScope(shield=True), anyio.fail_after(GENEROUS):
                    async with anyio.create_task_group() as waiting:
                        for function, *args in (
                            (link.call, HEADS, [b"wse:test"], 1000),
                            (link.members, b"wse:test"),
                            (link.heads, [b"wse:test"], 1000),
                            (link.fence, ()),
                        ):
                            waiting.start_soon(expect, function, *args)
                        for _ in range(5):
                            await anyio.lowlevel.checkpoint()
                        await proxy.reset()
                    for ask in (link.subscribe, link.unsubscribe):
                        with pytest.raises(BackplaneError, match=IS_LOST):
                            ask([b"wse:test"])
                await anyio.sleep_forever()
        assert len(failures) == 4
        assert caught.group_contains(BackplaneError, match=IS_LOST)


@REAL_TIME
async def test_it_reads_no_faster_than_is_handed_on(redis: RedisServer) -> None:
    """What comes in a burst is handed on whole, and in order; Redis keeps what is not read yet."""
    channel = new_name().encode()
    sent = [b"%d" % count for count in range(_BURST)]
    heard: list[bytes] = []
    waiting: list[int] = []
    is_there, is_over = anyio.Event(), anyio.Event()

    def take(kind: bytes, _channel: bytes, data: Any) -> None:
        if kind == b"subscribe":
            is_there.set()
            return
        waiting.append(buffer.statistics().current_buffer_used)
        heard.append(data.rstrip(b"."))
        if len(heard) == _BURST:
            is_over.set()

    async with linked(redis.url, take) as link:
        hearing: BaseConnection = vars(link)["_hearing"]
        buffer: MemoryObjectSendStream[Any] = vars(hearing)["_push_message_buffer_in"]
        link.subscribe([channel])
        await is_there.wait()
        async with Redis.from_url(redis.url) as client:
            for start in range(0, _BURST, 1000):
                async with client.pipeline(transaction=False) as pipeline:
                    for data in sent[start : start + 1000]:
                        pipeline.publish(channel, data + b"." * 1000)
        with anyio.fail_after(GENEROUS):
            await is_over.wait()
        assert heard == sent
        # coredis reads 64 KiB at a time.
        assert max(waiting) < 150


@REAL_TIME
async def test_fence_comes_behind_what_was_published(redis: RedisServer) -> None:
    """And what others say where only we do is counted, and is none."""
    channel = new_name().encode()
    garbage = Garbage()
    heard: list[Any] = []

    def take(kind: bytes, channel: bytes, data: Any) -> None:
        heard.append((kind, channel, data))

    async with linked(redis.url, take, garbage=garbage) as link:
        link.subscribe([channel])
        await link.fence([channel])
        async with Redis.from_url(redis.url) as client:
            for count in range(3):
                await client.publish(channel, f"{count}")
                await client.publish(OWN, "fence")
        await link.fence([channel])
        assert heard == [
            (b"subscribe", channel, 2),
            *((b"message", channel, b"%d" % count) for count in range(3)),
        ]
        assert garbage.dropped == 3


async def published(client: "Redis[bytes]") -> int:
    """Return how often something was published."""
    stats: Any = await client.info("commandstats")
    return int(stats["cmdstat_publish"]["calls"])


@REAL_TIME
async def test_silence_is_told(redis: RedisServer) -> None:
    """As long as Redis speaks, nothing is; that it said something before does not count."""
    garbage = Garbage()
    async with proxied(redis.port) as proxy:
        with pytest.raises(ExceptionGroup) as caught:
            async with linked(proxy.url, garbage=garbage, ping=0.05) as link:
                async with Redis.from_url(redis.url) as client:
                    before = await published(client)

                    async def has_said_much() -> bool:
                        return await published(client) > before + 5

                    await eventually(has_said_much)
                await link.fence(())
                proxy.swallow()
                await anyio.sleep_forever()
        assert caught.group_contains(BackplaneError, match=r"Redis was silent for 0\.15 s")
    assert garbage.dropped == 0
