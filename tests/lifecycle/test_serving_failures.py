"""Failures: which exception is raised to the server, and what the client sees."""

import logging
from contextlib import nullcontext

import anyio
import pytest
from anyio.lowlevel import checkpoint
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute

from tests.clocks import REAL_TIME
from tests.fake_server import FakeServer, Script, make_scope
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    InvalidStateError,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.connection.websocket import connection_of
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


async def test_handler_that_fails_closes_with_1011() -> None:
    """F16: the client sees 1011 without a reason, and the same exception object is raised."""
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
    """F19: after the accept, a failure in `on_connect` closes with 1011 like any other."""

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with connect(Broken.as_asgi()) as client:
            await client.expect_close(1011, "")
    assert Broken.log == [1011]


async def test_task_that_fails_closes_with_1011() -> None:
    """An exception in a task ends the connection, and is raised without a group."""
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
    """An exception that follows another one is not raised in its place."""

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
    """F17: the only failure in a group is raised without the group, and disconnects are ignored."""

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
    """F17: disconnects of other connections close this one, with a warning and no traceback."""

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
    """A failure in `on_disconnect` is raised to the server."""

    class Broken(Recording):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            raise ValueError("cleaning up")

    with pytest.raises(ValueError, match="cleaning up"):
        async with connect(Broken.as_asgi()) as client:
            await client.close()


async def test_first_failure_wins_over_that_of_on_disconnect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F20: the first failure is raised, the one of `on_disconnect` is logged."""

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
    """A message to a client that has disconnected is lost, and nothing fails."""

    class Polite(Recording):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await websocket.send_text("good bye")

    async with connect(Polite.as_asgi()) as client:
        await client.close()
    assert Polite.log == ["connect", 1000]


async def test_on_disconnect_that_hangs_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """F21: `on_disconnect` is cancelled after `disconnect_timeout`."""

    class Hanging(Recording):
        limits = Limits(disconnect_timeout=0.01)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await anyio.sleep_forever()

    async with connect(Hanging.as_asgi()) as client:
        await client.close()
    assert caplog.messages[0].endswith("Hanging.on_disconnect took over 0.01 s")


async def test_server_that_fails_to_receive_is_a_failure() -> None:
    """An exception of the server's `receive` closes with 1011 and is raised."""

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
    """H18: an event without a type is the server's error, whether a handler runs or not."""

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


@pytest.mark.parametrize(
    "event", [None, {"type": "lifespan.startup"}], ids=["cancelled", "invalid"]
)
async def test_functions_of_the_end_are_called_if_the_handshake_never_comes(
    event: Event | None,
) -> None:
    """What was to be freed at the end is freed, and the connection is counted no more."""
    server = FakeServer(*([event] if event else []))
    endpoint = Recording(make_scope(), server.receive, server.send)
    calls: list[str] = []
    connection_of(endpoint.websocket).at_end(lambda: calls.append("called"))

    async def serve() -> None:
        expected = nullcontext() if event is None else pytest.raises(ServerProtocolError)
        with expected:
            await endpoint

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert calls == ["called"]
    assert server.sent == []
    assert vars(Recording)["_admission"].open == set()


@pytest.mark.parametrize("where", ["on_connect", "on_receive"])
async def test_http_exception_after_the_accept_is_one_failure(where: str) -> None:
    """No framework answers it with a response, which would be illegal by then."""

    class Missing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            if where == "on_connect":
                raise HTTPException(404)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise HTTPException(404)

    app = Starlette(routes=[WebSocketRoute("/", Missing)])
    with pytest.raises(InvalidStateError, match="HTTPException was raised once") as raised:
        async with connect(app) as client:
            if where == "on_receive":
                await client.send_text("x")
            await client.expect_close(1011, "")
    assert isinstance(raised.value.__cause__, HTTPException)
    assert Missing.log == ["connect", 1011]


@REAL_TIME  # Starlette may answer in a thread
async def test_http_exception_before_the_accept_is_the_frameworks() -> None:
    """It refuses the client with the response that the exception asks for."""

    class Missing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise HTTPException(404)

    app = Starlette(routes=[WebSocketRoute("/", Missing)])
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app):
            pass
    assert denied.value.status == 404
    assert Missing.log == []
