"""A test client that plays the ASGI server, on the test's own event loop."""

from wsendpoints.testing.backplane_contract import check_backplane
from wsendpoints.testing.client import Client
from wsendpoints.testing.connecting import connect
from wsendpoints.testing.dialect_contract import check_dialect
from wsendpoints.testing.dialects import Dialect, ServerName
from wsendpoints.testing.errors import (
    AppStillRunningError,
    ConnectionEndedError,
    HandshakeDenied,
    IllegalEventError,
    LeftoverTasksError,
    LifespanFailedError,
    UnexpectedEventError,
)
from wsendpoints.testing.events import Closed
from wsendpoints.testing.lifespan import lifespan
from wsendpoints.testing.measured import DIALECTS

__all__ = [
    "DIALECTS",
    "AppStillRunningError",
    "Client",
    "Closed",
    "ConnectionEndedError",
    "Dialect",
    "HandshakeDenied",
    "IllegalEventError",
    "LeftoverTasksError",
    "LifespanFailedError",
    "ServerName",
    "UnexpectedEventError",
    "check_backplane",
    "check_dialect",
    "connect",
    "lifespan",
]
