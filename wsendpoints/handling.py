"""The decorator that marks a method as a handler, as type checkers see it."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Concatenate, Literal, TypeVar, overload

from wsendpoints.connection.websocket import WebSocket
from wsendpoints.messages.brackets import brackets_error, is_method
from wsendpoints.messages.methods import mark
from wsendpoints.messages.options import Overlap, options

__all__ = ["handles"]

# What it returns keeps the type of the method itself, so that a call and an override of it are
# checked. Of `self` nothing is asked: the method of a mixin is a handler too.
# More parameters are for what the class provides, and a plain function is called in a thread.
F = TypeVar("F", bound=Callable[Concatenate[Any, WebSocket, Any, ...], Any])

# What a dialect calls takes the params of a call, as many as there are.
G = TypeVar("G", bound=Callable[Concatenate[Any, WebSocket, ...], Any])


@overload
def handles(method: F, /) -> F: ...
@overload
def handles(
    *,
    concurrent: Literal[True],
    key: str | Callable[[Any], Hashable] | None = None,
    overlap: Overlap | None = None,
) -> Callable[[F], F]: ...
@overload
def handles(
    name: str,
    /,
    *,
    concurrent: bool = False,
    key: str | Callable[[Any], Hashable] | None = None,
    overlap: Overlap | None = None,
) -> Callable[[G], G]: ...


def handles(*args: Any, **given: Any) -> Any:  # noqa: D417 - as the overloads have them
    """Mark a method as the handler of the type of message in its annotation.

    ```python
    class Chat(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> Said: ...

        @handles(concurrent=True, key="chat", overlap="cancel")
        async def create(self, websocket: WebSocket, data: Ask) -> AsyncIterator[Token]: ...
    ```

    The endpoint takes the messages of all its handlers. A subclass inherits them, may override one
    by its name, and may remove one by setting the name to `None`. In a `"json"` endpoint, a handler
    of `bytes` gets the binary frames.

    Messages are handled one at a time, in the order in which they came. A handler that is
    `concurrent` runs beside all others, in a task of the connection: the next message is handled
    meanwhile. At most `limits.concurrency` run at once on a connection; further messages for such
    handlers wait, and count as messages in the inbox do. `self.cancel(key)` ends what runs and
    waits under a key, and `self.cancel(self.create)` all that a handler does.

    More parameters are for what the class provides, see `provides`.

    A plain `def` is called in a worker thread, one of the 40 that anyio has by default, so that it
    may block. There `anyio.from_thread.run(self.push, message)` calls what is async. Nothing ends a
    thread from outside: when the client has disconnected, the connection waits for it, beyond
    `limits.grace` too, and calls `on_disconnect` after it. So give what it waits for a timeout.

    Type checkers refuse a method that can't be called with a WebSocket and a message. They can't
    compare what it returns with the messages in `WebSocketEndpoint[...]`: a decorator gets the
    method, and not the class around it.

    Args:
        method: An `async def` method, an async generator, or a plain `def` that blocks:
            `(self, websocket, data)`.
        name: How a dialect calls it; see `dialect`.
        concurrent: Whether it runs beside others.
        key: A field of the message, or a function of it: messages with an equal key are handled
            one at a time, in order, also by different handlers of the connection. `None` as a
            message's key is none.
        overlap: What a message does whose key is busy. `"wait"`: it waits for its turn, the default
            with a key. `"cancel"`: what runs and waits under the key is cancelled, then it begins.
            `"refuse"`: it is answered with the error `"busy"`. Without a key, all messages of the
            handler have the same one.

    Returns:
        The method itself.

    Raises:
        ConfigurationError: When the class is made: the method can't be a handler, its message has
            no type, another handler takes the same message, or nothing provides what it takes. At
            once, for options that are none.
    """
    if len(args) == 1 and not given and is_method(args[0]):
        return mark(args[0])
    if not (given and not args) and not (len(args) == 1 and isinstance(args[0], str)):
        raise brackets_error("handles", args, given)
    return partial(mark, options=options(*args, **given))
