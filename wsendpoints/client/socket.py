"""What a client needs of a library for WebSockets: one connection, whatever makes it."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
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


class Lost(Exception):
    """There is no connection, or no more.

    Attributes:
        close: How it ended.
        retry_after: Seconds that the server asks the client to stay away for; 0 if it asks for
            nothing.
    """

    def __init__(self, close: Close, retry_after: float = 0.0) -> None:
        super().__init__(close, retry_after)
        self.close: Close = close
        self.retry_after: float = retry_after


def refusal(status: int, retry_after: str | None = None) -> Lost:
    """Return what stands for a handshake that was answered with a status code of HTTP.

    Args:
        status: The code.
        retry_after: The header `Retry-After` of the answer, if there is one.
    """
    return Lost(Close(4000 + status, responses.get(status, "")), _seconds(retry_after or ""))


def _seconds(retry_after: str) -> float:
    """Return the seconds that a header stands for (RFC 9110, section 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except (OverflowError, ValueError):
        return 0.0


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
