"""A chat in a Django project, on the servers that run one: `examples.django_chat`."""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from .clients import CLIENTS, Client, Refused
from .conversation import Conversation
from .outcomes import as_sent
from .servers import ROOT, SERVERS, Pool, Process

pytestmark = pytest.mark.anyio

APP = "tests.interop.framework_apps.django_app:app"


@pytest.fixture(params=["uvicorn", "hypercorn", "granian", "gunicorn", "daphne"])
def process(request: pytest.FixtureRequest, pool: Pool) -> Process:
    """Return each server that serves it."""
    return pool.get(SERVERS[request.param], APP)


class Browser:
    """Has pages, and their cookies.

    Args:
        process: The server.
    """

    def __init__(self, process: Process, session: aiohttp.ClientSession) -> None:
        self.conversation = Conversation(process, CLIENTS["websockets"])
        self._site = f"http://{process.netloc}"
        self._session = session

    async def get(self, path: str) -> str:
        """Return a page."""
        async with self._session.get(self._site + path) as response:
            return await response.text()

    async def post(self, path: str, **form: str) -> int:
        """Send a form of the page, and return the status."""
        found = re.search(r"csrfmiddlewaretoken value=(\w+)", await self.get("/"))
        assert found is not None
        data = {"csrfmiddlewaretoken": found[1], **form}
        post = self._session.post(self._site + path, data=data, allow_redirects=False)
        async with post as response:
            return response.status

    def headers(self) -> dict[str, str]:
        """Return what it sends with a handshake."""
        pairs = [f"{it.key}={it.value}" for it in self._session.cookie_jar]
        return {"cookie": "; ".join(pairs), "origin": self._site}

    @asynccontextmanager
    async def chat(self) -> AsyncGenerator[Client]:
        """Connect to the chat, and wait until it is in the room."""
        path = "/chat/ws/chat/lobby"
        async with self.conversation.connect(path, headers=self.headers()) as client:
            await client.send(json.dumps({"type": "search", "text": "nothing like that"}))
            assert await hear(client) == {"type": "found", "texts": []}
            yield client
            await client.close()
        await self.conversation.journal()
        self.conversation.check_log()


@asynccontextmanager
async def browser(process: Process, name: str | None = None) -> AsyncGenerator[Browser]:
    """Open a browser, and log somebody in."""
    jar = aiohttp.CookieJar(unsafe=True)  # the host is an address
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        opened = Browser(process, session)
        if name is not None:
            assert await opened.post("/login", name=name) == 302
        yield opened


async def hear(client: Client) -> Any:
    """Wait for a message."""
    return json.loads(await client.receive())


async def test_what_a_form_says_reaches_all(process: Process) -> None:
    """From a view that is not async, also before anybody was connected."""
    async with browser(process, "ada") as ada, browser(process, "grace") as grace:
        assert await ada.post("/say/elsewhere", text="nobody hears it") == 204
        async with ada.chat() as one, grace.chat() as two:
            assert await ada.post("/say/lobby", text="hello") == 204
            for client in (one, two):
                assert await hear(client) == {"type": "said", "author": "ada", "text": "hello"}
            await two.send(json.dumps({"type": "search", "text": "hel"}))
            assert "hello" in (await hear(two))["texts"]


async def test_who_is_not_logged_in_is_refused(process: Process) -> None:
    """As is a page of another site."""
    async with browser(process) as stranger, browser(process, "ada") as ada:
        evil = {**ada.headers(), "origin": "http://evil.com"}
        for opened, headers in [(stranger, {}), (ada, evil)]:
            conversation = opened.conversation
            if conversation.server.facts.logs_denials:
                conversation.ignore_error("ASGI callable returned without completing handshake")
            with pytest.raises(Refused) as refused:
                async with conversation.connect("/chat/ws/chat/lobby", headers=headers):
                    pass
            assert refused.value.status == 403
            conversation.check_log()


async def test_pages_are_djangos_and_the_document_is_not(process: Process) -> None:
    """Each has its paths."""
    async with browser(process) as stranger:
        assert "new WebSocket(" in await stranger.get("/")
        document = json.loads(await stranger.get("/asyncapi.json"))
        addresses = {it["address"] for it in document["channels"].values()}
        assert addresses == {"/room/{room}", "/chat/ws/chat/{room}"}
        assert "Not Found" in await stranger.get("/nowhere")


def data_of(process: Process) -> Path:
    """Return where a server has its data."""
    return Path(os.environ["WSENDPOINTS_DJANGO"]) / str(process.pid)


async def test_another_process_announces(pool: Pool) -> None:
    """A command, or a worker of Celery's, to a server that runs no lifespan."""
    process = pool.get(SERVERS["daphne"], APP)
    async with browser(process, "ada") as ada, ada.chat() as client:
        done = await anyio.run_process(
            [sys.executable, "-m", "examples.django_chat", "announce", "lobby", "Lunch"],
            cwd=ROOT,
            env={
                **os.environ,
                # The tests of other files may have set it.
                "DJANGO_SETTINGS_MODULE": "examples.django_chat.settings",
                "DJANGO_CHAT_DATA": str(data_of(process)),
            },
        )
        assert (done.stdout, done.stderr) == (b"", b"")
        assert await hear(client) == {"type": "said", "author": "the house", "text": "Lunch"}


async def test_groups_end_with_daphne(tmp_path: Path, pool: Pool) -> None:
    """Which runs no lifespan: they leave nothing, and end behind the connections."""
    process = Process(SERVERS["daphne"], APP, tmp_path / "log")
    try:
        process.wait_until_it_accepts()
        groups = data_of(process) / "groups"
        async with browser(process, "ada") as ada:
            conversation = ada.conversation
            path = "/chat/ws/chat/lobby"
            async with conversation.connect(path, headers=ada.headers()) as client:
                await client.send(json.dumps({"type": "search", "text": ""}))
                await hear(client)
                assert groups.is_dir()
                process.terminate()
                assert await client.closed() == as_sent(process.server, 1012)
        process.wait()
        assert not groups.exists()
        assert conversation.printed_journal() == ["raised CancelledError", "end"]
        assert process.errors() == []
    finally:
        process.kill()
