"""The reader's role: one `receive` is pending at all times, and what it brings is bounded."""

from typing import Any, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import InvalidStateError, Limits, WebSocket, handles
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect, connect

pytestmark = pytest.mark.anyio


class Flood:
    """A server with any number of messages to deliver, which counts the calls of `receive`."""

    def __init__(self, frames: list[str | bytes]) -> None:
        self.frames = frames
        self.calls = 0
        self.at_once = 0

    async def receive(self) -> Event:
        """Return connect, each frame, and the disconnect; then never again."""
        self.calls += 1
        self.at_once += 1
        assert self.at_once == 1, "two calls of receive at once"
        try:
            await checkpoint()
            number = self.calls - 2
            if number < 0:
                return {"type": "websocket.connect"}
            if number < len(self.frames):
                frame = self.frames[number]
                return {
                    "type": "websocket.receive",
                    "text" if type(frame) is str else "bytes": frame,
                }
            if number == len(self.frames):
                return {"type": "websocket.disconnect", "code": 1000}
            raise AssertionError("receive was called after the disconnect")
        finally:
            self.at_once -= 1

    async def send(self, event: Event) -> None:
        """Drop an event."""


@pytest.mark.parametrize(
    ("limits", "frames", "read"),
    [
        pytest.param(Limits(inbox=3), ["x"] * 9, 3, id="messages"),
        pytest.param(Limits(inbox=3), ["x"] * 3, 3, id="just as many"),
        pytest.param(Limits(inbox_bytes=10), ["12345"] * 9, 2, id="bytes of text"),
        pytest.param(Limits(inbox_bytes=10), [b"12345"] * 9, 2, id="bytes"),
        pytest.param(Limits(inbox_bytes=4), ["12345"] * 9, 1, id="one message always fits"),
        pytest.param(Limits(inbox_bytes=400), ["\U0001f600" * 40] * 9, 2, id="four a character"),
        pytest.param(
            Limits(inbox=None, inbox_bytes=3000), [""] * 99, 32 + 10, id="empty ones hold memory"
        ),
        pytest.param(Limits(), ["x"] * 99, 32, id="default"),
        pytest.param(Limits(inbox=None, inbox_bytes=None), ["x"] * 99, 100, id="no limit"),
    ],
)
async def test_inbox_is_bounded(limits: Limits, frames: list[str | bytes], read: int) -> None:
    """F11: a full inbox stops the reading, so that TCP slows the client; nothing is lost."""
    go = anyio.Event()
    handled: list[str | bytes] = []
    calls: list[int] = []

    class Busy(Recording):
        async def on_receive(self, websocket: WebSocket, data: str | bytes) -> None:
            handled.append(data)
            await go.wait()

    Busy.limits = limits
    server = Flood(["first", *frames])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Busy, server)
        await all_tasks_blocked()
        calls.append(server.calls)
        go.set()
    # The connect and the first message were read before the handler had to wait.
    assert calls == [2 + read]
    assert handled == ["first", *frames]
    assert Busy.log == ["connect", 1000]


async def test_inbox_is_bounded_by_limits_that_on_connect_assigns() -> None:
    """Those of the class hold until then."""
    go = anyio.Event()
    seen: list[int] = []

    class Busy(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.limits = Limits(inbox=3)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await go.wait()

    server = Flood(["x"] * 99)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Busy, server)
        await all_tasks_blocked()
        seen.append(server.calls)
        go.set()
    assert seen == [2 + 3]


async def serve(endpoint: type[Recording], server: Flood | FakeServer) -> None:
    """Serve one connection."""
    await endpoint(make_scope(), server.receive, server.send)


@pytest.mark.parametrize("waits", [0, 1, 3], ids=["never", "once", "often"])
async def test_order_is_kept(waits: int) -> None:
    """Whoever reads, the messages are handled in the order in which they came."""

    class Some(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            # Some wait, so that the role goes back and forth.
            for _ in range(waits * (int(data) % 3)):
                await checkpoint()
            self.log.append(data)

    server = Flood([str(number) for number in range(200)])
    await serve(Some, server)
    assert Some.log == ["connect", *server.frames, 1000]


async def test_messages_that_a_handler_takes_are_in_order() -> None:
    """A handler that receives takes the next message, and the endpoint the one after."""

    class Pairs(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await checkpoint()
            self.log.append(f"{data}+{await websocket.receive_text()}")

    server = Flood([str(number) for number in range(100)])
    await serve(Pairs, server)
    pairs = [f"{number}+{number + 1}" for number in range(0, 100, 2)]
    assert Pairs.log == ["connect", *pairs, 1000]


async def test_receiving_after_a_cancelled_wait_loses_nothing() -> None:
    """F29: a message that comes after a timeout is received by the next call."""

    class Patient(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await websocket.receive_text()
            assert scope.cancelled_caught
            return await websocket.receive_text()

    async with connect(Patient.as_asgi()) as client:
        await client.send_text("one")
        await client.receive_nothing()
        await client.send_text("two")
        assert await client.receive_text() == "two"


async def test_second_receiver_is_refused() -> None:
    """F28: while one task receives, another gets an error, and the message goes to the first."""

    class Two(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.start_soon(self.other)
            return await websocket.receive_text()

        async def other(self) -> None:
            with pytest.raises(InvalidStateError, match="another task is receiving") as raised:
                await self.websocket.receive_text()
            self.log.append(type(raised.value))

    async with connect(Two.as_asgi()) as client:
        await client.send_text("one")
        await client.receive_nothing()
        await client.send_text("two")
        assert await client.receive_text() == "two"
    assert Two.log == ["connect", InvalidStateError, 1000]


async def test_task_can_not_receive_in_place_of_the_endpoint() -> None:
    """F28: between two messages the endpoint itself is the receiver."""

    class Two(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.other)

        async def other(self) -> None:
            with pytest.raises(InvalidStateError, match="receive within a handler"):
                await self.websocket.receive_text()
            await self.push("refused")

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(Two.as_asgi()) as client:
        assert await client.receive_text() == "refused"
        await client.send_text("one")
        assert await client.receive_text() == "one"


async def test_task_may_receive_while_a_handler_runs() -> None:
    """A handler may leave the receiving to a task."""

    class Helped(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            done = anyio.Event()
            self.start_soon(self.help, done)
            await done.wait()
            return data

        async def help(self, done: anyio.Event) -> None:
            self.log.append(await self.websocket.receive_text())
            done.set()

    async with connect(Helped.as_asgi()) as client:
        await client.send_text("one")
        await client.send_text("two")
        assert await client.receive_text() == "one"
    assert Helped.log == ["connect", "two", 1000]


@pytest.mark.parametrize("hook", ["on_connect", "on_receive"])
async def test_receiving_of_a_task_ends_with_the_handler(hook: str) -> None:
    """The next message is the endpoint's, which waits for it from then on."""

    class Helped(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            if hook == "on_connect":
                self.start_soon(self.help)
                await all_tasks_blocked()
                await self.push(hook)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            if hook == data:
                self.start_soon(self.help)
                await all_tasks_blocked()
            return data

        async def help(self) -> None:
            with pytest.raises(InvalidStateError) as raised:
                await self.websocket.receive_text()
            self.log.append(str(raised.value))

    async with connect(Helped.as_asgi()) as client:
        if hook == "on_receive":
            await client.send_text(hook)
        assert await client.receive_text() == hook
        for frame in ("two", "three"):
            await client.send_text(frame)
            assert await client.receive_text() == frame
    refusal = (
        "the handler has ended, and the endpoint is waiting for the next message itself: "
        "receive while a handler runs"
    )
    assert Helped.log == ["connect", refusal, 1000]


async def test_message_that_came_while_the_handler_ran_is_the_tasks() -> None:
    """It waited for that in time, although it has not had its turn when the handler ends."""
    two, came = text("two"), anyio.Event()
    server = FakeServer(CONNECT, text("one"))

    async def receive() -> Event:
        event = await server.receive()
        if event is two:
            # The handler is woken before the task, and ends first.
            came.set()
        return event

    class Helped(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if data == "one":
                self.start_soon(self.help)
                await all_tasks_blocked()
                server.deliver(two)
                await came.wait()
                self.log.append("done")
            else:
                self.log.append(f"handled {data}")

        async def help(self) -> None:
            self.log.append(f"helped with {await self.websocket.receive_text()}")
            server.deliver(text("three"), DISCONNECT)

    await Helped(make_scope(), receive, server.send)
    assert sorted(Helped.log[1:3]) == ["done", "helped with two"]
    assert Helped.log[3:] == ["handled three", 4001]


async def test_disconnect_that_a_task_takes_ends_the_endpoint() -> None:
    """Also once a send failed, when the endpoint waits for no more than the disconnect."""
    server = Flood(["one"])

    class Helped(Recording):
        limits = Limits(inbox=1)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.start_soon(self.help)
            await go.wait()
            return data

        async def help(self) -> None:
            try:
                await self.websocket.receive_text()
            finally:
                self.log.append("disconnected")

    go = anyio.Event()
    leave = anyio.Event()

    async def receive() -> Event:
        if server.calls == 2:
            await leave.wait()
        return await server.receive()

    async def send(event: Event) -> None:
        if event["type"] == "websocket.send":
            raise OSError

    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            with anyio.fail_after(5):
                await Helped(make_scope(), receive, send)

        tasks.start_soon(serve)
        await all_tasks_blocked()
        go.set()
        await all_tasks_blocked()
        leave.set()
    assert Helped.log == ["connect", "disconnected", 1000]


@pytest.mark.parametrize("second_receive", ["returns", "blocks"])
async def test_nothing_is_received_after_the_disconnect(second_receive: Any) -> None:
    """Some servers never return from a call after the disconnect, so there is none."""

    class Curious(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            assert (await websocket.receive())["type"] == "websocket.disconnect"
            with pytest.raises(InvalidStateError, match=r"after 'websocket\.disconnect'"):
                await websocket.receive()
            self.log.append("refused")

    async with connect(Curious.as_asgi(), server=Dialect(second_receive=second_receive)) as client:
        await client.send_text("one")
        await client.close(1001)
    assert Curious.log == ["connect", "refused", 1001]


async def test_server_that_fails_beside_a_handler_is_a_failure() -> None:
    """An exception of the server's `receive` is raised once the handler is done."""
    go = anyio.Event()

    class Busy(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await go.wait()
            self.log.append("handled")

    server = Flood(["one"])

    async def receive() -> Event:
        if server.calls == 2:
            go.set()
            raise ValueError("server")
        return await server.receive()

    with pytest.raises(ValueError, match="server"):
        await Busy(make_scope(), receive, server.send)
    assert Busy.log == ["connect", "handled", 1011]


async def test_server_that_fails_while_a_handler_receives_is_a_failure() -> None:
    """The same exception comes to the handler that asked for the message."""

    class Asking(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.receive_text()

    server = Flood(["one"])

    async def receive() -> Event:
        if server.calls == 2:
            raise ValueError("server")
        return await server.receive()

    with pytest.raises(ValueError, match="server"):
        await Asking(make_scope(), receive, server.send)
    assert Asking.log == ["connect", 1011]


# When something is read.


async def test_nothing_is_read_before_the_accept() -> None:
    """`on_connect` may take its time; nothing can come but a disconnect."""
    go = anyio.Event()

    class Slow(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await go.wait()
            await super().on_connect(websocket)

    server = FakeServer(CONNECT, DISCONNECT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Slow, server)
        await all_tasks_blocked()
        assert server.receives == 1
        go.set()
    assert Slow.log == ["connect", 4001]


@pytest.mark.parametrize("where", ["on_connect", "on_receive", "reply"])
async def test_disconnect_is_noticed_while_the_endpoint_waits(where: str) -> None:
    """Once it is accepted, one call of `receive` is pending whatever the endpoint waits for."""

    class Waiting(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            await self.wait("on_connect")

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await self.wait("on_receive")
            if where == "reply":
                server.gate = gate
            return data

        async def wait(self, place: str) -> None:
            if place == where:
                await gate.wait()

    gate = anyio.Event()
    server = FakeServer(CONNECT, text("x"))
    endpoint = Waiting(make_scope(), server.receive, server.send)

    async def serve() -> None:
        await endpoint

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await all_tasks_blocked()
        assert endpoint.websocket.connection_state.name == "OPEN"
        server.deliver(DISCONNECT)
        await all_tasks_blocked()
        assert endpoint.websocket.connection_state.name == "DISCONNECTED"
        gate.set()
    assert Waiting.log == ["connect", 4001]


@pytest.mark.parametrize("is_pending", [True, False], ids=["pending", "not yet"])
async def test_nothing_is_read_after_our_close(is_pending: bool) -> None:
    """A pending call is cancelled at once, since a server may hold the close up for it."""
    pending: list[int] = []
    closes: list[list[int]] = []

    class Closing(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if is_pending:
                await all_tasks_blocked()
            assert len(pending) == is_pending
            await websocket.close(4000)
            await all_tasks_blocked()

    server = FakeServer(CONNECT, text("x"))

    async def receive() -> Event:
        pending.append(1)
        try:
            return await server.receive()
        finally:
            pending.pop()

    async def send(event: Event) -> None:
        if event["type"] != "websocket.close":
            return
        # A server that holds the close up for as long as its `receive` is pending goes on.
        await all_tasks_blocked()
        closes.append([*pending])

    await Closing(make_scope(), receive, send)
    assert closes == [[]]
    assert pending == []
    assert Closing.log == ["connect", 4000]


# Sends that take long.


class Queue(FakeServer):
    """A server that takes so many seconds for each message that it sends, one after the other.

    Attributes:
        seconds: How many it takes for each.
    """

    def __init__(self, *seconds: float) -> None:
        super().__init__(CONNECT)
        self.seconds = list(seconds)
        self._lock = anyio.Lock()

    async def send(self, event: Event) -> None:
        """Send an event."""
        if event["type"] == "websocket.send":
            async with self._lock:
                await anyio.sleep(self.seconds.pop(0))
        await super().send(event)


class Pushing(Recording):
    """Pushes three messages at the same time, and then waits for the client."""

    limits = Limits(send_timeout=10)

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        for _ in range(3):
            self.start_soon(self.push, "x")


async def test_f10_each_push_that_takes_long_has_its_whole_time() -> None:
    """Its time begins once the send before it has ended; the third one here never ends."""

    class Three(Pushing):
        pass

    server = Queue(9, 9, 3600)
    began = anyio.current_time()
    await as_asgi(Three)(make_scope(), server.receive, server.send)
    assert Three.log == ["connect", 1013]
    assert anyio.current_time() - began == pytest.approx(9 + 9 + 10, abs=0.1)


async def test_pushes_that_ended_in_time_are_forgotten() -> None:
    """Once no send is under way, nothing is counted; the next one has its whole time."""

    class Three(Pushing):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(self.push, data)

    server = Queue(9, 9, 9, 9, 3600)
    began = anyio.current_time()

    async def talk() -> None:
        for _ in range(2):
            await anyio.sleep(1000)
            server.deliver(text("x"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(talk)
        await as_asgi(Three)(make_scope(), server.receive, server.send)
    assert Three.log == ["connect", 1013]
    assert anyio.current_time() - began == pytest.approx(2000 + 10, abs=0.1)


async def test_endpoint_that_does_nothing_needs_no_look() -> None:
    """A client that is refused at once is not looked at."""

    class Refusing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.log.append("refused")

    server = FakeServer(CONNECT)
    await serve(Refusing, server)
    assert [event["type"] for event in server.sent] == ["websocket.close"]
    assert Refusing.log == ["refused"]


async def test_handler_that_was_found_once_is_not_found_again_by_its_sends() -> None:
    """It has a reader already: each later send is looked at for itself alone."""

    class Slow(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            for _ in range(3):
                await anyio.sleep(1)
                await self.push("x")
            return data

    server = FakeServer(CONNECT, text("x"))

    async def leave() -> None:
        await anyio.sleep(5)
        server.deliver(DISCONNECT)

    async with anyio.create_task_group() as group:
        group.start_soon(leave)
        await Slow(make_scope(), server.receive, server.send)
    assert Slow.log == ["connect", DISCONNECT["code"]]
    # The connect, and the two events; none is read twice.
    assert server.receives == 3


async def test_messages_that_wait_behind_a_handler_are_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those that came before it, too, but none that it takes itself."""

    class Sleeps(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep(4 if data == "short" else 8)
            if data == "takes":
                while (frame := await websocket.receive_text()) != "end":
                    self.log.append(frame)
                    await anyio.sleep(4)

    async with connect(as_asgi(Sleeps), timeout=100) as client:
        for frame in ("short", "long", "short"):
            await client.send_text(frame)
        await anyio.sleep(20)
        assert len(caplog.records) == 1
        await client.send_text("takes")
        await anyio.sleep(9)
        for frame in ("1", "2", "3", "end"):
            await client.send_text(frame)
        await anyio.sleep(20)
    assert Sleeps.log == ["connect", "1", "2", "3", 1000]
    assert len(caplog.records) == 1


async def test_message_that_a_handler_takes_at_once() -> None:
    """Nothing takes long then."""

    class Pairs(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.log.append(data + await websocket.receive_text())

    server = FakeServer(CONNECT, text("a"), text("b"), text("c"), text("d"), DISCONNECT)
    await Pairs(make_scope(), server.receive, server.send)
    assert Pairs.log == ["connect", "ab", "cd", 4001]


# What goes on beside the loop.


class Counting(BaseModel):
    """Counts, or answers a question."""

    type: Literal["counting"] = "counting"
    id: str | None = None
    number: int = 0


class Counted(BaseModel):
    """What is asked."""

    type: Literal["counted"] = "counted"
    id: str | None = None


class Counts(Recording):
    """Asks, and takes what came meanwhile."""

    encoding = "json"
    correlation_id = "id"
    answers = Counted
    limits = Limits(inbox=5, max_message_size=100)

    @handles
    async def count(self, websocket: WebSocket, data: Counting) -> None:
        if data.number == 0:
            self.log.append(await self.ask(Counted(), Counted, timeout=50))
        self.log.append(data.number)


async def test_answers_are_taken_out_of_turn_while_a_handler_waits_for_them() -> None:
    """They take no room in the inbox; all other messages keep their order."""

    class Chat(Counts):
        pass

    async with connect(as_asgi(Chat), timeout=100) as client:
        await client.send(Counting())
        question = await client.receive(Counted)
        for number in (1, 2, 3):
            await client.send(Counting(number=number))
            await all_tasks_blocked()
        # An answer to no question is a message like any other.
        await client.send({"type": "counted", "id": "x"})
        await client.send(question)
        await client.receive_nothing()
    assert Chat.log == ["connect", question, 0, 1, 2, 3, 1000]


async def test_nothing_is_read_out_of_turn_where_nothing_is_handled() -> None:
    """The loop reads by itself then, and takes the answer in its turn."""

    class Chat(Counts):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.ask_later)

        async def ask_later(self) -> None:
            """Ask once the loop waits."""
            await anyio.sleep(1)
            self.log.append(await self.ask(Counted(), Counted, timeout=50))

    async with connect(as_asgi(Chat), timeout=100) as client:
        question = await client.receive(Counted)
        await client.send(question)
        await client.receive_nothing()
        await client.send(Counting(number=1))
        await client.receive_nothing()
    assert Chat.log == ["connect", question, 1, 1000]


async def test_messages_that_wait_beside_the_loop_count_as_those_of_the_inbox() -> None:
    """In number and in size; what has begun makes room."""
    handled: list[str] = []

    class Chat(Recording):
        encoding = "text"
        limits = Limits(concurrency=1, inbox=4)

        @handles(concurrent=True)
        async def work(self, websocket: WebSocket, data: str) -> None:
            handled.append(data)
            await anyio.sleep(10)

    server = FakeServer(CONNECT, *(text(str(number)) for number in range(9)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Chat, server)
        await anyio.sleep(1)
        assert handled == ["0"]
        # The connect, the one that runs, four that wait, and one more, since one always fits.
        assert server.receives == 7
        await anyio.sleep(40)
        assert handled == ["0", "1", "2", "3", "4"]
        assert server.receives > 7
        tasks.cancel_scope.cancel()
