"""The connections to a server: one for commands, and one that hears what is published."""

import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeAlias, final

import anyio
from anyio.abc import TaskGroup
from coredis.connection import BaseConnection
from coredis.exceptions import RedisError

from wsendpoints.backplanes.redis_scripts import HEADS, SCRIPTS, Script
from wsendpoints.backplanes.redis_server import (
    CONNECT,
    IS_LOST,
    IS_SILENT,
    LOST,
    Request,
    Server,
    Value,
    keep,
)
from wsendpoints.backplanes.redis_wire import Garbage
from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["Link", "Take"]

Take: TypeAlias = Callable[[bytes, bytes, Any], None]
"""Is given what is heard: its kind, the channel, and what Redis says of it."""


@final
class Link:
    """Two connections to a server, which end together, and are not made again.

    Requests of all tasks go out in the order in which they were made, in as few writes as there
    can be, and are answered in that order. So one that is given up, or whose task is cancelled, is
    answered all the same, and the others get their own answers.

    Args:
        server: Where it is.
        own: The channel that only this link publishes on, to hear itself.
        garbage: What others publish there is counted.
        ping: Seconds between two signs of life. If for three times as long there is none, it ends.
        is_sharded: Whether channels are in slots of a cluster.
    """

    _hearing: BaseConnection
    _speaking: BaseConnection

    def __init__(
        self,
        server: Server,
        own: bytes,
        garbage: Garbage,
        *,
        ping: float,
        is_sharded: bool = False,
    ) -> None:
        self._server = server
        self._own = own
        self._garbage = garbage
        self._ping = ping
        self._is_sharded = is_sharded
        self._sharding = b"S" if is_sharded else b""
        self._budget = anyio.CapacityLimiter(1)
        self._heard = anyio.Event()
        self._hears_itself = anyio.Event()
        self._fence = b""
        self._fenced = anyio.Event()

    async def open(self, group: TaskGroup, take: Take) -> None:
        """Connect; if one of them is lost later, the group ends with a BackplaneError.

        Args:
            group: It listens, and sees whether the server is still there.
            take: Is given what is heard: its kind, the channel, and what Redis says of it.

        Raises:
            BackplaneError: Redis can't be reached, or refuses.
        """
        try:
            with anyio.fail_after(CONNECT):
                self._speaking = self._server.connection(anyio.CapacityLimiter(1))
                await group.start(keep, self._speaking)
                self._hearing = self._server.connection(self._budget)
                await group.start(keep, self._hearing)
                requests = [
                    self._request(b"SCRIPT LOAD", (it.sharded if self._is_sharded else it).text)
                    for it in SCRIPTS
                ]
                for request in requests:
                    await request
                group.start_soon(self._listen, take)
                group.start_soon(self._refusals)
                self.subscribe([self._own])
                await self._hears_itself.wait()
                await self.fence(())
        except TimeoutError:
            raise BackplaneError(IS_SILENT) from None
        group.start_soon(self._watch)

    def start(self, script: Script, keys: Sequence[bytes], *args: Value) -> Request:
        """Run a script: it is on its way when this returns.

        Raises:
            BackplaneError: The connection is lost.
        """
        return self._request(b"EVALSHA", script.sha, len(keys), *keys, *args)

    async def call(self, script: Script, keys: Sequence[bytes], *args: Value) -> Any:
        """Run a script, and return what it returns.

        Raises:
            BackplaneError: It is not known to have run.
        """
        return await self.start(script, keys, *args)

    async def heads(self, counters: Sequence[bytes], ttl: int) -> list[bytes]:
        """Return the numbers that some counters are at, and let them live on for `ttl` ms.

        Raises:
            BackplaneError: They can't be read.
        """
        heads: list[bytes] = await self.call(HEADS, counters, ttl)
        return heads

    async def members(self, key: bytes) -> list[bytes]:
        """Return the members of a sorted set, in their order.

        Raises:
            BackplaneError: They can't be read.
        """
        members: list[bytes] = await self._request(b"ZRANGE", key, 0, -1)
        return members

    def subscribe(self, channels: Collection[bytes]) -> None:
        """Ask for what is published on some channels; each is acknowledged to those that listen.

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

    async def fence(self, _channels: Collection[bytes]) -> None:
        """Wait until all that was published on some channels is handed on, or is lost.

        A server does one thing after the other, and what it says comes in that order: so nothing
        that was published before comes behind a word of ours. One call at a time.

        Raises:
            BackplaneError: That can't be known.
        """
        self._fence = secrets.token_hex(8).encode()
        self._fenced = anyio.Event()
        await self._say(self._fence)
        await self._fenced.wait()

    async def _watch(self) -> None:
        """Say something to ourselves now and then: silence is the only sign of a dead connection.

        Nothing else is: what is sent into it is taken, and nobody says that it does not arrive.
        """
        silence = 3 * self._ping
        while True:
            await anyio.sleep(self._ping)
            # What counts is what comes after this, and not when something came before: this
            # process itself may have done nothing for a while.
            self._heard = anyio.Event()
            try:
                with anyio.fail_after(silence):
                    await self._say(b"")
                    await self._heard.wait()
            except TimeoutError:
                raise BackplaneError(f"Redis was silent for {silence:g} s") from None

    async def _listen(self, take: Take) -> None:
        """Hand on what is heard, until the connection is lost."""
        # It is `keep` that tells of that.
        with suppress(RedisError):
            async with aclosing(self._hearing.push_messages) as messages:
                async for message in messages:
                    self._hear(message, take)
                    if not self._hearing.reusable:
                        # More has been read than was handed on. coredis would read on, and keep
                        # it all, without a bound: so let Redis keep it, which has one.
                        async with self._budget:
                            while not self._hearing.reusable:
                                self._hear(await anext(messages), take)

    def _hear(self, message: Any, take: Take) -> None:
        self._heard.set()
        kind, channel, data = message
        if channel != self._own:
            take(kind, channel, data)
        elif data == self._fence:
            self._fenced.set()
        elif kind in (b"subscribe", b"ssubscribe"):
            self._hears_itself.set()
        elif data and kind in (b"message", b"smessage"):
            self._garbage.drop(channel)

    async def _refusals(self) -> None:
        """Wait until Redis refuses to let us hear something, or the connection is lost.

        Raises:
            BackplaneError: It refuses.
        """
        with suppress(RedisError):
            async with aclosing(self._hearing.streamed_messages) as answers:
                async for answer in answers:
                    raise BackplaneError(f"Redis refuses: {answer!r}")

    async def _say(self, data: bytes) -> None:
        await self._request(self._sharding + b"PUBLISH", self._own, data)

    def _request(self, command: bytes, *args: Value) -> Request:
        return Request(self._speaking, command, *args)

    def _ask(self, command: bytes, channels: Collection[bytes]) -> None:
        try:
            self._hearing.send_command(self._sharding + command, *channels)
        except LOST as exc:
            raise BackplaneError(IS_LOST) from exc
