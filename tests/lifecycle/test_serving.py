"""The life of a connection: which hooks run, what the client sees, and what surfaces."""

import contextlib
import gc
import logging
import weakref
from typing import Any, ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.fake_server import CONNECT, FakeServer, Script, make_scope
from tests.recording import Recording
from wsendpoints import (
    Denied,
    InvalidMessageError,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


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

    server = Script({"type": "websocket.disconnect", **event})
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

    server = Script()
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

    server = Script()
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

    server = Script()
    await Quiet(make_scope(), server.receive, send)
    assert Quiet.log == ["connect", 1006]


async def test_disconnect_in_place_of_connect_runs_no_hook() -> None:
    """A client that is gone at once meets no hook at all."""

    class Quiet(Recording):
        pass

    server = Script()
    server.events = [{"type": "websocket.disconnect", "code": 1006}]
    await Quiet(make_scope(), server.receive, server.send)
    assert Quiet.log == []
    assert server.sent == []


async def test_first_event_must_be_connect() -> None:
    """H17: a server that starts otherwise breaks the specification."""

    class Quiet(Recording):
        pass

    server = Script()
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

    server = Script({"type": "websocket.receive", "text": "x"})
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

    server = Script()

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

    server = Script({"type": "websocket.receive", "text": "x"}, {})
    with pytest.raises(ServerProtocolError, match="sent None while the connection is open"):
        await Echo(make_scope(), server.receive, server.send)
    assert server.closes == [1011]


async def test_unknown_event_is_a_failure() -> None:
    """H18: an event that the specification does not have closes with 1011."""

    class Quiet(Recording):
        pass

    server = Script({"type": "websocket.foo"})
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

    server = Script({"type": "websocket.receive", "text": "x"})
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

    server = Script()
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

    server = Script()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(self_serving(Hanging), server)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert server.closes == [1000]
    assert Hanging.log == []


def self_serving(endpoint: type[Recording]) -> Any:
    """Return a function that serves an endpoint on a server."""

    async def serve(server: Script) -> None:
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

    server = Script({"type": "websocket.receive", "text": "x"})

    async def send(event: Event) -> None:
        if event["type"] == "websocket.send":
            await anyio.sleep_forever()
        await server.send(event)

    await Impatient(make_scope(), server.receive, send)
    assert server.closes == [1011]
    assert Impatient.log == ["connect", 1011]
    assert caplog.messages[0].endswith("for a send that was cancelled half-way")


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


async def test_endpoint_that_is_given_up_ends_at_once() -> None:
    """An event loop that is closed over it is no cancellation: nothing can be awaited any more."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT)

    async def receive() -> Event:
        if server.receives:
            await anyio.sleep_forever()
        server.receives += 1
        return CONNECT

    async def send(event: Event) -> None:
        server.offers.append(event)

    steps = Silent(make_scope(), receive, send).__await__()
    next(steps)
    steps.close()
    assert [event["type"] for event in server.offers] == ["websocket.accept"]
    assert Silent.log == []


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
        server = Script(*events)
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
