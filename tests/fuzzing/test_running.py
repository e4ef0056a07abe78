"""The fuzzer runs from where nothing waits."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.fuzzing.endpoints import Honest, document_of
from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.fuzzing.running import run

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


def test_server_is_reached_by_its_url() -> None:
    """One that is not there has failed."""
    report = run(document_of(Honest), "ws://127.0.0.1:1", **OPTIONS)
    assert report.failure is not None
    assert report.failure.what.startswith("can't be connected to: ")
