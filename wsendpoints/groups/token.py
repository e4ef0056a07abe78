"""The running event loop, to call it from a thread."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar, final

import anyio

from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["Token"]

R = TypeVar("R")


@final
class Token:
    """The event loop that runs as it is made."""

    __slots__ = ("_loop", "_token")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._token: Any = None
        if is_asyncio():
            self._loop = asyncio.get_running_loop()
        else:
            # Whoever runs its loop has imported it.
            self._token = sys.modules["trio"].lowlevel.current_trio_token()

    @property
    def is_over(self) -> bool:
        """Whether it is known to run no more, as that of an earlier test."""
        return self._loop is not None and self._loop.is_closed()

    def run(self, func: Callable[[], Coroutine[Any, Any, R]], timeout: float | None = None) -> R:
        """Run an async function on the event loop, and return what it returns.

        Args:
            func: The function.
            timeout: Seconds after which it is cancelled; `None` waits for ever. On trio they are
                counted from its begin on.

        Raises:
            InvalidStateError: This thread runs an event loop, which would wait for itself.
            TimeoutError: It took longer.
        """
        if self._loop is not None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return _result(asyncio.run_coroutine_threadsafe(func(), self._loop), timeout)
        else:
            trio: Any = sys.modules["trio"]
            if not trio.lowlevel.in_trio_run():

                async def bounded() -> R:
                    with anyio.fail_after(timeout):
                        return await func()

                result: R = trio.from_thread.run(bounded, trio_token=self._token)
                return result
        raise InvalidStateError("this thread runs an event loop: await `broadcast` in it")


def _result(future: Future[R], timeout: float | None) -> R:
    try:
        return future.result(timeout)
    except TimeoutError:
        if future.done():
            # Its own.
            raise
        future.cancel()
        raise TimeoutError(f"the event loop has not done it within {timeout:g} s") from None
