"""`RedisBackplane`: how it is made, what it publishes, and what is read."""

import logging
import subprocess
import sys
from contextlib import suppress

import anyio
import pytest
from coredis import Redis

from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints import groups
from wsendpoints.backplanes import History, RedisBackplane
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError, PositionLost

from .cluster import RedisCluster
from .nodes import RIGHTS, Delays, Node, bodies, eventually, new_name, publish_at_last, running
from .proxy import proxied
from .server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient")]


def test_it_is_exported_by_groups() -> None:
    """Where one looks for it."""
    assert groups.RedisBackplane is RedisBackplane


def test_without_coredis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not needed before."""
    monkeypatch.delitem(sys.modules, "wsendpoints.backplanes.redis_link", raising=False)
    monkeypatch.setitem(sys.modules, "coredis", None)
    monkeypatch.setitem(sys.modules, "coredis.connection", None)
    with pytest.raises(ConfigurationError) as caught:
        RedisBackplane("redis://127.0.0.1")
    assert str(caught.value) == 'RedisBackplane needs coredis: pip install "wsendpoints[redis]"'


def test_coredis_is_not_imported_before() -> None:
    """Whoever has groups of one process needs none."""
    script = "import sys, wsendpoints.groups; sys.exit('coredis' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - ours


def test_it_is_made_before_there_is_an_event_loop(redis: RedisServer) -> None:
    """As a global of a module is; and it runs on one loop after the other."""
    names = [new_name(), new_name()]
    backplane = RedisBackplane(redis.url)

    async def main(name: str) -> None:
        async with running(backplane) as (node,):
            await node.until(lambda: name in node.is_up, "`fenced`")
            await node.reach(name, await node.publish(name, b"1"))

    for name, backend in zip(names, ("asyncio", "trio"), strict=True):
        backplane.subscribe([name])
        anyio.run(main, name, backend=backend)
        backplane.unsubscribe([name])


@REAL_TIME
async def test_many_publish_at_once(redis: RedisServer) -> None:
    """More than may be on their way at a time: each gets a number of its own, or an error."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(name)
        published: dict[int, bytes] = {}

        async def publish(data: bytes) -> None:
            # On a busy machine, not all are done within a second.
            with suppress(BackplaneError):
                published[await node.backplane.publish(name, data, None)] = data

        async with anyio.create_task_group() as group:
            for count in range(1500):
                group.start_soon(publish, b"%d" % count)
        await node.reach(name, await publish_at_last(node, name, b"last"))
        assert published.items() <= dict(node.received[name]).items()
        assert len({*bodies(node, name)}) == len(bodies(node, name))
        assert not node.lost


@pytest.mark.parametrize("ttl", [0, -1.0, float("nan")])
def test_ttl_is_above_zero(ttl: float) -> None:
    """Nobody can give a sign of life that often."""
    with pytest.raises(ConfigurationError, match=r"presence_ttl=.*: use a number above 0"):
        RedisBackplane("redis://127.0.0.1", presence_ttl=ttl)


@pytest.mark.parametrize("url", ["unix:///run/redis", "redis://127.0.0.1/1"])
def test_url_that_is_none_of_a_cluster(url: str) -> None:
    """It is told at once."""
    with pytest.raises(ConfigurationError, match=r"cluster=True\): use redis://host:6379"):
        RedisBackplane(url, cluster=True)


@REAL_TIME
async def test_cluster_is_another_kind_of_place(cluster: RedisCluster) -> None:
    """With the same methods."""
    name = new_name()
    async with running(RedisBackplane(cluster.url, cluster=True)) as (node,):
        await node.subscribe(name)
        await node.reach(name, await node.publish(name, b"1", History()))
        assert await node.backplane.read(name, None) == node.received[name]


@REAL_TIME
async def test_prefixes_tell_applications_apart(redis: RedisServer) -> None:
    """One hears nothing of another's groups, and reads nothing of them."""
    name = new_name()
    planes = [RedisBackplane(redis.url, prefix=prefix) for prefix in ("one", "two")]
    async with running(*planes) as (node, other):
        await node.subscribe(name)
        await other.subscribe(name)
        await other.publish(name, b"theirs", History())
        await node.reach(name, await node.publish(name, b"ours", History()))
        assert bodies(node, name) == [b"ours"]
        assert [data for _, data in await node.backplane.read(name, None)] == [b"ours"]


@REAL_TIME
async def test_what_is_too_large_is_not_published(redis: RedisServer) -> None:
    """The others would take it for garbage."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.subscribe(name)
        with pytest.raises(BackplaneError, match="a message of 16777217 bytes: at most 16777216"):
            await node.publish(name, b"." * (16 * 1024 * 1024 + 1))
        largest = b"." * (16 * 1024 * 1024)
        await node.reach(name, await node.publish(name, largest))
        assert bodies(node, name) == [largest]


@REAL_TIME
@pytest.mark.parametrize("after", [0, 10**19, 10**20 - 1])
async def test_positions_that_no_message_has_are_lost(redis: RedisServer, after: int) -> None:
    """A client may send any number."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        await node.publish(name, b"1", History())
        with pytest.raises(PositionLost):
            await node.backplane.read(name, after)


@REAL_TIME
async def test_history_with_a_hole_is_lost(redis: RedisServer) -> None:
    """Never a part of it: whoever reads all of it gets what is behind the hole."""
    name = new_name()
    async with (
        running(RedisBackplane(redis.url)) as (node,),
        Redis.from_url(redis.url) as client,
    ):
        numbers = [await node.publish(name, b"%d" % it, History()) for it in range(5)]
        await client.xdel(f"wse:{{{name}}}:h", [f"{numbers[2]}-0"])
        assert await node.backplane.read(name, None) == [
            (it, b"%d" % (it - numbers[0])) for it in numbers[3:]
        ]
        for after in numbers[:2]:
            with pytest.raises(PositionLost):
                await node.backplane.read(name, after)
        assert len(await node.backplane.read(name, numbers[2])) == 2
        # The last one was said without being kept.
        await node.publish(name, b"5", None)
        assert await node.backplane.read(name, None) == []
        with pytest.raises(PositionLost):
            await node.backplane.read(name, numbers[3])


@REAL_TIME
async def test_history_of_a_clock_that_was_ahead_is_given_up(redis: RedisServer) -> None:
    """A counter that was lost begins at the clock, below what is kept: that is of a former life."""
    name = new_name()
    async with (
        running(RedisBackplane(redis.url)) as (node,),
        Redis.from_url(redis.url) as client,
    ):
        number = await node.publish(name, b"1", History())
        await client.xadd(f"wse:{{{name}}}:h", {"m": "later"}, identifier=f"{number + 10**9}-0")
        number = await node.publish(name, b"2", History())
        assert await node.backplane.read(name, None) == [(number, b"2")]


@REAL_TIME
async def test_history_and_its_numbers_end_together(redis: RedisServer) -> None:
    """The numbers live as long as what is kept, however long that is; at least a day."""
    name = new_name()
    async with (
        running(RedisBackplane(redis.url)) as (node,),
        Redis.from_url(redis.url) as client,
    ):
        for seconds, ttl in ((100 * 3600.0, 100 * 3600), (0.0001, 24 * 3600), (60, 24 * 3600)):
            await node.publish(name, b"1", History(seconds=seconds))
            assert ttl - 60 < await client.ttl(f"wse:{{{name}}}:n") <= ttl
        assert 0 < await client.ttl(f"wse:{{{name}}}:h") <= 60


@REAL_TIME
async def test_history_keeps_about_as_many_as_it_says(redis: RedisServer) -> None:
    """Not fewer, and not all."""
    name = new_name()
    async with running(RedisBackplane(redis.url)) as (node,):
        for count in range(500):
            await node.backplane.publish(name, b"%d" % count, History(messages=50))
        kept = await node.backplane.read(name, None)
        assert 50 <= len(kept) < 250
        assert kept[-1][1] == b"499"


@REAL_TIME
async def test_what_redis_refuses_is_raised(redis: RedisServer) -> None:
    """A key that is something else, say. The connection stays."""
    name = new_name()
    async with (
        running(RedisBackplane(redis.url)) as (node,),
        Redis.from_url(redis.url) as client,
    ):
        await client.set(f"wse:{{{name}}}:n", "no number")
        with pytest.raises(BackplaneError, match="Redis refuses"):
            await node.backplane.publish(name, b"1", None)
        await node.backplane.publish(new_name(), b"1", None)
        assert node.downs == 0


@REAL_TIME
async def test_it_can_run_again(redis: RedisServer) -> None:
    """What was subscribed to is, and who was there is not."""
    name = new_name()
    backplane = RedisBackplane(redis.url)
    async with running(backplane) as (node,):
        await node.subscribe(name)
        await backplane.enter(name, "1", "ada", joined=b"+", left=b"-", most=None, history=None)
    async with running(backplane) as (node,):
        await node.until(lambda: name in node.is_up, "`fenced`")
        await node.reach(name, await node.publish(name, b"."))
        assert await backplane.users(name) == []


@REAL_TIME
async def test_mistakes_of_a_receiver_are_raised(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not taken for a lost connection."""
    name = new_name()
    backplane = RedisBackplane(redis.url)
    node = Node(backplane, Delays(0))

    def fail(name: str, number: int, data: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(node, "message", fail)
    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await group.start(backplane.run, node)
            await node.subscribe(name)
            await backplane.publish(name, b"1", None)
            await anyio.sleep_forever()
    assert caught.group_contains(ZeroDivisionError)


@REAL_TIME
@pytest.mark.parametrize("lasting", [0.0, 5.0], ids=["lasted", "short"])
async def test_it_tries_until_it_can(
    redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    lasting: float,
) -> None:
    """With one warning for all tries, and word of it when they are over."""
    monkeypatch.setattr("wsendpoints.backplanes.redis._LASTING", lasting)
    name = new_name()
    caplog.set_level(logging.INFO, "wsendpoints")
    async with (
        proxied(redis.port) as proxy,
        running(RedisBackplane(proxy.url)) as (node,),
    ):
        await node.subscribe(name)
        proxy.mode = "cut"
        await proxy.reset()

        async def has_tried() -> bool:
            return proxy.made >= 5

        await eventually(has_tried)
        proxy.mode = "pass"
        await node.come_back(0, name)
        assert node.downs == 1
    assert [it.getMessage() for it in caplog.records if it.name == "wsendpoints"] == [
        "RedisBackplane: connected",
        "RedisBackplane: the connection to Redis is lost: trying again",
        "RedisBackplane: connected",
    ]


@REAL_TIME
@pytest.mark.parametrize("missing", ["-time", "-subscribe", "-publish", "-evalsha", "-script"])
async def test_rights_that_lack_are_told_at_the_start(
    mortal_redis: RedisServer, missing: str
) -> None:
    """Whatever it is that can't be done: `run` raises what Redis says."""
    async with Redis.from_url(mortal_redis.url) as client:
        await client.acl_setuser("wse", "on", ">secret", "allkeys", "allchannels", "+@all", missing)
    backplane = RedisBackplane(mortal_redis.url.replace("//", "//wse:secret@"))
    node = Node(backplane, Delays(0))
    with anyio.fail_after(GENEROUS), pytest.raises(BackplaneError, match="Redis refuses"):
        await backplane.run(node)
    with pytest.raises(BackplaneError, match="not connected to Redis"):
        await backplane.publish(new_name(), b"1", None)


@REAL_TIME
async def test_rights_that_it_needs(mortal_redis: RedisServer) -> None:
    """Those that docs/groups.md says: a user of Redis that can do nothing else."""
    async with Redis.from_url(mortal_redis.url) as client:
        await client.acl_setuser("wse", "on", ">secret", "~wse:*", "&wse:*", *RIGHTS)
    url = mortal_redis.url.replace("//", "//wse:secret@")
    name = new_name()
    async with running(RedisBackplane(url)) as (node,):
        await node.subscribe(name)
        async with running(RedisBackplane(url)) as (other,):
            for user in ("ada", "bob"):
                await other.backplane.enter(
                    name, user, user, joined=b"+", left=b"-", most=5, history=History()
                )
            await other.backplane.depart(name, "ada")
            assert await node.backplane.users(name) == ["bob"]
        await node.until(lambda: bodies(node, name) == [b"+", b"+", b"-", b"-"], "messages")
        assert await node.backplane.read(name, None) == node.received[name]
        node.backplane.unsubscribe([name])
        await node.subscribe(new_name())
        assert node.downs == 0
