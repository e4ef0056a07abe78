"""The URL of a connection: reading a component never raises, and every text has one meaning."""

import copy
import html
import pickle
from typing import Any
from urllib.parse import urlsplit

import pytest

from wsendpoints.handshake.url import URL


def test_url_has_all_components() -> None:
    """Each component of a full URL can be read."""
    url = URL("WSS://us%40er:pass@Example.COM:8443/a/b?x=1&y=2#top")
    assert (url.scheme, url.is_secure) == ("wss", True)
    assert url.netloc == "us%40er:pass@Example.COM:8443"
    assert (url.username, url.password) == ("us%40er", "pass")
    assert (url.hostname, url.port) == ("example.com", 8443)
    assert (url.path, url.query, url.fragment) == ("/a/b", "x=1&y=2", "top")


@pytest.mark.parametrize("text", ["", "/", "no url", "?", "#", "//"])
def test_url_lacks_all_components(text: str) -> None:
    """A component that is missing is `None` or `""`."""
    url = URL(text)
    assert (url.scheme, url.netloc, url.query, url.fragment) == ("", "", "", "")
    assert (url.username, url.password, url.hostname, url.port) == (None, None, None, None)
    assert not url.is_secure


@pytest.mark.parametrize(
    ("text", "is_secure"),
    [("http://a", False), ("https://a", True), ("ws://a", False), ("wss://a", True), ("/a", False)],
)
def test_is_secure(text: str, is_secure: bool) -> None:
    """The schemes `https` and `wss` are secure, others are not."""
    assert URL(text).is_secure is is_secure


@pytest.mark.parametrize(
    ("text", "hostname", "port"),
    [
        pytest.param("ws://host", "host", None, id="no port"),
        pytest.param("ws://host:", "host", None, id="empty port"),
        pytest.param("ws://host:0", "host", 0, id="port zero"),
        pytest.param("ws://host:65535", "host", 65535, id="greatest port"),
        pytest.param("ws://host:65536", "host", None, id="port too great"),
        pytest.param("ws://host:99999999", "host", None, id="port with too many digits"),
        pytest.param("ws://host:" + "9" * 5000, "host", None, id="port that int refuses"),
        pytest.param("ws://host:http", "host", None, id="port not numeric"),
        pytest.param("ws://host:-1", "host", None, id="port with a sign"),
        pytest.param("ws://host:8\u0663", "host", None, id="port with an Arabic digit"),
        pytest.param("ws://host:\u00b2", "host", None, id="port with a superscript"),
        pytest.param("ws://host:1:2", "host", None, id="two ports"),
        pytest.param("ws://:80", None, 80, id="port without host"),
        pytest.param("ws://[::1]", "::1", None, id="IPv6"),
        pytest.param("ws://[FE80::1]:80", "fe80::1", 80, id="IPv6 and port"),
        pytest.param("ws://[", None, None, id="bracket"),
        pytest.param("ws://[::1", None, None, id="unclosed bracket"),
        pytest.param("ws://[::1]x:80", None, None, id="text after a bracket"),
        pytest.param("ws://[example.com]:80", None, None, id="name in brackets"),
        pytest.param("ws://a@b@host:80", "host", 80, id="two at signs"),
        pytest.param(r"ws://good\@evil/", None, None, id="backslash"),
        pytest.param(r"ws:\\evil/", None, None, id="backslashes for slashes"),
        pytest.param("ws://a b/", None, None, id="space"),
        pytest.param("ws://a\nb/", None, None, id="newline"),
        pytest.param("ws://a\x00b/", None, None, id="NUL"),
        pytest.param("ws://b\xfccher.example", "b\xfccher.example", None, id="not ASCII"),
        pytest.param("ws://\ud800", "\ud800", None, id="lone surrogate"),
    ],
)
def test_hostname_and_port_of_any_text(text: str, hostname: str | None, port: int | None) -> None:
    """A malformed host or port is `None`, and no text raises."""
    assert (URL(text).hostname, URL(text).port) == (hostname, port)


@pytest.mark.parametrize(
    ("text", "username", "password"),
    [
        pytest.param("ws://host", None, None, id="neither"),
        pytest.param("ws://@host", "", None, id="empty"),
        pytest.param("ws://user@host", "user", None, id="name"),
        pytest.param("ws://:@host", "", "", id="both empty"),
        pytest.param("ws://:secret@host", "", "secret", id="password"),
        pytest.param("ws://user:a:b@c@host", "user", "a:b@c", id="colon and at sign"),
    ],
)
def test_username_and_password(text: str, username: str | None, password: str | None) -> None:
    """The user name ends at the first colon, the password at the last at sign."""
    assert (URL(text).username, URL(text).password) == (username, password)


@pytest.mark.parametrize(
    ("text", "components"),
    [
        pytest.param("a:b", ("a", "", "b", "", ""), id="scheme and path"),
        pytest.param("1a:b", ("", "", "1a:b", "", ""), id="no scheme"),
        pytest.param("//a", ("", "a", "", "", ""), id="host"),
        pytest.param("//a?b", ("", "a", "", "b", ""), id="host and query"),
        pytest.param("?a?b#c#d?e", ("", "", "", "a?b", "c#d?e"), id="query and fragment"),
        pytest.param("/a\n?b\r#c\n", ("", "", "/a\n", "b\r", "c\n"), id="newlines"),
    ],
)
def test_components_end_at_their_delimiters(text: str, components: tuple[str, ...]) -> None:
    """A URL is split as in RFC 3986, appendix B: every character is in one component."""
    url = URL(text)
    assert (url.scheme, url.netloc, url.path, url.query, url.fragment) == components


def test_url_is_a_str() -> None:
    """A URL equals its text, has the same hash, and copies and pickles."""
    url = URL("ws://host/?a&b")
    assert url == "ws://host/?a&b"
    assert hash(url) == hash("ws://host/?a&b")
    assert type(str(url)) is str
    assert urlsplit(url).query == "a&b"
    for made in (copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):  # noqa: S301
        assert isinstance(made, URL)
        assert (made, made.query) == (url, "a&b")
    assert URL() == ""
    assert not hasattr(url, "__dict__")


def test_replace_with_positional_arguments_is_that_of_str() -> None:
    """Code that replaces text in a `str` works with a URL."""
    assert URL("ws://host/a/a").replace("a", "b") == "ws://host/b/b"
    assert URL("ws://host/a/a").replace("a", "b", 1) == "ws://host/b/a"
    assert html.escape(URL("ws://host/?a&b")) == "ws://host/?a&amp;b"


@pytest.mark.parametrize(
    ("text", "components", "expected"),
    [
        pytest.param("ws://a/b", {}, "ws://a/b", id="nothing"),
        pytest.param("ws://a/b", {"scheme": "wss"}, "wss://a/b", id="scheme"),
        pytest.param("/b", {"scheme": "ws", "netloc": "a"}, "ws://a/b", id="scheme and netloc"),
        pytest.param("ws://u:p@a:1/b", {"netloc": "c"}, "ws://c/b", id="netloc"),
        pytest.param("ws://a:1", {"netloc": "c:2", "port": 3}, "ws://c:3", id="netloc and port"),
        pytest.param("ws://u:p@a:1", {"hostname": "c"}, "ws://u:p@c:1", id="hostname"),
        pytest.param("ws://a:1", {"hostname": "::1"}, "ws://[::1]:1", id="IPv6 without brackets"),
        pytest.param("ws://a:1", {"hostname": "[::1]"}, "ws://[::1]:1", id="IPv6 with brackets"),
        pytest.param("ws://[::1]:1", {"port": 2}, "ws://[::1]:2", id="port after IPv6"),
        pytest.param("ws://a", {"port": 0}, "ws://a:0", id="port zero"),
        pytest.param("ws://a:1", {"port": None}, "ws://a", id="no port"),
        pytest.param("ws://[", {"port": 1}, "ws://:1", id="port after no host"),
        pytest.param("ws://a", {"username": "u"}, "ws://u@a", id="username"),
        pytest.param("ws://u:p@a", {"username": "v"}, "ws://v:p@a", id="username before password"),
        pytest.param("ws://u:p@a", {"username": None}, "ws://a", id="no username"),
        pytest.param("ws://a", {"password": "p"}, "ws://:p@a", id="password"),
        pytest.param("ws://u:p@a", {"password": "q"}, "ws://u:q@a", id="password after username"),
        pytest.param("ws://u:p@a", {"password": None}, "ws://u@a", id="no password"),
        pytest.param("ws://a/b", {"path": "/c"}, "ws://a/c", id="path"),
        pytest.param("ws://a/b", {"path": "c"}, "ws://a/c", id="path without a slash"),
        pytest.param("ws://a/b", {"path": ""}, "ws://a", id="no path"),
        pytest.param("/b", {"path": "//evil"}, "/%2Fevil", id="path that looks like a host"),
        pytest.param("/b", {"path": "c"}, "c", id="relative path"),
        pytest.param("/?a", {"query": "b"}, "/?b", id="query"),
        pytest.param("/?a", {"query": ""}, "/", id="no query"),
        pytest.param("/#a", {"fragment": "b"}, "/#b", id="fragment"),
        pytest.param("/?a#a", {"fragment": ""}, "/?a", id="no fragment"),
    ],
)
def test_replace_returns_a_url_with_other_components(
    text: str, components: dict[str, Any], expected: str
) -> None:
    """`replace` changes the components that it is given, and no others."""
    replaced = URL(text).replace(**components)
    assert isinstance(replaced, URL)
    assert replaced == expected


def test_replace_refuses_an_unknown_component() -> None:
    """The error names the components that exist."""
    with pytest.raises(TypeError) as caught:
        URL("/").replace(host="a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    assert str(caught.value) == (
        "a URL has no component 'host': use fragment, hostname, netloc, password, path, port, "
        "query, scheme, username"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ws://u@a/?b#c", "URL('ws://u@a/?b#c')", id="no password"),
        pytest.param("ws://u:p@a/:p@", "URL('ws://u:********@a/:p@')", id="password"),
        pytest.param("ws://ws:ws@ws", "URL('ws://ws:********@ws')", id="password as scheme"),
        pytest.param("ws://:@a", "URL('ws://:********@a')", id="empty password"),
        pytest.param("ws://u:p@[", "URL('ws://u:********@[')", id="unreadable host"),
        pytest.param("ws://u:p\\ q@a", "URL('ws://u:********@a')", id="unreadable password"),
    ],
)
def test_repr_masks_the_password(text: str, expected: str) -> None:
    """The repr does not show the password."""
    assert repr(URL(text)) == expected


# URL.from_scope


def make_scope(host: bytes | None = None, **scope: Any) -> dict[str, Any]:
    """Return a scope with a host header and a server, changed by `scope`."""
    headers = [] if host is None else [(b"host", host)]
    return {"type": "websocket", "path": "/", "headers": headers, "server": ("server", 80)} | scope


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(b"example.com", "ws://example.com/", id="name"),
        pytest.param(b"my_app-1.local:8000", "ws://my_app-1.local:8000/", id="name and port"),
        pytest.param(b"example.com:80", "ws://example.com/", id="default port"),
        pytest.param(b"example.com:", "ws://example.com/", id="empty port"),
        pytest.param(b"127.0.0.1:1", "ws://127.0.0.1:1/", id="IPv4"),
        pytest.param(b"[::1]:8000", "ws://[::1]:8000/", id="IPv6"),
        pytest.param(None, "ws://server/", id="missing"),
        pytest.param(b"", "ws://server/", id="empty"),
        pytest.param(b":80", "ws://server/", id="no name"),
        pytest.param(b"evil/path", "ws://server/", id="path"),
        pytest.param(b"evil?query", "ws://server/", id="query"),
        pytest.param(b"evil#fragment", "ws://server/", id="fragment"),
        pytest.param(b"user@evil", "ws://server/", id="user"),
        pytest.param(b"user:password@evil", "ws://server/", id="user and password"),
        pytest.param(b"evil\\", "ws://server/", id="backslash"),
        pytest.param(b"ev il", "ws://server/", id="space"),
        pytest.param(b"evil\n", "ws://server/", id="newline"),
        pytest.param(b"evil\x00", "ws://server/", id="NUL"),
        pytest.param(b"<evil>", "ws://server/", id="markup"),
        pytest.param(b"evil,good", "ws://server/", id="two joined by daphne"),
        pytest.param(b"caf\xe9", "ws://server/", id="not ASCII"),
        pytest.param(b"evil:http", "ws://server/", id="port not numeric"),
        pytest.param(b"evil:\xb2", "ws://server/", id="port with a superscript"),
        pytest.param(b"evil:65536", "ws://server/", id="port too great"),
        pytest.param(b"evil:" + b"9" * 5000, "ws://server/", id="port that int refuses"),
        pytest.param(b"[evil]", "ws://server/", id="name in brackets"),
        pytest.param(b"[::1", "ws://server/", id="unclosed bracket"),
        pytest.param(b"e" * 256, "ws://server/", id="name too long"),
    ],
)
def test_from_scope_uses_a_valid_host_header(host: bytes | None, expected: str) -> None:
    """A malformed host header is replaced by the address of the server."""
    assert URL.from_scope(make_scope(host)) == expected


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        pytest.param([b"a", b"a"], "ws://a/", id="equal"),
        pytest.param([b"a", b"b"], "ws://server/", id="different"),
    ],
)
def test_from_scope_with_two_host_headers(hosts: list[bytes], expected: str) -> None:
    """Two host headers count as one if they agree, and as none if they differ."""
    headers = [(b"host", host) for host in hosts]
    assert URL.from_scope(make_scope(headers=headers)) == expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        pytest.param(("a", 80), "ws://a/", id="default port"),
        pytest.param(["a", 8000], "ws://a:8000/", id="list"),
        pytest.param(("::1", 8000), "ws://[::1]:8000/", id="IPv6"),
        pytest.param(("::1", 80), "ws://[::1]/", id="IPv6 and default port"),
        pytest.param(None, "/", id="None"),
        pytest.param(("/run/app.sock", None), "/", id="Unix socket"),
        pytest.param(("app.sock", None), "/", id="Unix socket like a name"),
        pytest.param(("", 80), "/", id="no name"),
        pytest.param(("a/b", 80), "/", id="no host name"),
        pytest.param(("a", -1), "/", id="negative port"),
        pytest.param(("a", 65536), "/", id="port too great"),
        pytest.param(("a", 10**5000), "/", id="port that str refuses"),
        pytest.param(("a", "80"), "/", id="port as text"),
        pytest.param(("a", True), "/", id="bool for a port"),
        pytest.param("a:80", "/", id="text"),
        pytest.param((), "/", id="empty"),
    ],
)
def test_from_scope_without_a_host_header(server: object, expected: str) -> None:
    """The host is that of the server; if that is unknown, the URL is only the path."""
    assert URL.from_scope(make_scope(server=server)) == expected


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        pytest.param("wss", b"a:443", "wss://a/", id="wss"),
        pytest.param("wss", b"a:80", "wss://a:80/", id="port of ws"),
        pytest.param("https", b"a:443", "https://a/", id="https"),
        pytest.param("WSS", b"a:443", "wss://a/", id="upper case"),
        pytest.param("other", b"a:80", "other://a:80/", id="scheme without default port"),
        pytest.param("", b"a", "ws://a/", id="empty"),
        pytest.param("w s", b"a", "ws://a/", id="no scheme"),
        pytest.param(None, b"a", "ws://a/", id="None"),
    ],
)
def test_from_scope_uses_the_scheme(scheme: object, host: bytes, expected: str) -> None:
    """The scheme is `ws` if that of the scope is missing or malformed."""
    assert URL.from_scope(make_scope(host, scheme=scheme)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/a/b", "/a/b", id="plain"),
        pytest.param("", "/", id="empty"),
        pytest.param("a", "/a", id="no slash"),
        pytest.param("*", "/*", id="asterisk"),
        pytest.param("a:b", "/a:b", id="like a scheme"),
        pytest.param("/a?b#c", "/a%3Fb%23c", id="delimiters"),
        pytest.param("/\ufffd%zz\x00", "/%EF%BF%BD%25zz%00", id="undecodable"),
        pytest.param("/caf\xe9 \\", "/caf%C3%A9%20%5C", id="not allowed"),
        pytest.param("/\ud800", "/%3F", id="lone surrogate"),
        pytest.param(None, "/", id="None"),
        pytest.param(b"/a", "/", id="bytes"),
    ],
)
def test_from_scope_quotes_the_path(path: object, expected: str) -> None:
    """The path is percent-encoded and starts with a slash."""
    assert URL.from_scope(make_scope(b"a", path=path)) == f"ws://a{expected}"
    assert URL.from_scope(make_scope(server=None, path=path)) == expected


def test_from_scope_does_not_take_a_path_for_a_host() -> None:
    """A path that starts with two slashes is still a path."""
    url = URL.from_scope(make_scope(b"a", path="//evil/b"))
    assert (url, url.hostname, url.path) == ("ws://a//evil/b", "a", "//evil/b")
    url = URL.from_scope(make_scope(server=None, path="//evil/b"))
    assert (url, url.hostname, url.path) == ("/%2Fevil/b", None, "/%2Fevil/b")


def test_from_scope_does_not_prepend_root_path() -> None:
    """The path of the scope includes `root_path`."""
    scope = make_scope(b"a", root_path="/app", app_root_path="/app", path="/app/ws")
    assert URL.from_scope(scope) == "ws://a/app/ws"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(b"", "/", id="empty"),
        pytest.param(b"a=1&b=%20+;?/:@", "/?a=1&b=%20+;?/:@", id="plain"),
        pytest.param(b"%zz%f%", "/?%25zz%25f%25", id="bare percent signs"),
        pytest.param(b"a#b c\xe9\n", "/?a%23b%20c%E9%0A", id="not allowed"),
        pytest.param("caf\xe9\ud800", "/?caf%C3%A9?", id="str"),
        pytest.param(None, "/", id="None"),
        pytest.param(1, "/", id="int"),
    ],
)
def test_from_scope_quotes_the_query(query: object, expected: str) -> None:
    """Only characters that no URL may hold are percent-encoded."""
    assert URL.from_scope(make_scope(b"a", query_string=query)) == f"ws://a{expected}"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(None, id="None"),
        pytest.param(1, id="not iterable"),
        pytest.param("text", id="text"),
        pytest.param([b"ho"], id="bytes for a pair"),
        pytest.param([(b"a",)], id="single"),
        pytest.param([("host", "a")], id="str"),
        pytest.param([(None, b"a")], id="no name"),
        pytest.param([(b"host", None)], id="no value"),
    ],
)
def test_from_scope_with_malformed_headers(headers: object) -> None:
    """Headers that no server should send count as none."""
    assert URL.from_scope(make_scope(headers=headers)) == "ws://server/"


def test_from_an_empty_scope() -> None:
    """No key has to be in the scope."""
    assert URL.from_scope({}) == "/"
