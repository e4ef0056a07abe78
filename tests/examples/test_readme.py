"""The README: every block of code in it runs, and does what it says."""

import importlib
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import anyio
import pytest

from wsendpoints import WebSocketEndpoint
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code in the README that is marked as of a language."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [block[1] for block in found]


PYTHON: Final = blocks("python")


def name_of(block: str) -> str:
    """Return the name of the last class or function in a block."""
    *_, last = re.finditer(r"^(?:class|async def) (\w+)", block, re.MULTILINE)
    return last[1]


RunBlock = Callable[[str], Any]


@pytest.fixture
def run_block(monkeypatch: pytest.MonkeyPatch) -> RunBlock:
    """Return a function that runs the block of a name, as the module that its first line names."""

    def run(name: str) -> ModuleType:
        (block,) = (block for block in PYTHON if name_of(block) == name)
        title = re.match(r"# (\w+)\.py\n", block)
        module = ModuleType(title[1] if title else f"readme_{name.lower()}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(block, f"README.md, {name}", "exec"), module.__dict__)  # noqa: S102 - our own
        return module

    return run


def test_every_block_has_a_test() -> None:
    """Each block of Python in the README has a test below."""
    assert [name_of(block) for block in PYTHON] == [
        "Echo",
        "Greeter",
        "Counter",
        "Countdown",
        "Clock",
        "Chat",
        "Calculator",
        "Strict",
        "Members",
        "test_echo",
    ]


async def test_echo(run_block: RunBlock) -> None:
    """The README's example of a test passes for its first example."""
    run_block("Echo")
    await run_block("test_echo").test_echo()


async def test_greeter(run_block: RunBlock) -> None:
    """The attribute comes from where the endpoint is mounted."""
    async with connect(run_block("Greeter").app) as client:
        await client.send("Ada")
        assert await client.receive(str) == "Hello, Ada!"


async def test_counter(run_block: RunBlock) -> None:
    """Each message goes to its method, and the total is the connection's own."""
    app = run_block("Counter").Counter.as_asgi()
    async with connect(app) as client, connect(app) as other:
        for message in ({"type": "add", "number": 2}, {"type": "add", "number": 3}):
            await client.send(message)
        assert await client.receive_json() == {"type": "total", "number": 2}
        assert await client.receive_json() == {"type": "total", "number": 5}
        await client.send({"type": "reset"})
        for one in (client, other):
            await one.send({"type": "add", "number": 1})
            assert await one.receive_json() == {"type": "total", "number": 1}


async def test_countdown(run_block: RunBlock) -> None:
    """Each value that is yielded is a message."""
    async with connect(run_block("Countdown").Countdown.as_asgi()) as client:
        await client.send("3")
        assert [await client.receive(int) for _ in range(3)] == [3, 2, 1]


async def test_clock(
    run_block: RunBlock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clock sends by itself, closes after 60 messages, and prints the close code."""

    async def no_time(seconds: float) -> None:
        assert seconds == 1
        await anyio.lowlevel.checkpoint()

    clock = run_block("Clock")
    monkeypatch.setattr(anyio, "sleep", no_time)
    async with connect(clock.Clock.as_asgi()) as client:
        ticks = [(await client.receive(clock.Tick)).number for _ in range(60)]
        await client.expect_close(1000)
    assert ticks == list(range(60))
    assert capsys.readouterr().out == "gone with 1000\n"


async def test_chat(run_block: RunBlock) -> None:
    """What one says goes to the others."""
    app = run_block("Chat").Chat.as_asgi()
    async with connect(app) as one, connect(app) as other:
        await one.send({"text": "hello"})
        assert await other.receive_json() == {"text": "hello"}
        await one.receive_nothing()


async def test_calculator(run_block: RunBlock) -> None:
    """A call is answered as JSON-RPC has it."""
    async with connect(run_block("Calculator").Calculator.as_asgi()) as client:
        call = {"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}
        await client.send_json(call)
        assert await client.receive_json() == {"jsonrpc": "2.0", "result": 19, "id": 1}


async def test_strict(run_block: RunBlock) -> None:
    """A message that is not declared, or is too large, closes the connection."""
    app = run_block("Strict").Strict.as_asgi()
    async with connect(app) as client:
        await client.send([1, 2, 3])
        assert await client.receive(int) == 6
        await client.send(["one"])
        await client.expect_close(4000, "the message is not one that this endpoint takes")
    async with connect(app) as client:
        await client.send([0] * 4096)
        await client.expect_close(4000, "max_message_size: a message may have 4096 bytes")


async def test_members(run_block: RunBlock) -> None:
    """Clients need the token, a page that is listed, and valid parameters."""
    token = {"authorization": "Bearer change-me"}
    app = run_block("Members").Members.as_asgi(secret="change-me")  # noqa: S106 - of this test
    async with connect(app, "/?page=3", headers=token) as client:
        await client.send(1)
        assert await client.receive(str) == '"lobby 4"'
    for path, headers, status in (
        ("/", {}, 401),
        ("/", {"authorization": "Bearer other"}, 401),
        ("/", {**token, "origin": "https://evil.example"}, 403),
        ("/?page=x", token, 422),
    ):
        with pytest.raises(HandshakeDenied) as denied:
            async with connect(app, path, headers=headers):
                pass
        assert denied.value.status == status


async def test_the_error_message(run_block: RunBlock) -> None:
    """The error message in the README is the one that is sent."""
    (message,) = blocks("json")
    async with connect(run_block("Echo").app) as client:
        await client.send({"type": "say"})
        answer = await client.receive(str)
    assert re.sub(r"\s", "", answer) == re.sub(r"\s", "", message)


async def test_an_endpoint_of_starlettes_documentation_runs_unchanged() -> None:
    """An endpoint of Starlette's documentation runs when only its import is changed."""

    class App(WebSocketEndpoint):
        encoding = "bytes"

        async def on_connect(self, websocket):  # type: ignore[no-untyped-def]
            await websocket.accept()

        async def on_receive(self, websocket, data):  # type: ignore[no-untyped-def]
            await websocket.send_bytes(b"Message: " + data)  # pyright: ignore[reportUnknownMemberType]

        async def on_disconnect(self, websocket, close_code):  # type: ignore[no-untyped-def]
            pass

    routing = importlib.import_module("starlette.routing")
    async with connect(routing.Router([routing.WebSocketRoute("/ws", App)]), "/ws") as client:
        await client.send(b"hello")
        assert await client.receive(bytes) == b"Message: hello"


def test_every_link_leads_somewhere() -> None:
    """The files that the README names are there."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_commands_name_what_is_there() -> None:
    """Each command names an extra of the package, or an example, that exists."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    commands = "".join(blocks("sh"))
    assert set(re.findall(r'-e "\.\[(\w+)\]"', commands)) <= set(extras)
    assert re.findall(r"uvicorn ([\w.]+):app", commands) == ["examples.chat"]
