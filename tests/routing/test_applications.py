"""What may be at a path of a router, and the text for what may not."""

from abc import abstractmethod
from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from starlette.endpoints import WebSocketEndpoint as StarlettesEndpoint

from wsendpoints import ConfigurationError, Given, WebSocket, WebSocketEndpoint
from wsendpoints.application import Application
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.routing.applications import application_at, check_parameters
from wsendpoints.routing.patterns import parse_pattern


class Chat(WebSocketEndpoint):
    """Takes text."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Take a message."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Be an application."""


def plain_app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """Be one that is not written as `async def`."""
    return app(scope, receive, send)


async def app_with_more(more: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Be one once it is given more."""


class Middleware:
    """Passes on what it gets."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""


def test_class_becomes_an_application() -> None:
    """As by `as_asgi`."""
    made = application_at("/", Chat)
    assert isinstance(made, Application)
    assert (made.endpoint, made.attributes) == (Chat, {})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(Chat.as_asgi(), id="as_asgi"),
        pytest.param(app, id="function"),
        pytest.param(partial(app_with_more, 1), id="partial"),
        pytest.param(Middleware(), id="object"),
        pytest.param(plain_app, id="plain function"),
    ],
)
def test_application_is_taken_as_it_is(given: Any) -> None:
    """Whatever kind of callable it is."""
    assert application_at("/", given) is given


async def handler(websocket: WebSocket) -> None:
    """Be a function of Starlette's or FastAPI's."""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(
            StarlettesEndpoint,
            "at the path '/x' is the class WebSocketEndpoint, which is no subclass of "
            "WebSocketEndpoint of wsendpoints: give one, or an ASGI application",
            id="Starlette's class",
        ),
        pytest.param(
            Chat({"type": "websocket"}, Any, Any),  # type: ignore[arg-type]  # not called
            "at the path '/x' is an instance of Chat, and each connection has its own: give the "
            "class, or `Chat.as_asgi(...)`",
            id="instance",
        ),
        pytest.param(
            "Chat",
            "at the path '/x' is 'Chat', which is neither an endpoint class nor an ASGI "
            "application: that is called with scope, receive and send",
            id="text",
        ),
        pytest.param(
            handler,
            f"at the path '/x' is {handler!r}, which is neither an endpoint class nor an ASGI "
            "application: that is called with scope, receive and send",
            id="function of a WebSocket",
        ),
        pytest.param(
            app_with_more,
            f"at the path '/x' is {app_with_more!r}, which is neither an endpoint class nor an "
            "ASGI application: that is called with scope, receive and send",
            id="function of four",
        ),
        pytest.param(
            getattr,
            "at the path '/x' is <built-in function getattr>, which is neither an endpoint class "
            "nor an ASGI application: that is called with scope, receive and send",
            id="without a signature",
        ),
    ],
)
def test_anything_else_is_a_mistake(given: Any, told: str) -> None:
    """The error says what may be there."""
    with pytest.raises(ConfigurationError) as caught:
        application_at("/x", given)
    assert str(caught.value) == told


class Abstract(Chat):
    """Can't be served."""

    @abstractmethod
    def load(self) -> None:
        """Be abstract."""


class Needing(Chat):
    """Can't be served without more."""

    db: Given[int]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(WebSocketEndpoint, "WebSocketEndpoint is abstract", id="base class"),
        pytest.param(Abstract, "Abstract leaves load abstract", id="abstract"),
        pytest.param(Needing, r"mount `Needing\.as_asgi\(db=\.\.\.\)`", id="attribute"),
    ],
)
def test_class_that_can_not_be_served(given: Any, told: str) -> None:
    """The error is that of `as_asgi`."""
    with pytest.raises(ConfigurationError, match=told):
        application_at("/", given)


class Params(BaseModel):
    """Takes a room alone."""

    model_config = ConfigDict(extra="forbid")

    room: str


class Strict(Chat):
    """Has such parameters."""

    params: Params


def test_parameters_of_the_path_are_checked() -> None:
    """By the endpoint, where there is one."""
    check_parameters(parse_pattern("/{room}"), Strict.as_asgi())
    check_parameters(parse_pattern("/{team}"), Chat.as_asgi())
    check_parameters(parse_pattern("/{team}"), Middleware())
    with pytest.raises(ConfigurationError, match=r"parameter 'team', which Strict\.params forbids"):
        check_parameters(parse_pattern("/{team}/{room}"), Strict.as_asgi())
