"""What an application does with the connection to an endpoint."""

import anyio
import pytest

from tests.client.endpoints import Add, Added, Chat, Confirm, Confirmed, Said, Say, Stop
from tests.client.wires import Wires
from wsendpoints.client import ClosedError, connect

pytestmark = pytest.mark.anyio


async def test_loop_yields_messages_until_the_server_closes() -> None:
    """With 1000 nothing has gone wrong; to `receive` it is an end as any other."""
    wires = Wires()
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        wire = await wires.next()
        assert client.closed is None
        wire.give({"type": "said", "text": "a"})
        wire.give({"type": "said", "text": "b"})
        wire.end(1000, "done")
        assert [message async for message in client] == [Said(text="a"), Said(text="b")]
        assert client.closed == (1000, "done")
        with pytest.raises(ClosedError):
            await client.receive()


async def test_loop_raises_how_it_was_closed_otherwise() -> None:
    """The messages before it are yielded."""
    wires = Wires()
    messages: list[object] = []
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        wire = await wires.next()
        wire.give({"type": "said", "text": "a"})
        wire.end(1008, "no")
        with pytest.raises(ClosedError, match="1008"):
            async for message in client:
                messages.append(message)  # noqa: PERF401 - it is to have what came before the end
    assert messages == [Said(text="a")]


async def test_client_closes_with_a_code_and_a_reason() -> None:
    """Of the reason no more is sent than fits into a close frame."""
    wires = Wires()
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        wire = await wires.next()
        await client.close(4001, "x" * 200)
        assert wire.closed == (4001, "x" * 123)
        assert client.closed == (4001, "x" * 123)


async def test_code_that_may_not_be_sent_is_refused() -> None:
    """The connection stays open."""
    wires = Wires()
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        wire = await wires.next()
        with pytest.raises(ValueError, match="1006"):
            await client.close(1006)
        wire.give({"type": "said", "text": "a"})
        assert await client.receive() == Said(text="a")
        assert client.is_connected
        assert client.positions == {}


async def test_client_handles_messages() -> None:
    """A function gets those of a class, and the loop the others."""
    wires = Wires()
    texts: list[str] = []
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        client.on(Said, lambda it: texts.append(it.text))
        wire = await wires.next()
        wire.give({"type": "said", "text": "a"})
        wire.give({"type": "added", "sum": 1})
        assert await client.receive() == Added(sum=1)
    assert texts == ["a"]


async def test_client_asks_and_answers() -> None:
    """A request has a reply, and a question an answer."""
    wires = Wires()

    async def confirm(question: Confirm) -> Confirmed:
        return Confirmed(number=1)

    async with (
        connect(Chat, "ws://host/", transport=wires.open) as client,
        anyio.create_task_group() as tasks,
    ):
        wire = await wires.next()
        await client.send(Say(text="hi"))
        assert (await wire.got())["text"] == "hi"
        client.answer(Confirm, confirm)
        wire.give({"type": "confirm", "id": "1", "text": ""})
        assert await wire.got() == {"type": "confirmed", "id": "1", "number": 1}
        tasks.start_soon(client.request, Add(number=1, id="2"))
        await wire.got()
        wire.give({"type": "added", "id": "2", "sum": 3})


async def test_client_has_streams() -> None:
    """A loop gets the replies, and the server is told as it is left."""
    wires = Wires()
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        wire = await wires.next()
        async with client.stream(Add(number=1), stop=lambda _: Stop(code=4000)) as replies:
            asked = await wire.got()
            for number in range(3):
                wire.give({"type": "added", "id": asked["id"], "sum": number})
            assert [(await anext(replies)).model_dump()["sum"] for _ in range(2)] == [0, 1]
        assert await wire.got() == {"type": "stop", "code": 4000}
