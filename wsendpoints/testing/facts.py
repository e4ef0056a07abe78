"""What is known of an ASGI server: how it is played, and what shows on a network only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wsendpoints.testing.dialects import Dialect
from wsendpoints.testing.faults import Fault

__all__ = ["ServerFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts(Dialect):
    """The facts of a server that was measured.

    `tests/interop/test_facts.py` asks the real server for each of them.

    Attributes:
        version: The version that was measured; those after it are expected to do the same.
        on_trio: Whether the app runs on trio.
        failure_status: The status when the app raises before it has answered the handshake.
        bounds_outbound: Whether `send` waits for a client that does not read.
        bounds_inbound: Whether a client that sends has to wait for an app that does not receive.
        shields_sends: Whether a `send` that waits cannot be cancelled.
        runs_lifespan: Whether it tells the app of its startup and its shutdown.
        finds_dead_clients: Whether a client that answers no ping is disconnected, where pings
            are on.
        compresses: Whether it takes a client's offer of permessage-deflate.
        logs_denials: Whether each denial response leaves an error in its log.
        logs_shutdown: Whether its end leaves errors in its log when connections are open.
        illegal_events: What it does with each illegal event.
    """

    version: str
    on_trio: bool = False
    failure_status: int = 500
    bounds_outbound: bool = True
    bounds_inbound: bool = True
    shields_sends: bool = False
    runs_lifespan: bool = True
    finds_dead_clients: bool = True
    compresses: bool = True
    logs_denials: bool = False
    logs_shutdown: bool = False
    illegal_events: Mapping[Fault, str] = field(hash=False)
