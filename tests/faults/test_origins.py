"""The Origin header: H09."""

import pytest

from tests.faults.playing import MARKER, Noting, derive, play, refused

anyio_test = pytest.mark.anyio


class SameOrigin(Noting):
    """Accepts pages of its own host."""


class Listed(Noting):
    """Accepts pages of two hosts."""

    allowed_origins = ("https://example.com", "http://localhost:3000")


class Anybody(Noting):
    """Accepts pages of any host."""

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
    """The answer is 403, and one line names the origin, escaped, and what would allow it."""
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
    """With `allowed_origins = "*"` any header is accepted."""
    async with play(Anybody, headers={"host": "example.com", "origin": origin}):
        pass
    assert Anybody.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize("endpoint", [SameOrigin, Listed, Anybody], ids=lambda e: e.__name__)
async def test_h09_client_without_origin_is_no_browser(endpoint: type[Noting]) -> None:
    """A client without the header is accepted, since it could send any."""
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
    """Two headers are refused, since browsers send one and no proxy adds another."""
    headers = [
        (b"host", b"example.com"),
        (b"origin", b"https://example.com"),
        (b"origin", b"https://example.com"),
    ]
    denied = await refused(endpoint, log=["WARNING"], scope={"headers": headers})
    assert denied.status == 403
    assert endpoint.log == []
