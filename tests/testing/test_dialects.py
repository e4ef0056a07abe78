"""Tests of the events that a dialect makes of how a connection ended."""

import pytest

from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

DISCONNECT: Event = {"type": "websocket.disconnect"}


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        pytest.param(Dialect(), {"code": 4001, "reason": "bye"}, id="as asked for"),
        pytest.param(Dialect(tells_reason=False), {"code": 4001}, id="no reason"),
    ],
)
def test_a_disconnect(dialect: Dialect, event: Event) -> None:
    """It has the code as it is given, and the reason where the server tells it."""
    assert dialect.disconnect(4001, "bye") == {**DISCONNECT, **event}


@pytest.mark.parametrize(
    ("dialect", "code", "told"),
    [
        pytest.param(Dialect(), 4001, 4001, id="code"),
        pytest.param(Dialect(), 1005, 1005, id="no code"),
        pytest.param(Dialect(told_code=1006), 4001, 1006, id="another code"),
        pytest.param(Dialect(told_code=1006), 1005, 1005, id="another code, but none was sent"),
        pytest.param(Dialect(told_no_code=None), 1005, None, id="None for no code"),
    ],
)
def test_what_follows_a_clients_close(dialect: Dialect, code: int, told: int | None) -> None:
    """The client's code, or the one that the server tells in its place."""
    assert dialect.disconnect_by_client(code, "") == {**DISCONNECT, "code": told, "reason": ""}


@pytest.mark.parametrize(("own", "told"), [(None, 4000), (1005, 1005)])
def test_what_follows_the_apps_close(own: int | None, told: int) -> None:
    """The app's code, or the one that the server tells in its place."""
    event = Dialect(told_own_code=own).disconnect_after_close(4000, "bye")
    assert event == {**DISCONNECT, "code": told, "reason": "bye"}
