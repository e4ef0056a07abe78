"""What a class declares in the brackets of its base: `WebSocketEndpoint[Said | Left]`."""

from collections.abc import Iterator
from typing import Any, Final, get_args, get_origin

from typing_extensions import get_original_bases

from wsendpoints.messages.annotations import MISSING, base_argument
from wsendpoints.messages.generics import bind
from wsendpoints.messages.unions import name_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["take_brackets"]

_TAKEN: Final = "__wsendpoints_brackets__"
"""The attribute of a class whose `sends` is taken from brackets. A subclass may have something else
in them, where a type variable has a default."""

_RESOLVED: Final = "__wsendpoints_in_brackets__"
"""The attribute of a class with brackets that stores what is in them, for subclasses made later:
local variables around a class can be looked up only while the class is being made."""


def take_brackets(cls: type, base: type) -> None:
    """Make what is in the brackets of `base[...]` the `sends` of a class, if there is anything.

    Args:
        cls: The class.
        base: The generic base class.

    Raises:
        ConfigurationError: It says in another place too what it sends, and something else.
        UnboundTypeVariable: `cls` is still generic.
    """
    declared = _declared(cls, base)
    if declared is MISSING:
        return
    owner = next(klass for klass in cls.__mro__ if "sends" in vars(klass) and not _took(klass))
    written: Any = vars(owner)["sends"]
    if written is not None:
        written = bind(written, owner, cls, f"{cls.__qualname__}.sends")
        if written != declared:
            raise ConfigurationError(
                f"{cls.__qualname__} sends {name_of(declared)}, as {base.__name__}[...] says, but "
                f"{owner.__qualname__}.sends is {name_of(written)}: leave `sends` out, and write "
                "all messages in the brackets"
            )
    setattr(cls, "sends", declared)  # noqa: B010 - a checker does not know that it has one
    setattr(cls, _TAKEN, True)


def _took(cls: type) -> bool:
    return _TAKEN in vars(cls)


def _declared(cls: type, base: type) -> Any:
    """Return what is in the brackets; `MISSING` if no class that `cls` inherits from has any."""
    title = f"{base.__name__}[...]"
    found: Any = MISSING
    for owner, argument in _brackets(cls, base):
        declared = bind(argument, owner, cls, f"{cls.__qualname__}, {title}")
        if found is not MISSING and declared != found:
            raise ConfigurationError(
                f"{cls.__qualname__} has two bases {title} with different messages, "
                f"{name_of(found)} and {name_of(declared)}: write the same union in both"
            )
        found = declared
    return found


def _brackets(cls: type, base: type) -> Iterator[tuple[type, Any]]:
    """Yield each class with the base `base[...]`, and what is in the brackets there."""
    for owner in cls.__mro__:
        for original in get_original_bases(owner):
            if get_origin(original) is base:
                if _RESOLVED not in vars(owner):
                    (argument,) = get_args(original)
                    where = f"{owner.__qualname__}, {base.__name__}[...]"
                    setattr(owner, _RESOLVED, base_argument(argument, owner, where))
                yield owner, vars(owner)[_RESOLVED]
