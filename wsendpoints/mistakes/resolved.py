"""What is marked for a framework, or as a parameter, where the mark means nothing."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from typing_extensions import Format, get_annotations

from wsendpoints.markers import Mark, read_mark
from wsendpoints.messages.annotations import UnboundTypeVariable, parameter_type
from wsendpoints.messages.unions import without_alias
from wsendpoints.messages.wrapping import annotations_of
from wsendpoints.mistakes.body import Body, Method
from wsendpoints.mistakes.names import ATTRIBUTES
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.sources import is_source

__all__ = ["check_no_source", "check_parameters", "check_resolved"]

_MAY_BE_MARKED: Final = re.compile(r"Annotated\[")


def check_parameters(body: Body) -> None:
    """Check that no hook, handler or provider has a parameter that is marked.

    Raises:
        ConfigurationError: One has: as a default, which it would get, or in an annotation.
    """
    for method in body.methods:
        if not (method.name in body.hooks or method.is_marked or method.is_provider):
            # It may be what a framework depends on itself.
            continue
        where = f"{body.where}.{method.name}"
        for name, default in _defaults_of(method).items():
            _refuse(default, f"{where} has {_written(default)} as the default of {name}", name)
        for name, value in _annotated(body, method):
            _refuse(value, f"{where} has {_written(value)} in the annotation of {name}", name)


def check_no_source(value: object, what: str, name: str) -> None:
    """Check that a value is none that marks a field of the parameters.

    Args:
        value: The value.
        what: What has it, and how, for the text of an error.
        name: How such a field would be called.

    Raises:
        ConfigurationError: It is.
    """
    if is_source(value):
        raise ConfigurationError(
            f"{what}, which only marks a field of `params`: annotate `params: Params`, and in "
            f"`class Params(BaseModel)` write `{name}: Annotated[..., {value!r}]`"
        )


def _refuse(value: object, what: str, name: str) -> None:
    check_no_source(value, what, name)
    if read_mark(value) is not None:
        mark = _written(value)
        raise ConfigurationError(
            f"{what}, where no framework reads it: annotate an attribute, as in `{name}: "
            f"Annotated[..., {mark}]`, and provide what is for one message by a method with "
            "@provides"
        )


def _written(mark: object) -> str:
    return repr(mark) if is_source(mark) else f"{type(mark).__name__}(...)"


def _annotated(body: Body, method: Method) -> Iterator[tuple[str, Any]]:
    """Yield what stands behind the types of parameters, with the names of these."""
    for name, written in annotations_of(method.function).items():
        if name == "return":
            continue
        annotation = written
        if isinstance(getattr(written, "__forward_arg__", written), str):
            if not _MAY_BE_MARKED.search(str(written)):
                continue
            try:
                annotation = parameter_type(
                    method.function, name, body.cls, body.cls, f"{body.where}.{method.name}"
                )
            except (ConfigurationError, UnboundTypeVariable):
                # It may name what is imported for type checkers alone.
                continue
        for value in getattr(without_alias(annotation), "__metadata__", ()):
            yield name, value


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
