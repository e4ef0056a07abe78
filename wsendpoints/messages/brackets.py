"""A decorator that is written without brackets says so where they are written."""

from collections.abc import Mapping, Sequence
from typing import Any, NewType, get_origin

from wsendpoints.messages.unions import is_alias, name_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["brackets_error", "is_method"]


def brackets_error(
    decorator: str, args: Sequence[Any], options: Mapping[str, Any]
) -> ConfigurationError:
    """Return the error for brackets that a decorator does not have.

    Args:
        decorator: Its name.
        args: What is in the brackets ...
        options: ... and what is there by name.
    """
    given = [*map(name_of, args), *(f"{name}=..." for name in options)]
    return ConfigurationError(
        f"@{decorator}({', '.join(given)}) has brackets: write `@{decorator}` alone, and annotate "
        "the last parameter of the method with the type of its message"
    )


def is_method(value: Any) -> bool:
    """Return whether a value may be what a decorator of methods decorates."""
    # What is written for a type may be callable too.
    is_type = isinstance(value, type | NewType) or get_origin(value) is not None or is_alias(value)
    return not is_type and (callable(value) or _is_descriptor(value))


def _is_descriptor(value: object) -> bool:
    return hasattr(type(value), "__get__")
