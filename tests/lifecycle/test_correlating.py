"""The reply to a message, and each item of its stream, have the id of that message."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel

from tests.clocks import as_asgi
from tests.recording import Recording
from wsendpoints import WebSocket, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Ask(BaseModel):
    """A message."""

    type: Literal["ask"] = "ask"
    id: str | int | None = None
    what: str


class Said(BaseModel):
    """A reply."""

    id: str | int | None = None


@dataclasses.dataclass
class Told:
    """Another one."""

    id: str | int | None = None


SHARED = Said()
REPLIES: dict[str, Any] = {
    "model": SHARED,
    "dataclass": Told(),
    "dict": {},
    "own": Said(id="own"),
    "text": "x",
    "nothing": None,
}


class Chat(Recording):
    """Returns what it is asked for."""

    encoding = "json"
    correlation_id = "id"

    @handles
    async def answer(self, websocket: WebSocket, data: Ask) -> Any:
        return REPLIES[data.what]


@pytest.mark.parametrize("id_", ["a", 7], ids=["str", "int"])
@pytest.mark.parametrize("what", ["model", "dataclass", "dict"])
async def test_reply_has_the_id_of_its_message(what: str, id_: str | int) -> None:
    """If it has the field, and nothing in it. The object stays as it is: others may send it."""
    async with connect(Chat.as_asgi()) as client:
        await client.send(Ask(id=id_, what=what))
        assert await client.receive_json() == {"id": id_}
    assert SHARED.id is None


@pytest.mark.parametrize(
    ("what", "reply"), [("own", {"id": "own"}), ("text", "x")], ids=["own id", "no field"]
)
async def test_reply_is_sent_as_it_is(what: str, reply: Any) -> None:
    """Where it has an id of its own, or no field for one."""
    async with connect(Chat.as_asgi()) as client:
        await client.send(Ask(id="a", what=what))
        assert await client.receive_json() == reply


async def test_message_without_an_id_has_none_to_give() -> None:
    """Nor has it that of the message before; and no reply is none."""
    async with connect(Chat.as_asgi()) as client:
        await client.send(Ask(id="a", what="nothing"))
        await client.send(Ask(what="model"))
        assert await client.receive_json() == {"id": None}
        await client.receive_nothing()


@pytest.mark.parametrize("concurrent", [False, True], ids=["in turn", "beside others"])
async def test_each_item_of_a_stream_has_the_id(concurrent: bool) -> None:
    """Also where others are sent between them."""
    mark: Any = handles(concurrent=True) if concurrent else handles

    class Streams(Recording):
        encoding = "json"
        correlation_id = "id"

        @mark  # type: ignore[untyped-decorator]  # either of two
        async def answer(self, websocket: WebSocket, data: Ask) -> AsyncIterator[Said]:
            for _ in range(2):
                await anyio.sleep(1)
                yield Said()

    async with connect(as_asgi(Streams), timeout=50) as client:
        await client.send(Ask(id="a", what=""))
        await anyio.sleep(0.5)
        await client.send(Ask(id="b", what=""))
        ids = [(await client.receive(Said)).id for _ in range(4)]
        assert ids == (["a", "b", "a", "b"] if concurrent else ["a", "a", "b", "b"])


async def test_task_that_a_message_starts_streams_its_answer() -> None:
    """What it pushes has no id by itself: it may be for anything."""

    class Streams(Recording):
        encoding = "json"
        correlation_id = "id"

        @handles
        async def answer(self, websocket: WebSocket, data: Ask) -> None:
            self.stream(self.items())

        async def items(self) -> AsyncIterator[Said]:
            """Yield items."""
            yield Said()
            await self.push(Said())

    async with connect(as_asgi(Streams)) as client:
        await client.send(Ask(id="a", what=""))
        assert [(await client.receive(Said)).id for _ in range(2)] == ["a", None]
