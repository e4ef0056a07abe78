"""Which web pages may connect: a browser sends cookies along whoever's page it is.

RFC 6455, section 10.2: "Servers that are not intended to process input from any web page but
only for certain sites SHOULD verify the |Origin| field is an origin they expect."
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from wsendpoints.handshake.request import Request
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["AllowedOrigins", "Origins", "compile_origins", "origin_refusal"]

Origins: TypeAlias = Collection[str] | Literal["*"] | None
"""What a class declares: a list of origins, `"*"` for all, `None` for its own alone."""

AllowedOrigins: TypeAlias = frozenset[str] | Literal["*"] | None
"""The same, checked and normalised."""

# RFC 6454, section 6.2, after RFC 3986, section 3.2, as far as browsers write it: a domain name
# in ASCII or an address. Neither a comma nor a space, by which servers join two headers.
_AUTHORITY: Final = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])"
_ORIGIN: Final = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*)://{_AUTHORITY}(?::([0-9]{{1,5}}))?")
_HOST: Final = re.compile(rf"{_AUTHORITY}(?::([0-9]{{0,5}}))?")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NOT_OF_PAGES: Final = frozenset({"ws", "wss"})
_MAX_SHOWN: Final = 100
_MAX_ORIGIN: Final = 300  # RFC 1035, section 2.3.4: a domain name has up to 255 characters


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
        declared: Its `allowed_origins`.
        where: The class, for the text of an error.

    Raises:
        ConfigurationError: It is none of `Origins`, or an item is no origin that a browser sends.
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
                f"{where}.allowed_origins has {item!r}, which is no origin of a page: "
                f"{_advice(item)}"
            )
        allowed.add(str(origin))
    return frozenset(allowed)


def origin_refusal(
    websocket: Request, allowed: AllowedOrigins, *, required: bool = False
) -> str | None:
    """Return why a client is refused for the page that it comes from; `None` if it is not.

    An origin has to be equal to an allowed one, but for upper case and the scheme's default
    port. No header makes this raise. A client that sends no origin is no browser (RFC 6455,
    section 4.1, item 8, has browsers send it), and may say what it likes anyway.

    The same origin is that of the `Host` header (RFC 6454, section 5). A proxy that ends TLS may
    leave the scheme `ws` in the scope and no port, or 80, in the header: then a page of either
    scheme on its default port counts as the same. Where TLS is known of, by the scheme `wss` or
    port 443, a page without it never does: anybody on its way could have written it. This
    trusts the name that the client asked for: an application that listens on a private address
    under any name should list its origins, against DNS rebinding.

    Args:
        websocket: The connection, in its handshake.
        allowed: What `compile_origins` returned.
        required: Whether a client without an origin is refused.

    Returns:
        Text for one line of the log: the origin, escaped and cut, and what to set to allow it.
    """
    found = websocket.headers.getlist("origin")
    if not found:
        if not required:
            return None
        return "there is no Origin header; to allow that set require_origin = False"
    if allowed == "*":
        return None
    # RFC 6454, section 7.3: "the user agent MUST NOT include more than one Origin header field".
    origin = _parse(found[0]) if len(found) == 1 else None
    if origin is not None and (
        _is_same(origin, websocket) if allowed is None else str(origin) in allowed
    ):
        return None
    shown = ascii(", ".join(found)[:_MAX_SHOWN])
    if origin is None:
        return f'the origin {shown} is none that can be listed; only allowed_origins = "*" takes it'
    if allowed is not None:
        return f'the origin {shown} is not allowed; to allow it add "{origin}" to allowed_origins'
    host = ascii(", ".join(websocket.headers.getlist("host"))[:_MAX_SHOWN])
    return (
        f"the origin {shown} is not that of the host {host}; to allow it set "
        f'allowed_origins = ["{origin}"]'
    )


@lru_cache(maxsize=256)
def _parse(text: str) -> _Origin | None:
    found = _ORIGIN.fullmatch(text) if len(text) <= _MAX_ORIGIN else None
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), int(found[3]) if found[3] else None
    if scheme in _NOT_OF_PAGES or (port or 0) > 65535:
        return None
    return _Origin(scheme, host, None if port == _DEFAULT_PORTS.get(scheme) else port)


def _is_same(origin: _Origin, websocket: Request) -> bool:
    hosts = set(websocket.headers.getlist("host"))
    # RFC 9112, section 3.2: more than one is to be refused; some servers for HTTP/2 repeat it.
    found = _HOST.fullmatch(hosts.pop()) if len(hosts) == 1 else None
    if found is None or found[1].lower() != origin.host:
        return False
    port = int(found[2]) if found[2] else None
    is_secure = port == 443 or websocket.scope.get("scheme") in ("wss", "https")
    # Not `capacitor://localhost`, nor an extension's: these are applications of others.
    if origin.scheme not in ({"https"} if is_secure else {"http", "https"}):
        return False
    return port in ({None, 80, 443} if origin.port is None else {origin.port})


def _advice(item: object) -> str:
    if not isinstance(item, str):
        return "use a str"
    if item == "null":
        return 'it is that of every sandboxed page; only allowed_origins = "*" takes it'
    if "*" in item:
        return 'there are no wildcards: name each origin, or set allowed_origins = "*" for any'
    if not item.isascii():
        return "write the host as browsers send it, in ASCII (xn--...)"
    if "://" not in item:
        return 'write its scheme too, as in "http://localhost:3000"'
    if item.partition("://")[0].lower() in _NOT_OF_PAGES:
        return "use the scheme of the page that connects, http or https"
    return "use scheme://host or scheme://host:port, with no path and no slash at the end"
