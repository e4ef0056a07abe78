"""Many clients of an application in this process, each with a `send` as costly as uvicorn's.

It has all steps of uvicorn's, but what is written goes to `/dev/null`. That is quicker than a
socket, so that what a broadcast adds to it counts for more.
"""

import asyncio
import os
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self, final

from websockets.exceptions import InvalidState
from websockets.protocol import Protocol, Side

from benchmarks.plain_server import make_scope
from wsendpoints.protocol.asgi import ASGIApp, Event

__all__ = ["Crowd"]

PATIENCE: Final = 60.0
"""Seconds within which all have to be connected, and to be told."""

_CONNECT: Final[Event] = {"type": "websocket.connect"}
_DISCONNECT: Final[Event] = {"type": "websocket.disconnect", "code": 1000, "reason": ""}


@final
class Crowd:
    """So many clients of an application, on an event loop of their own, while it is entered.

    Args:
        app: What serves them.
        number: How many they are.

    Attributes:
        number: How many they are.
        connected: How many wait for a message.
        sent: How many messages they were sent.
    """

    def __init__(self, app: ASGIApp, number: int) -> None:
        self.number: int = number
        self.connected: int = 0
        self.sent: int = 0
        self._app = app
        self._clients: list[_Client] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._output = stack.enter_context(open(os.devnull, "wb", buffering=0))
            self._runner = stack.enter_context(asyncio.Runner())
            self._runner.run(self._connect())
            stack.callback(lambda: self._runner.run(self._disconnect()))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def tell(self, text: str) -> tuple[float, float]:
        """Have a client say something that makes the application send a message to each.

        Returns:
            The seconds of CPU time of the longest turn of the event loop, and those of all turns
            until each had the message.
        """
        return self._runner.run(self._tell(text))

    def send_by_hand(self, text: str) -> float:
        """Send to each, in one turn; return the seconds of CPU time."""
        return self._runner.run(self._send_by_hand(text))

    def wrote(self, data: bytes) -> None:
        """Take what is sent to one of them."""
        self._output.write(data)
        self.sent += 1

    async def _connect(self) -> None:
        self._clients = [_Client(self) for _ in range(self.number)]
        self._tasks = [asyncio.create_task(client.serve(self._app)) for client in self._clients]
        async with asyncio.timeout(PATIENCE):
            while self.connected < self.number:  # noqa: ASYNC110 - looked at in each turn
                await asyncio.sleep(0)

    async def _disconnect(self) -> None:
        for client in self._clients:
            client.says(_DISCONNECT)
        await asyncio.gather(*self._tasks)

    async def _tell(self, text: str) -> tuple[float, float]:
        until = self.sent + self.number
        longest = 0.0
        began = last = time.thread_time()
        self._clients[0].says({"type": "websocket.receive", "text": text})
        async with asyncio.timeout(PATIENCE):
            while self.sent < until:
                # It is back once all others that can go on have had their turn.
                await asyncio.sleep(0)
                now = time.thread_time()
                longest, last = max(longest, now - last), now
        assert self.sent == until
        return longest, last - began

    async def _send_by_hand(self, text: str) -> float:
        began = time.thread_time()
        for client in self._clients:
            await client.send({"type": "websocket.send", "text": text})
        return time.thread_time() - began


@final
class _Client:
    """A client, and what of the server's is there for it alone."""

    __slots__ = ("_crowd", "_events", "_is_waiting", "_protocol", "_writable")

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._events.put_nowait(_CONNECT)
        self._is_waiting = False
        self._protocol = Protocol(Side.SERVER)
        self._writable = asyncio.Event()
        self._writable.set()

    def says(self, event: Event) -> None:
        """Have the application get an event."""
        self._events.put_nowait(event)

    async def serve(self, app: ASGIApp) -> None:
        """Serve it until it disconnects."""
        await app(make_scope(), self._receive, self.send)

    async def _receive(self) -> Event:
        if self._events.empty() and not self._is_waiting:
            self._is_waiting = True
            self._crowd.connected += 1
        return await self._events.get()

    async def send(self, event: Event) -> None:
        """Write a message in the steps that uvicorn has for it; an accept is let be."""
        await self._writable.wait()
        if event["type"] == "websocket.send":
            try:
                data, text = event.get("bytes"), event.get("text")
                if data is not None:
                    self._protocol.send_binary(data)
                elif text is not None:
                    self._protocol.send_text(text.encode())
                self._crowd.wrote(b"".join(self._protocol.data_to_send()))
            except InvalidState as exc:
                raise OSError from exc
