"""A clock that is moved by hand, for the event loop and for an endpoint: no time passes."""

import asyncio
from time import monotonic
from typing import Any

from trio.testing import MockClock

from tests.waiting import all_tasks_blocked
from wsendpoints import WebSocketEndpoint
from wsendpoints.lifecycle.serving import serve
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["Clock", "settle"]


class Clock:
    """Tells the time: that of the machine, and what it was moved by."""

    def __init__(self) -> None:
        self._moved = 0.0
        self._mock = MockClock()

    def __call__(self) -> float:
        """Return the time."""
        return monotonic() + self._moved

    def options(self, backend: str) -> dict[str, Any]:
        """Return the options by which an event loop has this clock."""
        return {"loop_factory": self._loop} if backend == "asyncio" else {"clock": self._mock}

    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.time = self  # type: ignore[method-assign]  # what the event loop tells the time by
        return loop

    async def move(self, seconds: float) -> None:
        """Let it be later, and let everything happen that is due."""
        self._moved += seconds
        self._mock.jump(seconds)
        await settle()

    async def serve(
        self, cls: type[WebSocketEndpoint], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve a connection by this clock."""
        endpoint: Any = cls(scope, receive, send)
        await serve(endpoint, endpoint._lifecycle, endpoint._declaration, endpoint._admission, self)


async def settle() -> None:
    """Let everything happen that can."""
    await all_tasks_blocked()
