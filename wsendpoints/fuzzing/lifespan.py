"""The lifespan of an application, run as a server does it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio

from wsendpoints.fuzzing.peers import MisbehaviourError
from wsendpoints.protocol.asgi import ASGIApp, Event

__all__ = ["started"]

_FAILED: Final = "lifespan.startup.failed"


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncGenerator[dict[str, Any]]:
    """Start an application, yield the state that it shares with connections, and end it.

    One that raises instead of answering has no lifespan (ASGI spec, "Lifespan Protocol").

    Raises:
        MisbehaviourError: It says that it can't start.
    """
    state: dict[str, Any] = {}
    scope = {
        "type": "lifespan",
        "asgi": {"version": "3.0", "spec_version": "2.0"},
        "state": state,
    }
    asked, ask = anyio.Event(), [{"type": "lifespan.startup"}]
    answered = anyio.Event()
    failures: list[str] = []

    async def receive() -> Event:
        if not ask:
            await asked.wait()
            return {"type": "lifespan.shutdown"}
        return ask.pop()

    async def send(event: Event) -> None:
        if event["type"] == _FAILED:
            failures.append(f"can't start: {event.get('message', '')}")
        answered.set()

    async def run() -> None:
        try:
            await app(scope, receive, send)
        except Exception:
            if answered.is_set() and not failures:
                raise
        finally:
            answered.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await answered.wait()
        if not failures:
            yield state
        asked.set()
    if failures:
        raise MisbehaviourError(failures[0])
