"""One connection after the other, until the client is closed, or may not come back."""

import logging
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, final

import anyio

from wsendpoints.client.address import Positions, Target
from wsendpoints.client.socket import CLOSED_WITHIN, Address, Close, Lost, Open, Socket
from wsendpoints.contract.comebacks import Comeback
from wsendpoints.protocol.close_codes import CloseCode

__all__ = ["Backoff", "Link", "Listener"]

logger: Final = logging.getLogger("wsendpoints")

_SECOND: Final = 1.0
"""At most one try is made in it."""

_CONNECTED_WITHIN: Final = 15.0
"""Seconds that a try may take."""

_STABLE_AFTER: Final = 5.0
"""Seconds that a connection has lasted when what went wrong before it is forgotten."""

_NORMAL: Final = Close(CloseCode.NORMAL_CLOSURE)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a client waits before it comes back: a random part of a time that doubles.

    Attributes:
        min: Seconds of the first wait, at most. Whatever it is, no more than one try is made in a
            second.
        max: Seconds of any wait, at most.
    """

    min: float = 1.0
    max: float = 30.0


class Listener(Protocol):
    """What is told of the connections."""

    @property
    def positions(self) -> Positions:
        """Where the client is in the groups with a history."""
        ...

    def opened(self, socket: Socket) -> None:
        """There is a connection, and nothing was sent on it."""

    async def received(self, frame: str | bytes) -> None:
        """A frame came."""

    def lost(self, close: Close) -> None:
        """The connection is over."""

    def closed(self, close: Close) -> None:
        """There will be none any more."""


@final
class Link:
    """Makes connections, and receives.

    Args:
        open_socket: Makes one.
        target: Where to.
        comeback_after: Tells what to do after a close code.
        backoff: How long to wait; `None` for not coming back.
        listener: What is told.
    """

    def __init__(
        self,
        open_socket: Open,
        target: Target,
        comeback_after: Callable[[int], Comeback],
        backoff: Backoff | None,
        listener: Listener,
    ) -> None:
        self._open = open_socket
        self._target = target
        self._comeback_after = comeback_after
        self._backoff = backoff
        self._listener = listener
        self._scope = anyio.CancelScope()
        self._own_close: Close | None = None
        self._done = anyio.Event()

    async def run(self) -> None:
        """Connect until there is a reason not to."""
        close = _NORMAL
        try:
            with self._scope:
                close = await self._live()
        finally:
            self._listener.closed(self._own_close or close)
            self._done.set()

    async def close(self, close: Close) -> None:
        """Close the connection, for good, and wait until it is closed."""
        self._own_close = self._own_close or close
        self._scope.cancel()
        await self._done.wait()

    async def _live(self) -> Close:
        failures = 0
        is_token_new = False
        while True:
            tried = anyio.current_time()
            close, lasted, retry_after = await self._connect()
            if lasted >= _STABLE_AFTER:
                failures, is_token_new = 0, False
            comeback = self._comeback_after(close.code)
            is_hopeless = comeback == "token" and (is_token_new or self._target.get_token is None)
            if self._backoff is None or comeback == "never" or is_hopeless:
                return close
            is_token_new = is_token_new or comeback == "token"
            failures += 2 if comeback == "later" else 0
            limit = min(self._backoff.max, self._backoff.min * 2 ** min(failures, 64))
            failures += 1
            wait = 0.0 if comeback == "token" else random.uniform(0, limit)  # noqa: S311 - no secret
            # Those who are told the same time come back spread over some more.
            wait = min(self._backoff.max, retry_after + wait)
            await anyio.sleep_until(max(anyio.current_time() + wait, tried + _SECOND))

    async def _connect(self) -> tuple[Close, float, float]:
        """Return how a connection ended, and the seconds that it was open.

        And those that the server asks the client to stay away for.
        """
        opened: float | None = None
        retry_after = 0.0
        close = Close(reason="there was no answer")
        try:
            with anyio.move_on_after(_CONNECTED_WITHIN) as limit:
                address = await self._address()
                async with self._open(address) as socket:
                    limit.deadline = math.inf
                    opened = anyio.current_time()
                    close = await self._receive(socket)
        except Lost as lost:
            close, retry_after = lost.close, lost.retry_after
        lasted = 0.0 if opened is None else anyio.current_time() - opened
        return close, lasted, retry_after

    async def _address(self) -> Address:
        try:
            return await self._target.address(self._listener.positions)
        except Exception as exc:
            # The application's, such as one that finds no network.
            logger.warning("get_token failed, and the client tries again", exc_info=True)
            raise Lost(Close(reason=str(exc))) from exc

    async def _receive(self, socket: Socket) -> Close:
        close = _NORMAL
        self._listener.opened(socket)
        try:
            while True:
                await self._listener.received(await socket.receive())
        except Lost as lost:
            close = lost.close
        finally:
            self._listener.lost(self._own_close or close)
            with anyio.move_on_after(CLOSED_WITHIN, shield=True):
                await socket.close(self._own_close or _NORMAL)
        return close
