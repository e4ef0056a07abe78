"""`get_asgi_application`: Django's application, and a router of endpoints beside it."""

from collections.abc import Mapping
from typing import Any, cast, final

from django.core.asgi import (  # type: ignore[import-untyped]  # Django has no types
    get_asgi_application as get_django_application,
)
from django.utils.module_loading import import_string  # type: ignore[import-untyped]  # Django has no types

from wsendpoints.django.lifespan import Lifespan
from wsendpoints.django.noticing import notice_connections, noticing
from wsendpoints.django.starting import are_run_by_thread, claimed
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.router import Routed, WebSocketRouter

__all__ = ["DjangoApplication", "get_asgi_application", "router_of"]


def get_asgi_application(
    router: "WebSocketRouter | Mapping[str, Routed] | str", *, http: ASGIApp | None = None
) -> "DjangoApplication":
    """Set up Django, and return its ASGI application with a router of endpoints beside it.

    ```python
    # mysite/asgi.py
    import os

    from wsendpoints.django import get_asgi_application

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

    application = get_asgi_application("mysite.sockets.router")
    ```

    WebSockets are the router's, whose paths are whole, as those of `urls.py` are. Requests are
    Django's, except for the document and the console of the router, at the paths that it has for
    them. The groups and the lifespan of the router are started, and ended, with the server; on
    daphne, which runs no lifespan, with the first WebSocket, and as the reactor shuts down.

    Args:
        router: The router, or a mapping from paths to endpoints; or the dotted path of such, which
            is imported once Django is set up, so that its module may import models.
        http: What answers requests; by default Django's own application. It is for middlewares
            around that, such as `ASGIStaticFilesHandler(...)`.

    Raises:
        ConfigurationError: It is none of these, or the mapping can't be a router.
        ImportError: There is nothing at the dotted path.
    """
    django = get_django_application()
    return DjangoApplication(router_of(router), django if http is None else http)


def router_of(router: "WebSocketRouter | Mapping[str, Routed] | str") -> WebSocketRouter:
    """Return the router that is meant; see `get_asgi_application`.

    Raises:
        ConfigurationError: It is none of these, or the mapping can't be a router.
        ImportError: There is nothing at the dotted path.
    """
    found: Any = import_string(router) if isinstance(router, str) else router
    if isinstance(found, Mapping):
        return WebSocketRouter(cast("Mapping[str, Routed]", found))
    if not isinstance(found, WebSocketRouter):
        raise ConfigurationError(
            f"{router!r} is no router: use a WebSocketRouter, a mapping from paths to endpoints, "
            "or the dotted path of one, such as 'mysite.sockets.router'"
        )
    return found


@final
class DjangoApplication:
    """What `get_asgi_application` returns.

    Attributes:
        router: The router.
        http: What answers requests.
    """

    __slots__ = ("_has_lifespan", "_lifespan", "http", "router")

    def __init__(self, router: WebSocketRouter, http: ASGIApp) -> None:
        self.router: WebSocketRouter = router
        self.http: ASGIApp = http
        self._has_lifespan = False
        self._lifespan = Lifespan(self._serve_lifespan)
        notice_connections()

    def __repr__(self) -> str:
        return f"<DjangoApplication with {self.router!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, answer a request, or run the lifespan.

        Raises:
            ValueError: The scope is of another type than the three.
            InvalidStateError: The server runs no lifespan, and what the router starts can't start.
        """
        match scope["type"]:
            case "http" if not self.router.has_document(scope):
                await self.http(scope, receive, send)
            case "websocket":
                scope = {**scope, WATCHED: (*scope.get(WATCHED, ()), noticing)}
                await self._serve(scope, receive, send)
            case "lifespan":
                self._has_lifespan = True
                await self._serve_lifespan(scope, receive, send)
            case _:
                await self.router(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._has_lifespan or not self._needs_lifespan:
            await self.router(scope, receive, send)
            return
        async with self._lifespan.started():
            scope = {**scope, "state": dict(self._lifespan.state)}
            await self.router(scope, receive, send)

    @property
    def _needs_lifespan(self) -> bool:
        return (
            self._lifespan.is_running
            or self.router.is_to_be_started
            or are_run_by_thread(self.router.all_groups())
        )

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with claimed(self.router.all_groups()) as tell:

            async def send_and_tell(event: Event) -> None:
                tell()
                await send(event)

            await self.router(scope, receive, send_and_tell)
