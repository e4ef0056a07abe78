"""Handlers that are async generators: what they yield is sent as it comes."""

import functools
from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any, Final

from anyio import get_cancelled_exc_class
from anyio.lowlevel import checkpoint

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.failures import holds_only, without
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.messages.declaration import Handler, Stream
from wsendpoints.protocol.state import (
    OPEN,
)

__all__ = ["streaming"]


_TURN: Final = 0.001
"""Seconds that a generator may go on before others have a turn."""


def streaming(function: Stream) -> Handler:
    """Return the handler that sends what an async generator yields."""
    name = getattr(function, "__name__", "")

    @functools.wraps(function, updated=())
    def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        lifecycle = endpoint._lifecycle
        replies = function(endpoint, websocket, data)
        tasks = lifecycle.tasks
        sending: Any = tasks.run(_send_each(replies, lifecycle.connection, tasks))
        # How it is called in the log.
        sending.__name__ = name
        return sending

    return handler


async def _send_each(
    replies: AsyncGenerator[Any, None], connection: Connection, tasks: Tasks
) -> None:
    """Send what is yielded, until the connection ends: the generator is cancelled then.

    A cancellation of the send is raised in the generator, as if its `yield` had sent. For a task
    group or a timeout around the `yield` belongs to this task, too: it may be what cancels, and
    only there is its cancellation caught.
    """
    transmit, encode = connection.transmit, connection.encode
    turn_ends = monotonic() + _TURN
    try:
        async for reply in replies:
            while connection.state is OPEN:
                try:
                    await transmit(encode(reply))
                    # A generator that never waits must not keep the others from running. To
                    # let them run takes as long as three messages, so it is not done for each.
                    if monotonic() >= turn_ends:
                        await checkpoint()
                        turn_ends = monotonic() + _TURN
                    break
                except get_cancelled_exc_class() as exc:
                    reply = await _throw(replies, exc)
            else:
                return
    except StopAsyncIteration:
        pass
    except Exception as exc:
        tasks.told()
        await _close(replies, exc)
        raise
    finally:
        # To be closed is what tells a generator of the end.
        tasks.told()
        await _close(replies)


async def _throw(replies: AsyncGenerator[Any, None], cancellation: BaseException) -> Any:
    """Raise a cancellation in a generator, and return what it yields then.

    If it has a generator of its own, it closes that one, in which the cancellation is lost.
    """
    try:
        return await replies.athrow(cancellation)
    except BaseExceptionGroup as exc:
        raise without(exc, GeneratorExit) or cancellation from None


async def _close(replies: AsyncGenerator[Any, None], failure: Exception | None = None) -> None:
    """Close a generator, which may have ended already.

    A task group around its `yield` raises the `GeneratorExit` in a group.

    Args:
        replies: The generator.
        failure: What is raised in the end, whatever else is cancelled meanwhile.
    """
    try:
        await replies.aclose()
    except BaseException as exc:
        remaining = without(exc, GeneratorExit)
        if remaining is None or (
            failure is not None and holds_only(remaining, get_cancelled_exc_class())
        ):
            return
        if remaining is exc:
            raise
        raise remaining from None
