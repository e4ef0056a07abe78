"""The chats of docs/migrating do the same, as they were and as they are."""

import importlib
import json
import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from channels.layers import (  # type: ignore[import-untyped]  # it comes without types
    InMemoryChannelLayer,
    channel_layers,
)
from django.conf import settings  # type: ignore[import-untyped]  # it comes without types

from wsendpoints.testing import Client, connect

PAGES: Final = Path(__file__).parents[2] / "docs" / "migrating"

BLOCKS: Final[dict[str, str]] = {
    f"{page.stem}, {title}": block
    for page in sorted(PAGES.glob("*.md"))
    for block, title in re.findall(
        r"^```python\n(# With (.*?)\n.*?)^```$", page.read_text("utf-8"), re.M | re.S
    )
}

# Most of the frameworks are of asyncio alone.
ON_ASYNCIO: Final = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Talk:
    """What one says, and hears, in JSON."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def begin(self, room: str) -> None:
        """Enter the room, where connecting does not."""

    async def say(self, text: Any) -> None:
        await self.client.send({"type": "say", "text": text})

    async def hear(self) -> tuple[str, str]:
        """Return the type of the next message, and its text."""
        message = await self.client.receive_json()
        return message["type"], message.get("text", "")


class ChanxTalk(Talk):
    """With `action` and `payload`."""

    async def say(self, text: Any) -> None:
        await self.client.send({"action": "say", "payload": {"text": text}})

    async def hear(self) -> tuple[str, str]:
        message = await self.client.receive_json()
        kind = message.get("action") or message["type"]
        return kind, message["payload"]["text"] if kind == "said" else ""


class SocketIOTalk(Talk):
    """In the packets of Engine.IO 4 and Socket.IO 5."""

    async def begin(self, room: str) -> None:
        assert (await self.client.receive(str)).startswith("0{")
        await self.client.send("40" + json.dumps({"room": room}))
        assert (await self.client.receive(str)).startswith("40{")

    async def say(self, text: Any) -> None:
        await self.client.send("42" + json.dumps(["say", {"text": text}]))

    async def hear(self) -> tuple[str, str]:
        kind, message = json.loads((await self.client.receive(str)).removeprefix("42"))
        return kind, message.get("text", "")


def load(title: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the application of a block."""
    module = ModuleType("migrated")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(BLOCKS[title], title, "exec"), module.__dict__)  # noqa: S102 - our own
    return module.app


def test_each_page_has_both() -> None:
    """As it was, and as it is."""
    assert [it.partition(", ")[0] for it in BLOCKS] == [
        page for page in ("channels", "chanx", "fastapi", "socketio", "starlette") for _ in range(2)
    ]
    blocks = sum(page.read_text("utf-8").count("```python") for page in PAGES.glob("*.md"))
    assert blocks == len(BLOCKS)


@pytest.fixture(autouse=True)
def django(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the settings of a project of Django: once in a process, as an example sets them."""
    if not settings.configured:
        importlib.import_module("examples.mounting.django_app")
    monkeypatch.setitem(channel_layers.backends, "default", InMemoryChannelLayer())


@pytest.mark.anyio
@ON_ASYNCIO
@pytest.mark.parametrize("title", BLOCKS)
async def test_the_room_hears_what_is_said(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not valid is answered, and heard by nobody else."""
    app = load(title, monkeypatch)
    kind: type[Talk] = Talk
    path = "/rooms/{}"
    lasting: list[str] = []
    if title.startswith("chanx"):
        kind = ChanxTalk
    elif title == "socketio, python-socketio":
        kind, path = SocketIOTalk, "/socket.io/?EIO=4&transport=websocket"
        # They go on until it would be time for the next ping.
        lasting = ["AsyncServer._service_task", "AsyncSocket._send_ping", "Event.wait"]
    rooms = [path.format(room) for room in ("lobby", "lobby", "attic")]
    async with AsyncExitStack() as stack:
        one, two, other = [
            await stack.enter_async_context(connect(app, room, lasting_tasks=lasting))
            for room in rooms
        ]
        ada, bob, eve = kind(one), kind(two), kind(other)
        for it, room in ((ada, "lobby"), (bob, "lobby"), (eve, "attic")):
            await it.begin(room)
        await bob.say(7)
        assert await bob.hear() == ("error", "")
        await bob.say("hello")
        assert await ada.hear() == ("said", "hello")
        assert await bob.hear() == ("said", "hello")
        await eve.say("anybody?")
        assert await eve.hear() == ("said", "anybody?")
