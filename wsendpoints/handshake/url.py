"""The URL of a connection: a string with its components as attributes.

Nearly all of it is under the client's control, so reading a component never raises.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, SupportsIndex, TypedDict, Unpack, final, overload
from urllib.parse import quote

from wsendpoints.handshake.datastructures import Headers, query_bytes
from wsendpoints.handshake.hosts import Host, parse_host, requested_host

__all__ = ["URL", "URLComponents"]

# RFC 3986, appendix B, with the scheme of section 3.1. Not `urlsplit`: it raises for some texts,
# which differ between versions of Python, and drops tabs from the URL.
_URL: Final = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[^\[\]:]*)(?::(.*))?", re.DOTALL)
# RFC 3986 does not allow these, and parsers disagree on them: the host of `ws://a\@b/` is `a` to
# browsers and `b` to most libraries. A URL with one of them has no host here.
_FORBIDDEN_IN_AUTHORITY: Final = re.compile(r'[\x00-\x20\x7f-\xa0"<>\\^`{|}]')
_PORT: Final = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}

# The characters that need no percent-encoding: RFC 3986, sections 3.3 (`pchar`) and 3.4.
_PATH_SAFE: Final = "/:@!$&'()*+,;="
_QUERY_SAFE: Final = _PATH_SAFE + "?%"
_BARE_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class URLComponents(TypedDict, total=False):
    """The components of a URL that `URL.replace` accepts."""

    scheme: str
    netloc: str
    hostname: str
    port: int | None
    path: str
    query: str
    fragment: str
    username: str | None
    password: str | None


class _Parts(NamedTuple):
    scheme: str
    netloc: str
    path: str
    query: str
    fragment: str
    username: str | None
    password: str | None
    hostname: str | None
    port: int | None


@final
class URL(str):
    """A URL: a `str` with its components as attributes.

    It is parsed when a component is first read. Any text is accepted: a component that is missing
    or malformed is `None`, or `""` if its type is `str`. Components keep their percent-encoding;
    the scheme and the host name are in lower case.
    """

    __slots__ = ("_parts",)

    _parts: _Parts | None

    def __new__(cls, url: str = "") -> "URL":
        """Make a URL of any text."""
        self = super().__new__(cls, url)
        self._parts = None
        return self

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> "URL":
        """Return the URL that the client asked for, as far as the scope reveals it.

        Args:
            scope: The scope of a connection. Any key may be missing or malformed: the scheme
                is then `"ws"`, the path `"/"`.

        Returns:
            A valid URL, with path and query percent-encoded where necessary. The host is that of
            the `Host` header. If the header is malformed, or there are two that differ, it is
            the server's address; if that is unknown or a Unix socket, the URL starts with the
            path. The scheme's default port is omitted.

            The path is `scope["path"]`, which includes `root_path`. ASGI spec, "WebSocket
            Connection Scope": "HTTP request target excluding any query string".
        """
        scheme, path = scope.get("scheme"), scope.get("path")
        scheme = scheme.lower() if isinstance(scheme, str) and _SCHEME.fullmatch(scheme) else "ws"
        # RFC 6455, section 3: the resource name has "/" where the path is empty.
        path = "/" + path.removeprefix("/") if isinstance(path, str) else "/"
        query = _BARE_PERCENT.sub(b"%25", query_bytes(scope.get("query_string")))
        netloc = _netloc(_host_of(scope), scheme)
        return cls(
            _join(
                scheme if netloc else "",
                netloc,
                quote(path, safe=_PATH_SAFE, errors="replace"),
                quote(query, safe=_QUERY_SAFE),
            )
        )

    @property
    def scheme(self) -> str:
        """The scheme in lower case: `"wss"`."""
        return self._parse().scheme

    @property
    def netloc(self) -> str:
        """Everything between `//` and the path: `"user:password@example.com:8000"`."""
        return self._parse().netloc

    @property
    def hostname(self) -> str | None:
        """The host in lower case; an IPv6 address is without its brackets."""
        return self._parse().hostname

    @property
    def port(self) -> int | None:
        """The port, from 0 to 65535; `None` if the URL does not name one."""
        return self._parse().port

    @property
    def path(self) -> str:
        """The path, percent-encoded: `"/rooms/caf%C3%A9"`."""
        return self._parse().path

    @property
    def query(self) -> str:
        """The query string, without `?`: `"a=1&b=2"`."""
        return self._parse().query

    @property
    def fragment(self) -> str:
        """The part after `#`; the URL of a connection has none (RFC 6455, section 3)."""
        return self._parse().fragment

    @property
    def username(self) -> str | None:
        """The user name, percent-encoded."""
        return self._parse().username

    @property
    def password(self) -> str | None:
        """The password, percent-encoded."""
        return self._parse().password

    @property
    def is_secure(self) -> bool:
        """Whether the scheme is `https` or `wss`."""
        return self.scheme in {"https", "wss"}

    @overload
    def replace(self, old: str, new: str, /, count: SupportsIndex = -1) -> str: ...
    @overload
    def replace(self, **components: Unpack[URLComponents]) -> "URL": ...
    def replace(self, *args: Any, **components: Any) -> str:
        """Return the URL with some of its components replaced.

        With positional arguments this is `str.replace`, so that functions that expect a `str`,
        such as `html.escape`, work with a URL.

        Args:
            args: The arguments of `str.replace`.
            components: The new components, by the names of the properties. They are inserted as
                they are, so percent-encode them first; an IPv6 host name may lack its brackets.
                `None` removes a port, a password, or a user name together with the password.
                `netloc` is applied before its own components, such as `port`.

        Raises:
            TypeError: There is no component of that name.
        """
        if args:
            return super().replace(*args, **components)
        known = URLComponents.__optional_keys__
        for name in components:
            if name not in known:
                raise TypeError(f"a URL has no component {name!r}: use {', '.join(sorted(known))}")
        parts = self._parse()
        netloc: str = components.get("netloc", parts.netloc)
        if not components.keys().isdisjoint({"hostname", "port", "username", "password"}):
            username, password, hostname, port = _split_netloc(netloc)
            username = components.get("username", username)
            password = components.get("password", None if username is None else password)
            hostname = components.get("hostname", hostname) or ""
            port = components.get("port", port)
            is_bare_ipv6 = ":" in hostname and not hostname.startswith("[")
            netloc = f"[{hostname}]" if is_bare_ipv6 else hostname
            if port is not None:
                netloc = f"{netloc}:{port}"
            if password is not None:
                netloc = f"{username or ''}:{password}@{netloc}"
            elif username is not None:
                netloc = f"{username}@{netloc}"
        return URL(
            _join(
                components.get("scheme", parts.scheme),
                netloc,
                components.get("path", parts.path),
                components.get("query", parts.query),
                components.get("fragment", parts.fragment),
            )
        )

    def __repr__(self) -> str:
        text = str(self)
        if self.password is not None:
            # The first match is the password's place: a user name holds no colon.
            text = text.replace(f":{self.password}@", ":********@", 1)
        return f"URL({text!r})"

    def _parse(self) -> _Parts:
        if self._parts is None:
            # Any text matches: every group is optional, or may be empty.
            scheme, netloc, path, query, fragment = next(_URL.finditer(self)).groups("")
            authority = _split_netloc(netloc)
            self._parts = _Parts(scheme.lower(), netloc, path, query, fragment, *authority)
        return self._parts


def _split_netloc(netloc: str) -> tuple[str | None, str | None, str | None, int | None]:
    userinfo, at, address = netloc.rpartition("@")
    username, colon, password = userinfo.partition(":")
    found = None if _FORBIDDEN_IN_AUTHORITY.search(netloc) else _ADDRESS.fullmatch(address)
    hostname, port = found.groups("") if found else ("", "")
    return (
        username if at else None,
        password if colon else None,
        hostname.strip("[]").lower() or None,
        # `int` alone accepts signs, spaces and the digits of any script, and raises for very long
        # numbers.
        int(port) if _PORT.fullmatch(port) and int(port) <= 65535 else None,
    )


def _join(scheme: str, netloc: str, path: str, query: str, fragment: str = "") -> str:
    if netloc:
        path = path if path.startswith("/") or not path else f"/{path}"
        netloc = f"//{netloc}"
    elif path.startswith("//"):
        # RFC 3986, section 3.3: "If a URI does not contain an authority component, then the
        # path cannot begin with two slash characters": its first segment would become the host.
        path = f"/%2F{path[2:]}"
    return (
        (f"{scheme}:" if scheme else "")
        + netloc
        + path
        + (f"?{query}" if query else "")
        + (f"#{fragment}" if fragment else "")
    )


def _host_of(scope: Mapping[str, Any]) -> Host | None:
    try:
        host = requested_host(Headers(scope.get("headers")).getlist("host"))
    except (AttributeError, TypeError, ValueError):
        # Malformed headers are the server's fault, but a log line that shows the URL must not fail.
        host = None
    if host is not None:
        return host
    match scope.get("server"):
        # ASGI spec, "WebSocket Connection Scope": for a Unix socket it is the path and `None`.
        case [str(name), int(port)] if 0 <= port <= 65535:
            return parse_host(f"[{name}]:{port}" if ":" in name else f"{name}:{port}")
        case _:
            return None


def _netloc(host: Host | None, scheme: str) -> str:
    if host is None:
        return ""
    if host.port is None or host.port == _DEFAULT_PORTS.get(scheme):
        return host.name
    return f"{host.name}:{host.port}"
