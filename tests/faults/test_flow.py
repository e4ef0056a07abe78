"""More than can be taken, from one client or from many: F10 to F13."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest

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
            """Send more than a client reads that does not."""
            for number in range(100):
                await self.push(str(number))

    class SlowStream(Noting):
        encoding = "text"
        limits = Limits(send_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            for number in range(100):
                yield str(number)

    endpoint = SlowStream if way == "stream" else Slow
    async with play(endpoint, log=["WARNING"]) as client:
        client.pause_reading()
        await client.send_text(MARKER)
        await client.wait_for_app()
        client.resume_reading()
        # Nothing is kept for it besides the one that is in the server's hands.
        assert await client.receive_text() == "0"
        await client.expect_close(1013, "send_timeout: 0.01 s")
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
    """A full inbox receives no more, and nothing is lost or out of order."""
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
    """1008, before the message is decoded, and one line; there is no rate by default."""
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
    """It meets no hook, and costs none of the others."""
    assert Limits().max_connections is None
    endpoint = echo(limits=Limits(max_connections=2))
    app = endpoint.as_asgi()
    async with play(endpoint, log=["INFO"]) as first, connect(app) as second:
        assert await status_for(app, Dialect(denial_response=extension)) == status
        for client in (first, second):
            await client.send_text("x")
            assert await client.receive_text() == "x"
        assert endpoint.log == ["connect", "connect"]
        # Its accept is not counted in what `play` sees.
        await second.close(1001)
        assert endpoint.log.pop() == 1001
    assert endpoint.log == ["connect", "connect", 1000]


async def status_for(app: ASGIApp, server: Dialect) -> int:
    """Return the status with which a client is refused."""
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
    """Have the endpoint close."""
    await client.send_text("close")
    await client.expect_close(4000)


async def end_by_bad_frame(client: Client) -> None:
    """Send what is not taken."""
    await client.send_bytes(b"x")
    await client.expect_close(1003)


async def end_by_failure(client: Client) -> None:
    """Have the endpoint fail."""
    await client.send_text("fail")
    await client.expect_close(1011)


class Moody(Noting):
    """Ends as it is told."""

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
    """There is room for one, so the next would be refused if the first still counted."""
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
    """The same where nothing was accepted."""
    app = Moody.as_asgi()
    with pytest.raises((HandshakeDenied, DeliberateError)):
        async with connect(app, f"/?mood={mood}"):
            pass
    async with connect(app) as client:
        await client.send_text("x")
        assert await client.receive_text() == "x"
