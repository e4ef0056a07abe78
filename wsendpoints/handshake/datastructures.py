"""The parts of a handshake, made easy to read: headers, query parameters, cookies, state.

Nearly all of it is under the client's control, so nothing that it can send raises an exception,
and reading takes linear time.
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
    "query_bytes",
    "values_of",
]

MAX_QUERY_FIELDS: Final = 1000
"""How many fields `QueryParams` reads; further ones are dropped."""

MAX_COOKIE_BYTES: Final = 65_536
"""How many bytes of the `cookie` headers `parse_cookies` reads; a cookie cut there is dropped."""

MAX_COOKIES: Final = 1000
"""How many parts between semicolons `parse_cookies` reads; further ones are dropped."""

_BY_NAME: Final = itemgetter(0)
_COOKIE_ESCAPE: Final = re.compile(r"\\([0-3][0-7]{2}|.)", re.DOTALL)


class Address(NamedTuple):
    """The peer's address.

    Attributes:
        host: Its IP address, or what else the server tells.
        port: Its port.
    """

    host: str
    port: int


class State(MutableMapping[str, Any]):
    """The scope's `state`, with its entries as attributes too.

    ASGI spec, "Lifespan State": each connection gets a shallow copy of what the application
    stored there at startup.

    Args:
        state: The mapping that holds the entries.
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


def values_of(raw: Iterable[tuple[bytes, bytes]], *names: bytes) -> list[list[str]]:
    """Return all values of some headers, in order, in one pass.

    Args:
        raw: Pairs of name and value, as in `scope["headers"]`.
        names: The names in lower case.

    Returns:
        A list for each name.
    """
    found: dict[bytes, list[str]] = {name: [] for name in names}
    for name, value in raw:
        # The ASGI specification requires lower case, but scopes made by tests may not have it.
        if (lower := name.lower()) in found:
            found[lower].append(value.decode("latin-1"))
    return [*found.values()]


@final
class Headers(Mapping[str, str]):
    """Headers as received: immutable, in order, with case-insensitive names.

    A header is decoded when it is read. Values are decoded as latin-1, in which every byte is a
    character (RFC 9110, section 5.5, calls bytes over 127 opaque); for one in UTF-8 use
    `value.encode("latin-1").decode()`.

    A header that was sent twice counts twice: `len`, iteration, `keys`, `values` and `items`
    include every line, as in Starlette. They have names in lower case. Two `Headers` are equal
    if each name has the same values in the same order.

    Args:
        raw: Pairs of name and value, as in `scope["headers"]`; `None` means no headers.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] | None = None) -> None:
        self._raw = tuple(raw or ())

    @property
    def raw(self) -> tuple[tuple[bytes, bytes], ...]:
        """The pairs as received."""
        return self._raw

    def getlist(self, key: str) -> list[str]:
        """Return all values of a header, in order; an empty list if there are none."""
        try:
            # Encoded first: `str.lower` turns some other letters, such as the Kelvin sign, into
            # ASCII letters.
            return values_of(self._raw, key.encode("latin-1").lower())[0]
        except UnicodeEncodeError:
            return []

    # Lists: the views of `Mapping` would repeat the first value for every line of the same name.
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
        values = self.getlist(key)
        if not values:
            raise KeyError(key)
        return values[0]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self.getlist(key))

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


@final
class QueryParams(Mapping[str, str]):
    """The fields of a query string: immutable, in order.

    A field that was sent twice is one key, with its last value; `getlist` and `multi_items`
    return all values. Two `QueryParams` are equal if each key has the same values in the same
    order. `str()` returns a query string with the same fields.

    The string is parsed as an HTML form is (WHATWG URL, section 5.1): as UTF-8, with U+FFFD for
    malformed bytes; `+` is a space; `;` is not a separator; `a` means `a=`; a `%` that two
    hexadecimal digits don't follow is literal. Only the first `MAX_QUERY_FIELDS` are read.

    Args:
        query: The query string without `?`, as in `scope["query_string"]`; `None` means empty.
    """

    __slots__ = ("_dict", "_list")

    def __init__(self, query: bytes | str | None = None) -> None:
        fields = [field for field in query_bytes(query).split(b"&") if field]
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


def query_bytes(query: object) -> bytes:
    """Return a scope's `"query_string"` as bytes: some servers omit it, or make it a `str`."""
    if isinstance(query, str):
        return query.encode(errors="replace")
    return query if isinstance(query, bytes) else b""


def _unquote(text: bytes) -> str:
    return unquote_to_bytes(text).decode(errors="replace")


def parse_cookies(headers: Headers) -> dict[str, str]:
    """Return the cookies that a client sent, by name.

    Browsers send much that RFC 6265, section 4.2.1, does not allow, so cookies are parsed as
    browsers parse them: a part without `=` is the value of a cookie whose name is `""`; a quoted
    value loses its quotes and the backslash escapes of Python's `http.cookies`. If a name was sent
    twice, its last value counts, as in Starlette; RFC 6265, section 4.2.2, advises against relying
    on their order.

    Several `cookie` headers, which HTTP/2 allows, are read as one (RFC 9113, section 8.2.3).
    daphne joins them with `","`, which a value may contain too, so this can't be undone: the text
    after the comma becomes part of the value before it.

    Args:
        headers: The headers of the connection. Cookies beyond the first `MAX_COOKIE_BYTES`, and
            beyond the first `MAX_COOKIES` parts, are not read.
    """
    text = "; ".join(headers.getlist("cookie"))
    if len(text) > MAX_COOKIE_BYTES:
        text, _, _ = text[: MAX_COOKIE_BYTES + 1].rpartition(";")
    cookies: dict[str, str] = {}
    for part in text.split(";", MAX_COOKIES)[:MAX_COOKIES]:
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "", name
        # Not `strip()`, which also removes U+00A0: that is the last byte of `à` in UTF-8.
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
