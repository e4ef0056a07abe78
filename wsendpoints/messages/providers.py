"""What handlers take besides their message: the providers of a class, in the order of opening.

They are read and checked when the class is made; `lifecycle/providing.py` opens and closes them.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeVar

from wsendpoints.messages.wrapping import (
    Kind,
    find,
    held_by,
    kind_of,
    layers,
    taken_by_name,
    untaken,
)
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "Plan",
    "Provider",
    "is_provider",
    "mark_provider",
    "names_of_providers",
    "plan_of",
    "read_providers",
]

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "__wsendpoints_provides__"

_GIVEN: Final = ("websocket", "data")
"""What a provider may take that is no provider."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A method that makes what handlers take under its name.

    Attributes:
        name: Its name.
        where: Its name with that of the class.
        call: Called with the endpoint, and by name with what it takes.
        kind: What the call returns.
        takes: The names of what it takes: of `websocket`, `data`, and of other providers.
        is_always: Whether it is opened for handlers too that do not take it.
    """

    name: str
    where: str
    call: Callable[..., Any]
    kind: Kind
    takes: tuple[str, ...]
    is_always: bool


class Plan(NamedTuple):
    """What is to be done around the calls of one handler.

    Attributes:
        name: The name of the handler.
        opened: The providers, each after those that it takes.
        takes: The names of those that the handler takes.
    """

    name: str
    opened: tuple[Provider, ...]
    takes: tuple[str, ...]


def mark_provider(method: F, *, always: bool) -> F:
    """Mark a method as a provider, and return it: `wsendpoints.provides` for any callable.

    Raises:
        ConfigurationError: It takes no mark.
    """
    try:
        setattr(getattr(method, "__func__", method), _MARK, always)
    except AttributeError:
        raise ConfigurationError(
            f"@provides can't mark a {type(method).__qualname__}, which takes no attributes: put "
            "it on the function itself, below other decorators"
        ) from None
    return method


def is_provider(value: Any) -> bool:
    """Return whether a value in the body of a class is marked with `provides`."""
    return _mark_of(value) is not None


def _mark_of(value: Any) -> bool | None:
    """Return the `always` of a provider; `None` for what is no provider."""
    # Not `getattr`: a mock and a lazy proxy have every attribute.
    marks = (inspect.getattr_static(layer, _MARK, None) for layer in layers(value))
    return next((mark for mark in marks if isinstance(mark, bool)), None)


def names_of_providers(cls: type) -> dict[str, bool]:
    """Return the names of a class's providers, and which of them are opened always.

    An override counts as marked, as the method is that it overrides.

    Raises:
        ConfigurationError: A decorator hides the mark.
    """
    found: dict[str, bool] = {}
    for klass in reversed(cls.__mro__):
        for name, value in vars(klass).items():
            always = _mark_of(value)
            if always is not None:
                found[name] = always
            elif _hides_mark(name, value):
                raise ConfigurationError(
                    f"{cls.__qualname__}.{name} is marked with @provides below a decorator that "
                    "hides it: use functools.wraps in that decorator, or put @provides on top"
                )
    return found


def _hides_mark(name: str, value: Any) -> bool:
    return type(value) is FunctionType and any(
        type(within) is FunctionType and within.__name__ == name and is_provider(within)
        for within in held_by(value)
    )


def read_providers(cls: type, before: Mapping[str, Provider]) -> Mapping[str, Provider]:
    """Read the providers of a class.

    Args:
        cls: The class.
        before: Those that the class had when it was compiled before: a mock may take the place of
            one, and has no mark.

    Raises:
        ConfigurationError: One is declared incorrectly, or they take each other in a circle.
    """
    marked = {**{name: it.is_always for name, it in before.items()}, **names_of_providers(cls)}
    names = [name for name in marked if getattr(cls, name, None) is not None]
    found = {name: _read(cls, name, names, is_always=marked[name]) for name in names}
    _open(cls, names, found, {})
    return found


def _read(cls: type, name: str, names: Collection[str], *, is_always: bool) -> Provider:
    where = f"{cls.__qualname__}.{name}"
    if name in _GIVEN:
        raise ConfigurationError(
            f"{where} is marked with @provides, but as `{name}` a provider takes what the handler "
            "gets: give it another name"
        )
    _, method = find(cls, name)
    kind = kind_of(method)
    if isinstance(method, staticmethod | classmethod) or kind is Kind.NEITHER:
        raise ConfigurationError(
            f"{where} is marked with @provides, and is no async method: use `async def "
            f"{name}(self)`, with `yield` in front of what closes it, or without"
        )
    known = [*_GIVEN, *names]
    takes = taken_by_name(method, known, 1)
    for missing in untaken(method, takes, 1):
        raise ConfigurationError(
            f"{where} takes {missing}, which nothing provides: a provider may take websocket, "
            "data, and other methods that are marked with @provides, or give the parameter a "
            "default"
        )
    is_function = type(method) is FunctionType
    return Provider(
        name=name,
        where=where,
        call=method if is_function else _bound(name),
        kind=kind if is_function else Kind.EITHER,
        takes=tuple(takes),
        is_always=is_always,
    )


def _bound(name: str) -> Callable[..., Any]:
    def call(endpoint: Any, **values: Any) -> Any:
        return getattr(endpoint, name)(**values)

    return call


def plan_of(
    cls: type,
    name: str,
    providers: Mapping[str, Provider],
    before: Plan | None = None,
    *,
    count: int = 3,
) -> Plan | None:
    """Return what is to be done around the calls of a handler; `None` if that is nothing.

    Args:
        cls: The class.
        name: The name of the handler.
        providers: Those of the class.
        before: What was to be done when the class was compiled before. A mock that takes the place
            of a handler says nothing of what it takes, and gets the same.
        count: How many arguments the handler is passed by position, with `self`.

    Raises:
        ConfigurationError: The handler takes one in a way in which it can't be passed.
    """
    if not providers:
        return None
    _, method = find(cls, name)
    takes = taken_by_name(method, providers, count, before.takes if before else ())
    always = [it.name for it in providers.values() if it.is_always]
    opened: dict[str, Provider] = {}
    _open(cls, [*always, *takes], providers, opened)
    return Plan(name, tuple(opened.values()), tuple(takes)) if opened else None


def _open(
    cls: type,
    names: Collection[str],
    providers: Mapping[str, Provider],
    opened: dict[str, Provider],
    within: tuple[str, ...] = (),
) -> None:
    """Add the providers of some names to those that are opened, each after those that it takes."""
    for name in names:
        if name in within:
            circle = " takes ".join([*within[within.index(name) :], name])
            raise ConfigurationError(
                f"{cls.__qualname__}.{name} can't be opened before itself: {circle}"
            )
        if name not in opened and name not in _GIVEN:
            provider = providers[name]
            _open(cls, provider.takes, providers, opened, (*within, name))
            opened[name] = provider
