"""A way to a server at a URL, by the package websockets."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final, final
from urllib.parse import urlsplit

from anyio import move_on_after

from wsendpoints.fuzzing.hostile import Frame
from wsendpoints.fuzzing.peers import Ended, MisbehaviourError, Peer, RefusedError
from wsendpoints.fuzzing.plan import Handshake
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["OverNetwork"]

_QUIET: Final = 0.05
"""Seconds after which nothing more is expected that is not due."""

_LOST: Final = 1006


@final
class OverNetwork:
    """Opens connections to a server, on asyncio.

    Args:
        url: The URL that the paths of the endpoints are below: `"ws://localhost:8000/api"`.
        headers: Those of the handshake, by name.
        patience: Seconds that an answer may take.

    Raises:
        ConfigurationError: The URL is none, or websockets is not installed.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, patience: float = 5
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.query:
            raise ConfigurationError(f'{url!r}: use a URL such as "ws://localhost:8000/api"')
        try:
            self._client: Any = import_module("websockets.asyncio.client")
            self._exceptions: Any = import_module("websockets.exceptions")
        except ModuleNotFoundError as exc:
            raise ConfigurationError(
                "a URL is reached by websockets: install wsendpoints[client]"
            ) from exc
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._patience = patience

    @asynccontextmanager
    async def open(self, handshake: Handshake) -> AsyncGenerator[Peer]:
        """Open a connection, and close it in the end.

        Raises:
            RefusedError: The server refuses it.
            MisbehaviourError: It can't be reached, or is no server of WebSocket.
        """
        offered = None if handshake.subprotocol is None else [handshake.subprotocol]
        try:
            connection: Any = await self._client.connect(
                f"{self._url}{handshake.path}",
                additional_headers={**handshake.headers, **self._headers},
                subprotocols=offered,
                open_timeout=self._patience,
                close_timeout=self._patience,
                max_size=None,
                proxy=None,
            )
        except self._exceptions.InvalidStatus as exc:
            raise RefusedError(exc.response.status_code) from None
        except (OSError, self._exceptions.InvalidHandshake, EOFError) as exc:
            raise MisbehaviourError(f"can't be connected to: {exc!r}") from exc
        async with connection:
            yield _ConnectionPeer(connection, self._patience, self._exceptions)


@final
class _ConnectionPeer:
    def __init__(self, connection: Any, patience: float, exceptions: Any) -> None:
        self._connection = connection
        self._patience = patience
        self._closed: type[Exception] = exceptions.ConnectionClosed

    async def send(self, frame: Frame) -> None:
        try:
            await self._connection.send(frame)
        except self._closed:
            # What comes next tells how it has ended.
            return

    async def receive(self, *, is_due: bool) -> Frame | Ended | None:
        with move_on_after(self._patience if is_due else _QUIET):
            try:
                frame: Frame = await self._connection.recv()
            except self._closed:
                code = self._connection.close_code
                return Ended(_LOST if code is None else code)
            return frame
        return None
