"""A client that is gone, idle or in the middle of a send: F05 to F09."""

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.endpoints import GONE, SILENT, Pushing, quiet
from tests.faults.playing import MARKER, SOON, Noting, derive, play, serve, watch
from tests.waiting import all_tasks_blocked
from wsendpoints import ConnectionState, Denied, Limits, WebSocket, WebSocketDisconnect
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

anyio_test = pytest.mark.anyio


class Failing(FakeServer):
    """Its `send` fails for events of some types."""

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
    """`on_disconnect` runs, as accept was attempted, and nothing surfaces."""
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
    """`on_disconnect` does not run, as accept was not attempted, and nothing surfaces."""

    class Refusing(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if how == "close":
                await websocket.close()
            elif how == "deny":
                raise Denied(401)

    types = ("close", "http.response.start", "http.response.body")
    server = Failing(CONNECT, GONE, types=types, raises=raises)
    # If the server stays silent nobody knows that the client is gone.
    debug = None if raises is None else "close: the "
    if how == "deny":
        debug = "401"
    with watch(Refusing, log=["WARNING"] if how == "nothing" else [], debug=debug):
        await serve(Refusing, server, extensions={"websocket.http.response": {}})
    assert Refusing.log == []


@anyio_test
async def test_f05_client_gone_at_once_meets_no_hook() -> None:
    """The disconnect came in place of the connect."""
    endpoint = quiet()
    with watch(endpoint):
        await serve(endpoint, FakeServer(GONE))
    assert endpoint.log == endpoint.sent == []


@anyio_test
@pytest.mark.parametrize("code", [1005, 1006, None], ids=["RST as 1005", "RST as 1006", "FIN"])
async def test_f06_client_that_leaves_while_idle_ends_it(code: int | None) -> None:
    """Servers say 1005, 1006 or nothing for a connection that is reset: it is 1006 here."""
    endpoint = quiet()
    async with play(endpoint, debug="") as client:
        await client.send_event({"type": "websocket.disconnect", "code": code})
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1006]


class Streaming(Noting):
    """Sends until somebody stops it, as a stream."""

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
    """The handler gets a WebSocketDisconnect; if it escapes, that is quiet as well."""
    async with play(endpoint, debug="") as client:
        await client.send_text(f"{way} {MARKER}")
        assert await client.receive_text() == "tick"
        client.vanish(code)
        await client.wait_for_app()
    (ending,) = [entry for entry in endpoint.log if isinstance(entry, int)]
    assert ending in {code, 1006}


@anyio_test
async def test_f07_task_that_sends_is_no_error() -> None:
    """A task of the connection ends, and a handler that waits for nothing has its grace."""

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
    """What the server's `send` raises is enough to know it."""

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
@WAYS
async def test_f08_silent_server_is_no_different(endpoint: type[Noting], way: str) -> None:
    """The watcher sees the disconnect: `send` raises from then on, though the server does not."""
    async with play(endpoint, debug="", server=SILENT) as client:
        await client.send_text(f"{way} {MARKER}")
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log[-1] == 1006


@anyio_test
async def test_f08_tasks_and_streams_end_at_once() -> None:
    """What speaks to nobody is cancelled, though it waits for something else."""

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
    """Thirty seconds by default, in which it is not cancelled."""
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
    """Sends once; `sending` is set just before."""

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
    """Uvicorn raises then, hypercorn and granian return."""
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
    """Gunicorn does no more than cancel, three seconds after the client left."""
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
