"""What a decoded value is, for type checkers that know no more of it than that it is a dict."""

from typing import Any

from typing_extensions import TypeIs

__all__ = ["is_array", "is_object"]


def is_object(value: object) -> TypeIs[dict[Any, Any]]:
    """Return whether a value is an object, as JSON calls it."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeIs[list[Any]]:
    """Return whether a value is an array."""
    return isinstance(value, list)
