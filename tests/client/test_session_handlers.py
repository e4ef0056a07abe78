"""Functions that are called with messages of a class."""

import anyio
import pytest

from tests.client.endpoints import Add, Added, Chat, Confirm, Confirmed, Said, Say
from tests.client.wires import Wires
from tests.waiting import all_tasks_blocked
from wsendpoints import ErrorMessage
from wsendpoints.client import QueueFullError, connect

pytestmark = pytest.mark.anyio


def said(text: str) -> dict[str, str]:
    """Return a message as it is sent."""
    return {"type": "said", "text": text}


async def test_handlers_are_called_in_order() -> None:
    """One after the other, by the class; what has none is for the loop."""
    wires = Wires()
    called: list[object] = []
    go_on = anyio.Event()

    async def slow(message: Said) -> None:
        await go_on.wait()
        called.append(message)

    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        client.on(Said, slow)
        client.on(ErrorMessage, called.append)
        wire = await wires.next()
        wire.give(said("a"))
        wire.give({"type": "error", "code": "busy"})
        wire.give({"type": "added", "sum": 1})
        wire.give(said("b"))
        assert await client.receive() == Added(sum=1)
        assert called == []
        go_on.set()
        await all_tasks_blocked()
        assert called == [Said(text="a"), ErrorMessage(code="busy"), Said(text="b")]


async def test_first_class_that_fits_counts() -> None:
    """A later handler for it takes its place."""
    wires = Wires()
    called: list[tuple[str, object]] = []
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        client.on(Said, lambda it: called.append(("first", it)))
        client.on(object, lambda it: called.append(("any", it)))
        client.on(Said, lambda it: called.append(("second", it)))
        wire = await wires.next()
        wire.give(said("a"))
        wire.give({"type": "added", "sum": 1})
        await all_tasks_blocked()
    assert called == [("second", Said(text="a")), ("any", Added(sum=1))]


async def test_replies_and_questions_are_no_messages() -> None:
    """Whoever waits for a reply gets it, within a handler too, and what answers answers."""
    wires = Wires()
    sums: list[object] = []

    async def confirm(question: Confirm) -> Confirmed:
        return Confirmed(number=1)

    async with connect(Chat, "ws://host/", transport=wires.open) as client:

        async def ask(message: Said) -> None:
            sums.append(await client.request(Add(number=1)))

        client.on(Said, ask)
        client.on(Added, lambda it: pytest.fail(f"{it}"))
        client.on(Confirm, lambda it: pytest.fail(f"{it}"))
        client.answer(Confirm, confirm)
        wire = await wires.next()
        wire.give(said("a"))
        asked = await wire.got()
        wire.give({"type": "confirm", "id": "1", "text": ""})
        assert await wire.got() == {"type": "confirmed", "id": "1", "number": 1}
        wire.give({"type": "added", "sum": 2, "id": asked["id"]})
        await all_tasks_blocked()
    assert sums == [Added(sum=2, id=asked["id"])]


async def test_what_a_handler_raises_ends_the_client() -> None:
    """It is raised by the block."""
    wires = Wires()

    def fail(message: Said) -> None:
        raise LookupError(message.text)

    with pytest.raises(LookupError, match="a"):
        async with connect(Chat, "ws://host/", transport=wires.open) as client:
            client.on(Said, fail)
            (await wires.next()).give(said("a"))
            await anyio.sleep_forever()


@pytest.mark.parametrize("code", [1000, 1008])
async def test_what_came_before_the_end_is_handled(code: int) -> None:
    """However the server closes."""
    wires = Wires()
    called: list[object] = []
    go_on = anyio.Event()

    async def slow(message: Said) -> None:
        await go_on.wait()
        called.append(message.text)

    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        client.on(Said, slow)
        wire = await wires.next()
        wire.give(said("a"))
        wire.give(said("b"))
        wire.end(code)
        await all_tasks_blocked()
        assert client.closed == (code, "")
        go_on.set()
        await all_tasks_blocked()
    assert called == ["a", "b"]


async def test_messages_that_wait_for_a_handler_are_bounded() -> None:
    """Beyond that no more is read, unless a reply is awaited: then they are dropped, and told."""
    wires = Wires()
    called: list[object] = []
    go_on = anyio.Event()

    async def slow(message: Said) -> None:
        await go_on.wait()
        called.append(message.text)

    with pytest.raises(QueueFullError):
        async with connect(Chat, "ws://host/", transport=wires.open, queue=2) as client:
            client.on(Said, slow)
            wire = await wires.next()
            for number in range(5):
                wire.give(said(f"{number}"))
            await all_tasks_blocked()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.request, Add(number=1))
                wire.give({"type": "added", "sum": 1, "id": (await wire.got())["id"]})
            go_on.set()
            await anyio.sleep_forever()
    assert called == ["0", "1", "2"]


async def test_class_that_is_not_sent_is_refused() -> None:
    """Nothing would ever be handled."""
    wires = Wires()
    async with connect(Chat, "ws://host/", transport=wires.open) as client:
        with pytest.raises(TypeError, match=r"^Chat sends no Say: use the class of one of "):
            client.on(Say, print)
        with pytest.raises(TypeError, match=r"^Chat sends no Confirmed: "):
            client.answer(Confirmed, client.send)
