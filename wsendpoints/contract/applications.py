"""The endpoints in the routes of an application of FastAPI's, Starlette's or Litestar's.

Of a framework only names are known here: none is imported.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from typing_extensions import TypeIs

from wsendpoints.application import Application
from wsendpoints.contract.describing import describe
from wsendpoints.contract.description import Description
from wsendpoints.contract.resolved import NOTHING, Resolved, resolved_by
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.hosting import hosted_in
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Routes", "described", "is_application", "is_endpoint"]

Routes: TypeAlias = Mapping[str, type[WebSocketEndpoint[Any]]] | Callable[..., Any]
"""Endpoint classes by their paths, or an application that has some in its routes."""


def is_application(value: object) -> bool:
    """Whether a value has routes to look into: those of a router of ours, or of a framework's."""
    routes: object = getattr(value, "routes", None)
    return callable(getattr(value, "endpoints", None)) or isinstance(routes, Sequence)


def described(routes: Routes) -> Sequence[Description]:
    """Return the descriptions of endpoint classes.

    Args:
        routes: The classes by their paths; or a `WebSocketRouter`, or an application of FastAPI's,
            Starlette's or Litestar's, of which all that is not ours is left out.

    Raises:
        ConfigurationError: A class can't be served; or the application has no endpoint.
    """
    if isinstance(routes, Mapping):
        classes = cast("Any", routes)
        return [describe(cls, path) for path, cls in classes.items()]
    if not is_application(routes):
        raise ConfigurationError(
            f"{routes!r} has no routes: use a mapping of paths to endpoint classes, a "
            "WebSocketRouter, or an application of FastAPI, Starlette or Litestar"
        )
    found = [*_below("", routes)]
    if not found and not hasattr(routes, "endpoints"):
        raise ConfigurationError(
            f"{routes!r} has no endpoint in its routes: what is looked for is "
            "`app.websocket(path)(Chat.as_route())`, `WebSocketRoute(path, Chat)`, "
            "`websocket(path)(as_handler(Chat))`, and mounts of `Chat.as_asgi()` or of a "
            "WebSocketRouter"
        )
    return found


def is_endpoint(value: object) -> TypeIs[type[WebSocketEndpoint[Any]]]:
    """Whether a value is an endpoint class."""
    return isinstance(value, type) and issubclass(value, WebSocketEndpoint)


def _below(prefix: str, app: Any) -> Iterator[Description]:
    """Yield the endpoints of an application that is mounted, with their whole paths."""
    endpoints = getattr(app, "endpoints", None)
    if callable(endpoints):
        every: Any = endpoints()
        for it in every:
            yield describe(it.endpoint, prefix + it.path, it.attributes)
        return
    routes: object = getattr(app, "routes", None)
    if isinstance(routes, Sequence):
        for route in routes:  # pyright: ignore[reportUnknownVariableType]  # of any framework
            yield from _of_route(prefix, route)


def _of_route(prefix: str, route: Any) -> Iterator[Description]:
    contexts = getattr(route, "effective_route_contexts", None)
    if callable(contexts):
        # What newer versions of FastAPI's `include_router` leave among the routes.
        every: Any = contexts()
        for it in every:
            yield from _of_route(prefix, it.starlette_route or it.original_route)
        return
    path: str = prefix + getattr(route, "path", "")
    if (handler := getattr(route, "route_handler", None)) is not None:
        yield from _at(path, handler.fn)
        if getattr(handler, "is_mount", False):
            yield from _below(path.rstrip("/"), handler.fn)
    elif (endpoint := getattr(route, "endpoint", None)) is not None:
        yield from _at(path, endpoint, resolved_by(getattr(route, "dependant", None)))
    else:
        # Of a mount, without the middlewares that it has around.
        app = getattr(route, "_base_app", None) or getattr(route, "app", None)
        yield from _at(f"{path}/", app)
        yield from _below(path, app)


def _at(path: str, found: Any, resolved: Resolved = NOTHING) -> Iterator[Description]:
    """Yield the endpoint at a path, if it is one."""
    if isinstance(found, Application):
        yield describe(found.endpoint, path, found.attributes)
    elif is_endpoint(found):
        yield describe(found, path)
    elif (hosted := hosted_in(found)) is not None:
        yield describe(hosted.cls, path, hosted.given, resolved)
