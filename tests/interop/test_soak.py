"""What shows only on a real server under strain: clients that are killed, pings, and its end.

`python -m benchmarks.soak` and `python -m benchmarks.connections` do the same for longer, and with
more connections.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from starlette.endpoints import WebSocketEndpoint as StarlettesEndpoint
from starlette.websockets import WebSocket as StarlettesWebSocket

from benchmarks.connections import Client as LightClient
from benchmarks.soak import ENDINGS, soak
from benchmarks.soak import UVICORN as WITH_QUICK_PINGS
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

from .clients import CLIENTS, Client, Closed
from .servers import Process, Server

pytestmark = pytest.mark.anyio

PATIENT_UVICORN: Final = Server(
    "uvicorn",
    "uvicorn {app} --host 127.0.0.1 --port {port} --no-access-log --ws websockets-sansio "
    "--timeout-graceful-shutdown 20",
)
"""It waits for the application, so that only that can make its end quick."""

NAP: Final = 3.0
"""Seconds that a handler sleeps: three intervals of the server's pings."""


class Sleepy(WebSocketEndpoint):
    """Sleeps as long as it is told, and repeats what it was told."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: float) -> float:
        await anyio.sleep(data)
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        sys.stdout.write(f"on_disconnect {close_code}\n")


class StarlettesSleepy(StarlettesEndpoint):
    """The same, on Starlette's class."""

    encoding = "json"

    async def on_receive(self, websocket: StarlettesWebSocket, data: Any) -> None:
        await anyio.sleep(data)
        await websocket.send_json(data)


sleepy: Final[ASGIApp] = Sleepy.as_asgi()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve both, by path."""
    if scope["type"] == "websocket" and scope["path"] == "/starlette":
        await StarlettesSleepy(scope, receive, send)
    else:
        await sleepy(scope, receive, send)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where a server's log goes."""
    return tmp_path / "log"


async def test_nothing_remains_of_clients_that_are_killed_at_random(log: Path) -> None:
    """However they end, the server holds what it held before, and logs no error."""
    process = Process(WITH_QUICK_PINGS, "benchmarks.soak:app", log)
    try:
        await asyncio.to_thread(process.wait_until_it_accepts)
        report = await soak(process.port, 100, each_round=100)
        process.terminate()
        await asyncio.to_thread(process.wait)
    finally:
        process.kill()
    assert report.remaining == []
    assert process.errors() == []
    assert set(report.endings) == set(ENDINGS)


async def test_a_handler_that_sleeps_does_not_get_its_client_killed(log: Path) -> None:
    """Pongs are read while a handler runs, though a message waits; Starlette's class fails here.

    A server stops reading from a client whose message nobody takes. It then misses the pongs, and
    takes a healthy client for dead.
    """
    process = Process(WITH_QUICK_PINGS, "tests.interop.test_soak:app", log)
    connect = CLIENTS["websockets"]
    try:
        await asyncio.to_thread(process.wait_until_it_accepts)
        async with (
            connect(f"ws://{process.netloc}/") as ours,
            connect(f"ws://{process.netloc}/starlette") as starlettes,
        ):
            await asyncio.gather(*map(send_two_messages, (ours, starlettes)))
            closed, *answers = await asyncio.gather(starlettes.closed(), ours.receive())
            answers.append(await ours.receive())
    finally:
        process.kill()
    assert answers == [f"{NAP}", "0.0"]
    assert closed == Closed(1011, "keepalive ping timeout")


async def send_two_messages(client: Client) -> None:
    """Have a handler sleep, and send another message meanwhile."""
    await client.send(f"{NAP}")
    await client.send("0.0")


async def test_a_server_ends_promptly_with_a_hundred_handlers_asleep(log: Path) -> None:
    """Every client sees 1012, and every `on_disconnect` ran, within two seconds of SIGTERM."""
    process = Process(PATIENT_UVICORN, "tests.interop.test_soak:app", log)
    try:
        await asyncio.to_thread(process.wait_until_it_accepts)
        clients = [await LightClient.connect(process.port) for _ in range(100)]
        for client in clients:
            client.send("0")
            assert await client.receive() == "0.0"
            client.send("60")
        # Answered once the handlers sleep: the connections are served by one event loop.
        last = await LightClient.connect(process.port)
        last.send("0")
        await last.receive()
        process.terminate()
        seconds = await asyncio.to_thread(process.wait)
        async with asyncio.timeout(1):
            await asyncio.gather(*(client.ended.wait() for client in (*clients, last)))
    finally:
        process.kill()
    assert seconds < 2
    assert {client.code for client in clients} == {1012}
    assert process.output().count("on_disconnect 1012\n") == len(clients) + 1
    assert process.errors() == []
