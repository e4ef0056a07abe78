"""Handlers that are plain functions: each message is handled in a worker thread."""

import functools
from collections.abc import Callable
from types import GeneratorType
from typing import Any

from anyio import get_cancelled_exc_class, to_thread

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


def blocking(function: Callable[..., Any]) -> Handler:
    """Return the handler that calls a function in a worker thread, and sends what it returns.

    Nothing ends a thread from outside. So the connection waits for it, whatever happens meanwhile:
    after `limits.grace`, with `cancel_on_disconnect`, and when the server shuts down. Given up,
    the function would go on with an endpoint whose `on_disconnect` has cleaned up already.
    """

    @functools.wraps(function, updated=())
    async def handler(endpoint: Any, websocket: Any, data: Any, **values: Any) -> Any:
        work = functools.partial(function, endpoint, websocket, data, **values)
        ended, cancellation = await run_shielded(functools.partial(_run, work))
        try:
            if ended is not None and ended[1] is not None:
                raise ended[1]
            if cancellation is not None:
                raise cancellation
            reply = ended[0] if ended is not None else None
        finally:
            # An exception that is raised holds this frame: without these references it is no cycle.
            del ended, cancellation
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


async def _run(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Call a function in a thread, and return what it returned, and what it raised."""
    try:
        return await to_thread.run_sync(work), None
    except get_cancelled_exc_class():
        raise
    except BaseException as exc:  # noqa: BLE001 - raised by the caller
        return None, exc
