"""What comes to a process: what is missing is read or told, and what is none is dropped."""

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import pytest
from msgspec import Struct
from pydantic import BaseModel, field_validator

from tests.groups.failing import Failing
from tests.waiting import all_tasks_blocked
from wsendpoints import PositionLost, WebSocket, WebSocketEndpoint
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Gap, Group, Groups, History, incoming
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Said(BaseModel):
    """A message."""

    text: str


class Bare(Group[Said]):
    """Keeps nothing."""

    name = "bare"


class Kept(Group[Said]):
    """Keeps a few."""

    name = "kept"
    history = History(messages=5)


class Chat(WebSocketEndpoint):
    """Sends its client what it missed."""

    encoding = "json"
    sends = dict[str, Any]
    groups: ClassVar[Any] = (Bare, Kept)
    them: Groups

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.them.join(self, Bare())
        await self.them.join(self, Kept())

    async def on_gap(self, websocket: WebSocket, gap: Gap) -> None:
        assert isinstance(gap.group, Group)
        await self.push({"group": gap.group.name, "lost": gap.lost})


class Deaf(WebSocketEndpoint):
    """Does not want to know."""

    encoding = "json"
    groups: ClassVar[Any] = (Bare, Kept)
    them: Groups
    members: ClassVar[list["Deaf"]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        self.members[:] = [self]
        await websocket.accept()
        await self.them.join(self, Bare())
        await self.them.join(self, Kept())


@asynccontextmanager
async def pair() -> AsyncGenerator[tuple[Client, Client, Groups, Failing, Failing]]:
    """Start two processes' groups; two clients are members of the second one's."""
    hub = Hub()
    planes = [Failing(hub, seed) for seed in range(2)]
    async with AsyncExitStack() as stack:
        here, there = [await stack.enter_async_context(Groups(plane)) for plane in planes]
        clients = [
            await stack.enter_async_context(connect(kind.as_asgi(them=there), timeout=60))
            for kind in (Chat, Deaf)
        ]
        await all_tasks_blocked()
        yield clients[0], clients[1], here, planes[0], planes[1]


async def received(client: Client, number: int) -> list[Any]:
    """Receive so many messages, as texts, or as what is told of a gap, and no more."""
    got: list[Any] = []
    for _ in range(number):
        it = await client.receive_json()
        got.append(it["text"] if "text" in it else (it["group"], it["lost"]))
    await client.receive_nothing()
    return got


async def say(groups: Groups, group: Group[Said], texts: str) -> None:
    """Broadcast each of the letters."""
    for text in texts:
        await groups.broadcast(group, Said(text=text))


async def test_what_is_lost_is_told() -> None:
    """How many they are, once; and only who has a hook is told."""
    async with pair() as (client, deaf, here, _, plane):
        await say(here, Bare(), "a")
        plane.drops = 2
        await say(here, Bare(), "bcd")
        assert sorted(map(str, await received(client, 3))) == ["('bare', 2)", "a", "d"]
        assert await received(deaf, 2) == ["a", "d"]
        plane.cut()
        await say(here, Bare(), "efg")
        plane.mend()
        assert await received(client, 1) == [("bare", 3)]
        plane.cut()
        plane.mend()
        await say(here, Bare(), "h")
        assert await received(client, 1) == ["h"]


async def test_what_is_lost_is_told_to_those_that_listen() -> None:
    """Where it would have come."""
    async with pair() as (client, _, here, _, plane):
        them = Groups(other := Failing(plane.hub))
        async with them, them.listen(Bare()) as messages:
            await all_tasks_blocked()
            other.drops = 2
            await say(here, Bare(), "abc")
            with pytest.raises(PositionLost, match="bare: 2 messages were lost"):
                await anext(messages)
            assert await anext(messages) == Said(text="c")
        assert await received(client, 3) == ["a", "b", "c"]


async def test_what_is_kept_is_read() -> None:
    """In its order, before what comes next."""
    async with pair() as (client, _, here, _, plane):
        plane.drops = 2
        await say(here, Kept(), "abc")
        assert await received(client, 3) == ["a", "b", "c"]
        plane.cut()
        await say(here, Kept(), "defg")
        plane.mend()
        await say(here, Kept(), "h")
        assert await received(client, 5) == ["d", "e", "f", "g", "h"]


async def test_what_is_kept_no_more_is_told() -> None:
    """And what is kept of it is read."""
    async with pair() as (client, deaf, here, _, plane):
        await say(here, Kept(), "a")
        plane.cut()
        await say(here, Kept(), "bcdefghi")
        plane.mend()
        got = await received(client, 7)
        assert got.pop(got.index(("kept", 3)))
        assert got == ["a", *"efghi"]
        assert await received(deaf, 6) == ["a", *"efghi"]


@pytest.mark.parametrize("group", [Bare(), Kept()], ids=["bare", "kept"])
async def test_numbers_that_begin_anew_are_a_gap_of_unknown_length(group: Group[Said]) -> None:
    """As when what kept them was emptied: what was said since is read if it is kept."""
    async with pair() as (client, _, here, _, plane):
        await say(here, group, "a")
        plane.cut()
        await say(here, group, "b")
        log = plane.hub.logs._logs[group.name]  # pyright: ignore[reportPrivateUsage]  # nothing else
        # A new one begins at the clock, which has gone on.
        log.head += 10_000_000
        log.entries.clear()
        await say(here, group, "c")
        plane.mend()
        await say(here, group, "d")
        expected = ["a", "d"] if group == Bare() else ["a", "c", "d"]
        got = await received(client, 1 + len(expected))
        assert got.pop(got.index((group.name, None)))
        assert got == expected


@pytest.mark.parametrize("comes_first", [True, False])
async def test_numbers_that_went_back_are_a_gap_of_unknown_length(comes_first: bool) -> None:
    """As when a replica takes over that had not got all: a message may come before the fence."""
    async with pair() as (client, _, here, _, plane):
        await say(here, Kept(), "abc")
        assert await received(client, 3) == ["a", "b", "c"]
        plane.cut()
        log = plane.hub.logs._logs["kept"]  # pyright: ignore[reportPrivateUsage]  # nothing else
        log.head -= 2
        log.entries.pop()
        log.entries.pop()
        if comes_first:
            plane.is_cut = False
            await say(here, Kept(), "x")
        plane.mend()
        await say(here, Kept(), "y")
        got = await received(client, 3 if comes_first else 2)
        assert got.pop(got.index(("kept", None)))
        assert got == (["x", "y"] if comes_first else ["y"])
        plane.cut()
        plane.mend()
        await say(here, Kept(), "z")
        assert await received(client, 1) == ["z"]


async def test_history_that_cannot_be_read_is_read_later() -> None:
    """It is cut off again before it could be."""
    async with pair() as (client, _, here, _, plane):
        plane.cut()
        await say(here, Kept(), "ab")
        plane.mend()
        plane.is_cut = True
        await client.receive_nothing()
        plane.is_cut = False
        assert await received(client, 2) == ["a", "b"]


async def test_group_may_be_left_while_its_history_is_read() -> None:
    """Then it is read no more."""
    async with pair() as (client, deaf, here, _, plane):
        plane.cut()
        await say(here, Kept(), "ab")
        plane.mend()
        plane.is_cut = True
        await all_tasks_blocked()
        await client.close()
        await deaf.close()
        await anyio.sleep(10)
        assert set(plane.names) == {"!"}
        plane.is_cut = False


async def test_r06_what_is_no_message_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """With one warning that has nothing of it; what comes next is sent."""
    caplog.set_level(logging.INFO, "wsendpoints")
    async with pair() as (client, _, here, plane, _):
        for data in (
            *(
                b"",
                b"garbage",
                b"\xff" * 100,
                b"1|a|b",
                b"2|node|1|u|Said|{}",
                b"1|node|1|x|Said|{}",
            ),
            *(b"1|node|1|u|Said|garbage", b"1|node|1|u|Unknown|{}", b"1|node|1|u|Said|{}"),
            b"1|node|1|u|" + b"[" * 100_000,
        ):
            for name in ("bare", "kept"):
                history = Kept.history if name == "kept" else None
                await plane.publish(name, data, history)
        await say(here, Bare(), "a")
        await say(here, Kept(), "b")
        assert await received(client, 2) == ["a", "b"]
    warnings = [it for it in caplog.records if it.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "garbage" not in caplog.text


async def test_r06_whatever_a_message_raises_as_it_is_read_it_is_dropped() -> None:
    """As a Struct does, and a validator with a mistake of its own."""

    class Point(Struct):
        x: int

    class Fragile(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def fail(cls, text: str) -> str:
            if text == "bad":
                raise LookupError(text)
            return text

    class Points(Group[Point]):
        name = "points"

    class Fragiles(Group[Fragile]):
        name = "fragiles"

    class Both(WebSocketEndpoint):
        encoding = "json"
        groups: ClassVar[Any] = (Points, Fragiles)
        them: Groups

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await self.them.join(self, Points())
            await self.them.join(self, Fragiles())

    async with (
        pair() as (_, _, here, plane, _),
        Groups(Failing(plane.hub)) as there,
        connect(Both.as_asgi(them=there), timeout=60) as client,
    ):
        await all_tasks_blocked()
        for name, data in (
            *(("points", b"|garbage"), ("points", b'|{"x": "a"}')),
            ("fragiles", b'Fragile|{"text": "bad"}'),
        ):
            await plane.publish(name, b"1|node|1|u|" + data, None)
        await here.broadcast(Points(), Point(x=1))
        await here.broadcast(Fragiles(), Fragile(text="good"))
        assert await client.receive_json() == {"x": 1}
        assert await client.receive_json() == {"text": "good"}
        await client.receive_nothing()


async def test_message_that_a_member_cannot_be_sent_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As its class does not declare it: nobody in its process gets it, and the log says so."""

    class Other(WebSocketEndpoint):
        encoding = "json"
        sends = int
        them: Groups

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await self.them.join(self, "bare")

    async with pair() as (client, _, here, plane, _):
        async with (
            Groups(Failing(plane.hub)) as there,
            connect(Other.as_asgi(them=there), timeout=60) as other,
        ):
            await all_tasks_blocked()
            await say(here, Bare(), "a")
            await other.receive_nothing()
            await here.broadcast("bare", 1)
            assert await other.receive_json() == 1
        assert await received(client, 1) == ["a"]
    (record,) = [it for it in caplog.records if it.levelno == logging.ERROR]
    assert record.getMessage() == "bare: a message of another process can't be sent"


async def test_own_message_that_does_not_come_back_is_not_lost() -> None:
    """This process's members have it: also while it is not known yet which number it has."""

    class Slow(Failing):
        async def publish(self, name: str, data: bytes, history: History | None) -> int:
            number = await super().publish(name, data, history)
            await gate.wait()
            return number

    gate = anyio.Event()
    async with pair() as (_, _, here, plane, _):
        slow = Slow(plane.hub)
        async with (
            Groups(slow) as there,
            connect(Chat.as_asgi(them=there), timeout=60) as client,
            anyio.create_task_group() as tasks,
        ):
            await all_tasks_blocked()
            slow.drops = 1
            tasks.start_soon(there.broadcast, Bare(), Said(text="a"))
            assert (await client.receive(Said)).text == "a"
            await say(here, Bare(), "b")
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            gate.set()
            assert await received(client, 1) == ["b"]


async def test_close_reaches_all_processes() -> None:
    """What is none is dropped."""
    async with pair() as (client, deaf, here, plane, _):
        no_closes = (b"", b"|[]", b'|["bare",1]', b'|["bare",1,"y"]', b'|["bare","x","y"]', b"|1")
        for garbage in no_closes:
            await plane.publish("!", b"1|node|1|u|" + garbage, None)
        await client.receive_nothing()
        assert await here.close(Bare(), 4403, "signed out") == 0
        for it in (client, deaf):
            await it.expect_close(4403, "signed out")
        with pytest.raises(ValueError, match="1"):
            await here.close(Bare(), 1)


async def test_what_comes_too_fast_is_missed_and_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait here without a bound: it is told, or read, also if nothing follows it."""
    monkeypatch.setattr(incoming, "_MOST", 3)
    async with pair() as (client, _, here, _, plane):
        for group in (Bare(), Kept()):
            plane.hold()
            await say(here, Bare(), "abcdefgh" if group == Bare() else "")
            if group == Kept():
                for text in "abcde":
                    data, _ = Kept.archive().write(Said(text=text))
                    await plane.publish("kept", b"1|node|1|u|" + data, Kept.history)
            plane.release()
            got = await received(client, 4 if group == Bare() else 5)
            if group == Bare():
                assert got.pop(got.index(("bare", 5)))
                assert got == ["a", "b", "c"]
            else:
                assert got == [*"abcde"]


async def test_message_of_a_group_that_is_left_is_nobodys() -> None:
    """It may be on its way yet, or wait here."""
    async with pair() as (client, deaf, here, _, plane):
        assert plane.receiver is not None
        plane.receiver.fenced({"unknown": 1})
        plane.hold()
        await say(here, Bare(), "a")
        await client.close()
        await deaf.close()
        await all_tasks_blocked()
        plane.release()
        await all_tasks_blocked()
        assert set(plane.names) == {"!"}


async def test_message_that_waits_here_as_its_group_is_left_is_nobodys() -> None:
    """The last member leaves in the same turn of the event loop."""
    async with pair() as (client, deaf, _, _, plane):
        await client.close()
        assert plane.receiver is not None
        (member,) = Deaf.members
        plane.receiver.message("bare", plane.hub.logs.head("bare") + 1, b"garbage")
        await member.them.leave(member, Bare())
        await deaf.receive_nothing()
