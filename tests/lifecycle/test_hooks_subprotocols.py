"""What an endpoint speaks once a subprotocol was accepted."""

import pytest

from tests.connection.connections import S, connection_in
from tests.fake_server import FakeServer
from wsendpoints import WebSocketEndpoint
from wsendpoints.lifecycle.hooks import Lifecycle
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.messages.declaration import Declaration

BOTH: Subprotocols = {"v1": "json", "v2": "msgpack"}


class Chat(WebSocketEndpoint):
    """An endpoint with several encodings."""

    encoding = "json"
    subprotocols = BOTH


@pytest.mark.anyio
async def test_accept_decides_on_the_declaration() -> None:
    """And on what is pushed; an accept that failed leaves it as it was."""
    declaration: Declaration = vars(Chat)["_declaration"]
    connection = await connection_in(S.HANDSHAKE, FakeServer())
    lifecycle = Lifecycle(connection, declaration)
    lifecycle.accepts("v2")
    assert lifecycle.declaration is declaration.by_subprotocol["v2"]
    assert connection.encode([1]) == {"type": "websocket.send", "bytes": b"\x91\x01"}
    lifecycle.accepts(None)
    assert lifecycle.declaration is declaration
    assert connection.encode([1]) == {"type": "websocket.send", "text": "[1]"}
