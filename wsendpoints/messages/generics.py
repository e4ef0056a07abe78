"""The type variables of generic classes, and the types that a subclass gives to them."""

import functools
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    NoReturn,
    ParamSpec,
    TypeAlias,
    TypeVar,
    TypeVarTuple,
)

import typing_extensions
from pydantic import BaseModel
from typing_extensions import TypeIs, get_original_bases

from wsendpoints.messages.unions import is_alias, is_class, is_union, union_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["UnboundTypeVariable", "bind"]

Variable: TypeAlias = TypeVar | TypeVarTuple | ParamSpec

Arguments: TypeAlias = Mapping[Any, Any]
"""The types that type variables stand for. That of a `TypeVarTuple` is a tuple of types."""


_UNPACKS: Final = (typing.Unpack, typing_extensions.Unpack)


class UnboundTypeVariable(Exception):
    """An annotation holds a type variable for which the class has no type yet."""


def bind(annotation: Any, owner: type, cls: type, where: str) -> Any:
    """Return a type with every type variable in it replaced, at any depth.

    Pydantic takes a type variable for `Any`, so that one which stayed would not be validated.

    Args:
        annotation: The type.
        owner: The class that declares it.
        cls: The class that it is looked up on, which may bind type variables of `owner`.
        where: The name of the declaration, for the text of an error.

    Raises:
        UnboundTypeVariable: One of them has neither a type nor a default, and `cls` is generic in
            it: a subclass may bind it.
        ConfigurationError: No subclass can bind it.
    """
    annotation = _fill_in(annotation, _type_arguments(cls).get(owner, {}))
    known = frozenset((*_parameters_of(owner), *_parameters_of(cls)))
    while (variable := next(_variables(annotation, known, ()), None)) is not None:
        if not (hasattr(variable, "has_default") and variable.has_default()):
            _refuse(variable, owner, cls, where)
        annotation = _fill_in(annotation, {variable: variable.__default__})
    return annotation


def _refuse(variable: Variable, owner: type, cls: type, where: str) -> NoReturn:
    name = variable.__name__
    if variable in _parameters_of(cls):
        raise UnboundTypeVariable(name)
    if variable in _parameters_of(owner):
        raise ConfigurationError(
            f"{where}: {cls.__qualname__} does not say what the type variable {name} of "
            f"{owner.__qualname__} is: subclass {owner.__qualname__}[...], with a type in the "
            "brackets"
        )
    raise ConfigurationError(
        f"{where}: nothing says what the type variable {name} is: name a type instead, or make "
        f"{cls.__qualname__} generic in {name}"
    )


def _type_arguments(cls: type) -> dict[type, dict[Any, Any]]:
    """Return the types that `cls` gives to the type variables of each of its generic bases."""
    found: dict[type, dict[Any, Any]] = {}

    def visit(klass: type, arguments: Arguments) -> None:
        for base in get_original_bases(klass):
            origin: Any = typing.get_origin(base) or base
            given = _fill_in_all(typing.get_args(base), arguments)
            bound = _by_parameter(_parameters_of(origin), given)
            found.setdefault(origin, {}).update(bound)
            visit(origin, bound)

    visit(cls, {})
    return found


def _parameters_of(cls: type) -> Sequence[Any]:
    return getattr(cls, "__parameters__", ())


def _by_parameter(parameters: Sequence[Any], given: Sequence[Any]) -> dict[Any, Any]:
    for number, parameter in enumerate(parameters):
        if isinstance(parameter, TypeVarTuple) and given:
            # It takes what the others leave.
            end = len(given) - (len(parameters) - number - 1)
            given = [*given[:number], tuple(given[number:end]), *given[end:]]
    return dict(zip(parameters, given, strict=False))


def _fill_in(annotation: Any, arguments: Arguments) -> Any:
    """Return a type with these type variables replaced; the same object if it has none of them."""
    if isinstance(annotation, Variable):
        return arguments.get(annotation, annotation)
    if annotation.__class__ is list:  # the parameters of a `Callable`
        return _fill_in_all(annotation, arguments)
    old = _types_within(annotation)
    new = _fill_in_all(old, arguments)
    if len(new) == len(old) and all(one is other for one, other in zip(new, old, strict=True)):
        return annotation
    if is_union(annotation):
        return _union(new)
    if _is_model(annotation):
        model: Any = annotation.__pydantic_generic_metadata__["origin"] or annotation
        return model[tuple(new)]
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return Annotated[(new[0], *annotation.__metadata__)]
    return origin[tuple(new) if len(new) != 1 else new[0]]


def _fill_in_all(types: Sequence[Any], arguments: Arguments) -> list[Any]:
    filled: list[Any] = []
    for each in types:
        unpacked = typing.get_args(each)[0] if typing.get_origin(each) in _UNPACKS else None
        if unpacked in arguments:
            filled.extend(arguments[unpacked])
        else:
            filled.append(_fill_in(each, arguments))
    return filled


def _union(types: Sequence[Any]) -> Any:
    try:
        # To pydantic `Envelope[A | B]` is another class than `Envelope[Union[A, B]]`, and `|` is
        # what the code that makes a reply is likely to write.
        return functools.reduce(lambda one, other: one | other, types)
    except TypeError:  # not between strings
        return union_of(types)


def _variables(annotation: Any, known: frozenset[Any], within: Sequence[Any]) -> Iterator[Any]:
    """Yield the type variables in a type.

    Args:
        annotation: The type.
        known: Those of the class that declares it.
        within: The named aliases that it is a part of: an alias may be a part of itself.
    """
    if isinstance(annotation, Variable):
        yield annotation
    elif annotation.__class__ is list:
        for part in annotation:
            yield from _variables(part, known, within)
    elif isinstance(annotation, NewType):
        yield from _variables(annotation.__supertype__, known, within)
    elif is_alias(annotation):
        if annotation not in within:
            # Without brackets its own type variables are open too.
            yield from _variables(_value_of(annotation), known, [*within, annotation])
    elif _is_bare_model(annotation):
        # Pydantic gives an open variable its default or its bound, or else `Any`, as it documents.
        # But with the variable of its own class, `Envelope[T]` is the class `Envelope` itself.
        yield from known.intersection(_types_within(annotation))
    else:
        for part in _types_within(annotation):
            yield from _variables(part, known, within)


def _value_of(alias: Any) -> Any:
    try:
        return alias.__value__
    except NameError:
        # Compiling the type fails on this too, with an error that explains it.
        return Any


def _types_within(annotation: Any) -> Sequence[Any]:
    """Return the types in the brackets of a type: those that are validated."""
    if _is_model(annotation):
        # `Envelope[T]` is a class of pydantic's.
        metadata = annotation.__pydantic_generic_metadata__
        return metadata["args"] or metadata["parameters"]
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return ()
    return typing.get_args(annotation)[:1] if origin is Annotated else typing.get_args(annotation)


def _is_bare_model(annotation: Any) -> bool:
    return _is_model(annotation) and not annotation.__pydantic_generic_metadata__["args"]


def _is_model(annotation: Any) -> TypeIs[type[BaseModel]]:
    return is_class(annotation) and issubclass(annotation, BaseModel)
