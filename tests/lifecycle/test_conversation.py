"""What becomes of messages, handlers and tasks, and of a client that leaves them."""

import logging
from collections.abc import AsyncIterator
from typing import Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, Script, make_scope
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ClientMessageError,
    ConnectionState,
    InvalidStateError,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    handles,
)
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect, connect

pytestmark = pytest.mark.anyio


class Say(BaseModel):
    """What a client says."""

    type: Literal["say"] = "say"
    text: str


class Said(BaseModel):
    """What it is told."""

    type: Literal["said"] = "said"
    text: str


# Messages.


class Chat(Recording):
    """Takes JSON."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        """Answer."""
        return Said(text=data.text)


@pytest.mark.parametrize("frame", ["1234567890", "äöüßé", b"1234567890"], ids=["a", "ä", "b"])
@pytest.mark.parametrize(("limit", "fits"), [(10, True), (9, False)], ids=["at", "over"])
async def test_messages_have_a_greatest_size(frame: str | bytes, limit: int, fits: bool) -> None:
    """M13: the bytes of UTF-8 count, and over the limit it closes with 1009."""

    class Echo(Recording):
        limits = Limits(max_message_size=limit)

        async def on_receive(self, websocket: WebSocket, data: str | bytes) -> str | bytes:
            return data

    async with connect(Echo.as_asgi()) as client:
        await client.send(frame)
        if fits:
            assert await client.receive() == frame
        else:
            await client.expect_close(1009, f"max_message_size: a message may have {limit} bytes")
    assert Echo.log[-1] == (1000 if fits else 1009)


async def test_messages_without_a_limit_may_be_large() -> None:
    """`None` is no limit."""

    class Count(Recording):
        limits = Limits(max_message_size=None)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return str(len(data))

    async with connect(Count.as_asgi()) as client:
        await client.send_text("x" * 3_000_000)
        assert await client.receive_text() == "3000000"


async def test_invalid_messages_in_a_row_close() -> None:
    """M18: each is answered, and the last one closes with 1008."""

    class Strict(Chat):
        limits = Limits(max_invalid=3)

    async with connect(Strict.as_asgi()) as client:
        for _ in range(2):
            await client.send_json({"type": "nonsense"})
            assert (await client.receive_json())["code"] == "invalid_message"
        await client.send_json({"type": "say", "text": "valid"})
        assert await client.receive(Said) == Said(text="valid")
        for _ in range(3):
            await client.send_json({"type": "nonsense"})
            assert (await client.receive_json())["code"] == "invalid_message"
        await client.expect_close(1008, "max_invalid: 3 invalid messages in a row")
    assert Strict.log == ["connect", *["invalid"] * 5, 1008]


async def test_invalid_messages_without_a_limit_never_close() -> None:
    """`None` is no limit."""

    class Patient(Chat):
        limits = Limits(max_invalid=None)

    async with connect(Patient.as_asgi()) as client:
        for _ in range(30):
            await client.send_json({})
            assert (await client.receive_json())["code"] == "invalid_message"


async def test_connection_that_on_invalid_closes_is_closed_once() -> None:
    """The last of too many has its own code, if it closes the connection by itself."""

    class Strict(Chat):
        limits = Limits(max_invalid=1)

    async with connect(Strict.as_asgi()) as client:
        await client.send_text("{")
        await client.expect_close(1007)
    assert Strict.log == ["connect", "invalid", 1007]


async def test_on_invalid_decides_what_becomes_of_a_message() -> None:
    """What the client gets wrong is answered as the application likes."""

    class Friendly(Chat):
        limits = Limits(max_invalid=2)

        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            await websocket.send_text(type(error).__name__)

    async with connect(Friendly.as_asgi()) as client:
        await client.send_text("{")
        assert await client.receive_text() == "InvalidDataError"
        await client.send_json({})
        assert await client.receive_text() == "InvalidMessageError"
        await client.expect_close(1008)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        pytest.param({}, "'text' of NoneType and 'bytes' of NoneType", id="neither"),
        pytest.param({"text": "x", "bytes": b"x"}, "'text' of str and 'bytes' of bytes", id="both"),
        pytest.param({"text": b"x"}, "'text' of bytes and 'bytes' of NoneType", id="wrong type"),
    ],
)
async def test_event_without_one_frame_is_the_servers_fault(event: Event, text: str) -> None:
    """M03: such an event closes with 1011 and surfaces."""

    class Echo(Recording):
        pass

    server = Script({"type": "websocket.receive", **event})
    with pytest.raises(ServerProtocolError, match=text):
        await Echo(make_scope(), server.receive, server.send)
    assert server.closes == [1011]
    assert Echo.log == ["connect", 1011]


@pytest.mark.parametrize("both_keys", [False, True], ids=["one key", "both keys"])
async def test_events_of_every_server_are_understood(both_keys: bool) -> None:
    """M02: hypercorn has both keys in its events, one of them `None`."""

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str | bytes) -> str | bytes:
            return data

    async with connect(Echo.as_asgi(), server=Dialect(both_keys=both_keys)) as client:
        for frame in ("text", b"bytes", "", b""):
            await client.send(frame)
            assert await client.receive() == frame


# A client that leaves while a handler runs.


async def test_client_that_leaves_a_sleeping_handler_is_noticed() -> None:
    """Sending raises at once, though the handler never received."""

    class Sender(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            try:
                while True:
                    await websocket.send_text("tick")
                    await checkpoint()
            except WebSocketDisconnect as exc:
                self.log.append(exc)
                raise

    async with connect(Sender.as_asgi(), swallow_sends=True) as client:
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert [str(entry) for entry in Sender.log] == [
        "the connection ended with code 1006 (abnormal closure)",
        "1006",
    ]


async def test_handler_has_its_grace_after_the_client_left() -> None:
    """F15: a handler that goes on waiting is cancelled after `grace` seconds."""

    class Sleeper(Recording):
        limits = Limits(grace=0.01)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append(websocket.connection_state)

    async with connect(Sleeper.as_asgi()) as client:
        await client.send_text("x")
        await client.close(1001)
    assert Sleeper.log == ["connect", ConnectionState.DISCONNECTED, 1001]


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
        await all_tasks_blocked()
        assert Saver.log == ["connect"]
        done.set()
        await client.wait_for_app()
    assert Saver.log == ["connect", "saved", 1006]


async def test_cancel_on_disconnect_cancels_the_handler_at_once() -> None:
    """F15: a class that asks for it has its handler cancelled when the client leaves."""

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
    """A client that says "save" and leaves is not lost, and nor is the order."""
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
    """A reply that finds the client gone keeps nothing from being handled."""

    class Saver(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.log.append(data)
            return data

    server = Script(
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.receive", "text": "save"},
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
    """A failed send tells that the client left as well as the disconnect does."""

    class Replying(Recording):
        cancel_on_disconnect = is_hasty
        limits = Limits(grace=3600 if is_hasty else 0.01)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.log.append(data)
            if data == "two":
                await anyio.sleep_forever()
            return data

    server = Script(
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.receive", "text": "two"},
        *([{"type": "websocket.disconnect", "code": 1006}] if tells else []),
        fails=OSError("gone"),
    )
    with anyio.fail_after(5):
        await Replying(make_scope(), server.receive, server.send)
    assert Replying.log == ["connect", "one", *([] if is_hasty else ["two"]), 1006]


async def test_f15_on_connect_that_hangs_after_a_failed_accept_is_ended() -> None:
    """Its time is that of any handler whose client left."""

    class Preparing(Recording):
        limits = Limits(grace=0.01)

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
    """A task that speaks to nobody does not wait for the disconnect."""

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
        server.deliver({"type": "websocket.receive", "text": "x"})
        with anyio.fail_after(5):
            await ended.wait()
        server.deliver(DISCONNECT)
    assert Telling.log == ["connect", "told", 4001]


async def test_server_that_never_delivers_the_disconnect_does_not_hang_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once a send failed, the wait for the rest is bounded."""
    monkeypatch.setattr("wsendpoints.lifecycle.conversation._AFTER_A_FAILED_SEND", 0.01)

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    server = Script({"type": "websocket.receive", "text": "one"}, fails=OSError("gone"))
    await Echo(make_scope(), server.receive, server.send)
    assert Echo.log == ["connect", 1006]


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


async def test_stream_ends_when_the_client_leaves() -> None:
    """A generator that waits is cancelled, and cleans up, at once."""

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


async def test_stream_that_never_waits_ends_when_the_client_leaves() -> None:
    """A generator without an await lets others run, and ends where the server stays silent."""

    class Streaming(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                while True:
                    yield "again"
            finally:
                self.log.append("cleaned up")

    async with connect(Streaming.as_asgi(), swallow_sends=True) as client:
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


# Tasks.


async def test_tasks_are_cancelled_when_the_client_leaves() -> None:
    """A task lives as long as the connection, and ends before `on_disconnect`."""

    class Ticking(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tick)

        async def tick(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("task ended")

    async with connect(Ticking.as_asgi()) as client:
        client.vanish()
        await client.wait_for_app()
    assert Ticking.log == ["task ended", 1006]


async def test_task_that_finds_the_client_gone_is_quiet() -> None:
    """A push to a client that left ends the task, and nothing else."""

    class Ticking(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tick)

        async def tick(self) -> None:
            while True:
                await self.push("tick")
                await checkpoint()

    async with connect(Ticking.as_asgi()) as client:
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert Ticking.log == [1006]


async def test_task_that_finds_the_connection_closed_is_quiet() -> None:
    """A push that comes after a close of ours, by another task, is no failure."""
    pushed = anyio.Event()

    class Ticking(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            closed = anyio.Event()
            self.start_soon(self.tick, closed)
            await websocket.close(4000)
            closed.set()
            await pushed.wait()

        async def tick(self, closed: anyio.Event) -> None:
            await closed.wait()
            try:
                await self.push("tick")
            finally:
                pushed.set()

    async with connect(Ticking.as_asgi()) as client:
        await client.send_text("x")
        await client.expect_close(4000)
        await client.wait_for_app()
    assert Ticking.log == ["connect", 4000]


async def test_tasks_start_only_while_the_connection_is_served() -> None:
    """There is no connection for a task to live as long as, before and after."""

    class Quiet(Recording):
        pass

    server = Script({"type": "websocket.disconnect", "code": 1000})
    endpoint = Quiet(make_scope(), server.receive, server.send)
    text = "tasks can be started while the connection is served"
    with pytest.raises(InvalidStateError, match=text):
        endpoint.start_soon(anyio.sleep_forever)
    await endpoint
    with pytest.raises(InvalidStateError, match=text):
        endpoint.start_soon(anyio.sleep_forever)


async def test_instance_serves_one_connection() -> None:
    """F33: an instance is the state of one connection, and can't be used for another."""

    class Quiet(Recording):
        pass

    server = Script({"type": "websocket.disconnect", "code": 1000})
    endpoint = Quiet(make_scope(), server.receive, server.send)
    await endpoint
    with pytest.raises(InvalidStateError, match="an instance serves one connection, once"):
        await endpoint
