"""What a middleware makes, as the SDK of OpenTelemetry has it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.telemetry import TelemetryMiddleware

__all__ = ["TRACE", "TRACEPARENT", "Recorded", "attributes", "said", "trace_of"]

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT: Final = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
"""The header of a client that is traced."""


class Recorded:
    """The spans and metrics of what is behind a middleware.

    Args:
        sampler: Chooses the spans.
    """

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(sampler, shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    def around(self, app: ASGIApp, exclude: Iterable[type[Any]] = ()) -> TelemetryMiddleware:
        """Return an application with the middleware around it."""
        return TelemetryMiddleware(
            app, tracer_provider=self.tracers, meter_provider=self.meters, exclude=exclude
        )

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The spans that ended, in the order in which they did."""
        return self._exporter.get_finished_spans()

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.spans]

    def span(self, name: str) -> ReadableSpan:
        """Return the one span of a name."""
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def metric(self, name: str) -> dict[frozenset[tuple[str, Any]], Any]:
        """Return the values of a metric by their attributes: of a histogram, the counts."""
        return {
            frozenset(dict(point.attributes).items()): getattr(
                point, "count", getattr(point, "value", None)
            )
            for point in _points(self._reader.get_metrics_data(), f"wsendpoints.server.{name}")
        }


def _points(data: Any, name: str) -> list[Any]:
    if data is None:
        return []
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def attributes(**known: Any) -> frozenset[tuple[str, Any]]:
    """Return the key of a value of a metric: `close__code` stands for `wsendpoints.close.code`."""
    return frozenset(
        (name if name.startswith(("error", "http")) else f"wsendpoints.{name}", value)
        for name, value in ((it.replace("__", "."), value) for it, value in known.items())
    )


def trace_of(span: ReadableSpan) -> str:
    """Return the id of a span's trace, as headers have it."""
    own = span.get_span_context()
    assert own is not None
    return f"{own.trace_id:032x}"


def said(span: ReadableSpan) -> Mapping[str, Any]:
    """Return the attributes of a span."""
    return span.attributes or {}
