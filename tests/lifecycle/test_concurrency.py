"""Handlers beside each other: how many at once, in which order, and what cancels them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any, ClassVar, Literal

import anyio
import pytest
from pydantic import BaseModel, JsonValue

from tests.clocks import VIRTUAL_ASYNCIO, as_asgi
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ErrorReply, Limits, WebSocket, WebSocketDisconnect, handles
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio


class Do(BaseModel):
    """Work that takes some seconds."""

    type: Literal["do"] = "do"
    name: str
    seconds: float = 1
    key: JsonValue = None


class Tell(BaseModel):
    """A message that is handled in its turn."""

    type: Literal["tell"] = "tell"


class Stop(BaseModel):
    """Cancels a key; without one, all that `do` does."""

    type: Literal["stop"] = "stop"
    key: str | None = None


class Done(BaseModel):
    """What answers the others."""

    type: Literal["done"] = "done"
    name: str


class Works(Recording):
    """Notes when its work begins and ends, and what `cancel` found."""

    encoding = "json"
    sends = Done
    found: ClassVar[list[bool]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.found = []

    async def work(self, data: Do) -> Done:
        """Work."""
        self.log.append(f"{data.name} begins")
        try:
            await anyio.sleep(data.seconds)
        except anyio.get_cancelled_exc_class():
            self.log.append(f"{data.name} is cancelled")
            raise
        self.log.append(f"{data.name} ends")
        return Done(name=data.name)


def working(limits: Limits | None = None, **options: Any) -> type[Works]:
    """Return a class whose `do` runs beside others, with more options."""

    class Chat(Works):
        @handles(concurrent=True, **options)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles
        async def tell(self, websocket: WebSocket, data: Tell) -> Done:
            return Done(name="told")

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.found.append(self.cancel(self.do if data.key is None else data.key))

    Chat.limits = limits or Limits()
    return Chat


Work = tuple[str, float] | tuple[str, float, str]


async def do(client: Client, *work: Work) -> None:
    """Send work, each with a name, its seconds, and maybe a key; each begins before the next."""
    for name, seconds, *key in work:
        await client.send(Do(name=name, seconds=seconds, key=key[0] if key else None))
        await all_tasks_blocked()


async def names(client: Client, number: int) -> list[str]:
    """Return the names in the next replies."""
    return [(await client.receive(Done)).name for _ in range(number)]


# At once, and in order.


async def test_handlers_run_beside_each_other() -> None:
    """A reply comes when it is ready, and a message that is not marked is answered meanwhile."""
    chat = working()
    async with connect(as_asgi(chat), timeout=50) as client:
        began = anyio.current_time()
        await do(client, ("a", 3), ("b", 2), ("c", 1))
        await client.send(Tell())
        assert await names(client, 4) == ["told", "c", "b", "a"]
        assert anyio.current_time() - began == pytest.approx(3, abs=0.1)


async def test_what_is_not_marked_keeps_its_order() -> None:
    """It waits for nothing that runs beside it, and for all that came before it."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles
        async def tell(self, websocket: WebSocket, data: Tell) -> Done:
            return await self.work(Do(name="tell"))

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1.5))
        await client.send(Tell())
        await client.send(Tell())
        assert await names(client, 3) == ["tell", "a", "tell"]
    assert Chat.log[1:-1] == [
        *("a begins", "tell begins", "tell ends", "tell begins", "a ends", "tell ends"),
    ]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_so_many_run_at_once(concurrency: int) -> None:
    """Each that ends has the next one begin, in the order in which they came."""
    chat = working(Limits(concurrency=concurrency))
    async with connect(as_asgi(chat), timeout=50) as client:
        began = anyio.current_time()
        await do(client, *((str(number), 1 + number / 100) for number in range(9)))
        assert await names(client, 9) == [str(number) for number in range(9)]
        assert anyio.current_time() - began == pytest.approx(9 / concurrency, abs=0.5)
    running = most = 0
    for line in chat.log[1:-1]:
        running += 1 if line.endswith("begins") else -1
        most = max(most, running)
    assert most == concurrency


async def test_any_number_may_run_without_a_limit() -> None:
    """`None` is no limit."""
    chat = working(Limits(concurrency=None))
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, *(("x", 1) for _ in range(40)))
        await names(client, 40)
    assert chat.log[1:41] == ["x begins"] * 40


async def test_messages_of_one_key_are_handled_in_order() -> None:
    """Those of other keys, and without one, run beside them."""
    chat = working(key="key")
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a1", 3, "a"), ("a2", 1, "a"), ("b1", 2, "b"), ("a3", 1, "a"), ("c", 2.5))
        await do(client, ("b2", 0.1, "b"))
        assert await names(client, 6) == ["b1", "b2", "c", "a1", "a2", "a3"]


async def test_key_that_is_busy_does_not_hold_up_those_behind_it() -> None:
    """Also where all places are taken at first."""
    chat = working(Limits(concurrency=2), key="key")
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a1", 5, "a"), ("b1", 1, "b"), ("a2", 1, "a"), ("a3", 1, "a"), ("c", 1))
        assert await names(client, 5) == ["b1", "c", "a1", "a2", "a3"]


async def test_key_may_be_a_function() -> None:
    """What it returns `None` for runs beside any other."""

    def first_letter(message: Do) -> str | None:
        return message.name[0] if message.name[1:] else None

    chat = working(key=first_letter)
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a1", 3), ("a2", 1), ("x", 1), ("x", 2))
        assert await names(client, 4) == ["x", "x", "a1", "a2"]


async def test_key_that_can_be_none_is_the_clients_mistake() -> None:
    """It is refused as an invalid message is."""
    chat = working(key="key")
    async with connect(as_asgi(chat), timeout=50) as client:
        await client.send(Do(name="a", key=[1]))
        error = {"loc": ["key"], "type": "key", "msg": "Input should be a str or a number"}
        refusal = {"type": "error", "code": "invalid_message", "errors": [error]}
        assert await client.receive_json() == refusal


async def test_key_is_shared_by_the_handlers_of_a_connection() -> None:
    """So that they take turns."""

    class Chat(Works):
        @handles(concurrent=True, key="key")
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles(concurrent=True, key="key")
        async def stop(self, websocket: WebSocket, data: Stop) -> Done:
            return Done(name="stopped")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1, "a"))
        await client.send(Stop(key="a"))
        await client.send(Stop(key="b"))
        assert await names(client, 3) == ["stopped", "a", "stopped"]


async def test_each_connection_has_its_own() -> None:
    """A key of one is not that of another."""
    chat = working(Limits(concurrency=1), key="key")
    async with connect(as_asgi(chat), timeout=50) as one, connect(as_asgi(chat)) as other:
        await do(one, ("a", 10, "a"))
        await do(other, ("b", 0.5, "a"))
        assert await names(other, 1) == ["b"]


# What a message does whose key is busy.


async def test_overlap_that_cancels() -> None:
    """What runs under the key is cancelled, what waits is dropped, and no other is disturbed."""
    chat = working(key="key", overlap="cancel")
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a1", 5, "a"), ("b1", 2, "b"), ("a2", 5, "a"), ("a3", 1, "a"))
        assert await names(client, 2) == ["a3", "b1"]
        await client.receive_nothing()
    assert chat.log[1:-1] == [
        *("a1 begins", "b1 begins", "a1 is cancelled", "a2 begins", "a2 is cancelled"),
        *("a3 begins", "a3 ends", "b1 ends"),
    ]


async def test_overlap_that_cancels_waits_for_the_clean_up() -> None:
    """So that one at a time runs under a key."""

    class Chat(Works):
        @handles(concurrent=True, key="key", overlap="cancel")
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            try:
                return await self.work(data)
            finally:
                await anyio.sleep(2)
                self.log.append(f"{data.name} is clean")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a1", 5, "a"))
        await anyio.sleep(1)
        await do(client, ("a2", 1, "a"))
        assert await names(client, 1) == ["a2"]
    assert Chat.log[1:-1] == [
        *("a1 begins", "a1 is cancelled", "a1 is clean"),
        *("a2 begins", "a2 ends", "a2 is clean"),
    ]


@pytest.mark.parametrize("options", [{"key": "key"}, {}], ids=["key", "handler"])
async def test_overlap_that_refuses(options: dict[str, Any]) -> None:
    """The error tells so, the count of invalid messages does not, and what runs goes on."""
    chat = working(Limits(max_invalid=1), overlap="refuse", **options)
    busy = {
        "type": "error",
        "code": "busy",
        "message": "another message is being handled: wait for its answer",
    }
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a1", 1, "a"), ("a2", 1, "a"), ("a3", 1, "a"))
        assert [await client.receive_json() for _ in range(2)] == [busy, busy]
        assert await names(client, 1) == ["a1"]
        await do(client, ("a4", 1, "a"))
        assert await names(client, 1) == ["a4"]


async def test_what_waits_under_a_key_makes_it_busy_too() -> None:
    """Here for a place."""
    chat = working(Limits(concurrency=1), key="key", overlap="refuse")
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("x", 1), ("a1", 1, "a"), ("a2", 1, "a"))
        assert (await client.receive_json())["code"] == "busy"
        assert await names(client, 2) == ["x", "a1"]


@pytest.mark.parametrize(("overlap", "told"), [("wait", ["a", "b"]), ("cancel", ["b"])])
async def test_overlap_without_a_key_is_of_the_handler(overlap: str, told: list[str]) -> None:
    """All of its messages have one key."""
    chat = working(overlap=overlap)
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a", 2), ("b", 1))
        assert await names(client, len(told)) == told


# What is cancelled.


async def test_cancel_ends_what_runs_and_waits_under_a_key() -> None:
    """No reply of it is sent, and what has another key goes on."""
    chat = working(Limits(concurrency=2), key="key")
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a1", 5, "a"), ("b1", 2, "b"), ("a2", 1, "a"), ("b2", 1, "b"))
        await anyio.sleep(1)
        await client.send(Stop(key="a"))
        assert await names(client, 2) == ["b1", "b2"]
        await client.send(Stop(key="a"))
        await client.send(Tell())
        assert await names(client, 1) == ["told"]
    assert chat.found == [True, False]
    assert chat.log[1:-1] == [
        *("a1 begins", "b1 begins", "a1 is cancelled"),
        *("b1 ends", "b2 begins", "b2 ends"),
    ]


async def test_cancel_of_a_handler_ends_all_that_it_does() -> None:
    """Also what waits for a place; and another handler goes on."""

    class Chat(Works):
        limits = Limits(concurrency=3)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles(concurrent=True, key="type")
        async def tell(self, websocket: WebSocket, data: Tell) -> Done:
            return await self.work(Do(name="tell", seconds=2))

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.found.extend([self.cancel(self.do), self.cancel("do"), self.cancel(self.do)])

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Tell())
        await all_tasks_blocked()
        await do(client, ("a", 5), ("b", 5), ("c", 5), ("d", 5))
        await anyio.sleep(1)
        await client.send(Stop())
        assert await names(client, 1) == ["tell"]
    assert Chat.found[:2] == [True, False]
    assert Chat.log[1:4] == ["tell begins", "a begins", "b begins"]
    assert sorted(Chat.log[4:6]) == ["a is cancelled", "b is cancelled"]
    assert Chat.log[6:-1] == ["tell ends"]


async def test_what_was_cancelled_before_it_began_never_begins() -> None:
    """Its message was taken, and nothing of it runs."""
    chat = working(key="key")
    async with connect(as_asgi(chat), timeout=50) as client:
        await client.send(Do(name="a", key="a"))
        await client.send(Stop(key="a"))
        await client.receive_nothing()
        await do(client, ("b", 1, "a"))
        assert await names(client, 1) == ["b"]
    assert chat.found == [True]
    assert chat.log == ["connect", "b begins", "b ends", 1000]


async def test_message_without_a_key_is_cancelled_with_its_handler_alone() -> None:
    """There is nothing to name it by."""
    chat = working(key="key")
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, ("a", 1))
        await client.send(Stop(key="a"))
        assert await names(client, 1) == ["a"]
        await do(client, ("b", 1))
        await client.send(Stop())
        await client.send(Tell())
        assert await names(client, 1) == ["told"]
    assert chat.found == [False, True]


async def test_handler_may_cancel_itself() -> None:
    """At its next wait; what it would have returned is not sent."""

    class Chat(Works):
        @handles(concurrent=True, key="key")
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            self.found.append(self.cancel(data.key if isinstance(data.key, str) else self.do))
            self.log.append("goes on")
            if data.seconds:
                return await self.work(data)
            return Done(name="never sent")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1, "a"), ("b", 0, "b"), ("c", 1))
        await client.receive_nothing()
    assert Chat.found == [True] * 3
    assert not any("ends" in str(line) for line in Chat.log)
    assert Chat.log.count("goes on") == 3


async def test_handler_that_catches_its_cancellation_sends_no_reply() -> None:
    """Nor an error."""

    class Chat(Works):
        @handles(concurrent=True, key="name")
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            try:
                await anyio.sleep(data.seconds)
            except anyio.get_cancelled_exc_class():
                if data.name == "error":
                    raise ErrorReply("stopped") from None
                if data.name == "on_error":
                    raise KeyError from None
                if data.name == "on_error's error":
                    raise LookupError from None
                self.log.append("caught")
            return Done(name="late")

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.cancel(data.key)

        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Done:
            self.log.append("on_error")
            if isinstance(exc, KeyError):
                return Done(name="an answer")
            raise ErrorReply("another answer")

    async with connect(as_asgi(Chat), timeout=50) as client:
        for name in ("reply", "error", "on_error", "on_error's error"):
            await do(client, (name, 5))
            await anyio.sleep(1)
            await client.send(Stop(key=name))
            await client.receive_nothing()
    assert Chat.log[1:-1] == ["caught", "on_error", "on_error"]


# Generators.


class Streams(Works):
    """Streams so many items as a message has seconds, one in a second."""

    @handles(concurrent=True, key="key")
    async def do(self, websocket: WebSocket, data: Do) -> AsyncIterator[Done]:
        try:
            for number in range(int(data.seconds)):
                await anyio.sleep(1)
                yield Done(name=f"{data.name}{number}")
        finally:
            await self.push(Done(name=f"{data.name}: last words"))
            self.log.append("closed")

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> None:
        self.found.append(self.cancel(data.key))


async def test_streams_run_beside_each_other_each_in_order() -> None:
    """As many as there are keys."""
    async with connect(as_asgi(Streams), timeout=50) as client:
        keys = "abcdefgh"
        await do(client, *((key, 5, key) for key in keys))
        came = await names(client, 8 * 6)
    for key in keys:
        mine = [name for name in came if name.startswith(key)]
        assert mine == [*(f"{key}{number}" for number in range(5)), f"{key}: last words"]


async def test_stream_that_is_cancelled_is_closed() -> None:
    """It may still send in its `finally`, and sends no further item."""

    class Chat(Streams):
        pass

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 100, "a"))
        assert await names(client, 3) == ["a0", "a1", "a2"]
        await client.send(Stop(key="a"))
        assert await names(client, 1) == ["a: last words"]
        await anyio.sleep(3)
        await client.receive_nothing()
        await do(client, ("b", 1, "a"))
        assert await names(client, 2) == ["b0", "b: last words"]
    assert Chat.found == [True]
    assert Chat.log == ["connect", "closed", "closed", 1000]


async def test_stream_that_never_waits_for_anything_else_is_cancelled() -> None:
    """It is about to send, whenever the cancellation comes."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> AsyncIterator[Done]:
            try:
                while True:
                    yield Done(name="x")
            finally:
                self.log.append("closed")

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.found.append(self.cancel(self.do))
            await self.push(Done(name="stopped"))

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1))
        await names(client, 5)
        await client.send(Stop())
        while (await names(client, 1)) != ["stopped"]:
            pass
        await client.receive_nothing()
    assert Chat.log == ["connect", "closed", 1000]


async def test_items_that_are_yielded_in_the_clean_up_are_sent() -> None:
    """They are last words, too."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> AsyncIterator[Done]:
            try:
                await anyio.sleep(data.seconds)
            except anyio.get_cancelled_exc_class():
                yield Done(name="stopped")
                raise

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.cancel(self.do)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 5))
        await anyio.sleep(1)
        await client.send(Stop())
        assert await names(client, 1) == ["stopped"]


# A send is never broken.


@pytest.mark.parametrize("kind", ["reply", "push", "stream", "task"])
async def test_cancel_does_not_break_a_send(kind: str) -> None:
    """A client that reads slowly has the whole message, and the connection goes on."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> AsyncIterator[Done]:
            try:
                if kind == "task":
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self.push, Done(name="x"))
                    await anyio.sleep_forever()
                while True:
                    if kind == "stream":
                        yield Done(name="x")
                    else:
                        await self.push(Done(name="x"))
            finally:
                self.log.append("closed")

        @handles(concurrent=True)
        async def tell(self, websocket: WebSocket, data: Tell) -> Done:
            return Done(name="x")

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.found.append(self.cancel(self.tell if kind == "reply" else self.do))
            self.log.append("cancelled")

    async with connect(as_asgi(Chat), timeout=50) as client:
        client.pause_reading()
        await client.send(Tell() if kind == "reply" else Do(name="x"))
        await all_tasks_blocked()
        await client.send(Stop())
        await all_tasks_blocked()
        assert Chat.log == ["connect", "cancelled"]
        client.resume_reading()
        assert await names(client, 1) == ["x"]
        await client.receive_nothing()
        await client.send(Tell())
        assert await names(client, 1) == ["x"]
    assert Chat.found == [True]
    assert Chat.log[2:] == (["closed", 1000] if kind != "reply" else [1000])


@pytest.mark.parametrize("how", ["group", "natively"])
async def test_last_words_may_be_sent_by_tasks(how: str) -> None:
    """They are started once the cancellation has come, so that it does not concern them."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                if how == "natively":
                    await asyncio.gather(*(self.push(Done(name=name)) for name in "ab"))
                else:
                    async with anyio.create_task_group() as tasks:
                        for name in "ab":
                            tasks.start_soon(self.push, Done(name=name))

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.cancel(self.do)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        how = "group"
    async with connect(as_asgi(Chat)) as client:
        await do(client, ("a", 1))
        await all_tasks_blocked()
        await client.send(Stop())
        assert sorted(await names(client, 2)) == ["a", "b"]


# How they end.


@pytest.mark.parametrize("end", ["close", "vanish"])
async def test_handlers_have_their_grace_when_the_client_leaves(end: str) -> None:
    """As any handler has; a stream is closed. All end before `on_disconnect`."""

    class Chat(Works):
        limits = Limits(grace=3, concurrency=3)

        @handles(concurrent=True, key="key")
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles(concurrent=True)
        async def tell(self, websocket: WebSocket, data: Tell) -> AsyncIterator[Done]:
            try:
                await anyio.sleep_forever()
                yield Done(name="x")
            finally:
                await anyio.sleep(1)
                self.log.append("closed")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await client.send(Tell())
        await do(client, ("a", 3, "a"), ("b", 10, "b"), ("waits", 0, "a"))
        await anyio.sleep(1)
        began = anyio.current_time()
        if end == "close":
            await client.close(4000)
        else:
            client.vanish(4000)
            await client.wait_for_app()
        assert anyio.current_time() - began == pytest.approx(3, abs=0.1)
    assert Chat.log == [
        *("connect", "a begins", "b begins", "closed", "a ends"),
        *("waits begins", "waits ends", "b is cancelled", 4000),
    ]


async def test_cancel_on_disconnect_ends_them_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log tells of it, since it is handlers that are cut short."""
    chat = working()
    chat.cancel_on_disconnect = True
    with caplog.at_level(logging.INFO, "wsendpoints"):
        async with connect(as_asgi(chat), timeout=50) as client:
            await do(client, ("a", 10))
            await anyio.sleep(1)
            began = anyio.current_time()
            client.vanish()
            await client.wait_for_app()
            assert anyio.current_time() - began < 0.1
    assert chat.log == ["connect", "a begins", "a is cancelled", 1006]
    name = chat.__qualname__
    assert f"{name}: a handler is cancelled: the client disconnected" in caplog.messages


async def test_cancelled_handler_has_time_to_clean_up_at_the_end() -> None:
    """The same on each event loop, and for what was cancelled before."""

    class Chat(Works):
        limits = Limits(disconnect_timeout=4)
        cancel_on_disconnect = True

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await anyio.sleep(data.seconds)
                self.log.append(f"{data.name} is clean")

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            self.cancel(self.do)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 3.5))
        await anyio.sleep(0.5)
        await client.send(Stop())
        await anyio.sleep(1)
        await do(client, ("b", 3), ("never", 30))
        await anyio.sleep(0.5)
        client.vanish()
        began = anyio.current_time()
        await client.wait_for_app()
        assert anyio.current_time() - began == pytest.approx(4, abs=0.1)
    assert Chat.log == ["connect", "a is clean", "b is clean", 1006]


async def test_handlers_may_go_on_once_the_application_has_closed() -> None:
    """For their grace; what waits is dropped, since nothing can answer it any more."""

    class Chat(Works):
        limits = Limits(concurrency=2)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            if data.name == "close":
                await anyio.sleep(1)
                await websocket.close(4001)
            return await self.work(data)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 5), ("close", 1), ("waits", 1))
        await client.expect_close(4001)
        await client.wait_for_app()
    assert Chat.log == ["connect", "a begins", "close begins", "close ends", "a ends", 4001]


async def test_close_within_a_handler_in_its_turn_leaves_the_others_their_grace() -> None:
    """It ends itself as before."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> None:
            await websocket.close(4001)
            self.log.append("closed")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1))
        await client.send(Stop())
        await client.expect_close(4001)
        await client.wait_for_app()
    assert Chat.log == ["connect", "a begins", "closed", "a ends", 4001]


async def test_what_the_client_sent_before_it_left_is_handled() -> None:
    """Also where a send fails before the disconnect is received, on a server that forgets it."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> None:
            await anyio.sleep(data.seconds)
            self.log.append(f"{data.name} begins to send")
            await self.push(Done(name=data.name))
            self.log.append("sent")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1), ("b", 2))
        await anyio.sleep(0.5)
        client.vanish()
        await client.wait_for_app()
    assert Chat.log == ["connect", "a begins to send", "b begins to send", 1006]


# What fails.


async def test_failure_closes_and_surfaces() -> None:
    """As that of any handler does; the others are ended before `on_disconnect`."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            await self.work(data)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with connect(as_asgi(Chat), timeout=50) as client:
            await do(client, ("a", 1), ("b", 2))
            await client.expect_close(1011)
    assert Chat.log == ["connect", "a begins", "b begins", "a ends", "b is cancelled", 1011]


async def test_reply_that_can_not_be_sent_is_a_failure() -> None:
    """One that a middleware refuses is none of the handler's, so that `on_error` is not asked."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> None:
            raise AssertionError

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def refuse(event: Any) -> None:
            if event["type"] == "websocket.send":
                raise KeyError("refused")
            await send(event)

        await as_asgi(Chat)(scope, receive, refuse)

    with pytest.raises(KeyError, match="refused"):
        async with connect(middleware, timeout=50) as client:
            await do(client, ("a", 1))
            await client.expect_close(1011)


async def test_awaitable_that_is_sent_unawaited_is_told_of_with_its_sender() -> None:
    """As with any other handler."""

    class Chat(Recording):
        encoding = "json"

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Any:
            return anyio.sleep(1)

    with pytest.raises(UnawaitedError) as caught:
        async with connect(as_asgi(Chat), timeout=50) as client:
            await do(client, ("a", 1))
            await client.expect_close(1011)
    assert caught.value.sender == f"{Chat.__qualname__}.do"


async def test_error_replies_answer_each_its_own_message() -> None:
    """The connection goes on."""

    class Chat(Works):
        correlation_id = "name"

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            await self.work(data)
            raise ErrorReply("full")

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 2), ("b", 1))
        assert [await client.receive_json() for _ in range(2)] == [
            {"type": "error", "code": "full", "name": "b"},
            {"type": "error", "code": "full", "name": "a"},
        ]


async def test_handler_that_finds_the_client_gone_has_not_failed() -> None:
    """`WebSocketDisconnect` ends it, as it ends any handler."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> None:
            try:
                await self.work(data)
                await self.push(Done(name="x"))
            except WebSocketDisconnect as exc:
                self.log.append(str(exc.code))
                raise

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1))
        await anyio.sleep(0.5)
        await client.close(4000)
    assert Chat.log == ["connect", "a begins", "a ends", "4000", 4000]


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("cancelled_by", ["future", "another task"])
async def test_wait_that_somebody_else_cancels_is_a_failure(cancelled_by: str) -> None:
    """Nobody cancelled the handler."""

    class Chat(Works):
        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if cancelled_by == "future":
                asyncio.get_running_loop().call_soon(future.cancel)
                await future
            else:
                task = asyncio.create_task(asyncio.sleep(10))
                asyncio.get_running_loop().call_soon(task.cancel)
                await task

    with pytest.raises(RuntimeError, match="what was awaited was cancelled"):
        async with connect(as_asgi(Chat), timeout=50) as client:
            await do(client, ("a", 1))
            await client.expect_close(1011)


# What waits.


async def test_messages_that_wait_for_a_place_fill_the_inbox() -> None:
    """So that the bound on what waits is one; then nothing more is read until there is room."""
    chat = working(Limits(concurrency=1, inbox=4))
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, *((str(number), 1) for number in range(9)))
        await client.send(Tell())
        await anyio.sleep(0.5)
        await client.receive_nothing()
        came = await names(client, 10)
    assert [name for name in came if name != "told"] == [str(number) for number in range(9)]
    # It is behind those that wait, up to the last four.
    assert came.index("told") >= 4


async def test_bytes_of_messages_that_wait_are_bounded() -> None:
    """By the same limit as those of the inbox."""
    chat = working(Limits(concurrency=1, inbox_bytes=200))
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, *(("x" * 100, 1) for _ in range(4)))
        await client.send(Tell())
        came = await names(client, 5)
    assert came.index("told") == 2


async def test_handler_that_waits_for_room_is_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is what messages wait behind."""
    chat = working(Limits(concurrency=1, inbox=2))
    async with connect(as_asgi(chat), timeout=50) as client:
        await do(client, *((str(number), 8) for number in range(6)))
        await anyio.sleep(7)
        client.vanish()
    warnings = [it.getMessage() for it in caplog.records if it.levelno == logging.WARNING]
    assert [line.split(" has been")[0] for line in warnings] in ([], [f"{chat.__qualname__}.do"])


async def test_close_lets_the_message_go_that_waits_for_room() -> None:
    """It is dropped with all others that wait."""

    class Chat(Works):
        limits = Limits(concurrency=1, inbox=1)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> None:
            await self.work(data)
            await websocket.close(4001)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1), ("b", 1), ("c", 1))
        await client.expect_close(4001)
        await client.wait_for_app()
    assert Chat.log == ["connect", "a begins", "a ends", 4001]


USER: ContextVar[str] = ContextVar("user", default="nobody")


async def test_context_variables_of_one_message_are_not_those_of_another() -> None:
    """Neither of one that runs beside it, nor of one in whose place it begins."""

    class Chat(Works):
        limits = Limits(concurrency=1)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            seen = USER.get()
            USER.set(data.name)
            await self.work(data)
            return Done(name=seen)

    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1), ("b", 1), ("c", 1))
        assert await names(client, 3) == ["nobody"] * 3


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("concurrency", [1, 2])
async def test_tasks_may_be_eager(concurrency: int) -> None:
    """A task factory may have them begin, and end, before they are known; each runs once."""

    def plain(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        return asyncio.Task(coroutine, loop=loop, **options)

    class Chat(Works):
        limits = Limits(concurrency=concurrency)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            self.log.append(data.name)
            if data.seconds:
                await anyio.sleep(data.seconds)
            return Done(name=data.name)

    # Python has it from 3.12 on.
    factory: Any = getattr(asyncio, "eager_task_factory", plain)
    asyncio.get_running_loop().set_task_factory(factory)
    async with connect(as_asgi(Chat), timeout=50) as client:
        await do(client, ("a", 1), ("b", 2), ("c", 0), ("d", 0), ("e", 0))
        assert sorted(await names(client, 5)) == ["a", "b", "c", "d", "e"]
    assert Chat.log[1:-1] == ["a", "b", "c", "d", "e"]


# Limits on time.


@pytest.mark.parametrize("waits", [False, True])
async def test_handler_timeout_is_that_of_each(waits: bool) -> None:
    """It counts from its beginning, whatever else runs or waits."""
    chat = working(Limits(handler_timeout=3, concurrency=1 if waits else 9))
    async with connect(as_asgi(chat), timeout=50) as client:
        began = anyio.current_time()
        await do(client, ("a", 2), ("b", 2.5))
        assert await names(client, 2) == ["a", "b"]
        await do(client, ("c", 5))
        await client.expect_close(1011, "handler_timeout: 3 s")
        taken = anyio.current_time() - began
        assert taken == pytest.approx(3 + (4.5 if waits else 2.5), abs=0.1)
    assert chat.log[-2:] == ["c is cancelled", 1011]


async def test_connection_is_not_idle_while_a_handler_runs() -> None:
    """Its time begins when the last one has ended."""
    chat = working(Limits(idle_timeout=3))
    async with connect(as_asgi(chat), timeout=50) as client:
        began = anyio.current_time()
        await do(client, ("a", 5), ("b", 10))
        await anyio.sleep(1)
        await client.send(Tell())
        assert await names(client, 3) == ["told", "a", "b"]
        await client.expect_close(1001, "idle_timeout: 3 s")
        assert anyio.current_time() - began == pytest.approx(13, abs=0.1)


async def test_connection_is_not_idle_while_the_loop_is_at_work() -> None:
    """The end of a handler beside it does not begin the time."""

    class Chat(Works):
        limits = Limits(idle_timeout=3)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            return await self.work(data)

        @handles
        async def tell(self, websocket: WebSocket, data: Tell) -> Done:
            return await self.work(Do(name="tell", seconds=10))

    async with connect(as_asgi(Chat), timeout=50) as client:
        began = anyio.current_time()
        await do(client, ("a", 1))
        await client.send(Tell())
        assert await names(client, 2) == ["a", "tell"]
        await client.expect_close(1001, "idle_timeout: 3 s")
        assert anyio.current_time() - began == pytest.approx(13, abs=0.1)


async def test_client_that_reads_slowly_is_no_fault_of_the_handlers() -> None:
    """Their time stands still while a send waits."""

    class Chat(Works):
        limits = Limits(handler_timeout=3, send_timeout=20)

        @handles(concurrent=True)
        async def do(self, websocket: WebSocket, data: Do) -> Done:
            await self.push(Done(name="pushed"))
            return await self.work(data)

    async with connect(as_asgi(Chat), timeout=50) as client:
        client.pause_reading()
        await do(client, ("a", 2), ("b", 1))
        await anyio.sleep(10)
        client.resume_reading()
        assert await names(client, 4) == ["pushed", "pushed", "b", "a"]
