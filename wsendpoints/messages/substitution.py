"""What is in the brackets of a type, and the same type with something else in its brackets."""

import functools
import types
import typing
from collections.abc import Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    ParamSpec,
    TypeAlias,
    TypeVar,
    TypeVarTuple,
    Union,
)

import typing_extensions
from pydantic import BaseModel
from typing_extensions import TypeIs

__all__ = [
    "Arguments",
    "Variable",
    "fill_in",
    "fill_in_all",
    "is_class",
    "is_model",
    "is_union",
    "types_within",
    "union_of",
]

Variable: TypeAlias = TypeVar | TypeVarTuple | ParamSpec

Arguments: TypeAlias = Mapping[Any, Any]
"""The types that type variables stand for. That of a `TypeVarTuple` is a tuple of types."""


_UNPACKS: Final = (typing.Unpack, typing_extensions.Unpack)


def is_class(annotation: Any) -> TypeIs[type[Any]]:
    """Return whether an annotation is a class, and not a generic alias such as `list[int]`."""
    return isinstance(annotation, type) and typing.get_origin(annotation) is None


def is_model(annotation: Any) -> TypeIs[type[BaseModel]]:
    """Return whether an annotation is a model of pydantic's, and not `BaseModel` itself."""
    return (
        is_class(annotation) and issubclass(annotation, BaseModel) and annotation is not BaseModel
    )


def is_union(annotation: Any) -> bool:
    """Return whether an annotation is written as a union, by `|`, `Union` or `Optional`."""
    return typing.get_origin(annotation) in {Union, types.UnionType}


def union_of(parts: Sequence[Any]) -> Any:
    """Return the union of these types."""
    return Union[tuple(parts)]  # noqa: UP007 - `|` can't join a sequence


def types_within(annotation: Any) -> Sequence[Any]:
    """Return the types in the brackets of a type: those that are validated."""
    if is_model(annotation):
        # `Envelope[T]` is a class of pydantic's.
        metadata = annotation.__pydantic_generic_metadata__
        return metadata["args"] or metadata["parameters"]
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return ()
    return typing.get_args(annotation)[:1] if origin is Annotated else typing.get_args(annotation)


def fill_in(annotation: Any, arguments: Arguments) -> Any:
    """Return a type with these type variables replaced; the same object if it has none of them."""
    if isinstance(annotation, Variable):
        return arguments.get(annotation, annotation)
    if annotation.__class__ is list:  # the parameters of a `Callable`
        return fill_in_all(annotation, arguments)
    old = types_within(annotation)
    new = fill_in_all(old, arguments)
    if len(new) == len(old) and all(one is other for one, other in zip(new, old, strict=True)):
        return annotation
    if is_union(annotation):
        return _union(new)
    if is_model(annotation):
        model: Any = annotation.__pydantic_generic_metadata__["origin"] or annotation
        return model[tuple(new)]
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return Annotated[(new[0], *annotation.__metadata__)]
    return origin[tuple(new) if len(new) != 1 else new[0]]


def fill_in_all(parts: Sequence[Any], arguments: Arguments) -> list[Any]:
    """Return several types with these type variables replaced; one may become several types."""
    filled: list[Any] = []
    for each in parts:
        unpacked = typing.get_args(each)[0] if typing.get_origin(each) in _UNPACKS else None
        if unpacked in arguments:
            filled.extend(arguments[unpacked])
        else:
            filled.append(fill_in(each, arguments))
    return filled


def _union(parts: Sequence[Any]) -> Any:
    try:
        # To pydantic `Envelope[A | B]` is another class than `Envelope[Union[A, B]]`, and `|` is
        # what the code that makes a reply is likely to write.
        return functools.reduce(lambda one, other: one | other, parts)
    except TypeError:  # a bare string among them, the only type that has no `|`
        return union_of(parts)
