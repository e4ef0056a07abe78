"""One connection after the other."""

import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import anyio
import pytest

from tests.client.wires import Wires, highest, lowest
from tests.waiting import all_tasks_blocked
from wsendpoints.client.address import Positions, Target
from wsendpoints.client.link import Backoff, Link
from wsendpoints.client.socket import Address, Close, Socket, refusal
from wsendpoints.contract.comebacks import comeback_after

pytestmark = pytest.mark.anyio


class Told:
    """What was told of the connections."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @property
    def positions(self) -> Positions:
        """None."""
        return {}

    def opened(self, socket: Socket) -> None:
        """Note it."""
        self.events.append("opened")

    async def received(self, frame: str | bytes) -> None:
        """Note it."""
        self.events.append(frame)

    def lost(self, close: Close) -> None:
        """Note it."""
        self.events.append(("lost", close.code))

    def closed(self, close: Close) -> None:
        """Note it."""
        self.events.append(("closed", *close))


class Played:
    """A link with its wires."""

    def __init__(self, backoff: Backoff | None = Backoff(), **target: Any) -> None:  # noqa: B008 - frozen
        self.wires = Wires()
        self.told = Told()
        self.link = Link(
            self.wires.open, Target("ws://host/", **target), comeback_after, backoff, self.told
        )

    @property
    def waits(self) -> list[float]:
        """The seconds from each try to the next one."""
        times = self.wires.times
        return [later - earlier for earlier, later in pairwise(times)]


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each wait be as long as it may."""
    monkeypatch.setattr(random, "uniform", highest)


@pytest.fixture
def shortest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each wait be as short as it may."""
    monkeypatch.setattr(random, "uniform", lowest)


async def test_frames_are_told_until_it_is_over() -> None:
    """A code after which no client comes back ends it."""
    played = Played()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        wire = await played.wires.next()
        wire.give_frame("a")
        wire.give_frame(b"b")
        wire.end(1008, "why")
    assert played.told.events == ["opened", "a", b"b", ("lost", 1008), ("closed", 1008, "why")]


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1008, 1009, 4000, 4400, 4403])
async def test_it_does_not_come_back_after(code: int) -> None:
    """What was closed on purpose stays closed."""
    played = Played()
    played.wires.outcomes.append(Close(code))
    await played.link.run()
    assert played.told.events == [("closed", code, "")]


@pytest.mark.parametrize("code", [1001, 1005, 1006, 1011, 1012, 1013, 4429, 4500, 4503])
@pytest.mark.usefixtures("longest")
async def test_it_comes_back_after(code: int) -> None:
    """What may be otherwise the next time is tried again."""
    played = Played()
    played.wires.outcomes.extend([Close(code), Close(1008)])
    await played.link.run()
    assert len(played.wires.times) == 2
    later = code in (1001, 1012, 1013, 4429, 4503)
    assert played.waits == [pytest.approx(4.0 if later else 1.0)]


@pytest.mark.usefixtures("longest")
async def test_waits_double_up_to_a_limit() -> None:
    """Each is twice the one before."""
    played = Played(Backoff(min=2, max=10))
    played.wires.outcomes.extend([*[Close()] * 5, Close(1008)])
    await played.link.run()
    assert played.waits == [pytest.approx(it) for it in (2, 4, 8, 10, 10)]


async def test_waits_are_a_random_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any time from none to the limit is as likely as any other."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 2

    monkeypatch.setattr(random, "uniform", uniform)
    played = Played(Backoff(min=4, max=30))
    played.wires.outcomes.extend([Close(), Close(), Close(1008)])
    await played.link.run()
    assert asked == [(0, 4), (0, 8)]
    assert played.waits == [pytest.approx(2), pytest.approx(4)]


@pytest.mark.usefixtures("shortest")
async def test_no_more_than_one_try_is_made_in_a_second() -> None:
    """However short the waits are."""
    played = Played(Backoff(min=0, max=0))
    played.wires.outcomes.extend([*[Close()] * 3, Close(1008)])
    await played.link.run()
    assert played.waits == [pytest.approx(1)] * 3


@pytest.mark.usefixtures("longest")
async def test_what_lasted_begins_anew() -> None:
    """After five seconds of a connection what went wrong before it is forgotten."""
    played = Played(Backoff(min=2, max=100))
    played.wires.outcomes.extend([Close(), Close()])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        wire = await played.wires.next()
        await anyio.sleep(6)
        played.wires.outcomes.append(Close(1008))
        wire.end(1006)
    assert played.waits == [pytest.approx(it) for it in (2, 4, 6 + 2)]


@pytest.mark.usefixtures("shortest")
@pytest.mark.parametrize(("retry_after", "wait"), [("7", 7), ("1", 1), ("0", 1), ("3600", 30)])
async def test_it_stays_away_as_the_server_asks(retry_after: str, wait: float) -> None:
    """But not longer than any wait may be."""
    played = Played(Backoff(max=30))
    played.wires.outcomes.extend([refusal(503, retry_after), Close(1008)])
    await played.link.run()
    assert played.waits == [pytest.approx(wait)]


@pytest.mark.usefixtures("longest")
async def test_those_who_stay_away_come_back_spread_over_more() -> None:
    """All clients of a server that restarts are told the same."""
    played = Played()
    played.wires.outcomes.extend([refusal(503, "7"), Close(), Close(1008)])
    await played.link.run()
    assert played.waits == [pytest.approx(7 + 4), pytest.approx(8)]


async def test_it_does_not_come_back_if_it_may_not() -> None:
    """Without a backoff the first end is the last."""
    played = Played(None)
    played.wires.outcomes.append(Close())
    await played.link.run()
    assert played.told.events == [("closed", 1006, "")]


async def test_new_token_is_tried_once() -> None:
    """It is asked for at once, and if it is refused, too, that is that."""
    tokens = iter(["old", "new"])
    played = Played(get_token=lambda: next(tokens))
    played.wires.outcomes.extend([Close(4401), Close(4401, "still")])
    await played.link.run()
    sent = [it.headers["Authorization"] for it in played.wires.addresses]
    assert sent == ["Bearer old", "Bearer new"]
    assert played.waits == [pytest.approx(1)]
    assert played.told.events == [("closed", 4401, "still")]


async def test_without_a_token_there_is_no_new_one() -> None:
    """Who has none is refused for good."""
    played = Played()
    played.wires.outcomes.append(Close(4401))
    await played.link.run()
    assert played.told.events == [("closed", 4401, "")]


@pytest.mark.usefixtures("longest")
async def test_token_that_can_not_be_had_is_asked_for_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There may be no network for it, either."""
    outcomes: list[Callable[[], str]] = [lambda: str(1 / 0), lambda: "t"]
    played = Played(get_token=lambda: outcomes.pop(0)())
    played.wires.outcomes.append(Close(1008))
    with caplog.at_level(logging.WARNING, "wsendpoints"):
        await played.link.run()
    assert caplog.messages == ["get_token failed, and the client tries again"]
    assert len(played.wires.addresses) == 1


async def test_silent_server_is_given_up() -> None:
    """A try takes no longer than 15 seconds."""
    began = anyio.current_time()
    times: list[float] = []

    @asynccontextmanager
    async def never(address: Address) -> AsyncGenerator[Socket]:
        times.append(anyio.current_time() - began)
        await anyio.sleep_forever()
        yield  # type: ignore[misc]  # never

    told = Told()
    link = Link(never, Target("ws://host/"), comeback_after, None, told)
    await link.run()
    assert told.events == [("closed", 1006, "there was no answer")]
    assert anyio.current_time() - began == pytest.approx(15)


async def test_open_connection_may_be_silent_for_long() -> None:
    """The limit is that of the handshake."""
    played = Played()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        wire = await played.wires.next()
        await anyio.sleep(1000)
        wire.end(1000)
    assert played.told.events[-1] == ("closed", 1000, "")


async def test_close_is_sent_and_awaited() -> None:
    """It ends the connection that there is, with its code; a second one changes nothing."""
    played = Played()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        wire = await played.wires.next()
        await all_tasks_blocked()
        await played.link.close(Close(4001, "bye"))
        assert wire.closed == (4001, "bye")
        await played.link.close(Close(4002))
    assert played.told.events == ["opened", ("lost", 4001), ("closed", 4001, "bye")]


@pytest.mark.usefixtures("longest")
async def test_close_ends_a_wait() -> None:
    """No try follows."""
    played = Played()
    played.wires.outcomes.append(Close())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        await all_tasks_blocked()
        await played.link.close(Close(1000))
    assert played.told.events == [("closed", 1000, "")]
    assert len(played.wires.times) == 1


async def test_cancelling_closes() -> None:
    """Nothing is left open."""
    played = Played()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert (await played.wires.next()).closed == (1000, "")
    assert played.told.events == ["opened", ("lost", 1000), ("closed", 1000, "")]


async def test_server_that_does_not_answer_a_close_is_left() -> None:
    """It has two seconds for it."""
    played = Played()

    async def never(close: Close) -> None:
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(played.link.run)
        wire = await played.wires.next()
        wire.close = never  # type: ignore[method-assign]  # of this one
        await all_tasks_blocked()
        began = anyio.current_time()
        await played.link.close(Close(1000))
        assert anyio.current_time() - began == pytest.approx(2)
