"""Endpoints of a Django project: who may connect, who it is, and what is left in the database."""

import functools
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import anyio
import anyio.to_thread
import pytest
from django.contrib.auth.models import (  # type: ignore[import-untyped]  # Django has no types
    AnonymousUser,
)
from django.db import ProgrammingError  # type: ignore[import-untyped]  # it has no types
from django.test.utils import override_settings  # type: ignore[import-untyped]  # it has no types
from pydantic import BaseModel

from tests.clocks import GENEROUS
from tests.django.project import Users, cookie_of
from tests.django.watching import watching
from wsendpoints import ConfigurationError, WebSocket, handles, provides
from wsendpoints.django import DjangoEndpoint
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


class Who(DjangoEndpoint[str]):
    """Tells who it is."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        assert "user" in vars(self)
        await websocket.accept()
        await self.push(self.user.username)
        await self.push(str(await self.session.aget("_auth_user_id")))


class Members(Who):
    """Are for those who are logged in."""

    login_required = True


@pytest.fixture
async def cookie() -> dict[str, str]:
    """Return the header of a user who is logged in."""
    return await anyio.to_thread.run_sync(log_in)


def log_in() -> dict[str, str]:
    """Log ada in."""
    return cookie_of(Users.objects.get_or_create(username="ada")[0])


async def refused(app: Any, **options: Any) -> int:
    """Return the status with which a client is refused."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, timeout=GENEROUS, **options):
            pass
    return denied.value.status


# Who it is.


@pytest.mark.parametrize("cls", [Who, Members])
async def test_user_and_session_are_known_before_it_connects(
    cls: type[Who], cookie: dict[str, str]
) -> None:
    """By its cookie."""
    with watching() as opened:
        async with connect(cls.as_asgi(), headers=cookie, timeout=GENEROUS) as client:
            assert await client.receive_json() == "ada"
            assert (await client.receive_json()).isdecimal()
        assert opened.every
        assert opened.left == 0


async def test_anonymous_user_may_connect() -> None:
    """Unless a login is required; the database is not asked."""
    with watching() as opened:
        async with connect(Who.as_asgi(), timeout=GENEROUS) as client:
            assert await client.receive_json() == ""
            assert await client.receive_json() == "None"
        assert await refused(Members.as_asgi()) == 403
        assert opened.every == []


class Default(DjangoEndpoint):
    """Leaves the handshake to the default."""

    encoding = "json"
    login_required = True


async def test_default_is_guarded_too(cookie: dict[str, str]) -> None:
    """And accepts who is logged in."""
    assert await refused(Default.as_asgi()) == 403
    async with connect(Default.as_asgi(), headers=cookie, timeout=GENEROUS):
        pass


class Accepting:
    """Accepts anybody."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()


class Mixed(Accepting, Default):
    """Has a hook of a class that knows nothing of Django."""


class Below(Mixed):
    """Overrides it, and does not call it."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()


class Odd(Default):
    """Has a hook that is no function."""

    on_connect = functools.partialmethod(Accepting.on_connect)  # pyright: ignore[reportAssignmentType]  # it is called as one


class Bare:
    """Is no descriptor: it is called without the endpoint."""

    async def __call__(self, websocket: WebSocket) -> None:
        await websocket.accept()


class Odder(Default):
    """Has a hook that is an object."""

    on_connect = Bare()  # pyright: ignore[reportAssignmentType]  # it is called as one


@pytest.mark.parametrize("cls", [Mixed, Below, Odd, Odder])
async def test_no_override_leaves_the_guard_out(cls: type[Default], cookie: dict[str, str]) -> None:
    """Wherever it comes from."""
    assert await refused(cls.as_asgi()) == 403
    async with connect(cls.as_asgi(), headers=cookie, timeout=GENEROUS):
        pass


async def test_test_may_give_the_user() -> None:
    """And the session; neither is looked up."""
    app = Members.as_asgi(user=Users(username="grace"), session=Session())
    async with connect(app, timeout=GENEROUS) as client:
        assert await client.receive_json() == "grace"
        assert await client.receive_json() == "a session"
    assert await refused(Members.as_asgi(user=AnonymousUser())) == 403


class Session:
    """A session in a test."""

    async def aget(self, key: str) -> str:
        """Return something."""
        return "a session"


# Who may connect.


async def test_host_has_to_be_one_of_the_site(caplog: pytest.LogCaptureFixture) -> None:
    """Any other is a client's that was led astray."""
    assert await refused(Who.as_asgi(), headers={"host": "evil.com"}) == 400
    assert [it.message for it in caplog.records] == [
        "Who: to allow the host 'evil.com' add it to ALLOWED_HOSTS"
    ]


async def test_page_of_a_trusted_origin_may_connect() -> None:
    """Beside those of the same origin."""
    other = {"origin": "https://other.org"}
    assert await refused(Who.as_asgi(), headers=other) == 403
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://other.org"]):
        for headers in (other, {"origin": "http://testserver"}):
            async with connect(Who.as_asgi(), headers=headers, timeout=GENEROUS):
                pass
        assert await refused(Who.as_asgi(), headers={"origin": "https://third.org"}) == 403


async def test_origins_of_the_class_count_alone() -> None:
    """They are all that it allows."""
    app = Who.as_asgi(allowed_origins=["https://third.org"])
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://other.org"]):
        assert await refused(app, headers={"origin": "https://other.org"}) == 403
        async with connect(app, headers={"origin": "https://third.org"}, timeout=GENEROUS):
            pass


# The database.


class Awaited(BaseModel):
    """Asks the database in one way."""

    type: Literal["awaited"] = "awaited"


class Blocking(BaseModel):
    """Asks the database in one way."""

    type: Literal["blocking"] = "blocking"


class Streamed(BaseModel):
    """Asks the database in one way."""

    type: Literal["streamed"] = "streamed"


class Concurrent(BaseModel):
    """Asks the database in one way."""

    type: Literal["concurrent"] = "concurrent"


class Provided(BaseModel):
    """Asks the database in one way."""

    type: Literal["provided"] = "provided"


class Started(BaseModel):
    """Asks the database in one way."""

    type: Literal["started"] = "started"


class Streaming(BaseModel):
    """Asks the database in one way."""

    type: Literal["streaming"] = "streaming"


class Counted(BaseModel):
    """Tells that it has answered."""

    type: Literal["counted"] = "counted"
    kind: str


class Counting(DjangoEndpoint[Counted]):
    """Asks the database in every way that there is."""

    encoding = "json"
    ended: ClassVar[list[int]] = []

    async def count(self) -> int:
        """Return how many users there are."""
        count: int = await Users.objects.acount()
        return count

    @provides
    async def number(self) -> AsyncIterator[int]:
        number = await self.count()
        yield number
        assert await self.count() == number

    @handles
    async def awaited(self, websocket: WebSocket, data: Awaited) -> Counted:
        await self.count()
        return Counted(kind="awaited")

    @handles
    def blocking(self, websocket: WebSocket, data: Blocking) -> Counted:
        Users.objects.count()
        return Counted(kind="blocking")

    @handles
    async def streamed(self, websocket: WebSocket, data: Streamed) -> AsyncIterator[Counted]:
        await self.count()
        yield Counted(kind="streamed")
        await self.count()

    @handles(concurrent=True)
    async def concurrent(self, websocket: WebSocket, data: Concurrent) -> Counted:
        await self.count()
        return Counted(kind="concurrent")

    @handles
    async def provided(self, websocket: WebSocket, data: Provided, number: int) -> Counted:
        assert await self.count() == number
        return Counted(kind="provided")

    @handles
    async def started(self, websocket: WebSocket, data: Started) -> None:
        await self.count()

        async def task(kind: str) -> None:
            await self.count()
            await self.push(Counted(kind=kind))

        await self.start_soon(task, "started").wait()

    @handles
    async def streaming(self, websocket: WebSocket, data: Streaming) -> None:
        await self.count()

        async def replies() -> AsyncIterator[Counted]:
            await self.count()
            yield Counted(kind="streaming")

        await self.stream(replies()).wait()

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.ended.append(await self.count())


EVERY = [Awaited, Blocking, Streamed, Concurrent, Provided, Started, Streaming]


@pytest.mark.parametrize("message", EVERY)
async def test_no_connection_is_left(message: type[BaseModel]) -> None:
    """Once a message is handled, however it is."""
    with watching() as opened:
        async with connect(Counting.as_asgi(), timeout=GENEROUS) as client:
            for _ in range(2):
                await client.send(message())
                kind = (await client.receive(Counted)).kind
                assert kind == message().model_dump()["type"]
            # The next one is handled when all that the last one opened is closed.
            await client.send(Awaited())
            await client.receive(Counted)
            # Which a message beside the loop may not have done yet.
            if message is not Concurrent:
                assert opened.left == 0
        assert opened.every
        assert opened.left == 0
        assert Counting.ended


async def test_connection_of_a_thread_that_broke_is_made_anew() -> None:
    """Whoever meets it first fails, and nobody else: the thread keeps it, as CONN_MAX_AGE says."""
    with watching(None) as opened:
        async with connect(Counting.as_asgi(), timeout=GENEROUS) as client:
            await client.send(Blocking())
            await client.receive(Counted)
        assert opened.left == 1
        opened.breaks()
        with pytest.raises(ProgrammingError, match="closed database"):
            async with connect(Counting.as_asgi(), timeout=GENEROUS) as client:
                await client.send(Blocking())
                await client.expect_close(1011)
        async with connect(Counting.as_asgi(), timeout=GENEROUS) as client:
            await client.send(Blocking())
            assert await client.receive(Counted) == Counted(kind="blocking")
        assert opened.left == 1


class Overridden(Counting):
    """Calls what it overrides."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)

    @handles
    def blocking(self, websocket: WebSocket, data: Blocking) -> Counted:
        return super().blocking(websocket, data)


async def test_what_is_overridden_may_be_called() -> None:
    """It is still one piece of work."""
    with watching() as opened:
        async with connect(Overridden.as_asgi(), timeout=GENEROUS) as client:
            await client.send(Blocking())
            assert await client.receive(Counted) == Counted(kind="blocking")
        assert opened.left == 0


def test_what_is_inherited_is_not_wrapped_again() -> None:
    """Each method is what it was above."""
    assert Overridden.awaited is Counting.awaited
    assert Default.on_connect is not DjangoEndpoint.on_connect


async def test_start_soon_refuses_what_is_no_function() -> None:
    """As ever, where it is called."""

    class Wrong(DjangoEndpoint):
        """Calls it, and streams nothing."""

        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            wrong: Any = 5
            try:
                self.start_soon(wrong) if data == "task" else self.stream(wrong)
            except TypeError as exc:
                return str(exc)
            return "taken"

    async with connect(Wrong.as_asgi(), timeout=GENEROUS) as client:
        for data, text in {"task": "start_soon takes", "stream": "stream takes"}.items():
            await client.send_json(data)
            assert text in await client.receive_json()


def test_mistake_in_a_class_is_told_as_ever() -> None:
    """At once."""

    def hook(*_: object) -> None:
        """Be no async method."""

    for name in ("on_connect", "on_disconnect"):
        with pytest.raises(ConfigurationError, match=f"{name} is no async method"):
            type("Wrong", (DjangoEndpoint,), {name: hook})
