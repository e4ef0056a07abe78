"""The document and the console of a router: where they are, whose endpoints they have."""

import json
import re
from typing import Any

import pytest

from tests.console.requests import request
from wsendpoints import ConfigurationError, WebSocketEndpoint, WebSocketRouter
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class News(WebSocketEndpoint):
    """Tells what is new."""

    encoding = "json"


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer any request."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


async def document_of(app: Any, path: str = "/asyncapi.json", **scope: Any) -> Any:
    """Return the document that an application serves."""
    answer = await request(app, path, **scope)
    assert answer.status == 200
    return json.loads(answer.body)


async def test_document_has_the_endpoints_and_what_the_router_was_given() -> None:
    """Those of routers within it too, at their whole paths."""
    inner = WebSocketRouter({"/users/{user:int}": News})
    app = WebSocketRouter(
        {"/news": News, "/admin": inner, "/": page},
        title="News",
        version="1.2.3",
        description="What is new.",
        servers={"production": "wss://example.com/api"},
    )
    document = await document_of(app)
    assert document["info"] == {"title": "News", "version": "1.2.3", "description": "What is new."}
    assert document["servers"]["production"]["host"] == "example.com"
    addresses = [it["address"] for it in document["channels"].values()]
    assert addresses == ["/news", "/admin/users/{user}"]
    assert await document_of(app, "/docs/asyncapi.json") == document
    assert (await request(app, "/docs")).headers["content-type"].startswith("text/html")
    assert (await request(app, "/admin/docs")).status == 404


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        pytest.param("/docs", {}, id="alone"),
        pytest.param("/api/docs", {"root_path": "/api"}, id="root path"),
        pytest.param("/docs", {"root_path": "/api"}, id="root path that a proxy removed"),
        pytest.param("/api/docs", {"root_path": "/api", "app_root_path": ""}, id="Starlette"),
        pytest.param("/api/docs", {"path_remaining": "docs"}, id="Channels"),
    ],
)
async def test_console_is_found_wherever_the_router_is(path: str, scope: dict[str, Any]) -> None:
    """The page is the same: it does not know where it is."""
    app = WebSocketRouter({"/news": News})
    alone = await request(app, "/docs")
    assert await request(app, path, **scope) == alone


async def test_either_has_another_path_or_none() -> None:
    """A route may be there then."""
    app = WebSocketRouter({"/docs": News, "/asyncapi.json": News}, asyncapi=None, docs=None)
    assert (app.asyncapi, app.docs) == (None, None)
    assert [(await request(app, it)).status for it in ("/docs", "/asyncapi.json")] == [426, 426]
    other = WebSocketRouter({"/docs": News}, asyncapi="/api.json", docs="/a/console")
    assert (other.asyncapi, other.docs) == ("/api.json", "/a/console")
    assert await document_of(other, "/api.json") == await document_of(
        other, "/a/console/asyncapi.json"
    )


async def test_host_is_told_which_requests_are_for_them() -> None:
    """So that it answers all others itself."""
    router = WebSocketRouter({"/news": News}, asyncapi="/api.json")
    for path, is_there in {"/api.json": True, "/docs": True, "/news": False, "/": False}.items():
        assert router.has_document({"type": "http", "path": path, "method": "GET"}) is is_there


async def test_routes_with_parameters_are_behind_them_for_requests_alone() -> None:
    """What takes any path takes all others, and WebSockets at these too."""
    app = WebSocketRouter({"/{name}": News, "/{rest:path}": page})
    assert (await request(app, "/docs")).body != b"page"
    assert (await request(app, "/docs/")).body == b"page"
    async with connect(app, "/docs"):
        pass


async def test_what_goes_on_is_asked_for_below_the_console() -> None:
    """It has the groups of the routers within, and the connections to their endpoints."""
    groups = Groups()
    inner = WebSocketRouter({"/news": News}, groups=groups)
    app = WebSocketRouter({"/v1": inner}, live=lambda request: True, docs="/console")
    async with connect(app, "/v1/news"):
        found = await document_of(app, "/console/live.json")
        assert [it["path"] for it in found["connections"]] == ["/v1/news"]
    assert (await request(app, "/docs/live.json")).status == 404


def test_route_at_the_console_is_refused() -> None:
    """The mistake is told when the router is made."""
    text = (
        "'/docs' belongs to the console: give that another path, as in docs='/console', or none, "
        "with docs=None"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}$"):
        WebSocketRouter({"/docs": News})
