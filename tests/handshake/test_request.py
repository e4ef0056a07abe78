"""The handshake's request: a mapping over the scope, with a property for each part of it."""

from typing import Any

import pytest

from wsendpoints import Address
from wsendpoints.handshake.request import Request
from wsendpoints.protocol.asgi import Scope

FULL: Scope = {
    "type": "websocket",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "scheme": "wss",
    "path": "/chat/caf\xe9",
    "raw_path": b"/chat/caf%C3%A9",
    "query_string": b"search=a+b&tag=x&tag=y",
    "root_path": "",
    "headers": [
        (b"host", b"example.com:8443"),
        (b"sec-websocket-version", b"13"),
        (b"cookie", b"a=1; b=2; a=3"),
        (b"x-tag", b"one"),
        (b"x-tag", b"two"),
    ],
    "client": ["127.0.0.1", 50000],
    "server": ("127.0.0.1", 8443),
    "subprotocols": ["v2", "v1"],
    "extensions": {"websocket.http.response": {}},
    "path_params": {"room": "caf\xe9"},
    "state": {"pool": "the pool"},
}


def test_a_request_is_a_mapping_over_its_scope() -> None:
    """A request can be used in place of its scope."""
    request = Request(FULL)
    assert request["path"] == "/chat/caf\xe9"
    assert dict(request) == FULL
    assert list(request) == list(FULL)
    assert len(request) == len(FULL)
    assert "path" in request
    assert request.get("missing", 1) == 1
    assert request.scope is FULL
    with pytest.raises(KeyError, match="missing"):
        request["missing"]


def test_a_request_equals_itself_alone() -> None:
    """Two requests over one scope differ, in sets and as keys too."""
    one, two = Request(FULL), Request(FULL)
    assert one.__eq__(one)
    assert one != two
    assert one != FULL
    assert len({one, two, one}) == 2
    assert {one: 1}.get(two) is None


def test_a_full_scope() -> None:
    """Each property is read from its key of the scope."""
    request = Request(dict(FULL))
    assert request.url == "wss://example.com:8443/chat/caf%C3%A9?search=a+b&tag=x&tag=y"
    assert isinstance(request.url, str)
    assert (request.url.scheme, request.url.port) == ("wss", 8443)
    assert request.headers["Sec-WebSocket-Version"] == "13"
    assert request.headers.getlist("x-tag") == ["one", "two"]
    assert request.query_params["search"] == "a b"
    assert request.query_params.getlist("tag") == ["x", "y"]
    assert request.path_params == {"room": "caf\xe9"}
    assert request.cookies == {"a": "3", "b": "2"}
    assert request.client == ("127.0.0.1", 50000)
    assert request.client == Address(host="127.0.0.1", port=50000)
    assert request.subprotocols == ["v2", "v1"]
    assert request.state.pool == "the pool"


def test_what_is_costly_to_read_is_read_once() -> None:
    """URL, headers and query are parsed when they are first asked for, and kept."""
    request = Request(dict(FULL))
    assert request.url is request.url
    assert request.headers is request.headers
    assert request.query_params is request.query_params


OPTIONAL = [
    "asgi",
    "client",
    "extensions",
    "headers",
    "path",
    "path_params",
    "query_string",
    "root_path",
    "scheme",
    "server",
    "state",
    "subprotocols",
    "url_route",
]


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({}, id="missing"),
        pytest.param(dict.fromkeys(OPTIONAL), id="none"),
    ],
)
def test_h14_a_scope_without_anything_optional(scope: Scope) -> None:
    """Every property works on a minimal scope, and what is unknown is empty."""
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
        pytest.param(None, None, id="a Unix socket"),
        pytest.param(("::1", 5), ("::1", 5), id="IPv6"),
        pytest.param(("::1", 5, 0, 0), ("::1", 5), id="a socket's own"),
        pytest.param([], None, id="empty"),
        pytest.param("/run/app.sock", None, id="a path"),
    ],
)
def test_h14_the_client(client: object, address: tuple[str, int] | None) -> None:
    """The client is the peer's address, as far as the server knows it."""
    request = Request({"type": "websocket", "client": client})
    assert request.client == address


@pytest.mark.parametrize(
    ("scope", "params"),
    [
        pytest.param({"path_params": {"id": 1}}, {"id": 1}, id="Starlette"),
        pytest.param({"url_route": {"args": (), "kwargs": {"id": 1}}}, {"id": 1}, id="Channels"),
        pytest.param(
            {"path_params": {}, "url_route": {"kwargs": {"id": 1}}}, {"id": 1}, id="Channels in it"
        ),
        pytest.param({"path_params": {"id": 1}, "url_route": {}}, {"id": 1}, id="both"),
        pytest.param({"path_params": {}}, {}, id="none"),
        pytest.param({"url_route": {}}, {}, id="Channels, none"),
        pytest.param({"url_route": {"kwargs": None}}, {}, id="Channels, None"),
        pytest.param({}, {}, id="nowhere"),
    ],
)
def test_the_path_parameters(scope: Scope, params: dict[str, Any]) -> None:
    """Path parameters are found where the host's router puts them, and are a copy."""
    request = Request({"type": "websocket", **scope})
    assert request.path_params == params
    request.path_params["other"] = 2
    assert request.path_params == params


@pytest.mark.parametrize("scope", [{}, {"state": None}, {"state": {}}], ids=repr)
def test_the_state_is_the_scopes(scope: Scope) -> None:
    """Items and attributes of the state are the same, and all requests over a scope share it."""
    scope = {"type": "websocket", **scope}
    request, other = Request(scope), Request(scope)
    request.state.user = "ann"
    other.state["room"] = "lobby"
    assert request.state["user"] == other.state.user == "ann"
    assert request.state.room == "lobby"
    assert scope["state"] == {"user": "ann", "room": "lobby"}
    del request.state.user
    assert "user" not in other.state
    with pytest.raises(AttributeError):
        _ = request.state.user
