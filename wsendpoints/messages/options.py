"""How a handler runs, as `@handles(...)` says: alone, or beside others, and in which order."""

import inspect
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["PLAIN", "Key", "Options", "Overlap", "options"]

Overlap: TypeAlias = Literal["wait", "cancel", "refuse"]
"""What a message does whose key is busy: it waits for its turn, it cancels what runs and waits, or
it is refused with an error message."""

Key: TypeAlias = str | Callable[[Any], Hashable]
"""What tells which messages are handled one at a time: a field of theirs, or a function of one."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a handler runs.

    Attributes:
        name: How a dialect calls it; `None` where the type of the message tells.
        concurrent: Whether it runs beside others.
        key: What tells which of its messages are handled one at a time.
        overlap: What a message does whose key is busy; `None` if no message is ever refused a place
            beside another.
    """

    name: str | None = None
    concurrent: bool = False
    key: Key | None = None
    overlap: Overlap | None = None


PLAIN: Final = Options()
"""Those of `@handles` alone."""


def options(
    name: object = None,
    /,
    *,
    concurrent: object = False,
    key: object = None,
    overlap: object = None,
    **others: object,
) -> Options:
    """Return the options in the brackets of `@handles(...)`.

    Raises:
        ConfigurationError: One of them is none, or they contradict each other.
    """
    if others:
        names = ", ".join(f"{name}=..." for name in others)
        raise ConfigurationError(
            f"@handles({names}): its options are concurrent=..., key=... and overlap=..."
        )
    if name is not None and (not isinstance(name, str) or not name):
        raise ConfigurationError(f"@handles({name!r}) names no method: use a str")
    if not isinstance(concurrent, bool):
        raise ConfigurationError(f"@handles(concurrent={concurrent!r}): use True or False")
    if key is not None and not isinstance(key, str) and not callable(key):
        raise ConfigurationError(
            f"@handles(key={key!r}): use the name of a field of the message, or a function of it"
        )
    if inspect.iscoroutinefunction(key):
        raise ConfigurationError(
            f"@handles(key={key!r}): the function is async, and a key is needed at once: use a "
            "plain one"
        )
    if overlap is not None and overlap not in get_args(Overlap):
        raise ConfigurationError(f"@handles(overlap={overlap!r}): use 'wait', 'cancel' or 'refuse'")
    if not concurrent and (key is not None or overlap is not None):
        given = "key" if key is not None else "overlap"
        raise ConfigurationError(
            f"@handles({given}=...) is for handlers that run beside others, and this one does not: "
            f"write `@handles(concurrent=True, {given}=...)`"
        )
    if overlap is None and key is not None:
        overlap = "wait"
    return Options(name, concurrent, key, overlap)  # type: ignore[arg-type]  # checked above
