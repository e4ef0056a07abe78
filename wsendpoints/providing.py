"""The decorator that marks a method as a provider, as type checkers see it."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, TypeAlias, TypeVar, overload

from wsendpoints.messages.providers import mark_provider
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["provides"]

_Made: TypeAlias = AsyncIterable[Any] | Awaitable[Any] | AbstractAsyncContextManager[Any]

F = TypeVar("F", bound=Callable[Concatenate[Any, ...], _Made])


@overload
def provides(method: F, /) -> F: ...
@overload
def provides(*, always: bool = False) -> Callable[[F], F]: ...
def provides(method: F | None = None, /, *, always: bool = False) -> F | Callable[[F], F]:
    """Mark a method as one that makes what handlers take, under its name, for each message.

    ```python
    class Shop(WebSocketEndpoint):
        encoding = "json"
        sessions: Given[SessionMaker]

        @provides
        async def session(self) -> AsyncIterator[AsyncSession]:
            async with self.sessions.begin() as session:
                yield session

        @handles
        async def buy(self, websocket: WebSocket, data: Buy, session: AsyncSession) -> Bought: ...
    ```

    A handler runs as if it were written at the `yield`: what it raises is raised there too, and so
    is its cancellation. The message is answered once all is closed, so that a commit that fails is
    no success for the client; what a stream yields is sent while it is open. A provider that
    suppresses the exception of a handler has nothing be sent.

    An async method without `yield` makes a value that need not be closed. Providers take
    `websocket`, the message as `data`, and each other, by the names of their parameters. Each is
    opened once a message, those that a handler takes in the order of its parameters, and closed in
    the reverse order. A parameter with a default, for which there is no provider, keeps it.

    A subclass may override a provider by its name, and may remove it by setting the name to `None`.
    What closes after the client disconnected and the handler was cancelled has
    `limits.disconnect_timeout` seconds.

    Args:
        method: An async generator method that yields once, or an `async def` method.
        always: Whether it is opened for each handler of the class, also for those that do not take
            what it makes; before those that they take.

    Returns:
        The method itself.

    Raises:
        ConfigurationError: When the class is made: the method is not async, or takes what nothing
            provides, or itself; or a handler takes what nothing provides. When a message is
            handled: the method did not yield once.
    """
    if method is not None:
        if always or not (callable(method) or hasattr(type(method), "__get__")):
            raise ConfigurationError(
                "@provides(...) takes `always=True` alone: write `@provides` above the method that "
                "provides"
            )
        return mark_provider(method, always=always)

    def mark(method: F) -> F:
        return mark_provider(method, always=always)

    return mark
