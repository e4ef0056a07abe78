"""A connection of websockets', on asyncio."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, final

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from wsendpoints.client.socket import Address, Close, Lost, Socket, refusal

__all__ = ["open_socket"]


@asynccontextmanager
async def open_socket(address: Address, **options: Any) -> AsyncGenerator[Socket]:
    """Make a connection; see `Open`.

    Args:
        address: Where to.
        options: More arguments of `websockets.connect`, such as `ssl`.
    """
    # A client trusts its server with the size of messages, and limits the time itself.
    given: Any = {"max_size": None, "open_timeout": None, **options}
    try:
        connection = await connect(
            address.url,
            subprotocols=[Subprotocol(it) for it in address.subprotocols] or None,
            additional_headers=address.headers,
            **given,
        )
    except InvalidStatus as exc:
        answer = exc.response
        raise refusal(answer.status_code, answer.headers.get("Retry-After")) from exc
    except (OSError, EOFError, InvalidHandshake) as exc:
        raise Lost(Close(reason=str(exc))) from exc
    try:
        yield _Socket(connection)
    finally:
        connection.transport.abort()
        with anyio.CancelScope(shield=True):
            await connection.wait_closed()


@final
class _Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    async def send(self, frame: str | bytes) -> None:
        try:
            await self._connection.send(frame)
        except ConnectionClosed as exc:
            raise _lost(exc) from exc

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as exc:
            raise _lost(exc) from exc

    async def close(self, close: Close) -> None:
        await self._connection.close(close.code, close.reason)


def _lost(exc: ConnectionClosed) -> Lost:
    return Lost(Close() if exc.rcvd is None else Close(exc.rcvd.code, exc.rcvd.reason))
