"""Several endpoints as one ASGI application: which is at which path, and what they start with."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias, final

from wsendpoints.actions import admissions_of
from wsendpoints.application import Application
from wsendpoints.connection.denial import DenialResponse
from wsendpoints.connection.websocket import WebSocket
from wsendpoints.console.documents import Documents
from wsendpoints.contract.asyncapi import asyncapi as describe_all
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.groups.groups import Groups
from wsendpoints.groups.lifespan import serve_lifespan
from wsendpoints.handshake.origins import Origins
from wsendpoints.handshake.request import Request
from wsendpoints.handshake.routing import ROUTE
from wsendpoints.lifecycle.draining import drain
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.live import Live, LiveCheck
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send
from wsendpoints.protocol.exceptions import Denied, InvalidStateError
from wsendpoints.routing.applications import application_at, check_parameters
from wsendpoints.routing.arguments import (
    check_lifespan,
    check_live,
    check_routes,
    check_servers,
    check_text,
    groups_of,
)
from wsendpoints.routing.mounted import split_path
from wsendpoints.routing.patterns import Converter, Pattern, parse_pattern
from wsendpoints.routing.tree import PathTree

__all__ = ["Lifespan", "Route", "Routed", "WebSocketRouter"]

Lifespan: TypeAlias = (
    "Callable[[WebSocketRouter], AbstractAsyncContextManager[Mapping[str, Any] | None]]"
)
"""What an application starts with: entered before the first connection, left after the last.

What it yields, if anything, is in `websocket.state` of each connection.
"""

Routed: TypeAlias = "type[WebSocketEndpoint[Any]] | ASGIApp | WebSocketRouter"
"""What may be at a path."""

_NOT_FOUND: Final = "Not Found"


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint at its path.

    Attributes:
        path: The whole path within the router, as it is written: `"/v1/rooms/{room}"`.
        parameters: What each of its parameters takes, by name, in order.
        endpoint: The class.
        attributes: What was given to `as_asgi`, by name.
    """

    path: str
    parameters: Mapping[str, Converter]
    endpoint: type[WebSocketEndpoint[Any]]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """What is at a path.

    Attributes:
        depth: How many of its segments lead to the application that the rest is left to.
    """

    pattern: Pattern
    app: ASGIApp
    depth: int = 0


class NotFound(WebSocketEndpoint):
    """Is at all other paths. Its name is for the log."""

    allowed_origins: Origins = "*"

    async def on_connect(self, websocket: WebSocket) -> None:
        """Refuse the client."""
        raise Denied(404, body=_NOT_FOUND)


_nowhere: Final = NotFound.as_asgi()


@final
class WebSocketRouter:
    """Endpoints by their paths, as one ASGI application.

    ```python
    app = WebSocketRouter(
        {
            "/chat/{room}": Chat,
            "/news": News.as_asgi(db=db),
            "/admin": WebSocketRouter({"/users/{user:int}": Users}),
        },
        title="Chat",
        version="2.1.0",
        groups=groups,
    )
    ```

    A server runs it, or a framework mounts it, below any path: what the host took is not matched.

    In a path `{name}` is a segment, `{name:int}` one of digits, which arrives as an int, and
    `{name:path}` all that is left, slashes too, or nothing. They are in `websocket.path_params`,
    decoded, beside those of the host. Of the paths that match, the most specific one counts,
    whatever their order: a text is more so than an int, which is more so than a segment. A slash at
    the end makes another path.

    At a path may be an endpoint class, what its `as_asgi` returned, or that with a middleware
    around it: any ASGI application. It gets what is asked for at just this path, and is mounted at
    what is before a `{name:path}`. A router is mounted at its path, and becomes a part of this one:
    its `lifespan` and groups are run with those here.

    A path that leads nowhere is refused with 404: a WebSocket with a bare 403 by servers that can
    send no other answer.

    A server starts `groups`, then `lifespan`. Most frameworks tell what they mount nothing of it:
    start them where the framework's own lifespan is, by `async with groups:`.

    By HTTP it serves the AsyncAPI document of its endpoints, and at `/docs` the console, a page on
    which people try them; both know the endpoints of the routers within this one, which serve none
    of their own. They come before the routes, none of which may have the same path. For whom they
    are not meant, wrap the router, or switch them off.

    Args:
        routes: What is at each path, relative to where the router is.
        title: The name of the API, for those who read its document.
        version: The version of the API.
        description: What it is for, in CommonMark.
        servers: Where it is served, by names such as `"production"`: URLs, such as
            `"wss://example.com/api"`, up to where the router is.
        groups: The `Groups` of the endpoints.
        lifespan: What else is started, and ended: a function of this router that returns an async
            context manager. It may yield a mapping for the `state` of each connection.
        asyncapi: The path of the document; `None` for none.
        docs: The path of the console; `None` for none.
        live: Who may see, in the console, which connections and groups there are in the process
            that answers, and close them: a function of the `Request`, async or not, that returns
            whether whoever sent it may. `None` for nobody.

    Attributes:
        routes: As given; it can't be changed.
        title: As given.
        version: As given.
        description: As given.
        servers: As given.
        groups: As given, as a tuple.
        asyncapi: As given.
        docs: As given.

    Raises:
        ConfigurationError: Something else is at a path, or it can't be served there; a path is no
            path; two paths match the same and neither is more specific; or another argument is
            wrong.
    """

    _path_routing: Final = True
    """Has Django Channels' `path()` match what begins with a path, as for a router of its own."""

    def __init__(
        self,
        routes: "Mapping[str, Routed]",
        *,
        title: str = "WebSocket API",
        version: str = "0.1.0",
        description: str = "",
        servers: Mapping[str, str] = MappingProxyType({}),
        groups: Groups | Sequence[Groups] = (),
        lifespan: "Lifespan | None" = None,
        asyncapi: str | None = "/asyncapi.json",
        docs: str | None = "/docs",
        live: LiveCheck | None = None,
    ) -> None:
        check_routes(routes)
        check_text("title", title)
        check_text("version", version)
        check_text("description", description, may_be_empty=True)
        check_servers(servers)
        check_lifespan(lifespan)
        check_live(live, docs)
        self.routes: Mapping[str, Routed] = MappingProxyType(dict(routes))
        self.title: str = title
        self.version: str = version
        self.description: str = description
        self.servers: Mapping[str, str] = MappingProxyType(dict(servers))
        self.groups: tuple[Groups, ...] = groups_of(groups)
        self.asyncapi: str | None = asyncapi
        self.docs: str | None = docs
        self._lifespan = lifespan
        self._places: list[_Place] = [
            place for path, routed in self.routes.items() for place in _places_of(path, routed)
        ]
        for place in self._places:
            check_parameters(place.pattern, place.app)
        self._tree: PathTree[_Place] = PathTree((it.pattern, it) for it in self._places)
        self._live: Live | None = None if live is None else Live(live, self.all_groups)
        self._documents = Documents(self._describe, asyncapi, docs, has_live=live is not None)
        self._documents.check(it.pattern.text for it in self._places)

    def __repr__(self) -> str:
        return f"<WebSocketRouter {self.title!r}>"

    def endpoints(self) -> Iterator[Route]:
        """Yield all endpoints, those of routers within this one too.

        Applications that are not what `as_asgi` returns are not among them.
        """
        for place in self._places:
            if isinstance(place.app, Application):
                pattern, app = place.pattern, place.app
                yield Route(pattern.text, pattern.parameters, app.endpoint, app.attributes)

    def all_groups(self) -> Iterable[Groups]:
        """Return the groups that it starts: its own, and those of routers within it, each once."""
        return dict.fromkeys(it for router in self._routers() for it in router.groups)

    @property
    def is_to_be_started(self) -> bool:
        """Whether it has what a lifespan starts: groups that are not started, or a `lifespan`.

        It is for a host that has no lifespan, or none for what is mounted in it.
        """
        return not all(it.is_started for it in self.all_groups()) or any(
            it._lifespan is not None for it in self._routers()
        )

    def has_document(self, scope: Scope) -> bool:
        """Return whether an HTTP request is for the document, or for the console.

        It is for a host that answers all other requests itself.
        """
        return self._document(scope) is not None

    async def drain(self, *, over: float) -> None:
        """Close all connections of the endpoints before a restart; see `WebSocketEndpoint.drain`.

        All of `endpoints` are drained at once, wherever else they are served. An application
        that is not what `as_asgi` returns is not, such as one with a middleware around it:
        `WebSocketEndpoint.drain` drains all classes of the process.

        Args:
            over: Seconds over which the connections are closed; 0 closes them all at once.

        Raises:
            ConfigurationError: It is no such time.
        """
        classes = [it.endpoint for it in self.endpoints()]
        await drain(admissions_of(*classes), over, type(self).__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, answer a request, or run the lifespan.

        Raises:
            ValueError: The scope is of another type than the three.
        """
        match scope["type"]:
            case "http" if (document := self._document(scope)) is not None:
                await document(scope, receive, send)
            case "websocket" | "http" as kind:
                found = self._find(scope)
                if found is not None:
                    app, scope = found
                    await app(scope, receive, send)
                elif kind == "websocket":
                    await _nowhere(scope, receive, send)
                else:
                    await DenialResponse(_NOT_FOUND, 404)(scope, receive, send)
            case "lifespan":
                await serve_lifespan(self._started(scope), receive, send)
            case other:
                raise ValueError(
                    f"{self!r} serves scopes of type 'websocket', 'http' and 'lifespan', "
                    f"not {other!r}"
                )

    def _describe(self) -> dict[str, Any]:
        """Return the document of all endpoints."""
        return describe_all(
            {it.path: it.endpoint for it in self.endpoints()},
            title=self.title,
            version=self.version,
            description=self.description,
            servers=self.servers,
        )

    def _document(self, scope: Scope) -> ASGIApp | None:
        """Return the answer to a request for a document."""
        _, path = split_path(scope)
        if self._live is not None and path == f"{self.docs}/live.json":
            return self._live
        return self._documents.find(path, scope.get("method", "GET"))

    def _find(self, scope: Scope) -> tuple[ASGIApp, Scope] | None:
        """Return what is at the path of a scope, and the scope for it."""
        root, path = split_path(scope)
        found = self._tree.find(path)
        if found is None:
            return None
        place, params = found
        # Not in place: the host, or a middleware, may go on with it.
        inner = {**scope, "path_params": {**Request(scope).path_params, **params}}
        if self._live is not None:
            inner[WATCHED] = (*scope.get(WATCHED, ()), self._live.watch)
        if WATCHED in inner:
            inner[ROUTE] = place.pattern.text
        if place.depth:
            outer = "/".join(path.split("/")[: place.depth + 1])
            # As Starlette's `Mount` has it: the path stays whole, and `base_url` is the host's.
            inner["app_root_path"] = scope.get("app_root_path", scope.get("root_path", ""))
            inner["root_path"] = root + outer
            inner.pop("path_remaining", None)
        return place.app, inner

    @asynccontextmanager
    async def _started(self, scope: Scope) -> AsyncGenerator[None]:
        # The same router, or groups, may be in several places.
        async with AsyncExitStack() as stack:
            for groups in self.all_groups():
                await stack.enter_async_context(groups)
            for router in dict.fromkeys(self._routers()):
                if (lifespan := router._lifespan) is not None:
                    _share(await stack.enter_async_context(lifespan(router)), scope)
            yield

    def _routers(self) -> Iterator["WebSocketRouter"]:
        yield self
        for routed in self.routes.values():
            if isinstance(routed, WebSocketRouter):
                yield from routed._routers()


def _places_of(path: str, routed: "Routed") -> Iterator[_Place]:
    """Yield what a route leads to: one application, or those of a router."""
    pattern = parse_pattern(path)
    if not isinstance(routed, WebSocketRouter):
        app = application_at(path, routed)
        takes_rest = "path" in pattern.parameters.values() and not isinstance(app, Application)
        yield _Place(pattern, app, len(pattern.segments) - 1 if takes_rest else 0)
        return
    if pattern.segments[-1] == "":
        # The paths within it begin with this slash.
        pattern = Pattern(path[:-1], pattern.segments[:-1])
    for place in routed._places:  # pyright: ignore[reportPrivateUsage]  # its own module
        joined = pattern.joined(place.pattern)
        yield _Place(joined, place.app, len(pattern.segments) + place.depth)


def _share(state: Mapping[str, Any] | None, scope: Scope) -> None:
    """Put what a lifespan yields where connections find it (ASGI spec, "Lifespan State")."""
    if state is None:
        return
    shared: Any = scope.get("state")
    if shared is None:
        raise InvalidStateError(
            "the lifespan yields a state, and this server has none: keep it in a variable"
        )
    shared.update(state)
