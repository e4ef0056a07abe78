"""The endpoints of docs/encodings.md do what the page says."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from wsendpoints.testing import connect
from wsendpoints.testing.encodings import Encoding

pytestmark = pytest.mark.anyio

PAGE: Final = (Path(__file__).parents[2] / "docs" / "encodings.md").read_text(encoding="utf-8")
BLOCKS: Final[list[str]] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
MOMENT: Final = datetime(2020, 1, 1, tzinfo=UTC)


def block_with(text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the first block of the page that has a text, as a module."""
    module = ModuleType("encodings_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    code = next(block for block in BLOCKS if text in block)
    exec(compile(code, "docs/encodings.md", "exec"), module.__dict__)  # noqa: S102 - our own
    return module


@pytest.mark.parametrize("is_own", [False, True], ids=["msgpack", "codec"])
async def test_photo_comes_back(is_own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In MessagePack, and in the format of the page's own."""
    page = block_with("PropertyList" if is_own else '"msgpack"', monkeypatch)
    encoding: Any = page.PropertyList() if is_own else "msgpack"
    async with connect(page.Album.as_asgi(), encoding=encoding) as client:
        photo = page.Photo(taken=MOMENT, jpeg=b"\xff")
        await client.send(photo)
        assert await client.receive(page.Photo) == photo
        await client.send({"jpeg": b""})
        assert (await client.receive(dict[str, Any]))["code"] == "invalid_message"
        await client.send(b"\xc1")
        await client.expect_close(1007)


async def test_client_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the subprotocol that it offers; the first of the class's is preferred."""
    page = block_with("subprotocols", monkeypatch)
    choices: list[tuple[list[str], Encoding]] = [
        (["chat.v1.json", "chat.v1.msgpack"], "msgpack"),
        (["chat.v1.json"], "json"),
        ([], "json"),
    ]
    for offered, encoding in choices:
        app = page.Chat.as_asgi()
        async with connect(app, subprotocols=offered, encoding=encoding) as client:
            await client.send(page.Say(text="x"))
            assert await client.receive(page.Say) == page.Say(text="x")


async def test_structs_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As models are, in the README."""
    page = block_with("msgspec", monkeypatch)
    async with connect(page.Counter.as_asgi()) as client:
        await client.send(page.Add(2))
        await client.send(page.Add(3))
        assert await client.receive(page.Total) == page.Total(2)
        assert await client.receive(page.Total) == page.Total(5)
        await client.send({"type": "reset", "x": 1})
        errors = (await client.receive(dict[str, Any]))["errors"]
        assert [error["type"] for error in errors] == ["extra_forbidden"]
