"""Questions to the client: from where they are asked, and what becomes of each."""

import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal
from uuid import UUID

import anyio
import pytest
from pydantic import BaseModel, JsonValue

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ClientMessageError,
    ConfigurationError,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    handles,
)
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio

LONG = 1000.0


class Run(BaseModel):
    """Has the server ask."""

    type: Literal["run"] = "run"
    what: str = ""


class Approve(BaseModel):
    """A question."""

    type: Literal["approve"] = "approve"
    id: str | int | None = None
    what: str = ""


class Approval(BaseModel):
    """Its answer."""

    type: Literal["approval"] = "approval"
    id: str | int | None = None
    granted: bool = True


class Choice(BaseModel):
    """Another answer."""

    type: Literal["choice"] = "choice"
    id: str | int | None = None


class Done(BaseModel):
    """What the client gets in the end."""

    type: Literal["done"] = "done"
    what: str = ""


class Asks(Recording):
    """Asks in a handler that is `run`."""

    encoding = "json"
    correlation_id: ClassVar[str | None] = "id"
    answers: ClassVar[Any] = Approval | Choice
    sends: ClassVar[Any] = Approve | Done

    async def sure(self, what: str = "", seconds: float = LONG) -> bool:
        """Ask."""
        approval = await self.ask(Approve(what=what), Approval, timeout=seconds)
        return approval.granted


class InTurn(Asks):
    """Asks in a handler."""

    @handles
    async def run(self, websocket: WebSocket, data: Run) -> Done:
        return Done(what=f"{data.what}: {await self.sure(data.what)}")


class Beside(Asks):
    """Asks in a handler beside others."""

    @handles(concurrent=True)
    async def run(self, websocket: WebSocket, data: Run) -> Done:
        return Done(what=f"{data.what}: {await self.sure(data.what)}")


class Streaming(Asks):
    """Asks between items."""

    @handles
    async def run(self, websocket: WebSocket, data: Run) -> AsyncIterator[Done]:
        yield Done(what=f"{data.what}: {await self.sure(data.what)}")


class InATask(Asks):
    """Asks in a task."""

    @handles
    async def run(self, websocket: WebSocket, data: Run) -> None:
        self.start_soon(self.work, data.what)

    async def work(self, what: str) -> None:
        """Ask."""
        await self.push(Done(what=f"{what}: {await self.sure(what)}"))


ASKING = [InTurn, Beside, Streaming, InATask]

each_place = pytest.mark.parametrize("place", ASKING, ids=lambda place: place.__name__)


def like(place: type[Asks]) -> type[Asks]:
    """Return a class like another one, with a log of its own."""
    return type(place.__name__, (place,), {})


async def approve(client: Client, *, granted: bool = True) -> str:
    """Answer the next question; return what it is about."""
    question = await client.receive(Approve)
    await client.send(Approval(id=question.id, granted=granted))
    return question.what


@each_place
async def test_answer_comes_to_where_it_is_asked_for(place: type[Asks]) -> None:
    """Whatever it is asked from, also the second time."""
    async with connect(as_asgi(like(place)), timeout=50) as client:
        for granted in (True, False):
            await client.send(Run(what="x"))
            assert await approve(client, granted=granted) == "x"
            assert await client.receive(Done) == Done(what=f"x: {granted}")


@each_place
async def test_answer_that_takes_long(place: type[Asks]) -> None:
    """The handler was found to take long by then."""
    async with connect(as_asgi(like(place)), timeout=50) as client:
        await client.send(Run(what="x"))
        await anyio.sleep(20)
        await approve(client)
        assert await client.receive(Done) == Done(what="x: True")


@each_place
async def test_answer_that_comes_before_its_question_is_sent(place: type[Asks]) -> None:
    """The server says late that the question is sent, and reads meanwhile what the client sends."""
    app = as_asgi(like(place))

    async def held_up(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_at_length(event: Event) -> None:
            await send(event)
            if event["type"] == "websocket.send":
                await anyio.sleep(5)

        await app(scope, receive, send_at_length)

    async with connect(held_up, timeout=50) as client:
        await client.send(Run(what="x"))
        await approve(client)
        assert await client.receive(Done) == Done(what="x: True")


async def test_three_questions_in_a_row_while_messages_wait() -> None:
    """Answers pass those that wait, which are handled in their order then."""

    class Chat(Asks):
        @handles
        async def run(self, websocket: WebSocket, data: Run) -> Done:
            if data.what == "ask":
                granted = [await self.sure(str(number)) for number in range(3)]
                return Done(what=str(granted))
            return Done(what=data.what)

    waiting = [str(number) for number in range(20)]
    async with connect(as_asgi(Chat), timeout=50) as client:
        for what in ("ask", *waiting):
            await client.send(Run(what=what))
        for number in range(3):
            assert await approve(client, granted=number == 1) == str(number)
        assert await client.receive(Done) == Done(what="[False, True, False]")
        assert [(await client.receive(Done)).what for _ in waiting] == waiting


async def test_question_of_on_connect() -> None:
    """Once it has accepted."""

    class Chat(Asks):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.log.append(await self.sure("connect?"))

        @handles
        async def run(self, websocket: WebSocket, data: Run) -> Done:
            return Done(what=data.what)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run(what="early"))
        assert await approve(client) == "connect?"
        assert await client.receive(Done) == Done(what="early")
    assert Chat.log == ["connect", True, 1000]


async def test_question_from_outside() -> None:
    """From any task that knows the endpoint, while no message is handled."""
    endpoints: list[Asks] = []

    class Chat(Asks):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            endpoints.append(self)

    async def ask() -> None:
        Chat.log.append(await endpoints[0].sure("from outside?"))

    async with connect(as_asgi(Chat), timeout=50) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        assert await approve(client) == "from outside?"
    assert Chat.log == ["connect", True, 1000]


async def test_any_number_at_once() -> None:
    """Each gets the answer with its id, whichever comes first."""
    async with connect(as_asgi(like(Beside)), timeout=50) as client:
        for number in range(9):
            await client.send(Run(what=str(number)))
            await all_tasks_blocked()
        questions = [await client.receive(Approve) for _ in range(9)]
        assert len({question.id for question in questions}) == 9
        for question in reversed(questions):
            await client.send(Approval(id=question.id, granted=question.what in {"3", "5"}))
            done = await client.receive(Done)
            assert done.what == f"{question.what}: {question.what in {'3', '5'}}"


async def test_answer_that_passes_others_is_counted_as_any_message_is() -> None:
    """What exceeds a limit is refused in its turn."""

    class Chat(InTurn):
        limits = Limits(max_message_size=100)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run())
        question = await client.receive(Approve)
        await client.send({"type": "approval", "id": question.id, "more": "x" * 100})
        await client.receive_nothing()
        await client.send(Approval(id=question.id))
        assert await client.receive(Done) == Done(what=": True")
        await client.expect_close(1009)


# Time.


async def test_client_that_does_not_answer() -> None:
    """The time begins once the question is sent."""

    class Chat(Asks):
        limits = Limits(send_timeout=None)

        @handles
        async def run(self, websocket: WebSocket, data: Run) -> Done:
            began = anyio.current_time()
            with pytest.raises(TimeoutError) as caught:
                await self.sure("?", seconds=5)
            self.log.append(str(caught.value))
            return Done(what=f"{anyio.current_time() - began:.0f}")

    async with connect(as_asgi(Chat), timeout=50) as client:
        client.pause_reading()
        await client.send(Run())
        await anyio.sleep(20)
        client.resume_reading()
        await client.receive(Approve)
        assert await client.receive(Done) == Done(what="25")
    assert Chat.log[1] == f"{Chat.__qualname__}: the client has not answered within 5 s"


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_time_is_above_zero(seconds: float) -> None:
    """Nothing is sent otherwise."""

    class Chat(Asks):
        @handles
        async def run(self, websocket: WebSocket, data: Run) -> Done:
            with pytest.raises(ValueError, match="ask") as caught:
                await self.sure("?", seconds=seconds)
            return Done(what=str(caught.value))

    async with connect(as_asgi(Chat)) as client:
        await client.send(Run())
        expected = f"ask(timeout={seconds!r}): use seconds, a number above 0"
        assert await client.receive(Done) == Done(what=expected)


# Answers that nobody waits for.


@pytest.mark.parametrize("kind", ["late", "unknown", "without an id", "another type", "twice"])
async def test_answer_that_nobody_waits_for_is_dropped(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells of it, and the connection goes on."""

    class Chat(Asks):
        @handles
        async def run(self, websocket: WebSocket, data: Run) -> Done:
            try:
                return Done(what=str(await self.sure(seconds=5)))
            except TimeoutError:
                return Done(what="timeout")

    with caplog.at_level(logging.DEBUG, "wsendpoints"):
        async with connect(as_asgi(Chat), timeout=50) as client:
            await client.send(Run())
            question = await client.receive(Approve)
            match kind:
                case "late":
                    await client.receive(Done)
                    await client.send(Approval(id=question.id))
                case "unknown":
                    await client.send(Approval(id="x"))
                case "without an id":
                    await client.send(Approval())
                case "another type":
                    await client.send(Choice(id=question.id))
                case _:
                    await client.send(Approval(id=question.id))
                    await client.send(Approval(id=question.id))
                    await client.receive(Done)
            if kind not in {"late", "twice"}:
                assert await client.receive(Done) == Done(what="timeout")
            await client.receive_nothing()
            await client.send(Run())
            await approve(client)
            assert await client.receive(Done) == Done(what="True")
    line = f"{Chat.__qualname__}: an answer to no question that waits for one"
    assert caplog.messages.count(line) == 1


@each_place
async def test_invalid_answer_is_told_of_at_once(place: type[Asks]) -> None:
    """So that the client can answer again, while what asked waits."""
    chat = like(place)
    async with connect(as_asgi(chat), timeout=50) as client:
        await client.send(Run(what="x"))
        question = await client.receive(Approve)
        # What has no id, or no question's, waits for its turn.
        if place is not InATask and place is not Beside:
            await client.send({"type": "approval", "granted": "perhaps"})
            await client.send({"type": "approval", "granted": "perhaps", "id": "other"})
        await client.send({"type": "approval", "granted": "perhaps", "id": question.id})
        refusal = await client.receive_json()
        assert refusal["id"] == question.id
        assert refusal["errors"][0]["loc"] == ["granted"]
        await client.send(Approval(id=question.id))
        assert await client.receive(Done) == Done(what="x: True")
        if place is not InATask and place is not Beside:
            refusals = [await client.receive_json() for _ in range(2)]
            assert [refusal.get("id") for refusal in refusals] == [None, "other"]


async def test_failure_to_tell_of_an_invalid_answer_surfaces() -> None:
    """As that of any task does."""

    class Chat(InTurn):
        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        async with connect(as_asgi(Chat), timeout=50) as client:
            await client.send(Run())
            question = await client.receive(Approve)
            await client.send({"type": "approval", "granted": "perhaps", "id": question.id})
            await client.expect_close(1011)


# The end.


@each_place
@pytest.mark.parametrize("end", ["close", "vanish", "shutdown"])
async def test_leaving_ends_each_question(place: type[Asks], end: str) -> None:
    """With the disconnect, which tells how it ended."""

    class Chat(place):  # type: ignore[misc, valid-type]  # a base that is a parameter
        async def sure(self, what: str = "", seconds: float = LONG) -> bool:
            try:
                return bool(await super().sure(what, seconds))
            except WebSocketDisconnect as exc:
                self.log.append(("asked", exc.code))
                raise

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run())
        await client.receive(Approve)
        await all_tasks_blocked()
        match end:
            case "close":
                await client.close(4000)
            case "vanish":
                client.vanish(4000)
            case _:
                client.shutdown()
        await client.wait_for_app()
    code = 1012 if end == "shutdown" else 4000
    assert Chat.log == ["connect", ("asked", code), code]


async def test_leaving_ends_all_questions() -> None:
    """Those from outside, too."""
    endpoints: list[Asks] = []
    log: list[int] = []

    class Chat(Beside):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            endpoints.append(self)

        async def sure(self, what: str = "", seconds: float = LONG) -> bool:
            with pytest.raises(WebSocketDisconnect) as caught:
                await super().sure(what, seconds)
            log.append(caught.value.code)
            return False

    async with anyio.create_task_group() as tasks, connect(as_asgi(Chat), timeout=50) as client:
        for _ in range(3):
            await client.send(Run())
        for _ in range(3):
            tasks.start_soon(endpoints[0].sure)
        for _ in range(6):
            await client.receive(Approve)
        await all_tasks_blocked()
        await client.close(4000)
    assert log == [4000] * 6


async def test_our_own_close_ends_a_question() -> None:
    """Nothing is received after it."""

    class Chat(Asks):
        @handles
        async def run(self, websocket: WebSocket, data: Run) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._close_soon)
                with pytest.raises(WebSocketDisconnect) as caught:
                    await self.sure()
                self.log.append(caught.value.code)

        async def _close_soon(self) -> None:
            await all_tasks_blocked()
            await self.websocket.close(4001)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run())
        await client.receive(Approve)
        await client.expect_close(4001)
        await client.wait_for_app()
    assert Chat.log == ["connect", 4001, 4001]


@pytest.mark.parametrize(
    ("moment", "error"),
    [
        pytest.param(
            "before the accept",
            "'websocket.send' can't be sent while the connection is handshake: accept the "
            "connection first, or refuse it",
            id="before the accept",
        ),
        pytest.param(
            "after the close",
            "'websocket.send' can't be sent while the connection is closed: it was closed by this "
            "side",
            id="after the close",
        ),
        pytest.param(
            "in on_disconnect",
            "a client can be asked while the connection is served",
            id="in on_disconnect",
        ),
    ],
)
async def test_nothing_is_asked_where_nobody_can_answer(moment: str, error: str) -> None:
    """It is an error of the caller's."""

    class Chat(Asks):
        async def on_connect(self, websocket: WebSocket) -> None:
            if moment == "before the accept":
                await self._ask()
            await websocket.accept()
            if moment == "after the close":
                await websocket.close()
                await self._ask()

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            if moment == "in on_disconnect":
                await self._ask()

        async def _ask(self) -> None:
            with pytest.raises(InvalidStateError) as caught:
                await self.sure()
            self.log.append(str(caught.value))

    async with connect(as_asgi(Chat)):
        pass
    assert Chat.log == [error]


async def test_cancelling_the_wait_loses_the_answer_alone() -> None:
    """A timeout of one's own, or the cancellation of the handler."""

    class Chat(Asks):
        @handles(concurrent=True)
        async def run(self, websocket: WebSocket, data: Run) -> Done:
            with anyio.move_on_after(1 if data.what == "timeout" else LONG):
                return Done(what=str(await self.sure()))
            return Done(what="too late")

        @handles
        async def stop(self, websocket: WebSocket, data: Done) -> None:
            self.cancel(self.run)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run(what="timeout"))
        question = await client.receive(Approve)
        assert await client.receive(Done) == Done(what="too late")
        await client.send(Approval(id=question.id))
        await client.send(Run())
        question = await client.receive(Approve)
        await client.send(Done())
        await client.send(Approval(id=question.id))
        await client.receive_nothing()
        await client.send(Run())
        await approve(client)
        assert await client.receive(Done) == Done(what="True")


async def test_question_whose_send_fails_waits_for_nothing() -> None:
    """The client is gone, and the server says so when it is to send."""
    server = FakeServer(CONNECT, text('{"type": "run"}'))

    class Chat(Asks):
        @handles
        async def run(self, websocket: WebSocket, data: Run) -> None:
            server.failure = OSError("gone")
            with pytest.raises(WebSocketDisconnect):
                await self.sure()
            self.log.append("gone")

    await as_asgi(Chat)(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "gone", 1006]


# Ids.


class Numbered(BaseModel):
    """A question with a number."""

    type: Literal["numbered"] = "numbered"
    id: int | None = None


class Unique(BaseModel):
    """A question with a UUID."""

    type: Literal["unique"] = "unique"
    id: UUID | None = None


class Mute(BaseModel):
    """No question: it has no id."""

    type: Literal["mute"] = "mute"


class AsksAnything(Asks):
    """Asks with what each test has."""

    sends = Approve | Done | Numbered | Unique | Mute
    questions: ClassVar[list[BaseModel]] = []

    @handles
    async def run(self, websocket: WebSocket, data: Run) -> None:
        async with anyio.create_task_group() as tasks:
            for question in self.questions:
                tasks.start_soon(self._ask, question)
                await all_tasks_blocked()

    async def _ask(self, question: BaseModel) -> None:
        try:
            await self.ask(question, Approval, timeout=LONG)
            self.log.append("answered")
        except (ValueError, ConfigurationError) as exc:
            self.log.append(str(exc))


def asking(*some: BaseModel) -> type[AsksAnything]:
    """Return a class that asks this."""

    class Chat(AsksAnything):
        questions: ClassVar[list[BaseModel]] = [*some]

    return Chat


@pytest.mark.parametrize(
    ("question", "id_"),
    [
        pytest.param(Approve(), "s1", id="str"),
        pytest.param(Numbered(), 1, id="int"),
        pytest.param(Approve(id="mine"), "mine", id="own"),
        pytest.param(Approve(id=7), 7, id="own number"),
        pytest.param(
            Unique(id=UUID(int=1)), "00000000-0000-0000-0000-000000000001", id="own of another type"
        ),
    ],
)
async def test_question_has_an_id_of_a_kind_that_it_takes(
    question: BaseModel, id_: str | int
) -> None:
    """Its own, if it has one."""
    chat = asking(question)
    async with connect(as_asgi(chat)) as client:
        await client.send(Run())
        assert (await client.receive_json())["id"] == id_
        await client.send(Approval(id=id_))
        await client.receive_nothing()
    assert chat.log == ["connect", "answered", 1000]


async def test_id_may_have_to_be_a_uuid() -> None:
    """Then it is one."""
    chat = asking(Unique())
    async with connect(as_asgi(chat)) as client:
        await client.send(Run())
        id_ = (await client.receive_json())["id"]
        assert UUID(id_)
        await client.send(Approval(id=id_))
    assert chat.log == ["connect", "answered", 1000]


async def test_id_that_a_question_brought_is_not_given_to_another() -> None:
    """Each has one of its own."""
    chat = asking(Approve(id="s1"), Approve(id=2), Approve())
    async with connect(as_asgi(chat)) as client:
        await client.send(Run())
        ids = [(await client.receive_json())["id"] for _ in range(3)]
        assert len(set(ids)) == 3
        for id_ in ids:
            await client.send(Approval(id=id_))
    assert chat.log == ["connect", *["answered"] * 3, 1000]


async def test_id_that_waits_already_is_refused() -> None:
    """Its answer would be taken for that of the other."""
    chat = asking(Approve(id="x"), Approve(id="x"))
    async with connect(as_asgi(chat)) as client:
        await client.send(Run())
        await client.receive(Approve)
        await client.receive_nothing()
        await client.send(Approval(id="x"))
    assert chat.log[1:-1] == [
        (
            "a question with the id 'x' waits for its answer already: leave the id out, and each "
            "question gets one of its own"
        ),
        "answered",
    ]


@pytest.mark.parametrize("id_", ["x" * 129, 10**128], ids=["str", "int"])
async def test_id_that_would_not_come_back_is_refused(id_: JsonValue) -> None:
    """As that of a message."""
    chat = asking(Approve.model_construct(type="approve", id=id_, what=""))
    async with connect(as_asgi(chat)) as client:
        await client.send(Run())
        await client.receive_nothing()
    assert chat.log[1] == "the id of a question is a str of at most 128 characters, or an int"


async def test_question_without_a_field_for_an_id_is_refused() -> None:
    """Nobody could tell its answer."""
    chat = asking(Mute())
    async with connect(as_asgi(chat)) as client:
        await client.send(Run())
        await client.receive_nothing()
    assert chat.log[1] == (
        f"{chat.__qualname__} asks with a Mute, which has no field 'id' to tell its answer by: add "
        "`id: str | None = None`"
    )
