"""A client that disconnects: what it sent before is handled, and a handler has its grace."""

import asyncio
import logging
from typing import Any, ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO, as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, Script, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ConnectionState, Limits, WebSocket, WebSocketDisconnect
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_f15_handler_has_its_grace_after_the_disconnect() -> None:
    """A handler that goes on waiting is cancelled after `grace` seconds."""

    class Sleeper(Recording):
        limits = Limits(grace=20)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append(websocket.connection_state)
                self.log.append(anyio.current_time())

    async with connect(Sleeper.as_asgi()) as client:
        await client.send_text("x")
        await all_tasks_blocked()
        disconnected_at = anyio.current_time()
        await client.close(1001, timeout=60)
    cancelled_at = pytest.approx(disconnected_at + 20, abs=0.01)
    assert Sleeper.log == ["connect", ConnectionState.DISCONNECTED, cancelled_at, 1001]


async def test_handler_without_a_limit_may_take_its_time() -> None:
    """With no `grace` a handler ends by itself."""
    done = anyio.Event()

    class Saver(Recording):
        limits = Limits(grace=None)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await done.wait()
            self.log.append("saved")

    async with connect(Saver.as_asgi()) as client:
        await client.send_text("x")
        client.vanish()
        await anyio.sleep(80_000)
        assert Saver.log == ["connect"]
        done.set()
        await client.wait_for_app()
    assert Saver.log == ["connect", "saved", 1006]


async def test_cancel_on_disconnect_cancels_the_handler_at_once() -> None:
    """F15: a class that asks for it has its handler cancelled when the client disconnects."""

    class Sleeper(Recording):
        cancel_on_disconnect = True

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    async with connect(Sleeper.as_asgi()) as client:
        await client.send_text("x")
        client.vanish()
        await client.wait_for_app()
    assert Sleeper.log == ["connect", 1006]


@pytest.mark.parametrize("swallow", [False, True], ids=["OSError", "silent"])
async def test_messages_from_before_the_disconnect_are_handled(swallow: bool) -> None:
    """What a client sends just before it disconnects is not lost, nor is its order."""
    go = anyio.Event()

    class Saver(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await go.wait()
            self.log.append(data)
            return data

    async with connect(Saver.as_asgi(), swallow_sends=swallow) as client:
        for text in ("one", "two", "save"):
            await client.send_text(text)
        client.vanish()
        await all_tasks_blocked()
        go.set()
        await client.wait_for_app()
    assert Saver.log == ["connect", "one", "two", "save", 1006]


async def test_messages_after_a_failed_send_are_handled() -> None:
    """A reply that fails keeps none of the following messages from being handled."""

    class Saver(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.log.append(data)
            return data

    server = Script(
        text("one"),
        text("save"),
        {"type": "websocket.disconnect", "code": 1006},
        fails=OSError("gone"),
    )
    await Saver(make_scope(), server.receive, server.send)
    assert Saver.log == ["connect", "one", "save", 1006]


@pytest.mark.parametrize("is_hasty", [False, True], ids=["grace", "cancel_on_disconnect"])
@pytest.mark.parametrize("tells", [False, True], ids=["nothing follows", "the disconnect follows"])
async def test_f15_handler_that_hangs_after_a_failed_send_is_ended(
    is_hasty: bool, tells: bool
) -> None:
    """A failed send tells of a disconnect as well as the event does."""

    class Replying(Recording):
        cancel_on_disconnect = is_hasty
        limits = Limits(grace=3600 if is_hasty else 2)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.log.append(data)
            if data == "two":
                await anyio.sleep_forever()
            return data

    server = Script(
        text("one"),
        text("two"),
        *([{"type": "websocket.disconnect", "code": 1006}] if tells else []),
        fails=OSError("gone"),
    )
    with anyio.fail_after(5):
        await Replying(make_scope(), server.receive, server.send)
    assert Replying.log == ["connect", "one", *([] if is_hasty else ["two"]), 1006]


async def test_f15_on_connect_that_hangs_after_a_failed_accept_is_ended() -> None:
    """It has the grace of a handler."""

    class Preparing(Recording):
        limits = Limits(grace=2)

        async def on_connect(self, websocket: WebSocket) -> None:
            try:
                await websocket.accept()
            except WebSocketDisconnect:
                await anyio.sleep_forever()

    server = FakeServer(CONNECT)
    server.failure = OSError("gone")
    with anyio.fail_after(5):
        await Preparing(make_scope(), server.receive, server.send)
    assert Preparing.log == [1006]


async def test_tasks_end_with_a_failed_send() -> None:
    """The tasks do not wait for the disconnect that follows."""

    class Telling(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.start_soon(self.tell)
            await all_tasks_blocked()
            return data

        async def tell(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("told")
                ended.set()

    ended = anyio.Event()
    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await Telling(make_scope(), server.receive, server.send)

        tasks.start_soon(serve)
        await all_tasks_blocked()
        server.failure = OSError("gone")
        server.deliver(text("x"))
        with anyio.fail_after(5):
            await ended.wait()
        server.deliver(DISCONNECT)
    assert Telling.log == ["connect", "told", 4001]


async def test_server_that_never_delivers_the_disconnect_does_not_hang_it() -> None:
    """Once a send failed, what is to come is waited for a second."""

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    server = Script(text("one"), fails=OSError("gone"))
    began = anyio.current_time()
    await Echo(make_scope(), server.receive, server.send)
    assert Echo.log == ["connect", 1006]
    assert anyio.current_time() - began == pytest.approx(1)


async def test_handler_that_lets_the_disconnect_pass_ends_quietly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F07: a WebSocketDisconnect that escapes is no error."""

    class Sender(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            while True:
                await self.push("tick")
                await checkpoint()

    with caplog.at_level(logging.INFO):
        async with connect(Sender.as_asgi()) as client:
            await client.send_text("x")
            assert await client.receive_text() == "tick"
            client.vanish()
            await client.wait_for_app()
    assert Sender.log == ["connect", 1006]
    assert caplog.messages == []


class PushesLater(Recording):
    """Has a task that pushes once it is told to."""

    go: ClassVar[anyio.Event]

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.start_soon(self.tell)

    async def tell(self) -> None:
        """Push when the time has come."""
        await self.go.wait()
        await self.push("x")


async def serve_timed(endpoint: type[Recording], server: FakeServer) -> None:
    """Serve a connection, and note how many seconds it took."""
    began = anyio.current_time()
    await endpoint(make_scope(), server.receive, server.send)
    endpoint.log.append(anyio.current_time() - began)


@pytest.mark.parametrize("is_hasty", [False, True], ids=["by default", "cancel_on_disconnect"])
async def test_push_of_a_task_that_fails_ends_an_idle_connection(is_hasty: bool) -> None:
    """What the client sent before is waited for, unless the class asks for an end at once."""

    class Pushing(PushesLater):
        cancel_on_disconnect = is_hasty
        limits = Limits(grace=None)

    Pushing.go = go = anyio.Event()
    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_timed, Pushing, server)
        await all_tasks_blocked()
        server.failure = OSError("gone")
        go.set()
    assert Pushing.log == ["connect", 1006, pytest.approx(0 if is_hasty else 1, abs=0.1)]


async def test_handler_of_a_remaining_message_has_its_grace() -> None:
    """Also if a push found the disconnect, and the server forgets to tell of it."""

    class Pushing(PushesLater):
        limits = Limits(grace=20)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.log.append(data)
            await anyio.sleep_forever()

    Pushing.go = go = anyio.Event()
    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_timed, Pushing, server)
        await all_tasks_blocked()
        server.failure = OSError("gone")
        go.set()
        await all_tasks_blocked()
        server.deliver(text("remaining"))
    assert Pushing.log == ["connect", "remaining", 1006, pytest.approx(20, abs=0.2)]


async def test_cancelled_handler_leaves_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """That a handler was cancelled since the client disconnected is logged at INFO."""

    class Sleeper(Recording):
        cancel_on_disconnect = True

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    caplog.set_level(logging.INFO, "wsendpoints")
    async with connect(Sleeper.as_asgi()) as client:
        await client.send_text("x")
        client.vanish()
        await client.wait_for_app()
    name = Sleeper.__qualname__
    assert caplog.messages == [f"{name}: a handler is cancelled: the client disconnected"]


@VIRTUAL_ASYNCIO
async def test_cancelled_error_of_what_a_handler_awaits_is_that_of_the_end() -> None:
    """`asyncio.gather` may raise another one, which anyio does not know for its own."""

    class Chat(Recording):
        cancel_on_disconnect = True

        async def on_receive(self, websocket: WebSocket, data: Any) -> None:
            done = asyncio.create_task(asyncio.sleep(0))
            await asyncio.gather(asyncio.sleep(100), done, return_exceptions=True)

    async with connect(as_asgi(Chat), timeout=30) as client:
        await client.send_text("x")
        await anyio.sleep(1)
        await client.close()
    assert Chat.log[-1] == 1000
