"""Tests of the scope that the test client's handshake makes."""

from typing import Any

import pytest

from wsendpoints.protocol.asgi import Scope
from wsendpoints.protocol.headers import HeadersLike
from wsendpoints.testing import DIALECTS, Dialect
from wsendpoints.testing.scopes import build_scope


def build(path: str = "/", **options: Any) -> Scope:
    """Return a scope with `options` set, and the rest as a plain client has it."""
    defaults: dict[str, Any] = {
        "headers": None,
        "subprotocols": (),
        "dialect": Dialect(),
        "overrides": None,
    }
    return build_scope(path, **{**defaults, **options})


def test_the_whole_scope() -> None:
    """The scope has every key of the ASGI spec, and no `Origin`."""
    assert build("/chat/lobby?name=x", subprotocols=("b", "a")) == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/chat/lobby",
        "raw_path": b"/chat/lobby",
        "query_string": b"name=x",
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-version", b"13"),
            (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
            (b"sec-websocket-protocol", b"b, a"),
        ],
        "client": ("testclient", 50000),
        "server": ("testserver", 80),
        "subprotocols": ["b", "a"],
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }


@pytest.mark.parametrize(
    ("given", "path", "raw_path", "query"),
    [
        pytest.param("/", "/", b"/", b"", id="root"),
        pytest.param("/a%20b", "/a b", b"/a%20b", b"", id="escaped"),
        pytest.param("/é ?ü=ö#", "/é ", b"/%C3%A9%20", b"%C3%BC=%C3%B6%23", id="not ASCII"),
        pytest.param("/%ff%zz", "/\ufffd%zz", b"/%ff%zz", b"", id="no UTF-8, no escape"),
        pytest.param("/?a=1&b=?/%26", "/", b"/", b"a=1&b=?/%26", id="query"),
    ],
)
def test_path_and_query(given: str, path: str, raw_path: bytes, query: bytes) -> None:
    """`path` is decoded, `raw_path` and `query_string` stand as in the URL."""
    scope = build(given)
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


def test_a_path_without_a_slash_is_refused() -> None:
    """A path begins with a slash."""
    with pytest.raises(ValueError, match=r"^the path must begin with '/', unlike 'chat'$"):
        build("chat")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "x", "Origin": "http://y"}, id="mapping of str"),
        pytest.param({b"Host": b"x", b"Origin": b"http://y"}, id="mapping of bytes"),
        pytest.param([("Host", "x"), ("Origin", "http://y")], id="pairs of str"),
        pytest.param(iter([(b"Host", b"x"), (b"Origin", b"http://y")]), id="pairs of bytes"),
    ],
)
def test_headers_replace_the_usual_ones(headers: HeadersLike) -> None:
    """Headers are str or bytes, and replace those of the same name."""
    assert build(headers=headers)["headers"] == [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"host", b"x"),
        (b"origin", b"http://y"),
    ]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param("€", ValueError("a header can't carry '€': it is not latin-1"), id="text"),
        pytest.param(5, TypeError("a header is made of str or bytes, not int"), id="number"),
    ],
)
def test_header_that_no_client_can_send_is_refused(value: Any, error: Exception) -> None:
    """A client is held to the same form of headers as an application."""
    with pytest.raises(type(error)) as caught:
        build(headers={"x-a": value})
    assert str(caught.value) == str(error)


def test_overrides_replace_keys() -> None:
    """The caller's keys win."""
    scope = build(overrides={"client": None, "path_params": {"room": "x"}})
    assert scope["client"] is None
    assert scope["path_params"] == {"room": "x"}


def test_no_denial_response() -> None:
    """A server without the extension does not offer it."""
    assert build(dialect=Dialect(denial_response=False))["extensions"] == {}


def test_granians_scope() -> None:
    """Granian has an older version of the specification, and ports that are str."""
    scope = build(dialect=DIALECTS["granian"])
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.3"}
    assert (scope["client"], scope["server"]) == (("testclient", "50000"), ("testserver", "80"))


def test_daphnes_scope() -> None:
    """Daphne has no version, fewer keys, and lists for addresses."""
    scope = build(dialect=DIALECTS["daphne"])
    assert scope["asgi"] == {"version": "3.0"}
    assert (scope["client"], scope["server"]) == (["testclient", 50000], ["testserver", 80])
    assert build().keys() - scope.keys() == {"extensions", "http_version", "scheme", "state"}


def test_gunicorns_scope() -> None:
    """Gunicorn has no extensions, not even an empty key."""
    scope = build(dialect=DIALECTS["gunicorn"])
    assert build().keys() - scope.keys() == {"extensions"}


def test_what_is_missing_can_be_given() -> None:
    """The caller's keys win over what a server lacks."""
    assert build(dialect=DIALECTS["daphne"], overrides={"state": {}})["state"] == {}
