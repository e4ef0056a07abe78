"""The connections to Redis: one for commands, and one that hears what is published."""

import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, TypeAlias, final
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from coredis.connection import BaseConnection
from coredis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError
from coredis.pool import ConnectionPool

from wsendpoints.backplanes.redis_scripts import SCRIPTS, Script
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError

__all__ = ["Link", "Server"]

Value: TypeAlias = bytes | str | int

Request: TypeAlias = Awaitable[Any]

_LOST: Final = (RedisError, anyio.ClosedResourceError, anyio.BrokenResourceError)
"""What coredis raises where a connection is lost, or is just being so."""

_IS_LOST: Final = "the connection to Redis is lost"

_CONNECT: Final = 2.0
"""Seconds in which both connections are there, or are not."""


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
            self._pool = read_url(url, decode_components=True)
        except ValueError:
            raise ConfigurationError("RedisBackplane(url): a number in it is none") from None
        if self._pool.location is None:
            raise ConfigurationError("RedisBackplane(url): it has no host")

    def connection(self, budget: anyio.CapacityLimiter) -> BaseConnection:
        """Return a new connection, which is not connected yet.

        Args:
            budget: While its only token is taken, nothing that was not asked for is read.
        """
        connection: BaseConnection = self._pool.connection_class(
            self._pool.location,
            **{
                **self._pool.connection_kwargs,
                "connect_timeout": _CONNECT,
                "processing_budget": budget,
                # What the url may say, and what nothing here could work with.
                "decode_responses": False,
                "max_idle_time": None,
                "noreply": False,
                # Whoever waits has a limit of its own. The answer comes all the same.
                "stream_timeout": None,
            },
        )
        return connection


@final
class Link:
    """Two connections, which end together, and are not made again.

    Requests of all tasks go out in the order in which they were made, in as few writes as there
    can be, and are answered in that order. So one that is given up, or whose task is cancelled, is
    answered all the same, and the others get their own answers.
    """

    _hearing: BaseConnection
    _speaking: BaseConnection

    def __init__(self, server: Server) -> None:
        self._server = server
        self._budget = anyio.CapacityLimiter(1)

    async def open(self, group: TaskGroup) -> None:
        """Connect; if one of them is lost later, the group ends with a BackplaneError.

        Raises:
            BackplaneError: Redis can't be reached, or refuses.
        """
        try:
            with anyio.fail_after(_CONNECT):
                self._speaking = self._server.connection(anyio.CapacityLimiter(1))
                await group.start(_run, self._speaking)
                self._hearing = self._server.connection(self._budget)
                await group.start(_run, self._hearing)
                requests = [self._request(b"SCRIPT LOAD", script.text) for script in SCRIPTS]
                for request in requests:
                    await self.answer(request)
        except TimeoutError:
            raise BackplaneError("Redis does not answer") from None

    def start(self, script: Script, keys: Sequence[bytes], *args: Value) -> Request:
        """Run a script: it is on its way when this returns, and need not be awaited.

        Raises:
            BackplaneError: The connection is lost.
        """
        return self._request(b"EVALSHA", script.sha, len(keys), *keys, *args)

    async def call(self, script: Script, keys: Sequence[bytes], *args: Value) -> Any:
        """Run a script, and return what it returns.

        Raises:
            BackplaneError: It is not known to have run.
        """
        return await self.answer(self.start(script, keys, *args))

    async def answer(self, request: Request) -> Any:
        """Wait for the answer to a request.

        Raises:
            BackplaneError: There is none.
        """
        try:
            return await request
        except (NoScriptError, ReadOnlyError) as exc:
            # It forgot the scripts, or was made a replica. A new connection learns them again, and
            # goes to where the primary is by now.
            self._speaking.invalidate()
            raise BackplaneError(f"Redis refuses: {exc}") from exc
        except ResponseError as exc:
            raise BackplaneError(f"Redis refuses: {exc}") from exc
        except Exception as exc:
            # Whatever ended the connection is raised from all requests that wait: what the socket
            # says, what the parser can't read, or that it is closed.
            raise BackplaneError(_IS_LOST) from exc

    async def members(self, key: bytes) -> list[bytes]:
        """Return the members of a sorted set, in their order.

        Raises:
            BackplaneError: They can't be read.
        """
        members: list[bytes] = await self.answer(self._request(b"ZRANGE", key, 0, -1))
        return members

    async def publish(self, channel: bytes, data: bytes) -> None:
        """Publish what has no number."""
        await self.answer(self._request(b"PUBLISH", channel, data))

    def subscribe(self, channels: Collection[bytes]) -> None:
        """Ask for what is published on some channels; each is acknowledged to `listen`.

        Raises:
            BackplaneError: The connection is lost.
        """
        self._ask(b"SUBSCRIBE", channels)

    def unsubscribe(self, channels: Collection[bytes]) -> None:
        """Ask for it no more.

        Raises:
            BackplaneError: The connection is lost.
        """
        self._ask(b"UNSUBSCRIBE", channels)

    async def listen(self, take: Callable[[Any], None]) -> None:
        """Hand on what is heard, until the connection is lost.

        Args:
            take: Gets a list: its kind, and what Redis says of such.

        Raises:
            BackplaneError: It is lost.
        """
        try:
            async with aclosing(self._hearing.push_messages) as messages:
                async for message in messages:
                    take(message)
                    if not self._hearing.reusable:
                        # More has been read than was handed on. coredis would read on, and keep
                        # it all, without a bound: so let Redis keep it, which has one.
                        async with self._budget:
                            while not self._hearing.reusable:
                                take(await anext(messages))
        except RedisError as exc:
            raise BackplaneError(_IS_LOST) from exc

    async def refusals(self) -> None:
        """Wait until Redis refuses to let us hear something.

        Raises:
            BackplaneError: It does, or the connection is lost.
        """
        try:
            async with aclosing(self._hearing.streamed_messages) as answers:
                async for answer in answers:
                    raise BackplaneError(f"Redis refuses: {answer!r}")
        except RedisError as exc:
            raise BackplaneError(_IS_LOST) from exc

    def _request(self, command: bytes, *args: Value) -> Request:
        try:
            return self._speaking.create_request(command, *args)
        except _LOST as exc:
            raise BackplaneError(_IS_LOST) from exc

    def _ask(self, command: bytes, channels: Collection[bytes]) -> None:
        try:
            self._hearing.send_command(command, *channels)
        except _LOST as exc:
            raise BackplaneError(_IS_LOST) from exc


async def _run(
    connection: BaseConnection, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    try:
        await connection.run(task_status=task_status)
    except RedisError as exc:
        raise BackplaneError(f"Redis can't be reached: {exc}") from exc
    finally:
        for stream in vars(connection).values():
            # Where it could not connect, coredis leaves them open, and Python warns of that.
            if isinstance(stream, MemoryObjectSendStream | MemoryObjectReceiveStream):
                stream.close()
    raise BackplaneError(_IS_LOST)
