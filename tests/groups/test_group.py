"""A group is a value: what it is called, what it carries, and what slow clients miss of it."""

from typing import Any, ClassVar, Generic, TypeVar, cast

import pytest

from tests.groups.chat import Left, Other, Room, Said
from wsendpoints import ConfigurationError, WebSocketEndpoint
from wsendpoints.groups import Group, Groups, History
from wsendpoints.groups.group import name_of

T = TypeVar("T")


class Plain(Group[str]):
    """Has no parts."""

    name = "plain"


class Frames(Group[bytes]):
    """Carries bytes."""

    name = "frames"


class Two(Group[Said]):
    """Has two."""

    name = "{}:{}"
    overflow = "latest"


def test_name_has_its_parts() -> None:
    """Of any class, as `str` writes them."""
    assert (Plain().name, Two("a", 5).name, Room("x").name) == ("plain", "a:5", "room:x")
    assert repr(Room("x")) == "<Room 'room:x'>"


def test_groups_of_one_name_are_one() -> None:
    """Whatever class they are of."""
    assert Two("room", "x") == Room("x")
    assert {Room("x"), Two("room", "x"), Room("y")} == {Room("y"), Room("x")}
    assert Room("x") != "room:x"


def test_string_is_the_name_of_a_group() -> None:
    """If it could be one's."""
    assert name_of("room:x") == name_of(Room("x")) == "room:x"
    with pytest.raises(ValueError, match="'a b' is no name of a group"):
        name_of("a b")


@pytest.mark.parametrize("parts", [(), ("a", "b")], ids=["too few", "too many"])
def test_number_of_parts_is_that_of_the_name(parts: tuple[str, ...]) -> None:
    """The error has both."""
    with pytest.raises(TypeError, match=f"Room takes 1 parts, .* and got {len(parts)}"):
        Room(*parts)


@pytest.mark.parametrize("part", ["", "a b", "a/b", "é\n", "x" * 100], ids=range(5))
def test_g05_name_has_few_characters(part: str) -> None:
    """A part may come from a client; an empty one is a name still."""
    if part:
        with pytest.raises(ValueError, match="is no name of a group"):
            Room(part)
    else:
        assert Room(part).name == "room:"


def test_group_without_a_name_can_not_be_made() -> None:
    """It may be a base class of others."""

    class Base(Group[Said]):
        overflow = "drop_oldest"

    class Named(Base):
        name = "named"

    with pytest.raises(ConfigurationError, match="Base has no name: add"):
        Base()
    assert Named().overflow == "drop_oldest"
    assert Named.messages is Said


@pytest.mark.parametrize("name", ["{room}", "{0}", "{", "}"])
def test_name_has_empty_places(name: str) -> None:
    """Or the class is a mistake."""
    with pytest.raises(ConfigurationError, match=r"Wrong.name is "):
        type("Wrong", (Group,), {"name": name})


@pytest.mark.parametrize("overflow", ["", "drop", None, 5])
def test_overflow_is_one_of_four(overflow: Any) -> None:
    """Of a group, and of those that are plain strings."""
    with pytest.raises(ConfigurationError, match="use one of 'close', 'drop_oldest'"):
        type("Wrong", (Group,), {"name": "wrong", "overflow": overflow})
    with pytest.raises(ConfigurationError, match="use one of 'close', 'drop_oldest'"):
        Groups(overflow=overflow)


@pytest.mark.parametrize("history", [5, True, {"messages": 5}, History])
def test_history_is_a_history(history: Any) -> None:
    """Anything else is a mistake."""
    with pytest.raises(ConfigurationError, match=r"Wrong.history is .*: use History\("):
        type("Wrong", (Group,), {"name": "wrong", "history": history})


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "5"])
def test_max_users_is_a_number(most: Any) -> None:
    """Above 0."""
    with pytest.raises(ConfigurationError, match=r"Wrong.max_users is .*: use a number above 0"):
        type("Wrong", (Group,), {"name": "wrong", "max_users": most})


def test_group_tells_of_nobody_by_default() -> None:
    """A subclass says what."""
    assert Room("x").joined("a") is None
    assert Room("x").left("a") is None


def test_archive_is_of_what_is_in_its_brackets() -> None:
    """It is made once."""
    archive = Room.archive()
    assert archive is Room.archive()
    assert archive.read(archive.write(Said(text="x"))[0], "1") == Said(text="x")

    class Of(Group[T], Generic[T]):
        name = "of"

    class OfSaid(Of[Said], Group[Said]):
        pass

    assert Of.archive() is not OfSaid.archive()


def test_group_carries_what_is_in_its_brackets() -> None:
    """Anything, where there are none."""

    class Anything(Group):
        name = "anything"

    Room.check(Said())
    Room.check(Left())
    Plain.check("text")
    Anything.check(object())
    Frames.check(b"x")
    for group, message in ((Room, Other()), (Room, "text"), (Plain, Said())):
        with pytest.raises(ConfigurationError, match=f"{group.__name__} sends a message of type"):
            cast("Any", group).check(message)


def test_subclass_of_a_message_is_one() -> None:
    """As for what a class sends."""

    class Whispered(Said):
        to: str = ""

    Room.check(Whispered())


def test_generic_group_says_what_it_carries_in_a_subclass() -> None:
    """Its own brackets are those of the last class."""

    class Of(Group[T], Generic[T]):
        name = "of"

    class OfSaid(Of[Said], Group[Said]):
        pass

    OfSaid.check(Said())
    with pytest.raises(ConfigurationError):
        cast("Any", OfSaid).check(Left())


@pytest.mark.parametrize("groups", [Room, [Room("x")], ["room"], "room", None, (int,)])
def test_class_declares_classes_of_groups(groups: Any) -> None:
    """In a tuple, or a list."""
    with pytest.raises(ConfigurationError, match=r"use a tuple of subclasses of Group"):
        type("Wrong", (WebSocketEndpoint,), {"groups": groups})


def test_messages_of_its_groups_are_among_those_that_a_class_sends() -> None:
    """Beside its own."""

    class Declares(WebSocketEndpoint):
        encoding = "json"
        groups: ClassVar[Any] = [Room]
        sends = Other

    declaration: Any = Declares._declaration  # pyright: ignore[reportPrivateUsage]
    assert {*declaration.outbound.messages} == {Other, Said, Left}
