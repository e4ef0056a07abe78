"""The backplane of one process, alone and with others that share its hub."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pytest

from wsendpoints import GroupFullError, PositionLost
from wsendpoints.backplanes import History, Hub, MemoryBackplane

pytestmark = pytest.mark.anyio

TWO: Final = History(messages=2)
OPTIONS: Final[Mapping[str, Any]] = {
    "joined": b"+",
    "left": b"-",
    "most": None,
    "history": None,
}


class Receiving:
    """Notes what is handed on to it."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []

    def message(self, name: str, number: int, data: bytes) -> None:
        """Note it."""
        self.log.append((name, number, data))

    def fenced(self, heads: Mapping[str, int]) -> None:
        """Note it."""
        self.log.append(("fenced", dict(heads)))

    def down(self) -> None:
        """Note it."""
        self.log.append(("down",))

    def taken(self) -> list[tuple[Any, ...]]:
        """Return what was noted, once."""
        log, self.log = self.log, []
        return log


@asynccontextmanager
async def running(plane: MemoryBackplane) -> AsyncGenerator[Receiving]:
    """Have a backplane take part."""
    receiving = Receiving()
    async with anyio.create_task_group() as tasks:
        await tasks.start(plane.run, receiving)
        yield receiving
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("has_hub", [False, True], ids=["alone", "with a hub"])
async def test_message_is_handed_on_to_who_subscribed(*, has_hub: bool) -> None:
    """From the fence on, until it unsubscribes."""
    plane = MemoryBackplane(Hub() if has_hub else None)
    assert plane.is_shared is has_hub
    async with running(plane) as receiving:
        before = await plane.publish("a", b"0", None)
        assert receiving.taken() == []
        plane.subscribe(["a", "b"])
        (_, heads_of_a), (_, heads_of_b) = receiving.taken()
        assert heads_of_a == {"a": before}
        head_of_b: int = heads_of_b["b"]
        assert await plane.publish("a", b"1", None) == before + 1
        assert await plane.publish("b", b"2", None) == head_of_b + 1
        assert receiving.taken() == [("a", before + 1, b"1"), ("b", head_of_b + 1, b"2")]
        plane.unsubscribe(["a", "unknown"])
        plane.unsubscribe(["a"])
        assert await plane.publish("a", b"3", None) == before + 2
        await plane.publish("b", b"4", None)
        assert receiving.taken() == [("b", head_of_b + 2, b"4")]


async def test_subscribing_twice_fences_twice() -> None:
    """A message comes once nevertheless."""
    plane = MemoryBackplane()
    async with running(plane) as receiving:
        plane.subscribe(["a"])
        plane.subscribe(["a"])
        one, two = receiving.taken()
        assert one == two
        await plane.publish("a", b"x", None)
        assert len(receiving.taken()) == 1
        plane.unsubscribe(["a"])
        await plane.publish("a", b"y", None)
        assert receiving.taken() == []


async def test_subscribed_before_it_runs() -> None:
    """It is fenced as it begins; what was unsubscribed from is not."""
    plane = MemoryBackplane()
    plane.subscribe(["a", "b"])
    plane.unsubscribe(["b"])
    head = await plane.publish("a", b"x", None)
    async with running(plane) as receiving:
        assert receiving.taken() == [("fenced", {"a": head})]
        await plane.publish("b", b"x", None)
        assert receiving.taken() == []


async def test_nothing_comes_once_it_has_ended() -> None:
    """Also if it unsubscribes later; and all comes again when it runs again."""
    hub = Hub()
    plane, other = MemoryBackplane(hub), MemoryBackplane(hub)
    plane.subscribe(["a", "b"])
    async with running(plane) as first:
        first.taken()
    async with running(other) as others:
        other.subscribe(["a"])
        plane.unsubscribe(["b"])
        head = await plane.publish("a", b"x", None)
        assert others.taken()[1:] == [("a", head, b"x")]
        assert first.taken() == []
        async with running(plane) as second:
            await other.publish("a", b"y", None)
            assert second.taken() == [("fenced", {"a": head}), ("a", head + 1, b"y")]
            assert others.taken() == [("a", head + 1, b"y")]


async def test_all_that_share_a_hub_get_it() -> None:
    """With one number, in one log."""
    hub = Hub()
    one, two, elsewhere = MemoryBackplane(hub), MemoryBackplane(hub), MemoryBackplane(Hub())
    async with running(one) as ones, running(two) as twos, running(elsewhere) as others:
        for plane in (one, two, elsewhere):
            plane.subscribe(["a"])
        number = await one.publish("a", b"x", TWO)
        assert ones.taken()[1:] == twos.taken()[1:] == [("a", number, b"x")]
        assert others.taken()[1:] == []
        assert await two.read("a", number - 1) == [(number, b"x")]
        assert one.logs is two.logs is hub.logs


def test_hub_forgets_whom_it_does_not_know() -> None:
    """The others get what is published nevertheless."""
    hub, known, unknown = Hub(), Receiving(), Receiving()
    hub.add("a", known)
    hub.discard("a", unknown)
    hub.discard("b", unknown)
    number = hub.publish("a", b"x", None)
    assert known.taken()[1:] == [("a", number, b"x")]
    assert unknown.taken() == []


async def test_history_is_read_whole_or_not_at_all() -> None:
    """The last messages of it are kept."""
    plane = MemoryBackplane()
    first, second, third = [await plane.publish("a", data, TWO) for data in (b"1", b"2", b"3")]
    assert await plane.read("a", None) == [(second, b"2"), (third, b"3")]
    assert await plane.read("a", first) == [(second, b"2"), (third, b"3")]
    assert await plane.read("a", third) == []
    for after in (first - 1, third + 1):
        with pytest.raises(PositionLost, match="a: what came after"):
            await plane.read("a", after)
    assert await plane.read("b", None) == []


async def test_user_is_counted_once() -> None:
    """The first connection tells of it, and the last, on whichever node; in the order they came."""
    hub = Hub()
    one, two = MemoryBackplane(hub), MemoryBackplane(hub)
    assert one.presence
    async with running(one) as receiving, running(two):
        one.subscribe(["a"])

        def told() -> list[bytes]:
            return [entry[2] for entry in receiving.taken() if entry[0] == "a"]

        assert await two.enter("a", "1", "bob", **OPTIONS)
        assert await one.enter("a", "1", "ada", **OPTIONS)
        assert not await one.enter("a", "2", "bob", **OPTIONS)
        assert told() == [b"+", b"+"]
        assert await two.users("a") == ["bob", "ada"]
        assert await two.users("b") == []
        await two.depart("a", "2")
        await two.depart("b", "1")
        await two.depart("a", "1")
        await two.depart("a", "1")
        assert told() == []
        await one.depart("a", "2")
        assert told() == [b"-"]
        assert await one.users("a") == ["ada"]
        await one.depart("a", "1")
        assert told() == [b"-"]
        assert await one.users("a") == []


async def test_user_that_nobody_is_told_of() -> None:
    """Empty bytes are no message."""
    plane = MemoryBackplane()
    async with running(plane) as receiving:
        plane.subscribe(["a"])
        receiving.taken()
        silent: dict[str, Any] = {**OPTIONS, "joined": b"", "left": b""}
        assert await plane.enter("a", "1", "ada", **silent)
        await plane.depart("a", "1")
        assert receiving.taken() == []


async def test_what_is_told_of_a_user_is_in_the_history() -> None:
    """As it was when the user came."""
    plane = MemoryBackplane()
    kept: dict[str, Any] = {**OPTIONS, "history": TWO}
    await plane.enter("a", "1", "ada", **kept)
    await plane.depart("a", "1")
    assert [data for _, data in await plane.read("a", None)] == [b"+", b"-"]


async def test_group_that_is_full() -> None:
    """A user who is in it already may come again; who was refused is not counted."""
    plane = MemoryBackplane()
    most: dict[str, Any] = {**OPTIONS, "most": 1}
    await plane.enter("a", "1", "ada", **most)
    assert not await plane.enter("a", "2", "ada", **most)
    with pytest.raises(GroupFullError, match=r"^a: 1 users are in it already$"):
        await plane.enter("a", "3", "bob", **most)
    assert await plane.users("a") == ["ada"]
    assert await plane.enter("b", "3", "bob", **most)
    await plane.depart("a", "3")
    await plane.depart("a", "1")
    await plane.depart("a", "2")
    assert await plane.enter("a", "3", "bob", **most)


async def test_users_of_a_node_that_ended_have_left() -> None:
    """All but those that are on another one as well."""
    hub = Hub()
    one, two = MemoryBackplane(hub), MemoryBackplane(hub)
    async with running(one) as receiving:
        one.subscribe(["a", "b"])
        async with running(two):
            await one.enter("a", "1", "ada", **OPTIONS)
            await two.enter("a", "1", "ada", **OPTIONS)
            await two.enter("a", "2", "bob", **OPTIONS)
            await two.enter("a", "3", "bob", **OPTIONS)
            await two.enter("b", "2", "bob", **OPTIONS)
            receiving.taken()
        assert [(name, data) for name, _, data in receiving.taken()] == [("a", b"-"), ("b", b"-")]
        assert await one.users("a") == ["ada"]
        assert await one.users("b") == []
