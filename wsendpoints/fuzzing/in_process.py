"""A way to an ASGI application in the same process."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import final

from wsendpoints.fuzzing.hostile import Frame
from wsendpoints.fuzzing.peers import Ended, MisbehaviourError, Peer, RefusedError
from wsendpoints.fuzzing.plan import Handshake
from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.testing.client import Client
from wsendpoints.testing.connecting import connect
from wsendpoints.testing.errors import ConnectionEndedError, HandshakeDenied, UnexpectedEventError

__all__ = ["InProcess"]


@final
class InProcess:
    """Opens connections to an application, as a server would.

    What the application raises is told, and that it still runs when its client has left.

    Args:
        app: The application.
        headers: Those of the handshake, by name.
        patience: Seconds that an answer, or the end, may take.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: Mapping[str, str] | None = None,
        patience: float = 5,
    ) -> None:
        self._app = app
        self._headers = dict(headers or {})
        self._patience = patience

    @asynccontextmanager
    async def open(self, handshake: Handshake) -> AsyncGenerator[Peer]:
        """Open a connection, and close it in the end.

        Raises:
            RefusedError: The application refuses it.
            MisbehaviourError: The application fails, or does not end.
        """
        offered = [] if handshake.subprotocol is None else [handshake.subprotocol]
        own: Exception | None = None
        try:
            async with connect(
                self._app,
                handshake.path,
                headers={**handshake.headers, **self._headers},
                subprotocols=offered,
                timeout=self._patience,
            ) as client:
                try:
                    yield _ClientPeer(client, self._patience)
                except Exception as exc:
                    own = exc
                    raise
        except HandshakeDenied as exc:
            raise RefusedError(exc.status) from None
        except Exception as exc:
            if exc is own:
                raise
            raise MisbehaviourError(_told(exc)) from exc


def _told(exc: Exception) -> str:
    return f"{exc}" if isinstance(exc, AssertionError) else f"raised {exc!r}"


@final
class _ClientPeer:
    def __init__(self, client: Client, patience: float) -> None:
        self._client = client
        self._patience = patience

    async def send(self, frame: Frame) -> None:
        try:
            await self._client.send(frame)
        except ConnectionEndedError:
            # What comes next tells how it has ended.
            return

    async def receive(self, *, is_due: bool) -> Frame | Ended | None:
        try:
            return await self._next(is_due=is_due)
        except UnexpectedEventError:
            return None
        except Exception as exc:
            # The application's own, without a close.
            raise MisbehaviourError(_told(exc)) from exc

    async def _next(self, *, is_due: bool) -> Frame | Ended | None:
        if not is_due:
            with suppress(UnexpectedEventError):
                await self._client.receive_nothing(timeout=self._patience)
                return None
        with suppress(UnexpectedEventError):
            return await self._client.receive(timeout=self._patience)
        return Ended((await self._client.expect_close(timeout=0)).code)
