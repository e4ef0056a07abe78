"""The type variables of generic classes, and the types that a subclass gives to them."""

import typing
from collections.abc import Iterator, Sequence
from typing import Any, NewType, NoReturn, TypeVarTuple

from typing_extensions import get_original_bases

from wsendpoints.messages.substitution import (
    Arguments,
    Variable,
    fill_in,
    fill_in_all,
    is_model,
    types_within,
)
from wsendpoints.messages.unions import is_alias
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["UnboundTypeVariable", "bind"]


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
    annotation = fill_in(annotation, _type_arguments(cls).get(owner, {}))
    known = frozenset((*_parameters_of(owner), *_parameters_of(cls)))
    while (variable := next(_variables(annotation, known, ()), None)) is not None:
        if not (hasattr(variable, "has_default") and variable.has_default()):
            _refuse(variable, owner, cls, where)
        annotation = fill_in(annotation, {variable: variable.__default__})
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
            given = fill_in_all(typing.get_args(base), arguments)
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
        yield from known.intersection(types_within(annotation))
    else:
        for part in types_within(annotation):
            yield from _variables(part, known, within)


def _value_of(alias: Any) -> Any:
    try:
        return alias.__value__
    except NameError:
        # Compiling the type fails on this too, with an error that explains it.
        return Any


def _is_bare_model(annotation: Any) -> bool:
    return is_model(annotation) and not annotation.__pydantic_generic_metadata__["args"]
