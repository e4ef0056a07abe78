"""A conversation: each message is handled in its turn, and what is unusable is refused."""

import inspect
import logging
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, Script, make_scope, text
from tests.recording import Recording
from tests.some_messages import Said, Say
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ClientMessageError,
    ConnectionState,
    InvalidStateError,
    Limits,
    Rate,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.connection.websocket import connection_of
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect, connect

pytestmark = pytest.mark.anyio


class Chat(Recording):
    """Takes JSON."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        """Answer."""
        return Said(text=data.text)


async def test_message_over_a_limit_is_refused_before_it_is_decoded() -> None:
    """It is unusable like others, and the connection is closed with the code of the limit."""

    class Small(Chat):
        limits = Limits(max_message_size=5)

    async with connect(Small.as_asgi()) as client:
        await client.send_text("{{{{{{")
        await client.expect_close(1009, "max_message_size: a message may have 5 bytes")
    assert Small.log == ["connect", "invalid", 1009]


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


CODES = {"max_invalid": 4001, "rate": 4429, "max_message_size": 4002}


class Coded(Chat):
    """Has codes of its own for each limit on messages."""

    limits = Limits(max_invalid=1, max_message_size=50, rate=Rate(2, per=1e9), close_codes=CODES)


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        pytest.param(
            ['{"type": 1}'], 4001, "max_invalid: 1 invalid messages in a row", id="max_invalid"
        ),
        pytest.param(["x" * 51], 4002, "max_message_size: a message may have 50 bytes", id="size"),
        pytest.param(
            ['{"type": "say", "text": "x"}'] * 3, 4429, "rate: 2 messages in 1e+09 s", id="rate"
        ),
    ],
)
async def test_limits_close_with_the_codes_that_the_class_chose(
    messages: list[str], code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client, `on_disconnect` and the log see the same code."""
    with caplog.at_level(logging.INFO, "wsendpoints"):
        async with connect(Coded.as_asgi()) as client:
            for message in messages:
                await client.send(message)
            for _ in range(1 if code == 4001 else len(messages) - 1):
                await client.receive(str)
            await client.expect_close(code, reason)
    assert Coded.log[-1] == code
    if code != 4001:
        assert f"Coded: {code}: {reason}" in caplog.messages


async def test_invalid_messages_without_a_limit_never_close() -> None:
    """`None` is no limit."""

    class Patient(Chat):
        limits = Limits(max_invalid=None)

    async with connect(Patient.as_asgi()) as client:
        for _ in range(30):
            await client.send_json({"text": 5})
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
        await client.send_json({"text": 5})
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


# What ends it.


class Echo(Recording):
    """Says it again, or does what it is told."""

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        if data == "of another":
            raise WebSocketDisconnect(1001)
        if data == "close and reply":
            await websocket.close(4000)
        return data


async def test_message_that_came_with_the_handshake_is_handled() -> None:
    """A class that leaves the handshake to the default handles its first message like others."""

    class Default(Echo):
        on_connect = WebSocketEndpoint.on_connect

    async with connect(Default.as_asgi()) as client:
        for frame in ("one", "two"):
            await client.send_text(frame)
            assert await client.receive_text() == frame
    assert Default.log == [1000]


async def test_reply_after_a_close_is_dropped() -> None:
    """A handler that closed the connection may return what it likes."""

    class Closing(Echo):
        pass

    server = FakeServer(CONNECT, text("close and reply"))
    await Closing(make_scope(), server.receive, server.send)
    assert [event["type"] for event in server.sent] == ["websocket.accept", "websocket.close"]
    assert Closing.log == ["connect", 4000]


async def test_disconnect_of_another_connection_closes(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that lets it pass has not noticed that this client is there."""

    class Forwarding(Echo):
        pass

    async with connect(Forwarding.as_asgi()) as client:
        await client.send_text("of another")
        await client.expect_close(1011)
    assert Forwarding.log == ["connect", 1011]
    name = Forwarding.__qualname__
    line = f"{name}: closing with 1011, for the WebSocketDisconnect of another connection"
    assert caplog.messages == [line]


async def test_close_by_a_task_ends_it() -> None:
    """A task may close the connection while the endpoint waits for a message."""
    go = anyio.Event()

    class Closing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            self.start_soon(self.close)

        async def close(self) -> None:
            await go.wait()
            await self.websocket.close(4000)

    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Closing, server)
        await all_tasks_blocked()
        assert Closing.log == ["connect"]
        go.set()
    assert Closing.log == ["connect", 4000]
    assert server.sent[-1]["code"] == 4000


async def serve(endpoint: type[WebSocketEndpoint], server: FakeServer) -> None:
    """Serve one connection."""
    await endpoint(make_scope(), server.receive, server.send)


class Immediate:
    """A server that never lets the application wait, until it has no more events."""

    def __init__(self, *events: Event) -> None:
        self.events = [CONNECT, *events]
        self.sent: list[str] = []

    async def receive(self) -> Event:
        """Return the next event."""
        return self.events.pop(0)

    async def send(self, event: Event) -> None:
        """Note an event."""
        self.sent.append(event["type"].removeprefix("websocket."))


async def test_conversation_that_never_waits() -> None:
    """It needs no task, and no turn of the event loop."""

    class Waitless(Echo):
        pass

    server = Immediate(text("one"), text("two"), DISCONNECT)
    await Waitless(make_scope(), server.receive, server.send)
    assert server.sent == ["accept", "send", "send"]
    assert Waitless.log == ["connect", 4001]


async def test_message_that_comes_with_a_close_of_ours_is_not_handled() -> None:
    """The server may have it already when a task closes the connection."""

    class Closing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.start_soon(self.close)
            await super().on_connect(websocket)

        async def close(self) -> None:
            await self.websocket.close(4000)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            self.log.append(data)

    server = Immediate(text("late"))

    async def receive() -> Event:
        if len(server.events) == 1:
            # It has the message, and so takes no notice of being cancelled.
            with anyio.CancelScope(shield=True):
                await all_tasks_blocked()
        return await server.receive()

    await Closing(make_scope(), receive, server.send)
    assert server.events == []
    assert Closing.log == ["connect", 4000]


async def test_push_that_takes_long_is_timed() -> None:
    """While the endpoint waits for a message, the send of a task has its `send_timeout`."""

    class Pushing(Recording):
        limits = Limits(send_timeout=10)

        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            for _ in range(2):
                self.start_soon(self.push, "x")

    server = FakeServer(CONNECT)

    async def send(event: Event) -> None:
        if event["type"] == "websocket.send":
            gates.append(anyio.Event())
            await gates[-1].wait()
        await server.send(event)

    gates: list[anyio.Event] = []
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:

        async def open_first() -> None:
            await anyio.sleep(9)
            gates[0].set()

        tasks.start_soon(open_first)
        await as_asgi(Pushing)(make_scope(), server.receive, send)
    assert Pushing.log == ["connect", 1013]
    assert anyio.current_time() - began == pytest.approx(9 + 10, abs=0.1)


async def test_reply_that_is_cancelled_breaks_the_connection() -> None:
    """How much of it was sent is not known, so that a close alone may follow."""

    class Replying(Echo):
        pass

    server = FakeServer(CONNECT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, Replying, server)
        await all_tasks_blocked()
        gate = server.gate = anyio.Event()
        server.deliver(text("x"))
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
        gate.set()
        server.gate = None
    assert server.offers[1] == {"type": "websocket.send", "text": "x"}
    assert server.sent[1:] == [{"type": "websocket.close", "code": 1012, "reason": ""}]
    assert Replying.log == ["connect", 1012]


async def test_unusable_message_that_on_connect_receives_is_refused() -> None:
    """It is answered as that of a handler is."""

    class Asking(Recording):
        encoding = "json"

        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            await websocket.receive_json()

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(Asking.as_asgi()) as client:
        await client.send_text("{")
        await client.expect_close(1007)
    assert Asking.log == ["connect", "invalid", 1007]


async def test_refusal_is_logged_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    """An invalid message is told at DEBUG, what no message can be read from at INFO."""

    class Strict(Chat):
        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            pass

    caplog.set_level(logging.DEBUG, "wsendpoints")
    server = FakeServer(CONNECT, text('{"text": 5}'), text("{"), DISCONNECT)
    await Strict(make_scope(), server.receive, server.send)
    name = Strict.__qualname__
    assert [(record.levelname, record.message) for record in caplog.records[:2]] == [
        ("DEBUG", f"{name}: the message is not one that this endpoint takes"),
        ("INFO", f"{name}: 1007 (invalid data): not valid JSON"),
    ]


async def test_nothing_of_a_connection_is_kept_in_it() -> None:
    """The connection can be used by whoever served it, with the server's own `receive`."""

    class Quiet(Recording):
        pass

    server = FakeServer(CONNECT, text("x"), DISCONNECT)
    endpoint = Quiet(make_scope(), server.receive, server.send)
    await endpoint
    connection = connection_of(endpoint.websocket)
    assert connection.receive == server.receive
    assert connection.listeners == ()
    assert connection.state is ConnectionState.DISCONNECTED
    with pytest.raises(InvalidStateError):
        await endpoint.websocket.receive()


class Forgets(Recording):
    """Forgets an `await`."""

    encoding = "json"

    async def save(self) -> str:
        """Do nothing."""
        return "saved"

    @handles
    async def say(self, websocket: WebSocket, data: str) -> Any:
        """Return what is to be awaited."""
        return self.save()

    @handles
    async def tell(self, websocket: WebSocket, data: int) -> AsyncIterator[Any]:
        """Yield it."""
        yield self.save()


@pytest.mark.parametrize(("name", "message"), [("say", "x"), ("tell", 1)])
async def test_coroutine_in_place_of_a_reply_names_the_handler(name: str, message: object) -> None:
    """That is where an `await` is missing."""
    with pytest.raises(UnawaitedError) as raised:
        async with connect(Forgets.as_asgi()) as client:
            await client.send_json(message)
            await client.expect_close(1011, "")
    line = inspect.getsourcelines(getattr(Forgets, name))[1]
    assert raised.value.__notes__ == [f'File "{__file__}", line {line}, in {name}']
    assert str(raised.value) == (
        f"Forgets.{name} sends the coroutine of Forgets.save, which was not awaited: write "
        "`await` before it"
    )


async def test_handler_behind_which_messages_wait_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says which it is, once."""

    class Sleeps(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep(20)

    async with connect(as_asgi(Sleeps), timeout=100) as client:
        for _ in range(2):
            await client.send_text("x")
        await anyio.sleep(19)
        assert [it.levelname for it in caplog.records] == ["WARNING"]
    assert caplog.messages[0] == (
        f"{Sleeps.__qualname__}.on_receive has been waiting for over 5 s, and messages wait behind "
        "it: start what takes long with `start_soon`"
    )
