"""Who joins a group after a position gets all that came since: no hole, and nothing twice."""

import os
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Final, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.groups.turns import have_turns
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConfigurationError,
    PositionLost,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.groups import Group, Groups, History
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio

SCENARIOS: Final = int(os.environ.get("WSENDPOINTS_JOIN_SCENARIOS", "6"))
"""Of joins under concurrent broadcasts. Each checks some 200 messages."""


class Said(BaseModel):
    """A message that tells its position."""

    text: str
    position: str | None = None


class Plain(BaseModel):
    """One that does not."""

    plain: bool = True


class Room(Group[Said | Plain]):
    """Keeps a few messages."""

    name = "room:{}"
    history = History(messages=30)


class Bare(Group[Said]):
    """Keeps none."""

    name = "bare"


class Unlimited(Group[Said]):
    """Keeps all."""

    name = "all"
    history = History(messages=10_000)


class Chat(WebSocketEndpoint):
    """Joins a room after the position that the client tells."""

    encoding = "json"
    groups: ClassVar[Any] = (Room, Bare, Unlimited)
    them: Groups
    room: Group[Any] = Room("a")
    joins: ClassVar[list[Any]] = []
    members: ClassVar[list["Chat"]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.members.append(self)
        query = websocket.query_params
        last = int(query.get("last", "0"))
        try:
            position = await self.them.join(self, self.room, query.get("after"), last=last)
        except PositionLost as exc:
            self.joins.append(str(exc))
        else:
            self.joins.append(position)


@pytest.fixture(autouse=True)
def no_joins() -> Iterator[None]:
    """Each test has its own, and leaves none."""
    yield
    Chat.joins.clear()
    Chat.members.clear()


def client_of(them: Groups, query: str = "", **attributes: Any) -> Any:
    """Connect a client."""
    return connect(Chat.as_asgi(them=them, **attributes), f"/?{query}", timeout=60)


async def texts(client: Client, number: int) -> list[str]:
    """Receive so many messages, and no more."""
    received = [(await client.receive(Said)).text for _ in range(number)]
    await client.receive_nothing()
    return received


async def test_message_has_its_position() -> None:
    """One above that of the message before; the publisher's own object stays as it is."""
    them = Groups()
    async with client_of(them) as client:
        said = Said(text="a")
        assert await them.broadcast(Room("a"), said) == 1
        assert said.position is None
        one = await client.receive(Said)
        await them.broadcast(Room("a"), Plain())
        assert await client.receive_json() == {"plain": True}
        await them.broadcast(Room("a"), said)
        two = await client.receive(Said)
        assert (one.text, two.text) == ("a", "a")
        assert int(str(two.position)) == int(str(one.position)) + 2 == int(Chat.joins[0]) + 3


async def test_client_that_comes_back_gets_what_it_missed() -> None:
    """Also what was said while nobody was there."""
    them = Groups()
    async with client_of(them):
        pass
    (before,) = Chat.joins
    for text in "abc":
        assert await them.broadcast(Room("a"), Said(text=text)) == 0
    async with client_of(them, f"after={before}") as client:
        first = await client.receive(Said)
        assert first.text == "a"
        assert await texts(client, 2) == ["b", "c"]
        assert await them.broadcast(Room("a"), Said(text="d")) == 1
        assert await texts(client, 1) == ["d"]
    async with client_of(them, f"after={first.position}") as client:
        assert await texts(client, 3) == ["b", "c", "d"]
    async with client_of(them, f"after={Chat.joins[-1]}") as client:
        await client.receive_nothing()
    assert len({*Chat.joins[1:]}) == 1 + 1


async def test_client_without_a_position_may_get_the_last_messages() -> None:
    """As many as there are."""
    them = Groups()
    async with client_of(them, "last=5") as client:
        await client.receive_nothing()
    for text in "abc":
        await them.broadcast(Room("a"), Said(text=text))
    async with client_of(them, "last=2") as client:
        assert await texts(client, 2) == ["b", "c"]
    async with client_of(them, "last=50") as client:
        assert await texts(client, 3) == ["a", "b", "c"]
    async with client_of(them) as client:
        await client.receive_nothing()
    assert len({*Chat.joins}) == 2


@pytest.mark.parametrize("after", ["", "x", "1", "9999999999999999", "-1"])
async def test_g13_position_that_is_not_known(after: str) -> None:
    """The client is no member then."""
    them = Groups()
    await them.broadcast(Room("a"), Said(text="a"))
    async with client_of(them, f"after={after}") as client:
        await client.receive_nothing()
        assert them.members(Room("a")) == ()
        (member,) = Chat.members
        assert await them.join(member, Room("a")) is not None
        assert them.members(Room("a")) == (member,)
    assert "position" in Chat.joins[0] or "is not kept" in Chat.joins[0]


async def test_g13_not_all_is_kept() -> None:
    """A part is worse than nothing: it looks like all."""
    them = Groups()
    async with client_of(them):
        pass
    (before,) = Chat.joins
    for number in range(31):
        await them.broadcast(Room("a"), Said(text=str(number)))
    async with client_of(them, f"after={before}") as client:
        await client.receive_nothing()
    assert Chat.joins[-1] == f"room:a: what came after {before} is not kept"
    async with client_of(them, f"after={int(before) + 1}") as client:
        assert await texts(client, 30) == [str(number) for number in range(1, 31)]


async def test_endpoint_that_joins_twice() -> None:
    """It is told where it is."""
    them = Groups()
    async with client_of(them):
        await them.broadcast(Room("a"), Said(text="a"))
        position = await them.join(Chat.members[0], Room("a"), after="x")
        assert position == str(int(Chat.joins[0]) + 1)
        assert await them.join(Chat.members[0], Bare()) is None
        assert await them.join(Chat.members[0], Bare()) is None


# Meanwhile.


class Waits:
    """Holds each message of a client up until it may go out."""

    def __init__(self) -> None:
        self.gate = anyio.Event()
        self.held = 0

    def app(self, them: Groups) -> Any:
        """Return the chat behind this."""
        app = Chat.as_asgi(them=them)

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            async def held(event: Any) -> None:
                if event["type"] == "websocket.send":
                    self.held += 1
                    await self.gate.wait()
                await send(event)

            await app(scope, receive, held)

        return serve


async def test_what_is_said_meanwhile_comes_behind() -> None:
    """It is no member until it has all."""
    them = Groups()
    await them.broadcast(Room("a"), Said(text="a"))
    waits = Waits()
    async with connect(waits.app(them), "/?last=1", timeout=60) as client:
        await all_tasks_blocked()
        assert waits.held == 1
        assert await them.broadcast(Room("a"), Said(text="b")) == 0
        waits.gate.set()
        assert await texts(client, 2) == ["a", "b"]
        assert await them.broadcast(Room("a"), Said(text="c")) == 1
        assert await texts(client, 1) == ["c"]


async def test_it_leaves_meanwhile() -> None:
    """Then it does not become a member, unless it joins again."""
    them = Groups()
    await them.broadcast(Room("a"), Said(text="a"))
    waits = Waits()
    async with connect(waits.app(them), "/?last=1", timeout=60) as client:
        await all_tasks_blocked()
        (member,) = Chat.members
        await them.leave(member, Room("a"))
        await them.join(member, Room("a"))
        await them.leave(member, Room("a"))
        waits.gate.set()
        assert await texts(client, 1) == ["a"]
        assert them.names == ()
        assert Chat.joins[0] is not None


async def test_history_is_read_without_a_member() -> None:
    """All of it, or what came after a position."""
    them = Groups()
    for text in "abc":
        await them.broadcast(Room("a"), Said(text=text))
    said: Any = await them.history(Room("a"))
    assert [it.text for it in said] == ["a", "b", "c"]
    assert await them.history(Room("a"), said[0].position) == said[1:]


@pytest.mark.parametrize("last", [1, 2])
@pytest.mark.parametrize("leaves", [False, True])
async def test_it_disconnects_meanwhile(leaves: bool, last: int) -> None:
    """Nothing of it remains, whether it has left before or not."""
    them = Groups()
    await them.broadcast(Room("a"), Said(text="a"))
    await them.broadcast(Room("a"), Said(text="b"))
    waits = Waits()
    app = waits.app(them)
    async with connect(app, f"/?last={last}", timeout=60, swallow_sends=True) as client:
        await all_tasks_blocked()
        if leaves:
            await them.leave(Chat.members[0], Room("a"))
        client.vanish()
        # It is noticed, and nothing else passes: its handler has its grace.
        await wait_for(20)
        waits.gate.set()
    assert them.names == ()
    assert them._memberships.is_empty  # pyright: ignore[reportPrivateUsage]  # nothing else tells of it


async def test_it_falls_out_of_the_history_meanwhile() -> None:
    """The hole is told, and not hidden."""
    them = Groups()
    await them.broadcast(Room("a"), Said(text="a"))
    waits = Waits()
    async with connect(waits.app(them), "/?last=1", timeout=60) as client:
        await all_tasks_blocked()
        for number in range(31):
            await them.broadcast(Room("a"), Said(text=str(number)))
        waits.gate.set()
        assert await texts(client, 1) == ["a"]
    assert "is not kept" in Chat.joins[0]
    assert them._memberships.is_empty  # pyright: ignore[reportPrivateUsage]  # nothing else tells of it


@pytest.mark.parametrize("seed", range(SCENARIOS))
async def test_g13_joins_under_concurrent_broadcasts(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any position, with sends that wait for any time, in groups of any size."""
    have_turns(monkeypatch, 4)
    chance = random.Random(seed)  # noqa: S311 - no secret
    them, said = Groups(), 0
    app = Chat.as_asgi(them=them, room=Unlimited())
    each, joins, crowd = 40, 12, chance.choice([0, 3, 20])
    clients: list[tuple[int, Client]] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def wait_and_send(event: Any) -> None:
            await wait_for(chance.choice([0, 0, 1, 3]))
            await send(event)

        await app(scope, receive, wait_and_send)

    async def publish(name: str) -> None:
        nonlocal said
        for number in range(each):
            await them.broadcast(Unlimited(), Said(text=f"{name}{number}"))
            said += 1
            await wait_for(chance.choice([0, 1, 5]))

    async def join(stack: AsyncExitStack) -> None:
        await wait_for(chance.randrange(60))
        after = start + chance.randrange(said + 1)
        joining = connect(slow, f"/?after={after}", timeout=60)
        clients.append((after, await stack.enter_async_context(joining)))

    async with AsyncExitStack() as stack:
        for _ in range(1 + crowd):
            await stack.enter_async_context(connect(app, timeout=60))
        start = int(Chat.joins[0])
        async with anyio.create_task_group() as tasks:
            for name in "xyz":
                tasks.start_soon(publish, name)
            for _ in range(joins):
                tasks.start_soon(join, stack)
        assert len(clients) == joins
        for after, client in clients:
            expected = [*range(after + 1, start + 3 * each + 1)]
            received = [await client.receive(Said) for _ in expected]
            assert [int(str(it.position)) for it in received] == expected
            await client.receive_nothing()


async def wait_for(turns: int) -> None:
    """Let others have so many turns."""
    for _ in range(turns):
        await checkpoint()


async def test_listener_hears_the_positions_that_members_see() -> None:
    """It begins where they do."""
    them = Groups()
    async with client_of(them) as client, them.listen(Room("a"), last=9) as messages:
        for text in "ab":
            await them.broadcast(Room("a"), Said(text=text))
            assert await anext(messages) == await client.receive(Said)


# Mistakes.


async def test_group_without_a_history_has_no_positions() -> None:
    """To ask for what it missed is a mistake; so is a negative number."""
    them = Groups()
    async with client_of(them):
        (member,) = Chat.members
        for given in ({"after": "1"}, {"last": 1}):
            with pytest.raises(ConfigurationError, match="has no history: set"):
                await them.join(member, Bare(), **cast("Any", given))
        with pytest.raises(ConfigurationError, match="'plain' has no history"):
            await them.join(member, "plain", after="1")
        with pytest.raises(ValueError, match="last=-1: use 0 or more"):
            await them.join(member, Room("b"), last=-1)
        assert them.names == ("room:a",)


async def test_message_that_would_not_be_in_the_history() -> None:
    """By the name alone, or by another class, nobody knows that it is to be kept."""
    them = Groups()
    async with client_of(them) as client:
        with pytest.raises(ConfigurationError, match="'room:a' has a history, which this message"):
            await them.broadcast("room:a", Said(text="a"))
        await client.receive_nothing()


@pytest.mark.parametrize("is_there", [False, True])
async def test_g08_message_that_cannot_be_kept(is_there: bool) -> None:
    """Nobody gets it, now or later."""
    them = Groups()
    async with AsyncExitStack() as stack:
        if is_there:
            await stack.enter_async_context(client_of(them))
        with pytest.raises(ConfigurationError, match="Room sends a message of type"):
            await them.broadcast(Room("a"), cast("Any", Bare()))
        with pytest.raises(ValueError, match="surrogates not allowed"):
            await them.broadcast(Room("a"), Said(text="\ud800"))
        client = await stack.enter_async_context(client_of(them, "last=5"))
        await client.receive_nothing()


def test_g07_thread_publishes_before_anybody_joins() -> None:
    """It is kept, without an event loop."""
    them = Groups()
    assert them.broadcast_from_thread(Room("a"), Said(text="a")) == 0
    assert them.broadcast_from_thread(Bare(), Said(text="a")) == 0

    async def join() -> None:
        async with client_of(them, "last=5") as client:
            assert await texts(client, 1) == ["a"]

    anyio.run(join)


class Narrow(WebSocketEndpoint[Plain]):
    """Joins by the name, and does not send what the group carries."""

    encoding = "json"
    them: Groups

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.them.join(self, "room:a")


async def test_g08_message_that_a_members_class_does_not_send() -> None:
    """It is not kept either."""
    them = Groups()
    async with connect(Narrow.as_asgi(them=them), timeout=60) as narrow:
        with pytest.raises(ConfigurationError, match="Narrow sends a message of type Said"):
            await them.broadcast(Room("a"), Said(text="a"))
        await narrow.receive_nothing()
        async with client_of(them, "last=5") as client:
            await client.receive_nothing()


async def test_broadcast_after_the_end() -> None:
    """A member that left is not sent to."""
    them = Groups()
    async with client_of(them) as client:
        await client.close()
        await all_tasks_blocked()
        assert await them.broadcast(Room("a"), Said(text="a")) == 0
        with pytest.raises(WebSocketDisconnect):
            await them.join(Chat.members[0], Room("a"), last=1)
