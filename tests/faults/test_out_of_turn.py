"""Calls out of turn, and several tasks on one connection: F24, F25, F27 to F30 and F33."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.endpoints import GONE, RECEIVES, SENDS, SILENT, quiet, until_ended, use
from tests.faults.playing import (
    MARKER,
    SOON,
    Noting,
    fails_at_once,
    make_scope,
    play,
    serve,
    watch,
)
from tests.waiting import all_tasks_blocked
from wsendpoints import InvalidStateError, WebSocket, WebSocketDisconnect
from wsendpoints.testing import Dialect

anyio_test = pytest.mark.anyio


@anyio_test
@pytest.mark.parametrize("how", SENDS)
async def test_f24_send_after_our_close_is_out_of_turn(how: str) -> None:
    """It raises `InvalidStateError`, and the server does not see it."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000)
            with pytest.raises(InvalidStateError):
                await use(self, how)
            self.log.append("refused")

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000)
        await client.wait_for_app()
    assert Closing.log == ["connect", "refused", 4000]
    assert Closing.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize("how", SENDS)
@pytest.mark.parametrize("server", [Dialect(), SILENT], ids=["OSError", "silent"])
async def test_f24_send_after_the_disconnect_tells_of_it(how: str, server: Dialect) -> None:
    """It raises the client's code, and the server does not see it."""

    class Late(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await until_ended(websocket)
            with pytest.raises(WebSocketDisconnect) as raised:
                await use(self, how)
            self.log.append(f"ended with {raised.value.code}")

    async with play(Late, server=server) as client:
        await client.send_text(MARKER)
        await client.close(4001)
    assert Late.log == ["connect", "ended with 4001", 4001]
    assert Late.sent_types() == ["accept"]


@anyio_test
async def test_f25_first_of_two_closes_wins() -> None:
    """The second close does nothing."""

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000, "first")
            await websocket.close(4001, "second")

    async with play(Closing) as client:
        await client.send_text(MARKER)
        await client.expect_close(4000, "first")
        await client.wait_for_app()
    assert Closing.log == ["connect", 4000]
    assert Closing.sent_types() == ["accept", "close"]


@anyio_test
async def test_f25_close_after_the_disconnect_does_nothing() -> None:
    """After the disconnect, a close does not change the client's code."""

    class Late(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await until_ended(websocket)
            await websocket.close(4000)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await websocket.close(4000)

    async with play(Late) as client:
        await client.send_text(MARKER)
        await client.close(4001)
    assert Late.log == ["connect", 4001]
    assert Late.sent_types() == ["accept"]


@anyio_test
@pytest.mark.parametrize("where", ["handler", "tasks"])
async def test_f25_tasks_that_close_at_once_send_one_close(where: str) -> None:
    """One of the tasks sends its close, while the server makes it wait."""
    returned: list[int] = []
    all_returned = anyio.Event()

    class Closing(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if where == "tasks":
                for code in range(4000, 4005):
                    self.start_soon(self.close, code)
                await all_returned.wait()
                return
            async with anyio.create_task_group() as tasks:
                for code in range(4000, 4005):
                    tasks.start_soon(self.close, code)

        async def close(self, code: int) -> None:
            """Close."""
            await self.websocket.close(code)
            returned.append(code)
            if len(returned) == 5:
                all_returned.set()

    server = FakeServer(CONNECT, text(MARKER))
    with watch(Closing):
        await serve(Closing, server)
    assert Closing.sent_types() == ["accept", "close"]
    assert Closing.log == ["connect", server.sent[-1]["code"]]
    assert len(returned) == 5


@anyio_test
async def test_f27_concurrent_sends_are_whole_and_in_order() -> None:
    """Each message goes out whole, in the order of the calls of all tasks."""
    calls: list[str] = []

    class Many(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(self.talk, number)

        async def talk(self, number: int) -> None:
            """Send messages, letting other tasks run in between."""
            for count in range(20):
                message = f"{number}:{count}:" + "x" * number * 100
                calls.append(message)
                await self.push(message)
                for _ in range((number + count) % 3):
                    await checkpoint()

    async with play(Many) as client:
        await client.send_text(MARKER)
        came = [await client.receive_text() for _ in range(200)]
        await client.close(1000)
    assert came == calls
    for number in range(10):
        own = [message.split(":")[1] for message in came if message.startswith(f"{number}:")]
        assert own == [str(count) for count in range(20)]


@anyio_test
async def test_f28_second_receiver_is_refused() -> None:
    """The first receiver gets the message, and none is lost."""
    receiving = anyio.Event()

    class Two(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.receive)
                await receiving.wait()
                with pytest.raises(InvalidStateError, match="another task is receiving"):
                    await websocket.receive_text()
                await websocket.send_text("ready")
            self.log.append(f"then {await websocket.receive_text()}")

        async def receive(self) -> None:
            """Receive the first."""
            receiving.set()
            self.log.append(f"first {await self.websocket.receive_text()}")

    async with play(Two) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "ready"
        await client.send_text("one")
        await client.send_text("two")
        await client.close(1000)
    assert Two.log == ["connect", "first one", "then two", 1000]


@anyio_test
async def test_f28_second_receiver_that_does_not_expect_it_fails() -> None:
    """The application's error closes with 1011, and is raised to the server."""

    class Two(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(websocket.receive_text)
            await checkpoint()
            await checkpoint()
            await websocket.receive_text()

    async with play(Two, raises=InvalidStateError) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert Two.log == ["connect", 1011]


@anyio_test
async def test_f28_task_does_not_receive_what_is_for_on_receive() -> None:
    """While no handler runs, the endpoint itself receives, and a task that does is refused."""

    class Task(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(self.receive)

        async def receive(self) -> None:
            """Receive what is not for it."""
            await self.websocket.receive_text()

    async with play(Task, raises=InvalidStateError) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert Task.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize("way", ["timeout", "scope"])
async def test_f29_receive_that_is_cancelled_loses_nothing(way: str) -> None:
    """The message goes to the next call that receives."""

    class Impatient(Noting):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            if data == "wait":
                with anyio.move_on_after(SOON) as scope:
                    if way == "scope":
                        scope.cancel()
                    await websocket.receive_text()
                self.log.append("nothing came")
                await websocket.send_text("gave up")
                return await websocket.receive_text()
            return f"loop {data}"

    async with play(Impatient) as client:
        await client.send_text("wait")
        assert await client.receive_text() == "gave up"
        await client.send_text(f"one {MARKER}")
        await client.send_text("two")
        assert await client.receive_text() == f"one {MARKER}"
        assert await client.receive_text() == "loop two"
        await client.close(1000)
    assert Impatient.log == ["connect", "nothing came", 1000]


@anyio_test
async def test_f30_second_accept_is_refused_by_us() -> None:
    """It raises here: granian would ignore it, daphne raise AttributeError."""

    class Twice(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.accept()

    async with play(Twice, raises=InvalidStateError) as client:
        await client.expect_close(1011, "")
    assert Twice.log == [1011]
    assert Twice.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize("how", [*SENDS, *RECEIVES])
async def test_f30_use_before_the_accept_is_refused_by_us(how: str) -> None:
    """It raises a RuntimeError, as in Starlette, and nothing reaches the server."""
    assert issubclass(InvalidStateError, RuntimeError)

    class Early(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            await use(self, how)

    await fails_at_once(Early, raises=InvalidStateError)
    assert Early.log == Early.sent == []


@anyio_test
async def test_f33_instance_serves_one_connection() -> None:
    """An endpoint that has served a connection can't serve another."""
    endpoint = quiet()
    server = FakeServer(CONNECT, GONE)
    with watch(endpoint):
        instance = endpoint(make_scope(), server.receive, server.send)
        await instance
        with pytest.raises(InvalidStateError, match="an instance serves one connection, once"):
            await instance
        del instance
        # It was not called by `serve`, which would have recorded them.
        endpoint.sent.extend(server.sent)
    assert endpoint.log == ["connect", 1006]


@anyio_test
async def test_f33_scope_is_that_of_one_connection() -> None:
    """A scope that is being served can't be served again."""
    endpoint = quiet()
    scope = make_scope()
    first, second = FakeServer(CONNECT), FakeServer(CONNECT, GONE)
    async with anyio.create_task_group() as tasks:

        async def serve_first() -> None:
            await endpoint(scope, first.receive, first.send)

        tasks.start_soon(serve_first)
        await all_tasks_blocked()
        with pytest.raises(RuntimeError):
            await endpoint(scope, second.receive, second.send)
        assert second.sent == []
        tasks.cancel_scope.cancel()
