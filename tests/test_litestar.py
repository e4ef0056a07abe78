"""An endpoint class as a route handler of Litestar's, which resolves attributes of it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Depends
from litestar import Controller, Litestar, Router, websocket
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import ImproperlyConfiguredException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromCookie, FromPath, HeaderParameter, QueryParameter

from tests.clocks import VIRTUAL
from wsendpoints import ConfigurationError, Given, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.litestar import as_handler
from wsendpoints.testing import HandshakeDenied, IllegalEventError, connect

pytestmark = pytest.mark.anyio


Events = list[str]


@pytest.fixture(params=[VIRTUAL[0]])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Return asyncio: Litestar needs it."""
    backend: object = request.param
    return backend


class DB:
    """A connection of a database."""


class Chat(WebSocketEndpoint):
    """Has attributes of each kind."""

    encoding = "text"
    db: Given[DB]
    events: Given[Events]
    room: FromPath[str]
    number: Annotated[int, QueryParameter(name="n")] = 5
    token: Annotated[str | None, HeaderParameter(name="x-token")] = None
    session: FromCookie[str | None] = None

    async def on_connect(self, websocket: WebSocket) -> None:
        """Record what is there."""
        self.events.append(f"connect with {type(self.db).__name__}")
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        """Say what it was given."""
        if data == "fail":
            raise ValueError(data)
        return f"{self.room} {self.number} {self.token} {self.session}"

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Record it."""
        self.events.append("disconnect")


def provide(events: Events) -> dict[str, Provide]:
    """Return what the class requires."""

    async def get_db() -> AsyncIterator[DB]:
        events.append("open")
        try:
            yield DB()
        except ValueError as exc:
            events.append(f"failed with {exc}")
            raise
        finally:
            events.append("close")

    async def get_events() -> Events:
        return events

    return {"db": Provide(get_db), "events": Provide(get_events)}


async def told(app: Any, path: str, **options: Any) -> str:
    """Return what the endpoint at a path says."""
    async with connect(app, path, **options) as client:
        await client.send_text("")
        return await client.receive_text()


async def test_each_kind_is_resolved() -> None:
    """By Litestar: a dependency by the name, and what is marked as in a function."""
    events: Events = []
    handler = websocket("/rooms/{room:str}", dependencies=provide(events))(as_handler(Chat))
    app = Litestar([handler])
    headers = [("x-token", "abc"), ("cookie", "session=def")]
    assert await told(app, "/rooms/lobby?n=7", headers=headers) == "lobby 7 abc def"
    assert await told(app, "/rooms/lobby") == "lobby 5 None None"
    assert events == ["open", "connect with DB", "disconnect", "close"] * 2


async def test_what_is_opened_gets_the_exception_of_a_handler() -> None:
    """So that a transaction is rolled back."""
    events: Events = []
    handler = websocket("/{room:str}", dependencies=provide(events))(as_handler(Chat))
    app: Any = Litestar([handler])
    # Litestar closes the connection of a failure, whether it is still open or not.
    with pytest.raises(IllegalEventError, match="after it closed the connection"):
        async with connect(app, "/lobby") as client:
            await client.send_text("fail")
            await client.expect_close(1011)
    assert events[2:] == ["disconnect", "failed with fail", "close"]


def in_app(events: Events) -> Any:
    """Return an application that has the dependencies."""
    return Litestar([websocket("/{room:str}")(as_handler(Chat))], dependencies=provide(events))


def in_router(events: Events) -> Any:
    """Return one with a router that has them."""
    handler = websocket("/{room:str}")(as_handler(Chat))
    return Litestar([Router("/", route_handlers=[handler], dependencies=provide(events))])


def in_controller(events: Events) -> Any:
    """Return one with a controller that has them."""

    class Rooms(Controller):
        path = "/"
        dependencies = provide(events)
        chat = websocket("/{room:str}")(as_handler(Chat))

    return Litestar([Rooms])


@pytest.mark.parametrize("layer", [in_app, in_router, in_controller])
async def test_dependency_may_be_of_any_layer(layer: Any) -> None:
    """As for any handler of Litestar's."""
    assert await told(layer([]), "/lobby") == "lobby 5 None None"


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a client."""
    raise NotAuthorizedException("who are you?")


async def test_guard_refuses_a_client() -> None:
    """Before anything is resolved; Litestar closes, and so the server answers with 403."""
    events: Events = []
    dependencies = provide(events)
    handler = websocket("/{room:str}", dependencies=dependencies, guards=[guard])(as_handler(Chat))
    app: Any = Litestar([handler])
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, "/lobby"):
            pass
    assert denied.value.status == 403
    assert events == []


async def test_parameter_that_is_not_valid_refuses_the_client() -> None:
    """In the same way."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(in_app([]), "/lobby?n=seven"):
            pass
    assert denied.value.status == 403


async def test_what_is_given_is_not_resolved() -> None:
    """It is the same for all connections of the route."""
    events: Events = []
    given: dict[str, Any] = {"db": DB(), "events": events, "number": 1}
    limits = Limits(max_message_size=1)
    handler = websocket("/{room:str}")(as_handler(Chat, limits=limits, **given))
    app: Any = Litestar([handler])
    async with connect(app, "/lobby") as client:
        await client.send_text("x")
        assert await client.receive_text() == "lobby 1 None None"
        await client.send_text("xy")
        await client.expect_close(1009)
    assert events == ["connect with DB", "disconnect"]


async def test_what_is_given_is_what_it_was() -> None:
    """And no copy of it, as Litestar makes of a list."""
    events: Events = []

    class Same(Chat):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return str(self.events is events)

    handler = websocket("/{room:str}", dependencies=provide(events))(as_handler(Same))
    assert await told(Litestar([handler]), "/lobby") == "True"


class Marked(WebSocketEndpoint):
    """Marks a dependency for FastAPI."""

    db: Annotated[DB, Depends(DB)]


async def test_dependency_of_another_class_is_an_error() -> None:
    """As where it is given to `as_asgi`."""

    async def get_number() -> int:
        return 5

    dependencies = {**provide([]), "db": Provide(get_number)}
    errors: list[Exception] = []

    async def keep(exc: Exception, scope: object) -> None:
        errors.append(exc)

    handler = websocket("/{room:str}", dependencies=dependencies)(as_handler(Chat))
    app: Any = Litestar([handler], after_exception=[keep])
    with pytest.raises(HandshakeDenied):
        async with connect(app, "/lobby"):
            pass
    (error,) = errors
    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        "Chat.db is declared as Given[DB], but what is given is of the class int: give an instance "
        "of DB"
    )


def test_dependency_that_nobody_provides_is_an_error() -> None:
    """Litestar's own, when the application is made."""
    with pytest.raises(ImproperlyConfiguredException, match="'db' for 'Chat'"):
        Litestar([websocket("/{room:str}")(as_handler(Chat, events=[]))])


def test_mark_for_another_framework_is_an_error() -> None:
    """Litestar does not read it."""
    with pytest.raises(ConfigurationError, match=r"Marked\.db is required, and Litestar can't"):
        as_handler(Marked)


def test_attribute_that_is_not_declared_is_refused() -> None:
    """As `as_asgi` refuses it."""
    with pytest.raises(ConfigurationError, match="Chat declares no attribute 'bd'"):
        as_handler(Chat, bd=DB())


def test_class_is_not_mounted_without_what_it_requires() -> None:
    """The error names both ways: to give it, and to have Litestar resolve it."""
    with pytest.raises(ConfigurationError) as caught:
        Chat.as_asgi(db=DB(), events=[], number=1, token=None, session=None)
    assert str(caught.value) == (
        "Chat is not given room, which it requires: mount `Chat.as_asgi(room=...)`, call "
        "`Chat.serve(websocket, room=...)`, or have Litestar resolve that: "
        "`websocket(path)(as_handler(Chat))`"
    )
