"""URLs of the host's routes: by hosts that have names for them, and errors where none has."""

from typing import Any

import litestar
import pytest
from fastapi import FastAPI
from fastapi import WebSocket as FastAPIWebSocket
from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.routing import Host, Mount, NoMatchFound, Route, Router, WebSocketRoute

from wsendpoints import InvalidStateError, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.handshake.routing import base_url_of, route_of, url_of_route
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.protocol.asgi import Scope
from wsendpoints.testing import connect

HOST = [(b"host", b"example.com:8443")]


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        pytest.param({}, "ws://example.com:8443/", id="top"),
        pytest.param({"scheme": "wss"}, "wss://example.com:8443/", id="secure"),
        pytest.param({"root_path": "/api"}, "ws://example.com:8443/api/", id="root_path"),
        pytest.param({"root_path": "/api/"}, "ws://example.com:8443/api/", id="slash"),
        pytest.param({"root_path": None}, "ws://example.com:8443/", id="None"),
        pytest.param({"root_path": "/café"}, "ws://example.com:8443/caf%C3%A9/", id="encoded"),
        pytest.param(
            {"root_path": "/api/chat", "app_root_path": "/api"},
            "ws://example.com:8443/api/",
            id="mounted",
        ),
        pytest.param({"headers": []}, "/", id="no host"),
    ],
)
def test_base_url(scope: Scope, url: str) -> None:
    """Path and query of the connection are not in it, and it ends in a slash."""
    scope = {"headers": HOST, "path": "/api/chat/1", "query_string": b"a=1", **scope}
    assert base_url_of(scope) == url
    assert scope["path"] == "/api/chat/1"


class Telling(WebSocketEndpoint):
    """Sends the URL of a route of its host."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        """Send it."""
        await websocket.accept()
        params = {name: websocket.query_params[name] for name in ("item",)}
        await websocket.send_json(websocket.url_for(websocket.query_params["name"], **params))


def item_of_fastapi(item: str) -> str:
    """Be a route with a name."""
    return item


def fastapi() -> Any:
    """Return an application of FastAPI's with a named route."""
    app = FastAPI()
    app.get("/items/{item}", name="item")(item_of_fastapi)
    app.mount("/ws", Telling.as_asgi())
    return app


STARLETTES = [
    WebSocketRoute("/ws/", Telling, name="chat"),
    WebSocketRoute("/rooms/{item}", Telling, name="room"),
    Route("/items/{item}", Telling, name="item"),
    Host("api.example.com", Router([Route("/items/{item}", Telling, name="item")]), name="api"),
]
STARLETTE = Starlette(routes=STARLETTES)
MOUNTED = Starlette(
    routes=[Mount("/ws", Telling.as_asgi()), Route("/items/{item}", Telling, name="item")]
)
LITESTAR = Litestar(
    [
        asgi("/ws", copy_scope=True)(Telling.as_asgi()),
        asgi("/items/{item:str}", name="item", copy_scope=True)(Telling.as_asgi()),
    ]
)


@pytest.mark.parametrize(
    ("app", "name", "url"),
    [
        pytest.param(STARLETTE, "item", "http://example.com:8443/items/1", id="Starlette, http"),
        pytest.param(STARLETTE, "room", "ws://example.com:8443/rooms/1", id="Starlette, websocket"),
        pytest.param(STARLETTE, "api:item", "http://api.example.com/items/1", id="Starlette, host"),
        pytest.param(Router(STARLETTES), "room", "ws://example.com:8443/rooms/1", id="Router"),
        pytest.param(MOUNTED, "item", "http://example.com:8443/items/1", id="mounted"),
        pytest.param(fastapi(), "item", "http://example.com:8443/items/1", id="FastAPI"),
        pytest.param(LITESTAR, "item", "ws://example.com:8443/items/1", id="Litestar"),
    ],
)
@pytest.mark.anyio
async def test_url_for_asks_the_host(app: Any, name: str, url: str) -> None:
    """The host's router is found wherever it has put itself."""
    headers = {"host": "example.com:8443"}
    async with connect(app, f"/ws/?name={name}&item=1", headers=headers) as client:
        assert await client.receive_json() == url


@pytest.mark.parametrize(
    ("protocol", "scheme", "url"),
    [
        pytest.param("http", "wss", "https://h/a", id="http"),
        pytest.param("websocket", "wss", "wss://h/a", id="websocket"),
        pytest.param("", "wss", "wss://h/a", id="unknown"),
    ],
)
def test_a_secure_connection_has_secure_urls(protocol: str, scheme: str, url: str) -> None:
    """What was asked for over TLS leads to what is."""
    router = Naming(protocol)
    scope = {"scheme": scheme, "headers": [(b"host", b"h")], "router": router}
    assert url_of_route(scope, "a", {}) == url


class Path(str):
    """A path as Starlette has it."""

    __slots__ = ("host", "protocol")

    host: str
    protocol: str


class Naming:
    """A router with one path."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol

    def url_path_for(self, name: str, /, **path_params: object) -> Path:
        """Return the path."""
        path = Path(f"/{name}")
        path.host, path.protocol = "", self.protocol
        return path


def test_without_a_host_there_is_only_a_path() -> None:
    """A URL without a host has no scheme either."""
    assert url_of_route({"router": Naming("http")}, "a", {}) == "/a"


def test_an_unknown_name_is_the_hosts_error() -> None:
    """What the host raises is not translated."""
    with pytest.raises(NoMatchFound):
        url_of_route({"router": Router()}, "nowhere", {})


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({}, id="server alone"),
        pytest.param({"app": object(), "router": None}, id="another framework"),
    ],
)
def test_url_for_without_a_router(scope: Scope) -> None:
    """The error names the hosts that have one."""
    with pytest.raises(InvalidStateError) as caught:
        url_of_route(scope, "chat", {})
    assert str(caught.value) == (
        "url_for('chat'): no router that knows its routes by name has put itself into the scope. "
        "Those of Starlette, FastAPI and Litestar do; elsewhere, use base_url"
    )


class Routed(WebSocketEndpoint):
    """Sends how its own path is written."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        """Send it."""
        await websocket.accept()
        await websocket.send_json(route_of(websocket.scope))


@litestar.websocket("/rooms/{room:str}")
async def room_of_litestar(socket: litestar.WebSocket[Any, Any, Any]) -> None:
    """Serve it by a handler of Litestar's, which has names for paths."""
    await Routed.serve(socket)


@litestar.asgi("/rooms", is_mount=True, copy_scope=True)
async def mounted_in_litestar(scope: Any, receive: Any, send: Any) -> None:
    """Serve it below a path of Litestar's, for which it has none."""
    await Routed(scope, receive, send)


def in_fastapi() -> FastAPI:
    """Return an application with a route to it."""
    app = FastAPI()

    async def room(websocket: FastAPIWebSocket) -> None:
        await Routed.serve(websocket)

    app.add_api_websocket_route("/rooms/{room}", room)
    return app


ROUTER = WebSocketRouter({"/v1": WebSocketRouter({"/rooms/{room:int}": Routed})})


@pytest.mark.parametrize(
    ("app", "route"),
    [
        pytest.param(Routed.as_asgi(), None, id="alone"),
        pytest.param(ROUTER, "/v1/rooms/{room:int}", id="router"),
        pytest.param(Starlette(routes=[Mount("/", ROUTER)]), "/v1/rooms/{room:int}", id="mounted"),
        pytest.param(in_fastapi(), "/rooms/{room}", id="FastAPI"),
        pytest.param(Litestar([room_of_litestar]), "/rooms/{room}", id="Litestar"),
        pytest.param(Litestar([mounted_in_litestar]), None, id="Litestar, mounted"),
    ],
)
@pytest.mark.anyio
async def test_route_of_a_watched_connection(app: Any, route: str | None) -> None:
    """It is as the router that knows it has it."""
    path = "/v1/rooms/1" if route and route.startswith("/v1") else "/rooms/1"
    async with connect(app, path, scope={WATCHED: ()}) as client:
        assert await client.receive_json() == route


@pytest.mark.anyio
async def test_a_router_tells_no_route_where_nobody_watches() -> None:
    """A scope has no more than is needed."""
    async with connect(ROUTER, "/v1/rooms/1") as client:
        assert await client.receive_json() is None
