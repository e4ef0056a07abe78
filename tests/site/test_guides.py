"""The endpoints of the guides do what the pages say."""

import functools
import hashlib
import re
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints.testing import HandshakeDenied, connect

DOCS: Final = Path(__file__).parents[2] / "docs"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that returns the block of a page with a name, as a module."""

    def load(page: str, name: str) -> Any:
        text = (DOCS / f"{page}.md").read_text("utf-8")
        block = re.search(rf"^```python\n(# {name}\.py\n.*?)^```$", text, re.M | re.S)
        assert block
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(block[1], f"docs/{page}.md, {name}", "exec"), module.__dict__)  # noqa: S102 - our own
        return module

    return load


@pytest.mark.anyio
async def test_a_cookie_tells_who_the_client_is(load: Any) -> None:
    """Without one of a session it is refused, and so is a page of another origin."""
    app = load("authentication", "cookie").app
    known = {"cookie": "session=5f3a", "origin": "https://example.com"}
    async with connect(app, headers=known) as client:
        await client.send("hello")
        assert await client.receive(str) == "hello, Ada"
    for headers, status in (
        ({**known, "cookie": "session=other"}, 401),
        ({"origin": "https://example.com"}, 401),
        ({**known, "origin": "https://elsewhere.example"}, 403),
    ):
        with pytest.raises(HandshakeDenied) as denied:
            async with connect(app, headers=headers):
                pass
        assert denied.value.status == status


@pytest.mark.anyio
async def test_a_ticket_is_good_once_and_for_a_while(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second time it is refused; and once it has expired."""
    page = load("authentication", "ticket")
    ticket, late = page.make_ticket("Ada"), page.make_ticket("Ada")
    async with connect(page.app, f"/?ticket={ticket}") as client:
        await client.send("hello")
        assert await client.receive(str) == "hello, Ada"
    now = page.time.monotonic()
    clock = type("Clock", (), {"monotonic": staticmethod(lambda: now + page.SECONDS)})
    monkeypatch.setattr(page, "time", clock)
    for query in (f"?ticket={ticket}", f"?ticket={late}", ""):
        with pytest.raises(HandshakeDenied) as denied:
            async with connect(page.app, f"/{query}"):
                pass
        assert denied.value.status == 401


@pytest.mark.anyio
async def test_a_first_message_tells_who_the_client_is(load: Any) -> None:
    """It has to come first, to be right, and to come in time."""
    page = load("authentication", "first_message")
    async with connect(page.app) as client:
        await client.send(page.Login(token="secret"))  # noqa: S106 - no secret
        await client.send(page.Say(text="hello"))
        assert await client.receive(page.Welcome) == page.Welcome(user="Ada")
        assert await client.receive(page.Said) == page.Said(text="hello, Ada")
    for message, reason in (
        (page.Login(token="other"), "wrong token"),  # noqa: S106 - no secret
        (page.Say(text="hello"), "log in first"),
    ):
        async with connect(page.app) as client:
            await client.send(message)
            await client.expect_close(4401, reason)
    async with connect(page.app, timeout=20) as client:
        await client.expect_close(1008)


@pytest.mark.anyio
async def test_an_upload_in_one_message(load: Any) -> None:
    """With its name."""
    page = load("uploads", "one_message")
    async with connect(page.app, encoding="msgpack") as client:
        await client.send(page.Upload(name="a.bin", content=b"\xff" * 9))
        assert await client.receive(page.Stored) == page.Stored(name="a.bin", size=9)
        await client.send({"type": "upload", "name": "../a", "content": b""})
        assert (await client.receive(dict[str, Any]))["code"] == "invalid_message"


@pytest.mark.anyio
async def test_an_upload_in_pieces(load: Any) -> None:
    """Each is acknowledged; another may follow."""
    page = load("uploads", "pieces")
    async with connect(page.app) as client:
        for content in (b"abcdef", b"gh"):
            await client.send(page.Begin(name="a.bin", size=len(content)))
            for at in range(0, len(content) - 2, 2):
                await client.send(content[at : at + 2])
                assert await client.receive(page.Got) == page.Got(size=at + 2)
            await client.send(content[-2:])
            sha256 = hashlib.sha256(content).hexdigest()
            assert await client.receive(page.Stored) == page.Stored(name="a.bin", sha256=sha256)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b"x"], "not_announced"),
        (['{"type": "begin", "name": "a", "size": 1}', b"xy"], "not_announced"),
        (['{"type": "begin", "name": "a"}'], "invalid_message"),
        (['{"type": "begin", "name": "../a", "size": 1}'], "invalid_message"),
    ],
)
async def test_an_upload_that_is_none(load: Any, frames: list[str | bytes], code: str) -> None:
    """What was not announced, and what is more than that, is answered with an error."""
    async with connect(load("uploads", "pieces").app) as client:
        for frame in frames:
            await client.send(frame)
        assert (await client.receive_json())["code"] == code


@pytest.mark.anyio
@REAL_TIME
async def test_each_message_has_a_session(load: Any, tmp_path: Path) -> None:
    """Each message has a session of its own, which is committed if its handler does not fail."""
    guests = load("providing", "guests")
    connected = functools.partial(sqlite3.connect, tmp_path / "db", check_same_thread=False)
    with closing(connected()) as session:
        session.execute("CREATE TABLE guests (name TEXT UNIQUE)")
        session.commit()
    app = guests.Guests.as_asgi(connect=connected)

    async def add_twice() -> None:
        async with connect(app, timeout=GENEROUS) as client:
            await client.send({"type": "add", "name": "Ada"})
            await client.send({"type": "count"})
            assert await client.receive_json() == {"type": "counted", "number": 1}
            await client.send({"type": "add", "name": "Ada"})
            await client.expect_close(1011)

    with pytest.raises(sqlite3.IntegrityError):
        await add_twice()


def test_the_extras_are_those_that_there_are() -> None:
    """The table has what users need: not what the tests, or the examples, do."""
    with (DOCS.parent / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    page = (DOCS / "install.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| .* \| ([^|]+) \|$", page, re.M))
    ours = {"bench", "compared", "docs", "examples", "lint", "protocols", "suite", "test"}
    assert {*told} == {*extras} - ours
    for name, brings in told.items():
        assert [re.split(r"[\[>]", it)[0] for it in extras[name]] == brings.split(", ")
