"""Handlers that are plain functions, and so called in a thread: what can't be one of them."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Coroutine
from types import FunctionType
from typing import Any, Final, get_origin

from wsendpoints.messages.wrapping import Kind, held_by, is_generator, kind_of, layers
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_blocking"]

_ASYNC: Final = frozenset({AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Coroutine})


def check_blocking(method: Any, where: str, returns: Any) -> None:
    """Check that a handler that is not async can be called in a thread.

    Args:
        method: The method, as it was found in a class.
        where: Its name with that of the class.
        returns: The type in its return annotation.

    Raises:
        ConfigurationError: It is a generator, or what it returns would have to be awaited.
    """
    name = where.rpartition(".")[2]
    if is_generator(method):
        raise ConfigurationError(
            f"{where} is no async method, but a generator: send each value with `yield` in an "
            f"`async def {name}`, or return a list, which is sent as one message"
        )
    if (get_origin(returns) or returns) in _ASYNC or _holds_async(method, name):
        raise ConfigurationError(
            f"{where} is no async method, but returns what is to be awaited, and a plain function "
            f"is called in a thread, where nothing is: use `async def {name}(self, websocket, "
            "data)`, and functools.wraps in its decorators"
        )


def _holds_async(method: Any, name: str) -> bool:
    """Whether a decorator that does not use `functools.wraps` hides an async method."""
    return any(
        type(within) is FunctionType
        and within.__name__ == name
        and kind_of(within) is not Kind.NEITHER
        for layer in layers(method)
        if type(layer) is FunctionType
        for within in held_by(layer)
    )
