"""Whether a group can be entered, or read, as somebody asks, before anything is done for it."""

from typing import Any

from wsendpoints.backplanes.logs import History
from wsendpoints.groups.group import Group
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_beginning", "check_declared", "check_reading"]


def check_declared(endpoint: Any, kind: type) -> None:
    """Check that the class of an endpoint declares a kind of groups.

    Raises:
        ConfigurationError: It does not.
    """
    if issubclass(kind, Group):
        declared: tuple[type, ...] = tuple(endpoint.groups)
        if not issubclass(kind, declared):
            where = type(endpoint).__qualname__
            raise ConfigurationError(
                f"{where} joins a {kind.__qualname__}, whose messages it does not declare: add "
                f"`groups = ({kind.__qualname__},)` to the class"
            )


def check_beginning(group: Group[Any] | str, after: str | None, last: int) -> History | None:
    """Check where somebody begins in a group, and return the history of that.

    Args:
        group: The group.
        after: The position to begin after, if there is one.
        last: How many of the last messages it begins with.

    Raises:
        ConfigurationError: The group has no history to begin in.
        ValueError: `last` is negative.
    """
    if after is not None or last:
        check_reading(group, last)
    return group.history if isinstance(group, Group) else None


def check_reading(group: Group[Any] | str, last: int | None) -> None:
    """Check that a group keeps what somebody wants to read.

    Args:
        group: The group.
        last: How many of the last messages; `None` for all.

    Raises:
        ConfigurationError: The group has no history.
        ValueError: `last` is negative.
    """
    if not isinstance(group, Group) or group.history is None:
        raise ConfigurationError(f"{group!r} has no history: set `history = History()`")
    if last is not None and last < 0:
        raise ValueError(f"last={last}: use 0 or more")
