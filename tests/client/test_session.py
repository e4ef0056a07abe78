"""What a client keeps over all its connections."""

import itertools
import logging
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel

from tests.client.endpoints import (
    Add,
    Added,
    Chat,
    Confirm,
    Confirmed,
    Said,
    Say,
)
from tests.client.wires import Wires
from tests.packing import pack, unpack
from tests.waiting import all_tasks_blocked
from wsendpoints import ErrorMessage, WebSocket, WebSocketEndpoint, handles
from wsendpoints.client import (
    Client,
    ClosedError,
    LostError,
    QueueFullError,
    RequestError,
    connect,
)
from wsendpoints.client.socket import Close

pytestmark = pytest.mark.anyio


def play(wires: Wires, **options: Any) -> AbstractAsyncContextManager[Client[Any]]:
    """Connect to a server that the test plays."""
    return connect(Chat, "ws://host/", transport=wires.open, **options)


async def received(client: Client[Any]) -> Any:
    """Return the next message, of any type."""
    return await client.receive()


# Messages.


async def test_messages_go_both_ways() -> None:
    """Those of the server come as instances, and its errors too."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        assert client.is_connected
        await client.send(Say(text="hi"))
        assert await wire.got() == {"type": "say", "text": "hi"}
        wire.give({"type": "said", "text": "hi"})
        wire.give({"type": "error", "code": "invalid_message"})
        assert await client.receive() == Said(text="hi")
        assert await client.receive() == ErrorMessage(code="invalid_message")
    assert not client.is_connected


async def test_message_that_is_not_declared_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """A newer server may send what the class does not know; it is logged."""
    wires = Wires()
    with caplog.at_level(logging.WARNING, "wsendpoints"):
        async with play(wires) as client:
            wire = await wires.next()
            wire.give({"type": "news"})
            wire.give({"type": "said", "text": "hi"})
            assert await client.receive() == Said(text="hi")
    (text,) = caplog.messages
    assert text == (
        "a message is dropped that the class does not send: message: Input tag 'news' found using "
        "'type' does not match any of the expected tags: 'added', 'said', 'confirm'"
    )


# While there is no connection.


async def test_messages_wait_for_the_next_connection() -> None:
    """They are sent in order, each once, before what is sent later."""
    wires = Wires()
    async with play(wires) as client:
        first = await wires.next()
        first.end(1006)
        await all_tasks_blocked()
        assert not client.is_connected
        message = Say(text="1")
        await client.send(message)
        # It is sent as it was when it was given.
        message.text = "changed"
        await client.send(Say(text="2"))
        second = await wires.next()
        await all_tasks_blocked()
        await client.send(Say(text="3"))
        assert [(await second.got())["text"] for _ in range(3)] == ["1", "2", "3"]
    assert first.got_nothing()


async def test_no_more_wait_than_may() -> None:
    """The one too many is refused."""
    wires = Wires()
    async with play(wires, queue=1) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        await client.send(Say(text="1"))
        with pytest.raises(QueueFullError):
            await client.send(Say(text="2"))
        second = await wires.next()
        assert (await second.got())["text"] == "1"


async def test_messages_do_not_overtake_those_that_wait() -> None:
    """While these are sent, what is sent waits behind them."""
    wires = Wires()
    async with play(wires) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        await client.send(Say(text="1"))
        await client.send(Say(text="2"))
        second = await wires.next()
        second.gate = anyio.Event()
        await all_tasks_blocked()
        await client.send(Say(text="3"))
        second.gate.set()
        assert [(await second.got())["text"] for _ in range(3)] == ["1", "2", "3"]


async def test_connection_may_be_lost_while_those_that_wait_are_sent() -> None:
    """The one under way may have arrived, and is not sent again; the others are."""
    wires = Wires()
    async with play(wires) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        for text in "123":
            await client.send(Say(text=text))
        second = await wires.next()
        second.gate = anyio.Event()
        await all_tasks_blocked()
        second.end(1006)
        await all_tasks_blocked()
        second.gate.set()
        third = await wires.next()
        assert [(await third.got())["text"] for _ in range(2)] == ["2", "3"]
    assert second.got_nothing()


async def test_connection_may_be_lost_before_those_that_wait_are_sent() -> None:
    """They wait for the one after it, behind what an earlier one still sends."""
    wires = Wires()
    async with play(wires) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        for text in "12":
            await client.send(Say(text=text))
        second = await wires.next()
        second.gate = anyio.Event()
        await all_tasks_blocked()
        second.end(1006)
        third = await wires.next()
        third.end(1006)
        fourth = await wires.next()
        await all_tasks_blocked()
        assert fourth.got_nothing()
        second.gate.set()
        assert (await fourth.got())["text"] == "2"
    assert third.got_nothing()


async def test_lost_while_sending_is_told() -> None:
    """Whether it arrived nobody knows, so that it is up to the application."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        wire.is_over(1011)
        with pytest.raises(LostError) as caught:
            await client.send(Say(text="1"))
        assert caught.value.code == 1011
        assert not client.is_connected
        await client.send(Say(text="2"))
        wire.end(1011)
        assert (await (await wires.next()).got())["text"] == "2"
        assert wire.got_nothing()


async def test_lost_while_another_one_is_there_already() -> None:
    """A send that took long does not end the connection that came after its own."""
    wires = Wires()

    async def send() -> None:
        with pytest.raises(LostError):
            await client.send(Say(text="1"))

    async with play(wires) as client, anyio.create_task_group() as tasks:
        first = await wires.next()
        first.gate = anyio.Event()
        tasks.start_soon(send)
        await all_tasks_blocked()
        first.end(1006)
        second = await wires.next()
        await all_tasks_blocked()
        first.gate.set()
        await all_tasks_blocked()
        assert client.is_connected
        await client.send(Say(text="2"))
        assert (await second.got())["text"] == "2"


async def test_another_subprotocol_may_be_chosen_the_next_time() -> None:
    """What waits is written as the connection has it."""
    wires = Wires()

    class Both(Chat):
        subprotocols = {"packed": "msgpack", "plain": "json"}  # noqa: RUF012 - as users do

    async with connect(Both, "ws://host/", transport=wires.open) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        await client.send(Say(text="1"))
        wires.subprotocol = "packed"
        second = await wires.next()
        assert unpack(await second.got_frame()) == {"type": "say", "text": "1"}
        second.give_frame(pack({"type": "said", "text": "2"}))
        assert await client.receive() == Said(text="2")


async def test_hello_is_sent_first_on_each_connection() -> None:
    """It may depend on where the client is."""
    wires = Wires()

    def hello(positions: Any) -> list[Say]:
        return [Say(text="hello"), Say(text=f"after {positions.get('News')}")]

    async with play(wires, hello=hello) as client:
        first = await wires.next()
        assert [(await first.got())["text"] for _ in range(2)] == ["hello", "after None"]
        first.give({"type": "said", "text": "a", "position": "n-7"})
        await client.receive()
        first.end(1006)
        await all_tasks_blocked()
        await client.send(Say(text="more"))
        second = await wires.next()
        texts = [(await second.got())["text"] for _ in range(3)]
        assert texts == ["hello", "after n-7", "more"]


# Groups.


async def test_positions_are_those_of_the_last_messages() -> None:
    """The next connection goes on from there; the first one from where the application says."""
    wires = Wires()

    def query(positions: Any) -> Any:
        return {"after": positions.get("News")}

    async with play(wires, query=query, positions={"News": "n-1"}) as client:
        first = await wires.next()
        assert client.positions == {"News": "n-1"}
        first.give({"type": "said", "text": "a", "position": "n-2"})
        first.give({"type": "said", "text": "b", "position": "n-3"})
        first.give({"type": "added", "sum": 1, "position": "x"})
        first.end(1006)
        await wires.next()
        assert client.positions == {"News": "n-3"}
    assert [it.url for it in wires.addresses] == ["ws://host/?after=n-1", "ws://host/?after=n-3"]


# Requests.


async def test_request_returns_the_reply_with_its_id() -> None:
    """Others come in between, in any order."""
    wires = Wires()
    replies: list[Any] = []

    async def ask(number: int) -> None:
        replies.append(await client.request(Add(number=number)))

    async with play(wires) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        tasks.start_soon(ask, 1)
        first = await wire.got()
        tasks.start_soon(ask, 2)
        second = await wire.got()
        assert (first["number"], second["number"]) == (1, 2)
        assert first["id"] != second["id"]
        wire.give({"type": "said", "text": "meanwhile"})
        wire.give({"type": "added", "sum": 20, "id": second["id"]})
        await all_tasks_blocked()
        wire.give({"type": "added", "sum": 10, "id": first["id"]})
        await all_tasks_blocked()
        assert [it.sum for it in replies] == [20, 10]
        # What comes later with the same id is a message as any other.
        wire.give({"type": "added", "sum": 11, "id": first["id"]})
        assert await client.receive() == Said(text="meanwhile")
        assert await client.receive() == Added(sum=11, id=first["id"])


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"code": "negative"}, ("negative", "", None)),
        ({"code": "negative", "message": "no", "details": {"a": 1}}, ("negative", "no", {"a": 1})),
        (
            {"code": "invalid_message", "errors": [{"loc": ["text"], "type": "t", "msg": "m"}]},
            ("invalid_message", "", [{"loc": ["text"], "type": "t", "msg": "m"}]),
        ),
    ],
)
async def test_error_with_its_id_is_raised(told: Any, error: Any) -> None:
    """It has what the server told."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        wire.give({"type": "error", "id": "mine", **told})
        with pytest.raises(RequestError) as caught:
            await client.request(Add(number=1, id="mine"))
        assert (caught.value.code, caught.value.message, caught.value.details) == error


async def test_request_keeps_its_own_id() -> None:
    """Two at a time can't have the same."""
    wires = Wires()
    async with play(wires) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        tasks.start_soon(client.request, Add(number=1, id="mine"))
        assert (await wire.got())["id"] == "mine"
        with pytest.raises(ValueError, match="the id 'mine' is that of another request"):
            await client.request(Add(number=2, id="mine"))
        wire.give({"type": "added", "sum": 1, "id": "mine"})


class Go(BaseModel):
    """Asks it to go."""

    type: Literal["go"] = "go"
    id: str | None = None


class Gone(BaseModel):
    """What answers that."""

    type: Literal["gone"] = "gone"
    id: str | None = None


class Halt(BaseModel):
    """Asks it to halt."""

    type: Literal["halt"] = "halt"
    id: str


class Halted(BaseModel):
    """What answers that."""

    type: Literal["halted"] = "halted"
    id: str | None = None


class News(BaseModel):
    """What it tells unasked."""

    type: Literal["news"] = "news"
    id: str | None = None


class Mover(WebSocketEndpoint):
    """Goes, and halts by a message with the id of what is to halt."""

    encoding = "json"
    correlation_id = "id"
    sends = News

    @handles(concurrent=True)
    async def go(self, websocket: WebSocket, data: Go) -> Gone:
        """Go."""
        return Gone()

    @handles
    async def halt(self, websocket: WebSocket, data: Halt) -> Halted:
        """Halt."""
        return Halted()


class Sprint(Go):
    """One that is of the class of another."""

    type: Literal["sprint"] = "sprint"  # type: ignore[assignment]  # tells it from a Go


class Sprinter(WebSocketEndpoint):
    """Answers what is of one class, and what is of its subclass, by replies of two types."""

    encoding = "json"
    correlation_id = "id"

    @handles
    async def go(self, websocket: WebSocket, data: Go) -> Gone:
        """Go."""
        return Gone()

    @handles
    async def sprint(self, websocket: WebSocket, data: Sprint) -> Halted:
        """Sprint."""
        return Halted()


async def test_reply_to_a_subclass_is_its_own() -> None:
    """It is no reply to the class, which is declared before it."""
    wires = Wires()
    found: list[Any] = []

    async def ask() -> None:
        found.append(await client.request(Sprint(id="1")))

    async with (
        connect(Sprinter, "ws://host/", transport=wires.open) as client,
        anyio.create_task_group() as tasks,
    ):
        wire = await wires.next()
        tasks.start_soon(ask)
        await wire.got()
        wire.give({"type": "halted", "id": "1"})
    assert found == [Halted(id="1")]


class Lister(WebSocketEndpoint):
    """Answers with a list, which is no class."""

    encoding = "json"
    correlation_id = "id"

    async def on_receive(self, websocket: WebSocket, data: Go) -> Gone | list[int]:
        """Go."""
        return [1]


async def test_reply_of_any_type_may_be_that_of_another() -> None:
    """So no two have one id."""
    wires = Wires()
    async with (
        connect(Lister, "ws://host/", transport=wires.open) as client,
        anyio.create_task_group() as tasks,
    ):
        wire = await wires.next()
        tasks.start_soon(client.request, Go(id="mine"))
        await wire.got()
        with pytest.raises(ValueError, match="the id 'mine' is that of another request"):
            await client.request(Go(id="mine"))
        wire.give({"type": "gone", "id": "mine"})


REPLIES: dict[str, dict[str, Any]] = {
    "gone": {"type": "gone"},
    "halted": {"type": "halted"},
    "error": {"type": "error", "code": "no"},
    "news": {"type": "news"},
}


@pytest.mark.parametrize("asked", [(Go, Halt), (Halt, Go)])
@pytest.mark.parametrize("told", [*itertools.product(REPLIES, repeat=3)], ids="-".join)
async def test_replies_of_several_types_have_one_id(
    asked: tuple[type[Go | Halt], ...], told: tuple[str, ...]
) -> None:
    """Each goes to who asked for its type, errors and all else to who asked last."""
    expected: dict[type, str] = {}
    rest: list[str] = []
    waiting = [*asked]
    for kind in told:
        own = {"gone": Go, "halted": Halt}.get(kind, waiting[-1] if waiting else None)
        if own in waiting:
            waiting.remove(own)
            expected[own] = kind
        else:
            rest.append(kind)

    found: dict[type, str] = {}

    async def ask(klass: type[Go | Halt]) -> None:
        try:
            found[klass] = (await client.request(klass(id="1"))).type
        except RequestError:
            found[klass] = "error"
        except LostError:
            pass

    wires = Wires()
    async with (
        connect(Mover, "ws://host/", transport=wires.open) as client,
        anyio.create_task_group() as tasks,
    ):
        wire = await wires.next()
        for klass in asked:
            tasks.start_soon(ask, klass)
            await wire.got()
        for kind in told:
            wire.give({**REPLIES[kind], "id": "1"})
        await all_tasks_blocked()
        wire.end(1011)
        await all_tasks_blocked()
        assert found == expected
        came: list[Any] = [await received(client) for _ in rest]
        names = ["error" if isinstance(it, ErrorMessage) else it.type for it in came]
        assert names == rest


async def test_request_has_a_time_limit() -> None:
    """A late reply is a message as any other."""
    wires = Wires()
    async with play(wires) as client:
        wire = await wires.next()
        with pytest.raises(TimeoutError):
            await client.request(Add(number=1), timeout=5)
        wire.give({"type": "added", "sum": 1, "id": (await wire.got())["id"]})
        assert (await received(client)).sum == 1


async def test_request_that_was_not_sent_is_forgotten() -> None:
    """Nobody waits for its reply any more."""
    wires = Wires()
    async with play(wires) as client:
        (await wires.next()).end(1006)
        await all_tasks_blocked()
        with pytest.raises(TimeoutError):
            await client.request(Add(number=1), timeout=0)
        await client.send(Say(text="after"))
        second = await wires.next()
        assert (await second.got())["type"] == "say"


async def test_request_fails_with_its_connection() -> None:
    """It is not asked again: the server may have done it. One that waited is asked now."""
    wires = Wires()
    failed: list[LostError] = []

    async def ask() -> None:
        with pytest.raises(LostError) as caught:
            await client.request(Add(number=1))
        failed.append(caught.value)

    async with play(wires) as client, anyio.create_task_group() as tasks:
        first = await wires.next()
        tasks.start_soon(ask)
        await first.got()
        first.end(1012, "restart")
        await all_tasks_blocked()
        assert [(it.code, it.reason) for it in failed] == [(1012, "restart")]
        tasks.start_soon(client.request, Add(number=2))
        second = await wires.next()
        asked = await second.got()
        assert asked["number"] == 2
        second.give({"type": "added", "sum": 2, "id": asked["id"]})


async def test_request_is_answered_though_messages_wait() -> None:
    """What nobody takes does not stand in its way: it is dropped then."""
    wires = Wires()
    async with play(wires, queue=2) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        for number in range(4):
            wire.give({"type": "said", "text": f"{number}"})
        await all_tasks_blocked()
        tasks.start_soon(client.request, Add(number=1))
        wire.give({"type": "added", "sum": 1, "id": (await wire.got())["id"]})
        await all_tasks_blocked()
        assert [(await received(client)).text for _ in range(2)] == ["0", "1"]
        with pytest.raises(QueueFullError):
            await client.receive()


# Questions.


async def test_questions_are_answered() -> None:
    """By the handler for their type, with their id; others are messages."""
    wires = Wires()

    async def confirm(question: Confirm) -> Confirmed:
        return Confirmed(number=len(question.text))

    async with play(wires) as client:
        wire = await wires.next()
        wire.give({"type": "confirm", "id": "1", "text": "a"})
        assert await client.receive() == Confirm(id="1", text="a")
        client.answer(Confirm, confirm)
        wire.give({"type": "confirm", "id": "2", "text": "abc"})
        assert await wire.got() == {"type": "confirmed", "id": "2", "number": 3}
        wire.give({"type": "confirm", "text": "without an id"})
        wire.give({"type": "said", "text": "hi"})
        assert (await received(client)).text == "without an id"
        assert (await received(client)).text == "hi"


@pytest.mark.parametrize("has_next", [False, True])
async def test_question_ends_with_its_connection(has_next: bool) -> None:
    """What the handler returns then is for nobody."""
    wires = Wires()
    go_on = anyio.Event()

    async def confirm(question: Confirm) -> Confirmed:
        await go_on.wait()
        return Confirmed(number=1)

    async with play(wires) as client:
        client.answer(Confirm, confirm)
        first = await wires.next()
        first.give({"type": "confirm", "id": "1", "text": "a"})
        await all_tasks_blocked()
        first.end(1006)
        await all_tasks_blocked()
        second = await wires.next() if has_next else first
        go_on.set()
        await all_tasks_blocked()
        assert second.got_nothing()


async def test_connection_may_be_lost_while_an_answer_is_sent() -> None:
    """That is no failure of the handler's."""
    wires = Wires()

    async def confirm(question: Confirm) -> Confirmed:
        wire.is_over(1006)
        return Confirmed(number=1)

    async with play(wires) as client:
        client.answer(Confirm, confirm)
        wire = await wires.next()
        wire.give({"type": "confirm", "id": "1", "text": "a"})
        await all_tasks_blocked()
        assert wire.got_nothing()


# The end.


async def test_nothing_is_possible_after_the_end() -> None:
    """All that waits is told how it ended."""
    wires = Wires()
    errors: list[ClosedError] = []

    async def fail(call: Any, *arguments: Any) -> None:
        with pytest.raises(ClosedError) as caught:
            await call(*arguments)
        errors.append(caught.value)

    async with play(wires) as client, anyio.create_task_group() as tasks:
        wire = await wires.next()
        wire.end(1006)
        await all_tasks_blocked()
        tasks.start_soon(fail, client.request, Add(number=1))
        tasks.start_soon(fail, client.receive)
        await all_tasks_blocked()
        wires.outcomes.append(Close(1008, "enough"))
        await anyio.sleep(3)
        await fail(client.send, Say(text=""))
        await fail(client.receive)
        await fail(client.request, Add(number=1))
        assert client.closed == (1008, "enough")
    assert [(it.code, it.reason) for it in errors] == [(1008, "enough")] * 5
