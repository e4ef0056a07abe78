"""Handlers that do not show what they return: the reply, or a stream of replies.

So it is with a decorator whose function is not async itself, or is not Python's.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable
from typing import Any

from wsendpoints.lifecycle.streaming import streaming
from wsendpoints.messages.declaration import Handler

__all__ = ["awaiting_or_streaming"]


def awaiting_or_streaming(function: Handler) -> Handler:
    """Return the handler that awaits what a method returns, or sends each item of it."""

    async def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        reply: Any = function(endpoint, websocket, data)
        # A coroutine function may return an async generator, too.
        if _is(reply, Awaitable):
            reply = await reply
        elif not _is(reply, AsyncIterable):
            raise TypeError(
                f"a handler of {type(endpoint).__qualname__} returned {reply!r}, which can't be "
                "awaited: make it an async method"
            )
        if _is(reply, AsyncIterable):
            return await _send_each(endpoint, websocket, reply)
        return reply

    return handler


def _as_generator(_endpoint: Any, _websocket: Any, replies: Any) -> AsyncGenerator[Any, None]:
    return replies if _is(replies, AsyncGenerator) else _each_of(replies)


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind)


async def _each_of(replies: AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    async for reply in replies:
        yield reply


_send_each = streaming(_as_generator)
