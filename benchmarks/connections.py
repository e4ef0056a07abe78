"""What a connection costs: 10,000 real ones, beside an ASGI application written by hand.

Run with `python -m benchmarks.connections`. Two servers run one after the other, each in a process
of its own; the clients are in this process. All connections are open at once, all are answered,
all are closed, and what the server's process holds is looked at meanwhile.

`python -m benchmarks.connections --in-process` has no sockets: it serves 10,000 connections of
each ending of `tests/lifecycle/test_leaks.py`, and looks at what remains of them.
"""

import argparse
import asyncio
import gc
import http.client
import json
import logging
import os
import resource
import socket
import struct
import sys
import tempfile
import time
import tracemalloc
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio

from benchmarks.frames import CLOSE, PING, PONG, TEXT, frame
from tests.interop.servers import Process, Server
from tests.lifecycle.test_leaks import BYTES, ENDINGS, connections_of, remains_of
from tests.ports import HOST
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.lifecycle import ticker
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["Client", "Observed", "State", "by_hand", "ours", "state_of"]

CONNECTIONS: Final = 10_000
WARM_UP: Final = 50
AT_ONCE: Final = 64
"""Handshakes that are under way at the same time."""

AN_ADDRESS: Final = 20_000
"""Connections from one address; there are 28,000 ports to call from, by Linux's default."""

ANSWERED_WITHIN: Final = 60.0
KIB: Final = 1024
ALLOWED: Final = 8 * KIB
"""Bytes that a connection may hold more than one of the application written by hand."""

UVICORN: Final = Server(
    "uvicorn",
    "uvicorn {app} --host 127.0.0.1 --port {port} --no-access-log --backlog 4096 "
    "--ws websockets-sansio --loop uvloop --timeout-graceful-shutdown 3",
)


# The server's side.


State: TypeAlias = dict[str, int]
"""What a server's process holds: `tasks`, `connections` (objects of theirs), bytes of `rss`."""


class Observed:
    """An application that tells at `/state` what its process holds.

    Args:
        app: What serves the rest.
        more: Returns what else it is to tell.
    """

    def __init__(self, app: ASGIApp, more: Callable[[], State] = dict) -> None:
        self._app = app
        self._more = more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] == "http" and scope["path"] == "/state":
            body = json.dumps(self._state()).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
        else:
            await self._app(scope, receive, send)

    def _state(self) -> State:
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()),
            "connections": connections_of("wsendpoints"),
            "rss": rss(),
            **self._more(),
        }


def rss() -> int:
    """Return the bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


async def echo_by_hand(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


ours: Final = Observed(Echo.as_asgi())
by_hand: Final = Observed(echo_by_hand)


def state_of(port: int) -> State:
    """Ask a server for what it holds."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWERED_WITHIN)
    try:
        connection.request("GET", "/state", headers={"Connection": "close"})
        state: State = json.loads(connection.getresponse().read())
        return state
    finally:
        connection.close()


# The client's side.


class Client(asyncio.Protocol):
    """The least that makes a client: no extensions, no fragments, no checks.

    Attributes:
        transport: Its socket's.
        received: The text frames that were not taken yet.
        code: The close code that the server sent; 1006 until it does.
        ended: Set once the socket is closed.
        answers_pings: Whether it is alive, as far as the server can tell.
    """

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received: deque[bytes] = deque()
        self.code = 1006
        self.ended = asyncio.Event()
        self.answers_pings = True
        self._buffer = bytearray()
        self._is_open = False
        self._news: asyncio.Future[None] | None = None

    @classmethod
    async def connect(cls, port: int, path: str = "/", source: str | None = None) -> "Client":
        """Open a connection.

        Raises:
            ConnectionError: The server refuses it.
        """
        _, client = await asyncio.get_running_loop().create_connection(
            cls, HOST, port, local_addr=(source, 0) if source else None
        )
        client.transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await client._until(lambda: client._is_open)
        return client

    async def receive(self) -> str:
        """Wait for a text frame.

        Raises:
            ConnectionError: The connection ended.
        """
        await self._until(lambda: bool(self.received))
        return self.received.popleft().decode()

    def send(self, text: str) -> None:
        """Send a text frame."""
        self.transport.write(frame(TEXT, text.encode()))

    async def close(self) -> None:
        """Close as the protocol says, and wait for the server's answer."""
        self.transport.write(frame(CLOSE, struct.pack("!H", 1000)))
        async with asyncio.timeout(ANSWERED_WITHIN):
            await self.ended.wait()

    def reset(self) -> None:
        """End it by a TCP reset."""
        sock: socket.socket = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(ANSWERED_WITHIN):
            while not is_so():
                if self.ended.is_set():
                    raise ConnectionError(f"the connection ended with {self.code}")
                self._news = asyncio.get_running_loop().create_future()
                await self._news

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self.transport.abort()
                return
            self._buffer, self._is_open = rest, True
        while (taken := self._take()) is not None:
            self._handle(*taken)
        self._notify()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self._notify()

    def _notify(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _take(self) -> tuple[int, bytes] | None:
        """Take a whole frame out of the buffer, as its opcode and its payload."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, size = 2, buffer[1]
        if size >= 126:
            start += 2 if size == 126 else 8
            size = int.from_bytes(buffer[2:start])
        if len(buffer) < start + size:
            return None
        taken = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return taken

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self.received.append(payload)
        elif opcode == PING and self.answers_pings:
            self.transport.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self.code = int.from_bytes(payload[:2]) or 1005
            self.transport.write(frame(CLOSE, payload[:2]))


# Real connections.


async def gather(awaitables: Iterable[Awaitable[Any]]) -> list[Any]:
    """Wait for all of them, so many at a time."""
    free = asyncio.Semaphore(AT_ONCE)

    async def wait(awaitable: Awaitable[Any]) -> Any:
        async with free:
            return await awaitable

    return await asyncio.gather(*map(wait, awaitables))


async def echo_once(client: Client, text: str) -> None:
    client.send(text)
    assert await client.receive() == text


async def occupy(port: int, number: int) -> tuple[State, State, State]:
    """Open so many connections, have each answered, and close them.

    Returns:
        What the server held before, while they were open, and afterwards.
    """
    before = await asyncio.to_thread(state_of, port)
    start = time.perf_counter()
    sources = [f"127.0.0.{2 + index // AN_ADDRESS}" for index in range(number)]
    if number <= AN_ADDRESS:
        sources = [HOST] * number
    clients = await gather(Client.connect(port, source=source) for source in sources)
    opened = time.perf_counter()
    await gather(echo_once(client, f"hello from {index}") for index, client in enumerate(clients))
    answered = time.perf_counter()
    during = await asyncio.to_thread(state_of, port)
    assert [client for client in clients if client.ended.is_set()] == []
    closing = time.perf_counter()
    await gather(client.close() for client in clients)
    closed = time.perf_counter()
    assert {client.code for client in clients} == {1000}
    if number > WARM_UP:
        print(
            f"  {number:,} opened in {opened - start:.1f} s, answered in {answered - opened:.1f} s,"
            f" closed in {closed - closing:.1f} s"
        )
    return before, during, await settled(port, before)


async def settled(port: int, before: State) -> State:
    """Return what a server holds once it has no more tasks and connections than before."""
    deadline = time.monotonic() + ANSWERED_WITHIN
    while True:
        state = await asyncio.to_thread(state_of, port)
        is_settled = state["tasks"] <= before["tasks"] and not state["connections"]
        if is_settled or time.monotonic() > deadline:
            return state
        await asyncio.sleep(0.1)


async def measure(app: str, number: int) -> tuple[float, bool]:
    """Return what a connection to an application costs, and whether nothing remained."""
    print(app)
    with tempfile.TemporaryDirectory() as folder:
        process = Process(UVICORN, f"{__spec__.name}:{app}", Path(folder, "log"))
        try:
            await asyncio.to_thread(process.wait_until_it_accepts)
            await occupy(process.port, WARM_UP)
            before, during, after = await occupy(process.port, number)
        finally:
            process.kill()
        errors = process.errors()
    each = (during["rss"] - before["rss"]) / number
    print(f"  {each / KIB:.2f} KiB a connection; {during['tasks']:,} tasks while they are open")
    print(f"  before {shown(before)}")
    print(f"  during {shown(during)}")
    print(f"  after  {shown(after)}")
    print(*errors, sep="\n", end="")
    is_clean = after["tasks"] <= before["tasks"] and not after["connections"] and not errors
    return each, is_clean


def shown(state: State) -> str:
    """Return a state as a line."""
    return (
        f"{state['rss'] / KIB**2:.1f} MiB, {state['tasks']} tasks, "
        f"{state['connections']} objects of ours"
    )


def verdict(is_right: bool) -> str:
    return "ok" if is_right else "NOT OK"


def allow_files() -> None:
    """Raise the limit of open files as far as allowed; the servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def compare(number: int) -> bool:
    """Print what connections cost; return whether ours may cost that."""
    hand, is_hand_clean = await measure("by_hand", number)
    our, is_our_clean = await measure("ours", number)
    is_right = our - hand <= ALLOWED and is_hand_clean and is_our_clean
    print(
        f"ours holds {(our - hand) / KIB:.2f} KiB a connection more than by hand; "
        f"{ALLOWED // KIB} are allowed: {verdict(is_right)}"
    )
    return is_right


# In process.


@contextmanager
def traced() -> Generator[None, None, None]:
    """Have allocations counted, and nothing logged."""
    logger = logging.getLogger("wsendpoints")
    logger.disabled = True
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        logger.disabled = False


def leak(number: int) -> bool:
    """Print what remains of so many connections of each ending; return whether that is nothing."""
    # What takes long is found sooner, so that a run takes minutes rather than hours. What remains
    # does not depend on it.
    setattr(ticker, "INTERVAL", 0.001)  # noqa: B010 - it is final for everybody else
    are_right = True
    for backend in ("asyncio", "trio"):
        for ending in ENDINGS:
            if ending.cancelled == "task" and backend == "trio":
                continue
            with traced():
                remains = anyio.run(remains_of, ending, number, backend=backend)
            is_right = remains.bytes < BYTES * number and not remains.objects and not remains.tasks
            are_right = are_right and is_right
            print(
                f"{backend:8} {ending.name:45} {remains.bytes / number:8.2f} B, "
                f"{remains.tasks} tasks, {remains.objects} objects: {verdict(is_right)}",
                flush=True,
            )
    return are_right


def main() -> bool:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=CONNECTIONS, help="of connections")
    parser.add_argument("--in-process", action="store_true", help="look for leaks, without sockets")
    arguments = parser.parse_args()
    if arguments.in_process:
        return leak(arguments.number)
    allow_files()
    return asyncio.run(compare(arguments.number))


if __name__ == "__main__":
    sys.exit(not main())
