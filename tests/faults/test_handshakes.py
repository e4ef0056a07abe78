"""What a handshake may hold, and the codes and events that servers give: H01 to H19."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fake_server import CONNECT, FakeServer
from tests.faults.playing import (
    MARKER,
    Noting,
    derive,
    fails_at_once,
    make_scope,
    play,
    refused,
    serve,
    surfacing,
    watch,
)
from wsendpoints import (
    DenialResponse,
    Denied,
    QueryParams,
    ServerProtocolError,
    WebSocket,
)
from wsendpoints.handshake.datastructures import MAX_COOKIES, MAX_QUERY_FIELDS
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send

anyio_test = pytest.mark.anyio


def asking(ask: Callable[[WebSocket], Awaitable[object]]) -> type[Noting]:
    """Return an endpoint that does something in `on_connect`."""

    async def on_connect(self: Noting, websocket: WebSocket) -> None:
        await ask(websocket)

    return derive(Noting, on_connect=on_connect)


def seeing(look: Callable[[WebSocket], object]) -> type[Noting]:
    """Return an endpoint that notes something of its connections, and accepts."""

    async def on_connect(self: Noting, websocket: WebSocket) -> None:
        self.log.append(repr(look(websocket)))
        await websocket.accept()

    return derive(Noting, on_connect=on_connect)


async def seen(look: Callable[[WebSocket], object], **scope: Any) -> str:
    """Return the `repr` of what an endpoint sees of a connection."""
    endpoint = seeing(look)
    server = FakeServer(CONNECT, {"type": "websocket.disconnect", "code": 1000})
    with watch(endpoint):
        await serve(endpoint, server, **scope)
    assert endpoint.log[1:] == [1000]
    value: str = endpoint.log[0]
    return value


# Subprotocols and headers.


@anyio_test
@pytest.mark.parametrize("offered", [[], ["other"], ["CHAT"], ["chat2", "cha"]])
async def test_h01_subprotocol_that_was_not_offered_is_refused(offered: list[str]) -> None:
    """Nothing is sent: hypercorn would exit, the client end the connection."""
    endpoint = asking(lambda websocket: websocket.accept("chat"))
    server = FakeServer(CONNECT)
    with watch(endpoint), surfacing(ValueError):
        await serve(endpoint, server, subprotocols=offered)
    assert endpoint.sent == endpoint.log == []


@anyio_test
async def test_h01_subprotocol_that_was_offered_is_chosen() -> None:
    """The client gets it."""
    endpoint = asking(lambda websocket: websocket.accept("chat"))
    async with play(endpoint, subprotocols=["other", "chat"]) as client:
        assert client.subprotocol == "chat"


NO_TOKENS = [
    pytest.param("chat\r\nx: y", id="CR LF"),
    pytest.param("chat\n", id="LF"),
    pytest.param("chat\r", id="CR"),
    pytest.param("chat room", id="space"),
    pytest.param(" chat", id="space before"),
    pytest.param("café", id="latin-1"),
    pytest.param("caf\udce9", id="surrogate"),
    pytest.param("聊天", id="beyond latin-1"),
    pytest.param("", id="empty"),
    pytest.param("a,b", id="comma"),
    pytest.param("a\0", id="NUL"),
    pytest.param("\x7f", id="DEL"),
]


@anyio_test
@pytest.mark.parametrize("name", NO_TOKENS)
@pytest.mark.parametrize("is_offered", [True, False], ids=["offered", "not offered"])
async def test_h02_subprotocol_that_is_no_token_is_refused(name: str, is_offered: bool) -> None:
    """It would end the response's headers, or the server; even if the client offers it."""
    endpoint = asking(lambda websocket: websocket.accept(name))
    server = FakeServer(CONNECT)
    with watch(endpoint), surfacing(ValueError):
        await serve(endpoint, server, subprotocols=[name] if is_offered else ["chat"])
    assert endpoint.sent == endpoint.log == []


MISSING: Any = object()


@anyio_test
@pytest.mark.parametrize(
    ("offered", "read"),
    [
        pytest.param(["caf\xc3\xa9", "chat"], ["chat"], id="non-ASCII"),
        pytest.param(["", "chat", " "], ["chat"], id="empty"),
        pytest.param(["a", "b", "a", "b"], ["a", "b"], id="duplicates"),
        pytest.param([str(n) for n in range(1000)], [str(n) for n in range(1000)], id="thousand"),
        pytest.param(["a\r\nb", "a b", "a"], ["a"], id="controls"),
        pytest.param([b"chat", 1, None, ["x"], "a"], ["a"], id="other types"),
        pytest.param(("a", "b"), ["a", "b"], id="tuple"),
        pytest.param("chat", [], id="str"),
        pytest.param(b"chat", [], id="bytes"),
        pytest.param(5, [], id="int"),
        pytest.param({"a": 1}, ["a"], id="dict"),
        pytest.param([], [], id="none"),
        pytest.param(None, [], id="None"),
        pytest.param(MISSING, [], id="missing"),
    ],
)
@pytest.mark.parametrize("declared", [(), ("chat", "b")], ids=["none", "some"])
async def test_h03_offer_is_read_as_clean_tokens(
    offered: Any, read: list[str], declared: tuple[str, ...]
) -> None:
    """Junk is left out, and nothing raises, where the class has subprotocols neither."""

    class Sees(Noting):
        subprotocols = declared

        async def on_connect(self, websocket: WebSocket) -> None:
            self.log.append(websocket.subprotocols)
            await super().on_connect(websocket)

    scope = make_scope(subprotocols=offered)
    if offered is MISSING:
        del scope["subprotocols"]
    server = FakeServer(CONNECT, {"type": "websocket.disconnect", "code": 1000})
    with watch(Sees):
        instance = Sees(scope, server.receive, server.send)
        await instance
        del instance
        Sees.sent.extend(server.sent)
    assert Sees.log == [read, "connect", 1000]
    chosen = next((name for name in declared if name in read), None)
    assert server.sent[0]["subprotocol"] == chosen


BAD_HEADERS = [
    pytest.param("x", "a\rb", id="CR"),
    pytest.param("x", "a\nb", id="LF"),
    pytest.param("x", "a\r\nset-cookie: b", id="CR LF"),
    pytest.param("x", "a\0b", id="NUL"),
    pytest.param("x\r\ny", "a", id="CR LF in the name"),
    pytest.param("x\0", "a", id="NUL in the name"),
    pytest.param("x y", "a", id="space in the name"),
    pytest.param("x:", "a", id="colon in the name"),
    pytest.param("", "a", id="no name"),
    pytest.param("x", "€", id="beyond latin-1"),
    pytest.param("€", "a", id="name beyond latin-1"),
    pytest.param("x", "\ud800", id="surrogate"),
    *(
        pytest.param(name, "a", id=name)
        for name in (
            "sec-websocket-protocol",
            "Sec-WebSocket-Protocol",
            "sec-websocket-accept",
            "sec-websocket-extensions",
            "connection",
            "Upgrade",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
        )
    ),
]


async def deny_by_response(websocket: WebSocket, headers: Any) -> None:
    """Deny with the library's response."""
    await websocket.send_denial_response(DenialResponse("no", headers=headers))


async def deny_by_app(websocket: WebSocket, headers: Any) -> None:
    """Deny with somebody's response."""

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})

    await websocket.send_denial_response(response)


async def deny_by_exception(websocket: WebSocket, headers: Any) -> None:
    """Deny with the library's exception."""
    raise Denied(401, headers=headers)


async def accept_with(websocket: WebSocket, headers: Any) -> None:
    """Accept."""
    await websocket.accept(headers=headers)


async def accept_by_event(websocket: WebSocket, headers: Any) -> None:
    """Accept with a raw event."""
    await websocket.send({"type": "websocket.accept", "headers": headers})


ANSWERS = pytest.mark.parametrize(
    "answer",
    [accept_with, accept_by_event, deny_by_response, deny_by_app, deny_by_exception],
    ids=lambda answer: answer.__name__,
)
BYTES_ANSWERS = (accept_by_event, deny_by_app)
RESPONDS: dict[str, Any] = {"extensions": {"websocket.http.response": {}}}


@anyio_test
@ANSWERS
@pytest.mark.parametrize(("name", "value"), BAD_HEADERS)
async def test_h04_header_that_cannot_be_sent_is_refused(
    answer: Callable[[WebSocket, Any], Awaitable[None]], name: str, value: str
) -> None:
    """Nothing is sent: some servers would write it as it is, some would exit."""
    header: tuple[Any, Any] = name, value
    # Half of the ways with bytes.
    if answer in BYTES_ANSWERS and (name + value).isascii():
        header = name.encode(), value.encode()
    endpoint = asking(lambda websocket: answer(websocket, [header]))
    with watch(endpoint), surfacing(ValueError):
        await serve(endpoint, FakeServer(CONNECT), **RESPONDS)
    assert endpoint.sent == endpoint.log == []


@anyio_test
@ANSWERS
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("X-Upper", "1"), ("x-latin", "caf\xe9")], id="pairs of str"),
        pytest.param([(b"X-Upper", b"1"), (b"x-latin", b"caf\xe9")], id="pairs of bytes"),
        pytest.param({"X-Upper": "1", "x-latin": "caf\xe9"}, id="dict of str"),
        pytest.param({b"X-Upper": b"1", b"x-latin": b"caf\xe9"}, id="dict of bytes"),
    ],
)
async def test_h04_header_is_sent_in_lower_case_and_bytes(
    answer: Callable[[WebSocket, Any], Awaitable[None]], headers: Any
) -> None:
    """That is what ASGI wants, and daphne insists on."""
    endpoint = asking(lambda websocket: answer(websocket, headers))
    server = FakeServer(CONNECT, {"type": "websocket.disconnect", "code": 1000})
    with watch(endpoint):
        await serve(endpoint, server, **RESPONDS)
    assert endpoint.sent[0]["headers"][:2] == [(b"x-upper", b"1"), (b"x-latin", b"caf\xe9")]


@anyio_test
async def test_h05_accept_headers_are_given_to_the_server() -> None:
    """Granian and daphne lose them, which is documented; the others send them."""
    endpoint = asking(lambda websocket: websocket.accept(headers={"X-Version": "1"}))
    async with play(endpoint) as client:
        assert (b"x-version", b"1") in client.headers
    assert endpoint.sent[0]["headers"] == [(b"x-version", b"1")]


# Codes and reasons.


BAD_CODES: list[Any] = [
    *(0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536, -1),
    *("x", "1000", True, False, 1000.0, None, b"1000"),
]


@anyio_test
@pytest.mark.parametrize("code", BAD_CODES, ids=repr)
@pytest.mark.parametrize("way", ["close", "event", "before the accept", "task"])
async def test_h06_close_code_that_may_not_be_sent_is_refused(code: Any, way: str) -> None:
    """Servers answer it with 1000, with 1006, or leave the connection open."""

    class Closing(Noting):
        encoding = "text"

        async def on_connect(self, websocket: WebSocket) -> None:
            if way == "before the accept":
                await websocket.close(code)
            await super().on_connect(websocket)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if way == "event":
                await websocket.send({"type": "websocket.close", "code": code})
            elif way == "task":
                self.start_soon(websocket.close, code)
            else:
                await websocket.close(code)

    if way == "before the accept":
        await fails_at_once(Closing, raises=ValueError)
        assert Closing.sent == Closing.log == []
        return
    async with play(Closing, raises=ValueError) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert Closing.log == ["connect", 1011]
    assert Closing.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        pytest.param("x" * 123, "x" * 123, id="fits"),
        pytest.param("x" * 124, "x" * 123, id="one over"),
        pytest.param("x" * 100_000, "x" * 123, id="far over"),
        pytest.param("é" * 62, "é" * 61, id="cut in a character of two bytes"),
        pytest.param("€" * 42, "€" * 41, id="between characters of three"),
        pytest.param("x" + "€" * 41, "x" + "€" * 40, id="cut in a character of three"),
        pytest.param("😀" * 31, "😀" * 30, id="cut in a character of four"),
        pytest.param("a\ud800b", "a?b", id="lone surrogate"),
        pytest.param("\ud800" * 200, "?" * 123, id="lone surrogates, over"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="None"),
    ],
)
@pytest.mark.parametrize("way", ["close", "event"])
async def test_h07_reason_is_cut_between_two_characters(
    reason: str | None, told: str, way: str
) -> None:
    """123 bytes fit into a close frame; the client never sees 1006 for one that is too long."""

    class Closing(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if way == "close":
                await websocket.close(4000, reason)
            else:
                await websocket.send({"type": "websocket.close", "code": 4000, "reason": reason})

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000, told)
        await client.wait_for_app()
    assert Closing.log == ["connect", 4000]


@anyio_test
async def test_h08_reason_is_given_to_the_server() -> None:
    """Daphne drops it, which is documented; the others send it."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000, "enough")

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000)
        await client.wait_for_app()
    assert Closing.sent[-1] == {"type": "websocket.close", "code": 4000, "reason": "enough"}


# The Origin header.


class SameOrigin(Noting):
    """Takes pages of its own host."""


class Listed(Noting):
    """Takes pages of two hosts."""

    allowed_origins = ("https://example.com", "http://localhost:3000")


class Anybody(Noting):
    """Takes pages of everybody."""

    allowed_origins = "*"


ODD_ORIGINS = [
    pytest.param("null", id="null"),
    pytest.param("", id="empty"),
    pytest.param("http://[", id="bracket"),
    pytest.param("https://example.com:99999999", id="port too great"),
    pytest.param("abc", id="no origin"),
    pytest.param("https://good@evil", id="userinfo"),
    pytest.param("https://example.com@evil.example", id="host as userinfo"),
    pytest.param("https://evil.example\\.example.com", id="backslash"),
    pytest.param("https://evil.example\\@example.com", id="backslash and userinfo"),
    pytest.param("https://example.com.evil.example", id="suffix"),
    pytest.param("https://evilexample.com", id="prefix"),
    pytest.param("https://www.example.com", id="subdomain"),
    pytest.param("https://example.com.", id="trailing dot"),
    pytest.param("https://example.com/", id="trailing slash"),
    pytest.param("https://example.com:8443", id="another port"),
    pytest.param("https://example.com, https://example.com", id="joined with a space"),
    pytest.param("https://example.com,https://example.com", id="joined by daphne"),
    pytest.param("https://\xe9xample.com", id="non-ASCII"),
    pytest.param("https://example.com\r\n2026 ERROR", id="lines"),
    pytest.param("https://example.com\x1b[2J", id="escapes"),
    pytest.param(f"https://{MARKER}", id="marker"),
    pytest.param("https://" + "x" * 100_000, id="long"),
]


@anyio_test
@pytest.mark.parametrize("endpoint", [SameOrigin, Listed], ids=["same origin", "listed"])
@pytest.mark.parametrize("origin", ODD_ORIGINS)
async def test_h09_other_origin_is_refused(endpoint: type[Noting], origin: str) -> None:
    """403, no hook, and one line that names it, escaped, and what would allow it."""
    denied = await refused(
        endpoint,
        log=["WARNING"],
        tells=[MARKER, MARKER.lower()],
        headers={"host": "example.com", "origin": origin},
    )
    assert denied.status == 403
    assert endpoint.log == []
    (line,) = endpoint.lines("WARNING")
    assert ascii(origin[:100])[1:-1] in line
    assert "allowed_origins" in line
    assert line.isascii()


@anyio_test
@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "HTTPS://EXAMPLE.COM",
        "https://Example.com",
        "https://example.com:443",
    ],
)
@pytest.mark.parametrize("endpoint", [SameOrigin, Listed, Anybody], ids=lambda e: e.__name__)
async def test_h09_equal_origin_is_taken(endpoint: type[Noting], origin: str) -> None:
    """Upper case and the default port make no difference."""
    async with play(endpoint, headers={"host": "example.com", "origin": origin}):
        pass
    assert endpoint.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize("origin", ODD_ORIGINS)
async def test_h09_any_origin_is_taken_if_the_class_says_so(origin: str) -> None:
    """Whatever the header holds."""
    async with play(Anybody, headers={"host": "example.com", "origin": origin}):
        pass
    assert Anybody.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize("endpoint", [SameOrigin, Listed, Anybody], ids=lambda e: e.__name__)
async def test_h09_client_without_origin_is_no_browser(endpoint: type[Noting]) -> None:
    """It is taken, as it could say what it likes."""
    async with play(endpoint):
        pass
    assert endpoint.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize("base", [SameOrigin, Listed, Anybody], ids=lambda e: e.__name__)
async def test_h09_origin_may_be_required(base: type[Noting]) -> None:
    """With `require_origin` a client without one is refused."""
    endpoint = derive(base, require_origin=True)
    denied = await refused(endpoint, log=["WARNING"])
    assert denied.status == 403
    assert endpoint.log == []
    assert "require_origin" in endpoint.lines("WARNING")[0]


@anyio_test
@pytest.mark.parametrize("endpoint", [SameOrigin, Listed], ids=["same origin", "listed"])
async def test_h09_two_origins_are_refused(endpoint: type[Noting]) -> None:
    """A browser sends one, and no proxy adds another."""
    headers = [
        (b"host", b"example.com"),
        (b"origin", b"https://example.com"),
        (b"origin", b"https://example.com"),
    ]
    denied = await refused(endpoint, log=["WARNING"], scope={"headers": headers})
    assert denied.status == 403
    assert endpoint.log == []


# Cookies, query, path and the rest of the scope.


def cookies_of(*values: bytes) -> list[tuple[bytes, bytes]]:
    """Return headers with cookies."""
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
    """Nothing raises."""
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
    """What goes beyond is not read."""
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
    """Nothing raises. Raw non-ASCII does not get so far: all servers answer 400."""
    read = await seen(lambda websocket: websocket.query_params.multi_items(), query_string=query)
    assert read == repr(params)


@anyio_test
@pytest.mark.parametrize("joined", [b"&", b"=1&", b"=%ff&"])
async def test_h11_fields_are_capped(joined: bytes) -> None:
    """What goes beyond is not read."""
    query = joined.join(b"%d" % number for number in range(100_000))
    number = await seen(lambda websocket: len(websocket.query_params), query_string=query)
    assert int(number) == MAX_QUERY_FIELDS


@anyio_test
async def test_h11_query_may_be_missing() -> None:
    """It is empty then."""
    assert WebSocket({"type": "websocket"}).query_params == QueryParams()


HOSTILE_PATH = f"/\ufffd%zz\x00\r\n2026 ERROR {MARKER}\x1b[2J"


@anyio_test
@pytest.mark.parametrize(
    "how", ["bad frame", "bad message", "failure", "refused", "denied", "timeout", "cancelled"]
)
async def test_h12_path_is_never_logged(how: str) -> None:
    """A path may hold what would forge a line, as all servers decode it."""

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
    """What an application logs of a connection is one line."""
    shown = await seen(lambda websocket: (websocket, websocket.url), path=HOSTILE_PATH)
    assert shown.isprintable()
    assert await seen(lambda websocket: websocket["path"], path=HOSTILE_PATH) == repr(HOSTILE_PATH)


@anyio_test
async def test_h13_header_value_is_latin_1() -> None:
    """Each byte is a character; for UTF-8 an application decodes it once more."""
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
    """Servers differ in what they leave out."""
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
    """It is `None` then."""

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
    """It falls back to the server's own."""
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
    """One that does not begin with a slash is none of the host."""
    read = await seen(
        lambda websocket: str(websocket.url),
        headers=[],
        server=("server.example", 80),
        path=path,
        query_string=b"",
        scheme="ws",
    )
    assert read == repr(url)


# Events and scopes that the server gives.


async def called(scope: Scope, *events: Event) -> list[Event]:
    """Return what an endpoint sends to a scope of another type."""
    endpoint = seeing(lambda websocket: None)
    server = FakeServer(*events)
    with watch(endpoint):
        await endpoint.as_asgi()(scope, server.receive, server.send)
    assert endpoint.log == []
    return server.sent


@anyio_test
async def test_h16_lifespan_is_answered() -> None:
    """Hypercorn on trio exits where an application refuses it."""
    sent = await called(
        {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}
    )
    assert [event["type"] for event in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


@anyio_test
async def test_h16_http_is_told_to_upgrade() -> None:
    """426: RFC 9110, section 15.5.22."""
    scope: Scope = {"type": "http", "method": "GET", "path": f"/{MARKER}", "headers": []}
    sent = await called(scope, {"type": "http.request"})
    assert sent[0]["status"] == 426
    assert (b"upgrade", b"websocket") in sent[0]["headers"]


@anyio_test
@pytest.mark.parametrize("type_", ["webtransport", "", None, 1], ids=repr)
async def test_h16_other_scope_is_named(type_: Any) -> None:
    """It is a mistake of the host's."""
    endpoint = seeing(lambda websocket: None)
    server = FakeServer()
    with pytest.raises(ValueError, match=f"not {type_!r}"):
        await endpoint.as_asgi()({"type": type_}, server.receive, server.send)
    with pytest.raises(ValueError, match=f"not {type_!r}"):
        endpoint({"type": type_}, server.receive, server.send)
    assert server.receives == 0


@anyio_test
@pytest.mark.parametrize(
    "event",
    [
        {"type": "websocket.receive", "text": MARKER},
        {"type": "websocket.foo"},
        {"type": "http.request"},
        {"type": None},
        {},
    ],
    ids=lambda event: str(event.get("type", "none")),
)
async def test_h17_first_event_must_be_connect(event: Event) -> None:
    """Anything else is a mistake of the server's, and a RuntimeError."""
    assert issubclass(ServerProtocolError, RuntimeError)
    endpoint = seeing(lambda websocket: None)
    with watch(endpoint), surfacing(ServerProtocolError):
        await serve(endpoint, FakeServer(event))
    assert endpoint.log == endpoint.sent == []


@anyio_test
@pytest.mark.parametrize(
    "event",
    [
        {"type": "websocket.foo"},
        {"type": "websocket.connect"},
        {"type": "websocket.send", "text": "x"},
        {"type": None},
        {"type": []},
    ],
    ids=lambda event: str(event["type"]),
)
@pytest.mark.parametrize("while_", ["idle", "handling"])
async def test_h18_unknown_event_closes_with_1011(event: Event, while_: str) -> None:
    """It is a mistake of the server's, which gets the exception."""

    class Told(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.receive_text()

    async with play(Told, raises=ServerProtocolError) as client:
        if while_ == "handling":
            await client.send_text(MARKER)
        await client.send_event(event)
        await client.expect_close(1011, "")
    assert Told.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param({"code": None}, 1006, id="None, daphne"),
        pytest.param({}, 1006, id="missing"),
        pytest.param({"code": 1005}, 1006, id="1005"),
        pytest.param({"code": 1006}, 1006, id="1006"),
        pytest.param({"code": 0}, 1006, id="0"),
        pytest.param({"code": -1}, 1006, id="-1"),
        pytest.param({"code": 999}, 1006, id="999"),
        pytest.param({"code": 5000}, 1006, id="5000"),
        pytest.param({"code": 10**100}, 1006, id="huge"),
        pytest.param({"code": "1001"}, 1006, id="str"),
        pytest.param({"code": True}, 1006, id="bool"),
        pytest.param({"code": 1001.0}, 1006, id="float"),
        pytest.param({"code": 1001, "reason": None}, 1001, id="reason None"),
        pytest.param({"code": 1001, "reason": b"x"}, 1001, id="reason of bytes"),
        pytest.param({"code": 4999, "reason": MARKER}, 4999, id="4999"),
    ],
)
async def test_h19_disconnect_has_an_int(event: Event, code: int) -> None:
    """Whatever the server says."""
    endpoint = seeing(lambda websocket: "")
    async with play(endpoint) as client:
        await client.send_event({"type": "websocket.disconnect", **event})
        await client.wait_for_app()
    assert endpoint.log == ["''", code]
    assert isinstance(endpoint.log[-1], int)
