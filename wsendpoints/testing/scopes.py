"""The scope of a WebSocket connection, as a server builds it from a client's handshake."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, unquote_to_bytes

from wsendpoints.protocol.asgi import Scope
from wsendpoints.protocol.headers import HeadersLike, encode_header
from wsendpoints.testing.dialects import Dialect
from wsendpoints.testing.events import HeaderList

__all__ = ["DENIAL_EXTENSION", "build_scope"]

DENIAL_EXTENSION = "websocket.http.response"

# What RFC 3986, section 3.3 and 3.4, allows in a path and in a query, and "%", since what is
# escaped already stays as it is.
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?"


def build_scope(
    path: str,
    *,
    headers: HeadersLike | None,
    subprotocols: Iterable[str],
    dialect: Dialect,
    overrides: Mapping[str, Any] | None,
) -> Scope:
    """Return the scope for a client that asks for `path`.

    Args:
        path: The path with its query, as it stands in a URL: escapes are decoded for
            `scope["path"]`, and what may not stand in a URL is escaped for `scope["raw_path"]`.
        headers: Headers of the handshake; those that a client always sends are replaced by
            these where the names are the same.
        subprotocols: What the client offers, in its order of preference.
        dialect: How the server builds a scope.
        overrides: Keys of the scope that replace what was built.

    Raises:
        ValueError: If `path` does not begin with a slash, or a header is not latin-1.
        TypeError: If a header is made of something other than str or bytes.
    """
    if not path.startswith("/"):
        raise ValueError(f"the path must begin with '/', unlike {path!r}")
    offered = list(subprotocols)
    path, _, query = path.partition("?")
    raw_path = quote(path, safe=_PATH_CHARACTERS).encode("ascii")
    scope: dict[str, Any] = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        # All servers that were measured decode so: what is no UTF-8 becomes U+FFFD.
        "path": unquote_to_bytes(raw_path).decode(errors="replace"),
        "raw_path": raw_path,
        "query_string": quote(query, safe=_QUERY_CHARACTERS).encode("ascii"),
        "root_path": "",
        "headers": _handshake_headers(headers, offered),
        "client": _address("testclient", 50000, dialect),
        "server": _address("testserver", 80, dialect),
        "subprotocols": offered,
        "state": {},
        "extensions": {DENIAL_EXTENSION: {}} if dialect.denial_response else {},
    }
    if dialect.spec_version is not None:
        scope["asgi"]["spec_version"] = dialect.spec_version
    for key in dialect.missing_keys:
        del scope[key]
    scope.update(overrides or {})
    return scope


def _address(host: str, port: int, dialect: Dialect) -> Sequence[str | int]:
    address = (host, str(port) if dialect.text_ports else port)
    return list(address) if dialect.lists_addresses else address


def _handshake_headers(headers: HeadersLike | None, subprotocols: list[str]) -> HeaderList:
    pairs = cast(
        "Iterable[tuple[str | bytes, str | bytes]]",
        headers.items() if isinstance(headers, Mapping) else headers or (),
    )
    given = [(encode_header(name).lower(), encode_header(value)) for name, value in pairs]
    # No `Origin`: this client is not a browser (RFC 6454, section 7.3).
    usual = [
        (b"host", b"testserver"),
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),  # RFC 6455, section 1.3
    ]
    if subprotocols:
        usual.append((b"sec-websocket-protocol", ", ".join(subprotocols).encode("latin-1")))
    replaced = {name for name, _ in given}
    return [pair for pair in usual if pair[0] not in replaced] + given
