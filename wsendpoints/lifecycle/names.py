"""How the methods of an endpoint are called in the log, and in errors."""

import inspect
import logging
from collections.abc import Mapping
from types import CodeType, MappingProxyType
from typing import Any, Final

from wsendpoints.lifecycle.backlog import PATIENCE
from wsendpoints.lifecycle.hooks import Hooks, fields_of, name_of
from wsendpoints.messages.unawaited import UnawaitedError

__all__ = ["name_of_method", "tell_cancelled", "tell_held_up", "tell_sender"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_HOOKS: Final[Mapping[object, str]] = MappingProxyType(
    {"_connect": "on_connect", "refuse": "on_invalid", "on_error": "on_error"}
)
"""What a conversation's loop awaits where it does not await a handler itself: its own methods."""


def name_of_method(endpoint: Hooks, method: object) -> str:
    """Return the name of a class and its method: `"Chat.say"`.

    Args:
        endpoint: An instance of the class.
        method: The method, or what it returned: a coroutine, or an async generator.

    Returns:
        The name of the class alone, if it has no method of that name: a decorator may have given
        it any other.
    """
    name: object = getattr(method, "__name__", None)
    if isinstance(name, str) and hasattr(type(endpoint), name):
        return f"{name_of(endpoint)}.{name}"
    return name_of(endpoint)


def tell_sender(error: UnawaitedError, endpoint: Hooks, method: Any) -> None:
    """Have an error say which method sends what it is about, and where that is written.

    It is found when the method has ended, so that no traceback leads there.
    """
    if (sender := name_of_method(endpoint, method)) != name_of(endpoint):
        error.sender = sender
    code: object = getattr(inspect.unwrap(method), "__code__", None)
    if sender != name_of(endpoint) and isinstance(code, CodeType):
        place = f'File "{code.co_filename}", line {code.co_firstlineno}, in {code.co_name}'
        error.add_note(place)


def tell_cancelled(endpoint: Hooks) -> None:
    """Tell that a handler is cancelled because its client disconnected."""
    logger.info(
        "%s: a handler is cancelled: the client disconnected",
        name_of(endpoint),
        extra=fields_of(endpoint),
    )


def tell_held_up(endpoint: Hooks, loop: Any) -> None:
    """Tell which handler, or hook, lets messages wait.

    Args:
        endpoint: The conversation's.
        loop: The coroutine of its loop, suspended.
    """
    logger.warning(
        "%s has been waiting for over %g s, and messages wait behind it: start what takes long "
        "with `start_soon`",
        _name_of_awaited(endpoint, loop),
        PATIENCE,
        extra=fields_of(endpoint),
    )


def _name_of_awaited(endpoint: Hooks, loop: Any) -> str:
    """Return the name of the handler or hook that a conversation's loop awaits.

    This asks the coroutine, so that no message pays for keeping the handler somewhere.
    """
    awaited: Any = loop.cr_await
    if getattr(awaited, "__name__", None) == "answer":
        awaited = awaited.cr_await
    hook = _HOOKS.get(getattr(awaited, "__name__", None))
    if hook is not None:
        return f"{name_of(endpoint)}.{hook}"
    return name_of_method(endpoint, awaited)
