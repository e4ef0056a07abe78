"""More messages or connections than are allowed: F10 to F13."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, binary, text
from tests.faults.endpoints import GONE, NEVER, DeliberateError, echo
from tests.faults.playing import MARKER, SOON, Noting, play, serve, watch
from tests.waiting import all_tasks_blocked
from wsendpoints import Denied, InvalidStateError, Limits, Rate, WebSocket
from wsendpoints.protocol.asgi import ASGIApp, Event
from wsendpoints.testing import Client, Dialect, HandshakeDenied, connect

anyio_test = pytest.mark.anyio


@anyio_test
@pytest.mark.parametrize("way", ["reply", "push", "stream", "task"])
async def test_f10_client_that_does_not_read_is_closed(way: str) -> None:
    """A send that is blocked for `send_timeout`, ten seconds by default, closes with 1013."""
    assert Limits().send_timeout == 10

    class Slow(Noting):
        encoding = "text"
        limits = Limits(send_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
            if way == "reply":
                return "0"
            if way == "push":
                await self.push_many()
            else:
                self.start_soon(self.push_many)
            return None

        async def push_many(self) -> None:
            """Send more than fits into the buffers of a client that does not read."""
            for number in range(100):
                await self.push(str(number))

    class SlowStream(Noting):
        encoding = "text"
        limits = Limits(send_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            for number in range(100):
                yield str(number)

    endpoint = SlowStream if way == "stream" else Slow
    async with play(endpoint, app=as_asgi(endpoint), log=["WARNING"]) as client:
        client.pause_reading()
        await client.send_text(MARKER)
        await client.wait_for_app()
        client.resume_reading()
        # Only the message that the server has already is kept.
        assert await client.receive_text() == "0"
        await client.expect_close(1013, "send_timeout: 0.5 s")
    assert endpoint.log == ["connect", 1013]
    assert "send_timeout" in endpoint.lines("WARNING")[0]


@anyio_test
@pytest.mark.parametrize(
    ("limits", "size", "waiting"),
    [
        pytest.param(Limits(inbox=4), 10, 4, id="messages"),
        pytest.param(Limits(inbox_bytes=400), 100, 4, id="bytes"),
        pytest.param(Limits(inbox_bytes=50), 100, 1, id="one always fits"),
        pytest.param(Limits(), 10, 32, id="default"),
        pytest.param(Limits(), 524_288, 2, id="default bytes"),
    ],
)
@pytest.mark.parametrize("make", [text, binary], ids=["text", "binary"])
async def test_f11_flood_waits_outside(
    limits: Limits, size: int, waiting: int, make: Callable[[Any], Event]
) -> None:
    """When the inbox is full nothing more is received, and no message is lost or out of order."""
    go = anyio.Event()
    flood = [f"{number:08}".ljust(size, "x") for number in range(60)]
    frames = [make(each if make is text else each.encode()) for each in flood]

    class Busy(Noting):
        async def on_receive(self, websocket: WebSocket, data: str | bytes) -> None:
            await go.wait()
            self.log.append(str(data[:8], "ascii") if isinstance(data, bytes) else data[:8])

    Busy.limits = limits
    server = FakeServer(CONNECT, *frames)
    with watch(Busy):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, Busy, server)
            await all_tasks_blocked()
            # The connect, the message that is handled, and those that wait.
            assert server.receives == 2 + waiting
            server.deliver(GONE)
            go.set()
    assert Busy.log == ["connect", *(each[:8] for each in flood), 1006]


@anyio_test
async def test_f12_messages_over_the_rate_close() -> None:
    """It closes with 1008 before the message is decoded, and logs once; off by default."""
    assert Limits().rate is None

    class Counting(Noting):
        encoding = "json"
        limits = Limits(rate=Rate(messages=1, per=NEVER, burst=3))

        async def on_receive(self, websocket: WebSocket, data: int) -> None:
            self.log.append(str(data))

    flood = [*"123", "{", f'"{MARKER}"', "4"]
    server = FakeServer(CONNECT, *map(text, flood))
    with watch(Counting, log=["WARNING"]):
        await serve(Counting, server)
    assert Counting.log == ["connect", "1", "2", "3", "invalid", 1008]
    assert [(each["code"], each["reason"]) for each in server.sent[1:]] == [
        (1008, "rate: 1 messages in 3600 s")
    ]


@anyio_test
@pytest.mark.parametrize(
    ("extension", "status"), [pytest.param(True, 503, id="503"), pytest.param(False, 403, id="403")]
)
async def test_f13_one_connection_too_many_is_refused(extension: bool, status: int) -> None:
    """No hook runs for it, and the other connections go on."""
    assert Limits().max_connections is None
    endpoint = echo(limits=Limits(max_connections=2))
    app = endpoint.as_asgi()
    async with play(endpoint, log=["INFO"]) as first, connect(app) as second:
        assert await status_for(app, Dialect(denial_response=extension)) == status
        for client in (first, second):
            await client.send_text("x")
            assert await client.receive_text() == "x"
        assert endpoint.log == ["connect", "connect"]
        # `play` does not see the accept of the second one.
        await second.close(1001)
        assert endpoint.log.pop() == 1001
    assert endpoint.log == ["connect", "connect", 1000]


async def status_for(app: ASGIApp, server: Dialect) -> int:
    """Return the status that a client is refused with."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, server=server):
            pass
    return denied.value.status


async def end_by_close(client: Client) -> None:
    """Close as a client does."""
    await client.close(1000)


async def end_by_reset(client: Client) -> None:
    """Lose the connection."""
    client.vanish()
    await client.wait_for_app()


async def end_by_shutdown(client: Client) -> None:
    """Shut the server down."""
    client.shutdown()
    await client.wait_for_app()


async def end_by_cancelling(client: Client) -> None:
    """Cancel the app."""
    client.cancel_app()
    await client.wait_for_app()


async def end_by_us(client: Client) -> None:
    """Make the endpoint close."""
    await client.send_text("close")
    await client.expect_close(4000)


async def end_by_bad_frame(client: Client) -> None:
    """Send a frame that is not allowed."""
    await client.send_bytes(b"x")
    await client.expect_close(1003)


async def end_by_failure(client: Client) -> None:
    """Make the endpoint fail."""
    await client.send_text("fail")
    await client.expect_close(1011)


class Moody(Noting):
    """Ends in the way that the client asks for."""

    encoding = "text"
    limits = Limits(max_connections=1)

    async def on_connect(self, websocket: WebSocket) -> None:
        match websocket.query_params.get("mood"):
            case "refuse":
                await websocket.close()
            case "deny":
                raise Denied(401)
            case "forget":
                pass
            case "fail":
                raise DeliberateError
            case _:
                await super().on_connect(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if data == "close":
            await websocket.close(4000)
        elif data == "fail":
            raise DeliberateError
        await websocket.send_text(data)


@anyio_test
@pytest.mark.parametrize(
    "end",
    [
        end_by_close,
        end_by_reset,
        end_by_shutdown,
        end_by_cancelling,
        end_by_us,
        end_by_bad_frame,
        end_by_failure,
    ],
    ids=lambda end: end.__name__,
)
async def test_f13_every_ending_makes_room(end: Callable[[Client], Awaitable[None]]) -> None:
    """A connection that has ended no longer counts, however it ended."""
    app = Moody.as_asgi()
    with contextlib.suppress(DeliberateError, InvalidStateError):
        async with connect(app) as client:
            await end(client)
    async with connect(app) as client:
        await client.send_text("x")
        assert await client.receive_text() == "x"


@anyio_test
@pytest.mark.parametrize("mood", ["refuse", "deny", "forget", "fail"])
async def test_f13_every_refusal_makes_room(mood: str) -> None:
    """A connection that was refused does not count."""
    app = Moody.as_asgi()
    with pytest.raises((HandshakeDenied, DeliberateError)):
        async with connect(app, f"/?mood={mood}"):
            pass
    async with connect(app) as client:
        await client.send_text("x")
        assert await client.receive_text() == "x"
