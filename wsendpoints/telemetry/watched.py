"""A span for a connection, and what is counted of it."""

from collections.abc import Awaitable, Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Final, final

from opentelemetry import context, trace

from wsendpoints.connection.listener import Listener
from wsendpoints.handshake.routing import route_of
from wsendpoints.lifecycle.hooks import Hooks, Lifecycle, name_of
from wsendpoints.protocol.asgi import Event, Receive, Send
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.exceptions import ClientMessageError
from wsendpoints.protocol.state import CLOSE, CLOSED, RECEIVE, RESPONSE_START, SEND
from wsendpoints.telemetry.attributes import (
    CLOSE_BY,
    CLOSE_CODE,
    ENDPOINT,
    ERROR_TYPE,
    STATUS,
    SUBPROTOCOL,
    attributes_of,
    parent_of,
)
from wsendpoints.telemetry.handlers import fail
from wsendpoints.telemetry.metrics import Metrics, Tally
from wsendpoints.telemetry.outcome import error_type_of

__all__ = ["Watched"]

_REGISTERED: Final = frozenset(CloseCode)
_SWITCHING_PROTOCOLS: Final = 101
_FORBIDDEN: Final = 403


@final
class Watched(Listener):
    """A connection while it is served, which has a span.

    Args:
        endpoint: Its endpoint.
        lifecycle: That of the endpoint.
        tracer: Makes the span.
        metrics: Count its time, and how it ended.
        tally: That of its class.

    Attributes:
        id: The id of the connection.
        links: The link of its messages to its span.
    """

    __slots__ = (
        "_accepted_at",
        "_answer",
        "_endpoint",
        "_lifecycle",
        "_metrics",
        "_span",
        "_tally",
        "_token",
        "_tracer",
        "_websocket",
        "id",
        "links",
    )

    def __init__(
        self,
        endpoint: Hooks,
        lifecycle: Lifecycle,
        tracer: trace.Tracer,
        metrics: Metrics,
        tally: Tally,
    ) -> None:
        self._endpoint = endpoint
        self._websocket = endpoint.websocket
        self._lifecycle = lifecycle
        self._tracer = tracer
        self._metrics = metrics
        self._tally = tally
        self._answer = _Answer()
        self._accepted_at: float | None = None
        self._span: trace.Span
        self._token: Any
        self.id: str = self._websocket.connection_id
        self.links: tuple[trace.Link, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether the client was accepted."""
        return self._accepted_at is not None

    @property
    def waiting(self) -> tuple[int, int]:
        """How many messages wait to be handled, and how many for the client to read."""
        box = self._lifecycle.open_outbox
        return self._lifecycle.waiting, 0 if box is None else box.waiting[0]

    def __enter__(self) -> None:
        websocket = self._websocket
        where = name_of(self._endpoint)
        parent, kind = parent_of(websocket)
        self._span = self._tracer.start_span(
            f"websocket {route_of(websocket.scope) or where}",
            parent,
            kind,
            {**attributes_of(websocket), ENDPOINT: where},
        )
        if (own := self._span.get_span_context()).is_valid:
            self.links = (trace.Link(own),)
        connection = self._lifecycle.connection
        connection.receive = _counting_received(connection.receive, self._tally)
        connection.send = _counting_sent(connection.send, self._tally, self._answer)
        connection.listen(self)
        self._tally.open[id(self._endpoint)] = self
        self._token = context.attach(trace.set_span_in_context(self._span, parent))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        del self._tally.open[id(self._endpoint)]
        # Its coroutine was closed: the event loop is gone, and with it the context.
        is_abandoned = kind is GeneratorExit
        connection = self._lifecycle.connection
        connection.stop_listening(self)
        span, attributes = self._span, self._tally.attributes
        if exc is not None and not is_abandoned:
            error_type = fail(span, exc)
            attributes = {**attributes, ERROR_TYPE: error_type}
        if self._accepted_at is None:
            self._refused(attributes)
        else:
            code = connection.code
            if code == CloseCode.NO_STATUS_RECEIVED:
                # As `on_disconnect` is told: servers differ in which of the two they say.
                code = CloseCode.ABNORMAL_CLOSURE
            by = "server" if connection.state is CLOSED else "client"
            span.set_attributes({CLOSE_CODE: int(code), CLOSE_BY: by})
            closed: dict[str, str | int] = {**self._tally.attributes, CLOSE_BY: by}
            if by == "server" or code in _REGISTERED:
                # Of other codes clients may choose thousands, which would each be counted.
                closed[CLOSE_CODE] = int(code)
            self._metrics.closed.add(1, closed)
            self._metrics.connection_time.record(monotonic() - self._accepted_at, attributes)
        if not is_abandoned:
            context.detach(self._token)
        span.end()
        # The exception may hold this frame: without these references it is no cycle.
        del exc, traceback

    def _refused(self, attributes: Mapping[str, str]) -> None:
        status = self._answer.status
        if status is not None:
            self._span.set_attribute(STATUS, status)
            self._metrics.refused.add(1, {**attributes, STATUS: status})
        elif ERROR_TYPE in attributes:
            # It is the server's to answer, which says what it likes.
            self._metrics.refused.add(1, {**attributes})

    def on_accept(self) -> None:
        """Count from now on."""
        self._accepted_at = monotonic()
        self._span.set_attribute(STATUS, _SWITCHING_PROTOCOLS)
        if (subprotocol := self._websocket.subprotocol) is not None:
            self._span.set_attribute(SUBPROTOCOL, subprotocol)

    def on_invalid(self, error: ClientMessageError) -> None:
        """Count it, by what is wrong."""
        self._metrics.invalid.add(1, {**self._tally.attributes, ERROR_TYPE: error_type_of(error)})


@final
class _Answer:
    """How a handshake was refused. It does not know the connection, which leads here."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status: int | None = None

    def sent(self, event: Event) -> None:
        if event["type"] == RESPONSE_START:
            self.status = event["status"]
        elif event["type"] == CLOSE:
            self.status = _FORBIDDEN


def _counting_received(receive: Receive, tally: Tally) -> Receive:
    async def counting() -> Event:
        event = await receive()
        if event.get("type") == RECEIVE:
            tally.received += 1
        return event

    return counting


def _counting_sent(send: Send, tally: Tally, answer: _Answer) -> Send:
    # No coroutine of its own: what is awaited is the server's.
    def counting(event: Event) -> Awaitable[None]:
        if event["type"] == SEND:
            tally.sent += 1
        else:
            answer.sent(event)
        return send(event)

    return counting
