"""Handlers that are async generators: what they yield is sent, until the connection ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import GENEROUS, REAL_TIME, VIRTUAL_ASYNCIO, as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.some_messages import Leave, Said, Say
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConfigurationError,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    handles,
)
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_values_are_sent_in_their_order() -> None:
    """Each is encoded as the class declares, and the next message is handled after the last."""

    class Streaming(Recording):
        encoding = "json"

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
            for character in data.text:
                yield Said(text=character)

        @handles
        async def leave(self, websocket: WebSocket, data: Leave) -> AsyncIterator[Said]:
            for character in data.type[:0]:
                yield Said(text=character)

    async with connect(Streaming.as_asgi()) as client:
        await client.send(Say(text="ab"))
        await client.send(Leave())
        await client.send(Say(text="c"))
        assert [await client.receive(Said) for _ in range(3)] == [
            Said(text="a"),
            Said(text="b"),
            Said(text="c"),
        ]
    assert Streaming.log == ["connect", 1000]


async def test_value_is_sent_before_the_next_is_made() -> None:
    """A generator is not ahead of a client that reads slowly."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            for number in ("1", "2"):
                self.log.append(number)
                yield number

    async with connect(Streaming.as_asgi()) as client:
        client.pause_reading()
        await client.send_text("x")
        await all_tasks_blocked()
        assert Streaming.log == ["connect", "1"]
        client.resume_reading()
        assert await client.receive_text() == "1"
        assert await client.receive_text() == "2"


async def test_value_that_the_class_does_not_declare_is_a_failure() -> None:
    """The generator is closed first, so that it can clean up."""

    class Streaming(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
            try:
                yield Say()  # type: ignore[misc]  # pyright: ignore[reportReturnType]  # the case
            finally:
                self.log.append("cleaned up")

    server = FakeServer(CONNECT, text('"x"'))
    with pytest.raises(ConfigurationError, match="sends a message of type Say, but declares Said"):
        await Streaming(make_scope(), server.receive, server.send)
    assert Streaming.log == ["connect", "cleaned up", 1011]


async def test_generator_that_fails_is_a_failure() -> None:
    """What it yielded before was sent, and its exception is raised to the server."""
    failure = ValueError("failed")

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            yield "one"
            raise failure

    server = FakeServer(CONNECT, text("x"))
    with pytest.raises(ValueError, match="failed") as caught:
        await Streaming(make_scope(), server.receive, server.send)
    assert caught.value is failure
    assert [event.get("text", event.get("code")) for event in server.sent] == [None, "one", 1011]


async def test_generator_is_closed_when_a_send_fails() -> None:
    """It is where it yielded that it cleans up."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            server.failure = OSError("gone")
            try:
                yield "one"
            except GeneratorExit:
                self.log.append("closed")
                raise

    server = FakeServer(CONNECT, text("x"), {"type": "websocket.disconnect", "code": 1006})
    await Streaming(make_scope(), server.receive, server.send)
    assert Streaming.log == ["connect", "closed", 1006]


async def test_stream_ends_when_the_client_disconnects() -> None:
    """A generator that waits is cancelled at once, and cleans up."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                yield "first"
                await anyio.sleep_forever()
            finally:
                self.log.append("cleaned up")

    async with connect(Streaming.as_asgi()) as client:
        await client.send_text("x")
        assert await client.receive_text() == "first"
        client.vanish()
        await client.wait_for_app()
    assert Streaming.log == ["connect", "cleaned up", 1006]


class EndsWithAWord(Recording):
    """Says how it ended, whatever ended it."""

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        try:
            while True:
                yield "again"
        finally:
            self.log.append("cleaned up")
            yield "the last"


async def test_last_word_of_a_stream_is_dropped_once_the_client_disconnected() -> None:
    """That is no failure, as none of what is sent then is."""
    EndsWithAWord.log.clear()
    async with connect(EndsWithAWord.as_asgi()) as client:
        await client.send_text("x")
        assert await client.receive_text() == "again"
        client.vanish()
        await client.wait_for_app()
    assert EndsWithAWord.log == ["connect", "cleaned up", 1006]


async def test_stream_that_does_not_end_is_a_failure() -> None:
    """Once it is closed a generator has to end."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            for _ in range(3):
                with suppress(GeneratorExit):
                    yield "again"
                server.failure = OSError("gone")
            yield "again"

    server = FakeServer(CONNECT, text("x"))
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        await Streaming(make_scope(), server.receive, server.send)
    assert Streaming.log == ["connect", 1006]


@REAL_TIME
async def test_stream_that_never_waits_ends_when_the_client_disconnects() -> None:
    """A generator without an await lets others run, and ends where the server stays silent."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                while True:
                    yield "again"
            finally:
                self.log.append("cleaned up")

    app = Streaming.as_asgi()
    async with connect(app, swallow_sends=True, timeout=GENEROUS) as client:
        await client.send_text("x")
        assert await client.receive_text() == "again"
        client.vanish()
        await client.wait_for_app()
    assert Streaming.log == ["connect", "cleaned up", 1006]


async def test_stream_ends_when_we_close() -> None:
    """A generator stops where its own connection is closed meanwhile."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            yield "one"
            await websocket.close(4004)
            yield "two"
            self.log.append("never")

    async with connect(Streaming.as_asgi()) as client:
        await client.send_text("x")
        assert await client.receive_text() == "one"
        await client.expect_close(4004)
    assert Streaming.log == ["connect", 4004]


# What is around a `yield`.


class Holding(FakeServer):
    """A server that holds each message up, as one whose client does not read."""

    async def send(self, event: Event) -> None:
        """Take an event; never return, if it is a message."""
        await super().send(event)
        if event["type"] == "websocket.send":
            await anyio.sleep_forever()


async def test_timeout_around_a_yield_ends_a_send_that_is_held_up() -> None:
    """The generator goes on behind its timeout, and may end there."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            with anyio.move_on_after(5) as scope:
                yield "one"
            self.log.append(scope.cancelled_caught)

    server = Holding(CONNECT, text("x"))
    await Streaming(make_scope(), server.receive, server.send)
    # The message may have been sent in part, so a close alone can follow it.
    assert [event["type"] for event in server.sent[1:]] == ["websocket.send", "websocket.close"]
    assert Streaming.log == ["connect", True, 1011]


async def test_stream_ends_where_its_send_is_held_up() -> None:
    """The generator is cancelled at its `yield` when the client disconnects."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                yield "one"
            except anyio.get_cancelled_exc_class():
                self.log.append("cancelled")
                raise

    server = Holding(CONNECT, text("x"), DISCONNECT)
    await Streaming(make_scope(), server.receive, server.send)
    assert Streaming.log == ["connect", "cancelled", DISCONNECT["code"]]


async def numbers(log: list[object]) -> AsyncGenerator[str]:
    """Yield from within a task group, in which something waits."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep_forever)
        try:
            while True:
                yield "one"
        finally:
            log.append("closed")


@pytest.mark.parametrize("is_nested", [False, True], ids=["its own", "of a generator within"])
@pytest.mark.parametrize("is_held", [False, True], ids=["a failed send", "a send held up"])
async def test_l06_task_group_around_a_yield_ends_with_the_stream(
    is_held: bool, is_nested: bool
) -> None:
    """What it raises of the generator that is closed, or cancelled, is no failure."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            if not is_held:
                server.failure = OSError("gone")
            if is_nested:
                async with aclosing(numbers(self.log)) as inner:
                    async for number in inner:
                        yield number
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.sleep_forever)
                try:
                    yield "one"
                finally:
                    self.log.append("closed")

    server = (Holding if is_held else FakeServer)(CONNECT, text("x"), DISCONNECT)
    await Streaming(make_scope(), server.receive, server.send)
    assert Streaming.log == ["connect", "closed", DISCONNECT["code"]]


@pytest.mark.parametrize("is_in_a_group", [False, True], ids=["alone", "in a group"])
async def test_generator_that_fails_to_clean_up_is_a_failure(is_in_a_group: bool) -> None:
    """It is raised, out of the group in which a task group around the `yield` puts it."""
    failure = ValueError("failed")

    async def fail() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise failure

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            server.failure = OSError("gone")
            if not is_in_a_group:
                try:
                    yield "one"
                finally:
                    raise failure
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fail)
                await checkpoint()
                yield "one"

    server = FakeServer(CONNECT, text("x"), DISCONNECT)
    with pytest.raises(ValueError, match="failed") as caught:
        await Streaming(make_scope(), server.receive, server.send)
    assert caught.value is failure
    assert Streaming.log == ["connect", 1006]


async def test_failure_is_raised_although_the_clean_up_is_cancelled() -> None:
    """A client that disconnects while the generator cleans up hides no failure before that."""

    class Streaming(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
            try:
                yield Say()  # type: ignore[misc]  # pyright: ignore[reportReturnType]  # the case
            finally:
                server.deliver(DISCONNECT)
                await anyio.sleep_forever()

    server = FakeServer(CONNECT, text('"x"'))
    with pytest.raises(ConfigurationError, match="sends a message of type Say"):
        await Streaming(make_scope(), server.receive, server.send)
    assert Streaming.log == ["connect", DISCONNECT["code"]]


@pytest.mark.parametrize("is_nested", [False, True], ids=["its own", "of a generator within"])
async def test_l06_cancellation_of_a_send_goes_on(is_nested: bool) -> None:
    """Although a task group in a generator within raises its end in the place of it."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            if not is_nested:
                yield "one"
            async with aclosing(numbers(self.log)) as inner:
                async for number in inner:
                    yield number

    server = Holding(CONNECT, text("x"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Streaming, server)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert server.sent[-1] == {"type": "websocket.close", "code": 1012, "reason": ""}
    assert Streaming.log == ["connect", *(["closed"] if is_nested else []), 1012]


class Failing(Recording):
    """Its first push never ends, and the second fails."""

    encoding = "json"

    async def push_both(self) -> None:
        """Break the connection: the failure of one push cancels the other."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.push, Said(text="held up"))
            await all_tasks_blocked()
            tasks.start_soon(self.push, Said(text="fails"))


class LastWord(Failing):
    """Yields behind a failure."""

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
        try:
            await self.push_both()
        finally:
            yield Said(text="the last")


class Handled(Failing):
    """Handles a failure, and yields."""

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
        try:
            await self.push_both()
        except* LookupError:
            self.log.append("handled")
        yield Said(text="the last")


@pytest.mark.parametrize("endpoint", [LastWord, Handled])
async def test_failure_is_raised_although_its_last_word_can_not_be_sent(
    endpoint: type[Failing],
) -> None:
    """It is what broke the connection."""

    async def send(event: Event) -> None:
        if "fails" in event.get("text", ""):
            raise LookupError
        if "held up" in event.get("text", ""):
            await anyio.sleep_forever()

    endpoint.log.clear()
    server = FakeServer(CONNECT, text('"x"'))
    serving = endpoint(make_scope(), server.receive, send)
    if endpoint is LastWord:
        with pytest.raises(LookupError):
            await serving
        assert endpoint.log == ["connect", 1011]
    else:
        with anyio.move_on_after(GENEROUS):
            await serving
        assert endpoint.log[:2] == ["connect", "handled"]


async def test_failure_is_not_raised_if_the_client_left_before_its_last_word() -> None:
    """As where a handler's push in a `finally` finds that the client left."""

    class Streaming(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
            try:
                server.failure = OSError("gone")
                with suppress(WebSocketDisconnect):
                    await self.push(Said())
                raise LookupError
            finally:
                yield Said()

    server = FakeServer(CONNECT, text('"x"'))
    await serve(Streaming, server)
    assert Streaming.log == ["connect", 1006]


class Wrong(Recording):
    """Yields what it may not, as it is cancelled."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
        try:
            await anyio.sleep_forever()
        finally:
            yield Say()  # type: ignore[misc]  # pyright: ignore[reportReturnType]  # the case

    async def on_error(self, websocket: WebSocket, data: object, exc: Exception) -> None:
        self.log.append("on_error")


class Cut(Recording):
    """Is cancelled in a push, and yields."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
        try:
            await self.push(Said())
        finally:
            yield Said()


class CutShort(Recording):
    """Is cancelled as it yields, and yields."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[Said]:
        try:
            yield Said()
        finally:
            yield Said()


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("endpoint", [Wrong, Cut, CutShort])
async def test_native_cancellation_of_a_generator_goes_on(endpoint: type[Recording]) -> None:
    """Although it yields once more, which can't be sent."""
    endpoint.log.clear()
    server = Holding(CONNECT, text('"x"'))
    task = asyncio.create_task(serve(endpoint, server))
    await all_tasks_blocked()
    task.cancel()
    await asyncio.wait([task], timeout=60)
    assert task.cancelled()
    assert endpoint.log[0] == "connect"


async def serve(endpoint: type[Recording], server: FakeServer) -> None:
    """Serve one connection."""
    await endpoint(make_scope(), server.receive, server.send)


# Streams of tasks.


class FromATask(Recording):
    """Streams in a task, for each message."""

    encoding = "json"
    correlation_id = "text"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> None:
        self.log.append(self.stream(self.items()))

    async def items(self) -> AsyncIterator[Said]:
        """Yield an item each second."""
        try:
            for _ in range(3):
                yield Said()
                await anyio.sleep(1)
        finally:
            await self.push(Said(text="last words"))


async def test_task_streams_what_a_generator_yields() -> None:
    """With the id of the message that it was started for; `wait` returns once all is sent."""

    class Streaming(FromATask):
        pass

    async with connect(as_asgi(Streaming), timeout=50) as client:
        await client.send(Say(text="a"))
        await client.receive(Said)
        began = anyio.current_time()
        await Streaming.log[1].wait()
        assert anyio.current_time() - began == pytest.approx(3, abs=0.1)
        assert [(await client.receive(Said)).text for _ in range(3)] == ["a", "a", "last words"]
        await Streaming.log[1].wait()


async def test_task_that_streams_may_be_cancelled() -> None:
    """The generator is closed, and may send its last words."""

    class Streaming(FromATask):
        pass

    async with connect(as_asgi(Streaming), timeout=50) as client:
        await client.send(Say(text="a"))
        await client.receive(Said)
        Streaming.log[1].cancel()
        assert await client.receive(Said) == Said(text="last words")
        await Streaming.log[1].wait()
        Streaming.log[1].cancel()
        await client.receive_nothing()


class Countdown:
    """An async iterable that is no generator."""

    def __init__(self) -> None:
        self.number = 3

    def __aiter__(self) -> "Countdown":
        return self

    async def __anext__(self) -> int:
        self.number -= 1
        if self.number == 0:
            raise StopAsyncIteration
        return self.number


async def test_any_async_iterable_is_streamed() -> None:
    """As a handler may return one."""

    class Streaming(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.stream(Countdown())

    async with connect(Streaming.as_asgi()) as client:
        await client.send_json("x")
        assert [await client.receive_json() for _ in range(2)] == [2, 1]


async def test_what_can_not_be_streamed_is_refused() -> None:
    """At the line that gives it; a coroutine is closed."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            values: list[Any] = [[1], self.work()]
            for value in values:
                with pytest.raises(TypeError) as caught:
                    self.stream(value)
                self.log.append(str(caught.value))

        async def work(self) -> None:
            raise AssertionError

    async with connect(Streaming.as_asgi()) as client:
        await client.send("x")
    assert Streaming.log[1] == (
        "stream takes an async generator, and got [1]: call the method that has a `yield`, as in "
        "`self.stream(self.tokens(prompt))`"
    )
    assert "got <coroutine object" in Streaming.log[2]


async def test_nothing_is_streamed_where_nobody_is_served() -> None:
    """It is an error of the caller's."""

    class Streaming(FromATask):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            with pytest.raises(InvalidStateError, match="while the connection is served"):
                self.stream(self.items())
            self.log.append("refused")

    async with connect(Streaming.as_asgi()):
        pass
    assert Streaming.log == ["connect", "refused"]


async def test_stream_that_goes_on_once_it_is_cancelled_ends_in_time() -> None:
    """It may go on until its time to clean up is over; the connection is not broken then."""

    class Streaming(Recording):
        encoding = "text"
        limits = Limits(disconnect_timeout=3)

        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.stop)

        @handles(concurrent=True, overlap="wait")
        async def say(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            while data == "on":
                try:
                    yield "x"
                    await anyio.sleep(1)
                except anyio.get_cancelled_exc_class():
                    self.log.append("cancelled")
                    if self.log.count("cancelled") == 4:
                        raise
            yield "done"

        async def stop(self) -> None:
            """Cancel the stream."""
            await anyio.sleep(0.5)
            self.cancel(self.say)

    async with connect(as_asgi(Streaming), timeout=50) as client:
        began = anyio.current_time()
        await client.send("on")
        await anyio.sleep(1)
        await client.send("off")
        while await client.receive(str) != "done":
            pass
        assert anyio.current_time() - began == pytest.approx(3.5, abs=0.1)
        await client.receive_nothing()
    assert Streaming.log[-1] == 1000
