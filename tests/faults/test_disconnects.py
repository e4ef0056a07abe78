"""A client that disconnects, while idle or in the middle of a send: F05 to F09."""

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import GENEROUS, REAL_TIME
from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.endpoints import GONE, SILENT, Pushing, quiet
from tests.faults.playing import MARKER, SOON, Noting, derive, play, serve, watch
from tests.waiting import all_tasks_blocked
from wsendpoints import ConnectionState, Denied, Limits, WebSocket, WebSocketDisconnect
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

anyio_test = pytest.mark.anyio


class Failing(FakeServer):
    """A server whose `send` fails for some types of events."""

    def __init__(
        self, *events: Event, types: tuple[str, ...], raises: type[Exception] | None
    ) -> None:
        super().__init__(*events)
        self.types = tuple(f"websocket.{type_}" for type_ in types)
        self.raises = raises

    async def send(self, event: Event) -> None:
        """Take an event, or fail."""
        await checkpoint()
        if event["type"] in self.types and self.raises is not None:
            raise self.raises(MARKER)
        self.sent.append(event)


ACCEPT_OUTCOMES = pytest.mark.parametrize(
    "raises",
    [
        pytest.param(OSError, id="OSError, uvicorn"),
        pytest.param(RuntimeError, id="RuntimeError, gunicorn"),
        pytest.param(None, id="silent"),
    ],
)


@anyio_test
@ACCEPT_OUTCOMES
async def test_f05_client_gone_before_the_accept_is_a_disconnect(
    raises: type[Exception] | None,
) -> None:
    """Since accept was attempted, `on_disconnect` runs; nothing is raised."""
    endpoint = quiet()
    server = Failing(CONNECT, GONE, types=("accept",), raises=raises)
    with watch(endpoint, debug=""):
        await serve(endpoint, server)
    assert endpoint.log == ["connect", 1006]


@anyio_test
@ACCEPT_OUTCOMES
@pytest.mark.parametrize("how", ["close", "deny", "nothing"])
async def test_f05_client_gone_before_it_is_refused(
    raises: type[Exception] | None, how: str
) -> None:
    """Since accept was not attempted, `on_disconnect` does not run; nothing is raised."""

    class Refusing(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if how == "close":
                await websocket.close()
            elif how == "deny":
                raise Denied(401)

    types = ("close", "http.response.start", "http.response.body")
    server = Failing(CONNECT, GONE, types=types, raises=raises)
    # A server that stays silent does not tell that the client has disconnected.
    debug = None if raises is None else "close: the "
    if how == "deny":
        debug = "401"
    with watch(Refusing, log=["WARNING"] if how == "nothing" else [], debug=debug):
        await serve(Refusing, server, extensions={"websocket.http.response": {}})
    assert Refusing.log == []


@anyio_test
async def test_f05_client_gone_at_once_meets_no_hook() -> None:
    """If a disconnect comes in place of the connect, no hook runs."""
    endpoint = quiet()
    with watch(endpoint):
        await serve(endpoint, FakeServer(GONE))
    assert endpoint.log == endpoint.sent == []


@anyio_test
@pytest.mark.parametrize("code", [1005, 1006, None], ids=["RST as 1005", "RST as 1006", "FIN"])
async def test_f06_client_that_leaves_while_idle_ends_it(code: int | None) -> None:
    """A reset is 1006, whether the server says 1005, 1006 or nothing."""
    endpoint = quiet()
    async with play(endpoint, debug="") as client:
        await client.send_event({"type": "websocket.disconnect", "code": code})
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1006]


class Streaming(Noting):
    """Streams until it is stopped."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        while True:
            yield "tick"


WAYS = pytest.mark.parametrize(
    ("endpoint", "way"),
    [
        *(pytest.param(Pushing, way, id=way) for way in ("push", "send", "reply", "suppressed")),
        pytest.param(Streaming, "stream", id="stream"),
    ],
)


@anyio_test
@WAYS
@pytest.mark.parametrize("code", [1005, 1006, 1001])
async def test_f07_client_that_leaves_in_mid_send_is_no_error(
    endpoint: type[Noting], way: str, code: int
) -> None:
    """The handler gets a `WebSocketDisconnect`, and that is no failure if it escapes."""
    async with play(endpoint, debug="") as client:
        await client.send_text(f"{way} {MARKER}")
        assert await client.receive_text() == "tick"
        client.vanish(code)
        await client.wait_for_app()
    (ending,) = [entry for entry in endpoint.log if isinstance(entry, int)]
    assert ending in {code, 1006}


@anyio_test
async def test_f07_task_that_sends_is_no_error() -> None:
    """A sending task ends, and the handler is cancelled after its grace."""

    class Patient(Pushing):
        limits = Limits(grace=SOON)

    async with play(Patient, log=["INFO"], debug="") as client:
        await client.send_text("task")
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert Patient.log == ["connect", 1006]


@anyio_test
async def test_f07_send_fails_before_the_disconnect_is_received() -> None:
    """A `send` that fails is a disconnect before the event of it is received."""

    class Once(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await websocket.send_text("tick")
            except WebSocketDisconnect as exc:
                self.log.append(str(exc.code))
                raise

    server = Failing(CONNECT, text(MARKER), GONE, types=("send",), raises=OSError)
    with watch(Once, debug="OSError"):
        await serve(Once, server)
    assert Once.log == ["connect", "1006", 1006]


@anyio_test
@REAL_TIME
@WAYS
async def test_f08_silent_server_is_no_different(endpoint: type[Noting], way: str) -> None:
    """After the disconnect `send` raises, even if the server's `send` does not."""
    async with play(endpoint, debug="", server=SILENT, timeout=GENEROUS) as client:
        await client.send_text(f"{way} {MARKER}")
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log[-1] == 1006


@anyio_test
async def test_f08_tasks_and_streams_end_at_once() -> None:
    """Tasks and streams are cancelled at the disconnect, whatever they wait for."""

    class Waiting(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.start_soon(self.wait)
            await super().on_connect(websocket)

        async def wait(self) -> None:
            """Wait for ever."""
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("task ended")

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            try:
                yield "tick"
                await anyio.sleep_forever()
            finally:
                self.log.append("stream ended")

    async with play(Waiting, debug="", server=SILENT) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert sorted(map(str, Waiting.log[1:-1])) == ["stream ended", "task ended"]
    assert Waiting.log[-1] == 1006


@anyio_test
async def test_f08_handler_has_its_grace() -> None:
    """A handler is not cancelled for `grace`, 30 seconds by default."""
    assert Limits().grace == 30
    go = anyio.Event()

    class Saving(Noting):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            while websocket.connection_state is ConnectionState.OPEN:
                await checkpoint()
            self.log.append("noticed")
            await go.wait()
            self.log.append("saved")

    async with play(Saving, debug="", server=SILENT) as client:
        await client.send_text(MARKER)
        client.vanish()
        await all_tasks_blocked()
        assert Saving.log == ["connect", "noticed"]
        go.set()
        await client.wait_for_app()
    assert Saving.log == ["connect", "noticed", "saved", 1006]


class Blocked(Noting):
    """Sends once, and sets `sending` just before."""

    encoding = "text"
    sending: anyio.Event

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.sending.set()
        await websocket.send_text("tick")
        self.log.append("sent")


@anyio_test
@pytest.mark.parametrize(
    "server", [pytest.param(Dialect(), id="OSError"), pytest.param(SILENT, id="returns")]
)
async def test_f09_blocked_send_ends_with_the_connection(server: Dialect) -> None:
    """A blocked send ends at the disconnect: uvicorn raises, hypercorn and granian return."""
    endpoint = derive(Blocked, sending=anyio.Event())
    async with play(endpoint, debug="", server=server) as client:
        client.pause_reading()
        await client.send_text(MARKER)
        await endpoint.sending.wait()
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log == ["connect", *(["sent"] if server is SILENT else []), 1006]


@anyio_test
async def test_f09_blocked_send_is_cancelled_by_the_server() -> None:
    """Gunicorn only cancels a blocked send, three seconds after the disconnect."""
    endpoint = derive(Blocked, sending=anyio.Event())
    server = FakeServer(CONNECT, text(MARKER))
    with watch(endpoint, debug=""):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, endpoint, server)
            while "connect" not in endpoint.log or not server.sent:
                await checkpoint()
            server.gate = anyio.Event()
            await endpoint.sending.wait()
            server.deliver(GONE)
            await all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert endpoint.log == ["connect", 1006]
    assert endpoint.sent_types() == ["accept", "send"]
