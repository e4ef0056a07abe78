"""Connections whose other end is played by the test."""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, TypeVar, final

import anyio
from pydantic_core import from_json, to_json

from wsendpoints.client.socket import Address, Close, Lost, Socket

__all__ = ["Wire", "Wires", "highest", "lowest"]

T = TypeVar("T")

WITHIN: Final = 100.0
"""Seconds of a virtual clock."""


@final
class Pipe(Generic[T]):
    """What is put in at one end comes out at the other."""

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self._changed = anyio.Event()

    def put(self, item: T) -> None:
        """Put it in."""
        self.items.append(item)
        self._changed.set()

    async def get(self) -> T:
        """Wait for what is in front."""
        while not self.items:
            self._changed = anyio.Event()
            await self._changed.wait()
        return self.items.popleft()


class Wire:
    """A connection, as the client has it, and as the server has it."""

    def __init__(self, subprotocol: str | None = None) -> None:
        self.subprotocol = subprotocol
        self.closed: Close | None = None
        self._to_client: Pipe[str | bytes | Close] = Pipe()
        self._to_server: Pipe[str | bytes] = Pipe()
        self._over: Close | None = None
        self.gate = anyio.Event()
        self.gate.set()

    # The client's end.

    async def send(self, frame: str | bytes) -> None:
        await self.gate.wait()
        if self._over is not None:
            raise Lost(self._over)
        self._to_server.put(frame)

    async def receive(self) -> str | bytes:
        frame = await self._to_client.get()
        if isinstance(frame, Close):
            self._over = frame
            raise Lost(frame)
        return frame

    async def close(self, close: Close) -> None:
        self.closed = self._over or close

    # The server's end.

    def give(self, value: Any) -> None:
        """Send JSON to the client."""
        self._to_client.put(to_json(value).decode())

    def give_frame(self, frame: str | bytes) -> None:
        """Send a frame to the client."""
        self._to_client.put(frame)

    def end(self, code: int, reason: str = "") -> None:
        """Close the connection, or lose it."""
        self._to_client.put(Close(code, reason))

    def is_over(self, code: int) -> None:
        """Have the client's next send fail."""
        self._over = Close(code)

    async def got(self) -> Any:
        """Return the value of the next frame that the client sent."""
        return from_json(await self.got_frame())

    async def got_frame(self) -> str | bytes:
        """Return the next frame that the client sent."""
        with anyio.fail_after(WITHIN):
            return await self._to_server.get()

    def got_nothing(self) -> bool:
        """Return whether the client sent nothing more."""
        return not self._to_server.items


class Wires:
    """Makes connections: each a new `Wire`, or what the test has put into `outcomes`."""

    def __init__(self, subprotocol: str | None = None) -> None:
        self.outcomes: deque[Close | Lost] = deque()
        self.addresses: list[Address] = []
        self.times: list[float] = []
        self.every: list[Wire] = []
        self.subprotocol = subprotocol
        self._made: Pipe[Wire] = Pipe()

    async def next(self) -> Wire:
        """Wait for the next connection."""
        with anyio.fail_after(WITHIN):
            return await self._made.get()

    @asynccontextmanager
    async def open(self, address: Address) -> AsyncGenerator[Socket]:
        """Make a connection."""
        self.addresses.append(address)
        self.times.append(anyio.current_time())
        if self.outcomes:
            outcome = self.outcomes.popleft()
            raise outcome if isinstance(outcome, Lost) else Lost(outcome)
        wire = Wire(self.subprotocol)
        self.every.append(wire)
        self._made.put(wire)
        yield wire


def lowest(low: float, high: float) -> float:
    """Stand in for `random.uniform`: each wait is as short as it may be."""
    return low


def highest(low: float, high: float) -> float:
    """Stand in for `random.uniform`: each wait is as long as it may be."""
    return high
