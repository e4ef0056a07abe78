"""The example of a chat in a Django project."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import pytest
from django.core import management  # type: ignore[import-untyped]  # Django has no types
from django.db import connections  # type: ignore[import-untyped]  # nor has this part of it
from django.test import AsyncClient  # type: ignore[import-untyped]  # nor has this part of it
from django.test.utils import override_settings  # type: ignore[import-untyped]  # it has no types

from examples.django_chat.sockets import Found, Said, Search, groups
from tests.clocks import GENEROUS
from wsendpoints.testing import Client, HandshakeDenied, connect

with pytest.MonkeyPatch.context() as patched:
    # It names its own settings if there are none, for all that runs behind it.
    patched.setenv("DJANGO_SETTINGS_MODULE", "tests.django.settings")
    from examples.django_chat.asgi import application

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


@pytest.fixture(autouse=True)
async def _started() -> AsyncIterator[None]:
    """Have the example's URLs, and its groups, as a server does."""
    with override_settings(ROOT_URLCONF="examples.django_chat.urls"):
        async with groups:
            yield


async def logged_in(name: str) -> Any:
    """Return a browser whose user is logged in."""
    browser: Any = AsyncClient()
    await browser.post("/login", {"name": name})
    return browser


@asynccontextmanager
async def chat(browser: Any) -> AsyncGenerator[Client]:
    """Connect a browser to the chat, and wait until it is in the room."""
    cookie = {"cookie": browser.cookies.output(header="", attrs=[])}
    async with connect(application, "/ws/chat/lobby", headers=cookie, timeout=GENEROUS) as client:
        await client.send(Search(text="nothing like that"))
        assert await client.receive(Found) == Found(texts=[])
        yield client


async def test_what_is_said_by_a_form_reaches_all() -> None:
    """Once it is committed, with the name of whoever said it."""
    ada, grace = await logged_in("ada"), await logged_in("grace")
    async with chat(ada) as one, chat(grace) as two:
        response = await ada.post("/say/lobby", {"text": "hello"})
        assert response.status_code == 204
        for client in (one, two):
            assert await client.receive(Said) == Said(author="ada", text="hello")
        await grace.post("/say/elsewhere", {"text": "nothing"})
        await two.send(Search(text="hel"))
        assert await two.receive(Found) == Found(texts=["hello"])
        await one.receive_nothing()


async def test_who_is_not_logged_in_says_and_hears_nothing() -> None:
    """The page sends it to the login."""
    stranger: Any = AsyncClient()
    assert (await stranger.post("/say/lobby", {"text": "hello"})).status_code == 302
    with pytest.raises(HandshakeDenied) as denied:
        async with chat(stranger):
            pass
    assert denied.value.status == 403


async def test_page_is_there() -> None:
    """It connects to the chat."""
    browser: Any = AsyncClient()
    assert "new WebSocket(" in (await browser.get("/")).content.decode()


async def test_command_announces() -> None:
    """Here in a thread: a process of its own does it on real servers."""
    async with chat(await logged_in("ada")) as client:
        commands: Any = management
        await anyio.to_thread.run_sync(commands.call_command, "announce", "lobby", "Lunch")
        assert await client.receive(Said) == Said(author="the house", text="Lunch")


@pytest.fixture(autouse=True, scope="module")
def _closed() -> Any:
    """Close the connections that requests have left in this thread."""
    yield
    connections.close_all()
