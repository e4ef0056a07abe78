"""The real clients, behind one interface; every wait has a deadline."""

import asyncio
import contextlib
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NamedTuple, Protocol

import aiohttp
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_with_websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

__all__ = ["CLIENTS", "Client", "Closed", "Connect", "Refused", "open_socket", "reset"]

WITHIN: Final = 60.0
"""Seconds that a client waits for anything, on a busy machine, but for the answer to its close."""

CLOSED_WITHIN: Final = 10.0


class Closed(NamedTuple):
    """How the server closed the connection."""

    code: int
    reason: str = ""


class Refused(Exception):
    """The server answered the handshake with a response."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes | None) -> None:
        super().__init__(status, headers, body)
        self.status = status
        self.headers = headers
        self.body = body


class Client(ABC):
    """A connection, on the client's side."""

    @property
    @abstractmethod
    def subprotocol(self) -> str | None:
        """The one that the server chose."""

    @property
    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """Those of the response to the handshake."""

    @abstractmethod
    async def send(self, frame: str | bytes) -> None:
        """Send a message."""

    @abstractmethod
    async def receive(self) -> str | bytes:
        """Wait for a message."""

    @abstractmethod
    async def closed(self) -> Closed:
        """Wait for the server to close the connection, which is the next that it does."""

    @abstractmethod
    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Close the connection; some clients can't do without a code."""

    @abstractmethod
    def reset(self) -> None:
        """End the connection on the spot, by a TCP reset."""


class Connect(Protocol):
    """Opens a connection for the length of a block."""

    @abstractmethod
    def __call__(
        self,
        url: str,
        *,
        subprotocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[Client]:
        """Open it.

        Raises:
            Refused: The server refuses.
        """


class _WebsocketsClient(Client):
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    @property
    def headers(self) -> Mapping[str, str]:
        assert self._connection.response is not None
        return self._connection.response.headers

    async def send(self, frame: str | bytes) -> None:
        async with asyncio.timeout(WITHIN):
            await self._connection.send(frame)

    async def receive(self) -> str | bytes:
        async with asyncio.timeout(WITHIN):
            return await self._connection.recv()

    async def closed(self) -> Closed:
        async with asyncio.timeout(WITHIN):
            try:
                frame = await self._connection.recv()
            except ConnectionClosed as exc:
                return Closed(exc.rcvd.code, exc.rcvd.reason) if exc.rcvd else Closed(1006)
        raise AssertionError(f"expected a close, but received {frame!r}")

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        async with asyncio.timeout(WITHIN):
            if code is None:
                self._connection.protocol.send_close()
                self._connection.send_data()
                await self._connection.wait_closed()
            else:
                await self._connection.close(code, reason)

    def reset(self) -> None:
        reset(self._connection.transport)


@asynccontextmanager
async def _connect_with_websockets(
    url: str, *, subprotocols: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Client]:
    try:
        connection = await connect_with_websockets(
            url,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            additional_headers=headers,
            open_timeout=WITHIN,
            close_timeout=CLOSED_WITHIN,
            proxy=None,
            # So that a client that closes before it has read all still reads the answer.
            max_queue=None,
        )
    except InvalidStatus as exc:
        response = exc.response
        raise Refused(response.status_code, response.headers, bytes(response.body)) from exc
    async with connection:
        yield _WebsocketsClient(connection)


class _AiohttpClient(Client):
    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        return self._connection.protocol

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def _response(self) -> aiohttp.ClientResponse:
        # aiohttp has it nowhere else.
        return self._connection._response  # pyright: ignore[reportPrivateUsage]

    async def send(self, frame: str | bytes) -> None:
        async with asyncio.timeout(WITHIN):
            if isinstance(frame, str):
                await self._connection.send_str(frame)
            else:
                await self._connection.send_bytes(frame)

    async def receive(self) -> str | bytes:
        message = await self._connection.receive(WITHIN)
        if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            frame: str | bytes = message.data
            return frame
        raise AssertionError(f"expected a message, but received {message!r}")

    async def closed(self) -> Closed:
        message = await self._connection.receive(WITHIN)
        if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            raise AssertionError(f"expected a close, but received {message!r}")
        return Closed(self._connection.close_code or 1006, message.extra or "")

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        assert code is not None
        async with asyncio.timeout(WITHIN):
            await self._connection.close(code=code, message=reason.encode())

    def reset(self) -> None:
        transport = self._response.connection
        assert transport is not None
        assert isinstance(transport.transport, asyncio.Transport)
        reset(transport.transport)


@asynccontextmanager
async def _connect_with_aiohttp(
    url: str, *, subprotocols: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession() as session:
        try:
            connection = await session.ws_connect(
                url,
                protocols=subprotocols,
                headers=headers,
            )
        except aiohttp.WSServerHandshakeError as exc:
            raise Refused(exc.status, exc.headers or {}, None) from exc
        async with connection:
            yield _AiohttpClient(connection)


async def open_socket(
    netloc: str, target: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for a connection, and leave all that follows to the caller."""
    host, _, port = netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {target} HTTP/1.1\r\n"
        f"Host: {netloc}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return reader, writer


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection by a TCP reset."""
    sock: socket.socket = transport.get_extra_info("socket")
    # Without lingering, closing discards what is unsent and sends RST in place of FIN.
    with contextlib.suppress(OSError):  # It is closed already.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


CLIENTS: Final[Mapping[str, Connect]] = {
    "websockets": _connect_with_websockets,
    "aiohttp": _connect_with_aiohttp,
}
