"""Who is in a group: the others are told once of each user, whatever becomes of its connections."""

import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import anyio
import pytest

from tests.groups.users import Came, Room, Went
from tests.waiting import all_tasks_blocked
from wsendpoints import GroupFullError, WebSocket, WebSocketEndpoint
from wsendpoints.groups import Group, Groups, History
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Kept(Room):
    """Keeps who came and went."""

    name = "kept"
    history = History()


class Chat(WebSocketEndpoint):
    """Joins as the user that the client is."""

    encoding = "json"
    groups: ClassVar[Any] = (Room, Kept)
    them: Groups
    room: Group[Any] = Room()
    members: ClassVar[list["Chat"]] = []
    full: ClassVar[list[str]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.members.append(self)
        try:
            await self.them.join(self, self.room, user=websocket.query_params["user"])
        except GroupFullError as exc:
            self.full.append(str(exc))


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Each test has its own, and leaves none."""
    yield
    Chat.members.clear()
    Chat.full.clear()


def client_of(them: Groups, user: str, **attributes: Any) -> Any:
    """Connect a client."""
    return connect(Chat.as_asgi(them=them, **attributes), f"/?user={user}", timeout=60)


@pytest.mark.parametrize("how", ["close", "vanish", "shutdown", "cancel", "leave", "kick"])
async def test_others_are_told_once_of_a_user(how: str) -> None:
    """However its connections end."""
    them = Groups()
    async with client_of(them, "ada") as ada:
        await ada.receive_nothing()
        async with AsyncExitStack() as stack:
            tabs: list[Client] = [
                await stack.enter_async_context(client_of(them, "bob")) for _ in range(2)
            ]
            assert await ada.receive(Came) == Came(came="bob")
            await ada.receive_nothing()
            assert await them.presence(Room()) == ("ada", "bob")
            for tab, member in zip(tabs, Chat.members[1:], strict=True):
                await tab.receive_nothing()
                match how:
                    case "close":
                        await tab.close()
                    case "vanish":
                        tab.vanish()
                    case "shutdown":
                        tab.shutdown()
                    case "cancel":
                        tab.cancel_app()
                    case "leave":
                        await them.leave(member, Room())
                        await them.leave(member, Room())
                    case _:
                        await them.join(member, f"kick:{id(member)}")
                        await them.close(f"kick:{id(member)}", 4403)
                        await tab.expect_close(4403)
                await all_tasks_blocked()
            assert await ada.receive(Went) == Went(went="bob")
            await ada.receive_nothing()
            assert await them.presence("room") == ("ada",)
    assert await them.presence(Room()) == ()
    assert them._memberships.is_empty  # pyright: ignore[reportPrivateUsage]  # nothing else tells of it


async def test_user_is_in_several_groups() -> None:
    """It leaves all of them with its last connection."""
    them = Groups()
    async with client_of(them, "ada") as ada, client_of(them, "bob") as bob:
        assert await ada.receive(Came) == Came(came="bob")
        for member, user in zip(Chat.members, ("ada", "bob"), strict=True):
            await them.join(member, Kept(), user=user)
        assert await ada.receive(Came) == Came(came="bob")
        await bob.close()
        assert [await ada.receive(Went) for _ in range(2)] == [Went(went="bob")] * 2
        await ada.receive_nothing()
        assert await them.presence(Room()) == await them.presence(Kept()) == ("ada",)


class Lingering(Chat):
    """Has not ended until it is let."""

    may_end: anyio.Event

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.start_soon(self.linger)

    async def linger(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await self.may_end.wait()


async def test_user_that_comes_back_before_it_is_missed() -> None:
    """Nobody is told: it was there all the time."""
    them, may_end = Groups(), anyio.Event()
    app = Lingering.as_asgi(them=them, may_end=may_end)
    async with client_of(them, "ada") as ada, connect(app, "/?user=bob") as bob:
        assert await ada.receive(Came) == Came(came="bob")
        bob.vanish()
        async with client_of(them, "bob"):
            may_end.set()
            await bob.wait_for_app()
            await all_tasks_blocked()
            await ada.receive_nothing()
        assert await ada.receive(Went) == Went(went="bob")


async def test_group_has_as_many_users_as_it_may() -> None:
    """A further connection of one that is there is none too many."""
    them = Groups()
    async with AsyncExitStack() as stack:
        for user in ("a", "b", "c", "d", "a"):
            await stack.enter_async_context(client_of(them, user))
        assert Chat.full == ["room: 3 users are in it already"]
        assert len(them.members(Room())) == 4
        full = Chat.members[3]
        await them.leave(full, Room())
        await them.leave(Chat.members[2], Room())
        await them.join(full, Room(), user="d")
        assert await them.presence(Room()) == ("a", "b", "d")


async def test_who_came_and_went_is_kept() -> None:
    """In a group with a history."""
    them = Groups()
    async with client_of(them, "ada", room=Kept()) as ada:
        async with client_of(them, "bob", room=Kept()):
            assert await ada.receive(Came) == Came(came="bob")
        assert await ada.receive(Went) == Went(went="bob")
        async with client_of(them, "cyd", room=Kept()) as cyd:
            (member,) = (it for it in Chat.members if it.websocket.query_params["user"] == "cyd")
            await them.leave(member, Kept())
            await them.join(member, Kept(), last=3)
            assert await cyd.receive(Went) == Went(went="bob")
            assert await cyd.receive(Came) == Came(came="cyd")
            assert await cyd.receive(Went) == Went(went="cyd")


async def test_failure_of_what_is_told_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The user is gone nevertheless, and its connection ends as it would."""
    them = Groups()
    async with client_of(them, "ada") as ada:
        async with client_of(them, "raises"):
            assert await ada.receive(Came) == Came(came="raises")
        await ada.receive_nothing()
        assert await them.presence(Room()) == ("ada",)
    (record,) = [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert record.getMessage() == "room: to tell that a user left failed"


async def test_wrong_user_joins_nothing() -> None:
    """It is told of before anything else is done."""
    them = Groups()
    async with client_of(them, "ada"):
        (member,) = Chat.members
        with pytest.raises(ValueError, match="user='': use a str of 1 to 200 characters"):
            await them.join(member, "other", user="")
        assert them.names == ("room",)
