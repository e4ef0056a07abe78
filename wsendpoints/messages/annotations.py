"""The types that a method's annotations stand for.

Annotations may be objects or strings (`from __future__ import annotations`), may name types that
are local to a function or a class, and may hold the type variables of a generic base.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel
from typing_extensions import Format, TypeIs, get_annotations, get_original_bases

from wsendpoints.messages.unions import is_class
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["MISSING", "Function", "UnboundTypeVariable", "attribute_type", "message_types"]

Function: TypeAlias = Callable[..., Any]

_RESOLVED: Final = "__wsendpoints_types__"
"""The attribute of a function that stores its resolved types, for subclasses made later: local
variables around a class can be looked up only while the class is being made."""


class UnboundTypeVariable(Exception):
    """An annotation holds a type variable for which the class has no type."""


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
            resolved.
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
    arguments = _type_arguments(cls).get(owner, {})
    return _substitute(types_[0], arguments), _substitute(types_[1], arguments)


def attribute_type(cls: type, name: str) -> Any:
    """Return the type of an attribute, from the first class in the MRO that annotates it.

    Raises:
        ConfigurationError: A name in the annotation can't be resolved.
    """
    owner, annotation = next(
        (klass, annotations[name])
        for klass in cls.__mro__
        if name in (annotations := get_annotations(klass, format=Format.FORWARDREF))
    )
    module = vars(sys.modules[owner.__module__])
    return _resolve(annotation, f"{owner.__qualname__}.{name}", module, owner, {})


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


def _type_arguments(cls: type) -> dict[type, dict[Any, Any]]:
    """Return the types that `cls` gives to the type variables of each of its generic bases."""
    found: dict[type, dict[Any, Any]] = {}

    def visit(klass: type, arguments: Mapping[Any, Any]) -> None:
        for base in get_original_bases(klass):
            origin: Any = typing.get_origin(base) or base
            parameters = getattr(origin, "__parameters__", ())
            given = [_fill_in(argument, arguments) for argument in typing.get_args(base)]
            bound = dict(zip(parameters, given, strict=False))
            found.setdefault(origin, {}).update(bound)
            visit(origin, bound)

    visit(cls, {})
    return found


def _substitute(annotation: Any, arguments: Mapping[Any, Any]) -> Any:
    """Return `annotation` with its type variables replaced.

    Raises:
        UnboundTypeVariable: One of them has neither an argument nor a default.
    """
    annotation = _fill_in(annotation, arguments)
    if _is_model(annotation) and annotation.__pydantic_generic_metadata__["origin"] is None:
        return annotation  # `Envelope` without brackets: pydantic takes its variables for `Any`
    for parameter in _parameters(annotation):
        if not (hasattr(parameter, "has_default") and parameter.has_default()):
            raise UnboundTypeVariable(parameter.__name__)
        annotation = _fill_in(annotation, {parameter: parameter.__default__})
    return annotation


def _fill_in(annotation: Any, arguments: Mapping[Any, Any]) -> Any:
    if isinstance(annotation, TypeVar):
        return arguments.get(annotation, annotation)
    parameters = _parameters(annotation)
    if arguments.keys().isdisjoint(parameters):
        return annotation
    return annotation[tuple(arguments.get(parameter, parameter) for parameter in parameters)]


def _parameters(annotation: Any) -> Sequence[Any]:
    """Return the type variables in an annotation."""
    if isinstance(annotation, TypeVar):
        return (annotation,)
    if _is_model(annotation):
        # `Envelope[T]` is a class of pydantic's, which has no `__parameters__`.
        return annotation.__pydantic_generic_metadata__["parameters"]
    return () if is_class(annotation) else getattr(annotation, "__parameters__", ())


def _is_model(annotation: Any) -> TypeIs[type[BaseModel]]:
    return is_class(annotation) and issubclass(annotation, BaseModel)
