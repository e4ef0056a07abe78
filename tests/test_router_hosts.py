"""A router in each host that mounts it: where it is, what is left of the path, and what is not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, asgi
from quart import Quart
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.clocks import GENEROUS
from tests.groups.failing import Failing
from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class Telling(WebSocketEndpoint):
    """Tells its path parameters."""

    async def on_connect(self, websocket: WebSocket) -> None:
        """Tell them."""
        await websocket.accept()
        await websocket.send_json({**websocket.path_params})


def make_router() -> WebSocketRouter:
    """Return a router with a router in it."""
    inner = WebSocketRouter({"/rooms/{room:int}": Telling, "/": Telling})
    return WebSocketRouter(
        {"/": Telling, "/rooms/{room}": Telling, "/slash/": Telling, "/v1/{team}": inner}
    )


def starlette() -> ASGIApp:
    """Return it in a mount."""
    return Starlette(routes=[Mount("/ws", make_router())])


def starlette_twice() -> ASGIApp:
    """Return it in a mount in a mount."""
    return Starlette(routes=[Mount("/", routes=[Mount("/ws", make_router())])])


def fastapi() -> ASGIApp:
    """Return it in a mount."""
    app = FastAPI()
    app.mount("/ws", make_router())
    return app


def fastapi_within() -> ASGIApp:
    """Return it in a mount of a mounted application."""
    inner = FastAPI()
    inner.mount("/ws", make_router())
    app = FastAPI()
    app.mount("/", inner)
    return app


def litestar() -> ASGIApp:
    """Return it in a mount."""
    app: Any = Litestar([asgi("/ws", is_mount=True, copy_scope=True)(make_router())])
    return app  # type: ignore[no-any-return]  # untyped


class Wrapper:
    """Takes what is below `/ws`, as any ASGI middleware may, and leaves the rest."""

    def __init__(self, rest: Any) -> None:
        self._rest = rest
        self._router = make_router()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        root = scope.get("root_path", "") + "/ws"
        if scope["type"] == "websocket" and scope["path"].startswith(f"{root}/"):
            await self._router({**scope, "root_path": root}, receive, send)
        else:
            await self._rest(scope, receive, send)


def quart() -> ASGIApp:
    """Return it around Quart's application."""
    app: Any = Quart(__name__)
    app.asgi_app = Wrapper(app.asgi_app)
    return app  # type: ignore[no-any-return]  # untyped


def django() -> ASGIApp:
    """Return it beside Django's application, as in a project's asgi.py."""
    import_module("examples.mounting.django_app")  # it has the settings
    http: Any = import_module("django.core.asgi").get_asgi_application()
    router = WebSocketRouter({"/ws": make_router()})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (http if scope["type"] == "http" else router)(scope, receive, send)

    return app


def channels() -> ASGIApp:
    """Return it in a path of Channels' router, with one of its own."""
    import_module("examples.mounting.django_app")  # it has the settings
    routing: Any = import_module("channels.routing")
    path: Any = import_module("django.urls").path
    app: ASGIApp = routing.ProtocolTypeRouter(
        {"websocket": routing.URLRouter([path("ws/", make_router())])}
    )
    return app


ON_BOTH = [starlette, starlette_twice, fastapi, fastapi_within]
ON_ASYNCIO = [litestar, quart, django, channels]

in_each_host = pytest.mark.parametrize(
    ("anyio_backend", "make"),
    [
        pytest.param(backend, make, id=f"{make.__name__} {backend}")
        for backend, hosts in {"asyncio": [*ON_BOTH, *ON_ASYNCIO], "trio": ON_BOTH}.items()
        for make in hosts
    ],
)


@in_each_host
@pytest.mark.parametrize("root", ["", "/api"])
@pytest.mark.parametrize(
    ("path", "params"),
    [
        pytest.param("/ws/", {}, id="root"),
        pytest.param("/ws/rooms/caf%C3%A9", {"room": "café"}, id="parameter"),
        pytest.param("/ws/v1/a/rooms/7", {"team": "a", "room": 7}, id="router within"),
        pytest.param("/ws/v1/a/", {"team": "a"}, id="its root"),
    ],
)
async def test_endpoint_is_found_below_the_host(
    make: Any, root: str, path: str, params: dict[str, Any]
) -> None:
    """Whatever the host does to the path, and below whichever path the host itself is served."""
    scope = {"root_path": root}
    async with connect(make(), root + path, scope=scope, timeout=GENEROUS) as client:
        told = await client.receive_json()
    # Starlette's mount tells the rest of the path as one of its own.
    told.pop("path", None)
    assert told == params


@in_each_host
@pytest.mark.parametrize("path", ["/ws/nowhere", "/ws/rooms/a/b", "/ws/v1/a/rooms/x"])
async def test_other_paths_are_not_found(make: Any, path: str) -> None:
    """The client is told so."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(make(), path, timeout=GENEROUS):
            pass
    assert (denied.value.status, denied.value.body) == (404, b"Not Found")


@in_each_host
async def test_slash_at_the_end_counts_below_any_host(make: Any) -> None:
    """As the client sent it: Litestar's mount adds one to each path."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(make(), "/ws/slash", timeout=GENEROUS):
            pass
    assert denied.value.status == 404


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("make", [starlette, fastapi, litestar], ids=lambda it: it.__name__)
@pytest.mark.parametrize(("path", "status"), [("/ws/rooms/a", 426), ("/ws/nowhere", 404)])
async def test_requests_are_answered_below_a_host(make: Any, path: str, status: int) -> None:
    """Where a mount passes them on."""
    transport = httpx.ASGITransport(make())
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get(path)).status_code == status


async def test_proxy_may_remove_the_path_of_a_host() -> None:
    """FastAPI is told of it, and its mount is below that in `root_path`, but not in the path."""
    scope = {"root_path": "/proxy"}
    async with connect(fastapi(), "/ws/rooms/a", scope=scope) as client:
        assert (await client.receive_json())["room"] == "a"


async def test_host_starts_the_groups() -> None:
    """Its mounts get no lifespan of their own."""
    groups = Groups(Failing(Hub()))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with groups:
            yield

    router = WebSocketRouter({"/": Joining.as_asgi(them=groups)}, groups=groups)
    app = Starlette(routes=[Mount("/ws", router)], lifespan=lifespan)
    async with app.router.lifespan_context(app), connect(app, "/ws/") as client:
        assert await client.receive_json() == "hello"


class Joining(WebSocketEndpoint):
    """Joins a group, and sends to it."""

    encoding = "json"
    them: Groups

    async def on_connect(self, websocket: WebSocket) -> None:
        """Join it."""
        await websocket.accept()
        await self.them.join(self, "all")
        await self.them.broadcast("all", "hello")
