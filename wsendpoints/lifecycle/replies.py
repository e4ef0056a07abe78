"""Handlers that do not show what they return: the reply, or a stream of replies.

So it is with a decorator whose function is not async itself, or is not Python's.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable
from typing import Any

from wsendpoints.lifecycle.streaming import each_of, streaming
from wsendpoints.messages.declaration import Handler

__all__ = ["as_generator", "awaiting_or_streaming", "is_a"]


def awaiting_or_streaming(function: Handler) -> Handler:
    """Return the handler that awaits what a method returns, or sends each item of it."""

    async def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        reply: Any = function(endpoint, websocket, data)
        # A coroutine function may return an async generator, too.
        if is_a(reply, Awaitable):
            reply = await reply
        elif not is_a(reply, AsyncIterable):
            raise TypeError(
                f"a handler of {type(endpoint).__qualname__} returned {reply!r}, which can't be "
                "awaited: make it an async method"
            )
        if is_a(reply, AsyncIterable):
            return await _send_each(endpoint, websocket, reply)
        return reply

    return handler


def as_generator(replies: Any) -> AsyncGenerator[Any, None]:
    """Return the async generator of what an async iterable yields: itself, if it is one."""
    return replies if is_a(replies, AsyncGenerator) else each_of(replies)


def _replies_of(_endpoint: Any, _websocket: Any, replies: Any) -> AsyncGenerator[Any, None]:
    return as_generator(replies)


def is_a(value: Any, kind: type) -> bool:
    """Return whether a value is of a kind, without telling type checkers so."""
    return isinstance(value, kind)


_send_each = streaming(_replies_of)
