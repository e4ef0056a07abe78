"""What is cancelled is so once, and has time to clean up, whatever it waits with."""

import asyncio
import math
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
import sniffio
import trio
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from tests.clocks import VIRTUAL_ASYNCIO, as_asgi
from tests.connection.connections import SEND, S, connection_in
from tests.fake_server import CONNECT, FakeServer, make_scope
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket, WebSocketDisconnect, WebSocketEndpoint
from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.cancelling import RUNNING, Cancellable, spare_no_more, sparing
from wsendpoints.testing import UnexpectedEventError, connect

pytestmark = pytest.mark.anyio

TIMEOUT = 5.0


# What the application may wait with.


async def sleep_natively() -> None:
    """Sleep by the functions of the event loop itself."""
    if sniffio.current_async_library() == "trio":
        await trio.sleep(1)
    else:
        await asyncio.sleep(1)


async def lock_natively() -> None:
    """Lock by what the event loop itself has, which trio does not do without a look."""
    lock: Any = trio.Lock() if sniffio.current_async_library() == "trio" else asyncio.Lock()
    async with lock:
        await checkpoint()
    async with lock:
        pass


async def lock() -> None:
    """Lock by anyio."""
    async with anyio.Lock():
        await anyio.sleep(0.1)


async def set_a_timeout() -> None:
    """Time out, and go on."""
    with anyio.move_on_after(0.5):
        await anyio.sleep_forever()
    with pytest.raises(TimeoutError), anyio.fail_after(0.5):
        await anyio.sleep_forever()
    await anyio.sleep(0.1)


async def set_a_timeout_natively() -> None:
    """Time out by the functions of the event loop itself."""
    if sniffio.current_async_library() == "trio":
        with trio.move_on_after(0.5):
            await trio.sleep_forever()
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.sleep(1)
    await anyio.sleep(0.1)


async def run_tasks() -> None:
    """Run a task group, in which a task fails another's wait."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 0.5)
        await anyio.sleep(0.1)


async def send_to_a_stream() -> None:
    """Send to a task that receives."""
    send, receive = anyio.create_memory_object_stream[int]()
    async with anyio.create_task_group() as tasks, receive:
        tasks.start_soon(receive.receive)
        async with send:
            await send.send(1)


async def sleep_often() -> None:
    """Sleep more than once."""
    for _ in range(4):
        await anyio.sleep(1)


WAITS: dict[str, Callable[[], Awaitable[None]]] = {
    "anyio.sleep": lambda: anyio.sleep(1),
    "sleeps": sleep_often,
    "native sleep": sleep_natively,
    "checkpoint": checkpoint,
    "checkpoint_if_cancelled": checkpoint_if_cancelled,
    "native lock": lock_natively,
    "lock": lock,
    "timeout": set_a_timeout,
    "native timeout": set_a_timeout_natively,
    "task group": run_tasks,
    "memory stream": send_to_a_stream,
}


class Cleans(Recording):
    """Cleans up with an `await` in a task, or in a stream."""

    encoding = "text"
    limits = Limits(disconnect_timeout=TIMEOUT)
    clean_up: Callable[[], Awaitable[None]]
    begin: Callable[["Cleans"], Awaitable[None]]

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        if data == "task":
            self.start_soon(self.work)
            return
        try:
            while True:
                await self.begin(self)
                yield "x"
        finally:
            await self._note()

    async def work(self) -> None:
        """Work until the connection ends."""
        try:
            while True:
                await self.begin(self)
                await self.push("x")
        finally:
            await self._note()

    async def _note(self) -> None:
        self.log.append("cleaning")
        await self.clean_up()
        self.log.append("clean")


# What it does when the client disconnects.


async def wait(_: Cleans) -> None:
    """Wait for ever, for anything else."""
    await anyio.sleep_forever()


async def wait_natively(_: Cleans) -> None:
    """Wait for ever, by the functions of the event loop itself."""
    if sniffio.current_async_library() == "trio":
        await trio.sleep_forever()
    else:
        await asyncio.get_running_loop().create_future()


async def wait_in_a_scope(_: Cleans) -> None:
    """Wait within scopes of one's own."""
    with anyio.move_on_after(1000), anyio.CancelScope():
        await anyio.sleep_forever()


async def wait_in_a_group(_: Cleans) -> None:
    """Wait within a task group."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep_forever)
        tasks.start_soon(anyio.sleep_forever)


async def send(_: Cleans) -> None:
    """Do nothing else than to send."""
    await checkpoint()


WORKS: dict[str, Callable[[Cleans], Awaitable[None]]] = {
    "waits": wait,
    "waits natively": wait_natively,
    "waits in a scope": wait_in_a_scope,
    "waits in a group": wait_in_a_group,
    "sends": send,
}

each_kind = pytest.mark.parametrize("kind", ["task", "stream"])


def cleaning(clean_up: Callable[[], Awaitable[None]], begin: str) -> type[Cleans]:
    """Return a class that cleans up so, and does so much before."""

    class Chat(Cleans):
        pass

    attributes = {"clean_up": staticmethod(clean_up), "begin": staticmethod(WORKS[begin])}
    for name, value in attributes.items():
        setattr(Chat, name, value)
    return Chat


@pytest.mark.slow
@each_kind
@pytest.mark.parametrize("begin", WORKS)
@pytest.mark.parametrize("clean_up", WAITS)
async def test_clean_up_may_wait(kind: str, begin: str, clean_up: str) -> None:
    """It ends before `on_disconnect` is called, whatever it waits with."""
    chat = cleaning(WAITS[clean_up], begin)
    async with connect(as_asgi(chat), timeout=100) as client:
        await client.send_text(kind)
        await anyio.sleep(1)
        began = anyio.current_time()
        client.vanish()
        await client.wait_for_app()
    assert chat.log == ["connect", "cleaning", "clean", 1006]
    assert anyio.current_time() - began < TIMEOUT


@each_kind
@pytest.mark.parametrize("begin", WORKS)
@pytest.mark.parametrize("end", ["close", "shutdown", "vanish while it is slow"])
async def test_clean_up_may_wait_however_the_client_leaves(kind: str, begin: str, end: str) -> None:
    """It may have been sending to a client that did not read."""
    chat = cleaning(sleep_often, begin)
    async with connect(as_asgi(chat), timeout=100) as client:
        if end == "vanish while it is slow":
            client.pause_reading()
        await client.send_text(kind)
        await anyio.sleep(1)
        match end:
            case "close":
                await client.close()
            case "shutdown":
                client.shutdown()
            case _:
                client.vanish()
        await client.wait_for_app()
    assert chat.log[:-1] == ["connect", "cleaning", "clean"]


@each_kind
@pytest.mark.parametrize("begin", WORKS)
async def test_clean_up_that_takes_too_long_is_cancelled(kind: str, begin: str) -> None:
    """Each of its waits is, from then on."""
    waited: list[float] = []

    async def hang() -> None:
        for _ in range(3):
            try:
                await anyio.sleep(4)
            finally:
                waited.append(anyio.current_time())

    chat = cleaning(hang, begin)
    async with connect(as_asgi(chat), timeout=100) as client:
        await client.send_text(kind)
        await anyio.sleep(1)
        client.vanish()
        began = anyio.current_time()
        await client.wait_for_app()
        assert anyio.current_time() - began == pytest.approx(TIMEOUT, abs=0.1)
    assert [moment - began for moment in waited] == pytest.approx([4, TIMEOUT], abs=0.1)
    assert chat.log == ["connect", "cleaning", 1006]


async def test_task_that_has_caught_the_disconnect_ends_in_time() -> None:
    """It is not cancelled before that, since it knows."""

    class Chat(Recording):
        limits = Limits(disconnect_timeout=TIMEOUT)

        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.work)

        async def work(self) -> None:
            try:
                while True:
                    await anyio.sleep(1)
                    await self.push("x")
            except WebSocketDisconnect:
                await anyio.sleep(4)
                self.log.append("saved")
                await anyio.sleep_forever()

    server = FakeServer(CONNECT)
    began = anyio.current_time()

    async def serve() -> None:
        await as_asgi(Chat)(make_scope(), server.receive, server.send)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await anyio.sleep(0.5)
        server.failure = OSError("gone")
    assert Chat.log == ["connect", "saved", 1006]
    assert anyio.current_time() - began == pytest.approx(1 + TIMEOUT, abs=0.1)


# The class alone.


async def test_result_of_a_wait_is_not_lost() -> None:
    """What comes at the moment of the cancellation comes, and the next wait is cancelled."""
    log: list[object] = []
    one = Cancellable(math.inf)
    event = anyio.Event()

    async def work() -> None:
        await event.wait()
        log.append("came")
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cancelled")
            await anyio.sleep(1)
            log.append("clean")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run, work())
        await all_tasks_blocked()
        event.set()
        one.cancel()
        one.cancel()
    assert log in (["came", "cancelled", "clean"], ["cancelled", "clean"])


async def test_what_has_not_begun_is_cancelled_in_its_first_wait() -> None:
    """It is cancelled once, too."""
    log: list[str] = []
    one = Cancellable(math.inf)
    one.cancel()

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(1)
            log.append("clean")

    await one.run(work())
    assert log == ["clean"]


async def test_what_cancels_itself_goes_on_to_its_next_wait() -> None:
    """A function that looks whether it is cancelled does not disturb that."""
    log: list[str] = []
    one = Cancellable(math.inf)

    async def work() -> None:
        one.cancel()
        await checkpoint_if_cancelled()
        try:
            await anyio.sleep_forever()
        finally:
            await checkpoint_if_cancelled()
            await anyio.sleep(1)
            log.append("clean")

    await one.run(work())
    assert log == ["clean"]


@pytest.mark.parametrize("is_cancelled_first", [False, True])
async def test_what_is_told_is_not_cancelled(is_cancelled_first: bool) -> None:
    """Until its time is over."""
    log: list[str] = []
    one = Cancellable(TIMEOUT)

    async def work() -> None:
        if is_cancelled_first:
            one.cancel()
            one.told()
        else:
            one.told()
            one.cancel()
        await checkpoint_if_cancelled()
        await anyio.sleep(TIMEOUT - 1)
        log.append("slept")
        await anyio.sleep(2)
        log.append("slept on")

    await one.run(work())
    assert log == ["slept"]


async def test_what_never_waits_is_cancelled() -> None:
    """On trio only after some turns, since none of them can be cancelled alone."""
    one = Cancellable(math.inf)
    turns: list[bool] = []

    async def work() -> None:
        while True:
            turns.append(is_cancelled)
            assert sum(turns) < 200
            await checkpoint()

    is_cancelled = False
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run, work())
        for _ in range(3):
            await checkpoint()
        is_cancelled = True
        one.cancel()
    assert len(turns) > 1


@pytest.mark.parametrize("timeouts", [0, 1])
async def test_tasks_of_a_group_are_cancelled_once(timeouts: int) -> None:
    """Behind the group there is time to clean up, whatever was cancelled before."""
    one = Cancellable(math.inf)
    log: list[str] = []

    async def work() -> None:
        for _ in range(timeouts):
            with anyio.move_on_after(1):
                await anyio.sleep_forever()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep_forever)
                group.start_soon(anyio.sleep_forever)
        finally:
            await anyio.sleep(1)
            log.append("clean")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run, work())
        await anyio.sleep(2)
        one.cancel()
    assert log == ["clean"]


async def test_exception_goes_on() -> None:
    """Also one that is thrown into it by what it awaits."""
    one = Cancellable(math.inf)

    async def fail() -> None:
        await checkpoint()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await one.run(fail())


@VIRTUAL_ASYNCIO
async def test_wait_that_fails_raises_its_exception() -> None:
    """A future of asyncio's throws it into the task."""
    one = Cancellable(math.inf)
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await one.run(future)


async def test_what_is_abandoned_is_closed() -> None:
    """A coroutine that is closed closes what it runs."""
    log: list[str] = []
    one = Cancellable(math.inf)

    @types.coroutine
    def suspend() -> Any:
        yield

    async def work() -> None:
        try:
            await suspend()
        finally:
            log.append("closed")

    running = one.run(work())
    running.send(None)
    running.close()
    assert log == ["closed"]


# A cancellation that waits for a send.


@pytest.mark.parametrize("resume", [Cancellable.resume_cancel, Cancellable.cancel])
async def test_deferred_cancellation_comes_when_it_is_resumed(
    resume: Callable[[Cancellable], None],
) -> None:
    """Until then all goes on; in the clean-up nothing more is cancelled."""
    log: list[str] = []
    one = Cancellable(math.inf)
    event = anyio.Event()

    async def work() -> None:
        await event.wait()
        log.append("goes on")
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(1)
            log.append("clean")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run, work())
        await all_tasks_blocked()
        one.cancel(defers=True)
        one.cancel(defers=True)
        assert one.is_cancelled
        await all_tasks_blocked()
        event.set()
        await all_tasks_blocked()
        assert log == ["goes on"]
        resume(one)
        one.resume_cancel()
    assert log == ["goes on", "clean"]


async def test_cancellation_that_is_resumed_while_it_runs_comes_at_the_next_wait() -> None:
    """Its own send has ended."""
    log: list[str] = []
    one = Cancellable(math.inf)

    async def work() -> None:
        one.cancel(defers=True)
        await checkpoint()
        log.append("goes on")
        one.resume_cancel()
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(1)
            log.append("clean")

    await one.run(work())
    assert log == ["goes on", "clean"]


async def test_what_is_told_of_the_end_needs_no_deferred_cancellation() -> None:
    """It ends by itself."""
    log: list[str] = []
    one = Cancellable(math.inf)

    async def work() -> None:
        one.told()
        one.cancel(defers=True)
        one.resume_cancel()
        await anyio.sleep(1)
        log.append("done")

    await one.run(work())
    assert log == ["done"]


# Sends that are spared.


class Pushing:
    """Sends in a task that is cancelled alone.

    Attributes:
        one: What is cancelled.
        log: What it did.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.one = Cancellable(math.inf)
        self.log: list[str] = []

    async def send(self, name: str) -> None:
        """Send once."""
        await self.connection.transmit(SEND)
        self.log.append(name)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what is cancelled."""
        RUNNING.set(self.one)
        try:
            await self.one.run(work())
        finally:
            self.one.finish()


async def pushing() -> Pushing:
    """Return one on an open connection, whose sends are spared."""
    connection = await connection_in(S.OPEN, FakeServer())
    connection.send = sparing(connection)
    return Pushing(connection)


async def test_connection_gets_its_own_send_back() -> None:
    """What spares its sends holds it, and would be a cycle."""
    connection = await connection_in(S.OPEN, FakeServer())
    send = connection.send
    connection.send = sparing(connection)
    spare_no_more(connection)
    assert connection.send == send
    spare_no_more(connection)
    assert connection.send == send


async def test_nothing_is_sent_once_a_cancellation_is_to_come() -> None:
    """Until it has: the clean-up may send. The connection is whole."""
    it = await pushing()

    async def work() -> None:
        it.one.cancel(defers=True)
        try:
            await it.send("reply")
        finally:
            await it.send("last words")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.run, work)
        await all_tasks_blocked()
        assert it.log == []
        it.one.resume_cancel()
    assert it.log == ["last words"]
    assert it.connection.state is S.OPEN


async def test_sends_of_tasks_that_it_started_are_spared() -> None:
    """They are cancelled together with it."""
    it = await pushing()

    async def send_soon() -> None:
        await anyio.sleep(1)
        await it.send("reply")

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_soon)
            tasks.start_soon(anyio.sleep_forever)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.run, work)
        await all_tasks_blocked()
        it.one.cancel(defers=True)
        await anyio.sleep(2)
        assert it.log == []
        it.one.resume_cancel()
    assert it.log == []
    assert it.connection.state is S.OPEN


async def test_tasks_of_the_clean_up_may_send() -> None:
    """Nobody cancels those."""
    it = await pushing()

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(it.send, "last words")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.run, work)
        await all_tasks_blocked()
        it.one.cancel()
    assert it.log == ["last words"]


async def test_other_sends_are_as_they_were() -> None:
    """Those of nobody that is cancelled, what is no message, and those behind the end."""
    it = await pushing()
    await it.send("of nobody")

    async def work() -> None:
        await it.send("of one that is not cancelled")
        it.one.cancel(defers=True)
        await it.connection.close(4001, "done")

    await it.run(work)
    assert it.log == ["of nobody", "of one that is not cancelled"]
    assert it.connection.code == 4001


async def test_end_is_told_to_all_that_wait_for_it() -> None:
    """And to those that come later."""
    one = Cancellable(math.inf)
    log: list[int] = []

    async def wait(number: int) -> None:
        await one.ended()
        log.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(2):
            tasks.start_soon(wait, number)
        await all_tasks_blocked()
        assert log == []
        one.finish()
    await wait(2)
    assert sorted(log) == [0, 1, 2]


@VIRTUAL_ASYNCIO
async def test_cancelled_error_in_place_of_its_cancellation_is_that() -> None:
    """As `asyncio.gather` raises one: it does not escape, though anyio does not know its words."""
    one = Cancellable(math.inf)

    async def swap() -> None:
        with suppress(asyncio.CancelledError):
            one.cancel()
            await anyio.sleep_forever()
        raise asyncio.CancelledError

    await one.run(swap())
    assert one.is_cancelled


@VIRTUAL_ASYNCIO
async def test_send_of_a_task_that_swallowed_its_own_cancellation_goes_out() -> None:
    """It need not wait for the end of what started it."""
    it = await pushing()
    it.one.cancel(is_alone=True, defers=True)
    RUNNING.set(it.one)

    async def child() -> None:
        with suppress(asyncio.CancelledError):
            await anyio.sleep_forever()
        await it.send("last words")

    task = asyncio.create_task(child())
    await checkpoint()
    task.cancel()
    await task
    assert it.log == ["last words"]


@pytest.mark.parametrize("does", ["cancel", "defer", "tell"])
@pytest.mark.parametrize("is_nested", [False, True], ids=["alone", "within another"])
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_what_looks_twice_sees_the_same(does: str, is_nested: bool) -> None:
    """It sees the cancellation of a scope around, and that is not hidden between the looks."""

    async def look(woken: anyio.Event, looks: list[bool]) -> None:
        await woken.wait()
        looks.append(True)
        await checkpoint_if_cancelled()
        pytest.fail("trio's says that this never happens")

    async def run(one: Cancellable, woken: anyio.Event, looks: list[bool]) -> None:
        looking = look(woken, looks)
        with around:
            await one.run(Cancellable(math.inf).run(looking) if is_nested else looking)

    # Trio runs in any order what can run.
    for _ in range(30):
        one, around = Cancellable(math.inf), anyio.CancelScope()
        woken, looks = anyio.Event(), list[bool]()
        async with anyio.create_task_group() as group:
            group.start_soon(run, one, woken, looks)
            await all_tasks_blocked()
            woken.set()
            around.cancel()
            while not looks:
                await trio.lowlevel.cancel_shielded_checkpoint()
            if does == "tell":
                one.told()
            one.cancel(defers=does == "defer")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_is_not_lost_with_a_last_word() -> None:
    """It comes in the middle of a send, and nothing that the generator yields can be sent."""
    raised: list[BaseException] = []

    class Words(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                yield "first"
            finally:
                yield "last"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        task: Any = asyncio.current_task()

        async def send_and_cancel(event: Any) -> None:
            if event["type"] == "websocket.send":
                task.cancel()
                await checkpoint()
            await send(event)

        try:
            await Words.as_asgi()(scope, receive, send_and_cancel)
        except asyncio.CancelledError as exc:
            raised.append(exc)
            task.uncancel()
            raise

    with pytest.raises(UnexpectedEventError, match="awaited the app's end, but its task was canc"):
        async with connect(app, timeout=TIMEOUT) as client:
            await client.send_text("go")
            await client.expect_close(1012)
    assert len(raised) == 1
