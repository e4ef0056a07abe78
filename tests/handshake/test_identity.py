"""By what a connection is known in logs and traces."""

import re

from tests.fake_server import make_scope
from wsendpoints import WebSocket
from wsendpoints.handshake.identity import connection_id_of


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
