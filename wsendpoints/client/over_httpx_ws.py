"""A connection of httpx-ws', on asyncio and trio."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, final

import httpx
from anyio import BrokenResourceError, ClosedResourceError
from httpx_ws import (
    AsyncWebSocketSession,
    HTTPXWSException,
    WebSocketDisconnect,
    WebSocketUpgradeError,
    aconnect_ws,
)
from wsproto.events import TextMessage
from wsproto.utilities import ProtocolError

from wsendpoints.client.socket import Address, Close, Lost, Socket, refusal

__all__ = ["open_socket"]

_GONE = (HTTPXWSException, ProtocolError, BrokenResourceError, ClosedResourceError)
"""What it raises once the connection is over."""


@asynccontextmanager
async def open_socket(
    address: Address, client: httpx.AsyncClient | None = None, **options: Any
) -> AsyncGenerator[Socket]:
    """Make a connection; see `Open`.

    Args:
        address: Where to.
        client: What makes it: by default one of its own.
        options: More arguments of `httpx_ws.aconnect_ws`.
    """
    try:
        async with aconnect_ws(
            address.url,
            client,
            subprotocols=[*address.subprotocols] or None,
            headers=dict(address.headers),
            session_class=AsyncWebSocketSession,
            **options,
        ) as session:
            yield _Socket(session)
    except WebSocketUpgradeError as exc:
        answer = exc.response
        raise refusal(answer.status_code, answer.headers.get("Retry-After")) from exc
    except (*_GONE, httpx.HTTPError) as exc:
        raise Lost(Close(reason=str(exc))) from exc
    except ExceptionGroup as group:
        # What its own tasks raise, such as the one that sends pings, and what is raised within.
        _, others = group.split(_GONE)
        if others is None:
            raise Lost(Close(reason=str(group.exceptions[0]))) from group
        failure = others.exceptions[0] if len(others.exceptions) == 1 else others
    else:
        return
    raise failure


@final
class _Socket:
    def __init__(self, session: AsyncWebSocketSession) -> None:
        self._session = session

    @property
    def subprotocol(self) -> str | None:
        return self._session.subprotocol

    async def send(self, frame: str | bytes) -> None:
        is_text = isinstance(frame, str)
        send = self._session.send_text if is_text else self._session.send_bytes
        try:
            await send(frame)  # type: ignore[arg-type]  # of that kind
        except _GONE as exc:
            raise Lost(Close(reason=str(exc))) from exc

    async def receive(self) -> str | bytes:
        try:
            event: Any = await self._session.receive()
        except WebSocketDisconnect as exc:
            raise Lost(Close(exc.code, exc.reason)) from exc
        except _GONE as exc:
            raise Lost(Close(reason=str(exc))) from exc
        return event.data if isinstance(event, TextMessage) else bytes(event.data)

    async def close(self, close: Close) -> None:
        await self._session.close(close.code, close.reason)
