"""What may run in a task: an async function, which is called there, and not before."""

import inspect
from collections.abc import AsyncGenerator, Awaitable
from typing import Any

from wsendpoints.messages.unawaited import describe_unawaited, discard, is_unawaited

__all__ = ["check_awaitable", "check_function"]


def check_function(func: object) -> None:
    """Check what is given to `start_soon`, at the line that gives it.

    A function that is not written as `async def` may still return an awaitable, as a lambda does:
    what it returns shows in the task.

    Raises:
        TypeError: It is no function, or an async generator.
    """
    if is_unawaited(func):
        discard(func)
        what = describe_unawaited(func)
        if isinstance(func, AsyncGenerator):
            raise _not_iterated(what)
        raise TypeError(
            f"start_soon takes an async function, and got {what}: give it the function without "
            "calling it, and its arguments after it, as in `start_soon(self.work, 1)`"
        )
    if inspect.isasyncgenfunction(func) or inspect.isasyncgenfunction(
        getattr(func, "__call__", None)  # noqa: B004 - what would be called
    ):
        raise _not_iterated(f"the async generator {_name_of(func)}")
    if not callable(func):
        raise TypeError(f"start_soon takes an async function, and got {func!r}")


def check_awaitable(result: object, func: object) -> Awaitable[Any]:
    """Return what a function returned in its task, which awaits that.

    Raises:
        TypeError: It can't be awaited.
    """
    if inspect.isawaitable(result):
        return result
    if is_unawaited(result):
        raise _not_iterated(describe_unawaited(result))
    raise TypeError(
        f"start_soon takes an async function, and {_name_of(func)} returned a "
        f"{type(result).__name__}, which can't be awaited: write it as `async def`"
    )


def _not_iterated(what: str) -> TypeError:
    return TypeError(
        f"start_soon takes an async function, and got {what}, over which nothing iterates: give it "
        "an `async def` that does so with `async for`"
    )


def _name_of(func: object) -> str:
    name: object = getattr(func, "__qualname__", None)
    return name if isinstance(name, str) else repr(func)
