"""Several endpoints at their paths: what is found there, what is not, and mistakes in the paths."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.router import Route
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class Telling(WebSocketEndpoint):
    """Tells where it is."""

    encoding = "json"
    name: str = "telling"

    async def on_connect(self, websocket: WebSocket) -> None:
        """Tell it."""
        await websocket.accept()
        await websocket.send_json(
            {
                "name": self.name,
                "params": websocket.path_params,
                "root": websocket.scope.get("root_path"),
                "base": websocket.base_url,
                "url": websocket.url,
            }
        )


async def told(app: Any, path: str, scope: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the endpoint at a path tells."""
    async with connect(app, path, scope=scope) as client:
        it: dict[str, Any] = await client.receive_json()
    return it


async def refusal(app: Any, path: str, **options: Any) -> HandshakeDenied:
    """Return the refusal of a client."""
    with pytest.raises(HandshakeDenied) as caught:
        async with connect(app, path, **options):
            pass
    return caught.value


APP = WebSocketRouter(
    {
        "/rooms/{room}": Telling,
        "/rooms/{number:int}": Telling.as_asgi(name="number"),
        "/files/{name:path}": Telling,
        "/v1/{team}": WebSocketRouter(
            {
                "/": Telling.as_asgi(name="root"),
                "/chat/{room}": Telling,
                "/deep": WebSocketRouter({"/{n:int}": Telling}),
            }
        ),
        "/": WebSocketRouter({"/flat": Telling}),
    }
)


@pytest.mark.parametrize(
    ("path", "name", "params", "root"),
    [
        pytest.param("/rooms/caf%C3%A9", "telling", {"room": "café"}, "", id="decoded"),
        pytest.param("/rooms/7", "number", {"number": 7}, "", id="int"),
        pytest.param("/files/a/b", "telling", {"name": "a/b"}, "", id="path"),
        pytest.param("/rooms/a?room=b", "telling", {"room": "a"}, "", id="query"),
        pytest.param("/v1/a/", "root", {"team": "a"}, "/v1/a", id="root of a router"),
        pytest.param("/v1/a/chat/b", "telling", {"team": "a", "room": "b"}, "/v1/a", id="within"),
        pytest.param("/v1/a/deep/7", "telling", {"team": "a", "n": 7}, "/v1/a/deep", id="twice"),
        pytest.param("/flat", "telling", {}, "", id="router at the root"),
    ],
)
async def test_path_leads_to_an_endpoint(
    path: str, name: str, params: dict[str, Any], root: str
) -> None:
    """With its parameters; the URLs are those that the client sees."""
    assert await told(APP, path) == {
        "name": name,
        "params": params,
        "root": root,
        "base": "ws://testserver/",
        "url": f"ws://testserver{path}",
    }


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({"path": "/api/v1/a/chat/b", "root_path": "/api"}, id="in the path"),
        pytest.param({"path": "/v1/a/chat/b", "root_path": "/api"}, id="removed from the path"),
    ],
)
async def test_host_may_serve_it_below_a_path(scope: dict[str, Any]) -> None:
    """Which is not matched; what routers within it are at is added."""
    it = await told(APP, "/", scope)
    assert it["params"] == {"team": "a", "room": "b"}
    assert (it["root"], it["base"]) == ("/api/v1/a", "ws://testserver/api/")


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({"path_params": {"team": "a", "room": "host's"}}, id="most"),
        pytest.param({"url_route": {"kwargs": {"team": "a", "room": "host's"}}}, id="Channels"),
    ],
)
async def test_parameters_of_the_host_are_there_too(scope: dict[str, Any]) -> None:
    """Of two with the same name the inner one is."""
    assert (await told(APP, "/rooms/b", scope))["params"] == {"team": "a", "room": "b"}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/rooms",
        "/rooms/",
        "/rooms/a/",
        "/rooms/a/b",
        "/Rooms/a",
        "//rooms/a",
        "/v1/a",
        "/v1//",
    ],
)
async def test_path_that_leads_nowhere(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Is refused with 404; a slash more at the end makes it another path."""
    with caplog.at_level(logging.DEBUG, "wsendpoints"):
        denied = await refusal(APP, path, headers={"origin": "https://elsewhere.example"})
    assert (denied.status, denied.body) == (404, b"Not Found")
    assert caplog.messages == ["NotFound: the handshake is denied with status 404"]


async def test_server_that_can_send_no_404() -> None:
    """Refuses with 403."""
    denied = await refusal(APP, "/nowhere", server=Dialect(denial_response=False))
    assert denied.status == 403


async def test_endpoint_refuses_for_itself() -> None:
    """Where a path leads, who may connect is the endpoint's to say."""
    headers = {"origin": "https://elsewhere.example"}
    assert (await refusal(APP, "/flat", headers=headers)).status == 403


# Requests.


async def requested(app: Any, path: str, method: str = "GET") -> list[Event]:
    """Return what a request is answered with."""
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request"}

    async def send(event: Event) -> None:
        sent.append(event)

    await app({"type": "http", "method": method, "path": path, "headers": []}, receive, send)
    return sent


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_request_for_an_endpoint(method: str) -> None:
    """Is told that it is one."""
    start, body = await requested(APP, "/rooms/a", method)
    assert (start["status"], body["body"]) == (426, b"This is a WebSocket endpoint.")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_request_for_nothing(method: str) -> None:
    """Is not found."""
    assert await requested(APP, "/nowhere", method) == [
        {
            "type": "http.response.start",
            "status": 404,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"9"),
            ],
        },
        {"type": "http.response.body", "body": b"Not Found"},
    ]


class Middleware:
    """Notes what it passes on."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.inner = Telling.as_asgi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        self.scopes.append(scope)
        await self.inner(scope, receive, send)


async def test_any_application_may_be_at_a_path() -> None:
    """It gets connections and requests as they are, but for what the router found."""
    middleware = Middleware()
    app = WebSocketRouter({"/a/{b}": middleware})
    assert (await told(app, "/a/x"))["params"] == {"b": "x"}
    (start, _) = await requested(app, "/a/y")
    assert start["status"] == 426
    assert [(it["type"], it["path"], it["path_params"]) for it in middleware.scopes] == [
        ("websocket", "/a/x", {"b": "x"}),
        ("http", "/a/y", {"b": "y"}),
    ]


class Passing:
    """Passes on what it gets."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        await self._inner(scope, receive, send)


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(WebSocketRouter({"/rooms/{room}": Telling}), id="router"),
        pytest.param(Starlette(routes=[WebSocketRoute("/rooms/{room}", Telling)]), id="Starlette"),
    ],
)
@pytest.mark.parametrize(
    ("scope", "root"),
    [
        pytest.param({}, "", id="server"),
        pytest.param({"path": "/api/in/a/rooms/b", "root_path": "/api"}, "/api", id="below a root"),
        pytest.param(
            {"path": "/api/in/a/rooms/b", "path_remaining": "in/a/rooms/b"}, "/api", id="Channels"
        ),
    ],
)
async def test_application_is_mounted_before_a_rest(
    inner: Any, scope: dict[str, Any], root: str
) -> None:
    """So a middleware may be around several endpoints: they find their own paths."""
    app = WebSocketRouter({"/in/{team}/{rest:path}": Passing(inner)})
    it = await told(app, "/in/a/rooms/b", scope)
    assert it["params"] == {"team": "a", "rest": "rooms/b", "room": "b"}
    assert it["root"] == f"{root}/in/a"


async def test_endpoint_is_not_mounted_before_a_rest() -> None:
    """It has the whole path, and nothing to match in it."""
    assert (await told(APP, "/files/a/b"))["root"] == ""


async def test_scope_of_the_host_stays_as_it_is() -> None:
    """What the router finds is in a copy; the state in it is the same."""
    middleware = Middleware()
    scope: Scope = {"type": "http", "path": "/v1/x", "path_params": {"a": 1}, "state": {}}
    before = {**scope}

    async def send(event: Event) -> None:
        pass

    app = WebSocketRouter({"/v1": WebSocketRouter({"/{b}": middleware})})
    await app(scope, no_receive, send)
    assert scope == before
    (inner,) = middleware.scopes
    assert inner["path_params"] == {"a": 1, "b": "x"}
    assert (inner["root_path"], inner["app_root_path"]) == ("/v1", "")
    assert inner["state"] is scope["state"]


async def no_receive() -> Event:
    """Deliver nothing."""
    raise AssertionError("nothing is asked for")


async def no_send(event: Event) -> None:
    """Take nothing."""
    raise AssertionError("nothing is sent")


async def test_any_other_scope_is_an_error_that_names_its_type() -> None:
    """As the ASGI spec asks for."""
    with pytest.raises(ValueError, match="tcp") as caught:
        await WebSocketRouter({}, title="Chat")({"type": "tcp"}, no_receive, no_send)
    assert str(caught.value) == (
        "<WebSocketRouter 'Chat'> serves scopes of type 'websocket', 'http' and 'lifespan', not "
        "'tcp'"
    )


# What it tells of itself.


def test_endpoints_are_listed_with_their_paths() -> None:
    """Those of routers within it, too, with all that the paths have."""
    inner = WebSocketRouter({"/{n:int}/{rest:path}": Telling.as_asgi(name="inner")})
    app = WebSocketRouter({"/a": Telling, "/b": Middleware(), "/c/{d}": inner})
    assert list(app.endpoints()) == [
        Route("/a", {}, Telling, {}),
        Route(
            "/c/{d}/{n:int}/{rest:path}",
            {"d": "str", "n": "int", "rest": "path"},
            Telling,
            {"name": "inner"},
        ),
    ]
    assert list(app.routes) == ["/a", "/b", "/c/{d}"]
    assert app.routes["/c/{d}"] is inner


def test_what_is_given_can_be_read() -> None:
    """And not changed."""
    groups = Groups()
    routes: dict[str, Any] = {"/": Telling}
    servers = {"production": "wss://example.com"}
    app = WebSocketRouter(
        routes,
        title="Chat",
        version="2",
        description="Rooms.",
        servers=servers,
        groups=groups,
    )
    routes.clear()
    servers.clear()
    assert (app.title, app.version, app.description) == ("Chat", "2", "Rooms.")
    assert (app.routes, app.servers) == ({"/": Telling}, {"production": "wss://example.com"})
    assert app.groups == (groups,)
    for mapping in (app.routes, app.servers):
        assert isinstance(mapping, Mapping)
        with pytest.raises(TypeError):
            mapping["/x"] = Telling  # type: ignore[index]  # pyright: ignore[reportIndexIssue]  # tried


def test_nothing_need_be_given() -> None:
    """All has a default that a document may have."""
    app = WebSocketRouter({})
    assert (app.title, app.version, app.description) == ("WebSocket API", "0.1.0", "")
    assert (app.routes, app.servers, app.groups, list(app.endpoints())) == ({}, {}, (), [])


# Mistakes.


class Params(BaseModel):
    """Takes a room alone."""

    model_config = ConfigDict(extra="forbid")

    room: str


class Strict(Telling):
    """Has such parameters."""

    params: Params


ONE = WebSocketRouter({"/{room}": Strict})


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        pytest.param([], r"^routes=\[\]: use a mapping", id="no mapping"),
        pytest.param({5: Telling}, "^5 is no path", id="no path"),
        pytest.param({"a": Telling}, "^the path 'a' does not begin with a slash", id="no slash"),
        pytest.param({"a": ONE}, "^the path 'a' does not begin with a slash", id="router's"),
        pytest.param({"/": 5}, "^at the path '/' is 5", id="nothing that serves"),
        pytest.param(
            {"/{a}": Telling, "/{b}": Telling},
            "^the paths '/{a}' and '/{b}' both match '/x': remove one",
            id="equal",
        ),
        pytest.param(
            {"/v1/{a}": Telling, "/v1": ONE},
            "^the paths '/v1/{a}' and '/v1/{room}' both match '/v1/x': remove one",
            id="equal within",
        ),
        pytest.param(
            {"/{a}/x": Telling, "/y": ONE},
            "^the paths '/{a}/x' and '/y/{room}' both match '/y/x', and neither",
            id="ambiguous within",
        ),
        pytest.param(
            {"/{room}": ONE},
            "^the path '/{room}/{room}' has two parameters of the name 'room'",
            id="name twice",
        ),
        pytest.param(
            {"/{room:path}": ONE},
            "^the path '/{room:path}/{room}' has two|goes on behind",
            id="router behind the rest",
        ),
        pytest.param(
            {"/{team}": ONE},
            r"^the path '/{team}/{room}' has a parameter 'team', which Strict\.params forbids",
            id="parameter of a router's path",
        ),
    ],
)
def test_mistake_in_the_routes(routes: Any, told: str) -> None:
    """Is found as the router is made."""
    with pytest.raises(ConfigurationError, match=told):
        WebSocketRouter(routes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"title": ""}, "title=''"),
        ({"version": 1}, "version=1"),
        ({"description": None}, "description=None"),
        ({"servers": {"a": "b"}}, r"servers\['a'\] is 'b'"),
        ({"groups": "room"}, "groups='room'"),
        ({"lifespan": "x"}, "lifespan='x'"),
    ],
)
def test_mistake_in_an_argument(options: dict[str, Any], told: str) -> None:
    """Is found as the router is made, too."""
    with pytest.raises(ConfigurationError, match=f"^{told}: use a|^{told}: "):
        WebSocketRouter({}, **options)
