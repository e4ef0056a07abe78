"""What a client or a proxy puts into the handshake's request: H10 to H15."""

from typing import Any

import pytest

from tests.fake_server import CONNECT, FakeServer
from tests.faults.handshake_endpoints import seeing, seen
from tests.faults.playing import MARKER, Noting, make_scope, serve, surfacing, watch
from wsendpoints import Denied, QueryParams, WebSocket
from wsendpoints.handshake.datastructures import MAX_COOKIES, MAX_QUERY_FIELDS
from wsendpoints.protocol.asgi import Event

anyio_test = pytest.mark.anyio


def cookies_of(*values: bytes) -> list[tuple[bytes, bytes]]:
    """Return a cookie header for each value."""
    return [(b"cookie", value) for value in values]


@anyio_test
@pytest.mark.parametrize(
    ("headers", "cookies"),
    [
        pytest.param(cookies_of(b"a=1; a=2"), {"a": "2"}, id="duplicates: the last"),
        pytest.param(cookies_of(b"a=1", b"a=2; b=3"), {"a": "2", "b": "3"}, id="two headers"),
        pytest.param(cookies_of(b"token"), {"": "token"}, id="no equals"),
        pytest.param(cookies_of(b";;;"), {}, id="semicolons"),
        pytest.param(cookies_of(b" ; a=1 ;; b = 2;"), {"a": "1", "b": "2"}, id="spaces"),
        pytest.param(cookies_of(b'a="1; 2"'), {"a": '"1', "": '2"'}, id="semicolon in quotes"),
        pytest.param(cookies_of(b'a="1"; b="'), {"a": "1", "b": '"'}, id="quotes"),
        pytest.param(cookies_of(rb'a="\"\054"'), {"a": '",'}, id="escapes"),
        pytest.param(cookies_of(b"a=1,b=2"), {"a": "1,b=2"}, id="joined by daphne"),
        pytest.param(cookies_of(b"a=caf\xe9"), {"a": "caf\xe9"}, id="latin-1"),
        pytest.param(cookies_of(b"=1; a=", b""), {"": "1", "a": ""}, id="empty"),
        pytest.param([], {}, id="none"),
    ],
)
async def test_h10_cookies_are_read_as_browsers_send_them(
    headers: list[tuple[bytes, bytes]], cookies: dict[str, str]
) -> None:
    """Odd cookies are read as browsers do, and never raise."""
    assert await seen(lambda websocket: websocket.cookies, headers=headers) == repr(cookies)


@anyio_test
@pytest.mark.parametrize(
    ("value", "at_most"),
    [
        pytest.param(b"a=" + b"x" * 65_536, 1, id="64 KiB"),
        pytest.param(b"a=" + b"x" * 1_000_000, 1, id="1 MB"),
        pytest.param(b"; ".join(b"%d=1" % n for n in range(10_000)), MAX_COOKIES, id="10 000"),
        pytest.param(b";" * 100_000, 0, id="semicolons"),
        pytest.param(b"=" * 100_000, 1, id="equals"),
        pytest.param(b'a="' + b"\\" * 60_000 + b'"', 1, id="backslashes"),
    ],
)
async def test_h10_cookies_are_capped(value: bytes, at_most: int) -> None:
    """Cookies beyond the cap are not read."""
    number = await seen(lambda websocket: len(websocket.cookies), headers=cookies_of(value))
    assert int(number) <= at_most


@anyio_test
@pytest.mark.parametrize(
    ("query", "params"),
    [
        pytest.param(b"a=%ff", [("a", "\ufffd")], id="no UTF-8"),
        pytest.param(b"a=%zz&b=%", [("a", "%zz"), ("b", "%")], id="no escape"),
        pytest.param(b"a=%00", [("a", "\0")], id="NUL"),
        pytest.param(b"a=1+2%2B3", [("a", "1 2+3")], id="plus"),
        pytest.param(b"a=1;b=2", [("a", "1;b=2")], id="semicolon"),
        pytest.param(b"a=1&a=2", [("a", "1"), ("a", "2")], id="duplicates"),
        pytest.param(b"&&a&=b&", [("a", ""), ("", "b")], id="odd"),
        pytest.param(b"a=caf\xe9", [("a", "caf\ufffd")], id="raw latin-1"),
        pytest.param("a=café".encode(), [("a", "café")], id="raw UTF-8"),
        pytest.param("a=café", [("a", "café")], id="str"),
        pytest.param(b"", [], id="empty"),
        pytest.param(None, [], id="None"),
    ],
)
async def test_h11_query_is_read_as_a_form(query: Any, params: list[tuple[str, str]]) -> None:
    """Any query is read; servers answer raw non-ASCII with 400, so that it does not get here."""
    read = await seen(lambda websocket: websocket.query_params.multi_items(), query_string=query)
    assert read == repr(params)


@anyio_test
@pytest.mark.parametrize("joined", [b"&", b"=1&", b"=%ff&"])
async def test_h11_fields_are_capped(joined: bytes) -> None:
    """Fields beyond the cap are not read."""
    query = joined.join(b"%d" % number for number in range(100_000))
    number = await seen(lambda websocket: len(websocket.query_params), query_string=query)
    assert int(number) == MAX_QUERY_FIELDS


@anyio_test
async def test_h11_query_may_be_missing() -> None:
    """A missing query is empty."""
    assert WebSocket({"type": "websocket"}).query_params == QueryParams()


HOSTILE_PATH = f"/\ufffd%zz\x00\r\n2026 ERROR {MARKER}\x1b[2J"


@anyio_test
@pytest.mark.parametrize(
    "how", ["bad frame", "bad message", "failure", "refused", "denied", "timeout", "cancelled"]
)
async def test_h12_path_is_never_logged(how: str) -> None:
    """The decoded path may hold line ends, which would forge lines in the log."""

    class Anything(Noting):
        encoding = "json"

        async def on_connect(self, websocket: WebSocket) -> None:
            if how == "denied":
                raise Denied(404)
            if how != "refused":
                await websocket.accept()

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            raise ValueError

    frames: dict[str, Event] = {
        "bad frame": {"type": "websocket.receive", "text": "{"},
        "bad message": {"type": "websocket.receive", "text": "[]"},
        "failure": {"type": "websocket.receive", "text": "1"},
    }
    gone: Event = {"type": "websocket.disconnect", "code": 1006}
    server = FakeServer(CONNECT, frames.get(how, gone), gone)
    levels = {"bad frame": ["INFO"], "refused": ["WARNING"]}
    failure = ValueError if how == "failure" else None
    with watch(Anything, log=levels.get(how, [])), surfacing(failure):
        await serve(Anything, server, path=HOSTILE_PATH, raw_path=b"/%ff%zz%00")


@anyio_test
async def test_h12_path_is_escaped_where_it_is_shown() -> None:
    """The reprs of a connection and of its URL are one printable line."""
    shown = await seen(lambda websocket: (websocket, websocket.url), path=HOSTILE_PATH)
    assert shown.isprintable()
    assert await seen(lambda websocket: websocket["path"], path=HOSTILE_PATH) == repr(HOSTILE_PATH)


@anyio_test
async def test_h13_header_value_is_latin_1() -> None:
    """Each byte of a value is a character; an application decodes UTF-8 itself."""
    headers = [(b"x-name", b"caf\xe9"), (b"x-utf8", "café".encode())]
    value = await seen(lambda websocket: websocket.headers["X-Name"], headers=headers)
    assert value == repr("café")
    value = await seen(
        lambda websocket: websocket.headers["x-utf8"].encode("latin-1").decode(), headers=headers
    )
    assert value == repr("café")


OPTIONAL = [
    "headers",
    "query_string",
    "client",
    "root_path",
    "extensions",
    "subprotocols",
    "asgi",
    "scheme",
    "server",
    "path",
    "state",
    "path_params",
    "url_route",
]


def look_at_all(websocket: WebSocket) -> object:
    """Use every accessor."""
    return (
        websocket.url,
        websocket.url.hostname,
        websocket.headers,
        websocket.query_params,
        websocket.path_params,
        websocket.cookies,
        websocket.client,
        websocket.state,
        websocket.subprotocols,
        websocket.subprotocol,
        websocket.can_respond,
        websocket.connection_state,
        websocket.expires_at,
        dict(websocket),
    )


@anyio_test
@pytest.mark.parametrize("without", [*((key,) for key in OPTIONAL), tuple(OPTIONAL)], ids=repr)
@pytest.mark.parametrize("how", ["missing", "None"])
async def test_h14_scope_without_a_key_does(without: tuple[str, ...], how: str) -> None:
    """Every property works if any optional key of the scope is missing, or all of them."""
    full = make_scope(
        root_path="",
        client=("127.0.0.1", 1234),
        server=("127.0.0.1", 80),
        scheme="ws",
        asgi={"version": "3.0"},
        extensions={},
        state={},
        path_params={},
        url_route={},
    )
    scope = {key: value for key, value in full.items() if key not in without}
    if how == "None":
        scope.update(dict.fromkeys(without))
    endpoint = seeing(look_at_all)
    server = FakeServer(CONNECT, {"type": "websocket.disconnect", "code": 1000})
    with watch(endpoint):
        instance = endpoint(scope, server.receive, server.send)
        await instance
        del instance
        endpoint.sent.extend(server.sent)
    assert endpoint.log[1:] == [1000]


@anyio_test
@pytest.mark.parametrize(
    ("client", "address"),
    [
        pytest.param(None, None, id="None, a Unix socket"),
        pytest.param(("h", 1), ("h", 1), id="tuple"),
        pytest.param(["h", 1], ("h", 1), id="list, daphne"),
        pytest.param((), None, id="empty"),
        pytest.param(("/run/x.sock",), None, id="path alone"),
        pytest.param("h", None, id="str"),
    ],
)
async def test_h14_client_may_be_unknown(client: Any, address: tuple[str, int] | None) -> None:
    """Where the server does not know the client's address, `client` is `None`."""

    def look(websocket: WebSocket) -> object:
        return websocket.client and tuple(websocket.client)

    assert await seen(look, client=client) == repr(address)


@anyio_test
@pytest.mark.parametrize(
    "host",
    [
        pytest.param(b"evil.example/path", id="path"),
        pytest.param(b"user@evil.example", id="userinfo"),
        pytest.param(b"user:password@evil.example:80", id="userinfo and port"),
        pytest.param(b"evil.example?query", id="query"),
        pytest.param(b"evil.example#fragment", id="fragment"),
        pytest.param(b"evil.example\\", id="backslash"),
        pytest.param(b"evil.example\r\nx: y", id="CR LF"),
        pytest.param(b"evil example", id="space"),
        pytest.param(b"evil.example:99999", id="port too great"),
        pytest.param(b"evil.example:x", id="port not numeric"),
        pytest.param(b"[::1", id="bracket"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"evil.example,evil.example", id="joined"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_h15_url_does_not_believe_an_odd_host(host: bytes) -> None:
    """With an odd Host header the URL has the server's own host."""
    url = await seen(
        lambda websocket: str(websocket.url),
        headers=[(b"host", host)],
        server=("server.example", 8000),
        path="/chat",
        query_string=b"",
        scheme="ws",
    )
    assert url == repr("ws://server.example:8000/chat")


@anyio_test
@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("chat", "ws://server.example/chat"),
        ("", "ws://server.example/"),
        ("*", "ws://server.example/*"),
        ("//evil.example/", "ws://server.example//evil.example/"),
        ("@evil.example", "ws://server.example/@evil.example"),
        ("http://evil.example/", "ws://server.example/http://evil.example/"),
    ],
)
async def test_h15_path_stays_a_path(path: str, url: str) -> None:
    """A path without a leading slash does not become a part of the host."""
    read = await seen(
        lambda websocket: str(websocket.url),
        headers=[],
        server=("server.example", 80),
        path=path,
        query_string=b"",
        scheme="ws",
    )
    assert read == repr(url)
