"""Bearer tokens: read strictly, from a header or from a subprotocol."""

import hmac
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from wsendpoints.handshake.request import Request
from wsendpoints.handshake.tokens import bearer_token

VISIBLE = "".join(map(chr, range(0x20, 0x7F)))


def request_with(*authorization: bytes, offered: Any = ()) -> Request:
    """Return a request with these headers, which offers these subprotocols."""
    headers = [(b"authorization", value) for value in authorization]
    return Request({"type": "websocket", "headers": headers, "subprotocols": offered})


def offer(token: str | bytes) -> str:
    """Return the subprotocol that carries a token."""
    data = token.encode() if isinstance(token, str) else token
    return "bearer." + urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("value", "token"),
    [
        pytest.param(b"Bearer abc", "abc", id="token"),
        pytest.param(b"bearer abc", "abc", id="lower case"),
        pytest.param(b"BEARER abc", "abc", id="upper case"),
        pytest.param(b"Bearer   abc", "abc", id="spaces"),
        pytest.param(b"Bearer abc==", "abc==", id="padding"),
        pytest.param(b"Bearer aZ09-._~+/", "aZ09-._~+/", id="all kinds of characters"),
        pytest.param(b"Bearer eyJh.eyJz.c2ln", "eyJh.eyJz.c2ln", id="JWT"),
        pytest.param(b"Bearer " + b"a" * 100_000, "a" * 100_000, id="long"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"Bearer", None, id="scheme alone"),
        pytest.param(b"Bearer ", None, id="no token"),
        pytest.param(b"Bearer =", None, id="padding alone"),
        pytest.param(b"Bearer a=b", None, id="padding within"),
        pytest.param(b"Bearer a b", None, id="two tokens"),
        pytest.param(b"Bearer a,Bearer b", None, id="joined by daphne"),
        pytest.param(b"Bearer a, b=c", None, id="parameters"),
        pytest.param(b'Bearer "a"', None, id="quotes"),
        pytest.param(b"Bearer a\n", None, id="LF"),
        pytest.param(b"Bearer a\x00", None, id="NUL"),
        pytest.param(b"Bearer \xe9", None, id="latin-1"),
        pytest.param("Bearer é".encode(), None, id="UTF-8"),
        pytest.param(b"Bearer\tabc", None, id="tab"),
        pytest.param(b" Bearer abc", None, id="space before"),
        pytest.param(b"Bearerabc", None, id="no space"),
        pytest.param(b"Basic YTpi", None, id="Basic"),
        pytest.param(b"abc", None, id="no scheme"),
        pytest.param(b"\xff" * 1000, None, id="no text"),
    ],
)
def test_token_from_the_header(value: bytes, token: str | None) -> None:
    """Exactly the form of RFC 6750, section 2.1, is accepted."""
    assert bearer_token(request_with(value)) == token


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("a", id="one character"),
        pytest.param("ab", id="two characters"),
        pytest.param("abc", id="three characters"),
        pytest.param(VISIBLE, id="all visible characters"),
        pytest.param("~~~???>>>", id="minus and underscore in the code"),
        pytest.param("eyJh.eyJz.c2ln", id="JWT"),
        pytest.param("a" * 10_000, id="long"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_token_from_a_subprotocol(token: str, place: int) -> None:
    """The token may stand anywhere in the list, and can be compared in constant time."""
    offered = ["chat.v2", "chat.v1"]
    offered.insert(place, offer(token))
    found = bearer_token(request_with(offered=offered))
    assert found is not None
    assert hmac.compare_digest(found, token)


def test_token_from_a_subprotocol_alone() -> None:
    """A client other than a browser need not offer a real subprotocol."""
    assert bearer_token(request_with(offered=[offer("abc")])) == "abc"


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param([], id="none"),
        pytest.param(["chat"], id="no token"),
        pytest.param(["bearer."], id="empty token"),
        pytest.param(["bearer"], id="prefix alone"),
        pytest.param(["bearer.YQ=="], id="padded"),
        pytest.param(["bearer.Y"], id="less than a byte"),
        pytest.param(["bearer.YWJjZ"], id="a character too many"),
        pytest.param(["bearer.YR"], id="trailing bits"),
        pytest.param(["bearer.YWI+"], id="plus"),
        pytest.param(["bearer.YWI/"], id="slash"),
        pytest.param(["bearer.YW!I"], id="a character that the decoder skips"),
        pytest.param(["bearer.YW.I"], id="dot"),
        pytest.param(["bearer.bearer.YWI"], id="prefix twice"),
        pytest.param(["bearer.\xe9"], id="not ASCII"),
        pytest.param(["BEARER.YWI"], id="upper case"),
        pytest.param(["xbearer.YWI"], id="prefix within"),
        pytest.param([offer("é")], id="UTF-8"),
        pytest.param([offer(b"\xff")], id="not UTF-8"),
        pytest.param([offer(b"a\x00")], id="NUL"),
        pytest.param([offer("a\n")], id="LF"),
        pytest.param([offer("\x7f")], id="DEL"),
        pytest.param([offer("a"), offer("b")], id="two tokens"),
        pytest.param([offer("a"), "bearer."], id="a token and an empty one"),
        pytest.param(None, id="h03 None"),
        pytest.param(offer("a"), id="h03 a str"),
        pytest.param([1, b"bearer.YQ", None], id="h03 no strings"),
    ],
)
def test_h03_offers_without_exactly_one_valid_token_have_none(offered: Any) -> None:
    """Only the canonical form of a token is accepted, and no offer raises."""
    assert bearer_token(request_with(offered=offered)) is None


def test_same_token_offered_twice_is_one() -> None:
    """Duplicate offers count once."""
    assert bearer_token(request_with(offered=[offer("a"), offer("a")])) == "a"


@pytest.mark.parametrize(
    ("headers", "offered", "token"),
    [
        pytest.param([b"Bearer a", b"Bearer a"], [], None, id="two headers"),
        pytest.param([b"Bearer a", b"Basic YTpi"], [], None, id="two headers, one of Basic"),
        pytest.param([b"Basic YTpi", b"Basic YTpi"], [offer("a")], None, id="two of Basic"),
        pytest.param([b"Bearer a"], [offer("a")], None, id="header and subprotocol"),
        pytest.param([b"Bearer a"], ["bearer."], None, id="header and empty subprotocol"),
        pytest.param([b"Bearer"], [offer("a")], None, id="empty header and subprotocol"),
        pytest.param([b"Bearer a"], ["chat"], "a", id="header and real subprotocol"),
        pytest.param([b"Basic YTpi"], [offer("a")], "a", id="Basic and subprotocol"),
        pytest.param([b""], [offer("a")], "a", id="empty Authorization and subprotocol"),
    ],
)
def test_token_that_is_sent_by_two_methods_is_none(
    headers: list[bytes], offered: list[str], token: str | None
) -> None:
    """RFC 6750, section 2, forbids it; the credentials of HTTP Basic are not a token."""
    assert bearer_token(request_with(*headers, offered=offered)) == token


def test_h14_scope_without_headers_has_no_token() -> None:
    """Neither headers nor subprotocols have to be in the scope."""
    assert bearer_token(Request({"type": "websocket"})) is None
