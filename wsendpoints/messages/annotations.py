"""The types that a method's annotations stand for.

Annotations may be objects or strings (`from __future__ import annotations`), may name types that
are local to a function or a class, and may hold the type variables of a generic base.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from typing_extensions import Format, get_annotations

from wsendpoints.messages.generics import UnboundTypeVariable, bind
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "MISSING",
    "Function",
    "UnboundTypeVariable",
    "attribute_type",
    "base_argument",
    "check_bound",
    "message_types",
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


def message_types(function: Function, owner: type, cls: type) -> tuple[Any, Any]:
    """Return the types of a handler's message and of its return value.

    Other annotations are not resolved, so they may name what is imported only for type checkers.

    Args:
        function: A method to be called with an instance, a WebSocket and the message.
        owner: The class that defines it.
        cls: The class that it is looked up on, which may bind type variables of `owner`.

    Returns:
        The two types; `MISSING` for one that is not annotated.

    Raises:
        ConfigurationError: The method can't be called with these arguments, or a name can't be
            resolved, or a type variable can't be bound.
        UnboundTypeVariable: `cls` is still generic.
    """
    name = _message_parameter(function)
    function = inspect.unwrap(function)
    types_: tuple[Any, Any] | None = getattr(function, _RESOLVED, None)
    if types_ is None:
        annotations = get_annotations(function, format=Format.FORWARDREF)
        where, module, closure = function.__qualname__, function.__globals__, _closure(function)
        types_ = (
            _resolve(annotations.get(name, MISSING), where, module, owner, closure),
            _resolve(annotations.get("return", MISSING), where, module, owner, closure),
        )
        setattr(function, _RESOLVED, types_)
    where = f"{cls.__qualname__}.{function.__name__}"
    return bind(types_[0], owner, cls, where), bind(types_[1], owner, cls, where)


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
    owner, annotation = next(
        (klass, annotations[name])
        for klass in cls.__mro__
        if name in (annotations := get_annotations(klass, format=Format.FORWARDREF))
    )
    module = vars(sys.modules[owner.__module__])
    resolved = _resolve(annotation, f"{owner.__qualname__}.{name}", module, owner, {})
    return bind(resolved, owner, cls, f"{cls.__qualname__}.{name}")


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


def _message_parameter(function: Function) -> str:
    """Return the name of the parameter that the message is passed to."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(None, None, MISSING)
    except TypeError:
        raise ConfigurationError(
            f"{function.__qualname__}{signature} can't be called with a websocket and a message: "
            "declare it as (self, websocket, data)"
        ) from None
    # With `*args` the value is a tuple, and the annotation is that of its items.
    return next(
        name
        for name, value in bound.arguments.items()
        if value is MISSING or (isinstance(value, tuple) and MISSING in value)
    )


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


def _closure(function: Function) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found: dict[str, Any] = {}
    for name, cell in cells:
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found
