"""The types that a method's annotations stand for.

Annotations may be objects or strings (`from __future__ import annotations`), may name types that
are local to a function or a class, and may hold the type variables of a generic base.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

from typing_extensions import Format, get_annotations

from wsendpoints.messages.generics import UnboundTypeVariable, bind
from wsendpoints.messages.wrapping import (
    Parameter,
    annotated,
    annotations_of,
    message_parameters,
)
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "MISSING",
    "Function",
    "UnboundTypeVariable",
    "attribute_type",
    "base_argument",
    "check_bound",
    "message_types",
    "open_type",
    "parameter_type",
]

Function: TypeAlias = Callable[..., Any]

_RESOLVED: Final = "__wsendpoints_types__"
"""The attribute of a function that stores its resolved types, for subclasses made later: local
variables around a class can be looked up only while the class is being made."""


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for an annotation that is not there."""


def message_types(
    function: Function, owner: type, cls: type, named: Collection[str] = ()
) -> tuple[Any, Any]:
    """Return the types of a handler's message and of its return value.

    Other annotations are not resolved, so they may name what is imported only for type checkers.

    Args:
        function: A method to be called with an instance, a WebSocket and the message.
        owner: The class that defines it.
        cls: The class that it is looked up on, which may bind type variables of `owner`.
        named: What it is passed by name, in addition.

    Returns:
        The two types; `MISSING` for one that is not annotated. Those of a decorator's function
        count where it has its own.

    Raises:
        ConfigurationError: The method can't be called with these arguments, or a name can't be
            resolved, or a type variable can't be bound.
        UnboundTypeVariable: `cls` is still generic.
    """
    parameters = message_parameters(function, named)
    returns = [(layer, "return") for layer, _ in parameters]
    types_ = (_type_of(parameters, owner), _type_of(returns, owner))
    where = f"{cls.__qualname__}.{_name_of(parameters[-1][0])}"
    return bind(types_[0], owner, cls, where), bind(types_[1], owner, cls, where)


def parameter_type(function: Function, name: str, owner: type, cls: type, where: str) -> Any:
    """Return the type of a parameter of a method; `MISSING` if it is not annotated.

    Args:
        function: The method, without what decorates it.
        name: The name of the parameter; `"return"` for what the method returns.
        owner: The class that defines it.
        cls: The class that it is looked up on, which may bind type variables of `owner`.
        where: The name of the method, for the text of an error.

    Raises:
        ConfigurationError: A name can't be resolved, or a type variable can't be bound.
        UnboundTypeVariable: `cls` is still generic.
    """
    return bind(_resolve_once(function, name, owner), owner, cls, where)


def _type_of(names: Sequence[Parameter], owner: type) -> Any:
    """Return the resolved annotation of a parameter that has a name in each layer of a method."""
    *outer, (function, name) = names
    for number, (layer, own_name) in enumerate(outer):
        own = annotations_of(layer).get(own_name, Any)
        within, inner_name = names[number + 1]
        # `functools.wraps` copies the annotations, which then name what is known elsewhere.
        if own not in (Any, "Any") and own != annotations_of(within).get(inner_name, MISSING):
            function, name = layer, own_name
            break
    return _resolve_once(function, name, owner)


def _resolve_once(function: Any, name: str, owner: type) -> Any:
    function = annotated(function)
    known: Any = getattr(function, _RESOLVED, None)
    # A copy by `functools.wraps` is that of another function.
    if not isinstance(known, _Resolved) or known.function is not function:
        known = _Resolved(function, {})
        with suppress(AttributeError):
            setattr(function, _RESOLVED, known)
    if name not in known.types:
        annotation = annotations_of(function).get(name, MISSING)
        where = getattr(function, "__qualname__", f"{owner.__qualname__}.{_name_of(function)}")
        module = getattr(function, "__globals__", vars(sys.modules[owner.__module__]))
        known.types[name] = _resolve(annotation, where, module, owner, _closure(function))
    return known.types[name]


class _Resolved(NamedTuple):
    """The resolved types of a function, by the names of its parameters."""

    function: Any
    types: dict[str, Any]


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def attribute_type(cls: type, name: str) -> Any:
    """Return the type of an attribute, from the first class in the MRO that annotates it.

    It is `Any` if it is open in a generic base class: `check_bound` says so.

    Raises:
        ConfigurationError: A name in the annotation can't be resolved, or a type variable in it
            can't be bound.
    """
    try:
        return check_bound(cls, name)
    except UnboundTypeVariable:
        return Any


def check_bound(cls: type, name: str) -> Any:
    """Return the type of an attribute.

    Raises:
        ConfigurationError: As for `attribute_type`.
        UnboundTypeVariable: `cls` is still generic.
    """
    owner, resolved = _declared(cls, name)
    return bind(resolved, owner, cls, f"{cls.__qualname__}.{name}")


def open_type(cls: type, name: str) -> Any:
    """Return the type of an attribute, with the type variables in it that `cls` leaves open.

    Raises:
        ConfigurationError: As for `attribute_type`.
    """
    owner, resolved = _declared(cls, name)
    try:
        return bind(resolved, owner, cls, f"{cls.__qualname__}.{name}")
    except UnboundTypeVariable:
        return resolved


def _declared(cls: type, name: str) -> tuple[type, Any]:
    owner, annotation = next(
        (klass, annotations[name])
        for klass in cls.__mro__
        if name in (annotations := get_annotations(klass, format=Format.FORWARDREF))
    )
    module = vars(sys.modules[owner.__module__])
    return owner, _resolve(annotation, f"{owner.__qualname__}.{name}", module, owner, {})


def base_argument(argument: Any, owner: type, where: str) -> Any:
    """Return what stands in the brackets of a base, with every string in it evaluated.

    Args:
        argument: What stands there.
        owner: The class with that base.
        where: The name of the declaration, for the text of an error.

    Raises:
        ConfigurationError: A name can't be resolved.
    """
    return _resolve(argument, where, vars(sys.modules[owner.__module__]), owner, {})


def _resolve(
    annotation: Any, where: str, module: dict[str, Any], owner: type, closure: Mapping[str, Any]
) -> Any:
    """Return an annotation with every string in it evaluated in the scope of its class."""
    if annotation is MISSING:
        return MISSING
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    names = _visible_names(module, closure, owner)
    try:
        hints = typing.get_type_hints(holder, module, names, include_extras=True)
    except NameError as exc:
        text = getattr(annotation, "__forward_arg__", annotation)
        raise ConfigurationError(
            f"{where}: the annotation {text!r} names {exc.name!r}, which is not "
            "known where the class is made: define or import it before the class, and outside "
            "of `if TYPE_CHECKING`"
        ) from None
    return hints["it"]


def _visible_names(
    module: Mapping[str, Any], closure: Mapping[str, Any], owner: type
) -> dict[str, Any]:
    """Return what annotations in a class may name, in addition to the globals of its module."""
    names = _enclosing_locals(module, owner)
    names.update(closure)
    # Python 3.12 and later: `class Base[T]`.
    parameters: Sequence[Any] = getattr(owner, "__type_params__", ())
    names.update({parameter.__name__: parameter for parameter in parameters})
    # Without methods: one that is called `list` must not hide the type.
    names.update(
        {name: value for name, value in vars(owner).items() if not inspect.isroutine(value)}
    )
    names[owner.__name__] = owner
    return names


def _enclosing_locals(module: Mapping[str, Any], owner: type) -> dict[str, Any]:
    """Return the variables of the functions around a class that is being made.

    A name that occurs only in a string is not captured by a closure, so the stack is the only
    link from a class to the local variables around it.
    """
    found: dict[str, Any] = {}
    frame = inspect.currentframe()
    while frame is not None:
        around = f"{frame.f_code.co_qualname}.<locals>."
        if frame.f_globals is module and owner.__qualname__.startswith(around):
            found = {**frame.f_locals, **found}
        frame = frame.f_back
    return found


def _closure(function: Any) -> dict[str, Any]:
    closure: Sequence[Any] = getattr(function, "__closure__", None) or ()
    cells = zip(function.__code__.co_freevars if closure else (), closure, strict=True)
    found: dict[str, Any] = {}
    for name, cell in cells:
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found
