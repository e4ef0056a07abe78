"""Our answer to the handshake, and close codes and reasons: H01 to H08."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fake_server import CONNECT, FakeServer
from tests.faults.handshake_endpoints import asking
from tests.faults.playing import (
    MARKER,
    Noting,
    fails_at_once,
    make_scope,
    play,
    serve,
    surfacing,
    watch,
)
from wsendpoints import DenialResponse, Denied, WebSocket
from wsendpoints.protocol.asgi import Receive, Scope, Send

anyio_test = pytest.mark.anyio


@anyio_test
@pytest.mark.parametrize("offered", [[], ["other"], ["CHAT"], ["chat2", "cha"]])
async def test_h01_subprotocol_that_was_not_offered_is_refused(offered: list[str]) -> None:
    """It raises and nothing is sent: hypercorn would exit, and the client close the connection."""
    endpoint = asking(lambda websocket: websocket.accept("chat"))
    server = FakeServer(CONNECT)
    with watch(endpoint), surfacing(ValueError):
        await serve(endpoint, server, subprotocols=offered)
    assert endpoint.sent == endpoint.log == []


@anyio_test
async def test_h01_subprotocol_that_was_offered_is_chosen() -> None:
    """The client is told the subprotocol."""
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
    """It raises, even if the client offers it: it could end the headers, or the server."""
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
    """Junk in the offer is ignored and never raises, with declared subprotocols or without."""

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
    """Deny with a response that is an ASGI application."""

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
    """It raises and nothing is sent: some servers would write it as it is, some would exit."""
    header: tuple[Any, Any] = name, value
    # Some of the ways take bytes.
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
    """The ASGI specification has headers as lower-case bytes, and daphne insists on it."""
    endpoint = asking(lambda websocket: answer(websocket, headers))
    server = FakeServer(CONNECT, {"type": "websocket.disconnect", "code": 1000})
    with watch(endpoint):
        await serve(endpoint, server, **RESPONDS)
    assert endpoint.sent[0]["headers"][:2] == [(b"x-upper", b"1"), (b"x-latin", b"caf\xe9")]


@anyio_test
async def test_h05_accept_headers_are_given_to_the_server() -> None:
    """The server gets the headers of an accept; granian and daphne lose them, as documented."""
    endpoint = asking(lambda websocket: websocket.accept(headers={"X-Version": "1"}))
    async with play(endpoint) as client:
        assert (b"x-version", b"1") in client.headers
    assert endpoint.sent[0]["headers"] == [(b"x-version", b"1")]


BAD_CODES: list[Any] = [
    *(0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536, -1),
    *("x", "1000", True, False, 1000.0, None, b"1000"),
]


@anyio_test
@pytest.mark.parametrize("code", BAD_CODES, ids=repr)
@pytest.mark.parametrize("way", ["close", "event", "before the accept", "task"])
async def test_h06_close_code_that_may_not_be_sent_is_refused(code: Any, way: str) -> None:
    """It raises: servers would close with 1000 or 1006, or not at all."""

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
    """A reason is cut to 123 bytes, so that the client never sees 1006 for one that is too long."""

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
    """The server gets the reason; daphne drops it, as documented."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000, "enough")

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000)
        await client.wait_for_app()
    assert Closing.sent[-1] == {"type": "websocket.close", "code": 4000, "reason": "enough"}
