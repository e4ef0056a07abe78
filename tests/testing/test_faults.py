"""Tests of the kinds of illegal events."""

from wsendpoints.testing.faults import Fault


def test_every_fault_is_one_of_its_own() -> None:
    """Two faults with the same words would be one."""
    assert len(Fault) == len(Fault.__members__)
