"""Clients, handlers and hooks that take too long: F01 to F04, F14, F15, F21 and F26."""

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, binary, text
from tests.faults.endpoints import NEVER, SILENT, DeliberateError, echo, quiet
from tests.faults.playing import MARKER, SOON, Noting, play, refused, serve, surfacing, watch
from wsendpoints import Limits, WebSocket
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

pytestmark = pytest.mark.anyio


async def test_f01_client_that_never_sends_is_closed() -> None:
    """`first_message_timeout` closes with 1008; it is off by default."""
    assert Limits().first_message_timeout is None
    endpoint = echo(limits=Limits(first_message_timeout=SOON))
    async with play(endpoint, log=["INFO"]) as client:
        await client.expect_close(1008, "first_message_timeout: 0.5 s")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1008]


@pytest.mark.parametrize("extension", [True, False], ids=["with response", "without"])
async def test_f02_on_connect_that_hangs_is_refused(extension: bool) -> None:
    """After `connect_timeout`, ten seconds by default, the client is refused."""
    assert Limits().connect_timeout == 10

    class Hanging(Noting):
        limits = Limits(connect_timeout=SOON)

        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep_forever()

    denied = await refused(Hanging, log=["WARNING"], server=Dialect(denial_response=extension))
    assert denied.status == 403
    assert Hanging.log == []


async def test_f03_half_a_handshake_calls_no_hook() -> None:
    """A call without the event `websocket.connect` runs no hook until it is cancelled.

    This is the most that servers do for half a handshake, and only hypercorn ends it: a proxy needs
    a timeout.
    """
    endpoint = quiet(limits=Limits(max_connections=1))
    server = FakeServer()
    with watch(endpoint):
        with anyio.move_on_after(SOON) as scope:
            await serve(endpoint, server)
        assert scope.cancelled_caught
        # The event loop holds the cancellation, with its traceback, until it has another turn.
        await checkpoint()
    assert endpoint.log == endpoint.sent == []


@pytest.mark.parametrize("messages", [0, 2])
async def test_f04_silent_peer_is_closed(messages: int) -> None:
    """`idle_timeout` closes with 1001; it is off by default."""
    assert Limits().idle_timeout is None
    endpoint = echo(limits=Limits(idle_timeout=SOON))
    async with play(endpoint, app=as_asgi(endpoint), log=["INFO"]) as client:
        for _ in range(messages):
            await client.send_text(MARKER)
            assert await client.receive_text() == MARKER
        await client.expect_close(1001, "idle_timeout: 0.5 s")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1001]


@pytest.mark.parametrize("way", ["handler", "stream"])
async def test_f14_handler_over_its_time_closes_with_1011(way: str) -> None:
    """`handler_timeout` closes with 1011 and logs the endpoint's name; it is off by default."""
    assert Limits().handler_timeout is None

    class Hanging(Noting):
        limits = Limits(handler_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    class HangingStream(Noting):
        limits = Limits(handler_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            yield "first"
            await anyio.sleep_forever()

    endpoint = HangingStream if way == "stream" else Hanging
    async with play(endpoint, app=as_asgi(endpoint), log=["WARNING"]) as client:
        await client.send_text(MARKER)
        if way == "stream":
            assert await client.receive_text() == "first"
        await client.expect_close(1011, "handler_timeout: 0.5 s")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1011]
    assert endpoint.__name__ in endpoint.lines("WARNING")[0]


@pytest.mark.parametrize("server", [Dialect(), SILENT], ids=["OSError", "silent"])
async def test_f15_handler_that_hangs_is_cancelled_after_its_grace(server: Dialect) -> None:
    """After the disconnect a handler may go on for `grace` seconds."""

    class Hanging(Noting):
        limits = Limits(grace=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("cancelled")

    async with play(Hanging, log=["INFO"], server=server) as client:
        await client.send_text(MARKER)
        client.vanish()
        await client.wait_for_app()
    assert Hanging.log == ["connect", "cancelled", 1006]


async def test_f15_handler_is_cancelled_at_once_if_the_class_says_so() -> None:
    """With `cancel_on_disconnect` a handler has no grace."""

    class Hanging(Noting):
        cancel_on_disconnect = True
        limits = Limits(grace=NEVER)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("cancelled")

    async with play(Hanging, log=["INFO"]) as client:
        await client.send_text(MARKER)
        client.vanish()
        await client.wait_for_app()
    assert Hanging.log == ["connect", "cancelled", 1006]


async def test_f21_on_disconnect_that_hangs_is_cancelled() -> None:
    """`on_disconnect` is cancelled after `disconnect_timeout`, five seconds by default."""
    assert Limits().disconnect_timeout == 5

    class Hanging(Noting):
        limits = Limits(disconnect_timeout=SOON)

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            await anyio.sleep_forever()

    async with play(Hanging, log=["WARNING"]) as client:
        await client.close(4001)
    assert Hanging.log == ["connect", 4001]


class SlowToClose(FakeServer):
    """A server whose close waits for the answer of a peer that is silent."""

    async def send(self, event: Event) -> None:
        """Take an event."""
        await super().send(event)
        if event["type"] == "websocket.close":
            await anyio.sleep_forever()


@pytest.mark.parametrize("how", ["handler", "invalid", "task", "failure", "cancelled"])
async def test_f26_close_that_blocks_is_given_up(how: str) -> None:
    """A close is given up after `close_timeout`, five seconds by default."""
    assert Limits().close_timeout == 5
    handling = anyio.Event()

    class Closing(Noting):
        encoding = "text"
        limits = Limits(close_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            handling.set()
            match how:
                case "handler":
                    await websocket.close(4000)
                case "task":
                    self.start_soon(websocket.close, 4000)
                case "failure":
                    raise DeliberateError
                case _:
                    await anyio.sleep_forever()

    server = SlowToClose(CONNECT, binary(b"x") if how == "invalid" else text(MARKER))
    codes = {"invalid": 1003, "failure": 1011, "cancelled": 1012}
    failure = DeliberateError if how == "failure" else None
    with watch(Closing, log=["INFO"] if how == "invalid" else []), surfacing(failure):
        if how == "cancelled":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve, Closing, server)
                await handling.wait()
                tasks.cancel_scope.cancel()
        else:
            await serve(Closing, server)
    code = codes.get(how, 4000)
    assert [entry for entry in Closing.log if isinstance(entry, int)] == [code]
    assert server.sent[-1] == {"type": "websocket.close", "code": code, "reason": ""} or (
        how == "invalid" and server.sent[-1]["code"] == code
    )


async def test_f26_refusal_that_blocks_is_given_up() -> None:
    """A close before the accept is given up after `close_timeout` too."""
    endpoint = quiet(limits=Limits(close_timeout=SOON), on_connect=refuse_by_close)
    server = SlowToClose(CONNECT)
    with watch(endpoint):
        await serve(endpoint, server)
    assert endpoint.log == []


async def refuse_by_close(self: Noting, websocket: WebSocket) -> None:
    """Refuse."""
    await websocket.close()
