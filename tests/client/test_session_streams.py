"""Streams of replies: their ends, and what stops them."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.client.wires import Wire, Wires
from tests.waiting import all_tasks_blocked
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.client import (
    Client,
    ClosedError,
    LostError,
    QueueFullError,
    RequestError,
    connect,
)

pytestmark = pytest.mark.anyio


class Ask(BaseModel):
    """A question."""

    type: Literal["ask"] = "ask"
    id: str | None = None


class Stop(BaseModel):
    """Stops the answer."""

    type: Literal["stop"] = "stop"
    id: str


class Token(BaseModel):
    """A piece of the answer."""

    type: Literal["token"] = "token"
    id: str | None = None
    text: str


class Done(BaseModel):
    """Its end."""

    type: Literal["done"] = "done"
    id: str | None = None


class Stopped(BaseModel):
    """Another end of it."""

    type: Literal["stopped"] = "stopped"
    id: str | None = None


class Answers(WebSocketEndpoint[Token | Done | Stopped]):
    """Answers piece by piece."""

    encoding = "json"
    correlation_id = "id"

    @handles(concurrent=True, key="id")
    async def answer(self, websocket: WebSocket, data: Ask) -> AsyncIterator[Token | Done]:
        """Answer."""
        yield Done()

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> Stopped:
        """Stop the answer."""
        return Stopped()


def play(wires: Wires, **options: Any) -> AbstractAsyncContextManager[Client[Any]]:
    """Connect to a server that the test plays."""
    return connect(Answers, "ws://host/", transport=wires.open, **options)


async def texts_of(client: Client[Any], most: int) -> list[str]:
    """Return the texts of the next messages."""
    received: list[Any] = [await client.receive() for _ in range(most)]
    return [it.text for it in received]


def stop(id_: Any) -> Stop:
    """Return what stops an answer."""
    return Stop(id=id_)


def token(text: str, id_: str = "1") -> Any:
    """Return a piece, as it is sent."""
    return {"type": "token", "text": text, "id": id_}


# How it ends.


def is_done(reply: Any) -> bool:
    """Return whether a reply is the last one."""
    return isinstance(reply, Done)


@pytest.mark.parametrize("until", [Done, is_done])
@pytest.mark.parametrize("stopping", [None, stop])
async def test_loop_ends_behind_the_last_reply(until: Any, stopping: Any) -> None:
    """The server is told nothing then. What has the id later is a message as any other."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        async with client.stream(Ask(), until=until, stop=stopping) as replies:
            asked = await wire.got()
            wire.give({"type": "token", "text": "from another one"})
            wire.give(token("a", asked["id"]))
            wire.give(token("b", asked["id"]))
            wire.give({"type": "done", "id": asked["id"]})
            assert [it.type async for it in replies] == ["token", "token", "done"]
        wire.give(token("late", asked["id"]))
        await all_tasks_blocked()
        assert wire.got_nothing()
        assert await texts_of(client, 2) == ["from another one", "late"]


async def test_error_ends_the_loop() -> None:
    """Behind what came before it."""
    wires = Wires()
    found: list[str] = []
    async with play(wires) as client:
        wire = await wires.next()
        with pytest.raises(RequestError, match="broken"):
            async with client.stream(Ask(id="1"), stop=stop) as replies:
                await wire.got()
                wire.give(token("a"))
                wire.give({"type": "error", "code": "broken", "id": "1"})
                async for it in replies:
                    found.append(it.text)  # noqa: PERF401 - what came before the error counts
        assert found == ["a"]
        await all_tasks_blocked()
        assert wire.got_nothing()


async def test_loss_of_the_connection_ends_the_loop() -> None:
    """Nobody asks again, and the next connection hears of nothing."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        with pytest.raises(LostError, match="1006"):
            async with client.stream(Ask(id="1"), stop=stop) as replies:
                await wire.got()
                wire.give(token("a"))
                wire.end(1006)
                assert [it.text async for it in replies] == ["a"]
        second = await wires.next()
        await all_tasks_blocked()
        assert second.got_nothing()


async def test_close_ends_the_loop() -> None:
    """A stream is not whole then, though it is closed normally."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        async with client.stream(Ask(id="1"), stop=stop) as replies:
            await wire.got()
            await client.close()
            with pytest.raises(ClosedError, match="1000"):
                await anext(replies)


# What stops it.


async def leave(client: Client[Any], wire: Wire) -> None:
    """Leave by `break`."""
    async with client.stream(Ask(id="1"), stop=stop) as replies:
        wire.give(token("a"))
        async for _ in replies:
            break


async def fail(client: Client[Any], wire: Wire) -> None:
    """Leave by an exception."""
    with pytest.raises(ZeroDivisionError):
        async with client.stream(Ask(id="1"), stop=stop):
            raise ZeroDivisionError


async def be_cancelled(client: Client[Any], wire: Wire) -> None:
    """Leave as it is cancelled while it waits."""
    with anyio.move_on_after(5) as scope:
        async with client.stream(Ask(id="1"), stop=stop) as replies:
            await anext(replies)
    assert scope.cancelled_caught


WAYS = pytest.mark.parametrize("way", [leave, fail, be_cancelled])


@WAYS
async def test_stop_is_sent_as_it_is_left(way: Callable[..., Any]) -> None:
    """It is sent before what the client sends next, and its answer is a message."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        await way(client, wire)
        await client.send(Ask(id="2"))
        assert [(await wire.got())["type"] for _ in range(3)] == ["ask", "stop", "ask"]
        wire.give(token("b"))
        wire.give({"type": "stopped", "id": "1"})
        assert [await client.receive(), await client.receive()] == [
            Token(id="1", text="b"),
            Stopped(id="1"),
        ]


@pytest.mark.parametrize("limit", [5, None])
async def test_leaving_takes_no_longer_than_it_must(limit: float | None) -> None:
    """A server that does not read is not waited for, whether the loop is left or cancelled."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        before = anyio.current_time()
        with anyio.CancelScope(deadline=before + (limit or 1000)) as scope:
            async with client.stream(Ask(), stop=stop) as replies:
                await wire.got()
                wire.gate = anyio.Event()
                if limit:
                    await anext(replies)
        assert scope.cancelled_caught == bool(limit)
        assert anyio.current_time() - before == pytest.approx((limit or 0) + 2)
        assert wire.got_nothing()


async def test_stop_is_sent_for_what_may_have_been_sent() -> None:
    """Who is cancelled while the message is on its way does not know."""
    wires = Wires()
    async with play(wires) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        wire.gate = anyio.Event()

        async def open_gate() -> None:
            await anyio.sleep(6)
            wire.gate.set()

        tasks.start_soon(open_gate)
        with anyio.move_on_after(5) as scope:
            async with client.stream(Ask(id="1"), stop=stop):
                raise AssertionError
        assert scope.cancelled_caught
        assert await wire.got() == {"type": "stop", "id": "1"}


async def test_loss_while_it_is_sent_ends_it() -> None:
    """The next connection hears of nothing."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        wire.is_over(1006)
        with pytest.raises(LostError):
            async with client.stream(Ask(id="1"), stop=stop):
                raise AssertionError
        wire.end(1006)
        second = await wires.next()
        await all_tasks_blocked()
        assert second.got_nothing()


async def test_stop_is_sent_by_hand() -> None:
    """Its answer goes to who sent it, and the stream is left then."""
    wires = Wires()
    async with play(wires) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        async with client.stream(Ask(id="1")) as replies:
            wire.give(token("a"))
            assert (await anext(replies)).text == "a"

            async def answer() -> None:
                assert [(await wire.got())["type"] for _ in range(2)] == ["ask", "stop"]
                wire.give({"type": "stopped", "id": "1"})

            tasks.start_soon(answer)
            assert await client.request(Stop(id="1")) == Stopped(id="1")


async def test_what_was_never_sent_needs_no_stop() -> None:
    """It is taken back."""
    wires = Wires()
    async with play(wires) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        async with client.stream(Ask(), stop=stop):
            pass
        second = await wires.next()
        await all_tasks_blocked()
        assert second.got_nothing()


@pytest.mark.parametrize("is_lost", [False, True])
async def test_stop_waits_behind_what_waits(is_lost: bool) -> None:
    """It is for the connection of its stream, and no other."""
    wires = Wires()
    async with play(wires) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        async with client.stream(Ask(id="1"), stop=stop):
            await client.send(Ask(id="2"))
            first = await wires.next()
            first.gate = anyio.Event()
            await all_tasks_blocked()
        if is_lost:
            first.end(1006)
            await all_tasks_blocked()
        first.gate.set()
        last = await wires.next() if is_lost else first
        types = ["ask"] if is_lost else ["ask", "ask", "stop"]
        assert [(await last.got())["type"] for _ in types] == types
        await all_tasks_blocked()
        assert last.got_nothing()


async def test_loss_that_was_not_noticed_yet_ends_it_too() -> None:
    """What stops a stream fails with its connection, and nobody minds."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        async with client.stream(Ask(id="1"), stop=stop):
            wire.is_over(1006)
        wire.end(1006)
        second = await wires.next()
        await all_tasks_blocked()
        assert second.got_nothing()


# Mistakes.


@pytest.mark.parametrize(
    ("message", "until", "told"),
    [
        (Ask(), Ask, "Answers sends no Ask"),
        (Ask(), int, "Answers sends no int"),
        (Token(text=""), None, "Answers takes no Token"),
        (object(), None, "a object has no field for an id"),
    ],
)
async def test_mistakes_are_told_before_anything_is_sent(
    message: object, until: Any, told: str
) -> None:
    """As for a request."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        with pytest.raises(TypeError, match=told):
            async with client.stream(message, until=until):
                raise AssertionError
        assert wire.got_nothing()


async def test_stop_that_is_no_message_is_told() -> None:
    """The block raises it."""
    wires = Wires()
    async with play(wires) as client:
        await wires.next()
        with pytest.raises(TypeError, match="Answers takes no Token"):
            async with client.stream(Ask(), stop=lambda id_: Token(id=id_, text="")):
                pass


async def test_two_streams_can_not_have_one_id() -> None:
    """The first one goes on."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        async with client.stream(Ask(id="1"), until=Done) as replies:
            with pytest.raises(ValueError, match="that of another request"):
                async with client.stream(Ask(id="1")):
                    raise AssertionError
            wire.give({"type": "done", "id": "1"})
            assert [it async for it in replies] == [Done(id="1")]


# Bounds.


async def test_slow_loop_makes_the_server_wait() -> None:
    """Nothing is lost; only what somebody waits for has replies dropped."""
    wires = Wires()
    async with play(wires, queue=2) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        async with client.stream(Ask(id="1")) as replies:
            for number in range(5):
                wire.give(token(f"{number}"))
            await all_tasks_blocked()
            assert [(await anext(replies)).text for _ in range(5)] == ["0", "1", "2", "3", "4"]
            for number in range(5):
                wire.give(token(f"{number}"))
            await all_tasks_blocked()
            tasks.start_soon(client.request, Stop(id="2"))
            wire.give({"type": "stopped", "id": "2"})
            await all_tasks_blocked()
            assert [(await anext(replies)).text for _ in range(2)] == ["0", "1"]
            with pytest.raises(QueueFullError):
                await anext(replies)


async def test_stream_that_is_left_lets_others_pass() -> None:
    """What came, and nobody takes any more, is in the way of nothing."""
    wires = Wires()
    async with play(wires, queue=2) as client:
        wire = await wires.next()
        async with client.stream(Ask(id="1")):
            for number in range(5):
                wire.give(token(f"{number}"))
            await all_tasks_blocked()
        wire.give({"type": "done", "id": "2"})
        assert await client.receive() == Token(id="1", text="3")
        assert await client.receive() == Token(id="1", text="4")
        assert await client.receive() == Done(id="2")


async def test_stream_goes_on_though_nobody_takes_messages() -> None:
    """They are dropped, as for a request."""
    wires = Wires()
    async with play(wires, queue=2) as client:
        wire = await wires.next()
        for number in range(4):
            wire.give({"type": "token", "text": f"{number}"})
        await all_tasks_blocked()
        async with client.stream(Ask(id="1"), until=Done) as replies:
            wire.give({"type": "done", "id": "1"})
            assert [it async for it in replies] == [Done(id="1")]
        assert await texts_of(client, 2) == ["0", "1"]
        with pytest.raises(QueueFullError):
            await client.receive()


# At random.

ENDS = ("done", "lost", "dropped")


@pytest.mark.parametrize("seed", range(40))
async def test_streams_at_random(seed: int) -> None:
    """However they are mixed, left and lost: each has its own pieces, in order, without a hole.

    On each connection a stop comes behind its question, once, for those that were left alone.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    wires = Wires()
    stopped: set[str] = set()
    got: dict[str, list[str]] = {}

    async def serve() -> None:
        while True:
            wire = await wires.next()
            await serve_one(wire)

    async def serve_one(wire: Wire) -> None:
        running: dict[str, int] = {}
        for _ in range(chance.choice([15, 1000])):
            for _ in range(chance.randrange(4)):
                await checkpoint()
            while not wire.got_nothing():
                told = await wire.got()
                if told["type"] == "ask":
                    running[told["id"]] = 0
                else:
                    # It may have ended by itself meanwhile.
                    assert told["id"] not in stopped
                    stopped.add(told["id"])
                    running.pop(told["id"], None)
            for id_ in [*running]:
                if chance.random() < 0.1:
                    del running[id_]
                    wire.give({"type": "done", "id": id_})
                elif chance.random() < 0.5:
                    wire.give(token(f"{running[id_]}", id_))
                    running[id_] += 1
        wire.end(1006)

    async def ask(client: Client[Any], id_: str) -> None:
        most = chance.choice([1, 3, 100])
        texts = got[id_] = []
        is_left = False
        try:
            async with client.stream(Ask(id=id_), until=Done, stop=stop) as replies:
                async for it in replies:
                    texts.append(getattr(it, "text", "done"))
                    await checkpoint()
                    if len(texts) == most and it.type != "done":
                        is_left = True
                        break
        except LostError:
            texts.append("lost")
        except QueueFullError:
            texts.append("dropped")
            is_left = True
        if is_left:
            left.add(id_)

    left: set[str] = set()
    async with play(wires, queue=3) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        async with anyio.create_task_group() as asking:
            for number in range(3):
                asking.start_soon(ask, client, f"{number}")
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert set(got) == {"0", "1", "2"}
    for texts in got.values():
        pieces = texts[:-1] if texts[-1] in ENDS else texts
        assert pieces == [f"{number}" for number in range(len(pieces))]
    assert stopped <= left
