"""Tests of what is known of a server, as a value."""

from dataclasses import FrozenInstanceError, fields

import pytest

from wsendpoints.testing import Dialect
from wsendpoints.testing.facts import ServerFacts
from wsendpoints.testing.faults import Fault

FACTS = ServerFacts(version="1.0", illegal_events={Fault.UNKNOWN_TYPE: "drops it"})


def test_facts_are_a_dialect() -> None:
    """They can be played, and are a plain dialect's where nothing else is said."""
    assert isinstance(FACTS, Dialect)
    plain = Dialect()
    assert all(getattr(FACTS, one.name) == getattr(plain, one.name) for one in fields(plain))


def test_facts_are_values() -> None:
    """They compare and hash as their fields do, and stay as they are."""
    other = ServerFacts(version="1.0", illegal_events={Fault.UNKNOWN_TYPE: "drops it"})
    assert (FACTS, hash(FACTS)) == (other, hash(other))
    with pytest.raises(FrozenInstanceError):
        FACTS.version = "2.0"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # on purpose
