"""Starlette's states: the same names and values, equal to its own, and one for each of ours."""

from enum import Enum
from typing import Any

import pytest
from starlette.websockets import WebSocketState as Starlettes

from wsendpoints import ConnectionState, WebSocketState
from wsendpoints.protocol.starlette_states import APPLICATION_STATES, CLIENT_STATES


def test_names_and_values_are_starlettes() -> None:
    """Whoever changes the import finds every member."""
    assert {state.name: state.value for state in WebSocketState} == {
        state.name: state.value for state in Starlettes
    }


@pytest.mark.parametrize("state", WebSocketState, ids=lambda state: state.name)
def test_a_state_equals_starlettes(state: WebSocketState) -> None:
    """Code that imports only the other class from here compares right, from both sides."""
    for theirs in Starlettes:
        other: Any = theirs
        is_same = theirs.name == state.name
        assert (state == other, other == state, state != other) == (is_same, is_same, not is_same)
        assert (state in {other}) is is_same


class Unrelated(Enum):
    """Has a member with one of the names and values."""

    CONNECTED = 1


@pytest.mark.parametrize("other", [1, "CONNECTED", Unrelated.CONNECTED, None], ids=repr)
def test_a_state_equals_nothing_else(other: object) -> None:
    """Neither the value nor a member of another class will do."""
    state = WebSocketState.CONNECTED
    assert state != other
    assert state == WebSocketState.CONNECTED


def test_each_state_of_ours_is_one_of_starlettes() -> None:
    """No state is forgotten."""
    assert set(CLIENT_STATES) == set(APPLICATION_STATES) == set(ConnectionState)
