"""A handler that is cancelled while others go on: what it sends still, and where it stops."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib.metadata import version
from typing import Any, Final, cast

import anyio
import pytest
from anyio import get_cancelled_exc_class
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from tests.lifecycle.in_flight import (
    Do,
    Out,
    Serve,
    Speaking,
    app_of,
    begin,
    expect_going_on,
    lagging,
)
from wsendpoints import (
    Limits,
    WebSocketDisconnect,
)
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

each_kind = pytest.mark.parametrize("kind", ["handler", "task"])


@each_kind
async def test_send_under_way_outlives_the_time_to_clean_up(kind: str) -> None:
    """The client reads nothing for longer than a cancelled handler may clean up."""

    class Chat(Speaking):
        async def push_on(self) -> None:
            while True:
                await self.push(Out(text="x"))
                await anyio.sleep(1)

    log: list[Any] = []
    app = app_of(Chat, log, limits=Limits(disconnect_timeout=2, send_timeout=60))
    async with connect(app, timeout=100) as client:
        await begin(client, "push_on", kind)
        assert (await client.receive(Out)).text == "x"
        client.pause_reading()
        await anyio.sleep(1.5)
        await client.send_json(Serve(what="stop"))
        await anyio.sleep(10)
        client.resume_reading()
        # It was under way when the handler was cancelled.
        assert (await client.receive(Out)).text == "x"
        await expect_going_on(client)
    assert log == [1000]


@each_kind
async def test_last_word_outlives_the_time_to_clean_up(kind: str) -> None:
    """A client that reads slowly is not the handler's fault."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await self.push(Out(text="last"))

    log: list[Any] = []
    app = app_of(Chat, log, limits=Limits(disconnect_timeout=2, send_timeout=60))
    async with connect(app, timeout=100) as client:
        await begin(client, "work", kind)
        await anyio.sleep(1)
        client.pause_reading()
        await client.send_json(Serve(what="stop"))
        await anyio.sleep(10)
        client.resume_reading()
        assert (await client.receive(Out)).text == "last"
        await expect_going_on(client)
    assert log == [1000]


@each_kind
async def test_time_to_clean_up_goes_on_behind_a_last_word(kind: str) -> None:
    """What waits for too long is cancelled, whatever it has sent before."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await anyio.sleep(1)
                await self.push(Out(text="last"))
                try:
                    await anyio.sleep_forever()
                finally:
                    self.log.append(anyio.current_time())

    log: list[Any] = []
    app = lagging(app_of(Chat, log, limits=Limits(disconnect_timeout=3)), 10)
    async with connect(app, timeout=100) as client:
        await begin(client, "work", kind)
        await anyio.sleep(1)
        await client.send_json(Serve(what="stop"))
        began = anyio.current_time()
        assert (await client.receive(Out)).text == "last"
        await anyio.sleep(5)
        assert log[0] - began == pytest.approx(13, abs=0.1)


@each_kind
async def test_connection_that_ends_does_not_wait_for_the_send_of_a_last_word(kind: str) -> None:
    """A server that never returns from `send` holds up nothing for ever."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await self.push(Out(text="last"))

    log: list[Any] = []
    app = lagging(app_of(Chat, log, limits=Limits(disconnect_timeout=2, grace=1)), 10_000)
    async with connect(app, timeout=100) as client:
        await begin(client, "work", kind)
        await anyio.sleep(1)
        await client.send_json(Serve(what="stop"))
        await anyio.sleep(1)
        began = anyio.current_time()
        await client.close()
        assert anyio.current_time() - began < 10
    assert log == [1000]


@each_kind
async def test_cancellation_that_waits_for_a_send_does_not_hold_up_the_end(kind: str) -> None:
    """Where the application is cancelled, nothing tells of the end of sends any more."""

    class Chat(Speaking):
        async def push_on(self) -> None:
            while True:
                await self.push(Out(text="x"))

    log: list[Any] = []
    app = lagging(app_of(Chat, log, limits=Limits(disconnect_timeout=2)), 1)
    async with connect(app, timeout=100) as client:
        await begin(client, "push_on", kind)
        await anyio.sleep(0.5)
        await client.send_json(Serve(what="stop"))
        await anyio.sleep(0.2)
        began = anyio.current_time()
        client.cancel_app()
        await client.wait_for_app()
        assert anyio.current_time() - began < 5
    assert len(log) == 1


async def test_send_under_way_outlives_one_that_is_cancelled_before_it_began() -> None:
    """What is not sent does not count as a send that has ended."""

    class Chat(Speaking):
        async def work(self) -> None:
            self.start_soon(self.push, Out(text="never")).cancel()
            served.append(self)
            await self.push(Out(text="x"))
            await anyio.sleep_forever()

    served: list[Speaking] = []
    log: list[Any] = []
    app = app_of(Chat, log)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(event: Event) -> None:
            if event["type"] == "websocket.send" and served:
                # Before the task has begun to push.
                served.pop().cancel("a")
                await anyio.sleep(1)
            await send(event)

        await app(scope, receive, send_late)

    async with connect(slow, timeout=30) as client:
        await begin(client, "work")
        assert (await client.receive(Out)).text == "x"
        await expect_going_on(client)
    assert log == [1000]


@each_kind
async def test_send_under_way_outlives_one_that_began_later(kind: str) -> None:
    """Servers end them in any order."""

    class Chat(Speaking):
        async def work(self) -> None:
            await self.push(Out(text="slow"))
            await anyio.sleep_forever()

        async def push_more(self) -> None:
            await self.push(Out(text="quick"))

    log: list[Any] = []
    app = app_of(Chat, log)

    async def unfair(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unfairly(event: Event) -> None:
            await send(event)
            if "slow" in event.get("text", ""):
                await anyio.sleep(5)

        await app(scope, receive, send_unfairly)

    async with connect(unfair, timeout=30) as client:
        await begin(client, "work", kind)
        assert (await client.receive(Out)).text == "slow"
        await client.send_json(Serve(what="stop"))
        await client.send_json(Serve(what="push_more"))
        assert (await client.receive(Out)).text == "quick"
        await anyio.sleep(10)
        await expect_going_on(client)
    assert log == [1000]


async def in_a_group(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait for the tasks of a group."""
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 3)
        group.start_soon(work)


async def in_the_body_of_a_group(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait beside the tasks of a group."""
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 3)
        await work()


async def in_nested_groups(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait in a group within another."""
    async with anyio.create_task_group() as group:
        group.start_soon(in_a_group, work)
        await in_a_group(work)


async def in_a_timeout(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait with a time limit that does not pass."""
    with anyio.fail_after(100):
        await work()


async def in_a_timeout_that_passes(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait with a time limit that passes at the moment of the cancellation."""
    with anyio.move_on_after(1):
        await work()
    await work()


async def by_asyncio(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait for a task of asyncio's own."""
    async with asyncio.TaskGroup() as group:
        group.create_task(cast("Any", work()))
        await asyncio.gather(asyncio.wait_for(cast("Any", work()), 100), asyncio.sleep(3))


WITHIN: list[Any] = [
    in_a_group,
    in_the_body_of_a_group,
    in_nested_groups,
    in_a_timeout,
    in_a_timeout_that_passes,
]


async def sleep() -> None:
    """Sleep for longer than any test takes."""
    await anyio.sleep(50)


async def check_stopping(within: Any, kind: str) -> None:
    """Check that what is cancelled goes no further, and may say a last word."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                while True:
                    await within(sleep)
                    await self.push(Out(text="more"))
            finally:
                await anyio.sleep(1)
                await self.push(Out(text="last"))
                self.log.append("clean")

    log: list[Any] = []
    async with connect(app_of(Chat, log), timeout=30) as client:
        await begin(client, "work", kind)
        await anyio.sleep(1)
        await client.send_json(Serve(what="stop"))
        assert (await client.receive(Out)).text == "last"
        await expect_going_on(client)
        assert log == ["clean"]


# Before 4.16 a group of anyio's swallows, on asyncio, what cancels a task of `start_soon`: that
# ends once its time to clean up is over.
SWALLOWING: Final = (
    {in_a_group, in_the_body_of_a_group, in_nested_groups}
    if tuple(map(int, version("anyio").split(".")[:2])) < (4, 16)
    else set[Any]()
)


@pytest.mark.parametrize(
    ("within", "kind"),
    [
        pytest.param(within, kind, id=f"{kind}-{within.__name__}")
        for kind in ("handler", "task")
        for within in WITHIN
        if kind == "handler" or within not in SWALLOWING
    ],
)
async def test_cancelled_handler_stops(within: Any, kind: str) -> None:
    """A group, or a time limit of its own, does not swallow the cancellation."""
    await check_stopping(within, kind)


@VIRTUAL_ASYNCIO
@each_kind
async def test_cancelled_handler_stops_by_asyncio(kind: str) -> None:
    """Nor does what asyncio has of that kind."""
    await check_stopping(by_asyncio, kind)


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("kind", ["wait_for", "shield", "gather", "task group"])
async def test_last_word_in_a_task_of_its_own(kind: str) -> None:
    """A task that belongs to the clean-up may send, too."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                await asyncio.wait_for(self.wait(), 100)
            finally:
                await self.say_last(kind)

        async def wait(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await self.push(Out(text="first"))

        async def say_last(self, kind: str) -> None:
            word = self.push(Out(text="last"))
            match kind:
                case "wait_for":
                    await asyncio.wait_for(word, 100)
                case "shield":
                    await asyncio.shield(word)
                case "gather":
                    await asyncio.gather(word)
                case _:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(word)

    async with connect(app_of(Chat, []), timeout=30) as client:
        await client.send_json(Do(what="work"))
        await anyio.sleep(1)
        began = anyio.current_time()
        await client.send_json(Serve(what="stop"))
        assert (await client.receive(Out)).text == "first"
        assert (await client.receive(Out)).text == "last"
        assert anyio.current_time() - began < 0.1
        await expect_going_on(client)


async def test_handler_cancels_itself() -> None:
    """Its next wait is cancelled, and it has no reply."""

    class Chat(Speaking):
        async def work(self) -> Out:
            self.cancel("a")
            with suppress(get_cancelled_exc_class()):
                await checkpoint()
                await anyio.sleep(1)
            return Out(text="reply")

    async with connect(app_of(Chat, []), timeout=30) as client:
        await client.send_json(Do(what="work"))
        await anyio.sleep(1)
        await expect_going_on(client)


async def test_second_cancel_is_no_second_cancellation() -> None:
    """The clean-up goes on."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await anyio.sleep(1)
                await self.push(Out(text="last"))

    async with connect(app_of(Chat, []), timeout=30) as client:
        await client.send_json(Do(what="work"))
        await anyio.sleep(1)
        await client.send_json(Serve(what="stop"))
        await client.send_json(Serve(what="stop"))
        assert (await client.receive(Out)).text == "last"
        await expect_going_on(client)


async def test_cancelled_during_its_grace() -> None:
    """Once the client has left, a handler that goes on can still be cancelled."""

    class Chat(Speaking):
        async def work(self) -> None:
            try:
                await self.websocket_ended()
                self.cancel("a")
                await anyio.sleep(20)
            finally:
                self.log.append(anyio.current_time())

        async def websocket_ended(self) -> None:
            while True:
                await anyio.sleep(1)
                try:
                    await self.push(Out(text="x"))
                except WebSocketDisconnect:
                    return

    log: list[Any] = []
    async with connect(app_of(Chat, log), timeout=100) as client:
        await client.send_json(Do(what="work"))
        await anyio.sleep(1.5)
        began = anyio.current_time()
        await client.close()
        assert log[0] - began < 2
        assert log[1:] == [1000]


@pytest.mark.parametrize("is_paused", [False, True])
async def test_cancelled_handler_leaves_no_cycle(is_paused: bool) -> None:
    """Of the endpoint nothing remains, without the garbage collector."""
    refs: list[weakref.ref[Any]] = []

    class Chat(Speaking):
        async def work(self) -> None:
            refs.append(weakref.ref(self))
            await self.push(Out(text="x"))
            await anyio.sleep_forever()

    async with connect(app_of(Chat, []), timeout=30) as client:
        if is_paused:
            client.pause_reading()
        await client.send_json(Do(what="work"))
        await anyio.sleep(1)
        await client.send_json(Serve(what="stop"))
        await anyio.sleep(1)
        client.resume_reading()
        await client.receive(Out)
        gc.collect()
        gc.disable()
        try:
            await client.close()
            await checkpoint()
            await checkpoint()
            assert [ref() for ref in refs] == [None]
        finally:
            gc.enable()


@VIRTUAL_ASYNCIO
async def test_cancellation_without_anyios_words_is_no_failure() -> None:
    """`asyncio.gather` raises another one than that which it got."""

    class Chat(Speaking):
        async def work(self) -> None:
            done = asyncio.create_task(asyncio.sleep(0))
            work = asyncio.gather(asyncio.sleep(100), done, return_exceptions=True)
            await work

    log: list[Any] = []
    async with connect(app_of(Chat, log), timeout=30) as client:
        await begin(client, "work", "task")
        await anyio.sleep(1)
        await client.close()
    assert log == [1000]


@VIRTUAL_ASYNCIO
@each_kind
async def test_task_that_goes_on_when_its_send_ends_is_cancelled_before_the_next(kind: str) -> None:
    """The end of its send is what resumes the cancellation, which it has not got yet."""

    class Chat(Speaking):
        async def work(self) -> None:
            await asyncio.gather(self.push_on())

        async def push_on(self) -> None:
            while True:
                await self.push(Out(text="x"))

    log: list[Any] = []
    async with connect(lagging(app_of(Chat, log), 1), timeout=30) as client:
        await begin(client, "work", kind)
        await anyio.sleep(0.5)
        await client.send_json(Serve(what="stop"))
        assert (await client.receive(Out)).text == "x"
        await expect_going_on(client)
    assert log == [1000]


@VIRTUAL_ASYNCIO
async def test_end_without_anyios_words_is_no_cancellation() -> None:
    """A handler that is cancelled raises a cancellation that is not known to be that of the end."""

    class Chat(Speaking):
        cancel_on_disconnect = True

        async def work(self) -> None:
            done = asyncio.create_task(asyncio.sleep(0))
            await asyncio.gather(asyncio.sleep(100), done, return_exceptions=True)

    log: list[Any] = []
    async with connect(app_of(Chat, log), timeout=30) as client:
        await client.send_json(Serve(what="work"))
        await anyio.sleep(1)
        await client.close()
    assert log == [1000]
