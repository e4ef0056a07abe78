"""The middleware: around one endpoint, or a framework, and for which classes."""

from typing import Any

import pytest
import starlette
from fastapi import FastAPI
from fastapi import WebSocket as FastAPIWebSocket
from opentelemetry import metrics, trace
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute

from tests.console.requests import request
from tests.telemetry.recorded import Recorded, attributes
from wsendpoints import (
    ConfigurationError,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
    handles,
)
from wsendpoints.telemetry import TelemetryMiddleware
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Echo(WebSocketEndpoint):
    """Answers with what it gets."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


async def echo(app: Any, path: str = "/") -> None:
    """Have a message answered."""
    async with connect(app, path) as client:
        await client.send_text("a")
        assert await client.receive_text() == "a"


async def test_around_an_endpoint() -> None:
    """Other requests pass as they are."""
    recorded = Recorded()
    app = recorded.around(Echo.as_asgi())
    await echo(app)
    assert recorded.names == ["Echo.on_receive", "websocket Echo"]
    assert (await request(app, "/")).status == 426
    assert len(recorded.spans) == 2


@pytest.mark.parametrize(
    ("path", "route"),
    [
        # Starlette tells it, since 1.0.
        pytest.param(
            "/echo/1",
            "/echo/{id}" if not starlette.__version__.startswith("0.") else "Echo",
            id="the class",
        ),
        pytest.param("/mounted/echo/1", "/echo/{id}", id="a router"),
    ],
)
async def test_within_starlette(path: str, route: str) -> None:
    """By `add_middleware`, or as its constructor takes it."""
    recorded = Recorded()
    app = Starlette(
        routes=[
            WebSocketRoute("/echo/{id}", Echo),
            Mount("/mounted", WebSocketRouter({"/echo/{id}": Echo})),
        ],
        middleware=[
            Middleware(
                TelemetryMiddleware,
                tracer_provider=recorded.tracers,
                meter_provider=recorded.meters,
            )
        ],
    )
    await echo(app, path)
    assert recorded.names == ["Echo.on_receive", f"websocket {route}"]


async def test_within_fastapi() -> None:
    """Around a function that serves an endpoint."""
    recorded = Recorded()
    app = FastAPI()

    async def serve(websocket: FastAPIWebSocket, id: int) -> None:
        await Echo.serve(websocket)

    app.add_api_websocket_route("/echo/{id}", serve)
    app.add_middleware(
        TelemetryMiddleware, tracer_provider=recorded.tracers, meter_provider=recorded.meters
    )
    await echo(app, "/echo/1")
    assert recorded.names == ["Echo.on_receive", "websocket /echo/{id}"]


async def test_what_is_excluded_is_neither_traced_nor_counted() -> None:
    """With its subclasses."""
    recorded = Recorded()

    class Loud(Echo):
        pass

    app = WebSocketRouter({"/echo": Echo, "/loud": Loud})
    await echo(recorded.around(app, exclude=[Loud]), "/loud")
    assert recorded.names == []
    assert recorded.metric("sent.messages") == {}
    await echo(recorded.around(app, exclude=[Loud]), "/echo")
    assert recorded.names == ["Echo.on_receive", "websocket /echo"]
    await echo(recorded.around(app, exclude=[Echo]), "/loud")
    assert len(recorded.names) == 2


@pytest.mark.parametrize(
    "what", [Echo.as_asgi(), int, "Echo"], ids=["an application", "int", "str"]
)
def test_what_is_no_endpoint_class_can_not_be_excluded(what: Any) -> None:
    """It is an error when the middleware is made."""
    with pytest.raises(ConfigurationError) as caught:
        TelemetryMiddleware(Echo.as_asgi(), exclude=[what])
    assert str(caught.value) == (
        f"exclude has {what!r}: use endpoint classes, as in `exclude=[Chat]`"
    )


async def test_elsewhere_the_class_is_as_it_was() -> None:
    """What is not behind the middleware is not changed by it."""
    recorded = Recorded()
    await echo(recorded.around(Echo.as_asgi()))
    await echo(Echo.as_asgi())
    assert len(recorded.spans) == 2


async def test_connections_count_together_wherever_they_are_mounted() -> None:
    """Two applications of one provider have one set of metrics."""
    recorded = Recorded()
    await echo(recorded.around(Echo.as_asgi()))
    await echo(recorded.around(Echo.as_asgi()))
    assert recorded.metric("received.messages") == {attributes(endpoint="Echo"): 2}


async def test_a_class_that_is_changed_is_measured_as_it_is_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by a mock."""
    recorded = Recorded()

    class Patched(WebSocketEndpoint):
        encoding = "text"

        @handles
        async def first(self, websocket: WebSocket, data: str) -> str:
            return data

    async def other(self: Any, websocket: WebSocket, data: str) -> str:
        return data

    app = recorded.around(Patched.as_asgi())
    await echo(app)
    await echo(app)
    monkeypatch.setattr(Patched, "first", other)
    await echo(app)
    name = Patched.__qualname__
    assert recorded.names == [f"{name}.first", f"websocket {name}"] * 3


async def test_a_live_router_watches_as_well() -> None:
    """Both know of the connection."""
    recorded = Recorded()
    router = WebSocketRouter({"/echo": Echo}, live=lambda _: True)
    async with connect(recorded.around(router), "/echo"):
        answer = await request(router, "/docs/live.json", headers={"host": "example.com"})
        assert b'"endpoint": "Echo"' in answer.body
    assert recorded.names == ["websocket /echo"]


async def test_without_an_sdk_nothing_is_made() -> None:
    """The global providers do nothing until an application sets them."""
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    await echo(TelemetryMiddleware(Echo.as_asgi()))
    no_tracers, no_meters = trace.NoOpTracerProvider(), metrics.NoOpMeterProvider()
    await echo(
        TelemetryMiddleware(Echo.as_asgi(), tracer_provider=no_tracers, meter_provider=no_meters)
    )
