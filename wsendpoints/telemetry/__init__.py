"""Spans and metrics of OpenTelemetry, with the extra `otel`."""

from wsendpoints.telemetry.middleware import TelemetryMiddleware

__all__ = ["TelemetryMiddleware"]
