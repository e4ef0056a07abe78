"""Handlers that are lost: one that is not marked, and one that another of its name replaces."""

import dis
import inspect
import types
from collections.abc import Iterator, Sequence
from typing import Any, Final, get_overloads

from wsendpoints.messages.annotations import MISSING, UnboundTypeVariable, message_types
from wsendpoints.messages.class_statement import warn
from wsendpoints.messages.tags import members
from wsendpoints.messages.unions import is_object, is_struct, name_of
from wsendpoints.mistakes.body import Body, Method
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_marks", "check_twice"]

_JUMPS: Final = frozenset({*dis.hasjrel, *dis.hasjabs, *getattr(dis, "hasjump", ())})


def check_marks(body: Body) -> None:
    """Check that no method of a class with handlers looks like one that lacks its mark."""
    if not body.handlers:
        return
    for method in body.methods:
        if (
            method.name.startswith(("_", "on_"))
            or method.name in body.handlers
            or method.is_provider
            or body.is_meant(method.name)
            or not (method.is_async and method.has_self and _takes_a_message(body, method))
        ):
            continue
        takes = _messages_of(body, method)
        if any(is_object(it) or is_struct(it) for it in takes):
            names = " | ".join(map(name_of, takes))
            warn(
                f"{body.where}.{method} takes {names}, but is not marked, and nothing in the class "
                "calls it: mark it with @handles if it handles a message, or let its name begin "
                "with an underscore if it is called from elsewhere"
            )


def _takes_a_message(body: Body, method: Method) -> bool:
    """Whether a method takes two arguments, and beside them what the class provides."""
    arguments, provided = method.parameters[:2], method.parameters[2:]
    return len(arguments) == 2 and body.providers.issuperset(provided)


def _messages_of(body: Body, method: Method) -> Sequence[Any]:
    """Return the members of the union that a method takes; none if that can't be told."""
    try:
        takes = message_types(method.function, body.cls, body.cls, body.providers)[0]
    except (ConfigurationError, UnboundTypeVariable):
        # What a method that is not marked may name is not for us to say.
        return []
    return [] if takes is MISSING else members(takes)


def check_twice(body: Body) -> None:
    """Check that no async method replaces another one of the same body.

    Raises:
        ConfigurationError: One does, on every path through the body.
    """
    for method in body.methods:
        name, code = method.name, method.function.__code__
        if name.startswith("_") or not method.is_async or get_overloads(method.function):
            continue
        statements = _code_of_body(body.cls, code)
        if statements is None:
            continue
        both = [const for const in _constants(statements) if const.co_name == name]
        if len(both) > 1 and _is_straight(statements, name):
            lines = " and ".join(str(it.co_firstlineno) for it in both)
            raise ConfigurationError(
                f"{body.where}.{name} is defined twice in its class, in lines {lines}, and the "
                "second replaces the first: give each a name of its own, and mark those that "
                "handle a message with @handles"
            )


def _code_of_body(cls: type, method: types.CodeType) -> types.CodeType | None:
    """Return the code of the class body that has a method; `None` if there is none.

    Only the function that is executing the class statement has it.
    """
    frame = inspect.currentframe()
    while frame is not None:
        for code in _constants(frame.f_code):
            if code.co_name == cls.__name__ and method in _constants(code):
                return code
        frame = frame.f_back
    return None


def _constants(code: types.CodeType) -> Iterator[types.CodeType]:
    return (const for const in code.co_consts if isinstance(const, types.CodeType))


def _is_straight(statements: types.CodeType, name: str) -> bool:
    """Whether all of a body runs, and no part of it uses a name, as `@name.setter` does."""
    return not any(
        instruction.opcode in _JUMPS
        or (instruction.opname.startswith("LOAD_") and instruction.argval == name)
        for instruction in dis.get_instructions(statements)
    )
