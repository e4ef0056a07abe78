"""What is told of connections to the database that nothing closes."""

import logging
from collections.abc import AsyncIterator
from typing import Any, Literal

import anyio
import anyio.to_thread
import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import (  # type: ignore[import-untyped]  # Django has no types
    SessionStore,
)
from django.db import connections  # type: ignore[import-untyped]  # it has no types
from pydantic import BaseModel

from tests.clocks import GENEROUS
from tests.django.project import Users
from tests.django.watching import watching
from wsendpoints import WebSocket, WebSocketEndpoint, handles, provides
from wsendpoints.django import DjangoEndpoint, aget_user, get_asgi_application
from wsendpoints.testing import connect

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


class Ask(BaseModel):
    """Has an async handler ask."""

    type: Literal["ask"] = "ask"


class Block(BaseModel):
    """Has one ask that is a plain function."""

    type: Literal["block"] = "block"


class Go(BaseModel):
    """Has a task ask."""

    type: Literal["go"] = "go"


class Apart(BaseModel):
    """Has a handler ask in a thread of another pool."""

    type: Literal["apart"] = "apart"


def count() -> int:
    """Ask the database."""
    number: int = Users.objects.count()
    return number


def endpoint(base: Any) -> Any:
    """Return a class that asks the database in all ways, new for each test."""

    class Chat(base):  # type: ignore[misc]  # one of two
        encoding = "json"

        @handles
        async def find(self, websocket: WebSocket, data: Ask) -> int:
            return int(await Users.objects.acount())

        @handles
        def block(self, websocket: WebSocket, data: Block) -> int:
            return count()

        @handles
        async def go(self, websocket: WebSocket, data: Go) -> AsyncIterator[int]:
            done = anyio.Event()

            async def task() -> None:
                await Users.objects.acount()
                done.set()

            self.start_soon(task)
            await done.wait()
            yield 0

        @handles
        async def apart(self, websocket: WebSocket, data: Apart) -> int:
            return await sync_to_async(count, thread_sensitive=False)()

    return Chat


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that has an endpoint asked, and returns what is told of it."""

    async def told(cls: Any, *messages: BaseModel) -> list[str]:
        app = get_asgi_application({"/ws/noticed": cls})
        # The thread of `sync_to_async` is that of other tests.
        await sync_to_async(close_all)()
        with watching() as opened, caplog.at_level(logging.WARNING, "wsendpoints"):
            async with connect(app, "/ws/noticed", timeout=GENEROUS) as client:
                for message in messages:
                    await client.send_json(message.model_dump())
                    await client.receive_json()
            await sync_to_async(close_all)()
            assert opened.every
            # Those in threads that end with the loop.
            opened.breaks()
        return caplog.messages

    return told


def close_all() -> None:
    """Close the connections of this thread."""
    every: Any = connections
    every.close_all()


@pytest.mark.parametrize("message", [Ask(), Go(), Apart(), Block()], ids=repr)
async def test_what_nothing_closes_is_told(told: Any, message: BaseModel) -> None:
    """Of an endpoint that is none of Django's, wherever it asks."""
    (text,) = await told(endpoint(WebSocketEndpoint), message)
    before, thread, after = text.split("'")
    assert before == "endpoint.<locals>.Chat opened a connection to the database in the thread "
    assert thread
    assert after == (
        ", where nothing closes it, or replaces it once it broke: derive from DjangoEndpoint, and "
        "ask the database by its async methods, by sync_to_async, or in a handler that is a plain "
        "function"
    )


async def test_it_is_told_once_of_a_class(told: Any) -> None:
    """Of each class."""
    one, other = endpoint(WebSocketEndpoint), endpoint(WebSocketEndpoint)
    assert len(await told(one, Ask(), Block(), Apart())) == 1
    assert len(await told(one, Ask())) == 1
    assert len(await told(other, Ask())) == 2


async def test_endpoint_of_djangos_closes_its_own(told: Any) -> None:
    """So there is nothing to be told; a thread of another pool is not its own."""
    cls = endpoint(DjangoEndpoint)
    assert await told(cls, Ask(), Go(), Block()) == []
    (text,) = await told(cls, Apart())
    assert "where nothing closes it" in text


async def test_thread_that_was_lent_to_one_of_djangos_is_as_any_other(told: Any) -> None:
    """A handler that is a plain function gives it back."""

    class Both(endpoint(DjangoEndpoint)):  # type: ignore[misc]  # it is made above
        @provides
        async def number(self) -> int:
            return await anyio.to_thread.run_sync(count)

        @handles
        async def apart(self, websocket: WebSocket, data: Apart, number: int) -> int:
            return number

    assert len(await told(Both, Block(), Apart())) == 1


class Named(WebSocketEndpoint):
    """Asks who the client is."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Ask) -> str:
        websocket.scope["session"] = SessionStore("x" * 32)
        return str(await aget_user(websocket))


async def test_user_may_be_asked_for_anywhere(told: Any) -> None:
    """That leaves nothing either."""
    assert await told(Named, Ask()) == []


async def test_other_code_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    """Such as a view."""
    get_asgi_application({"/ws/noticed": Named})
    with watching() as opened:
        await sync_to_async(close_all)()
        await Users.objects.acount()
        await sync_to_async(close_all)()
        assert len(opened.every) == 1
    assert caplog.messages == []
