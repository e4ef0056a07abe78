"""wsendpoints, with the same five types: behind the middleware of telemetry, and not.

Spans and metrics are made by OpenTelemetry's SDK, and exported to nowhere.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk import metrics, trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracerProvider, TracerProvider

from benchmarks.contenders.ours import AnswerTypes
from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.telemetry import TelemetryMiddleware

__all__ = ["TRACED"]

NO_SPANS: Final = NoOpTracerProvider()
NO_METRICS: Final = NoOpMeterProvider()
METRICS: Final = metrics.MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)


def traced(tracers: TracerProvider, meters: MeterProvider) -> ASGIApp:
    return TelemetryMiddleware(
        AnswerTypes.as_asgi(), tracer_provider=tracers, meter_provider=meters
    )


TRACED: Final[Mapping[str, ASGIApp]] = {
    "no middleware": AnswerTypes.as_asgi(),
    "no SDK": traced(NO_SPANS, NO_METRICS),
    "metrics": traced(NO_SPANS, METRICS),
    "spans, none sampled": traced(
        trace.TracerProvider(ALWAYS_OFF, shutdown_on_exit=False), NO_METRICS
    ),
    "spans": traced(trace.TracerProvider(shutdown_on_exit=False), NO_METRICS),
    "spans and metrics": traced(trace.TracerProvider(shutdown_on_exit=False), METRICS),
}
"""What a message costs behind the middleware, by what the application has set up."""
