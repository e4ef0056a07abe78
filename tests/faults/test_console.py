"""The document and the console, as they are served: P01, and P05 to P10."""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from pydantic import BaseModel, SecretStr, create_model

from tests.console.hostile import HARMLESS, MARKUP, hostile
from tests.console.requests import request
from tests.contract.hostile import ROUTES
from tests.contract.readers import READERS
from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter, handles

anyio_test = pytest.mark.anyio

SECRET: Final = "hunter2"  # noqa: S105 - nobody's


class Say(BaseModel):
    """A message."""

    type: Literal["say"] = "say"
    password: SecretStr = SecretStr(SECRET)


class Chat(WebSocketEndpoint):
    """Takes a message."""

    encoding = "json"

    # No docstring, and so nothing of it in the document.
    @handles
    async def say(self, websocket: WebSocket, data: Say) -> None:
        pass


APP: Final = WebSocketRouter({"/chat": Chat})


@pytest.mark.parametrize("text", [MARKUP, HARMLESS], ids=["markup", "harmless"])
@anyio_test
async def test_p01_page_has_nothing_of_the_application(text: str) -> None:
    """The page itself is the same for all: only the document has texts."""
    answer = await request(hostile(text), "/docs")
    assert answer == await request(APP, "/docs")
    document = await request(hostile(text), "/docs/asyncapi.json")
    assert document.body.isascii()
    assert json.loads(document.body)["info"]["title"] == text


@anyio_test
@pytest.mark.parametrize(
    "path", ["/docs", "/docs/main.js", "/docs/asyncapi.json", "/asyncapi.json"]
)
async def test_p05_headers_let_a_browser_do_nothing_else(path: str) -> None:
    """Each answer has them."""
    headers = (await request(APP, path)).headers
    policy = dict(it.split(" ", 1) for it in headers["content-security-policy"].split("; "))
    assert "unsafe" not in headers["content-security-policy"]
    assert {name: policy[name] for name in ("default-src", "base-uri", "frame-ancestors")} == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


EVIL: Final = (
    "url=http://evil.example/x.json&spec=http://evil.example/x.json&configUrl=//evil.example"
)


@anyio_test
async def test_p06_query_is_ignored() -> None:
    """The answer is the same."""
    for path in ("/docs", "/docs/asyncapi.json", "/docs/main.js"):
        assert await request(APP, path, query=EVIL.encode()) == await request(APP, path)


@anyio_test
@pytest.mark.parametrize(
    ("path", "scope"),
    [
        pytest.param("/docs", {}, id="alone"),
        pytest.param("/api/docs", {"root_path": "/api"}, id="root path"),
        pytest.param("/docs", {"root_path": "/api"}, id="root path that a proxy removed"),
        pytest.param("/docs", {"root_path": '/"><script>'}, id="hostile root path"),
    ],
)
async def test_p07_page_says_nothing_of_where_it_is(path: str, scope: dict[str, Any]) -> None:
    """Whatever the host, a proxy or a client says of it, the bytes are the same."""
    headers = {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "x-forwarded-prefix": "//evil.example",
        "x-forwarded-proto": "javascript",
        "forwarded": "host=evil.example",
        "origin": "https://evil.example",
    }
    answer = await request(APP, path, headers=headers, **scope)
    assert answer == await request(APP, "/docs")
    urls = re.findall(r'(?:href|src|data-root)="(.*?)"', answer.body.decode())
    assert len(urls) > 5
    assert all(it.startswith(("./", "data:,")) for it in urls)


@anyio_test
async def test_p08_document_tells_nothing_that_is_private() -> None:
    """It is one of the official meta-schema, and has no modules, secrets, or texts of others."""
    app = WebSocketRouter({**ROUTES, "/chat": Chat}, title="All")
    text = (await request(app, "/asyncapi.json")).body.decode()
    assert SECRET not in text
    assert json.loads(text)["components"]["schemas"]["Say"]
    modules = [it for it in sys.modules if it.startswith(("tests.", "wsendpoints.", "pydantic."))]
    assert [it for it in modules if it in text] == []
    assert str(Path.home()) not in text
    assert "<locals>" not in text


def test_p08_document_is_one_of_the_meta_schema(tmp_path: Path) -> None:
    """What the official schema says of it."""
    app = WebSocketRouter({**ROUTES, "/chat": Chat}, title=MARKUP, description=MARKUP)
    path = tmp_path / "document.json"
    path.write_bytes(body_of(app))
    ((found),) = READERS.run("check.mjs", str(path))
    assert found["meta"] == []
    assert found["examples"] == []


def body_of(app: WebSocketRouter) -> bytes:
    """Return the document of a router."""
    answer = app._documents.find("/asyncapi.json", "GET")  # pyright: ignore[reportPrivateUsage]  # no request
    assert answer is not None
    return answer.body


def router_of(number: int) -> WebSocketRouter:
    """Return a router of an endpoint with so many recursive messages."""
    messages: list[Any] = []
    for index in range(number):
        before: Any = messages[-1] if messages else int
        fields: dict[str, Any] = {"type": (Literal[f"message{index}"], f"message{index}")}
        fields["child"] = (before | None, None)
        fields["children"] = (list[before], ())
        messages.append(create_model(f"Message{index}", **fields))
    union: Any = messages[0]
    for it in messages[1:]:
        union |= it

    async def on_receive(self: Any, websocket: WebSocket, data: Any) -> None:
        pass

    on_receive.__annotations__["data"] = union
    body = {"encoding": "json", "on_receive": on_receive, "__module__": __name__}
    return WebSocketRouter({"/many": type("Many", (WebSocketEndpoint,), body)})


def calls_of(function: Callable[[], object]) -> int:
    """Return how many functions a function calls, which no other process has a part in."""
    count = 0

    def profile(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_p09_work_grows_with_the_number_of_messages() -> None:
    """Of messages that hold one another, twice as many take about twice as much, and no more."""
    some, twice = router_of(20), router_of(40)
    calls = [calls_of(partial(body_of, it)) for it in (some, twice)]
    sizes = [len(body_of(it)) for it in (some, twice)]
    assert calls[1] < 2.5 * calls[0]
    assert sizes[1] < 2.5 * sizes[0]


@anyio_test
@pytest.mark.parametrize(
    "path", ["/docs", "/docs/main.js", "/docs/asyncapi.json", "/asyncapi.json"]
)
async def test_p10_head_has_headers_alone_and_others_are_refused(path: str) -> None:
    """As RFC 9110, sections 9.3.2 and 15.5.6, have it."""
    got, head = await request(APP, path), await request(APP, path, "HEAD")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
        refused = await request(APP, path, method)
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


@anyio_test
@pytest.mark.parametrize(
    "path",
    [
        "/docs/",
        "/docs/x",
        "/docs/../docs",
        "/docs/..%2f..",
        "/docs//main.js",
        "/docs/page",
        "/DOCS",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_p10_nothing_is_at_another_path(path: str, method: str) -> None:
    """It is 404, whatever is asked."""
    assert (await request(APP, path, method)).status == 404
