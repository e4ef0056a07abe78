"""A user is one, however many connections it has in a group."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.groups.users import Came, Room, Went
from wsendpoints import ConfigurationError, GroupFullError
from wsendpoints.groups import Group
from wsendpoints.groups.presence import Membership, Presence


class Silent(Group[Came]):
    """Tells of nobody."""

    name = "silent"


class Broken(Room):
    """Is a mistake."""

    name = "broken"

    def joined(self, user: str) -> Any:
        return user


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), max_size=40))
def test_others_are_told_once_of_each_user(steps: list[tuple[bool, str]]) -> None:
    """When its first connection comes, and when its last one goes."""
    presence, members, here = Presence(), list[Membership](), list[str]()
    for comes, user in steps:
        if comes:
            membership = Membership("room", Room())
            if user not in here and len({*here}) == 3:
                with pytest.raises(GroupFullError, match="room: 3 users are in it already"):
                    presence.enter(membership, user)
                assert presence.depart(membership) is None
                continue
            told = presence.enter(membership, user)
            assert told == (None if user in here else Came(came=user))
            members.append(membership)
            here.append(user)
        elif user in here:
            gone = next(it for it in members if it.user == user)
            members.remove(gone)
            here.remove(user)
            told = presence.depart(gone)
            assert told == (None if user in here else Went(went=user))
        assert {*presence.users("room")} == {*here}
        assert len(presence) == bool(here)


@pytest.mark.parametrize("group", ["silent", Silent()])
def test_group_that_tells_of_nobody(group: Any) -> None:
    """By default, and by its name alone."""
    presence, membership = Presence(), Membership("silent", group)
    assert presence.check("silent", group, "a")
    assert presence.enter(membership, "a") is None
    assert not presence.check("silent", group, "a")
    assert presence.users("silent") == ("a",)
    assert presence.depart(membership) is None
    assert presence.users("silent") == ()


def test_users_come_in_order() -> None:
    """As they came first."""
    presence = Presence()
    for user in "cabac":
        presence.enter(Membership("x", "x"), user)
    assert presence.users("x") == ("c", "a", "b")


@pytest.mark.parametrize("user", ["", "x" * 201, "é" * 5000, 5, None, b"x"], ids=range(6))
def test_wrong_user(user: Any) -> None:
    """It may come from a client."""
    with pytest.raises(ValueError, match="use a str of 1 to 200 characters") as info:
        Presence().check("x", "x", user)
    assert len(str(info.value)) < 200


def test_what_is_told_is_a_message_of_the_group() -> None:
    """Or the user does not count."""
    presence = Presence()
    with pytest.raises(ConfigurationError, match="sends a message of type str"):
        presence.enter(Membership("broken", Broken()), "a")
    assert len(presence) == 0
