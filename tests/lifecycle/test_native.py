"""Tasks of asyncio's own: cancelled once, with time to clean up, and never before they began."""

import asyncio
import gc
import math
import weakref
from collections.abc import Awaitable, Callable

import pytest

from tests.clocks import VIRTUAL_ASYNCIO
from wsendpoints.lifecycle.native import NativeTask, end_all

pytestmark = [pytest.mark.anyio, VIRTUAL_ASYNCIO]

Work = Callable[[NativeTask], Awaitable[None]]


def started(work: Work, seconds: float = math.inf) -> NativeTask:
    """Return a task that does some work, which it has not begun."""
    one = NativeTask(seconds)

    async def run() -> None:
        one.begin()
        try:
            await work(one)
        finally:
            one.finish()

    one.start(run())
    return one


async def turns(number: int = 5) -> None:
    """Let others run."""
    for _ in range(number):
        await asyncio.sleep(0)


class Sleeper:
    """Sleeps until it is cancelled, then cleans up for some seconds.

    Attributes:
        log: What it did, and when.
    """

    def __init__(self, *seconds: float) -> None:
        self.log: list[tuple[str, float]] = []
        self._seconds = seconds

    async def __call__(self, _: NativeTask) -> None:
        """Sleep."""
        try:
            await asyncio.sleep(1000)
        finally:
            self._note("cancelled")
            for seconds in self._seconds:
                try:
                    await asyncio.sleep(seconds)
                    self._note("clean")
                except asyncio.CancelledError:
                    self._note("insisted")

    def _note(self, what: str) -> None:
        self.log.append((what, round(asyncio.get_running_loop().time(), 2)))


async def test_task_ends() -> None:
    """Whoever waits for that goes on, and it is forgotten."""
    log: list[str] = []

    async def work(one: NativeTask) -> None:
        assert one.is_running
        await asyncio.sleep(1)
        log.append("done")

    one = started(work)
    assert not one.is_running
    assert not one.is_finished
    await asyncio.gather(one.ended(), one.ended())
    assert log == ["done"]
    assert one.is_finished
    assert one.task is None
    await one.ended()
    one.cancel()


async def test_cancellation_comes_once() -> None:
    """What is awaited then is left alone, however often it is cancelled."""
    sleeper = Sleeper(5)
    one = started(sleeper)
    await turns()
    one.cancel()
    assert one.is_cancelled
    await asyncio.sleep(1)
    one.cancel()
    one.cancel(defers=True)
    one.resume_cancel()
    await one.ended()
    assert sleeper.log == [("cancelled", 0), ("clean", 5)]


async def test_clean_up_that_takes_too_long_is_cancelled_again_and_again() -> None:
    """Until it gives up."""
    sleeper = Sleeper(1, 5, 5, 5)
    one = started(sleeper, 2)
    await turns()
    one.cancel()
    await one.ended()
    assert sleeper.log == [
        ("cancelled", 0),
        ("clean", 1),
        *[("insisted", 2), ("insisted", 2.01), ("insisted", 2.02)],
    ]


async def test_nothing_is_cancelled_after_the_end() -> None:
    """The time to clean up ends with the task."""
    one = started(Sleeper(1), 2)
    await turns()
    one.cancel()
    await one.ended()
    await asyncio.sleep(10)


async def test_deferred_cancellation_comes_when_it_is_resumed() -> None:
    """Until then the task goes on; a cancellation that is not deferred resumes it."""
    for resume in (NativeTask.resume_cancel, NativeTask.cancel):
        sleeper = Sleeper()
        one = started(sleeper)
        await turns()
        one.cancel(defers=True)
        one.cancel(defers=True)
        await turns()
        assert one.is_cancelled
        assert sleeper.log == []
        resume(one)
        await one.ended()
        assert len(sleeper.log) == 1


async def test_what_has_not_begun_begins() -> None:
    """It has to look whether it was cancelled: asyncio would never run it, and so not tell."""
    log: list[bool] = []

    async def work(one: NativeTask) -> None:
        log.append(one.is_cancelled)

    one = started(work)
    one.cancel()
    await one.ended()
    assert log == [True]


async def test_what_has_ended_needs_no_cancellation() -> None:
    """Also one that was deferred until then."""

    async def work(one: NativeTask) -> None:
        one.cancel(defers=True)

    one = started(work)
    await one.ended()
    one.resume_cancel()
    assert one.is_finished


# Sends.


async def test_send_waits_for_the_cancellation() -> None:
    """Nothing of it is sent; in the clean-up it need not wait."""
    log: list[str] = []

    async def work(one: NativeTask) -> None:
        one.cancel(defers=True)
        asyncio.get_running_loop().call_later(1, one.resume_cancel)
        try:
            await one.before_send()
            log.append("sent")
        finally:
            await one.before_send()
            log.append("last words")

    await started(work).ended()
    assert log == ["last words"]


async def test_cancellation_that_is_about_to_be_raised_is_raised_before_a_send() -> None:
    """The task itself had it resumed, when another send of it ended."""
    log: list[str] = []

    async def work(one: NativeTask) -> None:
        one.cancel(defers=True)
        one.resume_cancel()
        try:
            await one.before_send()
            log.append("sent")
        finally:
            await one.before_send()
            log.append("last words")

    await started(work).ended()
    assert log == ["last words"]


async def test_send_of_a_task_that_it_started_waits_for_the_end() -> None:
    """It is cancelled together with the task, or goes on then."""
    log: list[str] = []

    async def send(one: NativeTask, name: str) -> None:
        await asyncio.sleep(1)
        try:
            await one.before_send()
            log.append(f"{name} sends")
        except asyncio.CancelledError:
            log.append(f"{name} is cancelled")
            raise

    async def work(one: NativeTask) -> None:
        others.append(asyncio.create_task(send(one, "other")))
        async with asyncio.TaskGroup() as group:
            group.create_task(send(one, "one in a group"))
            try:
                await asyncio.sleep(1000)
            finally:
                await asyncio.sleep(2)
        raise AssertionError

    others: list[asyncio.Task[None]] = []
    one = started(work)
    await turns()
    one.cancel()
    await one.ended()
    await others[0]
    assert log == ["one in a group is cancelled", "other sends"]


@pytest.mark.parametrize("is_running", [False, True], ids=["outside", "itself"])
async def test_send_of_a_task_of_the_clean_up_goes_out(is_running: bool) -> None:
    """Nobody cancels it, and the end waits for it."""
    log: list[str] = []

    async def send(one: NativeTask) -> None:
        await one.before_send()
        log.append("last words")

    async def work(one: NativeTask) -> None:
        try:
            if is_running:
                one.cancel()
            await asyncio.sleep(1000)
        finally:
            await asyncio.gather(send(one), send(one))

    one = started(work)
    await turns()
    one.cancel()
    await one.ended()
    assert log == ["last words"] * 2


# The end of a connection.


async def check(one: NativeTask) -> None:
    """Look at it once, as all do that may be cancelled before they begin."""
    assert one.is_cancelled


async def test_all_are_cancelled_and_awaited() -> None:
    """Those that have ended, and those that have not begun, are no hindrance."""
    sleepers = [Sleeper(1), Sleeper(3)]
    ended = started(Sleeper())
    await turns()
    ended.cancel()
    await ended.ended()
    some = [started(sleeper) for sleeper in sleepers]
    await turns()
    not_begun = started(check)
    await end_all([ended, *some, not_begun])
    assert [sleeper.log[-1] for sleeper in sleepers] == [("clean", 1), ("clean", 3)]
    assert all(one.is_finished for one in [*some, not_begun])


async def test_cancellation_of_whoever_waits_for_all_is_raised_behind_them() -> None:
    """However often it comes."""
    sleeper = Sleeper(3)
    some = [started(sleeper)]
    await turns()
    waiting = asyncio.create_task(end_all(some))
    for _ in range(2):
        await asyncio.sleep(1)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert sleeper.log == [("cancelled", 0), ("clean", 3)]


async def test_task_that_somebody_else_cancelled_before_it_began_is_not_waited_for() -> None:
    """It never tells of its end."""
    one = started(Sleeper())
    assert one.task is not None
    one.task.cancel()
    await end_all([one])
    assert not one.is_finished


async def test_no_cycle_is_left() -> None:
    """Nothing waits for the garbage collector."""

    class Data:
        pass

    data = Data()
    reference = weakref.ref(data)

    async def work(one: NativeTask, data: Data = data) -> None:
        await asyncio.sleep(1000)

    gc.disable()
    try:
        one = started(work)
        await turns()
        one.cancel()
        await one.ended()
        await turns()
        del one, work, data
        assert reference() is None
    finally:
        gc.enable()


async def test_send_of_what_is_not_cancelled_stops_no_clock() -> None:
    """And a second cancellation is none."""
    sleeper = Sleeper(1)
    one = started(sleeper, 5)
    await turns()
    one.send_began()
    one.send_ended()
    one.cancel()
    one.cancel()
    await one.ended()
    assert [what for what, _ in sleeper.log] == ["cancelled", "clean"]


async def test_time_stands_still_for_a_send_of_its_clean_up() -> None:
    """As long as the connection goes on."""
    log: list[str] = []

    async def work(one: NativeTask) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            one.send_began()
            await asyncio.sleep(20)
            one.send_ended()
            await asyncio.sleep(4)
            log.append("clean")
            try:
                await asyncio.sleep(4)
            except asyncio.CancelledError:
                log.append("insisted")

    one = started(work, 5)
    await turns()
    one.cancel(is_alone=True)
    await one.ended()
    assert log == ["clean", "insisted"]
    # The connection ends later.
    one.cancel()


async def test_send_of_a_clean_up_does_not_hold_up_the_end_of_the_connection() -> None:
    """Its time counts from that end on."""
    log: list[str] = []

    async def work(one: NativeTask) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            one.send_began()
            try:
                await asyncio.sleep(20)
            except asyncio.CancelledError:
                log.append("insisted")
            one.send_ended()

    one = started(work, 5)
    await turns()
    one.cancel(is_alone=True)
    await turns()
    one.cancel()
    await one.ended()
    assert log == ["insisted"]
    one.cancel()
