"""An endpoint as an ASGI application: each type of scope, and pickles."""

import copy
import inspect
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from wsendpoints import ConfigurationError, InvalidStateError, WebSocket, WebSocketEndpoint
from wsendpoints.application import Application, check_not_accepted
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect


class Endpoint(WebSocketEndpoint):
    """Takes text."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Take a message."""


class Exchange:
    """A server that delivers some events."""

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.sent: list[Event] = []

    async def receive(self) -> Event:
        """Deliver the next one."""
        return self.events.pop(0)

    async def send(self, event: Event) -> None:
        """Take an event."""
        self.sent.append(event)


async def no_endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail if it is called."""
    raise AssertionError("this is no WebSocket")


@pytest.mark.parametrize("mounted", [Endpoint, Endpoint.as_asgi()], ids=["class", "application"])
def test_route_of_fastapi_takes_no_application(mounted: Any) -> None:
    """FastAPI would take its arguments for what clients send, and refuse them all."""
    with pytest.raises(ConfigurationError) as caught:
        FastAPI().websocket("/")(mounted)
    assert str(caught.value) == (
        "a route of FastAPI's takes no endpoint class, and no ASGI application: write "
        "`app.websocket(path)(Chat.as_route())`, or `app.mount(path, Chat.as_asgi())`"
    )


def test_application_has_the_form_that_hosts_look_for() -> None:
    """An application is an object with an async `__call__` of three parameters."""
    app = Endpoint.as_asgi()
    assert inspect.iscoroutinefunction(app.__call__)
    assert list(inspect.signature(app).parameters) == ["scope", "receive", "send"]
    assert (app.__name__, repr(app)) == ("Endpoint", "<Endpoint.as_asgi()>")


def test_application_tells_what_it_serves() -> None:
    """Its class, and what was given to it."""
    app = Packed.as_asgi(greeting="Hi, ")
    assert (app.endpoint, app.attributes) == (Packed, {"greeting": "Hi, "})


@pytest.mark.anyio
async def test_websocket_scope_is_served() -> None:
    """The endpoint gets what the application was called with."""
    calls: list[Any] = []

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append((scope, receive, send))

    exchange, scope = Exchange(), {"type": "websocket"}
    receive, send = exchange.receive, exchange.send
    await Application(serve, Endpoint, {})(scope, receive, send)
    assert calls == [(scope, receive, send)]


@pytest.mark.anyio
async def test_h16_lifespan_is_answered() -> None:
    """Startup and shutdown are each acknowledged, then the application ends."""
    exchange = Exchange({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await Application(no_endpoint, Endpoint, {})(
        {"type": "lifespan"}, exchange.receive, exchange.send
    )
    assert exchange.sent == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]


UPGRADE = [(b"connection", b"upgrade"), (b"upgrade", b"websocket")]


@pytest.mark.parametrize(
    ("scope", "headers"),
    [
        pytest.param({}, UPGRADE, id="no version"),
        pytest.param({"http_version": "1.0"}, UPGRADE, id="1.0"),
        pytest.param({"http_version": "1.1"}, UPGRADE, id="1.1"),
        pytest.param({"http_version": "2"}, [], id="2"),
        pytest.param({"http_version": "3"}, [], id="3"),
    ],
)
@pytest.mark.anyio
async def test_h16_http_is_answered_with_426(
    scope: Scope, headers: list[tuple[bytes, bytes]]
) -> None:
    """A request without an upgrade is answered with 426, and HTTP/1.1 names the upgrade."""
    exchange = Exchange()
    app = Application(no_endpoint, Endpoint, {})
    await app({"type": "http", **scope}, exchange.receive, exchange.send)
    assert exchange.sent == [
        {
            "type": "http.response.start",
            "status": 426,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"29"),
                *headers,
            ],
        },
        {"type": "http.response.body", "body": b"This is a WebSocket endpoint."},
    ]


@pytest.mark.anyio
async def test_h16_any_other_scope_is_an_error_that_names_its_type() -> None:
    """Any other scope raises an error that names its type."""
    exchange = Exchange()
    with pytest.raises(ValueError, match="tcp") as caught:
        await Application(no_endpoint, Endpoint, {})(
            {"type": "tcp"}, exchange.receive, exchange.send
        )
    assert str(caught.value) == (
        "<Endpoint.as_asgi()> serves scopes of type 'websocket', 'http' and 'lifespan', not 'tcp'"
    )


# Pickling.


class Packed(WebSocketEndpoint):
    """Can be imported by its name, as what is pickled must be."""

    encoding = "text"
    greeting: str = "Hello, "

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        """Greet."""
        return self.greeting + data


def pickled(app: Application) -> Any:
    """Return what becomes of an application in another process."""
    return pickle.loads(pickle.dumps(app))  # noqa: S301 - it is ours


@pytest.mark.parametrize("copy_of", [pickled, copy.copy, copy.deepcopy], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("attributes", "answer"),
    [pytest.param({}, "Hello, Ada", id="bare"), pytest.param({"greeting": "Hi, "}, "Hi, Ada")],
)
@pytest.mark.anyio
async def test_an_application_can_be_pickled(
    copy_of: Callable[[Application], Any], attributes: dict[str, Any], answer: str
) -> None:
    """What is unpickled serves like the original, with the attributes that were given to it."""
    app = copy_of(Packed.as_asgi(**attributes))
    assert repr(app) == "<Packed.as_asgi()>"
    assert (app.endpoint, app.attributes) == (Packed, attributes)
    async with connect(app) as client:
        await client.send("Ada")
        assert await client.receive(str) == answer


@pytest.mark.parametrize("name", ["application_state", "connection_state"])
@pytest.mark.parametrize("state", ["CONNECTING", "CONNECTED", "OPEN", "DISCONNECTED"])
def test_connection_that_was_accepted_is_an_error(name: str, state: str) -> None:
    """Whichever framework's WebSocket tells so."""
    websocket: Any = SimpleNamespace(**{name: SimpleNamespace(name=state)})
    if state not in {"CONNECTED", "OPEN"}:
        check_not_accepted(websocket, "Chat")
        return
    with pytest.raises(InvalidStateError) as caught:
        check_not_accepted(websocket, "Chat")
    assert str(caught.value) == (
        "the connection was accepted already: leave that to on_connect of Chat"
    )


def test_connection_whose_state_is_unknown_is_served() -> None:
    """Litestar's WebSocket has no such attribute."""
    websocket: Any = SimpleNamespace(scope={})
    check_not_accepted(websocket, "Chat")
