"""Groups are started by the server that an application runs on, and end with it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.groups.failing import Failing
from wsendpoints import BackplaneError, InvalidStateError
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send

pytestmark = pytest.mark.anyio


async def run(app: Any, beside: Callable[[], Any]) -> list[Event]:
    """Serve a lifespan as a server does; return what was sent."""
    sent: list[Event] = []
    is_over = anyio.Event()
    events = iter(["startup", "shutdown"])

    async def receive() -> Event:
        event = next(events)
        if event == "shutdown":
            await beside()
            await is_over.wait()
        return {"type": f"lifespan.{event}"}

    async def send(event: Event) -> None:
        sent.append(event)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, {"type": "lifespan"}, receive, send)
        is_over.set()
    return sent


def app_of(groups: Groups) -> Any:
    """Return an application with nothing else to start."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await groups.lifespan(receive, send)

    return app


async def test_groups_live_as_long_as_the_server() -> None:
    """From its start to its shutdown."""
    groups = Groups(Failing(Hub()))
    sent = await run(app_of(groups), lambda: groups.broadcast("a", 1))
    assert [it["type"] for it in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    with pytest.raises(InvalidStateError, match="not started"):
        await groups.broadcast("a", 1)


async def test_server_does_not_start_without_the_backplane(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told why."""
    plane = Failing(Hub())
    plane.refuses_start = True
    (sent,) = await run(app_of(Groups(plane)), anyio.lowlevel.checkpoint)
    assert sent == {"type": "lifespan.startup.failed", "message": "nothing there"}
    assert "the application can't start" in caplog.text


async def test_backplane_that_fails_meanwhile_ends_the_lifespan() -> None:
    """With what it raised, which the server logs."""
    plane = Failing(Hub())
    groups = Groups(plane)

    async def fail() -> None:
        plane.dies.set()
        await anyio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as caught:
        await run(app_of(groups), fail)
    assert caught.group_contains(BackplaneError, match="gone for good")
    with pytest.raises(InvalidStateError, match="not started"):
        await groups.broadcast("a", 1)


def test_framework_has_a_place_for_it() -> None:
    """Its lifespan."""
    groups = Groups(Failing(Hub()))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with groups:
            yield

    with TestClient(Starlette(lifespan=lifespan)) as client:
        assert client.portal is not None
        assert client.portal.call(groups.broadcast, "a", 1) == 0
