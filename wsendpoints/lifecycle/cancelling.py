"""Cancelling once: what is cancelled has time to clean up, and may wait for that.

A cancelled scope of anyio or trio cancels each wait within it, also those of a `finally`. Here the
first one is cancelled, and none after that until the time is over, whatever the application waits
with.

What runs is driven by hand, so that each wait is seen when it begins and ends. While it waits, the
cancellation can reach it; while it runs, a shield hides that, for trio's functions look at the
scope before they wait. So what never waits on trio, and only lets others run, is not reached: after
some turns it is cancelled as any other scope is, without time to clean up.
"""

import asyncio
import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, Final, final

import anyio

__all__ = ["Cancellable"]

_MOST_MISSED: Final = 100
"""Turns of the event loop that something may take without a wait that the cancellation reaches."""


@final
class Cancellable:
    """Something that runs within two scopes: the outer cancels it, the inner ends its clean-up.

    Args:
        seconds: How long it may clean up; `math.inf` for ever.
    """

    __slots__ = (
        "_has_come",
        "_inner",
        "_is_pending",
        "_is_told",
        "_missed",
        "_outer",
        "_seconds",
        "is_running",
    )

    def __init__(self, seconds: float) -> None:
        self._outer = anyio.CancelScope()
        self._inner = anyio.CancelScope()
        self._seconds = seconds
        self._is_pending = False
        self._has_come = False
        self._is_told = False
        self._missed = 0
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
        """Do not cancel it: an exception tells it of the end already."""
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
                trap = self._noting(step(answer))
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
                self._has_come = self._is_pending and isinstance(exc, asyncio.CancelledError)
            if self._is_pending:
                self._inner.shield = True
                self._missed += 1
                self._is_pending = not self._has_come
                if self._is_pending and self._missed > _MOST_MISSED:
                    self._is_pending = False
                    self._inner.cancel()

    def _noting(self, trap: Any) -> Any:
        """Return what is waited for, so that it shows whether the cancellation has come there.

        On asyncio it is raised there. On trio a wait for the tasks of a group passes it on to them,
        and one that only lets others run has no function for it.
        """
        abort: Any = getattr(trap, "abort_func", None)
        if abort is None:
            return trap

        def note_and_abort(raise_cancel: Any) -> Any:
            self._has_come |= self._is_pending
            return abort(raise_cancel)

        return type(trap)(note_and_abort)


async def _wait(awaitable: Awaitable[Any]) -> None:
    await awaitable
