"""Calls of a dialect: who handles them, and what answers them."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

from tests.clocks import REAL_TIME
from tests.dialects.test_jsonrpc import EXAMPLES
from wsendpoints import (
    ClientMessageError,
    ErrorReply,
    JsonRpc,
    Limits,
    WebSocket,
    WebSocketEndpoint,
    handles,
    provides,
)
from wsendpoints.dialects import (
    Call,
    Cancel,
    Close,
    Dialect,
    Id,
    InvalidRecordError,
    Notification,
    Record,
)
from wsendpoints.dialects.values import is_array
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Arrays(Dialect):
    """`[id, method, params]`, with streams, several records in a frame, and closes."""

    def records(self, value: Any) -> Any:
        return value if value and isinstance(value[0], list) else (value,)

    def read(self, record: Any) -> Record:
        match record:
            case [str(id), str(method), params]:
                return Call(method, params, id)
            case [str(id)]:
                return Cancel(id)
            case _:
                raise InvalidRecordError("no record", code="odd")

    def write_reply(self, id: Id, result: Any) -> Any:
        if result == "close":
            return Close(4001, "bye")
        return None if result == "nothing" else [id, result]

    def write_item(self, id: Id, item: Any) -> Any:
        return None if item == "nothing" else [id, "item", item]

    def write_end(self, id: Id) -> Any:
        return [id, "end"]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        if error.code == "request_cancelled":
            return None
        return Close(4400, error.message) if error.code == "odd" else [id, "error", error.code]


class Person(BaseModel):
    """A payload."""

    name: str


class Rpc(WebSocketEndpoint):
    """Speaks JSON-RPC."""

    encoding = "json"
    dialect = JsonRpc(cancel_method="cancel")
    limits = Limits(concurrency=2)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.log: list[Any] = []
        self.release = anyio.Event()

    @provides
    async def greeting(self, data: Any) -> AsyncIterator[str]:
        self.log.append(f"opened for {data!r}")
        yield "Hello"
        self.log.append("closed")

    @handles("subtract")
    async def subtract(self, websocket: WebSocket, minuend: int, subtrahend: int) -> int:
        return minuend - subtrahend

    @handles
    async def sum(self, websocket: WebSocket, *numbers: int) -> int:
        return sum(numbers)

    @handles("get_data")
    async def data(self, websocket: WebSocket) -> list[Any]:
        return ["hello", 5]

    @handles("update")
    async def update(self, websocket: WebSocket, data: Any) -> None:
        self.log.append(data)

    @handles("log")
    async def get_log(self, websocket: WebSocket) -> list[Any]:
        return self.log

    @handles("greet")
    async def greet(self, websocket: WebSocket, data: Person, greeting: str) -> str:
        return f"{greeting}, {data.name}"

    @handles("block")
    def block(self, websocket: WebSocket, number: int) -> int:
        return number * 2

    @handles("refuse")
    async def refuse(self, websocket: WebSocket, code: str | int = "full") -> None:
        raise ErrorReply(code, "no", {"seats": 0})

    @handles("fail")
    async def fail(self, websocket: WebSocket) -> None:
        raise LookupError("a mistake")

    @handles("wait", concurrent=True)
    async def wait(self, websocket: WebSocket, name: str = "") -> str:
        try:
            await self.release.wait()
        finally:
            self.log.append(f"ended {name}")
        return f"waited {name}"

    @handles("go")
    async def go(self, websocket: WebSocket) -> None:
        self.release.set()

    @handles("keyed", concurrent=True, key="room", overlap="refuse")
    async def keyed(self, websocket: WebSocket, room: str) -> str:
        await self.release.wait()
        return room

    @handles("stop")
    async def stop(self, websocket: WebSocket, room: str) -> bool:
        return self.cancel(room)

    @handles("told")
    async def tell(self, websocket: WebSocket) -> None:
        await self.push(Notification("note", Person(name="Ann")))


def rpc(**members: Any) -> dict[str, Any]:
    """Return a record of JSON-RPC."""
    return {"jsonrpc": "2.0", **members}


def failed(code: int, message: str, id: Any, **data: Any) -> dict[str, Any]:
    """Return a response with an error."""
    return rpc(error={"code": code, "message": message, **data}, id=id)


async def call(client: Client, method: str, params: Any = None, id: Any = 1) -> Any:
    """Call a method, and return the response, without what is the same in all."""
    await client.send_json(rpc(method=method, params=params, id=id))
    response = await client.receive_json()
    assert response.pop("jsonrpc") == "2.0"
    assert response.pop("id") == id
    return response.get("error", response.get("result"))


@pytest.mark.parametrize(("sent", "answer"), EXAMPLES)
async def test_examples_of_the_specification(sent: str, answer: str | None) -> None:
    """Each example of JSON-RPC's specification is answered as there, but for the texts."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_text(sent)
        if answer is not None:
            assert _without_texts(await client.receive_json()) == _without_texts(json.loads(answer))
        # Nothing else came of it.
        assert await call(client, "get_data", id="last") == ["hello", 5]


def _without_texts(answer: Any) -> Any:
    if is_array(answer):
        return [_without_texts(it) for it in answer]
    if "error" in answer:
        answer["error"] = answer["error"]["code"]
    return answer


@REAL_TIME
async def test_method_may_block() -> None:
    """A plain function is called in a thread, with the params."""
    async with connect(Rpc.as_asgi()) as client:
        assert await call(client, "block", [4]) == 8


async def test_method_may_take_what_is_provided() -> None:
    """A provider gets the params, validated, and is closed before the next call."""
    async with connect(Rpc.as_asgi()) as client:
        assert await call(client, "greet", {"name": "Ann"}) == "Hello, Ann"
        log = await call(client, "log")
        assert log == ["opened for Person(name='Ann')", "closed"]


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("nowhere", None, {"code": -32601, "message": "there is no such method"}),
        (
            "greet",
            {},
            {
                "code": -32602,
                "message": "the method does not take these params",
                "data": {"errors": [{"loc": ["name"], "type": "missing", "msg": "Field required"}]},
            },
        ),
        (
            "refuse",
            None,
            {
                "code": -32000,
                "message": "no",
                "data": {"code": "full", "details": {"seats": 0}},
            },
        ),
        ("refuse", [-7], {"code": -7, "message": "no", "data": {"seats": 0}}),
    ],
)
async def test_errors_answer_their_call(method: str, params: Any, error: Any) -> None:
    """What is wrong with a call, and what its method raises, answers it; the connection goes on."""
    async with connect(Rpc.as_asgi()) as client:
        assert await call(client, method, params, id="a") == error
        assert await call(client, "subtract", [42, 23]) == 19


@pytest.mark.parametrize(
    "record",
    [
        rpc(method="nowhere"),
        rpc(method="greet", params={}),
        rpc(method="refuse"),
        rpc(method="subtract", params=[1, 1]),
        rpc(method="cancel", params={"id": 5}),
        rpc(result=1, id="s1"),
        rpc(error={"code": 1, "message": ""}, id=5),
    ],
    ids=str,
)
async def test_notifications_and_answers_are_not_answered(record: Any) -> None:
    """A notification gets no answer, not even an error; nor does an answer to nothing."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json(record)
        assert await call(client, "subtract", [42, 23]) == 19


async def test_notification_for_no_method_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It is no mistake, but may be of interest."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json(rpc(method="nowhere"))
        await call(client, "get_data")
    assert "Rpc: a notification that no method takes" in caplog.messages


async def test_failure_closes_with_1011() -> None:
    """An exception in a method is one of the application."""
    with pytest.raises(LookupError, match="a mistake"):
        async with connect(Rpc.as_asgi()) as client:
            await client.send_json(rpc(method="fail", id=1))
            await client.expect_close(1011)


class Forgiving(Rpc):
    """Answers what fails."""

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        self.log.append((data, str(exc)))
        if self.log[1:]:
            return "never mind"
        raise ErrorReply("internal_error", "sorry")


@pytest.mark.parametrize("is_batch", [False, True])
async def test_on_error_answers_a_call(is_batch: bool) -> None:
    """`on_error` gets the params, raises what answers the call, or returns its result."""
    async with connect(Forgiving.as_asgi()) as client:
        answers: list[Any] = []
        for _ in range(2):
            record = rpc(method="fail", id=1)
            await client.send_json([record] if is_batch else record)
            answer = await client.receive_json()
            answers.append(answer[0] if is_batch else answer)
        assert answers == [failed(-32603, "sorry", 1), rpc(result="never mind", id=1)]
        assert await call(client, "log") == [[{}, "a mistake"]] * 2


class Giving(Rpc):
    """Fails in its own answer to a failure."""

    failures: int = 0

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        self.failures += 1
        raise ValueError(f"failure {self.failures}")


@pytest.mark.parametrize("is_batch", [False, True])
async def test_on_error_is_called_once(is_batch: bool) -> None:
    """What it raises ends the connection."""
    with pytest.raises(ValueError, match="failure 1"):
        async with connect(Giving.as_asgi()) as client:
            record = rpc(method="fail", id=1)
            await client.send_json([record, record] if is_batch else record)
            await client.expect_close(1011)


class GivingBeside(Giving):
    """Fails beside the loop."""

    @handles("fail", concurrent=True)
    async def fail(self, websocket: WebSocket) -> None:
        raise LookupError("a mistake")


async def test_on_error_of_a_concurrent_call_is_called_once() -> None:
    """What it raises ends the connection as well."""
    with pytest.raises(ValueError, match="failure 1"):
        async with connect(GivingBeside.as_asgi()) as client:
            await client.send_json(rpc(method="fail", id=1))
            await client.expect_close(1011)


class Plain(WebSocketEndpoint):
    """Has no dialect."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: int) -> int:
        raise ErrorReply("full")


async def test_class_without_a_dialect_answers_as_before() -> None:
    """An error is a message then."""
    async with connect(Plain.as_asgi()) as client:
        await client.send_json(5)
        assert await client.receive_json() == {"type": "error", "code": "full"}


async def test_failure_in_a_batch_closes_with_1011() -> None:
    """What fails in a batch fails as alone."""
    with pytest.raises(LookupError, match="a mistake"):
        async with connect(Rpc.as_asgi()) as client:
            await client.send_json([rpc(method="fail", id=1), rpc(method="get_data", id=2)])
            await client.expect_close(1011)


class Strict(Rpc):
    """Has a small limit."""

    limits = Limits(max_invalid=3)


async def test_invalid_frames_are_counted() -> None:
    """So many invalid frames in a row close the connection; a batch is one frame."""
    async with connect(Strict.as_asgi()) as client:
        await client.send_json([1, 2, 3, 4])
        assert len(await client.receive_json()) == 4
        await call(client, "nowhere")
        assert await call(client, "get_data") == ["hello", 5]
        await client.send_json([1, rpc(method="get_data", id=1)])
        await client.receive_json()
        for _ in range(2):
            await client.send_text("{")
            assert await client.receive_json() == failed(-32700, "not valid JSON", None)
        await client.send_json([5])
        await client.receive_json()
        await client.expect_close(1008)


class Custom(Rpc):
    """Has its own answer to what is invalid."""

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        if error.detail == '"method" is a string':
            raise ErrorReply(-1, "mine")
        assert error.frame
        await super().on_invalid(websocket, error)


async def test_on_invalid_decides() -> None:
    """An override may answer in another way, or as usual."""
    async with connect(Custom.as_asgi()) as client:
        await client.send_json(rpc(method=5, id=7))
        assert await client.receive_json() == failed(-1, "mine", 7)
        await client.send_text("{")
        assert (await client.receive_json())["error"]["code"] == -32700


async def test_limits_close() -> None:
    """What exceeds a limit has no answer in the protocol."""
    app = Rpc.as_asgi(limits=Limits(max_message_size=10))
    async with connect(app) as client:
        await client.send_json(rpc(method="get_data", id=1))
        await client.expect_close(1009)


# Concurrent calls.


async def test_concurrent_calls_do_not_wait() -> None:
    """Others are answered meanwhile, and each answer has the id of its call."""
    async with connect(Rpc.as_asgi()) as client:
        for name in "ab":
            await client.send_json(rpc(method="wait", params=[name], id=name))
        assert await call(client, "get_data") == ["hello", 5]
        await client.send_json(rpc(method="go"))
        answers = [await client.receive_json() for _ in "ab"]
        assert sorted(answers, key=lambda it: str(it["id"])) == [
            rpc(result="waited a", id="a"),
            rpc(result="waited b", id="b"),
        ]


CANCELLED = "the call was cancelled"


async def test_client_cancels_what_runs_and_what_waits() -> None:
    """A cancelled call is answered with an error, once, and its method ends."""
    async with connect(Rpc.as_asgi()) as client:
        for number in range(4):
            await client.send_json(rpc(method="wait", params=[str(number)], id=number))
        # Two run, and two wait.
        assert await call(client, "log") == []
        for number in (3, 0, 0):
            await client.send_json(rpc(method="cancel", params={"id": number}))
        answers = [await client.receive_json() for _ in range(2)]
        assert failed(-32800, CANCELLED, 3) in answers
        assert failed(-32800, CANCELLED, 0) in answers
        await client.send_json(rpc(method="go"))
        answers = [await client.receive_json() for _ in range(2)]
        assert {it["result"] for it in answers} == {"waited 1", "waited 2"}
        log = await call(client, "log")
        assert sorted(log) == ["ended 0", "ended 1", "ended 2"]


async def test_server_cancels_by_key() -> None:
    """A call that the server itself cancels is answered as well."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json(rpc(method="keyed", params=["lobby"], id=1))
        busy = await call(client, "keyed", ["lobby"], id=2)
        assert busy["data"] == {"code": "busy"}
        await client.send_json(rpc(method="stop", params=["lobby"], id=3))
        answers = [await client.receive_json() for _ in range(2)]
        assert failed(-32800, CANCELLED, 1) in answers
        assert rpc(result=True, id=3) in answers


async def test_batch_waits_for_its_concurrent_calls() -> None:
    """A batch is answered in one frame, in its order, once all of its calls are done."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json(
            [
                rpc(method="wait", params=["a"], id=1),
                rpc(method="get_data"),
                rpc(method="subtract", params=[2, 1], id=2),
                rpc(method="wait", params=["b"], id=3),
                5,
            ]
        )
        assert await call(client, "get_data", id="meanwhile") == ["hello", 5]
        await client.send_json(rpc(method="cancel", params={"id": 1}))
        await client.send_json(rpc(method="go"))
        assert await client.receive_json() == [
            failed(-32800, CANCELLED, 1),
            rpc(result=1, id=2),
            rpc(result="waited b", id=3),
            failed(-32600, "a record is an object", None),
        ]


async def test_push_sends_a_notification() -> None:
    """What a server sends of itself is a notification, with a model for its params."""
    async with connect(Rpc.as_asgi()) as client:
        await client.send_json(rpc(method="told"))
        assert await client.receive_json() == rpc(method="note", params={"name": "Ann"})


# Streams, closes, and several records.


class Streams(WebSocketEndpoint):
    """Sends items."""

    encoding = "json"
    dialect = Arrays()

    @handles("count", concurrent=True)
    async def count(self, websocket: WebSocket, number: int) -> AsyncIterator[int | str]:
        for item in range(number):
            yield item
            yield "nothing"
        if number > 5:
            try:
                await anyio.sleep_forever()
            finally:
                yield "last words"

    @handles("none")
    async def none(self, websocket: WebSocket) -> AsyncIterator[int]:
        for item in range(0):
            yield item

    @handles("break")
    async def interrupt(self, websocket: WebSocket) -> AsyncIterator[int]:
        yield 1
        raise ErrorReply("broken", "no more")

    @handles("say")
    async def say(self, websocket: WebSocket, word: str) -> str:
        return word

    @handles("later")
    async def later(self, websocket: WebSocket, data: Any) -> None:
        async def notes() -> AsyncIterator[int]:
            yield data

        await self.stream(notes()).wait()


async def test_items_and_end_of_a_stream() -> None:
    """Each item has the id of its call, and so has the end."""
    async with connect(Streams.as_asgi()) as client:
        await client.send_json(["a", "count", 2])
        answers = [await client.receive_json() for _ in range(3)]
        assert answers == [["a", "item", 0], ["a", "item", 1], ["a", "end"]]
        await client.send_json(["b", "none", None])
        assert await client.receive_json() == ["b", "end"]
        await client.send_json(["c", "break", None])
        answers = [await client.receive_json() for _ in range(2)]
        assert answers == [["c", "item", 1], ["c", "error", "broken"]]


async def test_cancelled_stream_sends_nothing_more() -> None:
    """After a cancellation comes no item, and no end, where the protocol has no answer to it."""
    async with connect(Streams.as_asgi()) as client:
        await client.send_json(["a", "count", 6])
        for number in range(6):
            assert await client.receive_json() == ["a", "item", number]
        await client.send_json(["a"])
        await client.send_json(["b", "say", "hello"])
        assert await client.receive_json() == ["b", "hello"]
        await client.receive_nothing()


async def test_frame_of_several_records() -> None:
    """In no batch, each is answered for itself, and one that is refused stops no other."""
    async with connect(Streams.as_asgi()) as client:
        await client.send_json([["a", "say", "x"], ["b", "say", "nothing"], ["c", "nowhere", 1]])
        answers = [await client.receive_json() for _ in range(2)]
        assert answers == [["a", "x"], ["c", "error", "method_not_found"]]


async def test_answers_may_close() -> None:
    """A protocol may answer with a close: a result, or what is no record."""
    for frame, code in ((["a", "say", "close"], 4001), (5, 4400), ([["a", "say", "close"]], 4001)):
        async with connect(Streams.as_asgi()) as client:
            await client.send_json([frame] if frame == 5 else frame)
            await client.expect_close(code)


class Held(Rpc):
    """Takes long, in a handler that runs alone."""

    @handles("hold")
    async def hold(self, websocket: WebSocket) -> None:
        await anyio.sleep(10)


async def test_method_that_takes_long_is_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log has the name of the method, as for a message."""
    async with connect(Held.as_asgi()) as client:
        await client.send_json(rpc(method="hold", id=1))
        await anyio.sleep(0.1)
        await client.send_json(rpc(method="get_data"))
        await anyio.sleep(10)
        await client.receive_json()
    assert any("Held.hold has been waiting" in message for message in caplog.messages)


class Forgetful(Rpc):
    """Does not await."""

    @handles("forget")
    async def forget(self, websocket: WebSocket) -> Any:
        return self.subtract(websocket, 1, 2)


async def test_forgotten_await_is_told_with_the_method() -> None:
    """The error names the method."""
    with pytest.raises(TypeError, match=r"^Forgetful\.forget sends the coroutine of Rpc\.subtract"):
        async with connect(Forgetful.as_asgi()) as client:
            await client.send_json(rpc(method="forget", id=1))
            await client.expect_close(1011)
