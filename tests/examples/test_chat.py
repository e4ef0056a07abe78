"""The chat, without a browser."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from importlib.util import find_spec

import pytest

from examples import chat
from examples.chat import (
    IsTyping,
    Join,
    Joined,
    Left,
    Missed,
    Refused,
    Said,
    Say,
    Typing,
    Welcome,
    app,
)
from tests.examples.pages import fetch
from tests.groups.failing import Failing
from wsendpoints import ConfigurationError
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Client, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_member_remains(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Each test has rooms of its own, and no member is left, however its connection ended."""
    groups = Groups()
    monkeypatch.setattr(chat, "groups", groups)
    yield
    assert groups.names == ()


@asynccontextmanager
async def member(name: str, room: str = "lobby") -> AsyncGenerator[Client]:
    """Connect a client that has joined a room."""
    async with connect(app, f"/rooms/{room}") as client:
        await client.send(Join(name=name))
        assert (await client.receive(Welcome)).name == name
        yield client


async def test_a_member_is_told_who_is_there_and_what_was_said() -> None:
    """A new member is welcomed with the names of the others and the history."""
    async with member("Ada") as ada:
        await ada.send(Say(text="anybody there?"))
        said = await ada.receive(Said)
        async with connect(app, "/rooms/lobby") as bob:
            await bob.send(Join(name="Bob"))
            assert await bob.receive(Welcome) == Welcome(name="Bob", members=["Ada", "Bob"])
            assert await bob.receive(Said) == said
            assert await ada.receive(Joined) == Joined(name="Bob")


async def test_a_member_that_comes_back_gets_what_it_missed() -> None:
    """Not what it has, and, if not all is kept, what was said last."""
    async with member("Ada") as ada:
        for text in ("one", "two"):
            await ada.send(Say(text=text))
        said = [await ada.receive(Said) for _ in range(2)]
        for position, missed in ((said[0].position, said[1:]), (said[1].position, [])):
            async with connect(app, "/rooms/lobby") as bob:
                await bob.send(Join(name="Bob", after=position))
                await bob.receive(Welcome)
                assert [await bob.receive(Said) for _ in missed] == missed
                await bob.receive_nothing()
        async with connect(app, "/rooms/lobby") as bob:
            await bob.send(Join(name="Bob", after="1"))
            await bob.receive(Welcome)
            assert await bob.receive(Missed) == Missed()
            assert [await bob.receive(Said) for _ in said] == said


async def test_what_is_said_reaches_everybody_in_the_room_and_nobody_else() -> None:
    """A message goes to all members of its room, the sender included, and to no other room."""
    async with member("Ada") as ada, member("Bob") as bob, member("Eve", "attic") as eve:
        assert await ada.receive(Joined) == Joined(name="Bob")
        await bob.send(Say(text=" hello "))
        said = await bob.receive(Said)
        assert (said.name, said.text) == ("Bob", "hello")
        assert await ada.receive(Said) == said
        await eve.receive_nothing()


async def test_typing_is_shown_to_the_others() -> None:
    """The notice of typing goes to all other members."""
    async with member("Ada") as ada, member("Bob") as bob:
        assert await ada.receive(Joined) == Joined(name="Bob")
        await bob.send(Typing())
        assert await ada.receive(IsTyping) == IsTyping(name="Bob")
        await bob.receive_nothing()


@pytest.mark.parametrize("how", ["close", "vanish", "shutdown"])
async def test_the_others_are_told_of_a_leave(how: str) -> None:
    """However a connection ends, the others are told, and the name is free again."""
    async with member("Ada") as ada:
        async with member("Bob") as bob:
            assert await ada.receive(Joined) == Joined(name="Bob")
            if how == "close":
                await bob.close()
            elif how == "vanish":
                bob.vanish()
            else:
                bob.shutdown()
            assert await ada.receive(Left) == Left(name="Bob")
        async with member("Bob"):
            assert await ada.receive(Joined) == Joined(name="Bob")


async def test_a_whole_room_may_leave_at_once() -> None:
    """A notice that goes to members that are disconnecting too is no failure."""
    async with member("Ada") as ada, member("Bob") as bob, member("Cyd") as cyd:
        for client in (ada, bob, cyd):
            client.vanish()


async def test_a_member_that_disconnects_right_after_joining_is_gone() -> None:
    """A message that was sent before the disconnect is handled, so the member joins first."""
    async with member("Ada") as ada, connect(app, "/rooms/lobby") as bob:
        await bob.send(Join(name="Bob"))
        bob.vanish()
        assert await ada.receive(Joined) == Joined(name="Bob")
        assert await ada.receive(Left) == Left(name="Bob")


async def test_a_name_that_is_taken_is_refused() -> None:
    """A client whose name is taken may choose another, on the same connection."""
    async with member("Ada"), connect(app, "/rooms/lobby") as other:
        await other.send(Join(name="Ada"))
        assert await other.receive(Refused) == Refused(code="name_taken")
        await other.send(Join(name="Ada II"))
        assert (await other.receive(Welcome)).members == ["Ada", "Ada II"]


async def test_one_joins_once_and_before_one_speaks() -> None:
    """A message out of turn is refused, and the connection stays open."""
    async with connect(app, "/rooms/lobby") as ada:
        await ada.send(Say(text="hello"))
        assert await ada.receive(Refused) == Refused(code="not_joined")
        await ada.send(Typing())
        await ada.send(Join(name="Ada"))
        await ada.receive(Welcome)
        await ada.send(Join(name="Bob"))
        assert await ada.receive(Refused) == Refused(code="already_joined")


async def test_a_text_that_is_too_long_is_answered_with_an_error() -> None:
    """A text that is too long is answered with an error, and not broadcast."""
    async with member("Ada") as ada:
        await ada.send(Say.model_construct(text="a" * 1001))
        assert await ada.receive_json() == {
            "type": "error",
            "code": "invalid_message",
            "errors": [
                {
                    "loc": ["text"],
                    "type": "string_too_long",
                    "msg": "String should have at most 1000 characters",
                }
            ],
        }
        await ada.receive_nothing()


async def test_a_member_that_does_not_read_is_closed_and_delays_no_other() -> None:
    """A member that does not read is closed when its outbox is full; the others are not delayed."""
    async with member("Ada") as ada, member("Bob") as bob, member("Cyd") as cyd:
        assert await ada.receive(Joined) == Joined(name="Bob")
        assert await ada.receive(Joined) == Joined(name="Cyd")
        assert await bob.receive(Joined) == Joined(name="Cyd")
        cyd.pause_reading()
        for number in range(110):
            await ada.send(Say(text=str(number)))
            for reader in (ada, bob):
                message = await reader.receive(Said | Left)
                if isinstance(message, Left):
                    assert message.name == "Cyd"
                    message = await reader.receive(Said)
                assert message.text == str(number)
        await ada.send(Say(text="still here"))
        assert (await ada.receive(Said)).text == "still here"
        cyd.resume_reading()
        assert (await cyd.receive(Said)).text == "0"
        await cyd.expect_close(1013, "outbox: 100")


@pytest.mark.parametrize("path", ["/", "/rooms/", "/rooms/a/b", "/rooms/a b", f"/rooms/{'a' * 33}"])
async def test_what_is_no_room_is_not_found(path: str) -> None:
    """Only `/rooms/{room}` is served, for a room with a valid name."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, path):
            pass
    assert denied.value.status == 404


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/docs", 200), ("/favicon.ico", 404)])
async def test_the_pages_are_served(path: str, status: int) -> None:
    """The chat is at `/`, the console at `/docs`, and any other path is not found."""
    found, body = await fetch(app, path)
    assert found == status
    assert (b"<!doctype html>" in body) == (status == 200)


async def test_what_cannot_be_published_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The member stays; that somebody types is not worth an error."""
    plane = Failing(Hub())
    async with Groups(plane) as groups:
        monkeypatch.setattr(chat, "groups", groups)
        async with member("Ada") as ada:
            await ada.receive_nothing()
            plane.cut()
            await ada.send(Typing())
            await ada.send(Say(text="lost"))
            assert await ada.receive(Refused) == Refused(code="unavailable")
            plane.mend()
            await ada.send(Say(text="heard"))
            assert (await ada.receive(Said)).text == "heard"


@pytest.mark.parametrize(
    ("url", "is_worker", "expected"),
    [
        ("redis://127.0.0.1:1/0", False, "RedisBackplane"),
        ("", True, "LocalBackplane"),
        ("", False, "NoneType"),
    ],
)
def test_rooms_are_shared_by_what_is_there(
    monkeypatch: pytest.MonkeyPatch, url: str, is_worker: bool, expected: str
) -> None:
    """By Redis, by the workers of one machine, or by nobody."""
    monkeypatch.setenv("REDIS_URL", url)
    parent = object() if is_worker else None
    monkeypatch.setattr("multiprocessing.parent_process", lambda: parent)
    if url and find_spec("coredis") is None:
        with pytest.raises(ConfigurationError, match="coredis"):
            chat.backplane()
    else:
        assert type(chat.backplane()).__name__ == expected


async def test_the_server_starts_and_ends_the_rooms() -> None:
    """By its lifespan."""
    events = iter(["startup", "shutdown"])
    sent: list[str] = []

    async def receive() -> Event:
        return {"type": f"lifespan.{next(events)}"}

    async def send(event: Event) -> None:
        sent.append(event["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
