"""What an application starts with, where the server runs no lifespan, as daphne does."""

import asyncio
import logging
import sys
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

    __slots__ = ("_app", "_ending", "_started", "_task", "state")

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None
        self._ending: asyncio.Event | None = None
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Wait until it is started. Any number of connections may wait at once.

        Cancelled, it starts all the same, for the others.

        Raises:
            InvalidStateError: It can't start; the log says why. The next one tries again.
        """
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._started, self._ending = loop.create_future(), asyncio.Event()
            self._task = loop.create_task(self._serve(self._started, self._ending), name=LIFESPAN)
            _end_with_reactor(self)
        assert self._started is not None  # noqa: S101 - set with the task
        await asyncio.shield(self._started)

    async def stop(self) -> None:
        """End it, and wait until it has ended."""
        task, ending = self._task, self._ending
        if task is not None and ending is not None:
            ending.set()
            await asyncio.wait([task])

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


def _end_with_reactor(lifespan: Lifespan) -> None:
    """Have it end as Twisted's reactor shuts down, if that runs the event loop."""
    # What runs it has imported it.
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if reactor is None or not reactor.running:
        return
    deferred: Any = sys.modules["twisted.internet.defer"].Deferred

    def end() -> object:
        # The reactor waits for it.
        return deferred.fromFuture(asyncio.ensure_future(lifespan.stop()))

    # "before" that, daphne ends the connections.
    reactor.addSystemEventTrigger("during", "shutdown", end)
