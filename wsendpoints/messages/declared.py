"""The union of types that a class declares in one of its attributes, such as `sends`."""

from collections.abc import Collection
from typing import Any, Final, cast

from wsendpoints.messages.generics import bind
from wsendpoints.messages.substitution import union_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["union_in"]

_EMPTY: Final = {
    "answers": "name what clients answer, or leave `answers` out",
    "sends": "name what it sends, or leave `sends` out, and it may send anything",
}


def union_in(cls: Any, name: str) -> Any:
    """Return the union of types in an attribute, with the type variables of its class filled in.

    Args:
        cls: The class.
        name: The name of the attribute, which holds a union, or a collection of types.

    Returns:
        `None` if there is nothing in it.

    Raises:
        ConfigurationError: The collection is empty, or a type variable can't be bound.
        UnboundTypeVariable: The class is still generic.
    """
    value = getattr(cls, name)
    if value is None:
        return None
    where = f"{cls.__qualname__}.{name}"
    if isinstance(value, list | tuple | set | frozenset):
        if not value:
            raise ConfigurationError(f"{where} is empty: {_EMPTY[name]}")
        value = union_of([*cast("Collection[Any]", value)])
    owner = next(klass for klass in cls.__mro__ if name in vars(klass))
    return bind(value, owner, cls, where)
