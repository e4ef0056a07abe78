"""Where a client connects to: the URL with its parameters, the token, and the subprotocols."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from wsendpoints.client.socket import Address
from wsendpoints.handshake.credentials import Credential

__all__ = ["GetToken", "Positions", "Query", "Target"]

Positions: TypeAlias = Mapping[str, str]
"""The last positions that a client got of groups with a history, by the names of their classes."""

Query: TypeAlias = Mapping[str, Any] | Callable[[Positions], Mapping[str, Any]]
"""Parameters of the query; a list is given as several, and what is `None` is left out."""

GetToken: TypeAlias = Callable[[], str | Awaitable[str]]

_PARAMETER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")

_BEARER: Final = Credential("bearer")

_SCHEMES: Final[Mapping[str, str]] = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class Target:
    """What makes the address of each connection.

    Attributes:
        url: The URL, with parameters of the path in braces: `"ws://localhost/rooms/{room}"`.
        params: Their values.
        query: Parameters of the query.
        headers: Headers of the handshake.
        subprotocols: Those that the client offers.
        get_token: Returns what tells who the client is.
        credential: Where that goes.

    Raises:
        ValueError: It is no URL of a WebSocket, or parameters are missing, or are not in it.
    """

    url: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    query: Query = field(default_factory=dict[str, Any])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    subprotocols: Sequence[str] = ()
    get_token: GetToken | None = None
    credential: Credential = _BEARER

    def __post_init__(self) -> None:
        scheme, rest, path, *_ = urlsplit(self.url)
        if scheme not in _SCHEMES or not rest:
            raise ValueError(
                f'connect(..., {self.url!r}): use a URL such as "ws://localhost:8000/"'
            )
        names = {match[1] for match in _PARAMETER.finditer(path)}
        if names != {*self.params}:
            raise ValueError(
                f"connect(..., {self.url!r}, params={dict(self.params)!r}): give a value for each "
                f"of {sorted(names)}"
            )

    async def address(self, positions: Positions) -> Address:
        """Return the address of the next connection.

        Args:
            positions: Where the client is in the groups with a history.
        """
        query = self.query(positions) if callable(self.query) else self.query
        parameters = [*_parameters(query)]
        headers = dict(self.headers)
        if self.get_token is not None:
            token = self.get_token()
            self._add_token(
                await token if inspect.isawaitable(token) else token, parameters, headers
            )
        parts = urlsplit(self.url)
        found = parts._replace(
            scheme=_SCHEMES[parts.scheme],
            path=_PARAMETER.sub(self._value, parts.path),
            query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *parameters]),
            fragment="",
        )
        return Address(found.geturl(), self.subprotocols, headers)

    def _value(self, match: re.Match[str]) -> str:
        return quote(str(self.params[match[1]]), safe="/" if match[2] == "path" else "")

    def _add_token(
        self, token: str, parameters: list[tuple[str, str]], headers: dict[str, str]
    ) -> None:
        name = self.credential.name
        match self.credential.place:
            case "bearer":
                headers["Authorization"] = f"Bearer {token}"
            case "header":
                headers[name] = token
            case "query":
                parameters.append((name, token))
            case _:  # a cookie
                others = [headers["Cookie"]] if "Cookie" in headers else []
                headers["Cookie"] = "; ".join([*others, f"{name}={token}"])


def _parameters(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        values = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else [value]
        yield from ((name, str(it)) for it in values if it is not None)
