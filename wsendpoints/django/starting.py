"""Who has groups take part in a process: the event loop of a server, or a thread of their own.

Groups are started once a process. A server does so with its lifespan, or its first WebSocket. A
process that serves nothing, such as a worker of Celery's or a command of `manage.py`, runs no event
loop: there a thread does, from the first broadcast until the process ends.
"""

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from typing import Any, Final, final
from weakref import WeakKeyDictionary

import anyio.to_thread

from wsendpoints.groups.groups import Groups
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["are_run_by_thread", "claimed", "started", "stop_threads"]

logger: logging.Logger = logging.getLogger("wsendpoints")

# A backplane may start threads as it ends, which Python 3.12 refuses once `atexit` runs. What
# `concurrent.futures` ends its threads by is earlier.
_at_exit: Final[Callable[[Callable[[], None]], object]] = getattr(
    threading, "_register_atexit", atexit.register
)


@final
class _Thread:
    """Runs an event loop in which groups take part."""

    __slots__ = ("_ending", "_groups", "_loop", "_thread", "pid")

    def __init__(self, groups: Groups, started: Future[None]) -> None:
        self.pid: int = os.getpid()
        self._groups = groups
        self._loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="wsendpoints groups", daemon=True
        )
        self._thread.start()

    def _run(self, started: Future[None]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: Future[None]) -> None:
        try:
            async with self._groups:
                # Unless nobody waits for it any more.
                if started.set_running_or_notify_cancel():
                    started.set_result(None)
                    await self._ending.wait()
        except Exception as exc:
            if started.done():
                # Whoever broadcasts next starts them anew.
                logger.exception("the groups of this process ended")
            else:
                started.set_exception(exc)

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        with suppress(RuntimeError):  # closed: it has ended already
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()


@final
class _Start:
    """Who has some groups take part in this process.

    Attributes:
        ready: Set once the server's event loop has started them, or can't; `None` where no server
            does.
    """

    __slots__ = ("__weakref__", "_calls", "_changed", "_thread", "ready")

    def __init__(self) -> None:
        self.ready: threading.Event | None = None
        self._changed = threading.Condition()
        self._thread: _Thread | None = None
        # How many use the groups while the thread is to stay.
        self._calls = 0

    @property
    def has_thread(self) -> bool:
        """Whether a thread has them take part."""
        return self._thread is not None

    @contextmanager
    def used(self, groups: Groups, timeout: float) -> Generator[None]:
        """Have them started by a thread, unless they are, or a server does; see `started`."""
        if not self._changed.acquire(timeout=timeout):
            raise _too_late(timeout)
        try:
            ready = self.ready
            if ready is None:
                self._ensure(groups, timeout)
                self._calls += 1
        finally:
            self._changed.release()
        if ready is not None:
            ready.wait(timeout)
            yield
            return
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def _ensure(self, groups: Groups, timeout: float) -> None:
        if self._thread is not None and self._thread.pid != os.getpid():
            raise InvalidStateError(
                "these groups were started before this process was forked: broadcast in the "
                "child alone, or give each process groups of its own"
            )
        if groups.is_started:
            return
        started: Future[None] = Future()
        self._thread = _Thread(groups, started)
        try:
            started.result(timeout)
        except BaseException:
            if started.cancel():
                # It is still at it, and ends then.
                raise _too_late(timeout) from None
            self._thread = None
            raise

    def claim(self) -> None:
        """Leave them to the event loop of a server, which is about to start them."""
        with self._changed:
            self.ready = threading.Event()
            self._stop()

    def release(self) -> None:
        """Have them no more be a server's, which has ended."""
        with self._changed:
            self.ready = None

    def stop(self) -> None:
        """End the thread, if there is one, once nobody uses the groups."""
        with self._changed:
            self._stop()

    def _stop(self) -> None:
        if self._thread is not None and self._thread.pid == os.getpid():
            self._changed.wait_for(lambda: not self._calls)
            self._thread.stop()
        self._thread = None


def _too_late(timeout: float) -> TimeoutError:
    return TimeoutError(f"the groups were not started within {timeout:g} s")


_starts: Final[WeakKeyDictionary[Groups, _Start]] = WeakKeyDictionary()
_starts_lock: Final = threading.Lock()


def _start_of(groups: Groups) -> _Start:
    with _starts_lock:
        if groups not in _starts:
            _starts[groups] = _Start()
        return _starts[groups]


def started(groups: Groups, timeout: float) -> AbstractContextManager[None]:
    """Have groups started as long as this is entered, by a thread where no server does it.

    Args:
        groups: The groups.
        timeout: Seconds that it may take.

    Raises:
        BackplaneError: The backplane can't be reached.
        TimeoutError: It takes longer.
        InvalidStateError: They were started before this process was forked.
    """
    return _start_of(groups).used(groups, timeout)


def are_run_by_thread(some: Iterable[Groups]) -> bool:
    """Return whether a thread has any of these groups take part, which gives way to a server."""
    return any(it in _starts and _starts[it].has_thread for it in some)


@asynccontextmanager
async def claimed(some: Iterable[Groups]) -> AsyncGenerator[Callable[[], None]]:
    """Have the event loop of a server start groups, and no thread, as long as this is entered.

    Yields:
        What is to be called once it has, or can't.
    """
    starts = [_start_of(it) for it in some]
    for it in starts:
        # A thread that runs them may take a while to end.
        await anyio.to_thread.run_sync(it.claim)

    def tell() -> None:
        events: list[Any] = [it.ready for it in starts]
        for ready in events:
            ready.set()

    try:
        yield tell
    finally:
        tell()
        for it in starts:
            it.release()


def stop_threads() -> None:
    """End all threads that have groups take part; the next broadcast starts another."""
    for it in [*_starts.values()]:
        it.stop()


_at_exit(stop_threads)
