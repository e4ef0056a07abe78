"""What the answer to a handshake may hold, and the response that denies it."""

from typing import Any

import pytest

from wsendpoints.handshake.denial import DenialResponse
from wsendpoints.protocol.headers import check_headers
from wsendpoints.protocol.subprotocols import check_subprotocol

OURS = ["sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol"]
HOP_BY_HOP = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
]


@pytest.mark.parametrize("subprotocol", ["chat", "chat.v2"])
def test_offered_subprotocol_is_chosen(subprotocol: str) -> None:
    """Any of those offered may be chosen, in any order."""
    assert check_subprotocol(subprotocol, ["chat", "chat.v2"]) == subprotocol


@pytest.mark.parametrize(
    "subprotocol",
    [
        pytest.param("soap", id="h01 not offered"),
        pytest.param("CHAT", id="h01 other case"),
        pytest.param("chat\r\nx: y", id="h02 CR and LF"),
        pytest.param("chat ", id="h02 space"),
        pytest.param("chät", id="h02 not ASCII"),
        pytest.param("", id="h02 empty"),
        pytest.param(b"chat", id="bytes"),
        pytest.param(None, id="None"),
        pytest.param([], id="a list"),
    ],
)
@pytest.mark.parametrize(
    ("offered", "offer"),
    [(["chat", "v2"], "the client offers chat, v2"), ([], "the client offers none")],
    ids=["some offered", "none offered"],
)
def test_h01_h02_any_other_subprotocol_is_refused(
    subprotocol: object, offered: list[str], offer: str
) -> None:
    """The error says what the client offers."""
    with pytest.raises(ValueError, match="subprotocol") as caught:
        check_subprotocol(subprotocol, offered)
    assert str(caught.value) == f"the subprotocol {subprotocol!r} can't be chosen: {offer}"


@pytest.mark.parametrize(
    ("headers", "checked"),
    [
        pytest.param(None, [], id="None"),
        pytest.param({}, [], id="no headers"),
        pytest.param({"X-A": "b"}, [(b"x-a", b"b")], id="h04 mapping, upper case"),
        pytest.param({b"X-A": b"B"}, [(b"x-a", b"B")], id="h04 bytes"),
        pytest.param([("a", "1"), (b"a", b"2")], [(b"a", b"1"), (b"a", b"2")], id="pairs"),
        pytest.param(iter([("a", "1")]), [(b"a", b"1")], id="iterator"),
        pytest.param([("a", "caf\xe9")], [(b"a", b"caf\xe9")], id="h13 latin-1"),
        pytest.param([("a", " \tb c\t ")], [(b"a", b"b c")], id="spaces around"),
        pytest.param([("a", "")], [(b"a", b"")], id="empty value"),
        pytest.param([("!#$%&'*+-.^_`|~0Az", "")], [(b"!#$%&'*+-.^_`|~0az", b"")], id="token"),
        pytest.param([("a", "b\tc")], [(b"a", b"b\tc")], id="tab within"),
    ],
)
def test_h04_headers_become_pairs_of_bytes(
    headers: Any, checked: list[tuple[bytes, bytes]]
) -> None:
    """Names are in lower case, as ASGI wants them, and values as they were."""
    assert check_headers(headers) == checked


@pytest.mark.parametrize("name", [*OURS, *HOP_BY_HOP])
@pytest.mark.parametrize("write", [str.lower, str.title, str.encode], ids=["", "title", "bytes"])
def test_h04_header_that_is_the_servers_own_is_refused(name: str, write: Any) -> None:
    """However it is written: it would be sent twice."""
    written = write(name)
    with pytest.raises(ValueError, match="own") as caught:
        check_headers([(written, "x")])
    assert str(caught.value) == f"the header {written!r} is the server's own to send"


@pytest.mark.parametrize(
    "name", ["", "a b", "a:", "a\r\n", "a\n", "a\x00", "caf\xe9", "(a)", "a,b", b"\xff"], ids=repr
)
def test_h04_header_name_that_is_no_token_is_refused(name: Any) -> None:
    """The error shows it, escaped."""
    with pytest.raises(ValueError, match="name") as caught:
        check_headers([(name, "x")])
    assert str(caught.value) == f"{name!r} is no header name: use letters, digits and hyphens"


@pytest.mark.parametrize("control", [*range(0x09), *range(0x0A, 0x20), 0x7F])
def test_h04_header_value_with_a_control_character_is_refused(control: int) -> None:
    """Of all control characters only the tab may stand in a value."""
    value = f"a{chr(control)}b"
    with pytest.raises(ValueError, match="control") as caught:
        check_headers([("x", value)])
    assert str(caught.value) == (f"the header 'x' has a value with a control character: {value!r}")


@pytest.mark.parametrize("pair", [("a", "€"), ("€", "a"), ("a", "\ud800")])
def test_h04_header_outside_of_latin_1_is_refused(pair: tuple[str, str]) -> None:
    """No header can carry it."""
    part = max(pair)
    with pytest.raises(ValueError, match="latin-1") as caught:
        check_headers([pair])
    assert str(caught.value) == f"a header can't carry {part!r}: it is not latin-1"


@pytest.mark.parametrize("pair", [("a", 1), (1, "a"), ("a", None), (None, b"a")], ids=repr)
def test_h04_header_of_another_type_is_refused(pair: Any) -> None:
    """A number is not turned into text by guesswork."""
    part = next(part for part in pair if not isinstance(part, str | bytes))
    with pytest.raises(TypeError) as caught:
        check_headers([pair])
    assert str(caught.value) == f"a header is made of str or bytes, not {type(part).__name__}"


TEXT = (b"content-type", b"text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("response", "status", "headers", "body"),
    [
        pytest.param(DenialResponse(), 403, [(b"content-length", b"0")], b"", id="default"),
        pytest.param(
            DenialResponse("ä", 401),
            401,
            [TEXT, (b"content-length", b"2")],
            "ä".encode(),
            id="text",
        ),
        pytest.param(
            DenialResponse(b"\x00", headers={"Content-Type": "application/x"}),
            403,
            [(b"content-type", b"application/x"), (b"content-length", b"1")],
            b"\x00",
            id="bytes",
        ),
        pytest.param(
            DenialResponse("{}", headers=[("content-type", "a/b"), ("Content-Length", "2")]),
            403,
            [(b"content-type", b"a/b"), (b"content-length", b"2")],
            b"{}",
            id="headers given",
        ),
    ],
)
@pytest.mark.parametrize(
    ("scope_type", "prefix"), [("websocket", "websocket."), ("http", "")], ids=["ws", "http"]
)
@pytest.mark.anyio
async def test_denial_response_is_sent_whole(
    response: DenialResponse,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    scope_type: str,
    prefix: str,
) -> None:
    """It is an ASGI application of two events, for a handshake as well as for a request."""
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    async def receive() -> Any:
        raise AssertionError("nothing is received")

    await response({"type": scope_type}, receive, send)
    assert events == [
        {"type": f"{prefix}http.response.start", "status": status, "headers": headers},
        {"type": f"{prefix}http.response.body", "body": body},
    ]


def test_denial_response_with_an_illegal_header_is_refused_when_made() -> None:
    """Not when the client waits for it."""
    with pytest.raises(ValueError, match="own"):
        DenialResponse(headers={"upgrade": "x"})


def test_a_token_is_never_chosen() -> None:
    """What travels as a subprotocol to hide a token is not sent back, nor shown in the error."""
    with pytest.raises(ValueError, match="can't be chosen") as caught:
        check_subprotocol("bearer.c2VjcmV0", ["chat", "bearer.c2VjcmV0"])
    assert str(caught.value) == (
        "a token among the subprotocols can't be chosen: it would be sent back"
    )
    with pytest.raises(ValueError, match=r"the client offers chat$"):
        check_subprotocol("other", ["chat", "bearer.c2VjcmV0"])
    assert check_subprotocol("chat", ["bearer.c2VjcmV0", "chat"]) == "chat"
