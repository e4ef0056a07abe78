"""Handlers that are async generators: what they yield is sent as it comes."""

import functools
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any, Final, TypeAlias

from anyio import get_cancelled_exc_class
from anyio.lowlevel import checkpoint

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.answering import ANSWERED
from wsendpoints.lifecycle.failures import add_context, holds_only, raise_replaced, without
from wsendpoints.lifecycle.hooks import Lifecycle
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.messages.codecs import Encode
from wsendpoints.messages.correlation import Correlation, Id
from wsendpoints.messages.declaration import Handler, Stream
from wsendpoints.messages.unawaited import discard, is_unawaited
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.state import BROKEN, OPEN

__all__ = ["each_of", "start_streaming", "streaming"]


_Replies: TypeAlias = AsyncGenerator[Any, None]

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
        sending: Any = tasks.run(_send_each(replies, lifecycle, tasks))
        # How it is called in the log.
        sending.__name__ = name
        return sending

    return handler


async def _send_each(replies: _Replies, lifecycle: Lifecycle, tasks: Tasks) -> None:
    """Send what is yielded, until the connection ends: the generator is cancelled then.

    A cancellation of the send is raised in the generator, as if its `yield` had sent. For a task
    group or a timeout around the `yield` belongs to this task, too: it may be what cancels, and
    only there is its cancellation caught.

    Args:
        replies: The generator.
        lifecycle: That of the endpoint.
        tasks: Those of the connection.
    """
    connection, declaration = lifecycle.connection, lifecycle.declaration
    transmit: Any = connection.transmit
    encode: Any = connection.encode
    if declaration.is_two_way and (answered := ANSWERED.get()) is not None:
        envelope = declaration.envelope
        if envelope is None:
            encode = partial(_encode_filled, encode, declaration.correlation, answered)
        else:
            encode = partial(envelope.item_event, answered)
            transmit = partial(_transmit_if_any, transmit)
    turn_ends = monotonic() + _TURN
    try:
        async for reply in replies:
            is_cancelled = False
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
                    # The second time for one item its time to clean up is over.
                    if is_cancelled:
                        raise
                    is_cancelled = True
                    reply = await _throw(replies, exc)
            else:
                # To be closed is what tells a generator of the end.
                tasks.told()
                _raise_dropped(await _close(replies), connection)
                return
    except StopAsyncIteration:
        pass
    except Exception as exc:
        tasks.told()
        await _close(replies, exc)
        raise
    finally:
        tasks.told()
        await _close(replies)


def start_streaming(lifecycle: Lifecycle, replies: Any) -> TaskHandle:
    """Send each value of an async iterable, in a task.

    Raises:
        TypeError: It is none.
        InvalidStateError: The connection is not served yet, or it ended.
    """
    given: object = replies
    if not isinstance(given, AsyncIterable):
        if is_unawaited(replies):
            discard(replies)
        raise TypeError(
            f"stream takes an async generator, and got {replies!r}: call the method that has a "
            "`yield`, as in `self.stream(self.tokens(prompt))`"
        )
    values: _Replies = replies if isinstance(given, AsyncGenerator) else each_of(replies)
    return lifecycle.start_soon(_send_all, (values, lifecycle))


async def _send_all(replies: _Replies, lifecycle: Lifecycle) -> None:
    if lifecycle.declaration.envelope is not None:
        # They are notifications, and no items of the call whose handler started this.
        ANSWERED.set(None)
    # This is one of them.
    tasks: Any = lifecycle.tasks
    await _send_each(replies, lifecycle, tasks)


async def each_of(replies: AsyncIterable[Any]) -> _Replies:
    """Yield each value of an async iterable."""
    async for reply in replies:
        yield reply


async def _transmit_if_any(transmit: Callable[[Any], Awaitable[None]], event: Event | None) -> None:
    if event is not None:
        await transmit(event)


def _encode_filled(
    encode: Encode, correlation: Correlation | None, answered: Id, reply: Any
) -> Event:
    return encode(reply if correlation is None else correlation.fill(reply, answered))


async def _throw(replies: _Replies, cancellation: BaseException) -> Any:
    """Raise a cancellation in a generator, and return what it yields then.

    If it has a generator of its own, it closes that one, in which the cancellation is lost.
    """
    try:
        return await replies.athrow(cancellation)
    except BaseExceptionGroup as exc:
        raise without(exc, GeneratorExit) or cancellation from None


async def _close(replies: _Replies, failure: Exception | None = None) -> BaseException | None:
    """Close a generator, which may have ended already.

    A task group around its `yield` raises the `GeneratorExit` in a group.

    Args:
        replies: The generator.
        failure: What is raised in the end, whatever else is cancelled meanwhile.

    Returns:
        The exception that was on its way in the generator, if it waited at a `yield` of a
        `finally` or an `except`. It does not come any further than that.
    """
    # Python's `aclose` shows no such exception.
    closing = GeneratorExit()
    remaining = None
    try:
        try:
            await replies.athrow(closing)
        except (GeneratorExit, StopAsyncIteration):
            pass
        else:
            # It may have yielded once more, which `aclose` does not take.
            await replies.aclose()
    except BaseException as exc:
        remaining = without(exc, GeneratorExit)
        if remaining is not None and (
            failure is None or not holds_only(remaining, get_cancelled_exc_class())
        ):
            if remaining is exc:
                raise
            raise remaining from None
    finally:
        dropped = closing.__context__
        # They hold this frame: without these references it is no cycle.
        del closing, remaining
    if failure is not None and dropped is not None:
        add_context(failure, dropped)
    return dropped


def _raise_dropped(exc: BaseException | None, connection: Connection) -> None:
    """Raise what a generator would have raised behind its last word, which can't be sent.

    A cancellation is. Anything else is if a cancelled send broke the connection, for it may be why.
    Where the client left, nobody asks how its answer would have ended.
    """
    try:
        if exc is not None:
            raise_replaced(exc)
            if connection.state is BROKEN and not isinstance(exc, get_cancelled_exc_class()):
                raise exc
    finally:
        # It holds this frame: without this reference it is no cycle.
        del exc
