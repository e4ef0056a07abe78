"""A request: its parts are read from the scope, whatever is missing there."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Router, WebSocketRoute

from wsendpoints.handshake.datastructures import Address
from wsendpoints.handshake.request import Request, header_values
from wsendpoints.protocol.asgi import Scope
from wsendpoints.protocol.exceptions import InvalidStateError

FULL: Scope = {
    "type": "websocket",
    "scheme": "wss",
    "path": "/chat/café",
    "query_string": b"search=a+b&tag=x&tag=y",
    "headers": [
        (b"host", b"example.com:8443"),
        (b"cookie", b"a=1; b=2"),
        (b"cookie", b"a=3"),
        (b"x-tag", b"one"),
        (b"x-tag", b"two"),
    ],
    "client": ("127.0.0.1", 50000),
    "path_params": {"room": "café"},
    "subprotocols": ["v2", "v1"],
    "state": {"pool": "the pool"},
}

# The mapping.


def test_request_is_a_mapping_over_its_scope() -> None:
    """Keys are looked up, listed and counted as in the scope."""
    request = Request(FULL)
    assert request.scope is FULL
    assert request["path"] == "/chat/café"
    assert request.get("missing", 1) == 1
    assert list(request) == list(FULL)
    assert len(request) == len(FULL)
    with pytest.raises(KeyError, match="missing"):
        request["missing"]


def test_request_equals_only_itself() -> None:
    """Two requests with the same scope are two, in sets and as keys too."""
    one, two = Request(FULL), Request(FULL)
    assert one.__eq__(one)
    assert one != two
    assert one != FULL
    assert len({one, two, one}) == 2
    assert {one: 1}.get(two) is None


# What the client asked for.


def test_parts_of_a_full_scope() -> None:
    """Each part is read from its key."""
    request = Request(dict(FULL))
    assert request.url == "wss://example.com:8443/chat/caf%C3%A9?search=a+b&tag=x&tag=y"
    assert request.url.port == 8443
    assert request.headers.getlist("X-Tag") == ["one", "two"]
    assert request.query_params["search"] == "a b"
    assert request.query_params.getlist("tag") == ["x", "y"]
    assert request.path_params == {"room": "café"}
    assert request.cookies == {"a": "3", "b": "2"}
    assert request.client == Address(host="127.0.0.1", port=50000)
    assert request.subprotocols == ["v2", "v1"]
    assert request.state.pool == "the pool"


def test_url_headers_and_query_are_built_once() -> None:
    """What is costly to build is built when it is first read, and kept."""
    request = Request(dict(FULL))
    assert request.url is request.url
    assert request.headers is request.headers
    assert request.query_params is request.query_params


OPTIONAL = [
    "client",
    "headers",
    "path",
    "path_params",
    "query_string",
    "scheme",
    "server",
    "state",
    "subprotocols",
    "url_route",
]


@pytest.mark.parametrize(
    "scope", [pytest.param({}, id="missing"), pytest.param(dict.fromkeys(OPTIONAL), id="None")]
)
def test_h14_scope_without_anything_optional(scope: Scope) -> None:
    """Every part can be read, and is empty if the scope does not have it."""
    request = Request({"type": "websocket", **scope})
    assert request.url == "/"
    assert list(request.headers) == []
    assert list(request.query_params) == []
    assert request.path_params == {}
    assert request.cookies == {}
    assert request.client is None
    assert request.subprotocols == []
    assert dict(request.state) == {}


@pytest.mark.parametrize(
    ("client", "address"),
    [
        pytest.param(("::1", 80), ("::1", 80), id="tuple"),
        pytest.param(["::1", 80], ("::1", 80), id="list"),
        pytest.param(("::1", 80, 0, 0), ("::1", 80), id="IPv6 with flow and scope"),
        pytest.param(("unix",), None, id="no port"),
        pytest.param("", None, id="text"),
        pytest.param(None, None, id="None"),
    ],
)
def test_client_is_a_host_and_a_port_or_unknown(
    client: object, address: tuple[str, int] | None
) -> None:
    """Whatever else a server has under `client` is ignored."""
    assert Request({"type": "websocket", "client": client}).client == address


@pytest.mark.parametrize(
    ("scope", "params"),
    [
        pytest.param({"path_params": {"a": 1}}, {"a": 1}, id="Starlette"),
        pytest.param({"url_route": {"args": (), "kwargs": {"a": 1}}}, {"a": 1}, id="Channels"),
        pytest.param(
            {"path_params": {}, "url_route": {"kwargs": {"a": 1}}}, {"a": 1}, id="empty, Channels"
        ),
        pytest.param({"url_route": {}}, {}, id="Channels without parameters"),
    ],
)
def test_path_parameters_are_found_where_the_host_has_them(
    scope: Scope, params: dict[str, Any]
) -> None:
    """They are a copy: to change it does not change the scope."""
    request = Request({"type": "websocket", **scope})
    assert request.path_params == params
    request.path_params["b"] = 2
    assert request.path_params == params


def test_state_is_kept_in_the_scope() -> None:
    """It is made if the server did not, and every reading of it has the same entries."""
    request = Request({"type": "websocket"})
    request.state.user = "ada"
    assert request.state.user == "ada"
    assert request["state"] == {"user": "ada"}


# What the host is.


def test_app_is_what_the_host_put_into_the_scope() -> None:
    """A framework is there, with all that it has."""
    app = object()
    assert Request({"type": "websocket", "app": app}).app is app


@pytest.mark.parametrize("scope", [{}, {"app": None}], ids=["missing", "None"])
def test_app_of_a_server_alone(scope: Scope) -> None:
    """A server puts no application into the scope."""
    with pytest.raises(InvalidStateError) as caught:
        _ = Request({"type": "websocket", **scope}).app
    assert str(caught.value) == (
        "the scope has no 'app': frameworks put themselves there, servers don't"
    )


def test_urls_of_the_host() -> None:
    """They are those of the host's routes; a route may have a parameter called `name`."""
    router = Router([WebSocketRoute("/chat/{name}", print, name="chat")])
    request = Request({**FULL, "root_path": "/api", "router": router})
    assert request.base_url == "wss://example.com:8443/api/"
    assert request.url_for("chat", name="lobby") == "wss://example.com:8443/api/chat/lobby"


# header_values


NAMES = [(b"host", b"a"), (b"Origin", b"http://a"), (b"x-tag", b"b")]


@pytest.mark.parametrize(
    ("headers", "name", "values"),
    [
        pytest.param(NAMES, b"origin", ["http://a"], id="other case"),
        pytest.param(NAMES, b"x-tag", ["b"], id="last"),
        pytest.param(NAMES, b"cookie", [], id="of the same length as another"),
        pytest.param(NAMES, b"x", [], id="prefix"),
        pytest.param([*NAMES, (b"Host", b"\xe9")], b"host", ["a", "\xe9"], id="several"),
        pytest.param(tuple(NAMES), b"host", ["a"], id="tuple"),
        pytest.param(tuple(NAMES), b"cookie", [], id="missing in a tuple"),
        pytest.param([[b"host", b"a"]], b"host", ["a"], id="pair is a list"),
        pytest.param([], b"host", [], id="empty"),
        pytest.param(None, b"host", [], id="None"),
    ],
)
def test_header_values(headers: Any, name: bytes, values: list[str]) -> None:
    """The case of the names does not matter."""
    request = Request({"type": "websocket", "headers": headers})
    assert header_values(request, name) == [values]


def test_h14_header_values_without_headers() -> None:
    """A scope without headers has none."""
    assert header_values(Request({"type": "websocket"}), b"host") == [[]]


def test_header_values_does_not_build_the_headers() -> None:
    """They are still read from the scope later."""
    request = Request({"type": "websocket", "headers": []})
    assert header_values(request, b"x-late") == [[]]
    request.scope["headers"] = [(b"x-late", b"a")]
    assert request.headers["x-late"] == "a"


def test_header_values_keeps_headers_that_can_be_read_only_once() -> None:
    """An iterator, which the ASGI specification allows, is not used up."""

    def pairs() -> Iterator[tuple[bytes, bytes]]:
        yield from NAMES

    request = Request({"type": "websocket", "headers": pairs()})
    assert header_values(request, b"origin") == [["http://a"]]
    assert header_values(request, b"cookie") == [[]]
    assert list(request.headers) == ["host", "origin", "x-tag"]
