"""The fuzzer runs from where nothing waits."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fuzzing.endpoints import Honest, document_of
from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.fuzzing.peers import MisbehaviourError
from wsendpoints.fuzzing.running import run
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

OPTIONS: Any = {
    "headers": {},
    "patience": 5,
    "seed": 1,
    "messages": 30,
    "seconds": None,
    "codes": (),
}


class Stateful(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        assert websocket.scope["state"]["ready"]
        await websocket.accept()


@asynccontextmanager
async def lifespan(router: WebSocketRouter) -> AsyncGenerator[Mapping[str, Any]]:
    """Share a state."""
    yield {"ready": True}


def test_application_is_started_first() -> None:
    """Its connections have what its lifespan yields."""
    router = WebSocketRouter({"/": Stateful}, lifespan=lifespan)
    report = run(document_of(Stateful), router, **OPTIONS)
    assert (report.failure, report.sent.total()) == (None, 30)


@asynccontextmanager
async def failing(router: WebSocketRouter) -> AsyncGenerator[Mapping[str, Any]]:
    """Fail to start."""
    raise OSError("no database")
    yield {}


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that it can't start, and raise why."""
    await send({"type": "lifespan.startup.failed"})
    raise OSError("no database")


@pytest.mark.parametrize("app", [WebSocketRouter({"/": Honest}, lifespan=failing), raising])
def test_application_that_can_not_start(app: ASGIApp) -> None:
    """What it says, or raises, is told."""
    with pytest.raises(MisbehaviourError, match="can't start: no database"):
        run(document_of(Honest), app, **OPTIONS)


def test_application_without_a_lifespan() -> None:
    """It is served all the same, as servers do."""
    served = Honest.as_asgi()

    async def without(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError(scope["type"])
        await served(scope, receive, send)

    report = run(document_of(Honest), without, **OPTIONS)
    assert (report.failure, report.sent.total()) == (None, 30)


def test_server_is_reached_by_its_url() -> None:
    """One that is not there has failed."""
    report = run(document_of(Honest), "ws://127.0.0.1:1", **OPTIONS)
    assert report.failure is not None
    assert report.failure.what.startswith("can't be connected to: ")
