"""Which hosts a site answers for, and whose pages it trusts, as Django's settings say."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.http import request as http_request  # type: ignore[import-untyped]  # Django has no types
from django.utils import http  # type: ignore[import-untyped]  # Django has no types

from wsendpoints.handshake.request import Request, header_values

__all__ = ["refused_host", "trusted_origin"]

_settings: Any = settings
_http_request: Any = http_request
_http: Any = http

_LOCAL = (".localhost", "127.0.0.1", "[::1]")
"""What Django allows in debug mode, unless something else is."""


def refused_host(request: Request) -> str | None:
    """Return the host that a client asks for, if it is none of `ALLOWED_HOSTS`.

    Args:
        request: The handshake.

    Returns:
        The host; `""` where there is none, or more than one; `None` if it is allowed.
    """
    forwarded, hosts = header_values(request, b"x-forwarded-host", b"host")
    if forwarded and _settings.USE_X_FORWARDED_HOST:
        hosts = forwarded
    allowed = _settings.ALLOWED_HOSTS
    if _settings.DEBUG and not allowed:
        allowed = _LOCAL
    host = hosts[0] if len(hosts) == 1 else ""
    domain, _ = _http_request.split_domain_port(host)
    return None if domain and _http_request.validate_host(domain, allowed) else host


def trusted_origin(request: Request) -> str | None:
    """Return the origin of the page that connects, if it is among `CSRF_TRUSTED_ORIGINS`."""
    trusted: list[str] = _settings.CSRF_TRUSTED_ORIGINS
    if not trusted:
        return None
    (origins,) = header_values(request, b"origin")
    origin = origins[0] if len(origins) == 1 else ""
    return origin if any(_is_like(origin, pattern) for pattern in trusted) else None


def _is_like(origin: str, pattern: str) -> bool:
    """Whether an origin is the one that a setting names, or of one of its subdomains."""
    if "*" not in pattern:
        return origin == pattern
    try:
        is_, wanted = urlsplit(origin), urlsplit(pattern)
    except ValueError:
        return False
    # As Django does: "https://*.example.com" is "https" and ".example.com".
    return is_.scheme == wanted.scheme and bool(
        _http.is_same_domain(is_.netloc, wanted.netloc.removeprefix("*"))
    )
