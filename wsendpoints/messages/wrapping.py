"""What a decorated method shows of the function within: its parameters, and whether it is async.

A decorator may return a function, an instance of a class, or a descriptor. What it wraps is found
through `__wrapped__`, which `functools.wraps` sets, as `inspect` does.
"""

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from types import FunctionType, MethodType
from typing import Any, Final, TypeAlias, cast

from typing_extensions import Format, get_annotations

from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "Kind",
    "Parameter",
    "annotated",
    "annotations_of",
    "find",
    "held_by",
    "is_generator",
    "kind_of",
    "layers",
    "message_parameters",
    "taken_by_name",
    "untaken",
]

Parameter: TypeAlias = tuple[Any, str]
"""A function, and the name of the parameter that the message is passed to; `""` if unknown."""

_Named: TypeAlias = inspect.Parameter | None

_MESSAGE: Final = object()

_NAMED: Final = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})
"""The kinds of parameters that can be passed by name."""

# A mock may have the mark of asyncio alone, up to Python 3.13; from 3.14 on it is deprecated.
_is_coroutine_function: Final[Callable[[Any], bool]] = (
    inspect.iscoroutinefunction if sys.version_info >= (3, 14) else asyncio.iscoroutinefunction
)


class Kind(Enum):
    """What a call of a method returns."""

    COROUTINE = "a coroutine"
    STREAM = "an async generator"
    EITHER = "what shows only when it is called"
    NEITHER = "nothing that could be awaited"


def find(cls: type, name: str) -> tuple[type, Any]:
    """Return the class that an attribute is inherited from, and its value there, not bound."""
    owner = next(klass for klass in cls.__mro__ if name in vars(klass))
    return owner, vars(owner)[name]


def layers(method: Any) -> Iterator[Any]:
    """Yield a method as it was found in a class, then what it wraps, and what that wraps."""
    seen: list[Any] = []
    while not any(method is other for other in seen):
        yield method
        seen.append(method)
        method = _wrapped(method)
        if method is None:
            return


def _wrapped(method: Any) -> Any:
    if isinstance(method, functools.partialmethod):
        return cast("Any", method).func
    if type(method) is MethodType:
        method = method.__func__
    # A mock and a lazy proxy have every attribute.
    if inspect.getattr_static(method, "__wrapped__", None) is None:
        return None
    return method.__wrapped__


def held_by(function: Any) -> Iterator[Any]:
    """Yield what a function has in its closure, such as what a decorator wraps."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not assigned yet
            yield cell.cell_contents


def kind_of(method: Any) -> Kind:
    """Return what a call of a method returns, as far as its layers show it."""
    if isinstance(method, staticmethod | classmethod | functools.partialmethod):
        method = _wrapped(method)
    outer, *inner = map(_kind_alone, layers(method))
    if outer is Kind.COROUTINE and Kind.STREAM in inner:
        return Kind.EITHER
    if outer is Kind.NEITHER and any(kind is not Kind.NEITHER for kind in inner):
        return Kind.EITHER
    return outer


def is_generator(method: Any) -> bool:
    """Return whether a method, or what it wraps, has a `yield` and is not async."""
    return any(_flags(layer) & inspect.CO_GENERATOR for layer in layers(method))


def _kind_alone(layer: Any) -> Kind:
    flags = _flags(layer)
    if flags & inspect.CO_ASYNC_GENERATOR:
        return Kind.STREAM
    if flags & inspect.CO_COROUTINE or _is_coroutine_function(layer):
        return Kind.COROUTINE
    is_shown = isinstance(layer, FunctionType) or isinstance(_call_of(layer), FunctionType)
    if is_shown or not (callable(layer) or _has_get(layer)):
        return Kind.NEITHER
    # Such as a function that is compiled.
    return Kind.EITHER


def _flags(layer: Any) -> int:
    for function in (layer, _call_of(layer)):
        flags = getattr(getattr(function, "__code__", None), "co_flags", None)
        if isinstance(flags, int):
            return flags
    return 0


def _call_of(layer: object) -> Any:
    return getattr(type(layer), "__call__", None)  # noqa: B004 - not whether it can be called


def _has_get(layer: object) -> bool:
    return hasattr(type(layer), "__get__")


def message_parameters(method: Any, named: Collection[str] = ()) -> list[Parameter]:
    """Return the layers of a method, each with its parameter for the message.

    A layer may take other arguments than the one within, which its decorator adds, or drops. Then
    the message is the parameter of the same name in both, or else the third, as it always is.

    Args:
        method: The method, as it was found in a class.
        named: What it is passed by name, in addition.

    Raises:
        ConfigurationError: It can't be called with an instance, a WebSocket and the message, or
            it does not show which parameter of a function within is the message.
    """
    arguments = [None, None, _MESSAGE] if _passes_self(method) else [None, _MESSAGE]
    found: list[Parameter] = []
    parameter: _Named = None
    for number, layer in enumerate(layers(method)):
        signature = _signature(layer)
        if signature is not None:
            by_name = _accepted(signature, named)
            if number == 0:
                parameter = _outermost(method, signature, arguments, by_name)
            else:
                parameter = _within(method, layer, signature, parameter, (arguments, by_name))
        found.append((layer, "" if parameter is None else parameter.name))
    return found


def _passes_self(method: Any) -> bool:
    """Whether Python passes the instance to what it finds in a class."""
    return _has_get(method) and type(method) is not MethodType


def _signature(layer: Any) -> inspect.Signature | None:
    """Return the parameters of a layer itself, not of what it wraps; `None` if it hides them."""
    if isinstance(layer, functools.partialmethod):
        layer = cast("Any", layer).__get__(None, object)
    elif isinstance(layer, FunctionType) and type(layer) is not FunctionType:
        # A proxy shows the parameters of what it wraps, whatever it takes itself.
        return None
    try:
        return inspect.signature(layer, follow_wrapped=False)
    except (TypeError, ValueError):
        return None


def _accepted(signature: inspect.Signature, named: Collection[str]) -> list[str]:
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    takes_all = inspect.Parameter.VAR_KEYWORD in kinds.values()
    return [name for name in named if kinds.get(name) in _NAMED or takes_all]


def _outermost(
    method: Any, signature: inspect.Signature, arguments: list[Any], by_name: list[str]
) -> _Named:
    parameter = _bound(signature.bind, arguments, by_name)
    if parameter is None and not _passes_self(method):
        raise _without_self(method)
    # What a descriptor of another kind calls, only its `__get__` knows.
    if parameter is None and type(method) is FunctionType:
        missing = [name for name in _required(signature, len(arguments)) if name not in by_name]
        if missing and _bound(signature.bind, arguments, [*by_name, *missing]) is not None:
            raise ConfigurationError(
                f"{_name_of(method)}{signature} takes {' and '.join(missing)}, which nothing "
                "provides: mark a method of that name with @provides, or give the parameter a "
                "default"
            )
        raise ConfigurationError(
            f"{_name_of(method)}{signature} can't be called with a websocket and a message: "
            "declare it as (self, websocket, data)"
        )
    return parameter


def _within(
    method: Any,
    layer: Any,
    signature: inspect.Signature,
    outer: _Named,
    given: tuple[list[Any], list[str]],
) -> inspect.Parameter:
    """Return the parameter for the message of a function that another one wraps."""
    is_named = outer is not None and outer.kind is not inspect.Parameter.VAR_POSITIONAL
    if outer is not None and is_named and outer.name in signature.parameters:
        return signature.parameters[outer.name]
    parameter = _bound(signature.bind, *given)
    if parameter is not None:
        return parameter
    if not _passes_self(method):
        raise _without_self(method)
    if not is_named and (parameter := _bound(signature.bind_partial, *given)) is not None:
        return parameter
    raise ConfigurationError(
        f"{_name_of(layer)}{signature} is wrapped in a function that does not show which of the "
        "parameters is the message: give that the same name in both"
    )


def _without_self(method: Any) -> ConfigurationError:
    kind = type(method).__qualname__
    return ConfigurationError(
        f"{_name_of(method)} is a {kind}, to which Python passes no `self`: give {kind} the "
        "method `__get__`, or decorate with a function"
    )


def _bound(
    bind: Callable[..., inspect.BoundArguments], arguments: list[Any], by_name: list[str]
) -> inspect.Parameter | None:
    try:
        bound = bind(*arguments, **dict.fromkeys(by_name))
    except TypeError:
        return None
    # With `*args` the value is a tuple, and the annotation is that of its items.
    return next(
        bound.signature.parameters[name]
        for name, value in bound.arguments.items()
        if value is _MESSAGE or (isinstance(value, tuple) and _MESSAGE in value)
    )


def _required(signature: inspect.Signature, count: int) -> list[str]:
    """Return the parameters without a default, after the first ones, that are passed by name."""
    parameters = [*signature.parameters.values()]
    return [
        it.name
        for number, it in enumerate(parameters)
        if it.kind in _NAMED
        and it.default is inspect.Parameter.empty
        and (number >= count or it.kind is inspect.Parameter.KEYWORD_ONLY)
    ]


def taken_by_name(
    method: Any, names: Collection[str], count: int, hidden: Collection[str] = ()
) -> list[str]:
    """Return those of some names under which a method takes something.

    A layer with `**kwargs` passes on what the one within takes.

    Args:
        method: The method, as it was found in a class.
        names: What it can be passed by name.
        count: How many arguments it is passed by position, with `self`.
        hidden: Those that it takes if it does not show what it takes, as a mock does not.

    Raises:
        ConfigurationError: One of the first parameters has such a name, or one can't be passed by
            name, or is not passed on.
    """
    found: dict[str, None] = {}
    is_reached = True
    for layer in layers(method):
        signature = _signature(layer)
        if signature is None:
            continue
        parameters = [*signature.parameters.values()]
        if is_reached:
            _check_named(layer, signature, parameters[:count], names)
            taken = [it.name for it in parameters if it.kind in _NAMED and it.name in names]
            found.update(dict.fromkeys(taken))
            is_reached = any(it.kind is inspect.Parameter.VAR_KEYWORD for it in parameters)
            continue
        for name in _required(signature, count):
            if name in names and name not in found:
                raise ConfigurationError(
                    f"{_name_of(layer)}{signature} takes {name}, but is wrapped in a function that "
                    "does not pass it on: give that `**kwargs`"
                )
    if is_reached:
        found.update((name, None) for name in hidden if name in names)
    return [*found]


def untaken(method: Any, names: Collection[str], count: int) -> list[str]:
    """Return the parameters of a method that have no default, and for which nothing is passed.

    Args:
        method: The method, as it was found in a class.
        names: What it is passed by name.
        count: How many arguments it is passed by position, with `self`.
    """
    signature = _signature(method)
    if signature is None or not _passes_self(method):
        return []
    return [
        it.name
        for number, it in enumerate(signature.parameters.values())
        if it.kind not in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
        and it.default is inspect.Parameter.empty
        and (number >= count or it.kind is inspect.Parameter.KEYWORD_ONLY)
        and it.name not in names
    ]


def _check_named(
    layer: Any,
    signature: inspect.Signature,
    first: Sequence[inspect.Parameter],
    names: Collection[str],
) -> None:
    for parameter in signature.parameters.values():
        if parameter.name not in names:
            continue
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise ConfigurationError(
                f"{_name_of(layer)}{signature} takes {parameter.name} by position alone, and what "
                "is provided is passed by name: move it behind the `/`"
            )
        if parameter in first and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise ConfigurationError(
                f"{_name_of(layer)}{signature} takes {parameter.name}, which is the name of a "
                "provider, where it gets the WebSocket or the message: declare it as (self, "
                f"websocket, data, {parameter.name}), or give one of the two another name"
            )


def _name_of(layer: Any) -> str:
    return str(getattr(layer, "__qualname__", type(layer).__qualname__))


def annotated(layer: Any) -> Any:
    """Return the function that has the annotations of a layer."""
    layer = getattr(layer, "__func__", layer)
    call = _call_of(layer)
    return call if isinstance(call, FunctionType) and _wrapped(layer) is None else layer


def annotations_of(layer: Any) -> dict[str, Any]:
    """Return the annotations of a layer, with strings as they were written."""
    try:
        return dict(get_annotations(annotated(layer), format=Format.FORWARDREF))
    except (TypeError, ValueError):
        return {}
