"""What a client needs of a library for WebSockets: one connection, whatever makes it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http.client import responses
from typing import Final, NamedTuple, Protocol, TypeAlias

from wsendpoints.protocol.close_codes import CloseCode

__all__ = ["CLOSED_WITHIN", "Address", "Close", "Lost", "Open", "Socket", "refusal"]

CLOSED_WITHIN: Final = 2.0
"""Seconds that the server has to answer a close."""


class Close(NamedTuple):
    """How a connection ended.

    Attributes:
        code: The close code. It is 1006 for one that was lost, or not made, and 4000 and a status
            code of HTTP for one that the server refused.
        reason: The reason, `""` if there is none.
    """

    code: int = CloseCode.ABNORMAL_CLOSURE
    reason: str = ""


def refusal(status: int) -> Close:
    """Return what stands for a handshake that was answered with a status code of HTTP."""
    return Close(4000 + status, responses.get(status, ""))


class Lost(Exception):
    """There is no connection, or no more.

    Attributes:
        close: How it ended.
    """

    def __init__(self, close: Close) -> None:
        super().__init__(close)
        self.close: Close = close


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client connects to.

    Attributes:
        url: It begins with `ws://` or `wss://`.
        subprotocols: Those that the client speaks, in the order of preference.
        headers: Further headers of the handshake.
    """

    url: str
    subprotocols: Sequence[str]
    headers: Mapping[str, str]


class Socket(Protocol):
    """A connection. Any task may send; one receives."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        ...

    async def send(self, frame: str | bytes) -> None:
        """Send a frame.

        Raises:
            Lost: There is no connection any more.
        """

    async def receive(self) -> str | bytes:
        """Wait for a frame. Cancelling it loses none.

        Raises:
            Lost: There is no connection any more.
        """
        ...

    async def close(self, close: Close) -> None:
        """Close the connection, unless it is closed."""


Open: TypeAlias = Callable[[Address], AbstractAsyncContextManager[Socket]]
"""Makes a connection, and in the end leaves nothing of it, closed or not.

Entering raises `Lost` if there is none.
"""
