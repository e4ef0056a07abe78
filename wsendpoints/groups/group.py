"""A group as a value: its name, the messages that it carries, and what slow clients miss of it."""

import re
from string import Formatter
from typing import Any, ClassVar, Final, Generic, final, get_args, get_origin

from typing_extensions import TypeVar, get_original_bases

from wsendpoints.backplanes.logs import History
from wsendpoints.connection.outbox import Overflow
from wsendpoints.messages.archive import Archive
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.outbound import Outbound
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Group", "check_groups", "check_overflow", "name_of", "shown"]

M = TypeVar("M", default=Any)

_NAME: Final = re.compile(r"[\w.\-:]{1,100}")

_OVERFLOWS: Final = ("close", "drop_oldest", "drop_newest", "latest")


class Group(Generic[M]):
    """A group of connections: subclass it for each kind, with the messages in brackets.

    ```python
    class Room(Group[Said | Left]):
        name = "room:{}"


    await groups.join(self, Room("lobby"))
    ```

    Two groups of the same name are the same group.

    Args:
        parts: What stands for each `{}` in the name.

    Attributes:
        name: What all kinds of groups are told apart by: letters, digits, `_`, `.`, `-` and `:`, at
            most 100 of them. On the class, with a `{}` for each of the parts.
        overflow: What becomes of its messages for a client that reads too slowly: `"close"` its
            connection, with 1013; `"drop_oldest"` of those that may be dropped; `"drop_newest"`; or
            `"latest"`, where a message takes the place of one of the group that still waits.
        history: How much of what it carried is kept, if it has one: then `Groups.join` can begin
            after a message that a client had, or with the last ones. A message that has a field
            `position`, as a str, gets its position there.
        max_users: How many users may be in it at once; `None` for any number. See `Groups.join`.
        messages: The messages that it carries: what is in the brackets.

    Raises:
        ValueError: A part makes a name of other characters, or too long a name.
    """

    name: str = ""
    overflow: ClassVar[Overflow] = "close"
    history: ClassVar[History | None] = None
    max_users: ClassVar[int | None] = None
    messages: ClassVar[Any] = Any

    _outbound: ClassVar[Outbound | None] = None
    _archive: ClassVar[Archive | None] = None
    _number_of_parts: ClassVar[int] = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check what the class declares."""
        super().__init_subclass__(**kwargs)
        for base in get_original_bases(cls):
            if get_origin(base) is Group:
                (cls.messages,) = get_args(base)
                cls._outbound = cls._archive = None
        check_overflow(cls.overflow, cls.__qualname__)
        _check_history(cls.history, cls.__qualname__)
        _check_max_users(cls.max_users, cls.__qualname__)
        where = f"{cls.__qualname__}.name"
        try:
            fields = [field for _, field, *_ in Formatter().parse(cls.name) if field is not None]
        except ValueError as exc:
            raise ConfigurationError(f"{where} is {cls.name!r}: {exc}") from None
        if any(fields):
            raise ConfigurationError(f"{where} is {cls.name!r}: write {{}} for each part")
        cls._number_of_parts = len(fields)

    def __init__(self, *parts: object) -> None:
        cls = type(self)
        if not cls.name:
            raise ConfigurationError(f'{cls.__qualname__} has no name: add `name = "room:{{}}"`')
        if len(parts) != cls._number_of_parts:
            raise TypeError(
                f"{cls.__qualname__} takes {cls._number_of_parts} parts, as its name "
                f"{cls.name!r} says, and got {len(parts)}"
            )
        self.name = _check_name(cls.name.format(*parts))

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def joined(self, user: str) -> M | None:
        """Return what the others are told when a user is there; by default nothing.

        That is once, as the first of its connections joins.
        """

    def left(self, user: str) -> M | None:
        """Return what the others are told when a user is not there any more; by default nothing.

        That is once, when the last of its connections has ended, or left.
        """

    @final
    @classmethod
    def check(cls, message: Any) -> None:
        """Check that a message is one of those that the group carries.

        Raises:
            ConfigurationError: It is none.
        """
        if cls._outbound is None:
            cls._outbound = Outbound([cls.messages], CODECS["json"], cls.__qualname__)
        outbound = cls._outbound
        if outbound.messages and message.__class__ not in outbound.encoders:
            outbound.encode(message)

    @final
    @classmethod
    def archive(cls) -> Archive:
        """Return what writes the messages that are kept, and reads them back."""
        if cls._archive is None:
            cls._archive = Archive(cls.messages, cls.__qualname__)
        return cls._archive


def name_of(group: "Group[Any] | str") -> str:
    """Return the name of a group.

    Raises:
        ValueError: It is a string that is no name of a group.
    """
    return group.name if isinstance(group, Group) else _check_name(group)


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"{shown(name)} is no name of a group: use letters, digits, `_`, `.`, `-` and `:`, at "
            "most 100 of them"
        )
    return name


def shown(value: object) -> str:
    """Return a value as it is shown in an error: cut, since it may come from a client."""
    return repr(value) if len(repr(value)) <= 120 else f"{value!r:.110}..."


def check_overflow(overflow: object, where: str) -> None:
    """Check what becomes of messages for a client that reads too slowly.

    Raises:
        ConfigurationError: It is none of the ways.
    """
    if overflow not in _OVERFLOWS:
        raise ConfigurationError(
            f"{where}: overflow is {overflow!r}: use one of {', '.join(map(repr, _OVERFLOWS))}"
        )


def _check_history(history: object, where: str) -> None:
    if history is not None and not isinstance(history, History):
        raise ConfigurationError(
            f"{where}.history is {history!r}: use History(messages=..., seconds=...), or None"
        )


def _check_max_users(most: object, where: str) -> None:
    is_number = isinstance(most, int) and not isinstance(most, bool) and most > 0
    if most is not None and not is_number:
        raise ConfigurationError(f"{where}.max_users is {most!r}: use a number above 0, or None")


def check_groups(groups: object, where: str) -> None:
    """Check the groups that a class declares.

    Raises:
        ConfigurationError: They are no tuple, or list, of subclasses of `Group`.
    """
    some: Any = groups
    if not isinstance(groups, tuple | list) or not all(
        isinstance(it, type) and issubclass(it, Group) for it in some
    ):
        raise ConfigurationError(
            f"{where}.groups is {groups!r}: use a tuple of subclasses of Group, as in `(Room,)`"
        )
