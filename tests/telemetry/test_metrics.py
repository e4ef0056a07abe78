"""What is counted, and that it is read as it is."""

import gc
import weakref
from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider

from tests.telemetry.recorded import Recorded, attributes
from wsendpoints.telemetry.metrics import Metrics, metrics_of

CHAT = attributes(endpoint="Chat")


class Fixed:
    """A connection as it is at one moment."""

    id = "1"
    links = ()

    def __init__(self, *, is_accepted: bool, waiting: tuple[int, int]) -> None:
        self.is_accepted = is_accepted
        self.waiting = waiting


def test_a_tally_is_read_when_metrics_are_collected() -> None:
    """All connections of a class count, by its name."""
    recorded = Recorded()
    found = metrics_of(recorded.meters)
    tally = found.tally("Chat")
    assert found.tally("Chat") is tally
    tally.open[1] = Fixed(is_accepted=True, waiting=(1, 10))
    tally.open[2] = Fixed(is_accepted=False, waiting=(2, 0))
    tally.received += 3
    tally.sent += 4
    assert recorded.metric("active_connections") == {CHAT: 1}
    assert recorded.metric("received.messages") == {CHAT: 3}
    assert recorded.metric("sent.messages") == {CHAT: 4}
    assert recorded.metric("waiting.messages") == {
        attributes(endpoint="Chat", queue="inbox"): 3,
        attributes(endpoint="Chat", queue="outbox"): 10,
    }
    tally.received += 1
    assert recorded.metric("received.messages") == {CHAT: 4}


def test_what_is_counted_at_once() -> None:
    """It has the attributes that it is counted with."""
    recorded = Recorded()
    found = metrics_of(recorded.meters)
    found.invalid.add(1, {"a": 1})
    found.closed.add(2)
    found.refused.add(3)
    found.handler_time.record(0.1)
    found.connection_time.record(0.1)
    assert recorded.metric("invalid.messages") == {frozenset({("a", 1)}): 1}
    assert recorded.metric("closed.connections") == {frozenset(): 2}
    assert recorded.metric("refused.connections") == {frozenset(): 3}
    assert recorded.metric("handler.duration") == {frozenset(): 1}
    assert recorded.metric("connection.duration") == {frozenset(): 1}


def test_a_provider_has_its_instruments_once() -> None:
    """Two middlewares of one provider count together; of two, each on its own."""
    one, other = Recorded(), Recorded()
    first = metrics_of(one.meters)
    assert metrics_of(one.meters) is first
    assert metrics_of(other.meters) is not first
    first.tally("Chat").sent += 1
    assert one.metric("sent.messages") == {CHAT: 1}
    assert other.metric("sent.messages") == {}


def test_without_a_provider_it_is_the_global_one() -> None:
    """Which an application may set later."""
    found: Any = metrics_of(None)
    assert found is metrics_of(metrics.get_meter_provider())
    assert isinstance(found, Metrics)


def test_metrics_that_nobody_has_are_made_again() -> None:
    """A provider that keeps none of them, as one that does nothing, does not keep them alive."""
    provider = metrics.NoOpMeterProvider()
    gone = weakref.ref(metrics_of(provider))
    gc.collect()
    assert gone() is None
    assert isinstance(metrics_of(provider), Metrics)


def test_a_real_provider_keeps_what_it_reads() -> None:
    """So that an application that is made again goes on with its counts."""
    provider = MeterProvider(shutdown_on_exit=False)
    kept = weakref.ref(metrics_of(provider))
    gc.collect()
    assert metrics_of(provider) is kept()
