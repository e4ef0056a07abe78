"""Which pages may connect: origins are compared exactly, and no header raises."""

import tracemalloc
from typing import Any

import pytest

from wsendpoints.handshake.origins import compile_origins, origin_refusal
from wsendpoints.handshake.request import Request
from wsendpoints.protocol.exceptions import ConfigurationError

LISTED = compile_origins(["https://example.com", "http://localhost:3000"], "Chat")


def request_with(
    *origins: bytes, host: bytes | None = b"example.com", scheme: Any = "ws"
) -> Request:
    """Return a request with these headers."""
    headers = [(b"origin", origin) for origin in origins]
    if host is not None:
        headers.insert(0, (b"host", host))
    return Request({"type": "websocket", "headers": headers, "scheme": scheme})


# No browser sends these for a page that could be listed.
MALFORMED = [
    pytest.param(b"", id="empty"),
    pytest.param(b"null", id="null"),
    pytest.param(b"*", id="asterisk"),
    pytest.param(b"abc", id="no scheme"),
    pytest.param(b"example.com", id="host alone"),
    pytest.param(b"//example.com", id="no scheme, slashes"),
    pytest.param(b"https:example.com", id="no slashes"),
    pytest.param(b"http://[", id="bracket"),
    pytest.param(b"http://[]", id="brackets"),
    pytest.param(b"http://[example.com]", id="name in brackets"),
    pytest.param(b"https://example.com:99999999", id="port with too many digits"),
    pytest.param(b"https://example.com:65536", id="port too great"),
    pytest.param(b"https://example.com:", id="port empty"),
    pytest.param(b"https://example.com:https", id="port not numeric"),
    pytest.param(b"https://example.com:-443", id="port with a sign"),
    pytest.param(b"https://example.com:443:443", id="two ports"),
    pytest.param(b"https://example.com:" + b"4" * 100_000, id="port that int refuses"),
    pytest.param(b"https://good@evil", id="userinfo"),
    pytest.param(b"https://example.com@evil.example", id="host as userinfo"),
    pytest.param(b"https://evil.example@example.com", id="userinfo before the host"),
    pytest.param(b"https://example.com\\@evil.example", id="backslash and userinfo"),
    pytest.param(b"https://evil.example\\.example.com", id="backslash"),
    pytest.param(b"https:\\\\example.com", id="backslashes as slashes"),
    pytest.param(b"https://example.com/", id="trailing slash"),
    pytest.param(b"https://example.com?", id="query"),
    pytest.param(b"https://example.com#", id="fragment"),
    pytest.param(b"https://example.com,https://example.com", id="joined by daphne"),
    pytest.param(b"https://example.com https://example.com", id="origin-list of RFC 6454"),
    pytest.param(b" https://example.com", id="space before"),
    pytest.param(b"https://example.com\t", id="tab behind"),
    pytest.param(b"https://example.com\n", id="LF behind"),
    pytest.param(b"https://example.com\r\n2026 ERROR", id="lines"),
    pytest.param(b"https://example.com\x00", id="NUL"),
    pytest.param(b"https://\xe9xample.com", id="latin-1"),
    pytest.param("https://éxample.com".encode(), id="UTF-8"),
    pytest.param("https://example。com".encode(), id="ideographic full stop"),
    pytest.param(b"https://ex%61mple.com", id="percent"),
    pytest.param(b"\xff\xfe", id="no text"),
    pytest.param(b"https://", id="no host"),
    pytest.param(b"file://", id="file"),
    pytest.param(b"wss://example.com", id="the socket's own scheme"),
    pytest.param(b"1https://example.com", id="scheme with a digit first"),
    pytest.param(b"https://" + b"a" * 100_000, id="very long"),
]

# These could be listed, but are not.
OTHERS = [
    pytest.param(b"https://evil.example", id="another host"),
    pytest.param(b"https://evilexample.com", id="prefix"),
    pytest.param(b"https://www.example.com", id="subdomain"),
    pytest.param(b"https://example.com.evil.example", id="suffix"),
    pytest.param(b"https://example.co", id="shorter"),
    pytest.param(b"https://example.com.", id="trailing dot"),
    pytest.param(b"https://example.com..", id="trailing dots"),
    pytest.param(b"https://.example.com", id="leading dot"),
    pytest.param(b"https://example.com:8443", id="another port"),
    pytest.param(b"https://example.com:0", id="port zero"),
    pytest.param(b"httpss://example.com", id="another scheme"),
    pytest.param(b"capacitor://example.com", id="application"),
    pytest.param(b"chrome-extension://example.com", id="extension"),
    pytest.param(b"https://[::1]", id="IPv6"),
    pytest.param(b"https://127.0.0.1", id="IPv4"),
    pytest.param(b"https://" + b"a" * 255, id="as long as a name may be"),
]


@pytest.mark.parametrize(
    ("allowed", "required", "refusal"),
    [
        pytest.param(None, False, None, id="same origin"),
        pytest.param(LISTED, False, None, id="list"),
        pytest.param("*", False, None, id="any"),
        pytest.param(None, True, "there is no Origin header", id="required, same origin"),
        pytest.param(LISTED, True, "there is no Origin header", id="required, list"),
        pytest.param("*", True, "there is no Origin header", id="required, any"),
    ],
)
def test_h09_absent_origin_is_allowed_unless_required(
    allowed: Any, required: bool, refusal: str | None
) -> None:
    """A client that sends no origin is not a browser."""
    if refusal is not None:
        refusal += "; to allow that set require_origin = False"
    assert origin_refusal(request_with(), allowed, required=required) == refusal


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(b"https://example.com", id="as listed"),
        pytest.param(b"HTTPS://EXAMPLE.COM", id="upper case"),
        pytest.param(b"https://example.com:443", id="default port"),
        pytest.param(b"https://example.com:00443", id="default port with zeros"),
        pytest.param(b"http://localhost:3000", id="port"),
    ],
)
@pytest.mark.parametrize("required", [False, True], ids=["", "required"])
def test_h09_listed_origin_is_allowed(origin: bytes, required: bool) -> None:
    """The spelling of the scheme, host and port does not matter, nor does the host asked for."""
    request = request_with(origin, host=b"other.example")
    assert origin_refusal(request, LISTED, required=required) is None


@pytest.mark.parametrize("origin", [*MALFORMED, *OTHERS])
@pytest.mark.parametrize("allowed", [None, LISTED, frozenset[str]()], ids=["same", "list", "none"])
def test_h09_any_other_origin_is_refused(origin: bytes, allowed: Any) -> None:
    """The refusal is one line of printable ASCII that names the attribute to set."""
    refusal = origin_refusal(request_with(origin), allowed)
    assert refusal is not None
    assert refusal.isascii()
    assert refusal.isprintable()
    assert len(refusal) < 1000
    assert "allowed_origins" in refusal
    assert ascii(origin.decode("latin-1")[:100]) in refusal


@pytest.mark.parametrize("origin", [*MALFORMED, *OTHERS])
def test_h09_asterisk_allows_any_origin(origin: bytes) -> None:
    """Malformed origins are allowed too: there is nothing to compare them with."""
    assert origin_refusal(request_with(origin), "*", required=True) is None
    assert origin_refusal(request_with(origin, origin), "*", required=True) is None


@pytest.mark.parametrize("allowed", [None, LISTED], ids=["same origin", "list"])
def test_h09_two_origins_are_refused(allowed: Any) -> None:
    """They are refused even if they are equal, and allowed."""
    request = request_with(b"https://example.com", b"https://example.com")
    assert origin_refusal(request, allowed) == (
        "the origin 'https://example.com, https://example.com' can't be listed; "
        'only allowed_origins = "*" allows it'
    )


def test_h09_refusal_says_how_to_set_the_attribute() -> None:
    """A class that lists no origins is told how to list this one."""
    request = request_with(b"HTTP://localhost:3000", host=b"localhost:8000")
    assert origin_refusal(request, None) == (
        "the origin 'HTTP://localhost:3000' is not that of the host 'localhost:8000'; "
        'to allow it set allowed_origins = ["http://localhost:3000"]'
    )


def test_h09_refusal_says_what_to_add() -> None:
    """A class that lists origins is told how to add this one."""
    assert origin_refusal(request_with(b"http://localhost:5173"), LISTED) == (
        "the origin 'http://localhost:5173' is not allowed; "
        'to allow it add "http://localhost:5173" to allowed_origins'
    )


def test_h09_refusal_is_escaped() -> None:
    """A header can't forge a line of the log, nor make one very long."""
    request = request_with(b"\x1b[2Jcaf\xe9\r\nINFO fine", host=b"\r\n\xff")
    assert origin_refusal(request, None) == (
        "the origin '\\x1b[2Jcaf\\xe9\\r\\nINFO fine' can't be listed; "
        'only allowed_origins = "*" allows it'
    )
    request = request_with(b"http://a", host=b"\r\n\xff" * 1000)
    refusal = origin_refusal(request, None)
    assert refusal is not None
    assert refusal.isprintable()
    assert len(refusal) < 600


@pytest.mark.parametrize("origin", OTHERS)
def test_h09_what_the_refusal_suggests_allows_the_origin(origin: bytes) -> None:
    """The suggested declaration is valid, and allows the origin."""
    refusal = origin_refusal(request_with(origin), None)
    assert refusal is not None
    _, _, suggested = refusal.partition("allowed_origins = ")
    allowed = compile_origins([suggested[2:-2]], "Chat")
    assert origin_refusal(request_with(origin), allowed) is None


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "is_same"),
    [
        # No proxy, or one that does not tell whether TLS is used.
        pytest.param("http://a", "a", "ws", True, id="http"),
        pytest.param("https://a", "a", "ws", True, id="https, TLS ended by a proxy"),
        pytest.param("http://a", "a:80", "ws", True, id="http, port 80 in the host"),
        pytest.param("https://a", "a:80", "ws", True, id="https, the proxy's port in the host"),
        pytest.param("http://a:80", "a", "ws", True, id="http, port 80 in the origin"),
        pytest.param("https://a:443", "a", "ws", True, id="https, port 443 in the origin"),
        pytest.param("https://a", "a:443", "ws", True, id="https, port 443 in the host"),
        pytest.param("http://a", "a:443", "ws", False, id="http, port 443 in the host"),
        pytest.param("http://a:443", "a:443", "ws", False, id="http on port 443"),
        pytest.param("https://a:80", "a:80", "ws", True, id="https on port 80"),
        pytest.param("https://a:80", "a", "ws", False, id="https on port 80, none in the host"),
        pytest.param("http://a:8000", "a:8000", "ws", True, id="http, same port"),
        pytest.param("https://a:8000", "a:8000", "ws", True, id="https, same port"),
        pytest.param("http://a:3000", "a:8000", "ws", False, id="front end on another port"),
        pytest.param("http://a:8000", "a", "ws", False, id="port in the origin alone"),
        pytest.param("http://a", "a:8000", "ws", False, id="port in the host alone"),
        pytest.param("http://a", "a:", "ws", True, id="empty port in the host"),
        # TLS, according to the server or its proxy.
        pytest.param("https://a", "a", "wss", True, id="wss, https"),
        pytest.param("https://a", "a", "https", True, id="a proxy's https, https"),
        pytest.param("http://a", "a", "wss", False, id="wss, http"),
        pytest.param("http://a", "a", "https", False, id="a proxy's https, http"),
        pytest.param("https://a:8443", "a:8443", "wss", True, id="wss, https, same port"),
        pytest.param("http://a:8443", "a:8443", "wss", False, id="wss, http, same port"),
        # The host.
        pytest.param("http://EXAMPLE.com", "example.COM", "ws", True, id="case"),
        pytest.param("http://a.", "a.", "ws", True, id="trailing dot in both"),
        pytest.param("http://a.", "a", "ws", False, id="trailing dot in the origin"),
        pytest.param("http://a", "a.", "ws", False, id="trailing dot in the host"),
        pytest.param("http://b.a", "a", "ws", False, id="subdomain"),
        pytest.param("http://[::1]:8000", "[::1]:8000", "ws", True, id="IPv6"),
        pytest.param("http://[FE80::1]", "[fe80::1]", "ws", True, id="IPv6, case"),
        pytest.param("http://[::1]", "[::2]", "ws", False, id="another IPv6"),
        pytest.param("http://localhost", "127.0.0.1", "ws", False, id="a name and its address"),
        pytest.param("capacitor://localhost", "localhost", "ws", False, id="an application"),
        # A malformed scope.
        pytest.param("http://a", "a", None, True, id="no scheme"),
        pytest.param("http://a", "a", ["wss"], True, id="scheme is a list"),
    ],
)
def test_h09_same_origin(origin: str, host: str, scheme: Any, is_same: bool) -> None:
    """Host and port have to be equal, and the scheme as far as the server knows it."""
    request = request_with(origin.encode(), host=host.encode(), scheme=scheme)
    assert (origin_refusal(request, None) is None) is is_same


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(None, id="absent"),
        pytest.param(b"", id="empty"),
        pytest.param(b"a/b", id="path"),
        pytest.param(b"a@a", id="userinfo"),
        pytest.param(b"a,a", id="two joined"),
        pytest.param(b"a:99999999", id="port with too many digits"),
        pytest.param(b"a:b", id="port not numeric"),
        pytest.param(b"[", id="bracket"),
        pytest.param(b"\xe4", id="latin-1"),
        pytest.param(b"a\n", id="LF"),
    ],
)
def test_h09_h15_malformed_host_is_no_origin(host: bytes | None) -> None:
    """An origin does not equal a host that is missing or malformed."""
    refusal = origin_refusal(request_with(b"http://a", host=host), None)
    assert refusal is not None
    assert 'allowed_origins = ["http://a"]' in refusal


@pytest.mark.parametrize(
    ("second", "is_same"),
    [pytest.param(b"a", True, id="repeated"), pytest.param(b"b", False, id="another")],
)
def test_h09_two_hosts(second: bytes, is_same: bool) -> None:
    """Two hosts that differ are refused: either may be forged."""
    headers = [(b"host", b"a"), (b"host", second), (b"origin", b"http://a")]
    request = Request({"type": "websocket", "headers": headers})
    assert (origin_refusal(request, None) is None) is is_same


def test_absent_origin_builds_no_headers() -> None:
    """A client that is not a browser costs as little as possible: its headers stay unread."""
    request = request_with()
    assert origin_refusal(request, None) is None
    request.scope["headers"] = [(b"x-late", b"a")]
    assert list(request.headers) == ["x-late"]


def test_h09_long_origins_are_not_kept() -> None:
    """No client can fill the memory with origins of the greatest length that a server lets pass."""
    tracemalloc.start()
    try:
        for number in range(100):
            origin_refusal(request_with(b"http://%d" % number + b"a" * 50_000), LISTED)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


@pytest.mark.parametrize("required", [False, True])
def test_h14_scope_without_headers(required: bool) -> None:
    """A connection without headers has no origin."""
    request = Request({"type": "websocket"})
    assert (origin_refusal(request, None, required=required) is None) is not required


@pytest.mark.parametrize(
    ("declared", "compiled"),
    [
        pytest.param(None, None, id="same origin"),
        pytest.param("*", "*", id="any"),
        pytest.param([], frozenset[str](), id="no page at all"),
        pytest.param(["https://example.com"], {"https://example.com"}, id="list"),
        pytest.param(("http://a", "http://b"), {"http://a", "http://b"}, id="tuple"),
        pytest.param({"http://a"}, {"http://a"}, id="set"),
        pytest.param(["HTTPS://Example.COM:443"], {"https://example.com"}, id="normalised"),
        pytest.param(["http://a:80", "http://A"], {"http://a"}, id="the same twice"),
        pytest.param(["https://a:80"], {"https://a:80"}, id="the other scheme's port"),
        pytest.param(["http://[::1]:3000"], {"http://[::1]:3000"}, id="IPv6"),
        pytest.param(["capacitor://localhost"], {"capacitor://localhost"}, id="application"),
        pytest.param(["https://xn--bcher-kva.de"], {"https://xn--bcher-kva.de"}, id="punycode"),
    ],
)
def test_declared_origins_are_normalised(declared: Any, compiled: Any) -> None:
    """To normalise them again changes nothing."""
    allowed = compile_origins(declared, "Chat")
    assert allowed == compiled
    assert compile_origins(allowed, "Chat") == allowed


@pytest.mark.parametrize(
    "declared",
    ["", "https://example.com", "null", "**", b"*", 1, True, iter(["http://a"])],
    ids=["empty", "origin", "null", "two stars", "bytes", "int", "bool", "iterator"],
)
def test_declaration_that_is_not_a_list_is_refused(declared: Any) -> None:
    """A single origin is refused too: as a collection of characters it means nothing."""
    with pytest.raises(ConfigurationError) as caught:
        compile_origins(declared, "Chat")
    assert str(caught.value) == (
        f'Chat.allowed_origins is {declared!r}: use a list such as ["https://example.com"], '
        '"*" for any origin, or None for the same origin'
    )


EXACT = "use scheme://host or scheme://host:port, with no path and no slash at the end"
WILDCARD = 'there are no wildcards: name each origin, or set allowed_origins = "*" for any'
NO_SCHEME = 'write its scheme too, as in "http://localhost:3000"'
OF_THE_PAGE = "use the scheme of the page that connects, http or https"
SANDBOX = 'every sandboxed page has it; only allowed_origins = "*" allows it'
IN_ASCII = "write the host as browsers send it, in ASCII (xn--...)"


@pytest.mark.parametrize(
    ("item", "advice"),
    [
        pytest.param("http://localhost:3000/", EXACT, id="trailing slash"),
        pytest.param("https://example.com/chat", EXACT, id="path"),
        pytest.param("https://user@example.com", EXACT, id="userinfo"),
        pytest.param("https://example.com:99999", EXACT, id="port too great"),
        pytest.param(" https://example.com", EXACT, id="space"),
        pytest.param("https://a,https://b", EXACT, id="two in one"),
        pytest.param("localhost:3000", NO_SCHEME, id="no scheme"),
        pytest.param("example.com", NO_SCHEME, id="host alone"),
        pytest.param("", NO_SCHEME, id="empty"),
        pytest.param("https://*.example.com", WILDCARD, id="wildcard"),
        pytest.param("*.example.com", WILDCARD, id="wildcard, no scheme"),
        pytest.param("http://localhost:*", WILDCARD, id="wildcard port"),
        pytest.param("*", WILDCARD, id="asterisk in a list"),
        pytest.param("null", SANDBOX, id="null"),
        pytest.param("ws://localhost:3000", OF_THE_PAGE, id="ws"),
        pytest.param("WSS://example.com", OF_THE_PAGE, id="wss"),
        pytest.param("https://bücher.example", IN_ASCII, id="not ASCII"),
        pytest.param(b"https://example.com", "use a str", id="bytes"),
        pytest.param(None, "use a str", id="None"),
    ],
)
def test_declared_item_that_is_not_an_origin_is_refused(item: Any, advice: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        compile_origins(["https://example.com", item], "Chat")
    assert str(caught.value) == (
        f"Chat.allowed_origins has {item!r}, which is not the origin of a page: {advice}"
    )
