"""The threads in which Django works for an endpoint, and their connections to the database.

Django opens a connection to the database for each thread, and closes it as a request ends. A
WebSocket has no such end: connections would be left in whichever thread a handler ran in, and one
that broke would never be made anew. So each call of a handler, or of a hook, is for Django what a
request is.
"""

import asyncio
import functools
import threading
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Token
from typing import Any, Final, ParamSpec, Self, TypeVar, final

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections  # type: ignore[import-untyped]  # Django has no types
from typing_extensions import override

__all__ = ["Work", "closes_connections", "closing_connections"]

P = ParamSpec("P")
R = TypeVar("R")


@final
class Work:
    """What Django does within it runs in one thread, whose connections are closed in the end.

    The thread is that of `sync_to_async`, and so of the asynchronous ORM. It begins with the first
    call; without any, this costs nothing. Within another one this does nothing.

    Args:
        is_apart: Whether it does not count as within another one: a task outlives the handler that
            starts it, and has that one's context.
    """

    __slots__ = ("_context", "_is_apart", "_thread", "_token")

    def __init__(self, *, is_apart: bool = False) -> None:
        self._is_apart = is_apart
        self._thread = _Thread()
        self._context: ThreadSensitiveContext | None = None
        self._token: Token[ThreadSensitiveContext] | None = None

    async def __aenter__(self) -> Self:
        current = SyncToAsync.thread_sensitive_context
        if self._is_apart or current.get(None) is None:
            # Not entered itself: within another one it would do nothing, and in the end it would
            # wait for its thread, and not close what that has open.
            self._context = ThreadSensitiveContext()
            SyncToAsync.context_to_thread_executor[self._context] = self._thread
            self._token = current.set(self._context)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._token is not None and self._context is not None:
            SyncToAsync.thread_sensitive_context.reset(self._token)
            SyncToAsync.context_to_thread_executor.pop(self._context, None)
            await self._thread.close()


@final
class _Thread(Executor):
    """Runs one call after the other in a thread, which begins with the first."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    @override
    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        if self._pool is None:
            name = "wsendpoints django"
            self._pool = ThreadPoolExecutor(1, name, initializer=_close_later, initargs=(True,))
        return self._pool.submit(_with_usable_connections, fn, *args, **kwargs)

    async def close(self) -> None:
        """Close its connections, and end it. Cancelled, it does so all the same, in a while."""
        if self._pool is not None:
            closed = self._pool.submit(connections.close_all)
            self._pool.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closed))


def _with_usable_connections(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function, once connections that broke are closed: what needs them makes them anew.

    A stream, or a task, may go on for days.
    """
    every: Any = connections
    for it in every.all(initialized_only=True):
        if it.errors_occurred and not it.in_atomic_block and not it.is_usable():
            it.close()
    return function(*args, **kwargs)


def closing_connections(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that is called in a thread, and leaves it as a request of Django's does.

    Connections that broke, or have been open for `CONN_MAX_AGE`, are closed before and after it;
    those that are kept are closed as the thread ends.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        _close_later(True)
        try:
            return function(*args, **kwargs)
        finally:
            _close_later(False)
            close_old_connections()
            _keep()

    return call


def closes_connections() -> bool:
    """Whether the connections that this thread opens now are closed once it is done."""
    return getattr(_kept, "is_closed_later", False)


def _close_later(is_closed_later: bool) -> None:
    _kept.is_closed_later = is_closed_later


_kept: Final = threading.local()


def _keep() -> None:
    """Have the connections of this thread that are open closed as it ends."""
    every: Any = connections
    if not hasattr(_kept, "by_thread"):
        _kept.by_thread = _Kept()
    _kept.by_thread.every[:] = every.all(initialized_only=True)


@final
class _Kept:
    """The connections of a thread, which go with it: anyio ends its threads, and tells nobody."""

    def __init__(self) -> None:
        self.every: list[Any] = []
        # At the end of the process Django is half gone, and the operating system closes them.
        weakref.finalize(self, _close, self.every).atexit = False


def _close(every: Iterable[Any]) -> None:
    for it in every:
        it.close()
