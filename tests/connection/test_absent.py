"""A WebSocket that is made without a server's functions."""

import pytest

from wsendpoints import InvalidStateError
from wsendpoints.connection.absent import no_receive, no_send

pytestmark = pytest.mark.anyio


async def test_nothing_is_received() -> None:
    """The error names what is missing."""
    with pytest.raises(InvalidStateError) as caught:
        await no_receive()
    assert str(caught.value) == "this WebSocket was made without a `receive`: it can't receive"


async def test_nothing_is_sent() -> None:
    """The error names what is missing."""
    with pytest.raises(InvalidStateError) as caught:
        await no_send({"type": "websocket.accept"})
    assert str(caught.value) == "this WebSocket was made without a `send`: it can't send"
