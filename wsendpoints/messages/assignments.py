"""What the instances of an endpoint class may not be assigned, since the class is compiled.

To look at each assignment takes thirty times as long as the assignment. So this is done for those
classes alone whose code names an attribute that is compiled: no other class assigns one.
"""

from collections.abc import Collection, Iterator
from types import CodeType, FunctionType
from typing import Any, Final, NoReturn

from wsendpoints.messages.wrapping import held_by, layers
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["guard_assignments", "refuse_assignment"]

_COMPILED: Final = frozenset(
    {
        *("encoding", "sends", "correlation_id", "answers", "error_codes", "dialect"),
        *("on_receive", "limits"),
    }
)

_NAMES: Final = "_guarded_names"
_CHECK: Final = "_check_assignment"


def guard_assignments(cls: Any, base: type, handlers: Collection[str]) -> None:
    """Have the instances of a class check what is assigned, if its code may assign such a thing.

    Args:
        cls: The class. Its method `_check_assignment` is called before such an attribute is set.
        base: The class with the default hooks.
        handlers: The names of its handlers.
    """
    names = _COMPILED.union(handlers)
    setattr(cls, _NAMES, names)
    own = cls.__setattr__
    # With `setattr` it may be any.
    telling = {*names, "setattr"}
    if not hasattr(own, _NAMES) and not telling.isdisjoint(_names_in_code_of(cls, base)):
        cls.__setattr__ = _checked(own)


def refuse_assignment(cls: type, name: str) -> NoReturn:
    """Raise for an attribute that would have no effect on an instance."""
    where = f"{cls.__qualname__}.{name}"
    if name in _COMPILED and name != "on_receive":
        raise ConfigurationError(f"{where} is compiled with the class: set it in a subclass")
    raise ConfigurationError(
        f"{where} is compiled with the class, and can't be assigned to an instance: have it await "
        "what changes, as in `return await self.state(websocket, data)`, and assign `self.state`"
    )


def _checked(own: Any) -> Any:
    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807 - it is set as such
        if name in getattr(self, _NAMES):
            getattr(self, _CHECK)(name, value)
        own(self, name, value)

    setattr(__setattr__, _NAMES, True)
    return __setattr__


def _names_in_code_of(cls: type, base: type) -> Iterator[str]:
    for klass in cls.__mro__:
        # Not `issubclass`: within `__init_subclass__` that is a mistake that an ABC remembers.
        if klass not in base.__mro__:
            for value in vars(klass).values():
                for function in _functions_in(value):
                    yield from _names_in(function.__code__)


def _functions_in(value: Any) -> Iterator[FunctionType]:
    """Yield the functions of an attribute of a class, those that a decorator has hold of too."""
    parts = (value.fget, value.fset) if isinstance(value, property) else (value,)
    for part in parts:
        for layer in layers(part):
            if type(layer) is FunctionType:
                yield layer
                for within in held_by(layer):
                    if type(within) is FunctionType and within is not layer:
                        yield within


def _names_in(code: CodeType) -> Iterator[str]:
    """Yield the names of attributes and functions in some code."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
