"""Which web pages may connect: browsers send a site's cookies along from any page.

RFC 6455, section 10.2: "Servers that are not intended to process input from any web page but
only for certain sites SHOULD verify the |Origin| field is an origin they expect."
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from wsendpoints.handshake.hosts import HOST_NAME, requested_host
from wsendpoints.handshake.request import Request, header_values
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["AllowedOrigins", "Origins", "compile_origins", "origin_refusal"]

Origins: TypeAlias = Collection[str] | Literal["*"] | None
"""What a class declares: a list of origins, `"*"` for any origin, `None` for the same origin."""

AllowedOrigins: TypeAlias = frozenset[str] | Literal["*"] | None
"""The same, checked and normalised."""

# RFC 6454, section 6.2, as far as browsers use it.
_ORIGIN: Final = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*)://{HOST_NAME}(?::([0-9]{{1,5}}))?")
_MAX_ORIGIN: Final = 300
"""A domain name has up to 255 characters (RFC 1035, section 2.3.4)."""

_MAX_KEPT: Final = 600
"""How many characters of an origin and a host are kept, to be looked up the next time."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_WEBSOCKET_SCHEMES: Final = frozenset({"ws", "wss"})
_MAX_SHOWN: Final = 100


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int | None  # `None` is the scheme's default

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def compile_origins(declared: object, where: str) -> AllowedOrigins:
    """Return the origins that a class allows, ready to compare with.

    Args:
        declared: The `allowed_origins` of the class.
        where: The name of the class, for the text of an error.

    Raises:
        ConfigurationError: It is not an `Origins`, or an item is not an origin of a page.
    """
    if declared is None:
        return None
    if declared == "*":
        return "*"
    if isinstance(declared, str | bytes) or not isinstance(declared, Collection):
        raise ConfigurationError(
            f'{where}.allowed_origins is {declared!r}: use a list such as ["https://example.com"], '
            '"*" for any origin, or None for the same origin'
        )
    allowed: set[str] = set()
    for item in cast("Collection[object]", declared):
        origin = _parse(item) if isinstance(item, str) else None
        if origin is None:
            raise ConfigurationError(
                f"{where}.allowed_origins has {item!r}, which is not the origin of a page: "
                f"{_advice(item)}"
            )
        allowed.add(str(origin))
    return frozenset(allowed)


def origin_refusal(
    websocket: Request, allowed: AllowedOrigins, *, required: bool = False
) -> str | None:
    """Return why a client is refused because of its origin; `None` if it is not.

    An origin has to equal an allowed one, except for upper case and the scheme's default port.
    No header that a client can send makes this raise. A client that sends no origin is not a
    browser, since browsers have to send one (RFC 6455, section 4.1, item 8); it could send any
    origin it likes.

    The same origin is that of the `Host` header (RFC 6454, section 5). Behind a proxy that
    terminates TLS, the scope's scheme may be `ws`, and the header's port 80 or missing: a page on
    the default port of either scheme then counts as the same origin. Where TLS is known to be in
    use, by the scheme `wss` or port 443, a page without TLS never does: anyone on its path could
    have altered it. All this trusts the host name that the client asked for: an application that
    listens on a private address and answers to any name should list its origins, against DNS
    rebinding.

    Args:
        websocket: The connection, during its handshake.
        allowed: What `compile_origins` returned.
        required: Whether a client without an origin is refused.

    Returns:
        Text for one line of a log: the origin, escaped and cut, and what to set to allow it.
    """
    origins, hosts = header_values(websocket, b"origin", b"host")
    if not origins:
        if not required:
            return None
        return "there is no Origin header; to allow that set require_origin = False"
    if allowed == "*":
        return None
    is_secure = websocket.scope.get("scheme") in ("wss", "https")
    # Most pages are the same as one before. The cache must not hold what is arbitrarily long.
    if len(origins) == 1 == len(hosts) and len(origins[0]) + len(hosts[0]) <= _MAX_KEPT:
        return _known_refusal(origins[0], hosts[0], allowed, is_secure)
    return _refusal(origins, hosts, allowed, is_secure)


@lru_cache(maxsize=256)
def _known_refusal(
    origin: str, host: str, allowed: frozenset[str] | None, is_secure: bool
) -> str | None:
    return _refusal([origin], [host], allowed, is_secure)


def _refusal(
    origins: list[str], hosts: list[str], allowed: frozenset[str] | None, is_secure: bool
) -> str | None:
    # RFC 6454, section 7.3: "the user agent MUST NOT include more than one Origin header field".
    origin = _parse(origins[0]) if len(origins) == 1 else None
    if origin is not None and (
        _is_same(origin, hosts, is_secure) if allowed is None else str(origin) in allowed
    ):
        return None
    shown = ascii(", ".join(origins)[:_MAX_SHOWN])
    if origin is None:
        return f'the origin {shown} can\'t be listed; only allowed_origins = "*" allows it'
    if allowed is not None:
        return f'the origin {shown} is not allowed; to allow it add "{origin}" to allowed_origins'
    host = ascii(", ".join(hosts)[:_MAX_SHOWN])
    return (
        f"the origin {shown} is not that of the host {host}; to allow it set "
        f'allowed_origins = ["{origin}"]'
    )


def _parse(text: str) -> _Origin | None:
    found = _ORIGIN.fullmatch(text) if len(text) <= _MAX_ORIGIN else None
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), int(found[3]) if found[3] else None
    if scheme in _WEBSOCKET_SCHEMES or (port or 0) > 65535:
        return None
    return _Origin(scheme, host, None if port == _DEFAULT_PORTS.get(scheme) else port)


def _is_same(origin: _Origin, hosts: list[str], is_secure: bool) -> bool:
    host = requested_host(hosts)
    if host is None or host.name.lower() != origin.host:
        return False
    is_secure = is_secure or host.port == 443
    # Other schemes are not the site's own pages: `capacitor://localhost` is a mobile application,
    # `chrome-extension://...` an extension of the browser.
    if origin.scheme not in ({"https"} if is_secure else {"http", "https"}):
        return False
    return host.port in ({None, 80, 443} if origin.port is None else {origin.port})


def _advice(item: object) -> str:
    if not isinstance(item, str):
        return "use a str"
    if item == "null":
        return 'every sandboxed page has it; only allowed_origins = "*" allows it'
    if "*" in item:
        return 'there are no wildcards: name each origin, or set allowed_origins = "*" for any'
    if not item.isascii():
        return "write the host as browsers send it, in ASCII (xn--...)"
    if "://" not in item:
        return 'write its scheme too, as in "http://localhost:3000"'
    if item.partition("://")[0].lower() in _WEBSOCKET_SCHEMES:
        return "use the scheme of the page that connects, http or https"
    return "use scheme://host or scheme://host:port, with no path and no slash at the end"
