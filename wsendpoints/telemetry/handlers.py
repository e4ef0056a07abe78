"""A span for each message that a handler gets.

It is the root of a trace of its own, linked to the span of its connection. A trace of all the
messages of a connection would be without end, and no sampler could choose among them.
"""

import functools
from contextvars import Token
from time import perf_counter
from typing import Any, Final

from opentelemetry import context, trace

from wsendpoints.messages.exchange import Called
from wsendpoints.messages.method import Handler, Method
from wsendpoints.telemetry.attributes import CONNECTION, ERROR_TYPE, HANDLER, MESSAGE, PROTOCOL
from wsendpoints.telemetry.metrics import Metrics, Tally
from wsendpoints.telemetry.outcome import outcome_of

__all__ = ["fail", "measured"]

_SERVER: Final = trace.SpanKind.SERVER


def measured(
    handler: Handler,
    method: Method,
    cls: type,
    tracer: trace.Tracer,
    metrics: Metrics,
    tally: Tally,
) -> Handler:
    """Return the handler that calls another one within a span, and counts its time.

    Args:
        handler: The other.
        method: Its method.
        cls: The endpoint class.
        tracer: Makes the spans.
        metrics: Count the time.
        tally: Knows the connections to the class.
    """
    name = f"{cls.__qualname__}.{method.name}"
    counted = {**tally.attributes, HANDLER: method.name}
    known: dict[str, str] = {
        **counted,
        PROTOCOL: "websocket",
        "code.function.name": f"{cls.__module__}.{name}",
    }
    dialect: Any = getattr(cls, "dialect", None)
    if dialect is not None:
        known["rpc.system.name"] = type(dialect).__name__.lower()
        known["rpc.method"] = method.options.name or method.name

    @functools.wraps(handler, updated=())
    async def handle(endpoint: Any, websocket: Any, data: Any) -> Any:
        connection = tally.open[id(endpoint)]
        attributes = {**known, CONNECTION: connection.id}
        if type(data) is not Called:
            attributes[MESSAGE] = type(data).__name__
        # The rest of the context, such as baggage, stays.
        root = trace.set_span_in_context(trace.INVALID_SPAN)
        span = tracer.start_span(name, root, _SERVER, attributes, connection.links)
        token: Token[context.Context] | None = context.attach(trace.set_span_in_context(span, root))
        measures = counted
        began = perf_counter()
        try:
            return await handler(endpoint, websocket, data)
        except GeneratorExit:
            # It was closed: the event loop is gone, and with it the context.
            token = None
            raise
        except BaseException as exc:
            measures = {**counted, ERROR_TYPE: fail(span, exc)}
            raise
        finally:
            metrics.handler_time.record(perf_counter() - began, measures)
            if token is not None:
                context.detach(token)
            span.end()

    # How it is called in the log.
    handle.__name__ = method.name
    return handle


def fail(span: trace.Span, exc: BaseException) -> str:
    """Have a span say how it ended, and return the type of the error.

    A mistake of the application's is recorded with its traceback; what a client did is not.
    """
    error_type, failure = outcome_of(exc)
    try:
        span.set_attribute(ERROR_TYPE, error_type)
        if failure is not None:
            span.record_exception(failure)
            span.set_status(trace.StatusCode.ERROR, f"{type(failure).__name__}: {failure}")
    finally:
        # It holds this frame: without these references it is no cycle.
        del failure, exc
    return error_type
