"""Who is a member of a group, what it is sent first, and on which event loop."""

import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import anyio
import pytest

from tests.clocks import as_asgi
from wsendpoints import InvalidStateError, WebSocket, WebSocketDisconnect, WebSocketEndpoint
from wsendpoints.groups.members import NOBODY, Joining, Members
from wsendpoints.groups.presence import Membership
from wsendpoints.lifecycle.hooks import lifecycle_of
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Quiet(WebSocketEndpoint):
    """Is connected, and no more."""

    encoding: ClassVar[Any] = "text"
    there: ClassVar[list["Quiet"]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.there.append(self)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Need nothing."""


class Kept:
    """A history, which is read in steps."""

    def __init__(self, *entries: str) -> None:
        self.entries = [(number, text.encode()) for number, text in enumerate(entries, 11)]
        self.asked: list[int | None] = []

    async def read(self, after: int | None) -> list[tuple[int, bytes]]:
        """Return what came after a number."""
        self.asked.append(after)
        return [entry for entry in self.entries if after is None or entry[0] > after]

    def message_of(self, number: int, data: bytes) -> tuple[Any] | None:
        """Return the message; none for an `x`."""
        return None if data == b"x" else (f"{number}:{data.decode()}",)


@asynccontextmanager
async def quiet() -> AsyncGenerator[tuple[Client, Quiet]]:
    """Connect a client."""
    async with connect(as_asgi(Quiet), timeout=60) as client:
        yield client, Quiet.there.pop()


def joining_of(
    endpoint: Quiet,
    *,
    name: str = "a",
    after: int | None = None,
    last: int = 0,
    wanted: list[bool] | None = None,
) -> Joining:
    """Return a connection that is about to be in a group."""
    lifecycle = lifecycle_of(endpoint)
    return Joining(
        endpoint,
        lifecycle,
        lifecycle.outbox(endpoint),
        Membership(name, name),
        after=after,
        last=last,
        user=None,
        is_wanted=lambda: wanted is None or wanted[-1],
        counts=lambda: None,
    )


async def test_message_reaches_the_members_of_a_group() -> None:
    """But for those that are left out, and those that have left."""
    members = Members()
    emptied: list[str] = []
    async with quiet() as (one, first), quiet() as (two, second):
        ones, twos = joining_of(first), joining_of(second)
        assert await members.broadcast("a", "early", "close", NOBODY) == 0
        members.add(ones)
        members.add(twos, 5)
        members.add(joining_of(second, name="b"))
        assert [*members.channels] == ["a", "b"]
        assert await members.broadcast("a", "to both", "close", NOBODY) == 2
        assert await members.broadcast("a", "to two", "close", {ones.box}, 6) == 1
        # Nothing is called as long as nobody wants to know.
        members.discard("b", twos.box)
        members.emptied = emptied.append
        members.discard("a", ones.box)
        members.discard("a", ones.box)
        members.discard("unknown", ones.box)
        assert emptied == []
        assert await members.broadcast("a", "to two only", "close", NOBODY) == 1
        members.discard("a", twos.box)
        members.discard("a", twos.box)
        assert emptied == ["a"]
        assert members.channels == {}
        assert await one.receive_text() == "to both"
        await one.receive_nothing()
        assert [await two.receive_text() for _ in range(3)] == ["to both", "to two", "to two only"]
        await two.receive_nothing()


async def test_close_ends_the_connections_of_all_members() -> None:
    """Of one group."""
    members = Members()
    async with quiet() as (one, first), quiet() as (two, second), quiet() as (three, third):
        for endpoint, name in ((first, "a"), (second, "a"), (third, "b")):
            members.add(joining_of(endpoint, name=name))
        assert members.close("unknown", 4000, "") == 0
        assert members.close("a", 4001, "over") == 2
        for client in (one, two):
            await client.expect_close(4001, "over")
        assert await members.broadcast("b", "still here", "close", NOBODY) == 1
        assert await three.receive_text() == "still here"


def on_another_loop(func: Any) -> list[Any]:
    """Run a function on an event loop in another thread; return what it returns, or raises."""
    outcome: list[Any] = []

    async def run() -> None:
        try:
            result = func()
            outcome.append(await result if isinstance(result, Coroutine) else result)
        except InvalidStateError as exc:
            outcome.append(exc)

    thread = threading.Thread(target=lambda: anyio.run(run))
    thread.start()
    thread.join()
    return outcome


async def test_members_are_on_one_event_loop() -> None:
    """Another one can't send to them; once there are none, it can have some."""
    members = Members()
    pace = members.bind()
    token = members.token
    assert token is not None
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint)
        members.add(joining)
        assert members.bind() is pace
        assert members.token is token
        for func in (
            members.bind,
            lambda: members.broadcast("a", "x", "close", NOBODY),
            lambda: members.close("a", 4000, ""),
        ):
            (failure,) = on_another_loop(func)
            assert isinstance(failure, InvalidStateError)
            assert str(failure) == (
                "this is not the event loop of the group's members: use `broadcast_from_thread`"
            )
        await client.receive_nothing()
        members.discard("a", joining.box)
        (theirs,) = on_another_loop(members.bind)
        assert theirs is not pace
        assert members.token is not token
        assert members.bind() is not theirs


@pytest.mark.parametrize(
    ("options", "sent", "asked"),
    [
        ({}, [], [13]),
        ({"after": 11}, ["12:b", "13:c"], [11, 13]),
        ({"after": 13}, [], [13]),
        ({"after": 11, "last": 1}, ["12:b", "13:c"], [11, 13]),
        ({"last": 2}, ["12:b", "13:c"], [None, 13]),
        ({"last": 9}, ["11:a", "12:b", "13:c"], [None, 13]),
    ],
    ids=["nothing", "after", "has all", "after before last", "last", "more than there are"],
)
async def test_client_is_sent_what_it_missed(
    options: dict[str, Any], sent: list[str], asked: list[int | None]
) -> None:
    """What came after the last that it has; or some of the last ones."""
    kept = Kept("a", "b", "c")
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint, **options)
        assert await joining.catch_up(13, kept.read, kept.message_of) == 13
        assert [await client.receive_text() for _ in sent] == sent
        await client.receive_nothing()
        assert kept.asked == asked


async def test_last_messages_of_a_group_that_keeps_none() -> None:
    """It begins where the group is."""
    kept = Kept()
    async with quiet() as (client, endpoint):
        assert await joining_of(endpoint, last=3).catch_up(10, kept.read, kept.message_of) == 10
        await client.receive_nothing()


async def test_message_that_can_not_be_read_is_passed_over() -> None:
    """It counts as had."""
    kept = Kept("a", "x", "c", "x")
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint, after=10)
        assert await joining.catch_up(14, kept.read, kept.message_of) == 14
        assert [await client.receive_text() for _ in range(2)] == ["11:a", "13:c"]
        await client.receive_nothing()


async def test_client_is_sent_what_is_said_while_it_is_sent_what_it_missed() -> None:
    """Until there is no more."""
    kept = Kept("a", "b")

    def message_of(number: int, data: bytes) -> tuple[Any] | None:
        # It is said while what is before it is sent.
        if number < 15:
            kept.entries.append((kept.entries[-1][0] + 1, b"more"))
        return kept.message_of(number, data)

    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint, last=1)
        newest = await joining.catch_up(12, kept.read, message_of)
        assert newest == kept.entries[-1][0]
        sent = [await client.receive_text() for _ in range(newest - 11)]
        assert sent == ["12:b", *(f"{number}:more" for number in range(13, newest + 1))]
        assert newest > 14
        await client.receive_nothing()


async def test_whether_a_connection_is_to_be_a_member_still() -> None:
    """It may have left the group meanwhile, or the client the connection."""
    wanted = [True]
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint, wanted=wanted)
        assert joining.is_there
        assert joining.is_wanted()
        wanted.append(False)
        assert not joining.is_there
        assert not joining.is_wanted()
        wanted.append(True)
        assert joining.is_wanted()
        await client.close(4002)
        await client.wait_for_app()
        assert not joining.is_there
        with pytest.raises(WebSocketDisconnect) as caught:
            joining.is_wanted()
        assert caught.value.code == 4002


async def test_connection_that_the_application_closed_is_to_be_a_member_no_more() -> None:
    """It is told so."""
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint)
        await endpoint.websocket.close(4003)
        await client.expect_close(4003)
        assert not joining.is_there
        with pytest.raises(InvalidStateError):
            joining.is_wanted()
