"""The life of a connection: which hooks run, what the client sees, and what surfaces."""

import contextlib
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.fake_server import CONNECT, DISCONNECT, FakeServer
from tests.recording import Recording
from wsendpoints import (
    ClientMessageError,
    ConnectionState,
    Denied,
    InvalidMessageError,
    InvalidStateError,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class Say(BaseModel):
    """What a client says."""

    type: Literal["say"] = "say"
    text: str


class Said(BaseModel):
    """What it is told."""

    type: Literal["said"] = "said"
    text: str


def make_scope(**more: Any) -> Scope:
    """Return a scope for an app that is called by hand."""
    return {"type": "websocket", "path": "/", "headers": [], "subprotocols": [], **more}


class Server:
    """A server that delivers what it is given, then waits for ever."""

    def __init__(self, *events: Event, fails: BaseException | None = None) -> None:
        self.events: list[Event] = [{"type": "websocket.connect"}, *events]
        self.sent: list[Event] = []
        self.fails = fails

    async def receive(self) -> Event:
        """Return the next event."""
        await checkpoint()
        if not self.events:
            await anyio.sleep_forever()
        return self.events.pop(0)

    async def send(self, event: Event) -> None:
        """Note an event; data fails, if that is asked for."""
        if event["type"] == "websocket.send" and self.fails is not None:
            raise self.fails
        self.sent.append(event)

    @property
    def closes(self) -> list[int]:
        """The codes of the close events."""
        return [event["code"] for event in self.sent if event["type"] == "websocket.close"]


# Normal endings.


async def test_client_that_closes_ends_the_connection_with_its_code() -> None:
    """Each hook runs once, and `on_disconnect` gets the client's code."""

    class Echo(Recording):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(Echo.as_asgi()) as client:
        await client.send_text("hello")
        assert await client.receive_text() == "hello"
        await client.close(4001, "bye")
    assert Echo.log == ["connect", 4001]


async def test_connection_that_is_reset_ends_with_1006() -> None:
    """A connection that ends without a close frame gives 1006."""

    class Quiet(Recording):
        pass

    async with connect(Quiet.as_asgi()) as client:
        client.vanish()
        await client.wait_for_app()
    assert Quiet.log == ["connect", 1006]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param({"code": 1001}, 1001, id="a code"),
        pytest.param({"code": 1005}, 1006, id="1005, which servers say of a reset as well"),
        pytest.param({"code": None}, 1006, id="None"),
        pytest.param({}, 1006, id="no code"),
        pytest.param({"code": "x"}, 1006, id="a str"),
        pytest.param({"code": 70000}, 1006, id="out of range"),
    ],
)
async def test_on_disconnect_gets_an_int(event: Event, code: int) -> None:
    """Whatever the server says, the close code is an int."""

    class Quiet(Recording):
        pass

    server = Server({"type": "websocket.disconnect", **event})
    await Quiet(make_scope(), server.receive, server.send)
    assert Quiet.log == ["connect", code]


async def test_close_in_a_handler_ends_the_connection() -> None:
    """Our own close ends the loop, with our code, and the handler runs to its end."""

    class Bye(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await websocket.close(4000, "enough")
            await checkpoint()
            self.log.append("after")
            return "a reply that nobody waits for"

    async with connect(Bye.as_asgi()) as client:
        await client.send_text("x")
        await client.send_text("y")
        await client.expect_close(4000, "enough")
    assert Bye.log == ["connect", "after", 4000]


async def test_close_from_another_task_wakes_the_endpoint() -> None:
    """A close by a task of the connection ends it, though no message comes."""

    class Timed(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.end)

        async def end(self) -> None:
            await self.websocket.close(4002)

    async with connect(Timed.as_asgi()) as client:
        await client.expect_close(4002)
        await client.wait_for_app()
    assert Timed.log == [4002]


@pytest.mark.parametrize(
    ("limits", "sent", "code"),
    [
        pytest.param(Limits(), "{", 1007, id="bad input"),
        pytest.param(Limits(max_invalid=1), "[]", 1008, id="invalid messages"),
        pytest.param(Limits(handler_timeout=0.01), "1", 1011, id="time limit"),
        pytest.param(Limits(), "2", 1011, id="failure"),
    ],
)
async def test_sending_to_a_client_that_was_closed_is_no_mistake(
    limits: Limits, sent: str, code: int
) -> None:
    """Who sends to another's connection finds it over, and is not to blame for it."""
    found: list[object] = []

    class Member(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            if data == 2:
                raise ValueError
            await anyio.sleep_forever()

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            try:
                await self.push("news")
            except WebSocketDisconnect as exc:
                found.append(exc.code)
            await websocket.close()

    Member.limits = limits
    with contextlib.suppress(ValueError):
        async with connect(Member.as_asgi()) as client:
            await client.send_text(sent)
            await client.wait_for_app()
    assert found == [code]


async def test_message_on_its_way_while_a_task_closes_is_dropped() -> None:
    """Nothing of the application's begins once it closed the connection."""
    go = anyio.Event()

    class Closing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.end)

        async def end(self) -> None:
            await go.wait()
            await self.websocket.close(4002)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.log.append(data)

    server = FakeServer(CONNECT)

    async def receive() -> Event:
        event = await server.receive()
        if event["type"] == "websocket.receive":
            # It closes before this returns.
            go.set()
            with anyio.CancelScope(shield=True):
                await anyio.wait_all_tasks_blocked()
        return event

    server.deliver({"type": "websocket.receive", "text": "late"})
    with anyio.fail_after(5):
        await Closing(make_scope(), receive, server.send)
    assert Closing.log == ["connect", 4002]


async def test_error_message_is_not_sent_after_a_close() -> None:
    """As with a reply, it is no mistake of anybody's."""

    class Closing(Recording):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            closed = anyio.Event()
            self.start_soon(self.end, closed)
            await closed.wait()
            raise InvalidMessageError([])

        async def end(self, closed: anyio.Event) -> None:
            await self.websocket.close(4002)
            closed.set()

    async with connect(Closing.as_asgi()) as client:
        await client.send_text("1")
        await client.expect_close(4002)
    assert Closing.log == ["connect", "invalid", 4002]


async def test_close_from_another_task_lets_the_handler_end() -> None:
    """A close by another task does not cancel the handler that runs."""

    class Slow(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            closed = anyio.Event()
            self.start_soon(self.end, closed)
            await closed.wait()
            self.log.append("handled")

        async def end(self, closed: anyio.Event) -> None:
            await self.websocket.close(4003)
            closed.set()

    async with connect(Slow.as_asgi()) as client:
        await client.send_text("x")
        await client.expect_close(4003)
        await client.wait_for_app()
    assert Slow.log == ["connect", "handled", 4003]


# The handshake.


async def test_on_connect_that_does_not_answer_refuses_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F31: returning without an accept fails closed, with a warning."""

    class Forgetful(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            pass

    with caplog.at_level(logging.WARNING, "wsendpoints"), pytest.raises(HandshakeDenied) as denied:
        async with connect(Forgetful.as_asgi()):
            pass
    assert denied.value.status == 403
    assert Forgetful.log == []
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith(
        "Forgetful: on_connect did not accept: the client is refused"
    )


async def test_close_in_on_connect_refuses_the_client() -> None:
    """A close before the accept is a 403, and no `on_disconnect`."""

    class Refusing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.close(4401)

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(Refusing.as_asgi()):
            pass
    assert denied.value.status == 403
    assert Refusing.log == []


@pytest.mark.parametrize(
    ("extension", "status", "body"),
    [pytest.param(True, 401, b"log in", id="extension"), pytest.param(False, 403, b"", id="none")],
)
async def test_denied_refuses_with_a_response(extension: bool, status: int, body: bytes) -> None:
    """`Denied` becomes a response, or a 403 where the server can't send one."""

    class Guarded(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401, headers={"WWW-Authenticate": "Bearer"}, body="log in")

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(Guarded.as_asgi(), server=Dialect(denial_response=extension)):
            pass
    assert (denied.value.status, denied.value.body) == (status, body)
    assert Guarded.log == []


async def test_denied_of_a_client_that_left_is_quiet() -> None:
    """A client that does not wait for its refusal is no error."""

    class Guarded(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401)

    async def send(event: Event) -> None:
        raise OSError("gone")

    server = Server()
    scope = make_scope(extensions={"websocket.http.response": {}})
    await Guarded(scope, server.receive, send)
    assert Guarded.log == []


async def test_denied_after_the_accept_is_a_failure() -> None:
    """An accepted connection can't be denied: closed with 1011, and the exception surfaces."""
    denial = Denied(401)

    class Late(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            raise denial

    with pytest.raises(Denied) as raised:
        async with connect(Late.as_asgi()) as client:
            await client.expect_close(1011, "")
    assert raised.value is denial
    assert Late.log == [1011]


async def test_on_connect_that_fails_leaves_the_answer_to_the_server() -> None:
    """F18: nothing is sent, the exception surfaces, `on_disconnect` does not run."""
    failure = ValueError("broken")

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise failure

    server = Server()
    with pytest.raises(ValueError, match="broken") as raised:
        await Broken(make_scope(), server.receive, server.send)
    assert raised.value is failure
    assert server.sent == []
    assert Broken.log == []


async def test_client_gone_before_the_accept_is_quiet() -> None:
    """F05: an accept that fails is a disconnect; `on_disconnect` runs as it was attempted."""

    class Quiet(Recording):
        pass

    async def send(event: Event) -> None:
        raise RuntimeError("no connection")

    server = Server()
    await Quiet(make_scope(), server.receive, send)
    assert Quiet.log == ["connect", 1006]


async def test_disconnect_in_place_of_connect_runs_no_hook() -> None:
    """A client that is gone at once meets no hook at all."""

    class Quiet(Recording):
        pass

    server = Server()
    server.events = [{"type": "websocket.disconnect", "code": 1006}]
    await Quiet(make_scope(), server.receive, server.send)
    assert Quiet.log == []
    assert server.sent == []


async def test_first_event_must_be_connect() -> None:
    """H17: a server that starts otherwise breaks the specification."""

    class Quiet(Recording):
        pass

    server = Server()
    server.events = [{"type": "websocket.receive", "text": "x"}]
    with pytest.raises(ServerProtocolError, match=r"'websocket\.receive' while .* connecting"):
        await Quiet(make_scope(), server.receive, server.send)


async def test_message_is_received_in_on_connect() -> None:
    """A handler takes messages itself, in order, and the rest come to `on_receive`."""

    class Login(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.log.append(await websocket.receive_text())
            await websocket.send_text("welcome")

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return f"{data} {await websocket.receive_text()}"

    async with connect(Login.as_asgi()) as client:
        await client.send_text("token")
        assert await client.receive_text() == "welcome"
        await client.send_text("one")
        await client.send_text("two")
        assert await client.receive_text() == "one two"
        await client.send_text("three")
        await client.send_text("four")
        assert await client.receive_text() == "three four"
    assert Login.log[0] == "token"


async def test_bad_message_that_on_connect_receives_closes() -> None:
    """What the client gets wrong is its fault, wherever it is received."""

    class Login(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.receive_json()

    async with connect(Login.as_asgi()) as client:
        await client.send_text("{")
        await client.expect_close(1007, "not valid JSON")
    assert Login.log == ["invalid", 1007]


async def test_handler_may_iterate_until_the_client_leaves() -> None:
    """The whole conversation can be had in `on_connect`, as with Starlette's WebSocket."""

    class Loop(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            async for text in websocket.iter_text():
                await websocket.send_text(text.upper())
            self.log.append("left")

    async with connect(Loop.as_asgi()) as client:
        for word in ("a", "b"):
            await client.send_text(word)
            assert await client.receive_text() == word.upper()
        await client.close(1001)
    assert Loop.log == ["left", 1001]


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
        await anyio.wait_all_tasks_blocked()
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
        await anyio.wait_all_tasks_blocked()
        go.set()
        await client.wait_for_app()
    assert Saver.log == ["connect", "one", "two", "save", 1006]


async def test_messages_after_a_failed_send_are_handled() -> None:
    """A reply that finds the client gone keeps nothing from being handled."""

    class Saver(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.log.append(data)
            return data

    server = Server(
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

    server = Server(
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
            await anyio.wait_all_tasks_blocked()
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
        await anyio.wait_all_tasks_blocked()
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
    monkeypatch.setattr("wsendpoints.conversation._AFTER_A_FAILED_SEND", 0.01)

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    server = Server({"type": "websocket.receive", "text": "one"}, fails=OSError("gone"))
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


# Failures.


async def test_handler_that_fails_closes_with_1011() -> None:
    """F16: the client sees 1011 without a reason, the same exception object surfaces."""
    failure = ValueError("broken")

    class Broken(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise failure

    with pytest.raises(ValueError, match="broken") as raised:
        async with connect(Broken.as_asgi()) as client:
            await client.send_text("x")
            await client.expect_close(1011, "")
    assert raised.value is failure
    assert Broken.log == ["connect", 1011]


async def test_on_connect_that_fails_after_the_accept_closes_with_1011() -> None:
    """F19: once accepted, a failure in `on_connect` is like any other."""

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with connect(Broken.as_asgi()) as client:
            await client.expect_close(1011, "")
    assert Broken.log == [1011]


async def test_task_that_fails_closes_with_1011() -> None:
    """An exception in a task never disappears: it ends the connection, and surfaces unwrapped."""
    failure = ValueError("broken")

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.fail)

        async def fail(self) -> None:
            raise failure

    with pytest.raises(ValueError, match="broken") as raised:
        async with connect(Broken.as_asgi()) as client:
            await client.expect_close(1011, "")
    assert raised.value is failure
    assert Broken.log == [1011]


async def test_first_of_two_failures_surfaces() -> None:
    """What fails because something failed before it is noise."""

    class Broken(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.start_soon(self.fail)
            try:
                await anyio.sleep_forever()
            finally:
                raise KeyError("second")

        async def fail(self) -> None:
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        async with connect(Broken.as_asgi()) as client:
            await client.send_text("x")
            await client.expect_close(1011, "")
    assert Broken.log == ["connect", 1011]


@pytest.mark.parametrize(
    ("group", "surfaces"),
    [
        pytest.param(
            ExceptionGroup("", [WebSocketDisconnect(1001), ExceptionGroup("", [KeyError("x")])]),
            KeyError,
            id="one failure",
        ),
        pytest.param(
            ExceptionGroup("", [ValueError("x"), KeyError("x")]), ExceptionGroup, id="two failures"
        ),
        pytest.param(
            BaseExceptionGroup("", [KeyboardInterrupt()]), KeyboardInterrupt, id="interrupt"
        ),
    ],
)
async def test_failures_in_a_group_surface(
    group: BaseException, surfaces: type[BaseException]
) -> None:
    """F17: a group of one failure surfaces as that one; disconnects count for nothing."""

    class Broken(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise group

    server = Server({"type": "websocket.receive", "text": "x"})
    with pytest.raises(surfaces):
        await Broken(make_scope(), server.receive, server.send)
    assert server.closes == [1011]
    assert Broken.log == ["connect", 1011]


@pytest.mark.parametrize(
    "exc",
    [
        pytest.param(WebSocketDisconnect(1001), id="one"),
        pytest.param(
            ExceptionGroup("", [WebSocketDisconnect(1001), WebSocketDisconnect(1006)]), id="a group"
        ),
    ],
)
async def test_disconnects_of_others_are_quiet(
    exc: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """F17: the disconnects of other connections end this one, with a warning and no traceback."""

    class Broken(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise exc

    with caplog.at_level(logging.WARNING, "wsendpoints"):
        async with connect(Broken.as_asgi()) as client:
            await client.send_text("x")
            await client.expect_close(1011, "")
    assert Broken.log == ["connect", 1011]
    assert caplog.messages[0].endswith(
        "Broken: closing with 1011, for the WebSocketDisconnect of another connection"
    )


async def test_on_disconnect_that_fails_surfaces() -> None:
    """A failure in the clean-up is one of the application's."""

    class Broken(Recording):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            raise ValueError("cleaning up")

    with pytest.raises(ValueError, match="cleaning up"):
        async with connect(Broken.as_asgi()) as client:
            await client.close()


async def test_first_failure_wins_over_that_of_on_disconnect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F20: what went wrong first is raised, the other is logged."""

    class Broken(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise KeyError("first")

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            raise ValueError("cleaning up")

    with pytest.raises(KeyError, match="first"):
        async with connect(Broken.as_asgi()) as client:
            await client.send_text("x")
            await client.expect_close(1011, "")
    assert caplog.messages[0].endswith("Broken.on_disconnect failed as well")


async def test_on_disconnect_that_sends_to_the_client_is_quiet() -> None:
    """A message to a client that left is lost, and no failure."""

    class Polite(Recording):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await websocket.send_text("good bye")

    async with connect(Polite.as_asgi()) as client:
        await client.close()
    assert Polite.log == ["connect", 1000]


async def test_on_disconnect_that_hangs_is_left(caplog: pytest.LogCaptureFixture) -> None:
    """F21: clean-up is bounded by `disconnect_timeout`."""

    class Hanging(Recording):
        limits = Limits(disconnect_timeout=0.01)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await anyio.sleep_forever()

    async with connect(Hanging.as_asgi()) as client:
        await client.close()
    assert caplog.messages[0].endswith("Hanging.on_disconnect took over 0.01 s")


async def test_server_that_fails_to_receive_is_a_failure() -> None:
    """An exception of the server's `receive` closes with 1011 and surfaces."""

    class Quiet(Recording):
        pass

    server = Server()

    async def receive() -> Event:
        if server.events:
            return await server.receive()
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await Quiet(make_scope(), receive, server.send)
    assert server.closes == [1011]
    assert Quiet.log == ["connect", 1011]


@pytest.mark.parametrize("waits", [False, True], ids=["loop", "beside a handler"])
async def test_event_without_a_type_is_a_failure(waits: bool) -> None:
    """H18: what is no event at all is the server's fault, whoever reads it."""

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            if waits:
                await checkpoint()

    server = Server({"type": "websocket.receive", "text": "x"}, {})
    with pytest.raises(ServerProtocolError, match="sent None while the connection is open"):
        await Echo(make_scope(), server.receive, server.send)
    assert server.closes == [1011]


async def test_unknown_event_is_a_failure() -> None:
    """H18: an event that the specification does not have closes with 1011."""

    class Quiet(Recording):
        pass

    server = Server({"type": "websocket.foo"})
    with pytest.raises(ServerProtocolError, match=r"'websocket\.foo' while .* open"):
        await Quiet(make_scope(), server.receive, server.send)
    assert server.closes == [1011]
    assert Quiet.log == ["connect", 1011]


# Cancellation.


async def test_cancelled_in_a_handler_says_that_it_restarts() -> None:
    """F22: a server that cancels closes with 1012, cleans up, and sees its cancellation."""
    started = anyio.Event()

    class Sleeper(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            started.set()
            await anyio.sleep_forever()

    server = Server({"type": "websocket.receive", "text": "x"})
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await Sleeper(make_scope(), server.receive, server.send)
            raise AssertionError("the cancellation must go on")

        tasks.start_soon(serve)
        await started.wait()
        tasks.cancel_scope.cancel()
    assert server.closes == [1012]
    assert Sleeper.log == ["connect", 1012]


async def test_cancelled_while_waiting_for_a_message_says_that_it_restarts() -> None:
    """F22: the same where no handler runs."""

    class Quiet(Recording):
        pass

    server = Server()
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            await Quiet(make_scope(), server.receive, server.send)
            raise AssertionError("the cancellation must go on")

        tasks.start_soon(serve)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert server.closes == [1012]
    assert Quiet.log == ["connect", 1012]


async def test_cancelled_before_the_accept_refuses_the_client() -> None:
    """F22: a handshake that nobody will answer is refused."""

    class Hanging(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep_forever()

    server = Server()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(self_serving(Hanging), server)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert server.closes == [1000]
    assert Hanging.log == []


def self_serving(endpoint: type[Recording]) -> Any:
    """Return a function that serves an endpoint on a server."""

    async def serve(server: Server) -> None:
        await endpoint(make_scope(), server.receive, server.send)

    return serve


async def test_send_that_is_cancelled_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Half a message may be on its way, so that nothing can follow but a close."""

    class Impatient(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await websocket.send_text("half")

    server = Server({"type": "websocket.receive", "text": "x"})

    async def send(event: Event) -> None:
        if event["type"] == "websocket.send":
            await anyio.sleep_forever()
        await server.send(event)

    await Impatient(make_scope(), server.receive, send)
    assert server.closes == [1011]
    assert Impatient.log == ["connect", 1011]
    assert caplog.messages[0].endswith("for a send that was cancelled half-way")


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

    server = Server({"type": "websocket.disconnect", "code": 1000})
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

    server = Server({"type": "websocket.disconnect", "code": 1000})
    endpoint = Quiet(make_scope(), server.receive, server.send)
    await endpoint
    with pytest.raises(InvalidStateError, match="an instance serves one connection, once"):
        await endpoint


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

    server = Server({"type": "websocket.receive", **event})
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


# Before the first message, where nothing of the application's runs.


class Quiet(WebSocketEndpoint):
    """Has no `on_connect` of its own, and so no log but its last."""

    log: ClassVar[list[Any]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a log of its own."""
        super().__init_subclass__(**kwargs)
        cls.log = []

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        self.log.append(data)
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.log.append(close_code)


async def test_first_message_is_handled_as_the_others() -> None:
    """Nothing is lost, and the order is kept."""

    class Echo(Quiet):
        pass

    async with connect(Echo.as_asgi()) as client:
        for text in ("one", "two", "three"):
            await client.send_text(text)
        assert [await client.receive_text() for _ in range(3)] == ["one", "two", "three"]
    assert Echo.log == ["one", "two", "three", 1000]


async def test_first_message_that_is_bad_is_refused() -> None:
    """It is checked as the others are."""

    class Strict(Quiet):
        encoding = "text"

    async with connect(Strict.as_asgi()) as client:
        await client.send_bytes(b"x")
        await client.expect_close(1003)
    assert Strict.log == [1003]


@pytest.mark.parametrize(
    ("leave", "code"),
    [("close", 1001), ("vanish", 1006), ("shut down", 1012), ("cancel", 1012)],
)
async def test_silent_client_ends_in_any_way(leave: str, code: int) -> None:
    """What ends a connection is noticed, and `on_disconnect` called."""

    class Silent(Quiet):
        pass

    async with connect(Silent.as_asgi()) as client:
        match leave:
            case "close":
                await client.close(1001)
            case "vanish":
                client.vanish()
            case "shut down":
                client.shutdown()
            case _:
                client.cancel_app()
                await client.expect_close(1012)
        await client.wait_for_app()
    assert Silent.log == [code]


async def test_silent_client_that_did_not_wait_for_the_answer() -> None:
    """F05: an accept that fails is a disconnect."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT)
    server.failure = OSError("gone")
    await Silent(make_scope(), server.receive, server.send)
    assert Silent.log == [1006]


@pytest.mark.parametrize(
    "event", [{"type": "websocket.foo"}, {}, {"type": "websocket.connect"}], ids=str
)
async def test_server_that_breaks_the_rules_before_the_first_message(event: Event) -> None:
    """H18: the client is closed with 1011, and the server told."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT, event)
    with pytest.raises(ServerProtocolError):
        await Silent(make_scope(), server.receive, server.send)
    assert [sent.get("code") for sent in server.sent] == [None, 1011]
    assert Silent.log == [1011]


async def test_server_whose_receive_fails_before_the_first_message() -> None:
    """Its own exception is raised to it."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT)

    async def receive() -> Event:
        if server.receives:
            raise ValueError("server")
        return await server.receive()

    with pytest.raises(ValueError, match="server"):
        await Silent(make_scope(), receive, server.send)
    assert Silent.log == [1011]


async def test_sending_before_the_first_message() -> None:
    """Who found the endpoint may send, and close it, at any time."""
    found: list[Quiet] = []

    class Telling(Quiet):
        registry: list[Quiet]

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "registry":
                value.append(self)

    async with connect(Telling.as_asgi(registry=found)) as client:
        await found[0].push("news")
        assert await client.receive_text() == "news"
        await found[0].websocket.close(4000)
        await client.expect_close(4000)
    assert Telling.log == [4000]


async def test_tasks_of_a_class_with_an_init_start_before_the_first_message() -> None:
    """An endpoint that is known to others has all that it offers from the beginning."""
    found: list[Quiet] = []

    class Known(Quiet):
        def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
            super().__init__(scope, receive, send)
            found.append(self)

    async with connect(Known.as_asgi()) as client:
        found[0].start_soon(found[0].push, "news")
        assert await client.receive_text() == "news"


@pytest.mark.parametrize(
    "limits", [Limits(first_message_timeout=0.01), Limits(idle_timeout=0.01)], ids=["first", "idle"]
)
async def test_silent_client_is_closed_where_it_has_a_time(limits: Limits) -> None:
    """F01 and F04 hold for every class."""

    class Silent(Quiet):
        pass

    Silent.limits = limits
    async with connect(Silent.as_asgi()) as client:
        closed = await client.expect_close()
    assert Silent.log == [closed.code]
    assert closed.code in {1001, 1008}


# What is left behind.


async def test_nothing_keeps_a_connection_alive() -> None:
    """X02: neither the endpoint nor its WebSocket is part of a cycle, failures included."""
    kept: list[weakref.ref[Any]] = []

    class Echo(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            await checkpoint()
            kept.append(weakref.ref(websocket))
            kept.append(weakref.ref(self))
            if data == "fail":
                raise ValueError(data)
            return data

    async def serve(*events: Event) -> None:
        server = Server(*events)
        with contextlib.suppress(ValueError):
            await Echo(make_scope(), server.receive, server.send)

    gc.collect()
    gc.disable()
    try:
        for text in ("x", "fail"):
            await serve(
                {"type": "websocket.receive", "text": text},
                {"type": "websocket.disconnect", "code": 1000},
            )
        assert [reference() for reference in kept] == [None] * 4
    finally:
        gc.enable()
