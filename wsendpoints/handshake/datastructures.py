"""What a client sent with its handshake, made easy to read: headers, query, cookies, subprotocols.

It writes nearly all of this, so nothing that it can send makes a reader raise, and reading takes
time linear in its length.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from operator import itemgetter
from typing import Any, Final, NamedTuple, final
from urllib.parse import unquote_to_bytes, urlencode

__all__ = [
    "MAX_COOKIES",
    "MAX_COOKIE_BYTES",
    "MAX_QUERY_FIELDS",
    "Address",
    "Headers",
    "QueryParams",
    "State",
    "parse_cookies",
    "to_bytes",
]

MAX_QUERY_FIELDS: Final = 1000
"""How many fields `QueryParams` reads; those after it are dropped."""

MAX_COOKIE_BYTES: Final = 65_536
"""How much of the `cookie` headers `parse_cookies` reads; a cookie that it cuts is dropped."""

MAX_COOKIES: Final = 1000
"""How many parts between semicolons `parse_cookies` reads; those after it are dropped."""

_BY_NAME: Final = itemgetter(0)
_COOKIE_ESCAPE: Final = re.compile(r"\\([0-3][0-7]{2}|.)", re.DOTALL)


class Address(NamedTuple):
    """The peer's address."""

    host: str
    port: int


class State(MutableMapping[str, Any]):
    """The scope's `state`, its entries also as attributes.

    ASGI spec, "Lifespan State": each connection has its own shallow copy of what the
    application's start left there.

    Args:
        state: The dict behind it.
    """

    __slots__ = ("_state",)

    _state: MutableMapping[str, Any]

    def __init__(self, state: MutableMapping[str, Any]) -> None:
        object.__setattr__(self, "_state", state)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._state[name]
        except KeyError:
            raise AttributeError(f"the state of this connection has no {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._state[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self._state[name]
        except KeyError:
            raise AttributeError(f"the state of this connection has no {name!r}") from None

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._state[key] = value

    def __delitem__(self, key: str) -> None:
        del self._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)

    def __repr__(self) -> str:
        return f"State({self._state!r})"


@final
class Headers(Mapping[str, str]):
    """Headers as received: immutable, in order, with case-insensitive names.

    No header is decoded until it is asked for. Values are latin-1, in which every
    byte is a character (RFC 9110, section 5.5, calls bytes over 127 opaque): for UTF-8 do
    `value.encode("latin-1").decode()`.

    A header that came twice counts twice: `len`, iteration, `keys`, `values` and `items` have
    each line, as in Starlette; names are in lower case. Two are equal if each name has the same
    values in the same order.

    Args:
        raw: Pairs of a name and a value, as in `scope["headers"]`; `None` is none.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] | None = None) -> None:
        self._raw = tuple(raw or ())

    @property
    def raw(self) -> tuple[tuple[bytes, bytes], ...]:
        """The pairs as they came."""
        return self._raw

    def getlist(self, key: str) -> list[str]:
        """Return all values of a header, in order; an empty list if there are none."""
        return list(self._find(key))

    # A view of `Mapping` would give the first value for each line of the same name.
    def keys(self) -> list[str]:  # type: ignore[override]  # see above
        """Return the name of each line."""
        return list(self)

    def values(self) -> list[str]:  # type: ignore[override]  # see above
        """Return the value of each line."""
        return [value.decode("latin-1") for _, value in self._raw]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]  # see above
        """Return the name and the value of each line."""
        return list(zip(self, self.values(), strict=True))

    def __getitem__(self, key: str) -> str:
        for value in self._find(key):
            return value
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and any(True for _ in self._find(key))

    def __iter__(self) -> Iterator[str]:
        return (name.lower().decode("latin-1") for name, _ in self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return sorted(self.items(), key=_BY_NAME) == sorted(other.items(), key=_BY_NAME)

    def __repr__(self) -> str:
        return f"Headers({list(self._raw)!r})"

    def _find(self, key: str) -> Iterator[str]:
        try:
            # `str.lower` would make ASCII letters of others, such as the Kelvin sign.
            wanted = key.encode("latin-1").lower()
        except UnicodeEncodeError:
            return
        for name, value in self._raw:
            # ASGI spec: names are in lower case; but not in every test's scope.
            if name.lower() == wanted:
                yield value.decode("latin-1")


@final
class QueryParams(Mapping[str, str]):
    """The fields of a query string: immutable, in order.

    A field that came twice is one key, with its last value; `getlist` and `multi_items` have
    all of them. Two are equal if each key has the same values in the same order. `str()`
    gives a query string with the same fields.

    As in an HTML form (WHATWG URL, section 5.1): UTF-8, with U+FFFD for what is not; `+` is a
    space; `;` separates nothing; `a` is `a=`; a `%` without two hexadecimal digits stands for
    itself. Only the first `MAX_QUERY_FIELDS` are read.

    Args:
        query: The query string without `?`, as in `scope["query_string"]`; `None` is empty.
    """

    __slots__ = ("_dict", "_list")

    def __init__(self, query: bytes | str | None = None) -> None:
        fields = [field for field in to_bytes(query).split(b"&") if field]
        self._list: list[tuple[str, str]] = []
        for field in fields[:MAX_QUERY_FIELDS]:
            name, _, value = field.replace(b"+", b" ").partition(b"=")
            self._list.append((_unquote(name), _unquote(value)))
        self._dict = dict(self._list)

    def getlist(self, key: str) -> list[str]:
        """Return all values of a field, in order; an empty list if there are none."""
        return [value for name, value in self._list if name == key]

    def multi_items(self) -> list[tuple[str, str]]:
        """Return all fields, in order."""
        return list(self._list)

    def __getitem__(self, key: str) -> str:
        return self._dict[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueryParams):
            return NotImplemented
        return sorted(self._list, key=_BY_NAME) == sorted(other._list, key=_BY_NAME)

    def __str__(self) -> str:
        return urlencode(self._list)

    def __repr__(self) -> str:
        return f"QueryParams({str(self)!r})"


def _unquote(text: bytes) -> str:
    return unquote_to_bytes(text).decode(errors="replace")


def parse_cookies(headers: Headers) -> dict[str, str]:
    """Return the cookies that a client sent, by name.

    Browsers send much that RFC 6265, section 4.2.1, does not allow, so this reads as they do: a
    part without `=` is the value of a cookie whose name is `""`; a quoted value loses its quotes
    and the backslash escapes of Python's `http.cookies`. Of a name that came twice the last one
    counts, as in Starlette; no order is to be relied on (RFC 6265, section 4.2.2).

    Several `cookie` headers, which HTTP/2 allows, are read as one (RFC 9113, section 8.2.3).
    daphne joins them by `","`, which a value may contain: that cannot be undone, and what
    follows the comma becomes part of the value before it.

    Args:
        headers: The headers of the connection. Not read are what goes beyond
            `MAX_COOKIE_BYTES`, and parts after the first `MAX_COOKIES`.
    """
    text = "; ".join(headers.getlist("cookie"))
    if len(text) > MAX_COOKIE_BYTES:
        text, _, _ = text[: MAX_COOKIE_BYTES + 1].rpartition(";")
    cookies: dict[str, str] = {}
    for part in text.split(";", MAX_COOKIES)[:MAX_COOKIES]:
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "", name
        # Not `strip()`: to it the last byte of a UTF-8 `à` is a space.
        name, value = name.strip(" \t"), value.strip(" \t")
        if name or value:
            cookies[name] = _unquote_cookie(value)
    return cookies


def _unquote_cookie(value: str) -> str:
    if len(value) < 2 or not value[0] == value[-1] == '"':
        return value
    return _COOKIE_ESCAPE.sub(
        lambda match: match[1] if len(match[1]) == 1 else chr(int(match[1], 8)), value[1:-1]
    )


def to_bytes(text: object) -> bytes:
    """Return what a scope holds as bytes: some servers leave it out, or have it as a `str`."""
    if isinstance(text, str):
        return text.encode(errors="replace")
    return text if isinstance(text, bytes) else b""
