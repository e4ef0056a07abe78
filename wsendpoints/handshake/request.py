"""What the client asked for: the scope of its handshake, made easy to read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from wsendpoints.handshake.datastructures import (
    Address,
    Headers,
    QueryParams,
    State,
    parse_cookies,
    values_of,
)
from wsendpoints.handshake.routing import base_url_of, url_of_route
from wsendpoints.handshake.url import URL
from wsendpoints.protocol.asgi import Scope
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.protocol.subprotocols import parse_subprotocols

__all__ = ["Request", "header_values"]

_READABLE_AGAIN: Final = frozenset({list, tuple})


class Request(Mapping[str, Any]):
    """A handshake as the client sent it, and a mapping over its ASGI scope."""

    __slots__ = ("__weakref__", "_headers", "_query_params", "_url", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope: Scope = scope
        self._url: URL | None = None
        self._headers: Headers | None = None
        self._query_params: QueryParams | None = None

    # The mapping.

    def __getitem__(self, key: str) -> Any:
        return self.scope[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    # Not `Mapping`'s: two connections with equal scopes are still two connections.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    # What the client asked for.

    @property
    def url(self) -> URL:
        """The URL that the client asked for: a `str` with its components as attributes."""
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
        """The parameters that the host's router found in the path, by name."""
        params: Any = self.scope.get("path_params")
        if not params:
            # Django Channels has them here.
            route: Any = self.scope.get("url_route") or {}
            params = route.get("kwargs") or {}
        return dict(params)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the request, by name; if a name was sent twice, its last value."""
        return parse_cookies(self.headers)

    @property
    def client(self) -> Address | None:
        """The peer's host and port; `None` if the server does not know them."""
        match self.scope.get("client"):
            case [host, port, *_]:
                return Address(host, port)
            case _:
                return None

    @property
    def state(self) -> State:
        """Attributes of your own, beside what the application's lifespan stored for it."""
        state: Any = self.scope.get("state")
        if state is None:
            state = self.scope["state"] = {}
        return State(state)

    @property
    def app(self) -> Any:
        """The host's application: Starlette's, FastAPI's or Litestar's.

        Raises:
            InvalidStateError: The host has not put itself into the scope.
        """
        app: Any = self.scope.get("app")
        if app is None:
            raise InvalidStateError(
                "the scope has no 'app': frameworks put themselves there, servers don't"
            )
        return app

    @property
    def base_url(self) -> URL:
        """The URL that the host's application is served under; it ends in `/`."""
        return base_url_of(self.scope)

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """Return the URL of one of the routes of the host, which finds it by its name.

        Args:
            name: The name of the route.
            path_params: The parameters of its path. The host writes them into it.

        Raises:
            InvalidStateError: The host has no router that can be asked, such as a server alone.
            Exception: What the host raises, for a name or a parameter that it does not know.
        """
        return url_of_route(self.scope, name, path_params)

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order of preference."""
        return parse_subprotocols(self.scope.get("subprotocols"))


def header_values(request: Request, *names: bytes) -> list[list[str]]:
    """Return all values of some headers, in order, without building `request.headers` for it.

    So a connection does not keep headers in memory that nothing reads.

    Args:
        request: The handshake.
        names: The names in lower case.

    Returns:
        A list for each name.
    """
    headers: Any = request.scope.get("headers")
    if headers.__class__ not in _READABLE_AGAIN:
        # An iterator can be read only once, and `request.headers` keeps what it yields.
        headers = request.headers.raw
    return values_of(headers, *names)
