"""What the client asked for: the scope of its handshake, made easy to read."""

from collections.abc import Iterator, Mapping
from typing import Any

from wsendpoints.handshake.datastructures import Address, Headers, QueryParams, State, parse_cookies
from wsendpoints.handshake.url import URL
from wsendpoints.protocol.asgi import Scope
from wsendpoints.protocol.subprotocols import parse_subprotocols

__all__ = ["Request"]


class Request(Mapping[str, Any]):
    """A handshake, as the client sent it: a mapping over the ASGI scope, never changed by us."""

    __slots__ = ("__weakref__", "_headers", "_query_params", "_url", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope: Scope = scope
        self._url: URL | None = None
        self._headers: Headers | None = None
        self._query_params: QueryParams | None = None

    # A mapping over the scope.

    def __getitem__(self, key: str) -> Any:
        return self.scope[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    # A connection is no value: two that look alike are still two.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    # What the client asked for.

    @property
    def url(self) -> URL:
        """The URL that the client asked for: a `str` with the parts as attributes."""
        if self._url is None:
            self._url = URL.from_scope(self.scope)
        return self._url

    @property
    def headers(self) -> Headers:
        """The request's headers: an immutable, case-insensitive multi-dict."""
        if self._headers is None:
            self._headers = Headers(self.scope.get("headers"))
        return self._headers

    @property
    def query_params(self) -> QueryParams:
        """The parameters of the query string: an immutable multi-dict."""
        if self._query_params is None:
            self._query_params = QueryParams(self.scope.get("query_string"))
        return self._query_params

    @property
    def path_params(self) -> dict[str, Any]:
        """What the host's router took from the path; empty where it does not tell."""
        params: Any = self.scope.get("path_params")
        if not params:
            # Where Django Channels puts them.
            route: Any = self.scope.get("url_route") or {}
            params = route.get("kwargs") or {}
        return dict(params)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the request; of two with one name, the last."""
        return parse_cookies(self.headers)

    @property
    def client(self) -> Address | None:
        """The peer's host and port; `None` where the server does not know them."""
        match self.scope.get("client"):
            case [host, port, *_]:
                return Address(host, port)
            case _:
                return None

    @property
    def state(self) -> State:
        """What the application's lifespan left for its connections, and your own besides."""
        state: Any = self.scope.get("state")
        if state is None:
            state = self.scope["state"] = {}
        return State(state)

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, most wanted first."""
        return parse_subprotocols(self.scope.get("subprotocols"))
