"""Who is a member of a group, what it is sent first, and on which event loop."""

import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import anyio
import pytest

from tests.clocks import as_asgi
from wsendpoints import InvalidStateError, WebSocket, WebSocketDisconnect, WebSocketEndpoint
from wsendpoints.connection.outbox import Overflow
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


async def test_client_is_sent_what_it_missed() -> None:
    """Each message in the order in which it is handed over, before what is said from then on."""
    members = Members()
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint)
        for text in ("a", "b"):
            await joining.hand(text)
        members.add(joining)
        assert joining.key is joining.box
        await members.broadcast("a", "c", "close", NOBODY)
        assert [await client.receive_text() for _ in range(3)] == ["a", "b", "c"]


class Ear:
    """Hears what is said."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, str]] = []

    def take(self, message: Any, overflow: Overflow) -> None:
        self.heard.append((message, overflow))

    def missed(self, lost: int | None) -> None:
        """Miss nothing."""


async def test_listener_hears_what_is_said_in_a_group() -> None:
    """It is no member, but the group is there for it."""
    members = Members()
    emptied: list[str] = []
    members.emptied = emptied.append
    ear = Ear()
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint)
        members.add(joining)
        members.channels["a"].listeners[ear] = None
        assert await members.broadcast("a", "one", "latest", NOBODY) == 1
        members.discard("a", joining.box)
        assert await members.broadcast("a", "two", "close", {ear}) == 0
        assert await members.broadcast("a", "three", "close", NOBODY) == 0
        assert emptied == []
        members.dismiss("unknown", ear)
        members.dismiss("a", ear)
        assert emptied == ["a"]
        assert ear.heard == [("one", "latest"), ("three", "close")]
        assert await client.receive_text() == "one"
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


async def test_user_is_counted_by_whoever_has_it_join() -> None:
    """It is told once the user is."""
    told: list[str] = []
    async with quiet() as (_, endpoint):
        lifecycle = lifecycle_of(endpoint)
        joining = Joining(
            endpoint,
            lifecycle,
            lifecycle.outbox(endpoint),
            Membership("a", "a"),
            after=None,
            last=0,
            user="ada",
            is_wanted=lambda: True,
            counts=lambda: told.append("counted"),
        )
        joining.counts()
    assert told == ["counted"]


async def test_connection_that_the_application_closed_is_to_be_a_member_no_more() -> None:
    """It is told so."""
    async with quiet() as (client, endpoint):
        joining = joining_of(endpoint)
        await endpoint.websocket.close(4003)
        await client.expect_close(4003)
        assert not joining.is_there
        with pytest.raises(InvalidStateError):
            joining.is_wanted()
