"""The `Host` header: which texts are a host, and what two headers mean."""

import pytest

from wsendpoints.handshake.datastructures import Headers
from wsendpoints.handshake.hosts import Host, parse_host, requested_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        pytest.param("example.com", ("example.com", None), id="name"),
        pytest.param("Example.COM", ("Example.COM", None), id="upper case"),
        pytest.param("my_app-1.local:8000", ("my_app-1.local", 8000), id="name and port"),
        pytest.param("example.com.", ("example.com.", None), id="trailing dot"),
        pytest.param("example.com:", ("example.com", None), id="empty port"),
        pytest.param("example.com:0", ("example.com", 0), id="port zero"),
        pytest.param("example.com:00080", ("example.com", 80), id="port with zeros"),
        pytest.param("example.com:65535", ("example.com", 65535), id="greatest port"),
        pytest.param("127.0.0.1:1", ("127.0.0.1", 1), id="IPv4"),
        pytest.param("[::1]", ("[::1]", None), id="IPv6"),
        pytest.param("[FE80::1]:8000", ("[FE80::1]", 8000), id="IPv6 and port"),
        pytest.param("[::ffff:127.0.0.1]", ("[::ffff:127.0.0.1]", None), id="IPv4 in IPv6"),
        pytest.param("a" * 255, ("a" * 255, None), id="longest name"),
    ],
)
def test_host_has_a_name_and_maybe_a_port(text: str, host: tuple[str, int | None]) -> None:
    """The name is as written, and an IPv6 address keeps its brackets."""
    assert parse_host(text) == Host(*host)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(":80", id="no name"),
        pytest.param("a:b", id="port not numeric"),
        pytest.param("a:-1", id="port with a sign"),
        pytest.param("a:\xb2", id="port with a superscript"),
        pytest.param("a:65536", id="port too great"),
        pytest.param("a:999999", id="port with too many digits"),
        pytest.param("a:1:2", id="two ports"),
        pytest.param("::1", id="IPv6 without brackets"),
        pytest.param("[::1", id="unclosed bracket"),
        pytest.param("[a]", id="name in brackets"),
        pytest.param("[]", id="empty brackets"),
        pytest.param("a,b", id="two joined by daphne"),
        pytest.param("a b", id="space"),
        pytest.param("a\n", id="LF"),
        pytest.param("a\x00", id="NUL"),
        pytest.param("a/b", id="path"),
        pytest.param("a?b", id="query"),
        pytest.param("a#b", id="fragment"),
        pytest.param("a@b", id="user"),
        pytest.param("a\\", id="backslash"),
        pytest.param("<a>", id="markup"),
        pytest.param("caf\xe9", id="not ASCII"),
        pytest.param("a" * 256, id="name too long"),
    ],
)
def test_text_that_is_not_a_host_is_none(text: str) -> None:
    """No text raises, and nothing that ends a host in a URL is part of one."""
    assert parse_host(text) is None


@pytest.mark.parametrize(
    ("values", "host"),
    [
        pytest.param([], None, id="none"),
        pytest.param([b"a:1"], Host("a", 1), id="one"),
        pytest.param([b"a", b"a"], Host("a", None), id="two that agree"),
        pytest.param([b"a", b"b"], None, id="two that differ"),
        pytest.param([b"a", b"a:80"], None, id="two that are written differently"),
        pytest.param([b"a/b"], None, id="malformed"),
        pytest.param([b"\xff"], None, id="not ASCII"),
    ],
)
def test_requested_host_is_the_only_value_of_the_header(
    values: list[bytes], host: Host | None
) -> None:
    """Several headers count as one if they agree, and as none if they differ."""
    headers = [(b"x", b"y"), *((b"Host", value) for value in values)]
    assert requested_host(Headers(headers).getlist("host")) == host
