"""The decorator that marks a method as a handler, as type checkers see it."""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, TypeVar

from wsendpoints.connection.websocket import WebSocket
from wsendpoints.messages.brackets import without_brackets
from wsendpoints.messages.methods import mark

__all__ = ["handles"]

# What it returns keeps the type of the method itself, so that a call and an override of it are
# checked. Of `self` nothing is asked: the method of a mixin is a handler too.
F = TypeVar("F", bound=Callable[[Any, WebSocket, Any], Awaitable[Any] | AsyncIterable[Any]])


@without_brackets
def handles(method: F) -> F:
    """Mark a method as the handler of the type of message in its annotation.

    ```python
    class Chat(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> Said: ...

        @handles
        async def leave(self, websocket: WebSocket, data: Leave) -> None: ...
    ```

    The endpoint takes the messages of all its handlers. A subclass inherits them, may override one
    by its name, and may remove one by setting the name to `None`. In a `"json"` endpoint, a handler
    of `bytes` gets the binary frames.

    Type checkers refuse a method that can't be called with a WebSocket and a message, and one that
    is not async. They can't compare what it returns with the messages in `WebSocketEndpoint[...]`:
    a decorator gets the method, and not the class around it.

    Args:
        method: An `async def` method, or an async generator: `(self, websocket, data)`.

    Returns:
        The method itself.

    Raises:
        ConfigurationError: When the class is made: the method is not async, its message has no
            type, or another handler takes the same message.
    """
    return mark(method)
