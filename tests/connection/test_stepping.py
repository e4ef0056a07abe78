"""Running an awaitable by hand gives what `await` gives, also for one not written in Python."""

from collections.abc import Generator, Iterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from wsendpoints.connection.stepping import DONE, resume

pytestmark = pytest.mark.anyio


async def test_awaitable_that_does_not_wait_is_done_at_once() -> None:
    """Its first step ends it, so that there is nothing to resume."""

    async def immediate() -> None:
        pass

    assert next(immediate().__await__(), DONE) is DONE


async def test_each_wait_goes_up_to_the_event_loop() -> None:
    """What it waits for, time after time, until it is done."""
    done: list[str] = []

    async def two() -> None:
        await checkpoint()
        done.append("one")
        await checkpoint()
        done.append("two")

    steps = two().__await__()
    trap = next(steps)
    assert done == []
    await resume(steps, trap)
    assert done == ["one", "two"]


async def test_exceptions_go_down_and_up() -> None:
    """A cancellation reaches what is awaited, and what that raises comes back."""

    async def fail() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("cleaned up")

    steps = fail().__await__()
    with pytest.raises(ValueError, match="cleaned up"), anyio.CancelScope() as scope:
        scope.cancel()
        await resume(steps, next(steps))


class Bare:
    """An iterator that can neither be sent to nor thrown at, as some servers' awaitables are."""

    def __init__(self, steps: Generator[Any, Any, None]) -> None:
        self.steps = steps

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self.steps)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_awaitable_that_can_not_be_thrown_at(anyio_backend: str) -> None:
    """The exception goes on past it, as with `await`."""
    steps = Bare(checkpoint().__await__())
    await resume(steps, next(steps))

    steps = Bare(anyio.sleep_forever().__await__())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await resume(steps, next(steps))
    assert scope.cancelled_caught
    steps.steps.close()


async def test_coroutine_that_is_given_up_is_closed() -> None:
    """What is abandoned while it waits cleans up."""
    closed: list[bool] = []

    async def waiting() -> None:
        try:
            await checkpoint()
        finally:
            closed.append(True)

    steps = waiting().__await__()
    driving: Any = resume(steps, next(steps))
    driving.send(None)
    driving.close()
    assert closed == [True]


async def test_awaitable_that_can_not_be_closed_is_given_up() -> None:
    """It is dropped, as `await` would drop it."""
    steps = Bare(iter_once())
    driving: Any = resume(steps, next(steps))
    driving.send(None)
    driving.close()
    assert next(steps.steps) is None


def iter_once() -> Generator[None, None, None]:
    """Wait two times."""
    yield
    yield
