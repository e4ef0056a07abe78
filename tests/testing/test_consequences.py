"""Tests of what errors tell of servers."""

import pytest

from wsendpoints.testing import ServerName
from wsendpoints.testing.consequences import consequence_of
from wsendpoints.testing.faults import Fault
from wsendpoints.testing.measured import FACTS


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("server", FACTS)
def test_each_consequence_is_told(server: ServerName, fault: Fault) -> None:
    """Of one server, and among those of all; a fault that it cannot meet was not measured."""
    does = {name: facts.illegal_events.get(fault) for name, facts in FACTS.items()}
    told = {name: f"{name} {words}" for name, words in does.items() if words}
    not_measured = f"what {server} does was not measured"
    assert consequence_of(fault, server) == told.get(server, not_measured)
    assert (f" {server}" in consequence_of(fault, None)) == (server in told)


def test_servers_that_do_the_same_are_told_together() -> None:
    """The text for all servers is no longer than it has to be."""
    assert consequence_of(Fault.UNKNOWN_TYPE, None) == (
        "what servers do: uvicorn, uvicorn-wsproto, uvicorn-legacy, granian: raises RuntimeError; "
        "hypercorn, hypercorn-trio: raises hypercorn.UnexpectedMessageError; "
        "daphne, gunicorn: drops it"
    )


def test_a_server_that_was_not_measured() -> None:
    """Nothing is claimed of a dialect with a name of its own."""
    assert consequence_of(Fault.UNKNOWN_TYPE, "nginx") == "what nginx does was not measured"
