"""The endpoints in the routes of frameworks' applications."""

from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query
from fastapi.security import HTTPBearer
from litestar import Controller, Litestar, Router, asgi, get, websocket
from litestar.params import FromPath
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Host, Mount, WebSocketRoute
from starlette.routing import Router as StarletteRouter

from wsendpoints import Credential, Limits, WebSocketEndpoint, WebSocketRouter
from wsendpoints.contract.applications import described, is_application
from wsendpoints.contract.asyncapi import asyncapi
from wsendpoints.contract.typescript import typescript
from wsendpoints.litestar import as_handler
from wsendpoints.protocol.exceptions import ConfigurationError

LIMITS = Limits(max_message_size=500)


class Plain(WebSocketEndpoint):
    """Needs nothing."""

    encoding = "text"


async def get_user(
    token: Annotated[str, Query()], key: Annotated[Any, Depends(HTTPBearer(auto_error=False))]
) -> str:
    """Return who it is."""
    return f"{token}{key}"


class Chat(WebSocketEndpoint):
    """Has FastAPI resolve something."""

    encoding = "text"
    user: Annotated[str, Depends(get_user)]
    room: Annotated[int, Path(ge=1)]


async def theirs(websocket: Any) -> None:
    """Is none of ours."""


class Theirs:
    """A class of somebody else's."""


def places(app: Any) -> Sequence[tuple[str, str]]:
    """Return the names and the paths of what is found."""
    return [(it.name, it.path) for it in described(app)]


def test_routes_of_fastapi() -> None:
    """Whole paths, whatever includes a router; what FastAPI resolves is there."""
    inner, outer = APIRouter(prefix="/inner"), APIRouter()
    inner.websocket("/chat/{room}")(Chat.as_route(limits=LIMITS))
    outer.include_router(inner, prefix="/outer")
    app = FastAPI()
    app.get("/")(lambda: None)
    app.websocket("/theirs")(theirs)
    app.websocket("/plain")(Plain.as_route())
    app.include_router(outer, prefix="/api")
    assert places(app) == [("Plain", "/plain"), ("Chat", "/api/outer/inner/chat/{room}")]
    assert places(inner) == [("Chat", "/inner/chat/{room}")]
    found = described(app)[1]
    assert [(it.place, it.name) for it in found.parameters] == [
        ("path", "room"),
        ("query", "token"),
    ]
    assert found.security == (Credential("bearer"),)
    assert found.limits is LIMITS


def test_what_is_mounted() -> None:
    """A mount has a slash behind its path, and a router's paths begin with one."""
    router = WebSocketRouter({"/a/{n:int}": Plain, "/b": Plain.as_asgi(limits=LIMITS)})
    theirs_too: Any = theirs
    app = FastAPI()
    app.mount("/ws", router)
    app.mount("/one", Plain.as_asgi())
    app.mount("/theirs", theirs_too)
    app.mount("/sub", Starlette(routes=[WebSocketRoute("/{f:path}", Plain)]))
    assert [it.path for it in described(app)] == ["/ws/a/{n}", "/ws/b", "/one/", "/sub/{f}"]
    whole, limited, _, rest = described(app)
    assert whole.parameters[0].is_integer
    assert limited.limits is LIMITS
    assert rest.parameters[0].is_rest


def test_routes_of_starlette() -> None:
    """Classes, their applications, and what mounts and hosts hold."""
    theirs_too: Any = Theirs
    app = Starlette(
        routes=[
            WebSocketRoute("/class", Plain),
            WebSocketRoute("/app", Plain.as_asgi(limits=LIMITS)),
            WebSocketRoute("/theirs", theirs),
            WebSocketRoute("/class-of-theirs", theirs_too),
            Mount("/m", routes=[WebSocketRoute("/{n:int}", Plain)]),
            Host("example.com", StarletteRouter([WebSocketRoute("/host", Plain)])),
        ]
    )
    assert [it.path for it in described(app)] == ["/class", "/app", "/m/{n}", "/host"]
    assert described(app)[1].limits is LIMITS


def test_routes_of_litestar() -> None:
    """Those of routers and controllers too, and mounts."""

    class Rooms(WebSocketEndpoint):
        room: FromPath[int]

    class InController(Controller):
        path = "/c"
        plain = websocket("/{f:path}")(as_handler(Plain))

    @get("/")
    async def index() -> None: ...

    rooms = websocket("/{room:int}")(as_handler(Rooms, limits=LIMITS))
    router = WebSocketRouter({"/a/{b}": Plain})
    app = Litestar(
        [
            index,
            Router("/api", route_handlers=[rooms]),
            asgi("/one", copy_scope=True)(Plain.as_asgi()),
            asgi("/ws", is_mount=True, copy_scope=True)(router),
            InController,
        ],
        openapi_config=None,
    )
    found = {it.path: it for it in described(app)}
    assert sorted(found) == ["/api/{room}", "/c/{f}", "/one", "/ws/a/{b}"]
    assert found["/api/{room}"].limits is LIMITS


def test_document_and_client_have_what_fastapi_resolves() -> None:
    """It stands where the fields of `params` do, beside them, and with its schema."""

    class Params(BaseModel):
        page: int = 1
        token: str | None = None

    class Both(Chat):
        params: Params
        security = (Credential("cookie", "session"),)

    app = FastAPI()
    app.websocket("/chat/{room}")(Both.as_route())
    document = asyncapi(app, title="Chat", version="1.0.0")
    channel = document["channels"]["Both"]
    assert channel["parameters"] == {"room": {"x-schema": {"type": "integer", "minimum": 1}}}
    query = channel["bindings"]["ws"]["query"]
    assert list(query["properties"]) == ["page", "token"]
    assert query["required"] == ["token"]
    assert list(document["components"]["securitySchemes"]) == ["cookie_session"]
    client = typescript(app)
    assert "Place<{ readonly room: number }>" in client
    assert "readonly page?: number; readonly token: " in client


def test_mapping_and_empty_router() -> None:
    """Both are as they always were."""
    assert places({"/a": Plain}) == [("Plain", "/a")]
    assert places(WebSocketRouter({})) == []
    assert is_application(FastAPI())
    assert not is_application({"/a": Plain})


def test_application_without_endpoints() -> None:
    """The error says what was looked for."""
    app = Starlette()
    with pytest.raises(ConfigurationError) as caught:
        described(app)
    assert str(caught.value) == (
        f"{app!r} has no endpoint in its routes: what is looked for is "
        "`app.websocket(path)(Chat.as_route())`, `WebSocketRoute(path, Chat)`, "
        "`websocket(path)(as_handler(Chat))`, and mounts of `Chat.as_asgi()` or of a "
        "WebSocketRouter"
    )


def test_what_has_no_routes() -> None:
    """A function has none."""
    with pytest.raises(ConfigurationError) as caught:
        described(theirs)
    assert str(caught.value) == (
        f"{theirs!r} has no routes: use a mapping of paths to endpoint classes, a "
        "WebSocketRouter, or an application of FastAPI, Starlette or Litestar"
    )
