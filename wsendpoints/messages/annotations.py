"""What a method's annotations mean, however they are written.

As objects or as strings (`from __future__ import annotations`), naming what is local to a
function or to the class, with the type variables of a generic base filled in.
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
"""Where a function's types are kept for subclasses that are made elsewhere: the variables around
the class are there only while it is being made."""


class UnboundTypeVariable(Exception):
    """An annotation names a type variable that the class leaves open."""


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""There is no annotation."""


def message_types(function: Function, owner: type, cls: type) -> tuple[Any, Any]:
    """Return the annotations of a handler's message and of what it returns.

    No other annotation is looked at, so that these may name what is imported for type checkers
    alone.

    Args:
        function: A method that is called with an instance, a WebSocket and the message.
        owner: The class that it is defined in.
        cls: The class that it is looked up for, which fills in the type variables.

    Returns:
        The two types, `MISSING` for one that is not annotated.

    Raises:
        ConfigurationError: The method can't be called so, or a name can't be resolved.
        UnboundTypeVariable: The class is generic still.
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
    """Return what a class, or the nearest of its bases, annotates an attribute with.

    Raises:
        ConfigurationError: A name in it can't be resolved.
    """
    owner, annotation = next(
        (klass, annotations[name])
        for klass in cls.__mro__
        if name in (annotations := get_annotations(klass, format=Format.FORWARDREF))
    )
    module = vars(sys.modules[owner.__module__])
    return _resolve(annotation, f"{owner.__qualname__}.{name}", module, owner, {})


def _message_parameter(function: Function) -> str:
    """Return the name of the parameter that takes the message."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(None, None, MISSING)
    except TypeError:
        raise ConfigurationError(
            f"{function.__qualname__}{signature} can't be called with a websocket and a message: "
            "declare it as (self, websocket, data)"
        ) from None
    # With `*args` the message is in there, and the annotation speaks of it as well.
    return next(
        name
        for name, value in bound.arguments.items()
        if value is MISSING or (isinstance(value, tuple) and MISSING in value)
    )


def _resolve(
    annotation: Any, where: str, module: dict[str, Any], owner: type, closure: Mapping[str, Any]
) -> Any:
    """Return an annotation with every string in it evaluated, as its class would see it."""
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
    """Return what the annotations in a class may name besides its module's globals."""
    names = _enclosing_locals(module, owner)
    names.update(closure)
    # Python 3.12 and later: `class Base[T]`.
    parameters: Sequence[Any] = getattr(owner, "__type_params__", ())
    names.update({parameter.__name__: parameter for parameter in parameters})
    # Not the methods: one that is called `list` must not hide the type.
    names.update({name: it for name, it in vars(owner).items() if not inspect.isroutine(it)})
    names[owner.__name__] = owner
    return names


def _enclosing_locals(module: Mapping[str, Any], owner: type) -> dict[str, Any]:
    """Return the variables of the functions around a class that is being made.

    A string that names a local model is not captured by a closure: a class body that is being
    run has no other link to the function around it than the stack.
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
    """Return, for each generic base of `cls`, what its type variables stand for."""
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
        return annotation  # `Envelope` without brackets leaves nothing open
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
        # `Envelope[T]` is a class, and has no `__parameters__`.
        return annotation.__pydantic_generic_metadata__["parameters"]
    return () if is_class(annotation) else getattr(annotation, "__parameters__", ())


def _is_model(annotation: Any) -> TypeIs[type[BaseModel]]:
    return is_class(annotation) and issubclass(annotation, BaseModel)
