"""What kind of type an annotation is: a class, an object with fields, a union, a named alias."""

import dataclasses
import enum
import sys
import types
import typing
from typing import Annotated, Any, Final, ForwardRef, Literal, NewType

from pydantic import BaseModel, RootModel
from typing_extensions import TypeAliasType, is_typeddict

from wsendpoints.messages.substitution import fill_in, is_class, types_within

__all__ = [
    "bare",
    "is_alias",
    "is_object",
    "is_struct",
    "name_of",
    "runtime_types",
    "without_alias",
]

_ALIASES: Final = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
"""The alias type of typing_extensions, and that of Python 3.12's `type` statement."""

_BUILTINS: Final = frozenset(
    {bool, bytes, dict, float, frozenset, int, list, set, str, tuple, types.NoneType}
)


def is_alias(annotation: Any) -> bool:
    """Return whether an annotation is a named alias, without type arguments."""
    return isinstance(annotation, _ALIASES)


def is_object(member: Any) -> bool:
    """Return whether a message of this type is a JSON object with declared fields."""
    klass = bare(member)
    return is_typeddict(klass) or (
        is_class(klass)
        and not issubclass(klass, RootModel)
        and (issubclass(klass, BaseModel) or dataclasses.is_dataclass(klass))
    )


def is_struct(member: Any) -> bool:
    """Return whether a message of this type is a Struct of msgspec's, generic or not."""
    # Whoever defines one has imported it.
    msgspec: Any = sys.modules.get("msgspec")
    if msgspec is None:
        return False
    klass = bare(member)
    klass = typing.get_origin(klass) or klass
    return is_class(klass) and issubclass(klass, msgspec.Struct)


def runtime_types(member: Any) -> frozenset[type] | None:
    """Return the classes of the values that pydantic returns for this type; `None` if unknown.

    They are unknown for a type such as pydantic's `PastDate`, whose values are dates.
    """
    member = bare(member)
    if is_typeddict(member):
        return frozenset({dict})
    origin = typing.get_origin(member)
    if origin is Literal:
        return frozenset(map(type, typing.get_args(member)))
    klass = origin or member
    if (
        klass in _BUILTINS
        or is_object(klass)
        or is_struct(klass)
        or (is_class(klass) and issubclass(klass, BaseModel | enum.Enum))
    ):
        return frozenset({klass})
    return None


def name_of(declared: Any) -> str:
    """Return the name of a type for the text of an error."""
    if typing.get_origin(declared) is Annotated:
        declared = declared.__origin__
    return declared.__name__ if is_class(declared) else repr(declared)


def without_alias(annotation: Any) -> Any:
    """Return the type that a named alias stands for, with its type arguments filled in.

    An alias with a string in it stays: pydantic alone knows what the string means, and where.
    """
    while isinstance(alias := typing.get_origin(annotation) or annotation, _ALIASES):
        value = alias.__value__
        if _has_string(value):
            break
        given = dict(zip(alias.__type_params__, typing.get_args(annotation), strict=False))
        annotation = fill_in(value, given)
    return annotation


def _has_string(annotation: Any) -> bool:
    if isinstance(annotation, str | ForwardRef):
        return True
    return not is_class(annotation) and any(map(_has_string, types_within(annotation)))


def bare(member: Any) -> Any:
    """Return the type within aliases, `Annotated` and `NewType`; of a generic type, its class."""
    while True:
        member = without_alias(member)
        origin: Any = typing.get_origin(member)
        if isinstance(member, NewType):
            member = member.__supertype__
        elif origin is Annotated:
            member = member.__origin__
        elif dataclasses.is_dataclass(origin) or is_typeddict(origin):
            # With type arguments. (A generic model with type arguments is a class itself.)
            return origin
        else:
            return member
