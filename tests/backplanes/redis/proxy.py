"""A network between a process and Redis, which breaks as a test says."""

import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal, final

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tests.ports import HOST

__all__ = ["Mode", "Proxy", "proxied"]

Mode = Literal["pass", "blackhole", "delay", "cut"]

_GONE: Final = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)

_DELAY: Final = 0.02


@final
class _Way:
    """One connection, and the one behind it."""

    def __init__(self, client: SocketStream, server: SocketStream) -> None:
        self.client = client
        self.server = server
        self.is_swallowed = False
        self.is_deaf = False


@final
class Proxy:
    """Passes on what comes, or does not.

    Attributes:
        mode: What becomes of connections from now on. `"cut"` ends those that are made.
            `"blackhole"` takes what they say and passes nothing on; nothing tells either side.
        port: Where it listens.
        made: How many connections were made.
    """

    def __init__(self, port: int, upstream: int) -> None:
        self.mode: Mode = "pass"
        self.port = port
        self.made = 0
        self._upstream = upstream
        self._ways: dict[_Way, None] = {}
        self._may_read = anyio.Event()
        self._may_read.set()

    @property
    def url(self) -> str:
        """How to connect to Redis through it."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._ways)

    async def reset(self) -> None:
        """Reset all connections that there are; new ones can be made at once."""
        ways, self._ways = self._ways, {}
        for way in ways:
            for stream in (way.client, way.server):
                raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - not Django's
                # With this option, closing sends a reset. The other side may have closed it.
                with suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await stream.aclose()

    def swallow(self, only: int | None = None, *, answers: bool = False) -> None:
        """Pass nothing more on of the connections that there are, and tell nobody.

        Args:
            only: Which of them, in the order in which they were made; `None` for all.
            answers: Whether that is so only for what Redis says.
        """
        for place, way in enumerate(self._ways):
            if only in (None, place):
                way.is_swallowed = not answers
                way.is_deaf = answers

    def stop_reading(self) -> None:
        """Read no more of what Redis says."""
        self._may_read = anyio.Event()

    def go_on_reading(self) -> None:
        """Read it again."""
        self._may_read.set()

    async def handle(self, client: SocketStream) -> None:
        """Serve a connection."""
        self.made += 1
        async with client:
            if self.mode == "cut":
                return
            try:
                server = await anyio.connect_tcp(HOST, self._upstream)
            except OSError:
                return
            way = _Way(client, server)
            way.is_swallowed = self.mode == "blackhole"
            self._ways[way] = None
            async with server, anyio.create_task_group() as group:
                group.start_soon(self._pass_on, way, client, server)
                group.start_soon(self._pass_on, way, server, client)
            self._ways.pop(way, None)

    async def _pass_on(self, way: _Way, source: SocketStream, target: SocketStream) -> None:
        try:
            while True:
                if source is way.server:
                    await self._may_read.wait()
                data = await source.receive()
                if self.mode == "delay":
                    await anyio.sleep(_DELAY)
                if not way.is_swallowed and not (way.is_deaf and source is way.server):
                    await target.send(data)
        except _GONE:
            if way.is_swallowed or way.is_deaf:
                # Whoever gave up does not tell the other side either.
                return
            for stream in (way.client, way.server):
                await stream.aclose()


@asynccontextmanager
async def proxied(upstream: int) -> AsyncGenerator[Proxy]:
    """Listen for as long as the block lasts."""
    listener = await anyio.create_tcp_listener(local_host=HOST, local_port=0)
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
    proxy = Proxy(port, upstream)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, proxy.handle)
        yield proxy
        group.cancel_scope.cancel()
