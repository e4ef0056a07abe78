"""What is marked for a framework, and can't be what it resolves."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import Format, get_annotations

from wsendpoints.markers import Mark, read_mark
from wsendpoints.mistakes.body import Body, Method
from wsendpoints.mistakes.names import ATTRIBUTES
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_parameters", "check_resolved"]


def check_parameters(body: Body) -> None:
    """Check that no hook, handler or provider has a mark as a default, which it would get.

    Raises:
        ConfigurationError: One has.
    """
    for method in body.methods:
        if not (method.name in body.hooks or method.is_marked or method.is_provider):
            # It may be what a framework depends on itself.
            continue
        for name, default in _defaults_of(method).items():
            if read_mark(default) is not None:
                mark = f"{type(default).__name__}(...)"
                raise ConfigurationError(
                    f"{body.where}.{method.name} has {mark} as the default of {name}, where no "
                    f"framework reads it: annotate an attribute, as in `{name}: Annotated[..., "
                    f"{mark}]`, and provide what is for one message by a method with @provides"
                )


def _defaults_of(method: Method) -> Mapping[str, Any]:
    # Pyright takes an attribute that is a function for a bound method.
    function: Any = method.function
    code, positional = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
    return {**dict(zip(names, positional, strict=True)), **(function.__kwdefaults__ or {})}


def check_resolved(cls: type, name: str, marks: Mapping[Mark, str]) -> None:
    """Check an attribute that a framework resolves.

    Args:
        cls: The class.
        name: The name of the attribute.
        marks: The marks in its annotation.

    Raises:
        ConfigurationError: A WebSocket has nothing that it could be resolved from, or the name
            has another meaning.
    """
    where = f"{cls.__qualname__}.{name}"
    value: Any = getattr(cls, name, None)
    for (host, source), mark in marks.items():
        if source == "body":
            raise ConfigurationError(
                f"{where} is annotated with {mark}, but a WebSocket has no body that {host} could "
                "read: take it from the path, the query, a header or a cookie, or from a message"
            )
        if name in ATTRIBUTES:
            raise ConfigurationError(
                f"{where} is annotated with {mark}, but `{name}` is an attribute of every "
                f"WebSocketEndpoint: give what {host} resolves another name"
            )
        # FastAPI would not look at a default beside `Depends`.
        has_default = source == "dependency" and host == "FastAPI" and _has_value(cls, name)
        if has_default or hasattr(value, "__get__"):
            raise ConfigurationError(
                f"{where} is annotated with {mark}, and the class has a value or a method of this "
                "name as well: remove one of the two, or rename it"
            )


def _has_value(cls: type, name: str) -> bool:
    """Whether an attribute has a value where it is annotated, or below.

    A subclass may have a framework resolve what has a value in a class above.
    """
    is_annotated = [
        name in get_annotations(klass, format=Format.FORWARDREF) for klass in cls.__mro__
    ]
    return any(name in vars(klass) for klass in cls.__mro__[: is_annotated.index(True) + 1])
