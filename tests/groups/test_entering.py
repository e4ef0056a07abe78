"""Whether a group can be entered as somebody asks."""

from typing import Any, ClassVar

import pytest

from wsendpoints import ConfigurationError, WebSocketEndpoint
from wsendpoints.groups import Group, History
from wsendpoints.groups.entering import check_beginning, check_declared


class Room(Group[str]):
    """Keeps nothing."""

    name = "room"


class Kept(Group[str]):
    """Keeps all."""

    name = "kept"
    history = History()


class Chat(WebSocketEndpoint):
    """Declares one of them."""

    encoding = "json"
    groups: ClassVar[Any] = (Room,)


def test_group_is_to_be_declared() -> None:
    """A string needs none, as its messages are not checked."""
    check_declared(Chat, Room)
    check_declared(Chat, str)
    with pytest.raises(ConfigurationError, match=r"joins a Kept, .*: add `groups = \(Kept,\)`"):
        check_declared(Chat, Kept)


@pytest.mark.parametrize("group", [Room(), "room"], ids=["group", "string"])
@pytest.mark.parametrize("beginning", [("1", 0), (None, 1)], ids=["after", "last"])
def test_group_without_a_history_has_no_beginning(
    group: Group[Any] | str, beginning: tuple[str | None, int]
) -> None:
    """There is nothing to begin with."""
    assert check_beginning(group, None, 0) is None
    with pytest.raises(ConfigurationError, match="has no history: set `history = History"):
        check_beginning(group, *beginning)


def test_group_with_a_history_has_one() -> None:
    """With so many of its last messages, or after one."""
    assert check_beginning(Kept(), "1", 0) is Kept.history
    assert check_beginning(Kept(), None, 5) is Kept.history
    with pytest.raises(ValueError, match="last=-1: use 0 or more"):
        check_beginning(Kept(), None, -1)
