"""Sends that are under way are known, in whatever order they end."""

from wsendpoints.connection.sends import Sends


def test_later_sends_are_not_waited_for() -> None:
    """Earlier ones are."""
    first = Sends()
    second = Sends(first)
    third = Sends(second)
    second.under_way = 1
    assert [sends.are_under_way for sends in (first, second, third)] == [False, True, True]
    assert third.earlier is second
    first.under_way = 1
    second.under_way = 0
    assert [sends.are_under_way for sends in (first, second, third)] == [True, True, True]
    assert third.earlier is first


def test_those_that_ended_are_not_kept() -> None:
    """However many sends begin and end while one takes long."""
    first = Sends()
    first.under_way = 1
    last = first
    for _ in range(5000):
        last = Sends(last)
    assert last.earlier is first
    first.under_way = 0
    assert not last.are_under_way
    assert last.earlier is None
