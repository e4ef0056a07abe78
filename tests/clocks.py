"""Event loops with a clock of their own: while all tasks wait, it jumps to the next timeout.

So a test that sleeps takes no time, and can wait for a limit of an hour. What happens in between
does not depend on how fast the machine is, nor on what else it does. All tests run on them that do
not ask for `REAL_TIME`.
"""

import asyncio
import math
import selectors
from typing import Any, Final

import anyio
import pytest
from trio.testing import MockClock

from wsendpoints import WebSocketEndpoint
from wsendpoints.lifecycle.serving import serve
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["GENEROUS", "REAL_TIME", "VIRTUAL", "VIRTUAL_ASYNCIO", "VirtualLoop", "as_asgi"]


class _Selector(selectors.DefaultSelector):
    """Does not wait: it moves its clock on by the time that it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout is not None:
            # A callback is run once its time has passed, not at that very moment.
            self.now = math.nextafter(self.now + timeout, math.inf)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Takes the time from its selector."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


_ASYNCIO: Final = pytest.param(("asyncio", {"loop_factory": VirtualLoop}), id="asyncio")
_TRIO: Final = pytest.param(("trio", {"clock": MockClock(autojump_threshold=0)}), id="trio")

VIRTUAL: Final = [_ASYNCIO, _TRIO]
"""Such event loops, one of asyncio's and one of trio's."""

VIRTUAL_ASYNCIO: Final = pytest.mark.parametrize("anyio_backend", [_ASYNCIO])
"""Marks tests that need asyncio."""

REAL_TIME: Final = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
"""Marks tests in which a task goes on without ever waiting, or a thread works.

They may wait for a short limit only if nothing else can end what it limits. All other limits are
`GENEROUS`, so that their end means failure.
"""

GENEROUS: Final = 60.0
"""Seconds of real time that are enough on any machine, however busy it is."""


def as_asgi(cls: type[WebSocketEndpoint]) -> ASGIApp:
    """Return an endpoint as an ASGI application whose clock is that of the event loop."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint: Any = cls(scope, receive, send)
        await serve(
            endpoint,
            endpoint._lifecycle,
            endpoint._declaration,
            endpoint._admission,
            anyio.current_time,
        )

    return app
