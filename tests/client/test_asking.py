"""What has been asked, and waits for its replies."""

from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from tests.client.endpoints import Chat, Say
from tests.waiting import all_tasks_blocked
from wsendpoints.client.asking import Asked, Outgoing, Pending, Request, Stream
from wsendpoints.client.errors import (
    ClientError,
    ClosedError,
    LostError,
    QueueFullError,
    RequestError,
)
from wsendpoints.client.speech import Speech
from wsendpoints.contract.describing import describe

pytestmark = pytest.mark.anyio


def outgoing() -> Outgoing:
    """Return a message that asks."""
    cls: Any = Chat
    return Outgoing(Say(text="x"), Speech(cls._check_servable(), describe(Chat)), "")


def nothing() -> None:
    """Have nothing in the way."""


def request(*classes: type) -> Request:
    """Return what has one reply."""
    return Request(outgoing(), classes or None)


class Asker:
    """Asks for streams."""

    def __init__(self) -> None:
        self.pending = Pending(nothing)
        self.number = 0

    def stream(self, last: object = None, bound: int = 100) -> Stream:
        """Return one of numbers."""
        found = Stream(outgoing(), (int,), lambda it: it == last, bound, self.pending)
        self.number += 1
        self.pending.add(self.number, found)
        return found


async def rest(stream: Stream, taken: list[object]) -> None:
    """Take all that comes."""
    async for it in stream:
        taken.append(it)  # noqa: PERF401 - a test looks at it meanwhile


# Requests.


async def test_request_has_one_reply() -> None:
    """Whoever waits for it gets it."""
    asked = request()
    assert asked.is_awaited
    await asked.take("reply")
    assert asked.is_over
    assert await asked.reply() == "reply"


async def test_request_fails() -> None:
    """With what there was in the place of a reply."""
    asked = request()
    asked.fail(RequestError("no", "", None))
    assert asked.is_over
    with pytest.raises(RequestError):
        await asked.reply()


# Streams.


async def test_stream_yields_replies_up_to_the_last_one() -> None:
    """What comes behind it is none of them."""
    stream = Asker().stream(last=2)
    taken: list[object] = []
    for number in range(4):
        await stream.take(number)
    assert not stream.is_over
    await rest(stream, taken)
    assert stream.is_over
    await rest(stream, taken)
    assert taken == [0, 1, 2]


@pytest.mark.parametrize(
    "error", [LostError(1006), ClosedError(1000), RequestError("no", "", None)]
)
async def test_error_is_raised_behind_what_came(error: ClientError) -> None:
    """Nothing of it is lost."""
    stream = Asker().stream()
    taken: list[object] = []
    await stream.take(1)
    stream.fail(error)
    assert stream.is_over
    with pytest.raises(type(error)):
        await rest(stream, taken)
    assert taken == [1]


async def take_all(stream: Stream, most: int) -> None:
    """Take replies that come."""
    for number in range(most):
        await stream.take(number)


async def blocked(tasks: TaskGroup, stream: Stream, most: int) -> None:
    """Have replies come of which one waits for room."""
    tasks.start_soon(take_all, stream, most)
    await all_tasks_blocked()


async def test_replies_wait_for_a_slow_loop() -> None:
    """None of them is lost."""
    stream = Asker().stream(last=4, bound=2)
    taken: list[object] = []
    async with anyio.create_task_group() as tasks:
        await blocked(tasks, stream, 5)
        await rest(stream, taken)
    assert taken == [0, 1, 2, 3, 4]


async def test_replies_are_dropped_for_what_somebody_waits_for() -> None:
    """A request, or the loop of another stream; the loop is told."""
    asker = Asker()
    slow, other = asker.stream(bound=2), asker.stream()
    taken: list[object] = []
    async with anyio.create_task_group() as tasks:
        await blocked(tasks, slow, 4)
        assert not asker.pending.is_awaited
        tasks.start_soon(rest, other, taken)
        await all_tasks_blocked()
        assert asker.pending.is_awaited
        with pytest.raises(QueueFullError):
            await rest(slow, taken)
        assert taken == [0, 1]
        await other.take(9)
        await all_tasks_blocked()
        assert taken == [0, 1, 9]
        tasks.cancel_scope.cancel()


async def test_request_does_not_wait_for_a_slow_loop() -> None:
    """It is no matter how many replies of a stream are before its own."""
    asker = Asker()
    slow = asker.stream(bound=2)
    async with anyio.create_task_group() as tasks:
        await blocked(tasks, slow, 4)
        asker.pending.add(9, request())
        asker.pending.hurry()
    assert asker.pending.is_awaited


async def test_stream_that_is_left_keeps_nothing_waiting() -> None:
    """What comes is for nobody."""
    stream = Asker().stream(bound=2)
    async with anyio.create_task_group() as tasks:
        await blocked(tasks, stream, 4)
        stream.leave()


async def test_two_loops_share_a_stream() -> None:
    """Each reply is for one of them; both end with it."""
    stream = Asker().stream()
    taken: list[object] = []
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(rest, stream, taken)
        await all_tasks_blocked()
        await take_all(stream, 3)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert sorted(map(str, taken)) == ["0", "1", "2"]
    assert not stream.is_awaited


# All that was asked.


async def test_replies_belong_to_whoever_asked_for_their_class() -> None:
    """What is a reply to nothing is for the last one."""
    pending = Pending(nothing)
    number, text = request(int), request(str)
    pending.add(1, number)
    pending.add(1, text)
    asking: list[Asked | None] = [
        pending.asking(1, 5, is_reply=True),
        pending.asking(1, "5", is_reply=True),
        pending.asking(1, 5.0, is_reply=True),
        pending.asking(1, 5.0, is_reply=False),
        pending.asking(2, 5, is_reply=False),
    ]
    assert asking == [number, text, None, text, None]
    pending.forget(1, text)
    pending.forget(1, text)
    assert pending.asking(1, 5.0, is_reply=False) is number
    pending.forget(1, number)
    assert not pending.is_awaited


@pytest.mark.parametrize(("first", "second"), [([int], [bool]), ([bool], [int]), ([], [int])])
async def test_replies_that_could_be_those_of_another_are_refused(
    first: list[type], second: list[type]
) -> None:
    """Nobody could tell them apart. With other ids there is no question."""
    pending = Pending(nothing)
    pending.add(1, request(*first))
    with pytest.raises(ValueError, match="the id 1 is that of another request"):
        pending.add(1, request(*second))
    pending.add(2, request(*second))


async def test_failure_is_for_those_who_are_meant() -> None:
    """Others wait on."""
    pending = Pending(nothing)
    sent, waiting = request(), request()
    pending.add(1, sent)
    pending.add(2, waiting)
    pending.fail(LostError(1006), lambda it: it is sent)
    assert (sent.is_over, waiting.is_over) == (True, False)
