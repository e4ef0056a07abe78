"""A server of Redis: where it is, how to log in, and what comes of what it is asked."""

import ssl
from collections.abc import Callable, Generator
from copy import copy
from functools import partial
from typing import Any, Final, Self, TypeAlias, final
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from coredis.connection import BaseConnection, Location, TCPLocation
from coredis.exceptions import (
    AskError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from coredis.pool import ConnectionPool

from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError

__all__ = ["CONNECT", "IS_LOST", "IS_SILENT", "LOST", "Request", "Server", "Value", "keep"]

Value: TypeAlias = bytes | str | int

LOST: Final = (RedisError, anyio.ClosedResourceError, anyio.BrokenResourceError)
"""What coredis raises where a connection is lost, or is just being so."""

_ELSEWHERE: Final = (NoScriptError, ReadOnlyError, ClusterDownError, AskError, TryAgainError)
"""What Redis says where a connection is of no use any more: the last three in a cluster."""

IS_LOST: Final = "the connection to Redis is lost"

IS_SILENT: Final = "Redis does not answer"

CONNECT: Final = 2.0
"""Seconds in which connections are there, or are not."""


@final
class Server:
    """Where Redis is, and how to log in.

    Args:
        url: Such as `redis://user:password@host:6379/0`, `rediss://...` with TLS, and
            `unix:///path`.
        ssl_context: For `rediss://`; `None` for one that checks the certificate and the name.

    Raises:
        ConfigurationError: The url is none of these. Its text is without the url, which may have a
            password.
    """

    def __init__(self, url: str, ssl_context: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ConfigurationError(
                "RedisBackplane(url): use redis://host:6379/0, rediss://... or unix:///path"
            )
        if ssl_context is None and parts.scheme == "rediss" and "ssl_" not in parts.query:
            # coredis' own would not check whether the certificate is that of the host.
            ssl_context = ssl.create_default_context()
        read_url: Callable[..., ConnectionPool[Any]] = ConnectionPool[Any].from_url
        if ssl_context is not None:
            # If it were `None`, coredis would make none of its own.
            read_url = partial(read_url, ssl_context=ssl_context)
        try:
            # It is used as no pool: that would hand back connections that broke together.
            pool = read_url(url, decode_components=True)
        except ValueError:
            raise ConfigurationError("RedisBackplane(url): a number in it is none") from None
        if pool.location is None:
            raise ConfigurationError("RedisBackplane(url): it has no host")
        self._make: Callable[..., BaseConnection] = pool.connection_class
        self._options = pool.connection_kwargs
        self._location: Location = pool.location

    @property
    def host(self) -> str:
        """The host, if it is a server of a cluster.

        Raises:
            ConfigurationError: It can be none.
        """
        if not isinstance(self._location, TCPLocation) or self._options.get("db"):
            raise ConfigurationError(
                "RedisBackplane(url, cluster=True): use redis://host:6379 or rediss://..., without "
                "a database"
            )
        return self._location.host

    def at(self, host: str, port: int) -> Self:
        """Return another one, where one logs in alike."""
        other = copy(self)
        other._location = TCPLocation(host, port)
        return other

    async def ask(self, command: bytes) -> Any:
        """Return the answer to a command, by a connection of its own.

        Raises:
            BackplaneError: There is none.
        """
        answer: Any = None
        failures: list[BaseException] = []
        try:
            with anyio.fail_after(CONNECT):
                async with anyio.create_task_group() as group:
                    connection = self.connection(anyio.CapacityLimiter(1))
                    await group.start(keep, connection)
                    answer = await Request(connection, command)
                    group.cancel_scope.cancel()
        except* BackplaneError as failed:
            failures.extend(failed.exceptions)
        except* TimeoutError:
            failures.append(BackplaneError(IS_SILENT))
        if failures:
            raise failures[0]
        return answer

    def connection(self, budget: anyio.CapacityLimiter) -> BaseConnection:
        """Return a new connection, which is not connected yet.

        Args:
            budget: While its only token is taken, nothing that was not asked for is read.
        """
        return self._make(
            self._location,
            **{
                **self._options,
                "connect_timeout": CONNECT,
                "processing_budget": budget,
                # What the url may say, and what nothing here could work with.
                "decode_responses": False,
                "max_idle_time": None,
                "noreply": False,
                # Whoever waits has a limit of its own. The answer comes all the same.
                "stream_timeout": None,
            },
        )


@final
class Request:
    """Something that a server was asked for: it is on its way, and need not be awaited."""

    __slots__ = ("_connection", "_request")

    def __init__(self, connection: BaseConnection, command: bytes, *args: Value) -> None:
        self._connection = connection
        try:
            self._request = connection.create_request(command, *args)
        except LOST as exc:
            raise BackplaneError(IS_LOST) from exc

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait for the answer.

        Raises:
            BackplaneError: There is none.
        """
        try:
            return (yield from self._request.__await__())
        except _ELSEWHERE as exc:
            # It forgot the scripts, or was made a replica, or a slot of the cluster is being moved,
            # or was. A new connection learns them again, and goes to where the primary is by now.
            self._connection.invalidate()
            text = f"Redis refuses: {exc}"
            if isinstance(exc, AskError):
                text = (
                    f"slot {exc.slot_id} of the Redis Cluster is at {exc.host}:{exc.port}: "
                    "RedisBackplane(url, cluster=True) goes there"
                )
            raise BackplaneError(text) from exc
        except ResponseError as exc:
            raise BackplaneError(f"Redis refuses: {exc}") from exc
        except Exception as exc:
            # Whatever ended the connection is raised from all requests that wait: what the socket
            # says, what the parser can't read, or that it is closed.
            raise BackplaneError(IS_LOST) from exc


async def keep(
    connection: BaseConnection, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Connect, log in, and stay connected until this is cancelled.

    Raises:
        BackplaneError: Redis can't be reached, or refuses, or the connection is lost.
    """
    try:
        await connection.run(task_status=task_status)
    except RedisError as exc:
        raise BackplaneError(f"Redis can't be reached: {exc}") from exc
    finally:
        for stream in vars(connection).values():
            # Where it could not connect, coredis leaves them open, and Python warns of that.
            if isinstance(stream, MemoryObjectSendStream | MemoryObjectReceiveStream):
                stream.close()
    raise BackplaneError(IS_LOST)
