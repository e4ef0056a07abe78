"""The body of an endpoint class, as the checks read it: its methods, and the names that it uses."""

import functools
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from wsendpoints.messages.methods import is_marked
from wsendpoints.messages.providers import is_provider
from wsendpoints.messages.wrapping import held_by

__all__ = ["Body", "Method", "is_method_like", "method_of", "read_body"]

# What `inspect` calls CO_VARARGS, CO_COROUTINE and CO_ASYNC_GENERATOR.
_VARARGS: Final = 0x04
_ASYNC: Final = 0x80 | 0x200


@dataclass(frozen=True, slots=True)
class Method:
    """A function in the body of a class, as `def` makes it.

    A signature of `inspect` would be that of what a decorator wraps, and would resolve annotations,
    which may name what is imported for type checkers alone.

    Attributes:
        name: Its name in the class.
        function: The function.
        has_self: Whether its first argument is the endpoint, or the class.
        is_marked: Whether it is marked with `handles`.
        is_provider: Whether it is marked with `provides`.
    """

    name: str
    function: types.FunctionType
    has_self: bool
    is_marked: bool
    is_provider: bool

    @property
    def is_async(self) -> bool:
        """Whether it is a coroutine function, or an async generator."""
        return bool(self.function.__code__.co_flags & _ASYNC)

    @property
    def parameters(self) -> Sequence[str]:
        """The names of the positional parameters after `self`."""
        code = self.function.__code__
        return code.co_varnames[self.has_self : code.co_argcount]

    def can_be_called(self, count: int) -> bool:
        """Return whether it can be called with so many arguments after `self`."""
        function = self.function
        code, most = function.__code__, len(self.parameters)
        # Not as an attribute: pyright takes a `FunctionType` for a bound method, too.
        keywords: Mapping[str, Any] = getattr(function, "__kwdefaults__", None) or {}
        if code.co_kwonlyargcount > len(keywords):
            return False
        least = most - len(function.__defaults__ or ())
        return least <= count and (count <= most or bool(code.co_flags & _VARARGS))

    def __str__(self) -> str:
        """Return its name and parameters."""
        code = self.function.__code__
        names, end = code.co_varnames, code.co_argcount + code.co_kwonlyargcount
        positional, keywords = [*names[: code.co_argcount]], names[code.co_argcount : end]
        if code.co_flags & _VARARGS:
            positional.append(f"*{names[end]}")
        elif keywords:
            positional.append("*")
        return f"{self.name}({', '.join([*positional, *keywords])})"


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a class that is being made.

    Attributes:
        cls: The class.
        base: The class with the default hooks.
        where: The name of the class.
        own: What the body assigns or defines, without `__magic__` names.
        methods: The functions among it.
        hooks: The names of the hooks.
        handlers: The names that the class, or one above it, marks with `handles` ...
        providers: ... and with `provides`.
        is_open: Whether a part of its code can't be read, as that of an extension in C.
        mentioned: The names that its code uses.
        prefixes: The beginnings of names that its code may put together, as in `f"on_{kind}"`.
    """

    cls: type
    base: type
    where: str
    own: Mapping[str, Any]
    methods: Sequence[Method]
    hooks: Sequence[str]
    handlers: frozenset[str]
    providers: frozenset[str]
    is_open: bool
    mentioned: frozenset[str]
    prefixes: tuple[str, ...]

    def is_meant(self, name: str) -> bool:
        """Return whether a name may be used: by code of the class, or as a class above uses it."""
        value = self.own.get(name)
        return (
            self.is_open
            or any(it is value for other, it in self.own.items() if other != name)
            or name in self.mentioned
            or name.startswith(self.prefixes)
            or any(name in vars(above) for above in self.cls.__mro__[1:])
        )


def read_body(cls: type, base: type) -> Body:
    """Read the body of a class that is being made.

    Args:
        cls: The class.
        base: The class with the default hooks.
    """
    users = [klass for klass in cls.__mro__ if klass not in base.__mro__]
    values = [item for klass in users for item in vars(klass).items() if not _is_magic(item[0])]
    values += [("__init__", init) for klass in users if (init := vars(klass).get("__init__"))]
    codes = [*_codes(value for _, value in values)]
    strings = [const for code in codes for const in code.co_consts if isinstance(const, str)]
    own = {name: value for name, value in vars(cls).items() if not _is_magic(name)}
    return Body(
        cls=cls,
        base=base,
        where=cls.__qualname__,
        own=own,
        methods=[method for name, it in own.items() if (method := method_of(name, it))],
        hooks=[name for name in vars(base) if name.startswith("on_")],
        handlers=frozenset(name for name, value in values if is_marked(value)),
        providers=frozenset(name for name, value in values if is_provider(value)),
        is_open=any(is_method_like(value) and not _functions(value) for _, value in values),
        mentioned=frozenset(name for code in codes for name in code.co_names).union(strings),
        prefixes=tuple(text for text in strings if text.endswith("_")),
    )


def method_of(name: str, value: Any) -> Method | None:
    """Return a value in the body of a class as a method; `None` if it is no plain function."""
    function = value
    if isinstance(value, staticmethod | classmethod):
        function = cast("Any", value).__func__
    if not isinstance(function, types.FunctionType):
        return None
    has_self = not isinstance(value, staticmethod)
    return Method(name, function, has_self, is_marked(value), is_provider(value))


def is_method_like(value: Any) -> bool:
    """Return whether a value in the body of a class may be there to be called with `self`."""
    kind = cast("type[object]", type(value))
    is_bound = hasattr(kind, "__get__") and not isinstance(value, type)
    return is_bound and (callable(value) or hasattr(value, "__func__"))


def _is_magic(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _codes(values: Iterator[Any]) -> Iterator[types.CodeType]:
    """Yield the code of all functions behind some values, and of those within these."""
    seen: set[int] = set()
    pending = [function for value in values for function in _functions(value)]
    while pending:
        function = pending.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        yield from _within(function.__code__)
        # What a decorator wraps is in a cell of the function that it returns.
        for within in held_by(function):
            pending += _functions(within)


def _functions(value: Any) -> Sequence[types.FunctionType]:
    """Return the functions that run when a method, or a property, is used."""
    match value:
        case types.FunctionType():
            return [value]
        case property():
            parts = [value.fget, value.fset, value.fdel]
        case staticmethod() | classmethod():
            parts = [cast("Any", value).__func__]
        case functools.partialmethod() | functools.cached_property() | functools.partial():
            parts = [cast("Any", value).func]
        case _:
            parts = [getattr(value, "__wrapped__", None)]
    return [function for part in parts if part is not None for function in _functions(part)]


def _within(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _within(const)
