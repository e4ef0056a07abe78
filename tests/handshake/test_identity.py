"""By what a connection is known in logs and traces."""

import logging
import re

import pytest

from tests.fake_server import make_scope
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.handshake.identity import SERVED, LogFields, connection_id_of


def test_id_is_made_once_when_it_is_asked_for() -> None:
    """It is kept in the scope, and random."""
    scope = make_scope()
    before = dict(scope)
    websocket = WebSocket(scope)
    assert scope == before
    made = connection_id_of(scope)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert connection_id_of(scope) == websocket.connection_id == made
    assert WebSocket(make_scope()).connection_id != made


def test_fields_are_made_with_the_record(caplog: pytest.LogCaptureFixture) -> None:
    """So that a line that is not logged costs no id."""
    scope = {**make_scope(), "path": "/chat", SERVED: WebSocketEndpoint}
    before = dict(scope)
    logger = logging.getLogger("wsendpoints")
    with caplog.at_level(logging.INFO, "wsendpoints"):
        logger.debug("quiet", extra=LogFields(scope))
        assert scope == before
        logger.info("loud", extra=LogFields(scope, close_code=1000))
    (record,) = caplog.records
    assert {
        "connection_id": connection_id_of(scope),
        "endpoint": "WebSocketEndpoint",
        "path": "/chat",
        "close_code": 1000,
    }.items() <= vars(record).items()


def test_fields_are_a_mapping() -> None:
    """Which is made once."""
    fields = LogFields(make_scope(), limit="idle_timeout")
    assert len(fields) == 4
    assert fields["limit"] == "idle_timeout"
    assert dict(fields) == dict(fields)
