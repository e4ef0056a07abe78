"""The two connections: how they are made, what Redis refuses, and how they end."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.lowlevel
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from coredis import Redis
from coredis.connection import BaseConnection

from tests.clocks import GENEROUS, REAL_TIME
from tests.ports import HOST, reserve_port
from wsendpoints.backplanes import redis_link
from wsendpoints.backplanes.redis_link import Link, Server
from wsendpoints.backplanes.redis_scripts import HEADS
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError

from .nodes import new_name
from .proxy import proxied
from .server import RedisServer

pytestmark = pytest.mark.anyio

_BURST: Final = 8000

IS_LOST: Final = "the connection to Redis is lost"


@asynccontextmanager
async def linked(url: str) -> AsyncGenerator[Link]:
    """Connect, for as long as the block lasts. What ends the connections ends no test."""
    link = Link(Server(url, None))
    async with anyio.create_task_group() as group:
        await link.open(group)
        try:
            yield link
        finally:
            group.cancel_scope.cancel()


def options_of(url: str, ssl_context: ssl.SSLContext | None = None) -> dict[str, Any]:
    """Return what a connection is made with."""
    return vars(Server(url, ssl_context).connection(anyio.CapacityLimiter(1)))


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost", "http://localhost", "redis://", "redis:///0"),
        *("redis://h:x/0", "redis://h?max_connections=x"),
    ],
)
def test_url_that_is_none(url: str) -> None:
    """It is told at once, and without the url, which may have a password."""
    with pytest.raises(ConfigurationError) as caught:
        Server(url.replace("//", "//user:secret@"), None)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@REAL_TIME
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost", {"_db": 0}),
        ("redis://u%40:p%2F@localhost:1/3", {"_username": "u@", "_password": "p/", "_db": 3}),
        ("unix:///run/redis?db=2", {"_db": 2}),
        (
            "redis://localhost?decode_responses=1&noreply=1&stream_timeout=1&max_idle_time=1",
            {
                "_decode_responses": False,
                "_noreply": False,
                "_stream_timeout": None,
                "_max_idle_time": None,
            },
        ),
    ],
)
async def test_url_says_how_to_log_in(url: str, expected: dict[str, Any]) -> None:
    """And what could not work is not taken from it."""
    options = options_of(url)
    assert {name: options[name] for name in expected} == expected
    close(options)


@REAL_TIME
async def test_certificate_and_name_are_checked() -> None:
    """With TLS, unless a context or an option says something else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for url, given, checks in (
        ("rediss://localhost", None, True),
        ("rediss://localhost?ssl_cert_reqs=required", None, False),
        ("rediss://localhost", context, True),
    ):
        options = options_of(url, given)
        used = options["_ssl_context"]
        assert (used.verify_mode, used.check_hostname) == (ssl.CERT_REQUIRED, checks)
        assert given in (None, used)
        close(options)


def close(options: dict[str, Any]) -> None:
    """Close what a connection that is not used has open."""
    for stream in options.values():
        if isinstance(stream, MemoryObjectSendStream | MemoryObjectReceiveStream):
            stream.close()


@REAL_TIME
@pytest.mark.parametrize("mode", ["cut", "blackhole", "none"])
async def test_open_says_why_it_could_not(
    redis: RedisServer, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, closed, or silent."""
    if mode == "blackhole":
        monkeypatch.setattr(redis_link, "_CONNECT", 0.2)
    with reserve_port() as reserved:
        async with proxied(redis.port) as proxy:
            proxy.mode = mode if mode != "none" else "pass"
            url = proxy.url
            if mode == "none":
                url = f"redis://{HOST}:{reserved.getsockname()[1]}"
            link = Link(Server(url, None))
            async with anyio.create_task_group() as group:
                with pytest.raises(BackplaneError, match=r"Redis (can't be reached|does not)"):
                    await link.open(group)


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


@REAL_TIME
async def test_user_that_may_not_subscribe(mortal_redis: RedisServer) -> None:
    """That is told, instead of silence."""
    async with Redis.from_url(mortal_redis.url) as client:
        await client.acl_setuser("deaf", "on", ">secret", "~*", "+@all", "resetchannels")
    url = mortal_redis.url.replace("//", "//deaf:secret@")
    async with linked(url) as link:
        link.subscribe([b"wse:test"])
        with pytest.raises(BackplaneError, match=r"Redis refuses: .*permission"):
            await link.refusals()


@REAL_TIME
async def test_lost_connections_are_told_to_all(redis: RedisServer) -> None:
    """To those that wait for an answer, that listen, that ask, and to the group."""
    failures: list[str] = []

    async def expect(function: Any, *args: Any) -> None:
        with pytest.raises(BackplaneError, match=IS_LOST):
            await function(*args)
        failures.append(function.__name__)

    async with proxied(redis.port) as proxy:
        with pytest.raises(ExceptionGroup) as caught:
            link = Link(Server(proxy.url, None))
            async with anyio.create_task_group() as group:
                await link.open(group)
                proxy.mode = "delay"
                with anyio.CancelScope(shield=True), anyio.fail_after(GENEROUS):
                    async with anyio.create_task_group() as waiting:
                        for function, *args in (
                            (link.call, HEADS, [b"wse:test"], 1000),
                            (link.members, b"wse:test"),
                            (link.publish, b"wse:test", b"1"),
                            (link.listen, print),
                            (link.refusals,),
                        ):
                            waiting.start_soon(expect, function, *args)
                        for _ in range(5):
                            await anyio.lowlevel.checkpoint()
                        await proxy.reset()
                    for ask in (link.subscribe, link.unsubscribe):
                        with pytest.raises(BackplaneError, match=IS_LOST):
                            ask([b"wse:test"])
                await anyio.sleep_forever()
        assert len(failures) == 5
        assert caught.group_contains(BackplaneError, match=IS_LOST)


@REAL_TIME
async def test_it_reads_no_faster_than_is_handed_on(redis: RedisServer) -> None:
    """What comes in a burst is handed on whole, and in order; Redis keeps what is not read yet."""
    channel = new_name().encode()
    sent = [b"%d" % count for count in range(_BURST)]
    heard: list[bytes] = []
    waiting: list[int] = []
    is_there, is_over = anyio.Event(), anyio.Event()

    async with linked(redis.url) as link, anyio.create_task_group() as group:
        hearing: BaseConnection = vars(link)["_hearing"]
        buffer: MemoryObjectSendStream[Any] = vars(hearing)["_push_message_buffer_in"]

        def take(message: list[Any]) -> None:
            if message[0] == b"subscribe":
                is_there.set()
                return
            waiting.append(buffer.statistics().current_buffer_used)
            heard.append(message[2].rstrip(b"."))
            if len(heard) == _BURST:
                is_over.set()

        group.start_soon(link.listen, take)
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
        group.cancel_scope.cancel()
