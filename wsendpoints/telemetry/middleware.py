"""The middleware that has the connections of endpoints behind it traced, and counted."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Final, final

from opentelemetry import trace
from opentelemetry.metrics import MeterProvider

from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.lifecycle.hooks import Lifecycle, lifecycle_of, name_of
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.messages.around import around
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.telemetry.handlers import measured
from wsendpoints.telemetry.metrics import NAME, VERSION, Tally, metrics_of
from wsendpoints.telemetry.watched import Watched

__all__ = ["TelemetryMiddleware"]

_WEBSOCKET: Final = "websocket"


@final
class TelemetryMiddleware:
    """Makes spans and metrics of OpenTelemetry for all endpoints behind it.

    ```python
    app = TelemetryMiddleware(Chat.as_asgi())
    ```

    It is an ASGI middleware, for `add_middleware` of a framework too, and passes all else on as it
    is. A connection has a span, from the handshake to the end of `on_disconnect`, within the span
    of a middleware before, or within what the headers of the handshake say. Each message has a span
    for as long as its handler takes, streams included: it begins a trace of its own, which is
    linked to the connection. Exceptions are recorded, and pass as they would. What no middleware of
    this kind is before of pays nothing for it.

    Args:
        app: An ASGI application.
        tracer_provider: Makes the spans; `None` for the global one.
        meter_provider: Makes the metrics; `None` for the global one.
        exclude: Endpoint classes that are left out, with their subclasses.

    Attributes:
        app: As given.

    Raises:
        ConfigurationError: Something else than an endpoint class is excluded.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        exclude: Iterable[type[WebSocketEndpoint[Any]]] = (),
    ) -> None:
        self.app: ASGIApp = app
        self._tracer = trace.get_tracer(NAME, VERSION, tracer_provider)
        self._metrics = metrics_of(meter_provider)
        self._exclude = tuple(exclude)
        for it in self._exclude:
            _check_class(it)
        self._declarations: dict[type, tuple[Declaration, Declaration]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, or whatever else is asked for."""
        if scope["type"] == _WEBSOCKET:
            # Not in place: it is the server's.
            scope = {**scope, WATCHED: (*scope.get(WATCHED, ()), self._watch)}
        await self.app(scope, receive, send)

    def _watch(self, endpoint: Any) -> AbstractContextManager[object]:
        if isinstance(endpoint, self._exclude):
            return nullcontext()
        lifecycle = lifecycle_of(endpoint)
        tally = self._metrics.tally(name_of(endpoint))
        lifecycle.declaration = self._measured(endpoint.__class__, lifecycle, tally)
        return Watched(endpoint, lifecycle, self._tracer, self._metrics, tally)

    def _measured(self, cls: type, lifecycle: Lifecycle, tally: Tally) -> Declaration:
        """Return what a class declares, with a span around each of its handlers."""
        declaration = lifecycle.declaration.current()
        known = self._declarations.get(cls)
        if known is None or known[0] is not declaration:
            wrap = partial(
                measured,
                cls=cls,
                tracer=self._tracer,
                metrics=self._metrics,
                tally=tally,
            )
            known = self._declarations[cls] = declaration, around(declaration, wrap)
        return known[1]


def _check_class(excluded: object) -> None:
    if not (isinstance(excluded, type) and issubclass(excluded, WebSocketEndpoint)):
        raise ConfigurationError(
            f"exclude has {excluded!r}: use endpoint classes, as in `exclude=[Chat]`"
        )
