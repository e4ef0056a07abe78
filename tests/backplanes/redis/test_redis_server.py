"""A server: what a url says of it, and what it is asked by a connection of its own."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from coredis.connection import BaseConnection

from tests.clocks import REAL_TIME
from tests.ports import HOST
from wsendpoints.backplanes import redis_server
from wsendpoints.backplanes.redis_server import IS_LOST, Request, Server, keep
from wsendpoints.backplanes.redis_wire import Keys, slot_of
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError

from .cluster import RedisCluster
from .nodes import new_name
from .proxy import proxied
from .server import RedisServer

pytestmark = pytest.mark.anyio


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
async def test_another_server_is_logged_in_to_alike() -> None:
    """Only where it is is another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server = Server("rediss://ada:secret@localhost:1/0", context)
    other = server.at("other", 2)
    assert (server.host, other.host) == ("localhost", "other")
    options = vars(other.connection(anyio.CapacityLimiter(1)))
    assert options["location"].port == 2
    assert (options["_username"], options["_password"]) == ("ada", "secret")
    assert options["_ssl_context"] is context
    close(options)


@pytest.mark.parametrize(
    "url", ["unix:///run/redis", "redis://127.0.0.1/1", "redis://127.0.0.1?db=1"]
)
def test_server_that_is_in_no_cluster(url: str) -> None:
    """A cluster has one database, and servers that are reached by the network."""
    with pytest.raises(ConfigurationError) as caught:
        Server(url, None).host  # noqa: B018 - it raises
    assert str(caught.value) == (
        "RedisBackplane(url, cluster=True): use redis://host:6379 or rediss://..., without a "
        "database"
    )


@REAL_TIME
@pytest.mark.parametrize("mode", ["cut", "blackhole", "none"])
async def test_ask_says_why_it_could_not(
    redis: RedisServer, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `open` does. What Redis refuses is told too."""
    async with proxied(redis.port) as proxy:
        if mode == "none":
            assert await Server(proxy.url, None).ask(b"PING") == b"PONG"
            with pytest.raises(BackplaneError, match="Redis refuses: "):
                await Server(proxy.url, None).ask(b"NONSENSE")
            return
        proxy.mode = mode
        if mode == "blackhole":
            monkeypatch.setattr(redis_server, "CONNECT", 0.2)
        with pytest.raises(BackplaneError, match=r"Redis (can't be reached|does not)"):
            await Server(proxy.url, None).ask(b"PING")


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[BaseConnection]:
    """Connect, for as long as the block lasts."""
    connection = Server(url, None).connection(anyio.CapacityLimiter(1))
    async with anyio.create_task_group() as group:
        await group.start(keep, connection)
        yield connection
        group.cancel_scope.cancel()


@REAL_TIME
async def test_request_is_on_its_way_once_it_is_made(redis: RedisServer) -> None:
    """Whether it is awaited, or not; what is refused harms none behind it."""
    key = new_name()
    async with connected(redis.url) as connection:
        Request(connection, b"SET", key, "text")
        refused = Request(connection, b"ZRANGE", key, 0, -1)
        assert await Request(connection, b"GET", key) == b"text"
        with pytest.raises(BackplaneError, match=r"Redis refuses: .*wrong kind"):
            await refused


@REAL_TIME
@pytest.mark.parametrize("command", ["EVALSHA", "GET"])
async def test_request_that_has_to_go_elsewhere(cluster: RedisCluster, command: str) -> None:
    """The connection ends with it: a new one goes there, or learns what this one does not know."""
    key = Keys("wse", is_sharded=True).counter(cluster.name_at(int(command == "GET")))
    with pytest.raises(ExceptionGroup) as caught:
        async with connected(cluster.url) as connection:
            if command == "GET":
                request = Request(connection, b"GET", key)
                expected = (
                    f"slot {slot_of(key)} of the Redis Cluster is at {HOST}:"
                    f"{cluster.servers[1].port}: RedisBackplane(url, cluster=True) goes there"
                )
            else:
                request = Request(connection, b"EVALSHA", b"0" * 40, 1, key)
                expected = "Redis refuses: No matching script. Please use EVAL."
            with pytest.raises(BackplaneError) as refused:
                await request
            assert str(refused.value) == expected
            with pytest.raises(BackplaneError, match=IS_LOST):
                Request(connection, b"PING")
            await anyio.sleep_forever()
    assert caught.group_contains(BackplaneError, match=IS_LOST)


@REAL_TIME
async def test_requests_that_wait_for_a_connection_that_is_lost(redis: RedisServer) -> None:
    """Each is told."""
    async with proxied(redis.port) as proxy:
        with pytest.raises(ExceptionGroup) as caught:
            async with connected(proxy.url) as connection:
                proxy.swallow()
                requests = [Request(connection, b"PING") for _ in range(2)]
                with anyio.CancelScope(shield=True):
                    await proxy.reset()
                    for request in requests:
                        with pytest.raises(BackplaneError, match=IS_LOST):
                            await request
                await anyio.sleep_forever()
        assert caught.group_contains(BackplaneError, match=IS_LOST)
