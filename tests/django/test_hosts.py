"""The hosts that a site answers for, and the pages that it trusts."""

from typing import Any

import pytest
from django.test.utils import override_settings  # type: ignore[import-untyped]  # it has no types

from wsendpoints.django.hosts import refused_host, trusted_origin
from wsendpoints.handshake.request import Request


def request_with(*headers: tuple[bytes, bytes]) -> Request:
    """Return a request with some headers."""
    return Request({"type": "websocket", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("testserver", {}),
        ("127.0.0.1:8000", {}),
        ("chat.example.com", {}),
        ("anything.at.all", {"ALLOWED_HOSTS": ["*"]}),
        ("localhost:8000", {"ALLOWED_HOSTS": [], "DEBUG": True}),
        ("a.localhost", {"ALLOWED_HOSTS": [], "DEBUG": True}),
        ("[::1]:8000", {"ALLOWED_HOSTS": [], "DEBUG": True}),
    ],
    ids=str,
)
def test_host_is_allowed(host: str, options: dict[str, Any]) -> None:
    """As for a page."""
    with override_settings(**options):
        assert refused_host(request_with((b"host", host.encode()))) is None


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("evil.com", {}),
        ("example.com.evil.com", {}),
        ("localhost", {"ALLOWED_HOSTS": []}),
        ("127.0.0.1", {"ALLOWED_HOSTS": ["example.com"], "DEBUG": True}),
        ("", {"ALLOWED_HOSTS": ["*"]}),
        ("a b", {"ALLOWED_HOSTS": ["*"]}),
    ],
    ids=str,
)
def test_host_is_refused(host: str, options: dict[str, Any]) -> None:
    """As for a page."""
    with override_settings(**options):
        assert refused_host(request_with((b"host", host.encode()))) == host


def test_there_is_just_one_host() -> None:
    """Which of two was meant, nobody knows."""
    assert refused_host(request_with()) == ""
    assert refused_host(request_with((b"host", b"testserver"), (b"host", b"testserver"))) == ""


def test_host_that_a_proxy_tells_counts_if_it_is_trusted() -> None:
    """By `USE_X_FORWARDED_HOST`."""
    request = request_with((b"host", b"internal"), (b"x-forwarded-host", b"chat.example.com"))
    assert refused_host(request) == "internal"
    with override_settings(USE_X_FORWARDED_HOST=True):
        assert refused_host(request) is None
        assert refused_host(request_with((b"host", b"testserver"))) is None


TRUSTED = ["https://other.org", "https://*.example.net", "http://localhost:3000"]


@pytest.mark.parametrize(
    "origin",
    ["https://other.org", "https://a.example.net", "https://example.net", "http://localhost:3000"],
)
def test_page_is_trusted(origin: str) -> None:
    """As `CsrfViewMiddleware` trusts it."""
    with override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED):
        assert trusted_origin(request_with((b"origin", origin.encode()))) == origin


@pytest.mark.parametrize(
    "origin",
    [
        "http://other.org",
        "https://a.other.org",
        "http://a.example.net",
        "https://evilexample.net",
        "https://example.net.evil.com",
        "https://localhost:3000",
        "https://[",
        "null",
        "",
    ],
)
def test_page_is_not_trusted(origin: str) -> None:
    """No part of it is."""
    with override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED):
        assert trusted_origin(request_with((b"origin", origin.encode()))) is None


def test_without_the_setting_none_is() -> None:
    """Nor is one of two."""
    assert trusted_origin(request_with((b"origin", b"https://other.org"))) is None
    with override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED):
        assert trusted_origin(request_with()) is None
        two = request_with((b"origin", b"https://other.org"), (b"origin", b"https://other.org"))
        assert trusted_origin(two) is None
