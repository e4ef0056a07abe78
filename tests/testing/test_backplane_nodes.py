"""One process's part in a backplane, as the contract test watches it."""

from collections.abc import Callable

import anyio
import pytest
from typing_extensions import override

from tests.groups.failing import Failing
from wsendpoints import BackplaneError, PositionLost
from wsendpoints.backplanes import History, Hub, MemoryBackplane
from wsendpoints.testing.backplane_nodes import HISTORY, Delays, Node, fail, nodes_of

pytestmark = pytest.mark.anyio


def node_of() -> Node:
    """Return a node that takes no part yet."""
    return Node(MemoryBackplane(Hub()), Delays(0))


def test_what_is_lost_is_counted() -> None:
    """From the first fence on."""
    node = node_of()
    node.fenced({"a": 10, "b": 20})
    node.message("a", 11, b"x")
    node.message("a", 14, b"y")
    node.fenced({"a": 15, "b": 20})
    assert node.received == {"a": [(11, b"x"), (14, b"y")]}
    assert node.lost == {"a": 3}
    assert node.heads == {"a": 15, "b": 20}
    node.check()


def test_message_before_the_first_fence() -> None:
    """Nothing is lost before it."""
    node = node_of()
    node.message("a", 11, b"x")
    node.fenced({"a": 11})
    assert node.lost == {}
    node.check()


@pytest.mark.parametrize("number", [10, 9])
def test_message_that_is_known(number: int) -> None:
    """It is told once the rest is done."""
    node = node_of()
    node.fenced({"a": 10})
    node.message("a", number, b"x")
    with pytest.raises(AssertionError, match=rf"^a: {number} came after 10$"):
        node.check()


def test_fence_that_goes_back() -> None:
    """It is told as well; and the first of several."""
    node = node_of()
    node.fenced({"a": 10})
    node.fenced({"a": 9})
    node.message("a", 10, b"x")
    with pytest.raises(AssertionError, match=r"^a: it is at 9, and was at 10$"):
        node.check()


async def test_waits_for_what_comes_or_is_told() -> None:
    """For a message, and for what `down` and `fenced` tell."""
    node = node_of()
    done: list[str] = []

    async def wait() -> None:
        await node.reach("a", 12)
        done.append("reached")
        await node.come_back(0, "a", "b")
        done.append("back")

    node.fenced({"a": 10, "b": 1})
    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        steps: list[tuple[Callable[[], None], list[str]]] = [
            (lambda: node.message("a", 11, b"x"), []),
            (lambda: node.fenced({"a": 12}), ["reached"]),
            (node.down, ["reached"]),
            (lambda: node.fenced({"a": 12}), ["reached"]),
            (lambda: node.fenced({"b": 1}), ["reached", "back"]),
        ]
        for tell, expected in steps:
            await anyio.wait_all_tasks_blocked()
            tell()
            await anyio.wait_all_tasks_blocked()
            assert done == expected
    assert node.downs == 1


async def test_waits_not_for_ever() -> None:
    """It tells what did not come."""
    node = node_of()
    began = anyio.current_time()
    with pytest.raises(AssertionError, match=r"^the end: not within 30 seconds$"):
        await node.until(lambda: False, "the end")
    assert anyio.current_time() - began >= 30


async def test_calls_its_backplane() -> None:
    """And two nodes hear each other."""
    hub = Hub()
    async with nodes_of(lambda: MemoryBackplane(hub), Delays(3), 2) as (one, two):
        await one.subscribe("a", "b")
        number = await two.publish("a", b"x", HISTORY)
        await one.reach("a", number)
        assert one.received == {"a": [(number, b"x")]}
        assert await one.read("a", None) == await two.read("a", number - 1) == [(number, b"x")]
        assert await one.enter("a", "1", "ada", most=1)
        assert not await two.enter("a", "1", "ada", most=1)
        assert await two.users("a") == ["ada"]
        await one.depart("a", "1", "unknown")
        await two.depart("a", "1")
        assert await one.users("a") == []
        assert [data for _, data in one.received["a"]] == [b"x", b"+ada", b"-ada"]


async def test_nodes_are_checked_at_the_end() -> None:
    """What went wrong meanwhile is told then."""
    with pytest.raises(AssertionError, match=r"^a: 5 came after 5$"):
        async with nodes_of(MemoryBackplane, Delays(0), 1) as (node,):
            node.fenced({"a": 5})
            node.message("a", 5, b"x")


async def test_what_is_told_in_a_task_is_told_by_itself() -> None:
    """Not in a group of exceptions, and rather than what it has brought about."""

    async def failing(what: str) -> None:
        fail(what)

    async def raising() -> None:
        raise BackplaneError("brought about")

    with pytest.raises(AssertionError, match=r"^this$"):
        async with nodes_of(MemoryBackplane, Delays(0), 1), anyio.create_task_group() as group:
            group.start_soon(raising)
            group.start_soon(failing, "this")


async def test_error_that_nothing_has_caused() -> None:
    """A backplane to which nothing happens has none to raise."""

    class Raises(Failing):
        @override
        async def publish(self, name: str, data: bytes, history: History | None) -> int:
            raise BackplaneError("no reason")

    with pytest.raises(AssertionError, match=r"it raised BackplaneError\('no reason'\)$") as told:
        async with nodes_of(lambda: Raises(Hub()), Delays(0), 1) as (node,):
            await node.publish("a", b"x")
    assert isinstance(told.value.__cause__, BackplaneError)
    with pytest.raises(AssertionError, match=r"it raised PositionLost") as told:
        async with nodes_of(MemoryBackplane, Delays(0), 1) as (node,):
            await node.read("a", 5)
    assert isinstance(told.value.__cause__, PositionLost)


async def test_error_of_the_backplane_itself_is_left_as_it_is() -> None:
    """With where it comes from."""
    with pytest.raises(BaseExceptionGroup) as caught:
        async with nodes_of(MemoryBackplane, Delays(0), 1):
            raise ZeroDivisionError
    assert caught.group_contains(ZeroDivisionError)


async def test_those_that_wait_go_on_at_one_time() -> None:
    """So that they do things at the same time; and how long they wait depends on the seed."""
    times: list[float] = []

    async def wait(delays: Delays) -> None:
        for _ in range(60):
            await delays()
            # Each turn of the event loop moves the clock on by next to nothing.
            times.append(round(anyio.current_time(), 6))

    async with anyio.create_task_group() as group:
        for seed in range(4):
            group.start_soon(wait, Delays(seed))
    different = sorted(set(times))
    assert 3 < len(different) < 60 < len(times)
    assert Delays(5).random.random() == Delays(5).random.random()
