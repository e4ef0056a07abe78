"""The metrics of the endpoints behind a middleware.

What is counted for each message is a number of Python's, which is read when metrics are collected:
to add to a counter of the SDK takes as long as to handle a small message.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Final, Protocol, final
from weakref import WeakKeyDictionary, ref

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
from opentelemetry.trace import Link

from wsendpoints.telemetry.attributes import ENDPOINT

__all__ = ["NAME", "VERSION", "Metrics", "Open", "Tally", "metrics_of"]

NAME: Final = "wsendpoints"
VERSION: Final = version(NAME)

# The former are those of `http.server.request.duration`; connections may last for days.
_HANDLER_BOUNDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1),
    *(0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
_CONNECTION_BOUNDS: Final = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 4 * 3600, 24 * 3600)

_QUEUE: Final = "wsendpoints.queue"


class Open(Protocol):
    """A connection that is served, as its messages and the metrics have it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def links(self) -> Sequence[Link]:
        """The link to its span; empty if there is none."""
        ...

    @property
    def is_accepted(self) -> bool:
        """Whether the client was accepted."""
        ...

    @property
    def waiting(self) -> tuple[int, int]:
        """How many messages wait to be handled, and how many for the client to read."""
        ...


@final
class Tally:
    """What is counted of the connections to an endpoint class.

    Args:
        endpoint: The name of the class.

    Attributes:
        attributes: What metrics say of it.
        open: The connections that are served, by the ids of their endpoints.
        received: How many messages came.
        sent: How many messages were sent.
    """

    __slots__ = ("attributes", "open", "received", "sent")

    def __init__(self, endpoint: str) -> None:
        self.attributes: dict[str, str] = {ENDPOINT: endpoint}
        self.open: dict[int, Open] = {}
        self.received: int = 0
        self.sent: int = 0


@final
class Metrics:
    """The instruments, and the tallies that they read.

    Args:
        meter: What makes the instruments.

    Attributes:
        connection_time: Seconds of a connection, from its accept to its end.
        handler_time: Seconds of a handler.
        invalid: How many messages were unusable.
        closed: How many connections ended, by close code.
        refused: How many handshakes were refused, by status.
    """

    __slots__ = (
        "__weakref__",
        "_tallies",
        "closed",
        "connection_time",
        "handler_time",
        "invalid",
        "refused",
    )

    def __init__(self, meter: Meter) -> None:
        self._tallies: dict[str, Tally] = {}
        self.connection_time: metrics.Histogram = meter.create_histogram(
            "wsendpoints.server.connection.duration",
            "s",
            "How long connections were open.",
            explicit_bucket_boundaries_advisory=_CONNECTION_BOUNDS,
        )
        self.handler_time: metrics.Histogram = meter.create_histogram(
            "wsendpoints.server.handler.duration",
            "s",
            "How long handlers took for a message.",
            explicit_bucket_boundaries_advisory=_HANDLER_BOUNDS,
        )
        self.invalid: metrics.Counter = meter.create_counter(
            "wsendpoints.server.invalid.messages", "{message}", "Messages that were not valid."
        )
        self.closed: metrics.Counter = meter.create_counter(
            "wsendpoints.server.closed.connections", "{connection}", "Connections that ended."
        )
        self.refused: metrics.Counter = meter.create_counter(
            "wsendpoints.server.refused.connections",
            "{connection}",
            "Handshakes that failed.",
        )
        meter.create_observable_up_down_counter(
            "wsendpoints.server.active_connections",
            [self._observing(_count_accepted)],
            "{connection}",
            "Connections that are open.",
        )
        meter.create_observable_counter(
            "wsendpoints.server.received.messages",
            [self._observing(lambda tally: tally.received)],
            "{message}",
            "Messages that clients sent.",
        )
        meter.create_observable_counter(
            "wsendpoints.server.sent.messages",
            [self._observing(lambda tally: tally.sent)],
            "{message}",
            "Messages that were sent to clients.",
        )
        meter.create_observable_up_down_counter(
            "wsendpoints.server.waiting.messages",
            [self._observe_waiting],
            "{message}",
            "Messages that wait to be handled, or for clients to read.",
        )

    def tally(self, endpoint: str) -> Tally:
        """Return what counts for the endpoint classes of a name."""
        found = self._tallies.get(endpoint)
        if found is None:
            found = self._tallies[endpoint] = Tally(endpoint)
        return found

    # Called in a thread of the SDK's, while connections come and go.

    def _observing(
        self, count: Callable[[Tally], int]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(count(it), it.attributes) for it in [*self._tallies.values()]]

        return observe

    def _observe_waiting(self, _: CallbackOptions) -> Iterator[Observation]:
        for tally in [*self._tallies.values()]:
            counts = [it.waiting for it in [*tally.open.values()]]
            for number, queue in enumerate(("inbox", "outbox")):
                total = sum(count[number] for count in counts)
                yield Observation(total, {**tally.attributes, _QUEUE: queue})


def _count_accepted(tally: Tally) -> int:
    return sum(it.is_accepted for it in [*tally.open.values()])


_KNOWN: Final[WeakKeyDictionary[MeterProvider, ref[Metrics]]] = WeakKeyDictionary()


def metrics_of(provider: MeterProvider | None) -> Metrics:
    """Return the metrics of a provider: the same ones each time, since it has instruments once.

    Args:
        provider: The provider; `None` for the global one.
    """
    provider = provider or metrics.get_meter_provider()
    known = _KNOWN.get(provider)
    found = None if known is None else known()
    if found is None:
        found = Metrics(metrics.get_meter(NAME, VERSION, provider))
        _KNOWN[provider] = ref(found)
    return found
