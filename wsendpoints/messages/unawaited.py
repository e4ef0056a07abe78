"""Values that are still to be awaited, or iterated over: what a forgotten `await` leaves behind."""

import inspect
from asyncio import Future
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Final, TypeAlias, TypeGuard

from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "Unawaited",
    "UnawaitedError",
    "describe_unawaited",
    "discard",
    "is_unawaited",
    "unawaited_error",
]

Unawaited: TypeAlias = Coroutine[Any, Any, Any] | AsyncGenerator[Any, Any] | Future[Any]

_KINDS: Final = (Coroutine, AsyncGenerator, Future)


class UnawaitedError(ConfigurationError):
    """A message to be sent is a value that is still to be awaited, or iterated over.

    Attributes:
        sender: What sends it: the class, or the method that returned or yielded it.
        what: The value, in words.
        advice: What to do instead.
    """

    def __init__(self, sender: str, what: str, advice: str) -> None:
        super().__init__(sender, what, advice)
        self.sender = sender
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.sender} sends {self.what}: {self.advice}"


def is_unawaited(value: object) -> TypeGuard[Unawaited]:
    """Whether a value is a coroutine, an async generator, a future or a task."""
    return isinstance(value, _KINDS)


def describe_unawaited(value: Unawaited) -> str:
    """Return such a value in words: `"the coroutine of Chat.save"`."""
    name: object = getattr(value, "__qualname__", None)
    if isinstance(value, AsyncGenerator):
        return f"the async generator {name}" if name else "an async generator"
    if isinstance(value, Coroutine):
        return f"the coroutine of {name}" if name else "a coroutine"
    return f"a {type(value).__name__}"


def unawaited_error(message: Unawaited, sender: str) -> UnawaitedError:
    """Return what to raise where such a value is to be sent.

    Args:
        message: The value.
        sender: What sends it, for the text of the error.
    """
    discard(message)
    what = describe_unawaited(message)
    if isinstance(message, AsyncGenerator):
        return UnawaitedError(sender, what, "send its values with `async for` and `yield`")
    return UnawaitedError(sender, f"{what}, which was not awaited", "write `await` before it")


def discard(value: Unawaited) -> None:
    """Close a coroutine that has not begun, so that Python does not warn of it as well."""
    if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
        value.close()
