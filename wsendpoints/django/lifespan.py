"""What an application starts with, where the server runs no lifespan, as daphne does."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, final

from wsendpoints.protocol.asgi import ASGIApp, Event
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["LIFESPAN", "Lifespan"]

logger: logging.Logger = logging.getLogger("wsendpoints")

LIFESPAN: Final = "wsendpoints lifespan"
"""The name of the task that serves it."""


@final
class Lifespan:
    """Plays the part of the server that runs the lifespan of an application.

    It begins with the first connection, in a task that lasts as long as the event loop:
    `asyncio.run` cancels what is left in the end, and awaits it. daphne runs the loop of a reactor,
    which does not: there it ends as the reactor shuts down, behind the connections.

    Args:
        app: The application.

    Attributes:
        state: What it yields, for the scope of each connection (ASGI spec, "Lifespan State").
    """

    __slots__ = ("_app", "_connections", "_ending", "_started", "_task", "state")

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None
        self._ending: asyncio.Event | None = None
        self._connections: set[asyncio.Task[Any]] = set()
        self.state: dict[str, Any] = {}

    @property
    def is_running(self) -> bool:
        """Whether it has begun, and has not ended."""
        return self._task is not None and not self._task.done()

    @asynccontextmanager
    async def started(self) -> AsyncGenerator[None]:
        """Have it started as long as this is entered, which each connection does.

        Cancelled, it starts all the same, for the others.

        Raises:
            InvalidStateError: It can't start; the log says why. The next one tries again.
        """
        if not self.is_running:
            loop = asyncio.get_running_loop()
            self._started, self._ending = loop.create_future(), asyncio.Event()
            self._task = loop.create_task(self._serve(self._started, self._ending), name=LIFESPAN)
            _stop_before_reactor(self)
        started: Any = self._started
        connection: Any = asyncio.current_task()
        self._connections.add(connection)
        try:
            await asyncio.shield(started)
            yield
        finally:
            self._connections.discard(connection)

    async def stop(self) -> None:
        """End the connections, then the application, and wait until all of it has ended."""
        if connections := [*self._connections]:
            for it in connections:
                # daphne cancels them, too, but not if it fails over one that has sent no request.
                if not it.cancelling():
                    it.cancel()
            await asyncio.wait(connections)
        if self._task is not None and self._ending is not None:
            self._ending.set()
            await asyncio.wait([self._task])

    async def _serve(self, started: asyncio.Future[None], ending: asyncio.Event) -> None:
        is_told = False

        async def receive() -> Event:
            nonlocal is_told
            if is_told:
                await ending.wait()
                return {"type": "lifespan.shutdown"}
            is_told = True
            return {"type": "lifespan.startup"}

        async def send(event: Event) -> None:
            if event["type"] == "lifespan.startup.complete":
                started.set_result(None)
            elif event["type"] == "lifespan.startup.failed":
                started.set_exception(_not_started(event["message"]))

        try:
            asgi = {"version": "3.0", "spec_version": "2.0"}
            await self._app({"type": "lifespan", "asgi": asgi, "state": self.state}, receive, send)
        except Exception:
            logger.exception("the application ended before its server")
        finally:
            if not started.done():
                started.set_exception(_not_started("the event loop ends"))
            # Whoever waited may have left.
            started.exception()


def _not_started(reason: object) -> InvalidStateError:
    return InvalidStateError(f"the application can't start: {reason}")


def _stop_before_reactor(lifespan: Lifespan) -> None:
    """Have it stop before Twisted's reactor does, if that runs the event loop."""
    # What runs it has imported it.
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if reactor is None or not reactor.running:
        return
    deferred: Any = sys.modules["twisted.internet.defer"].Deferred

    def stop() -> object:
        # The reactor waits for it.
        return deferred.fromFuture(asyncio.ensure_future(lifespan.stop()))

    reactor.addSystemEventTrigger("before", "shutdown", stop)
