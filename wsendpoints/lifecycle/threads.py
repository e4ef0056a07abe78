"""Handlers that are plain functions: each message is handled in a worker thread."""

import functools
from collections.abc import Callable
from types import GeneratorType
from typing import Any, TypeAlias

from anyio import to_thread

from wsendpoints.lifecycle.names import name_of_method
from wsendpoints.lifecycle.shielding import run_shielded
from wsendpoints.messages.declaration import Handler
from wsendpoints.messages.unawaited import (
    UnawaitedError,
    describe_unawaited,
    discard,
    is_unawaited,
)
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["blocking"]

_Ended: TypeAlias = list[tuple[Any, BaseException | None]]
"""What a function returned, and what it raised, once it has ended."""


def blocking(function: Callable[..., Any]) -> Handler:
    """Return the handler that calls a function in a worker thread, and sends what it returns.

    Nothing ends a thread from outside. So the connection waits for it, whatever happens meanwhile:
    after `limits.grace`, with `cancel_on_disconnect`, and when the server shuts down. Given up,
    the function would go on with an endpoint whose `on_disconnect` has cleaned up already.
    """

    @functools.wraps(function, updated=())
    async def handler(endpoint: Any, websocket: Any, data: Any, **values: Any) -> Any:
        work = functools.partial(function, endpoint, websocket, data, **values)
        ended: _Ended = []
        _, cancellation = await run_shielded(functools.partial(_run, work, ended))
        reply, failure = ended.pop() if ended else (None, None)
        try:
            if (failure := failure or cancellation) is not None:
                raise failure
        finally:
            # The exception holds this frame: without these references it is no cycle.
            del failure, cancellation
        if is_unawaited(reply):
            discard(reply)
            raise UnawaitedError(
                name_of_method(endpoint, function),
                f"{describe_unawaited(reply)} from a thread, where nothing is awaited",
                "make the method an `async def`",
            )
        if isinstance(reply, GeneratorType):
            raise ConfigurationError(
                f"{name_of_method(endpoint, function)} returned a generator, which would run in "
                "the event loop, and not in the thread: return a list"
            )
        return reply

    return handler


async def _run(work: Callable[[], Any], ended: _Ended) -> None:
    try:
        await to_thread.run_sync(_call, work, ended)
    except Exception as exc:  # noqa: BLE001 - raised by the caller
        # No thread can be started.
        ended.append((None, exc))


def _call(work: Callable[[], Any], ended: _Ended) -> None:
    """Call a function, and keep what it returned, and what it raised, for whoever takes it there.

    Returned, a coroutine would be refused by trio. Raised, an exception would be held by frames of
    anyio's that it holds itself, and a `StopIteration` would be another one.
    """
    try:
        ended.append((work(), None))
    except BaseException as exc:  # noqa: BLE001 - raised in the event loop
        ended.append((None, exc))
