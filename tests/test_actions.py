"""What an endpoint calls: to send, to ask, to start tasks and streams, and to cancel."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel

from tests.clocks import as_asgi
from tests.recording import Recording
from wsendpoints import (
    ConfigurationError,
    InvalidStateError,
    JsonRpc,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.actions import admissions_of
from wsendpoints.dialects import Notification, Request
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Run(BaseModel):
    """A message, and a question."""

    type: Literal["run"] = "run"
    id: str | None = None


class Ran(BaseModel):
    """What answers it."""

    type: Literal["ran"] = "ran"
    id: str | None = None


class Other(BaseModel):
    """Another message."""

    type: Literal["other"] = "other"


class Acts(Recording):
    """Does all of it."""

    encoding = "json"
    correlation_id = "id"
    answers = Ran
    sends = Run | Ran | Other

    @handles(concurrent=True)
    async def run(self, websocket: WebSocket, data: Run) -> None:
        try:
            await self.push(Other())
            await self.push(await self.ask(Run(), Ran, timeout=5))
            await anyio.sleep_forever()
        finally:
            self.log.append("cancelled")

    @handles
    async def other(self, websocket: WebSocket, data: Other) -> None:
        self.log.append(self.cancel(self.run))
        await self.start_soon(self.work, 1).wait()
        self.stream(self.items())

    async def work(self, number: int) -> None:
        """Work in a task."""
        self.log.append(number)

    async def items(self) -> AsyncIterator[Ran]:
        """Yield an item."""
        yield Ran()


async def test_all_that_an_endpoint_does() -> None:
    """From its handlers."""

    class Chat(Acts):
        pass

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run())
        await client.receive(Other)
        question = await client.receive(Run)
        await client.send(Ran(id=question.id))
        assert await client.receive(Ran) == Ran(id=question.id)
        await client.send(Other())
        assert await client.receive(Ran) == Ran()
    assert Chat.log[:2] == ["connect", True]
    assert sorted(map(str, Chat.log[2:-1])) == ["1", "cancelled"]


@pytest.mark.parametrize("asks", [True, False])
async def test_question_is_asked_for_an_answer_that_is_declared(asks: bool) -> None:
    """The text says what to do."""

    class Declares(Acts):
        pass

    class Silent(Recording):
        encoding = "json"

    base: Any = Declares if asks else Silent

    class Chat(base):  # type: ignore[misc]  # either of two
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            with pytest.raises(ConfigurationError) as caught:
                await self.ask(Run(), Other, timeout=5)
            self.log.append(str(caught.value))

    async with connect(Chat.as_asgi()):
        pass
    declared = "Ran" if asks else "no `answers`"
    assert Chat.log[0] == (
        f"{Chat.__qualname__} asks for Other, but declares {declared}: add it to `answers`"
    )


class Serial(Recording):
    """Has no handler that runs beside others."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.cancel(data if data != "method" else self.on_receive)


@pytest.mark.parametrize(("key", "what"), [("x", "no handler is"), ("method", "on_receive is not")])
async def test_nothing_is_cancelled_where_nothing_runs_beside_others(key: str, what: str) -> None:
    """It is a mistake."""
    with pytest.raises(ConfigurationError) as caught:
        async with connect(Serial.as_asgi()) as client:
            await client.send(key)
            await client.expect_close(1011)
    assert str(caught.value) == (
        f"Serial: {what} marked with @handles(concurrent=True), and no other can be cancelled"
    )


@pytest.mark.parametrize("name", ["other", "items", "work"])
async def test_method_that_runs_beside_no_other_is_not_cancelled(name: str) -> None:
    """Whatever it is."""

    class Chat(Acts):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            with pytest.raises(ConfigurationError) as caught:
                self.cancel(getattr(self, name))
            self.log.append(str(caught.value))

    async with connect(Chat.as_asgi()):
        pass
    assert Chat.log[0] == (
        f"{Chat.__qualname__}: {name} is not marked with @handles(concurrent=True), and no other "
        "can be cancelled"
    )


async def test_method_of_another_object_is_a_key_like_any_other() -> None:
    """It has a hash."""

    class Chat(Acts):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.log.append(self.cancel("x".upper))
            self.log.append(self.cancel(Recording.on_connect))
            self.log.append(self.cancel(Run(id="x").model_copy))

    async with connect(Chat.as_asgi()):
        pass
    assert Chat.log == [False, False, False, 1000]


def named_otherwise(method: Callable[..., Any]) -> Any:
    """Decorate a method without keeping its name."""

    async def wrapper(self: Any, websocket: WebSocket, data: Run) -> None:
        await method(self, websocket, data)

    return wrapper


async def test_handler_whose_name_a_decorator_changed_is_cancelled() -> None:
    """It is found by where it is."""

    class Chat(Recording):
        encoding = "json"

        @handles(concurrent=True)
        @named_otherwise
        async def run(self, websocket: WebSocket, data: Run) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("cancelled")

        @handles
        async def stop(self, websocket: WebSocket, data: Other) -> None:
            self.log.append(self.cancel(self.run))

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Run())
        await client.receive_nothing()
        await client.send(Other())
        await client.receive_nothing()
    assert Chat.log == ["connect", True, "cancelled", 1000]


async def test_nothing_is_cancelled_where_nobody_is_served() -> None:
    """Nothing runs, and nothing can be started."""

    class Chat(Acts):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            self.log.extend([self.cancel("x"), self.cancel(self.run)])
            with pytest.raises(InvalidStateError):
                self.start_soon(self.work, 1)

    async with connect(Chat.as_asgi()):
        pass
    assert Chat.log == ["connect", False, False]


async def test_class_with_a_dialect_asks_for_any_result() -> None:
    """It declares no answers: what comes is validated as what was asked for."""

    class Rpc(WebSocketEndpoint):
        encoding = "json"
        dialect = JsonRpc()

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.add)

        async def add(self) -> None:
            result = await self.ask(Request("add", [1, 2]), int, timeout=5)
            await self.push(Notification("sum", [result]))

    async with connect(Rpc.as_asgi()) as client:
        call = await client.receive_json()
        await client.send_json({"jsonrpc": "2.0", "id": call["id"], "result": 3})
        assert (await client.receive_json())["params"] == [3]


class Posting(Recording):
    """Posts what it is told."""

    encoding = "json"
    sends = Ran

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.post(Ran(id=data))


async def test_post_sends_without_waiting() -> None:
    """A message that the class sends."""
    async with connect(as_asgi(Posting)) as client:
        await client.send_json("x")
        assert await client.receive(Ran) == Ran(id="x")


async def test_class_is_drained_with_its_subclasses() -> None:
    """Each once, also one with two of them as its bases; no other class is."""

    class Base(Recording):
        pass

    left, right = (type(name, (Base,), {}) for name in ("Left", "Right"))
    both: Any = type("Both", (left, right), {})
    classes = (Base, left, right, both)
    async with connect(as_asgi(both)) as client:
        await Base.drain(over=0)
        await client.expect_close(1012, "drain: 0 s")
    assert all(vars(it)["_admission"].draining() for it in classes)
    assert vars(Recording)["_admission"].draining is None
    assert {*admissions_of(Base)} == {vars(it)["_admission"] for it in classes}
    assert len(admissions_of(Base)) == 4
    assert {*admissions_of(WebSocketEndpoint)} > {*admissions_of(Base)}
