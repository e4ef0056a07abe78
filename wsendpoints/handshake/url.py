"""The URL of a connection: a string with its parts as attributes.

A client writes nearly all of it, so no text makes a part raise.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, SupportsIndex, TypedDict, Unpack, final, overload
from urllib.parse import quote

from wsendpoints.handshake.datastructures import Headers, to_bytes

__all__ = ["URL", "URLComponents"]

# RFC 3986, appendix B, with the scheme of section 3.1. `urlsplit` is not used because it raises
# for some texts, for others in each version of Python, and reads a URL without its tabs.
_URL: Final = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[^\[\]:]*)(?::(.*))?", re.DOTALL)
# Not allowed by RFC 3986. Readers disagree on what they mean: a browser takes the host of
# `ws://a\@b/` for `a`, most parsers for `b`. So there is none.
_NOT_IN_AUTHORITY: Final = re.compile(r'[\x00-\x20\x7f-\xa0"<>\\^`{|}]')
_PORT: Final = re.compile(r"[0-9]{1,5}")
_PLAIN_NETLOC: Final = re.compile(
    r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])(?::([0-9]{0,5}))?"
)
_DEFAULT_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}

# RFC 3986, section 3.3, `pchar`, and section 3.4.
_PATH_SAFE: Final = "/:@!$&'()*+,;="
_QUERY_SAFE: Final = _PATH_SAFE + "?%"
_BARE_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class URLComponents(TypedDict, total=False):
    """The parts of a URL that `URL.replace` takes."""

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
    """A URL: text with its components.

    It is read when a component is first asked for. Any text will do: a component that is
    missing or cannot be read is `None`, or `""` where it is always a `str`. Components are
    given as written, percent-encoded, but for the scheme and the host name in lower case.
    """

    __slots__ = ("_parts",)

    _parts: _Parts | None

    def __new__(cls, url: str = "") -> "URL":
        """Take `url` as it is."""
        self = super().__new__(cls, url)
        self._parts = None
        return self

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> "URL":
        """Return the URL that the client asked for, as far as the scope tells.

        Args:
            scope: The scope of a connection. Any key may be missing or unusable: the scheme
                is `"ws"` then, the path `"/"`.

        Returns:
            A valid URL: path and query are percent-encoded where they need it. The host is the
            `host` header's. If that is no plain host with or without a port, or there are two
            that differ, it is the server's own; if that is not known or a Unix socket, the URL
            starts with the path. The scheme's default port is left out.

            The path is `scope["path"]`, which includes `root_path`. ASGI spec, "WebSocket
            Connection Scope": "HTTP request target excluding any query string".
        """
        scheme, path = scope.get("scheme"), scope.get("path")
        scheme = scheme.lower() if isinstance(scheme, str) and _SCHEME.fullmatch(scheme) else "ws"
        # RFC 6455, section 3: the resource name has "/" where the path is empty.
        path = "/" + path.removeprefix("/") if isinstance(path, str) else "/"
        query = _BARE_PERCENT.sub(b"%25", to_bytes(scope.get("query_string")))
        netloc = _netloc_of(scope, scheme)
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
        return self._read().scheme

    @property
    def netloc(self) -> str:
        """All between `//` and the path: `"user:password@example.com:8000"`."""
        return self._read().netloc

    @property
    def hostname(self) -> str | None:
        """The host in lower case, an IPv6 address without its brackets."""
        return self._read().hostname

    @property
    def port(self) -> int | None:
        """The port if the URL has one, from 0 to 65535."""
        return self._read().port

    @property
    def path(self) -> str:
        """The path, percent-encoded: `"/rooms/caf%C3%A9"`."""
        return self._read().path

    @property
    def query(self) -> str:
        """What follows `?`: `"a=1&b=2"`."""
        return self._read().query

    @property
    def fragment(self) -> str:
        """What follows `#`; the URL of a connection has none (RFC 6455, section 3)."""
        return self._read().fragment

    @property
    def username(self) -> str | None:
        """The user name, percent-encoded."""
        return self._read().username

    @property
    def password(self) -> str | None:
        """The password, percent-encoded."""
        return self._read().password

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

        With positional arguments this is `str.replace`, so that code that takes any `str`,
        such as `html.escape`, takes a URL.

        Args:
            args: The arguments of `str.replace`.
            components: The new parts, by the names of the properties. They are put in as they
                are, so quote them before; only an IPv6 host name may lack its brackets. `None`
                removes a port, a password, or a user name and with it the password. `netloc`
                goes in first, the parts of it next.

        Raises:
            TypeError: For a component of another name.
        """
        if args:
            return super().replace(*args, **components)
        known = URLComponents.__optional_keys__
        for name in components:
            if name not in known:
                raise TypeError(f"a URL has no component {name!r}: use {', '.join(sorted(known))}")
        parts = self._read()
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
            # The first place is the right one: a user name has no colon in it.
            text = text.replace(f":{self.password}@", ":********@", 1)
        return f"URL({text!r})"

    def _read(self) -> _Parts:
        if self._parts is None:
            # It matches any text: each group is optional, the third takes what the others leave.
            scheme, netloc, path, query, fragment = next(_URL.finditer(self)).groups("")
            authority = _split_netloc(netloc)
            self._parts = _Parts(scheme.lower(), netloc, path, query, fragment, *authority)
        return self._parts


def _split_netloc(netloc: str) -> tuple[str | None, str | None, str | None, int | None]:
    userinfo, at, address = netloc.rpartition("@")
    username, colon, password = userinfo.partition(":")
    found = None if _NOT_IN_AUTHORITY.search(netloc) else _ADDRESS.fullmatch(address)
    hostname, port = found.groups("") if found else ("", "")
    return (
        username if at else None,
        password if colon else None,
        hostname.strip("[]").lower() or None,
        # `int` takes signs, spaces and digits of any script, and raises for very long numbers.
        int(port) if _PORT.fullmatch(port) and int(port) <= 65535 else None,
    )


def _join(scheme: str, netloc: str, path: str, query: str, fragment: str = "") -> str:
    if netloc:
        path = path if path.startswith("/") or not path else f"/{path}"
        netloc = f"//{netloc}"
    elif path.startswith("//"):
        # RFC 3986, section 3.3: "If a URI does not contain an authority component, then the
        # path cannot begin with two slash characters": what follows would be the host.
        path = f"/%2F{path[2:]}"
    return (
        (f"{scheme}:" if scheme else "")
        + netloc
        + path
        + (f"?{query}" if query else "")
        + (f"#{fragment}" if fragment else "")
    )


def _netloc_of(scope: Mapping[str, Any], scheme: str) -> str:
    candidates: list[str] = []
    try:
        hosts = set(Headers(scope.get("headers")).getlist("host"))
    except (AttributeError, TypeError, ValueError):
        # The server's fault, but no reason for a log line that shows the URL to fail.
        hosts = set[str]()
    # RFC 9112, section 3.2: a request "that contains more than one Host header field line" is to
    # be refused. Servers that take HTTP/2 may add one that says the same.
    if len(hosts) == 1:
        candidates += hosts
    match scope.get("server"):
        # ASGI spec, "WebSocket Connection Scope": a Unix socket's is its path and `None`.
        case [str(host), int(port)] if 0 <= port <= 65535:
            candidates.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        case _:
            pass
    for candidate in candidates:
        found = _PLAIN_NETLOC.fullmatch(candidate)
        if found and int(found[2] or 0) <= 65535:
            is_default = not found[2] or int(found[2]) == _DEFAULT_PORTS.get(scheme)
            return found[1] if is_default else f"{found[1]}:{found[2]}"
    return ""
