"""Calls of the server to its client, by a dialect."""

import logging
from typing import Any, ClassVar

import anyio
import pytest
from pydantic import BaseModel

from wsendpoints import (
    ConfigurationError,
    Dialect,
    ErrorReply,
    JsonRpc,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.dialects import AskError, Call, Id, InvalidRecordError, Record, Request
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    """A payload."""

    name: str


class Asking(WebSocketEndpoint):
    """Asks its client."""

    encoding = "json"
    dialect: ClassVar[Dialect | None] = JsonRpc(cancel_method="cancel")
    outcomes: Any = None

    @handles("ask")
    async def put(self, websocket: WebSocket, params: Any = None, seconds: float = 5) -> Any:
        try:
            question = Request("who", params)
            person = await self.ask(question, Person | list[Person], timeout=seconds)
            return [person.name] if isinstance(person, Person) else [it.name for it in person]
        except (AskError, InvalidRecordError, TimeoutError, ValueError) as exc:
            return f"{type(exc).__name__}: {exc}"

    @handles("three")
    async def put_three(self, websocket: WebSocket) -> list[int]:
        return [await self.ask(Request("number"), int, timeout=5) for _ in range(3)]

    @handles("uncaught")
    async def put_uncaught(self, websocket: WebSocket) -> int:
        return await self.ask(Request("number"), int, timeout=5)

    @handles("echo")
    async def echo(self, websocket: WebSocket, value: int) -> int:
        return value

    @handles("wrong")
    async def ask_wrong(self, websocket: WebSocket) -> Any:
        return await self.ask(Person(name="Ann"), Person, timeout=5)


def rpc(**members: Any) -> dict[str, Any]:
    """Return a record of JSON-RPC."""
    return {"jsonrpc": "2.0", **members}


async def asked(client: Client, method: str = "ask", params: Any = None) -> Any:
    """Call a method that asks, and return the question."""
    await client.send_json(rpc(method=method, params=params, id=1))
    question = await client.receive_json()
    assert question.pop("jsonrpc") == "2.0"
    return question


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        pytest.param({"result": {"name": "Ann"}}, ["Ann"], id="result"),
        pytest.param({"result": [{"name": "Ann"}, {"name": "Bob"}]}, ["Ann", "Bob"], id="list"),
        pytest.param(
            {"result": {"name": 5}},
            "InvalidRecordError: the result of 'who' is not of the type that was asked for",
            id="result of another type",
        ),
        pytest.param(
            {"error": {"code": 7, "message": "nobody"}},
            "AskError: the client answered with the error 7: 'nobody'",
            id="error",
        ),
        pytest.param(
            {"error": {"code": 7, "message": ""}},
            "AskError: the client answered with the error 7",
            id="error without a text",
        ),
    ],
)
async def test_answer_is_the_result(answer: Any, result: Any) -> None:
    """The result is validated; an error, or another type, raises."""
    async with connect(Asking.as_asgi()) as client:
        question = await asked(client, params=[{"x": 1}])
        assert question == {"method": "who", "params": {"x": 1}, "id": "s1"}
        await client.send_json(rpc(id="s1", **answer))
        assert await client.receive_json() == rpc(result=result, id=1)


async def test_questions_do_not_wait_behind_calls() -> None:
    """A method asks three questions in a row, while twenty calls wait behind it."""
    async with connect(Asking.as_asgi()) as client:
        question = await asked(client, "three")
        for number in range(20):
            await client.send_json(rpc(method="echo", params=[number], id=f"c{number}"))
        await client.send_text("{")
        await client.send_json([rpc(method="echo", params=[n], id=n) for n in (1, 2)])
        for number in range(3):
            await client.send_json(rpc(result=number, id=question["id"]))
            if number < 2:
                question = await client.receive_json()
        assert await client.receive_json() == rpc(result=[0, 1, 2], id=1)
        for number in range(20):
            assert await client.receive_json() == rpc(result=number, id=f"c{number}")
        assert (await client.receive_json())["error"]["code"] == -32700
        assert await client.receive_json() == [rpc(result=n, id=n) for n in (1, 2)]


async def test_answers_to_nothing_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """What answers no call that waits is logged, and waits for nobody."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    async with connect(Asking.as_asgi()) as client:
        question = await asked(client)
        for id_ in ("s9", 1, None):
            await client.send_json(rpc(result={"name": "no"}, id=id_))
        await client.send_json(rpc(result={"name": "Ann"}, id=question["id"]))
        assert await client.receive_json() == rpc(result=["Ann"], id=1)
        await client.send_json(rpc(result={"name": "late"}, id=question["id"]))
        await client.send_json(rpc(method="echo", params=[1], id=2))
        await client.receive_json()
    dropped = "Asking: an answer to no call that waits for one"
    assert caplog.messages.count(dropped) == 4


async def test_call_that_is_not_answered_is_cancelled() -> None:
    """After its time the client is told that nobody waits any more."""
    async with connect(Asking.as_asgi()) as client:
        await asked(client, params=[None, 0.5])
        await anyio.sleep(0.6)
        assert await client.receive_json() == rpc(method="cancel", params={"id": "s1"})
        answer = "TimeoutError: Asking: the client has not answered within 0.5 s"
        assert await client.receive_json() == rpc(result=answer, id=1)


class Patient(Asking):
    """Has a protocol without cancellation."""

    dialect = JsonRpc()


async def test_protocol_without_cancellation() -> None:
    """The client is told nothing when nobody waits any more."""
    async with connect(Patient.as_asgi()) as client:
        await asked(client, params=[None, 0.5])
        await anyio.sleep(0.6)
        answer = "TimeoutError: Patient: the client has not answered within 0.5 s"
        assert await client.receive_json() == rpc(result=answer, id=1)


class FromTask(Asking):
    """Asks while the loop waits for the next call."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.start_soon(self.put_all)

    async def put_all(self) -> None:
        for _ in range(2):
            self.outcomes.append(await self.ask(Request("number"), int, timeout=5))


async def test_task_may_ask() -> None:
    """No method needs to run."""
    outcomes: list[int] = []
    async with connect(FromTask.as_asgi(outcomes=outcomes)) as client:
        for number in range(2):
            question = await client.receive_json()
            await client.send_json(rpc(result=number, id=question["id"]))
        await client.send_json(rpc(method="echo", params=[1], id=2))
        assert await client.receive_json() == rpc(result=1, id=2)
    assert outcomes == [0, 1]


async def test_timeout_is_a_time() -> None:
    """A timeout of zero is a mistake."""
    async with connect(Asking.as_asgi()) as client:
        await client.send_json(rpc(method="ask", params=[None, 0], id=1))
        answer = "ValueError: ask(timeout=0.0): use seconds, a number above 0"
        assert await client.receive_json() == rpc(result=answer, id=1)


async def test_wrong_result_answers_the_call_of_the_method() -> None:
    """Where the method lets it pass, its own call fails, and the connection goes on."""
    async with connect(Asking.as_asgi()) as client:
        question = await asked(client, "uncaught")
        await client.send_json(rpc(result="x", id=question["id"]))
        message = "the result of 'number' is not of the type that was asked for"
        assert await client.receive_json() == rpc(error={"code": -32603, "message": message}, id=1)


async def test_error_of_the_client_that_is_not_caught() -> None:
    """It is for the method to say what follows from it."""
    with pytest.raises(AskError, match="the client answered with the error 7: 'no'"):
        async with connect(Asking.as_asgi()) as client:
            question = await asked(client, "uncaught")
            await client.send_json(rpc(error={"code": 7, "message": "no"}, id=question["id"]))
            await client.expect_close(1011)


async def test_question_is_a_request() -> None:
    """With a dialect nothing else can be asked."""
    with pytest.raises(ConfigurationError) as caught:
        async with connect(Asking.as_asgi()) as client:
            await client.send_json(rpc(method="wrong", id=1))
            await client.expect_close(1011)
    assert str(caught.value) == (
        "Asking has a dialect, and asks with Person(name='Ann'): ask with a `Request` of a method "
        'of the client\'s, as in `await self.ask(Request("show", params), bool, timeout=10)`'
    )


class Ended(Asking):
    """Notes how its question ended."""

    ends: Any = None

    @handles("ask")
    async def put(self, websocket: WebSocket, params: Any = None, seconds: float = 5) -> Any:
        try:
            return await self.ask(Request("who"), Person, timeout=seconds)
        except WebSocketDisconnect as exc:
            self.ends.append(exc.code)
            raise


async def test_disconnect_ends_a_question() -> None:
    """Nobody will answer it."""
    ends: list[int] = []
    async with connect(Ended.as_asgi(ends=ends)) as client:
        await asked(client)
        await client.close(4000)
        await client.wait_for_app()
    assert ends == [4000]


class Mute(Dialect):
    """Has no calls to the client."""

    def read(self, record: Any) -> Record:
        return Call(record["m"], None, record["id"])

    def write_reply(self, id: Id, result: Any) -> Any:
        return [id, result]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [id, error.message]


class Silent(Asking):
    """Speaks it."""

    dialect = Mute()


async def test_protocol_without_calls_to_the_client() -> None:
    """A class can ask what its dialect can write."""
    with pytest.raises(NotImplementedError, match=r"^Mute has no calls to the client$"):
        async with connect(Silent.as_asgi()) as client:
            await client.send_json({"m": "uncaught", "id": 1})
            await client.expect_close(1011)
