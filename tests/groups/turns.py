"""Turns of the event loop in the midst of a broadcast."""

import pytest

from wsendpoints.connection.carriers import PostingByCarriers
from wsendpoints.connection.posting import PostingByTasks
from wsendpoints.groups import channel

__all__ = ["have_turns"]


def have_turns(monkeypatch: pytest.MonkeyPatch, sends: int) -> None:
    """Let others have a turn after so many sends, on each event loop."""
    monkeypatch.setattr(channel, "_AT_ONCE", sends)
    for posting in (PostingByCarriers, PostingByTasks):
        monkeypatch.setattr(posting, "at_once", sends)
