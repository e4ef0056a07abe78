"""Who is in which group: a user is one, however many connections it has there."""

from typing import Any, Final, final

from wsendpoints.groups.group import Group, shown
from wsendpoints.protocol.exceptions import GroupFullError

__all__ = ["Membership", "Presence", "check_user"]

_LONGEST: Final = 200


def check_user(user: object) -> None:
    """Check what a user is called.

    Raises:
        ValueError: It is no text of 1 to 200 characters.
    """
    if not isinstance(user, str) or not 0 < len(user) <= _LONGEST:
        raise ValueError(f"user={shown(user)}: use a str of 1 to {_LONGEST} characters")


@final
class Membership:
    """That a connection is in a group.

    Args:
        name: The name of the group.
        group: The group.

    Attributes:
        name: The name of the group.
        group: The group.
        user: Whose connection it is, once it is counted; `None` if nobody's.
        id: What tells it from the others of this process, where other processes count it too.
    """

    __slots__ = ("group", "id", "name", "user")

    def __init__(self, name: str, group: Group[Any] | str) -> None:
        self.name: str = name
        self.group: Group[Any] | str = group
        self.user: str | None = None
        self.id: str = ""


@final
class Presence:
    """Counts the connections of users."""

    def __init__(self) -> None:
        # By the group, then by the user.
        self._counts: dict[str, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def users(self, name: str) -> tuple[str, ...]:
        """Return the users in a group, in the order in which they came."""
        return tuple(self._counts.get(name, ()))

    def check(self, name: str, group: Group[Any] | str, user: str) -> bool:
        """Return whether a user would be new in a group.

        Raises:
            ValueError: It is no text of 1 to 200 characters.
            GroupFullError: It would be one too many.
        """
        check_user(user)
        users = self._counts.get(name, {})
        most = group.max_users if isinstance(group, Group) else None
        if most is not None and user not in users and len(users) >= most:
            raise GroupFullError(f"{name}: {most} users are in it already")
        return user not in users

    def enter(self, membership: Membership, user: str) -> Any:
        """Count one more connection of a user.

        Returns:
            What the others are told of it, if it is the first; `None` for nothing.

        Raises:
            GroupFullError: It is one too many.
            Exception: What `joined` of the group raises; it is not counted then.
        """
        name, group, told = membership.name, membership.group, None
        is_new = self.check(name, group, user)
        if is_new and isinstance(group, Group) and (told := group.joined(user)) is not None:
            group.check(told)
        users = self._counts.setdefault(name, {})
        users[user] = users.get(user, 0) + 1
        membership.user = user
        return told

    def depart(self, membership: Membership) -> Any:
        """Count one less.

        Returns:
            What the others are told of it, if it was the last; `None` for nothing.

        Raises:
            Exception: What `left` of the group raises; it is counted nevertheless.
        """
        user, group = membership.user, membership.group
        if user is None:
            return None
        users = self._counts[membership.name]
        users[user] -= 1
        if users[user]:
            return None
        del users[user]
        if not users:
            del self._counts[membership.name]
        return group.left(user) if isinstance(group, Group) else None
