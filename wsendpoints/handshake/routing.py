"""The routes of the application that a connection is of: its own, and URLs of others by name."""

from collections.abc import Mapping
from typing import Any, Final

from wsendpoints.handshake.url import URL
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["ROUTE", "base_url_of", "route_of", "url_of_route"]

ROUTE: Final = "wsendpoints.route"
"""What a scope has whose connection is watched: the path of its route, as a router has it."""


def base_url_of(scope: Mapping[str, Any]) -> URL:
    """Return the URL that the host's application is served under, which ends in `/`.

    Args:
        scope: The scope of a connection. Any key may be missing.
    """
    # Starlette's `Mount` adds its own path to `root_path`, and keeps the application's here.
    root: object = scope.get("app_root_path", scope.get("root_path"))
    path = root if isinstance(root, str) else ""
    return URL.from_scope({**scope, "path": f"{path.rstrip('/')}/", "query_string": b""})


def route_of(scope: Mapping[str, Any]) -> str | None:
    """Return how the path of a connection is written where it is routed, as `/chat/{room}`.

    Args:
        scope: The scope of the connection. Any key may be missing.

    Returns:
        `None` if the host does not tell.
    """
    routes: list[object] = [
        scope.get(ROUTE),
        # Starlette's and FastAPI's, then Litestar's.
        getattr(scope.get("route"), "path", None),
        scope.get("path_template"),
    ]
    return next((route for route in routes if isinstance(route, str) and route), None)


def url_of_route(scope: Mapping[str, Any], name: str, path_params: Mapping[str, Any]) -> URL:
    """Return the URL of one of the host's routes.

    Args:
        scope: The scope of a connection.
        name: The name of the route.
        path_params: The parameters of its path.

    Raises:
        InvalidStateError: The host's router has no URLs by name.
    """
    base = base_url_of(scope)
    path = _path_of(scope, name, path_params)
    # Starlette's paths say whether they are of a WebSocket, and of which host. Others don't.
    protocol: object = getattr(path, "protocol", None)
    scheme = {"http": "http", "websocket": "ws"}.get(str(protocol))
    scheme = base.scheme if scheme is None else scheme + "s" * base.is_secure
    netloc: str = getattr(path, "host", None) or base.netloc
    return URL(
        base.replace(
            scheme=scheme if netloc else "",
            netloc=netloc,
            path=base.path.rstrip("/") + str(path),
        )
    )


def _path_of(scope: Mapping[str, Any], name: str, path_params: Mapping[str, Any]) -> object:
    hosts: list[Any] = [scope.get("router"), scope.get("app"), scope.get("litestar_app")]
    for host in hosts:
        # Starlette and FastAPI have the first, Litestar has the second.
        for method in ("url_path_for", "route_reverse"):
            if callable(reverse := getattr(host, method, None)):
                path: object = reverse(name, **path_params)
                return path
    raise InvalidStateError(
        f"url_for({name!r}): no router that knows its routes by name has put itself into the "
        "scope. Those of Starlette, FastAPI and Litestar do; elsewhere, use base_url"
    )
