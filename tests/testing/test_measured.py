"""Tests of the table of servers; `tests/interop/test_facts.py` holds it to the servers."""

from dataclasses import replace
from typing import get_args

import pytest

from wsendpoints.testing import DIALECTS, Dialect, ServerName
from wsendpoints.testing.faults import Fault
from wsendpoints.testing.measured import FACTS


def test_every_server_has_an_entry() -> None:
    """Each name stands for the facts of that name, in the order of the names."""
    assert [FACTS[name].name for name in FACTS] == list(FACTS) == list(get_args(ServerName))


def test_the_facts_are_what_is_played() -> None:
    """A server is played by its facts, also when one of them is changed."""
    assert {**DIALECTS} == {**FACTS}
    changed = replace(DIALECTS["daphne"], empty_messages=True)
    assert isinstance(changed, Dialect)
    assert changed.empty_messages
    assert not changed.close_reasons


def test_the_table_cannot_be_changed() -> None:
    """A test that changes a fact for itself cannot change it for all others."""
    with pytest.raises(TypeError):
        FACTS["daphne"] = FACTS["granian"]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]  # on purpose


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_was_tried_with_some_server(fault: Fault) -> None:
    """No kind of illegal event is without a consequence."""
    assert any(fault in facts.illegal_events for facts in FACTS.values())
