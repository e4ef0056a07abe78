"""Tests of the errors that a test fails with."""

import copy
import pickle

import pytest

from wsendpoints.testing import (
    AppStillRunningError,
    ConnectionEndedError,
    HandshakeDenied,
    IllegalEventError,
    LeftoverTasksError,
    LifespanFailedError,
    UnexpectedEventError,
)

ERRORS: list[tuple[Exception, str]] = [
    (HandshakeDenied(403), "the app denied the handshake with status 403"),
    (
        HandshakeDenied(401, [(b"a", b"b")], b"no"),
        "the app denied the handshake with status 401 and the body b'no'",
    ),
    (
        UnexpectedEventError("a text frame", "nothing came within 1 s"),
        "awaited a text frame, but nothing came within 1 s",
    ),
    (
        ConnectionEndedError("send a text frame", "the client vanished"),
        "cannot send a text frame: the client vanished",
    ),
    (
        IllegalEventError({"type": "x" * 300}, "bad", "granian exits"),
        (
            "the app sent an illegal event: bad; the event is {'type': '"
            + "x" * 190
            + "...; granian exits"
        ),
    ),
    (
        LifespanFailedError("startup", "no database"),
        "the app sent lifespan.startup.failed: 'no database'",
    ),
    (
        LifespanFailedError("startup", None),
        "the app ended without an answer to lifespan.startup",
    ),
    (
        AppStillRunningError("the client vanished", 0.5, True),
        "the client vanished, but the app did not end within 0.5 s: it was cancelled",
    ),
    (
        AppStillRunningError("the client vanished", 1.0, False),
        (
            "the client vanished, but the app did not end within 1 s: "
            "it did not even end when cancelled"
        ),
    ),
    (
        LeftoverTasksError(["a (work)", "b (work)"]),
        (
            "the app ended, but 2 of its tasks still ran: a (work), b (work); "
            "await or cancel them before the app returns, or name those that are to go on in "
            "`connect(..., lasting_tasks=[...])`"
        ),
    ),
]


@pytest.mark.parametrize(("error", "text"), ERRORS)
def test_text_copy_and_pickle(error: Exception, text: str) -> None:
    """Each error tells what happened, and survives copying and pickling."""
    assert str(error) == text
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert type(twin) is type(error)
        assert str(twin) == text
        assert vars(twin) == vars(error)
