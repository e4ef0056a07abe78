"""Every state with every event, sent and received."""

from itertools import product
from typing import Any

import pytest

from wsendpoints.protocol.exceptions import InvalidStateError, ServerProtocolError
from wsendpoints.protocol.state import (
    ACCEPT,
    CLOSE,
    CONNECT,
    DISCONNECT,
    RECEIVE,
    RESPONSE_BODY,
    RESPONSE_START,
    SEND,
    ConnectionState,
    after_receiving,
    after_sending,
)

S = ConnectionState

# The names in the specification, against which the constants are checked.
OURS = {
    ACCEPT: "websocket.accept",
    SEND: "websocket.send",
    CLOSE: "websocket.close",
    RESPONSE_START: "websocket.http.response.start",
    RESPONSE_BODY: "websocket.http.response.body",
}
THEIRS = {
    CONNECT: "websocket.connect",
    RECEIVE: "websocket.receive",
    DISCONNECT: "websocket.disconnect",
}
ANYTHING: list[Any] = [*OURS.values(), *THEIRS.values(), "websocket.foo", None, []]

SENDING = {
    (S.HANDSHAKE, "websocket.accept"): S.ACCEPTING,
    (S.HANDSHAKE, "websocket.close"): S.CLOSED,
    (S.HANDSHAKE, "websocket.http.response.start"): S.DENYING,
    (S.DENYING, "websocket.http.response.body"): S.CLOSED,
    (S.ACCEPTING, "websocket.send"): S.ACCEPTING,
    (S.ACCEPTING, "websocket.close"): S.CLOSED,
    (S.OPEN, "websocket.send"): S.OPEN,
    (S.OPEN, "websocket.close"): S.CLOSED,
    (S.BROKEN, "websocket.close"): S.CLOSED,
}
RECEIVING = {
    (S.CONNECTING, "websocket.connect"): S.HANDSHAKE,
    (S.CONNECTING, "websocket.disconnect"): S.DISCONNECTED,
    (S.HANDSHAKE, "websocket.disconnect"): S.DISCONNECTED,
    (S.ACCEPTING, "websocket.receive"): S.ACCEPTING,
    (S.ACCEPTING, "websocket.disconnect"): S.DISCONNECTED,
    (S.OPEN, "websocket.receive"): S.OPEN,
    (S.OPEN, "websocket.disconnect"): S.DISCONNECTED,
    (S.BROKEN, "websocket.receive"): S.BROKEN,
    (S.BROKEN, "websocket.disconnect"): S.DISCONNECTED,
    (S.DENYING, "websocket.disconnect"): S.DISCONNECTED,
    (S.CLOSED, "websocket.receive"): S.CLOSED,
    (S.CLOSED, "websocket.disconnect"): S.CLOSED,
    (S.DISCONNECTED, "websocket.receive"): S.DISCONNECTED,
    (S.DISCONNECTED, "websocket.disconnect"): S.DISCONNECTED,
}

PAIRS = [
    pytest.param(state, type_, id=f"{state.value} {type_}") for state, type_ in product(S, ANYTHING)
]


def test_events_have_the_names_of_the_specification() -> None:
    """The types of events are spelled as in the ASGI specification."""
    assert all(ours == spec for ours, spec in (OURS | THEIRS).items())


@pytest.mark.parametrize(("state", "type_"), PAIRS)
def test_sending_an_event_is_legal_or_an_invalid_state(state: ConnectionState, type_: Any) -> None:
    """An event that the table does not list is our mistake, in every state."""
    following = SENDING.get((state, type_)) if isinstance(type_, str) else None
    if following is not None:
        assert after_sending(state, {"type": type_}) is following
        return
    with pytest.raises(InvalidStateError):
        after_sending(state, {"type": type_})


@pytest.mark.parametrize(("state", "type_"), PAIRS)
def test_receiving_an_event_is_legal_or_the_servers_mistake(
    state: ConnectionState, type_: Any
) -> None:
    """An event that the table does not list is the server's mistake, in every state."""
    following = RECEIVING.get((state, type_)) if isinstance(type_, str) else None
    if following is not None:
        assert after_receiving(state, {"type": type_}) is following
        return
    with pytest.raises(ServerProtocolError):
        after_receiving(state, {"type": type_})


@pytest.mark.parametrize(
    ("event", "following"),
    [
        ({"type": RESPONSE_BODY, "more_body": True}, S.DENYING),
        ({"type": RESPONSE_BODY, "more_body": False}, S.CLOSED),
    ],
    ids=["more to come", "last part"],
)
def test_response_body_ends_the_denial_with_its_last_part(
    event: dict[str, Any], following: ConnectionState
) -> None:
    """A response in parts ends with the part that has no `more_body`."""
    assert after_sending(S.DENYING, event) is following


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        (S.CONNECTING, "receive the 'websocket.connect' event first, or call accept()"),
        (S.HANDSHAKE, "accept the connection first, or refuse it"),
        (S.OPEN, "it is accepted already: send messages, or close it"),
        (S.BROKEN, "an earlier send was cancelled half-way: it can only be closed"),
        (S.DENYING, "a response that refuses it is under way"),
        (S.CLOSED, "it was closed by this side"),
        (S.DISCONNECTED, "the peer disconnected"),
    ],
)
def test_sending_out_of_turn_says_what_to_do(state: ConnectionState, advice: str) -> None:
    """The error names the event and the state, and says what may be done instead."""
    with pytest.raises(InvalidStateError) as caught:
        after_sending(state, {"type": "websocket.foo"})
    assert str(caught.value) == (
        f"'websocket.foo' can't be sent while the connection is {state.value}: {advice}"
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (S.CONNECTING, "'websocket.connect' or 'websocket.disconnect'"),
        (S.HANDSHAKE, "'websocket.disconnect'"),
        (S.OPEN, "'websocket.receive' or 'websocket.disconnect'"),
        (S.BROKEN, "'websocket.receive' or 'websocket.disconnect'"),
        (S.DENYING, "'websocket.disconnect'"),
        (S.CLOSED, "'websocket.receive' or 'websocket.disconnect'"),
        (S.DISCONNECTED, "'websocket.receive' or 'websocket.disconnect'"),
    ],
)
def test_h17_h18_receiving_out_of_turn_says_what_was_expected(
    state: ConnectionState, expected: str
) -> None:
    """The error names what the server sent, and what it may send."""
    with pytest.raises(ServerProtocolError) as caught:
        after_receiving(state, {})
    assert str(caught.value) == (
        f"the server sent None while the connection is {state.value}; expected {expected}"
    )
