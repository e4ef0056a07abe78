"""What a handler takes is opened before it, and closed after it, however it ends."""

import asyncio
import functools
import gc
import logging
import types
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ConfigurationError, Limits, WebSocket, handles, provides
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """What is raised to fail."""


def said(exc: BaseException) -> str:
    """Return what an exception is, for a log."""
    is_cancelled = isinstance(exc, anyio.get_cancelled_exc_class())
    return "cancelled" if is_cancelled else type(exc).__name__


class Providing(Recording):
    """Has one provider, which takes a while to close."""

    encoding = "text"
    seconds: ClassVar[float] = 0

    @provides
    async def it(self) -> AsyncIterator[str]:
        self.log.append("open")
        try:
            yield "it"
        except BaseException as exc:
            self.log.append(said(exc))
            raise
        finally:
            await anyio.sleep(self.seconds)
            self.log.append("closed")


async def play(cls: Callable[..., Any], *messages: str) -> FakeServer:
    """Have a client send some messages and disconnect; return what it was sent."""
    server = FakeServer(CONNECT, *map(text, messages), DISCONNECT)
    await cls(make_scope(), server.receive, server.send)
    return server


def texts(server: FakeServer) -> list[str]:
    """Return the messages that a server was sent."""
    return [event["text"] for event in server.sent if "text" in event]


# Replies and failures.


async def test_reply_is_sent_after_the_close() -> None:
    """So that a reply is no promise that the close breaks."""

    class Chat(Providing):
        seconds = 5

        @handles
        async def say(self, websocket: WebSocket, data: str, it: str) -> str:
            self.log.append(it)
            return "reply"

    async with connect(Chat.as_asgi()) as client:
        await client.send_text("x")
        await all_tasks_blocked()
        assert Chat.log == ["connect", "open", "it"]
        await client.receive_nothing()
        assert await client.receive_text(timeout=10) == "reply"
        assert Chat.log == ["connect", "open", "it", "closed"]


async def test_close_that_fails_leaves_no_reply() -> None:
    """It is a failure like that of the handler."""

    class Chat(Recording):
        @provides
        async def it(self) -> AsyncIterator[str]:
            yield "it"
            raise DeliberateError

        async def on_receive(self, websocket: WebSocket, data: str, it: str = "") -> str:
            return it

    server = FakeServer(CONNECT, text("x"), DISCONNECT)
    with pytest.raises(DeliberateError):
        await Chat(make_scope(), server.receive, server.send)
    assert server.sent[1:] == [{"type": "websocket.close", "code": 1011, "reason": ""}]
    assert Chat.log == ["connect", 1011]


async def test_failure_is_raised_at_the_yield() -> None:
    """And goes on from there, as it is."""

    class Chat(Providing):
        @handles
        async def say(self, websocket: WebSocket, data: str, it: str) -> str:
            raise failure

    failure = DeliberateError()
    with pytest.raises(DeliberateError) as caught:
        await play(Chat, "x")
    assert caught.value is failure
    assert failure.__context__ is None
    assert Chat.log == ["connect", "open", "DeliberateError", "closed", 1011]
    # The frames of what closes are not part of it.
    assert "_close_generator" not in [frame.name for frame in caught.traceback]


async def test_suppressed_failure_leaves_no_reply() -> None:
    """The next message is handled."""

    class Chat(Recording):
        @provides
        async def it(self) -> AsyncIterator[str]:
            try:
                yield "it"
            except DeliberateError:
                self.log.append("suppressed")

        @handles
        async def say(self, websocket: WebSocket, data: str, it: str) -> str:
            if data == "fail":
                raise DeliberateError
            return it

    assert texts(await play(Chat, "fail", "x")) == ["it"]
    assert Chat.log == ["connect", "suppressed", DISCONNECT["code"]]


async def test_error_of_the_last_one_has_the_context_that_it_had() -> None:
    """What an outer provider sees is what the inner one raised."""

    class Chat(Recording):
        @provides
        async def outer(self) -> AsyncIterator[str]:
            try:
                yield "outer"
            except KeyError as exc:
                self.log.append(said(exc.__cause__ or exc))
                raise ValueError("outer") from exc

        @provides
        async def inner(self, outer: str) -> AsyncIterator[str]:
            try:
                yield "inner"
            except DeliberateError as exc:
                raise KeyError("inner") from exc

        @handles
        async def say(self, websocket: WebSocket, data: str, inner: str) -> str:
            raise DeliberateError

    server = FakeServer(CONNECT, text("x"))
    with pytest.raises(ValueError, match="outer") as caught:
        await play_on(Chat, server)
    assert isinstance(caught.value.__context__, KeyError)
    assert Chat.log == ["connect", "DeliberateError", 1011]


async def test_stop_async_iteration_of_a_handler_is_a_failure() -> None:
    """Python raises another exception in place of it where it passes through a generator."""

    class Chat(Providing):
        @handles
        async def say(self, websocket: WebSocket, data: str, it: str) -> str:
            raise failure

    failure = StopAsyncIteration()
    with pytest.raises(StopAsyncIteration) as caught:
        await play(Chat, "x")
    assert caught.value is failure


# Providers that a decorator hides.


class Closing(AsyncGenerator[str, None]):
    """An async generator that is not Python's own."""

    def __init__(self, log: list[Any]) -> None:
        self._log = log
        self._is_open = False

    async def __anext__(self) -> str:
        """Yield once."""
        if self._is_open:
            self._log.append("closed")
            raise StopAsyncIteration
        self._is_open = True
        return "it"

    async def asend(self, value: None) -> str:
        """Do the same."""
        return await anext(self)

    async def athrow(self, *args: Any) -> str:
        """Pass it on."""
        self._log.append("closed")
        raise args[0]


def hidden(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate so that it shows only in a call what is returned."""

    @functools.wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        return function(*args, **values)

    return wrapper


def undecorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Leave it as it is."""
    return function


def five(*args: Any, **values: Any) -> int:
    """Return what can't be awaited."""
    return 5


def late(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate so that what is returned is to be awaited first."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **values: Any) -> Any:
        return function(*args, **values)

    return wrapper


async def generator(self: Any) -> AsyncGenerator[str]:
    """Yield once."""
    try:
        yield "it"
    finally:
        self.log.append("closed")


async def value(self: Any) -> str:
    """Return a value."""
    self.log.append("closed")
    return "it"


def own(self: Any) -> Closing:
    """Return an async generator of another class."""
    return Closing(self.log)


own.__wrapped__ = generator  # type: ignore[attr-defined]  # so that it counts as async

HIDDEN: Final = {
    "generator": generator,
    "value": value,
    "context manager": asynccontextmanager(generator),
    "function around a generator": hidden(generator),
    "function around a coroutine": hidden(value),
    "coroutine of a generator": late(generator),
    "descriptor": functools.partialmethod(generator),
    "another generator": own,
}


@pytest.mark.parametrize("failure", [None, DeliberateError(), StopAsyncIteration()], ids=repr)
@pytest.mark.parametrize("it", HIDDEN.values(), ids=HIDDEN)
async def test_provider_shows_in_a_call_what_it_is(
    it: Callable[..., Any], failure: Exception | None
) -> None:
    """It is entered, awaited, or run up to its `yield`, and closed."""

    async def on_receive(self: Any, websocket: WebSocket, data: str, it: str) -> str:
        if failure is not None:
            raise failure
        return it

    cls: Any = type("Chat", (Recording,), {"on_receive": on_receive, "it": provides(it)})
    if failure is None:
        assert texts(await play(cls, "x")) == ["it"]
    else:
        with pytest.raises(type(failure)) as caught:
            await play(cls, "x")
        assert caught.value is failure
    assert cls.log == ["connect", "closed", 1011 if failure else DISCONNECT["code"]]


async def test_context_manager_may_fail_and_suppress() -> None:
    """What it raises as it closes takes the place of what it was given."""

    class Chat(Recording):
        @provides
        @asynccontextmanager
        async def it(self, data: str) -> AsyncGenerator[str]:
            try:
                yield "it"
            except DeliberateError:
                if data == "replace":
                    raise ValueError("replaced") from None

        @handles
        async def say(self, websocket: WebSocket, data: str, it: str) -> str:
            raise DeliberateError

    assert texts(await play(Chat, "suppress")) == []
    with pytest.raises(ValueError, match="replaced"):
        await play(Chat, "replace")


async def test_provider_that_returns_something_else_is_an_error() -> None:
    """It says what was returned."""

    class Chat(Recording):
        @provides
        @hidden
        async def it(self) -> int:
            raise AssertionError

        async def on_receive(self, websocket: WebSocket, data: str, it: int = 0) -> None:
            raise AssertionError

    made: Any = Chat.it
    made.__closure__[0].cell_contents = five
    with pytest.raises(ConfigurationError) as caught:
        await play(Chat, "x")
    assert str(caught.value) == (
        f"{Chat.__qualname__}.it returned 5, which can't be awaited: make it an async method"
    )


# Generators that do not yield once.


async def test_provider_without_a_yield_on_its_way_is_an_error() -> None:
    """The handler does not run, and what was opened before is closed."""

    class Chat(Providing):
        @provides
        async def nothing(self, it: str) -> AsyncIterator[str]:
            if not it:
                yield it

        @handles
        async def say(self, websocket: WebSocket, data: str, nothing: str) -> None:
            raise AssertionError

    with pytest.raises(ConfigurationError) as caught:
        await play(Chat, "x")
    assert str(caught.value) == (
        f"{Chat.__qualname__}.nothing ended without a `yield`, so there is nothing that a handler "
        "could take: have each path through it yield once"
    )
    assert Chat.log == ["connect", "open", "ConfigurationError", "closed", 1011]


@pytest.mark.parametrize("fails", [False, True])
async def test_second_yield_is_an_error(fails: bool) -> None:
    """The provider is closed, and the failure of the handler is told too."""

    class Chat(Recording):
        @provides
        async def twice(self) -> AsyncIterator[str]:
            with suppress(DeliberateError):
                yield "1"
            try:
                yield "2"
            finally:
                self.log.append("closed")

        @handles
        async def say(self, websocket: WebSocket, data: str, twice: str) -> None:
            if fails:
                raise DeliberateError

    with pytest.raises(ConfigurationError) as caught:
        await play(Chat, "x")
    assert str(caught.value) == (
        f"{Chat.__qualname__}.twice has a second `yield`, behind which nothing would run: have "
        "each path through it yield once"
    )
    assert isinstance(caught.value.__context__, DeliberateError) is fails
    assert Chat.log == ["connect", "closed", 1011]


async def test_failure_behind_a_second_yield_is_raised() -> None:
    """It is what is closest to the cause."""

    class Chat(Recording):
        @provides
        async def twice(self) -> AsyncIterator[str]:
            yield "1"
            try:
                yield "2"
            finally:
                raise DeliberateError

        @handles
        async def say(self, websocket: WebSocket, data: str, twice: str) -> None: ...

    with pytest.raises(DeliberateError):
        await play(Chat, "x")


# Streams.


async def stream(self: Any, websocket: WebSocket, data: str, it: str) -> AsyncIterator[str]:
    """Wait after two values, or fail."""
    try:
        yield "1"
        yield "2"
        if data == "fail":
            raise DeliberateError
        if data == "wait":
            await anyio.sleep_forever()
        if data == "close":
            await websocket.close(4001)
            yield "3"
        while data == "go on":
            yield "3"
            await anyio.sleep(1)
    except BaseException as exc:
        self.log.append(f"stream {said(exc)}")
        raise
    finally:
        await anyio.sleep(self.seconds)
        self.log.append("stream closed")


class Iterating:
    """An async iterator that is no generator, with the name of the first."""

    def __init__(self) -> None:
        self._numbers = iter("12")

    def __aiter__(self) -> "Iterating":
        return self

    async def __anext__(self) -> str:
        try:
            return next(self._numbers)
        except StopIteration:
            raise StopAsyncIteration from None


STREAMS: Final = {
    "stream": stream,
    "function around it": hidden(stream),
    "coroutine of it": late(stream),
}

every_stream = pytest.mark.parametrize("function", STREAMS.values(), ids=STREAMS)


def streaming(function: Any, **attributes: Any) -> Any:
    """Return an endpoint with a stream."""
    return type("Chat", (Providing,), {"on_receive": function, **attributes})


@every_stream
async def test_stream_is_within_its_providers(function: Any) -> None:
    """Its values are sent while they are open."""
    cls = streaming(function, seconds=1)
    async with connect(cls.as_asgi()) as client:
        await client.send_text("x")
        assert [await client.receive_text() for _ in "12"] == ["1", "2"]
        assert cls.log == ["connect", "open"]
        await anyio.sleep(3)
        assert cls.log == ["connect", "open", "stream closed", "closed"]


@every_stream
async def test_stream_that_fails_is_a_failure(function: Any) -> None:
    """What it raises is raised at the `yield` too."""
    cls = streaming(function)
    with pytest.raises(DeliberateError):
        await play(cls, "fail")
    assert cls.log == [
        "connect",
        "open",
        "stream DeliberateError",
        "stream closed",
        "DeliberateError",
        "closed",
        1011,
    ]


@every_stream
@pytest.mark.parametrize("how", ["disconnect", "cancel_on_disconnect"])
@pytest.mark.parametrize("data", ["wait", "go on", "close"])
async def test_providers_of_a_stream_see_what_ends_it(function: Any, data: str, how: str) -> None:
    """They are closed after it, each with the time to clean up, and that is no failure."""
    is_cancelled = how == "cancel_on_disconnect"
    cls = streaming(function, cancel_on_disconnect=is_cancelled, seconds=2)
    async with connect(cls.as_asgi(), timeout=10) as client:
        await client.send_text(data)
        assert await client.receive_text() == "1"
        await all_tasks_blocked()
        if data == "close":
            assert await client.receive_text() == "2"
            await client.expect_close(4001)
        else:
            await client.close(4001)
    first, opened, end, closed, seen, *last = cls.log
    assert (first, opened, closed, last) == ("connect", "open", "stream closed", ["closed", 4001])
    assert end == f"stream {seen}"
    assert seen == ("GeneratorExit" if data == "close" else "cancelled")


async def test_stream_of_an_iterator_is_within_its_providers() -> None:
    """One that is no generator is told nothing of its end."""

    class Chat(Providing):
        @handles
        @hidden
        async def say(self, websocket: WebSocket, data: str, it: str) -> Any:
            return Iterating()

    assert texts(await play(Chat, "x")) == ["1", "2"]
    assert Chat.log == ["connect", "open", "closed", DISCONNECT["code"]]


async def test_handler_that_can_not_be_awaited_is_an_error() -> None:
    """As it is without providers."""

    class Chat(Providing):
        @hidden
        async def on_receive(self, websocket: WebSocket, data: str, it: str) -> None: ...

    on_receive: Any = Chat.on_receive
    on_receive.__closure__[0].cell_contents = five
    with pytest.raises(TypeError, match="returned 5, which can't be awaited"):
        await play(Chat, "x")


@every_stream
async def test_task_group_of_a_provider_ends_with_the_stream(function: Any) -> None:
    """In the group in which it raises what ends the stream there is no failure."""

    async def it(self: Any) -> AsyncIterator[str]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            yield "it"
            tasks.cancel_scope.cancel()

    cls = streaming(function, it=provides(it))
    async with connect(cls.as_asgi()) as client:
        await client.send_text("go on")
        assert await client.receive_text() == "1"
        await client.close()
    assert cls.log[-1] == 1000


async def test_timeout_around_a_yield_reaches_the_send() -> None:
    """A cancellation of the send is raised in the generator within the providers."""

    class Holding(FakeServer):
        async def send(self, event: Any) -> None:
            await super().send(event)
            if event["type"] == "websocket.send":
                await anyio.sleep_forever()

    class Chat(Providing):
        async def on_receive(
            self, websocket: WebSocket, data: str, it: str = ""
        ) -> AsyncIterator[str]:
            with anyio.move_on_after(5) as scope:
                yield it
            self.log.append(scope.cancelled_caught)

    server = Holding(CONNECT, text("x"))
    await Chat(make_scope(), server.receive, server.send)
    assert Chat.log == ["connect", "open", True, "closed", 1011]


# Handlers that are cancelled.


@pytest.mark.parametrize("ending", ["returns", "waits", "fails"])
@pytest.mark.parametrize("decorate", [undecorated, hidden], ids=["coroutine", "either"])
async def test_cancelled_handler_leaves_time_to_close(decorate: Any, ending: str) -> None:
    """As much as `on_disconnect` has, though each wait would be cancelled at once."""

    async def on_receive(self: Any, websocket: WebSocket, data: str, it: str) -> str:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            if ending == "fails":
                raise DeliberateError from None
            if ending == "waits":
                raise
        return "reply"

    cls: Any = type(
        "Chat",
        (Providing,),
        {"on_receive": decorate(on_receive), "cancel_on_disconnect": True, "seconds": 4},
    )
    try:
        async with connect(cls.as_asgi(), timeout=10) as client:
            await client.send_text("x")
            await all_tasks_blocked()
            await client.close(4001)
            await anyio.sleep(5)
    except DeliberateError:
        assert ending == "fails"
    else:
        assert ending != "fails"
    seen = {"returns": [], "waits": ["cancelled"], "fails": ["DeliberateError"]}[ending]
    assert cls.log == ["connect", "open", *seen, "closed", 4001]


@pytest.mark.parametrize("ending", ["returns", "waits", "fails"])
async def test_close_that_takes_too_long_is_cut(
    ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told of, and hides no failure."""

    class Chat(Providing):
        cancel_on_disconnect = True
        limits = Limits(disconnect_timeout=2)
        seconds = 3

        async def on_receive(self, websocket: WebSocket, data: str, it: str = "") -> str:
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                if ending == "fails":
                    raise DeliberateError from None
                if ending == "waits":
                    raise
            return "reply"

    caplog.set_level(logging.WARNING, "wsendpoints")
    try:
        async with connect(Chat.as_asgi(), timeout=10) as client:
            await client.send_text("x")
            await all_tasks_blocked()
            await client.close(4001)
            await anyio.sleep(5)
    except DeliberateError:
        assert ending == "fails"
    else:
        assert ending != "fails"
    assert "closed" not in Chat.log
    assert Chat.log[-1] == 4001
    assert caplog.messages == [f"{Chat.__qualname__}: what closes after a handler took over 2 s"]


async def test_failure_of_a_close_that_is_cut_is_raised() -> None:
    """It says more than the cancellation that it follows."""

    class Chat(Recording):
        cancel_on_disconnect = True

        @provides
        async def it(self) -> AsyncIterator[str]:
            try:
                yield "it"
            finally:
                try:
                    await anyio.sleep_forever()
                finally:
                    raise DeliberateError

        async def on_receive(self, websocket: WebSocket, data: str, it: str = "") -> None:
            await anyio.sleep_forever()

    with pytest.raises(DeliberateError):
        async with connect(Chat.as_asgi(), timeout=10) as client:
            await client.send_text("x")
            await all_tasks_blocked()
            await client.close(4001)
    assert Chat.log == ["connect", 4001]


async def test_close_without_a_limit_is_not_cut() -> None:
    """As with `disconnect_timeout=None`."""

    class Chat(Providing):
        cancel_on_disconnect = True
        limits = Limits(disconnect_timeout=None)
        seconds = 100

        async def on_receive(self, websocket: WebSocket, data: str, it: str = "") -> None:
            await anyio.sleep_forever()

    server = FakeServer(CONNECT, text("x"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(play_on, Chat, server)
        await all_tasks_blocked()
        server.deliver(DISCONNECT)
    assert Chat.log == ["connect", "open", "cancelled", "closed", DISCONNECT["code"]]


async def play_on(cls: Callable[..., Any], server: FakeServer) -> None:
    """Serve a connection."""
    await cls(make_scope(), server.receive, server.send)


@VIRTUAL_ASYNCIO
async def test_native_cancellation_is_raised_at_the_yield() -> None:
    """It is passed on, and cancels no wait after that."""

    class Chat(Providing):
        async def on_receive(self, websocket: WebSocket, data: str, it: str = "") -> None:
            await anyio.sleep_forever()

    server = FakeServer(CONNECT, text("x"))
    task = asyncio.create_task(play_on(Chat, server))
    await all_tasks_blocked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Chat.log == ["connect", "open", "cancelled", "closed", 1012]


# Handlers that run beside each other.


async def test_each_message_has_its_own() -> None:
    """However many are handled at once on a connection."""

    class Chat(Recording):
        encoding = "json"

        @provides
        async def it(self, data: int) -> AsyncIterator[int]:
            self.log.append(f"open {data}")
            try:
                yield data
            finally:
                self.log.append(f"close {data}")

        @handles(concurrent=True)
        async def say(self, websocket: WebSocket, data: int, it: int) -> int:
            await anyio.sleep(1 / data)
            return it

    async with connect(Chat.as_asgi(), timeout=10) as client:
        for number in (1, 2, 3):
            await client.send_json(number)
        assert [await client.receive_json() for _ in range(3)] == [3, 2, 1]
    first, *opened, third, second, last, code = Chat.log
    # trio begins tasks in any order.
    assert sorted(opened) == [f"open {number}" for number in (1, 2, 3)]
    assert [first, third, second, last, code] == [
        "connect",
        *("close 3", "close 2", "close 1"),
        1000,
    ]


@pytest.mark.parametrize("function", [*STREAMS.values(), None], ids=[*STREAMS, "coroutine"])
async def test_what_is_cancelled_by_its_key_has_time_to_close(function: Any) -> None:
    """And that is no failure: the connection stays open."""

    async def wait(self: Any, websocket: WebSocket, data: str, it: str) -> None:
        await anyio.sleep_forever()

    def key(message: str) -> str:
        return "key"

    async def stop(self: Any, websocket: WebSocket, data: int) -> None:
        assert self.cancel("key")

    attributes = {
        "encoding": "json",
        "seconds": 2,
        "say": handles(concurrent=True, key=key)(copied(function or wait)),
        "stop": handles(stop),
    }
    cls: Any = type("Chat", (Providing,), attributes)
    async with connect(cls.as_asgi(), timeout=20) as client:
        await client.send_json("wait")
        if function is not None:
            assert [await client.receive_json() for _ in "12"] == ["1", "2"]
        await all_tasks_blocked()
        await client.send_json(1)
        await anyio.sleep(10)
        closed = ["stream cancelled", "stream closed"] if function is not None else []
        assert cls.log == ["connect", "open", *closed, "cancelled", "closed"]
    assert cls.log[-1] == 1000


def copied(function: Any) -> Any:
    """Return a function for a mark of its own."""
    copy = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__annotations__ = dict(function.__annotations__)
    copy.__dict__.update(function.__dict__)
    return copy


# What remains.


class Member(Providing):
    """Fails, or is suppressed, in each way."""

    seconds = 0

    @provides(always=True)
    async def outer(self, data: str) -> AsyncIterator[None]:
        try:
            yield
        except DeliberateError:
            if data.startswith("replace"):
                raise DeliberateError from None
            if data.startswith("fail"):
                raise

    @handles
    async def coroutine(self, websocket: WebSocket, data: str, it: str) -> None:
        raise DeliberateError

    @handles
    @hidden
    async def hidden(self, websocket: WebSocket, data: bytes, it: str) -> None:
        raise DeliberateError


@pytest.mark.parametrize("data", ["fail", "replace", "suppress"])
async def test_failure_leaves_no_cycle(data: str) -> None:
    """What it holds is freed with it."""

    async def run(names: list[weakref.ref[Any]]) -> None:
        server = FakeServer(CONNECT, text(data), DISCONNECT)
        endpoint = Member(make_scope(), server.receive, server.send)
        names.append(weakref.ref(endpoint))
        try:
            await endpoint
        except DeliberateError:
            assert data != "suppress"

    references: list[weakref.ref[Any]] = []
    gc.collect()
    gc.disable()
    try:
        await run(references)
        await checkpoint()
        assert references[0]() is None
    finally:
        gc.enable()
