"""The running event loop, to call it from a thread."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, final

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

    def run(self, func: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run an async function on the event loop, and return what it returns.

        Raises:
            InvalidStateError: This thread runs an event loop, which would wait for itself.
        """
        if self._loop is not None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return asyncio.run_coroutine_threadsafe(func(), self._loop).result()
        else:
            trio: Any = sys.modules["trio"]
            if not trio.lowlevel.in_trio_run():
                result: R = trio.from_thread.run(func, trio_token=self._token)
                return result
        raise InvalidStateError("this thread runs an event loop: await `broadcast` in it")
