"""What is exported by OTLP, to a receiver over HTTP that reads it as the protocol says."""

import gzip
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.clocks import GENEROUS, REAL_TIME
from tests.telemetry.recorded import TRACE, TRACEPARENT
from wsendpoints import WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.telemetry import TelemetryMiddleware
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Receiver(ThreadingHTTPServer):
    """Takes what is exported, as a collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, path: str, body: bytes) -> None:
        """Read the body of a request."""
        if path == "/v1/traces":
            traces = ExportTraceServiceRequest.FromString(body)
            for resource in traces.resource_spans:
                for scope in resource.scope_spans:
                    assert scope.scope.name == "wsendpoints"
                    self.spans.extend(scope.spans)
        else:
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics.update({it.name: it for it in scope.metrics})


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take what is exported."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        receiver: Any = self.server
        receiver.take(self.path, body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """A receiver that listens."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Echo(WebSocketEndpoint):
    """Answers with what it gets."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


@REAL_TIME
async def test_a_collector_gets_spans_and_metrics(receiver: Receiver) -> None:
    """With the trace of the client, the link of the message, and the units of the metrics."""
    tracers = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{receiver.url}/v1/traces", compression=Compression.Gzip)
    tracers.add_span_processor(BatchSpanProcessor(exporter))
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{receiver.url}/v1/metrics"), export_interval_millis=3_600_000
    )
    meters = MeterProvider([reader], shutdown_on_exit=False)
    app = TelemetryMiddleware(
        WebSocketRouter({"/rooms/{room}": Echo}), tracer_provider=tracers, meter_provider=meters
    )
    async with connect(app, "/rooms/1", headers=TRACEPARENT, timeout=GENEROUS) as client:
        await client.send_text("a")
        assert await client.receive_text() == "a"
    tracers.shutdown()
    meters.shutdown()

    message, connection = receiver.spans
    assert (message.name, connection.name) == ("Echo.on_receive", "websocket /rooms/{room}")
    assert connection.trace_id.hex() == TRACE
    assert [(it.trace_id, it.span_id) for it in message.links] == [
        (connection.trace_id, connection.span_id)
    ]
    units = {name: metric.unit for name, metric in receiver.metrics.items()}
    assert units == {
        "wsendpoints.server.active_connections": "{connection}",
        "wsendpoints.server.closed.connections": "{connection}",
        "wsendpoints.server.connection.duration": "s",
        "wsendpoints.server.handler.duration": "s",
        "wsendpoints.server.received.messages": "{message}",
        "wsendpoints.server.sent.messages": "{message}",
        "wsendpoints.server.waiting.messages": "{message}",
    }
    (received,) = receiver.metrics["wsendpoints.server.received.messages"].sum.data_points
    assert received.as_int == 1
