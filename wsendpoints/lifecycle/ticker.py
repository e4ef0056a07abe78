"""A look every 20 ms at all connections of an event loop that are at work.

What has to wait for long needs somebody beside it: a task that notices the disconnect, and a count
of the time. But most waits are short, and on some servers every send waits for a moment, so nothing
is set up when a wait begins. Instead the ticker looks at what is under way. What it finds a second
time takes long, and gets what a long wait needs: between one interval and two after it began.

Connections are looked at only while they are at work, and until it is known that they take long.
While there are none, nothing ticks.
"""

import asyncio
from contextvars import Context
from typing import Final, Protocol, final
from weakref import WeakKeyDictionary

from anyio import sleep
from anyio.lowlevel import RunVar

from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.lifecycle.tasks import Tasks

__all__ = ["INTERVAL", "Busy", "Ticker", "running_ticker"]

INTERVAL: Final = 0.02
"""Seconds from one look to the next."""


class Busy(Protocol):
    """A connection that is looked at.

    Attributes:
        tasks: Its tasks; their group is open as long as the connection is looked at.
    """

    tasks: Tasks

    def look(self, ticker: "Ticker") -> bool:
        """Look at what is under way, and call `ticker.takes_long` if any of it takes long.

        It is called outside of any task.

        Returns:
            Whether there is anything to look at again.
        """
        ...

    def take_care(self) -> None:
        """Give what takes long what it needs; called in a task."""
        ...


@final
class Ticker:
    """Looks at the connections of one event loop.

    On asyncio it is a timer. trio has none, so there it is a task of one of the connections, and of
    another one when that ends, so that no task outlives its connection.
    """

    __slots__ = ("__weakref__", "_busy", "_helper", "_is_running", "_long", "_timer")

    def __init__(self) -> None:
        # A dict keeps the order, so that none is looked at later and later.
        self._busy: dict[Busy, None] = {}
        self._long: dict[Busy, None] = {}
        self._helper: asyncio.Task[None] | None = None
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: Busy) -> None:
        """Look at a connection from now on."""
        self._busy[one] = None
        if not self._is_running:
            self._start(one)

    def remove(self, one: Busy) -> None:
        """Look at a connection no more: its task group is about to end."""
        self._busy.pop(one, None)
        self._long.pop(one, None)
        if not self._busy and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._is_running = False

    def takes_long(self, one: Busy) -> None:
        """Call `take_care` of a connection, after this look."""
        self._long[one] = None

    def look(self) -> None:
        """Look at each connection once; called in a task."""
        self._look()
        self._take_care()

    def _look(self) -> None:
        for one in [*self._busy]:
            if not one.look(self):
                self._busy.pop(one, None)

    def _take_care(self) -> None:
        while self._long:
            one, _ = self._long.popitem()
            one.take_care()

    def _start(self, one: Busy) -> None:
        self._is_running = True
        if is_asyncio():
            self._look_later(asyncio.get_running_loop())
        else:
            one.tasks.start_own(self._look_on, "wsendpoints ticker")

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        # In the context of no connection, for it may go on after each of them.
        self._timer = loop.call_later(INTERVAL, self._tick, loop, context=Context())

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._look()
        if self._long:
            # anyio starts tasks in a task alone. One at a time: it is done within a turn.
            self._helper = loop.create_task(self._take_care_soon())
        if self._busy:
            self._look_later(loop)
        else:
            self._timer = None
            self._is_running = False

    async def _take_care_soon(self) -> None:
        self._take_care()
        self._helper = None

    async def _look_on(self) -> None:
        try:
            while self._busy:
                await sleep(INTERVAL)
                self.look()
        finally:
            self._is_running = False
            # It is cancelled together with the connection whose task it is.
            for one in self._busy:
                if not one.tasks.is_cancelled:
                    self._start(one)
                    break


_of_loops: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Ticker]] = WeakKeyDictionary()
_of_run: Final[RunVar[Ticker]] = RunVar("wsendpoints ticker")


def running_ticker() -> Ticker:
    """Return the ticker of the running event loop."""
    if not is_asyncio():
        ticker = _of_run.get(None)
        if ticker is None:
            ticker = Ticker()
            _of_run.set(ticker)
        return ticker
    # By ourselves, since a `RunVar` takes ten times as long, which is paid by each connection.
    loop = asyncio.get_running_loop()
    found = _of_loops.get(loop)
    if found is None:
        found = _of_loops[loop] = Ticker()
    return found
