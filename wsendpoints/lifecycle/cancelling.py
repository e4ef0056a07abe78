"""Cancelling once: what is cancelled has time to clean up, and may wait for that.

A cancelled scope of anyio or trio cancels each wait within it, also those of a `finally`. Here the
first one is cancelled, and none after that until the time is over, whatever the application waits
with.

What runs is driven by hand, so that each wait is seen when it begins and ends. While it waits, the
cancellation can reach it; while it runs, a shield hides that, for trio's functions look at the
scope before they wait.
"""

import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, final

import anyio

__all__ = ["Cancellable"]


@final
class Cancellable:
    """Something that runs within two scopes: the outer cancels it, the inner ends its clean-up.

    Args:
        seconds: How long it may clean up; `math.inf` for ever.
    """

    __slots__ = ("_inner", "_is_pending", "_is_told", "_outer", "_seconds", "is_running")

    def __init__(self, seconds: float) -> None:
        self._outer = anyio.CancelScope()
        self._inner = anyio.CancelScope()
        self._seconds = seconds
        self._is_pending = False
        self._is_told = False
        self.is_running: bool = False

    async def run(self, awaitable: Awaitable[Any]) -> None:
        """Await something; called once."""
        with self._outer, self._inner:
            # It may have been cancelled before it began.
            self._inner.shield = self._outer.cancel_called
            await self._drive(_wait(awaitable))

    def cancel(self) -> None:
        """Cancel its wait, or its next one; a second call does nothing."""
        if self._outer.cancel_called:
            return
        self._inner.deadline = anyio.current_time() + self._seconds
        self._is_pending = not self._is_told
        self._inner.shield = self._is_told or self.is_running
        self._outer.cancel()

    def told(self) -> None:
        """Spare it: it ends already, by an exception that tells it of the end."""
        self._is_told = True
        self._is_pending = False
        if self._outer.cancel_called:
            self._inner.shield = True

    @types.coroutine
    def _drive(self, steps: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
        step: Any = steps.send
        answer: Any = None
        while True:
            self.is_running = True
            try:
                trap = step(answer)
            except StopIteration:
                return
            finally:
                self.is_running = False
                # It may be an exception, whose traceback holds this frame.
                answer = None
            if self._is_pending:
                self._inner.shield = False
            try:
                step, answer = steps.send, (yield trap)
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as exc:  # noqa: BLE001 - passed on
                step, answer = steps.throw, exc
            if self._is_pending:
                self._inner.shield = True
                self._is_pending = not _is_cancellation(answer)


async def _wait(awaitable: Awaitable[Any]) -> None:
    await awaitable


def _is_cancellation(answer: object) -> bool:
    """Whether a wait ended by being cancelled: trio's answer holds the exception."""
    return isinstance(getattr(answer, "error", answer), anyio.get_cancelled_exc_class())
