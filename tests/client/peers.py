"""Servers that a test plays on a real socket, and what each library is to make of them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, final

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from tests.clocks import GENEROUS
from wsendpoints.client.socket import Address, Close, Lost, Open

__all__ = ["SCENARIOS", "Peer", "Scenario", "at", "lost", "peer"]

Scenario: TypeAlias = Callable[[Open], Awaitable[None]]


@final
class Peer:
    """The server's end of a connection."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._ws = WSConnection(ConnectionType.SERVER)

    async def next(self) -> Any:
        """Return the next event; `None` if the client is gone."""
        while True:
            for event in self._ws.events():
                if not isinstance(event, Pong):
                    return event
            try:
                self._ws.receive_data(await self.stream.receive())
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return None

    async def send(self, event: Any) -> None:
        """Send an event."""
        await self.stream.send(self._ws.send(event))

    async def accept(self, subprotocol: str | None = None) -> Request:
        """Accept the handshake, and return it."""
        request: Request = await self.next()
        await self.send(AcceptConnection(subprotocol=subprotocol))
        return request


@asynccontextmanager
async def peer(play: Callable[[Peer], Awaitable[None]]) -> AsyncGenerator[str]:
    """Play a server for one connection, and return its URL."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await play(Peer(stream))

    with anyio.fail_after(GENEROUS):
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
            yield f"ws://127.0.0.1:{port}/"
            tasks.cancel_scope.cancel()


def at(url: str, *subprotocols: str, **headers: str) -> Address:
    """Return an address."""
    return Address(url, subprotocols, headers)


async def lost(call: Awaitable[object]) -> Close:
    """Return how a connection was lost in a call."""
    with pytest.raises(Lost) as caught:
        await call
    return caught.value.close


async def enter(open_socket: Open, address: Address) -> None:
    """Try to connect."""
    async with open_socket(address):
        raise AssertionError


async def frames_go_both_ways(open_socket: Open) -> None:
    """The handshake has what the address has; texts and bytes come as they are."""
    requests: list[Request] = []

    async def play(server: Peer) -> None:
        requests.append(await server.accept("b"))
        await server.send(Ping())
        while isinstance(event := await server.next(), TextMessage | BytesMessage):
            await server.send(event)

    async with peer(play) as url, open_socket(at(url, "a", "b", Authorization="x")) as socket:
        assert socket.subprotocol == "b"
        await socket.send("text")
        await socket.send(b"bytes")
        assert await socket.receive() == "text"
        assert await socket.receive() == b"bytes"
        large = "x" * 3_000_000
        await socket.send(large)
        assert await socket.receive() == large
    (request,) = requests
    assert request.subprotocols == ["a", "b"]
    assert (b"authorization", b"x") in request.extra_headers


async def server_closes(open_socket: Open) -> None:
    """The code and the reason are told, as often as one asks."""

    async def play(server: Peer) -> None:
        await server.accept()
        await server.send(CloseConnection(4321, "why"))
        await server.next()

    async with peer(play) as url, open_socket(at(url)) as socket:
        assert socket.subprotocol is None
        assert await lost(socket.receive()) == (4321, "why")
        await lost(socket.send("late"))
        await lost(socket.send(b"late"))
        await socket.close(Close(1000))


async def connection_is_lost(open_socket: Open) -> None:
    """Without a close it is 1006."""

    async def play(server: Peer) -> None:
        await server.accept()

    async with peer(play) as url, open_socket(at(url)) as socket:
        assert (await lost(socket.receive())).code == 1006
        assert (await lost(socket.send("late"))).code == 1006


async def server_breaks_the_protocol(open_socket: Open) -> None:
    """It is as good as lost."""

    async def play(server: Peer) -> None:
        await server.accept()
        await server.stream.send(b"\xff" * 100)
        await server.next()

    async with peer(play) as url, open_socket(at(url)) as socket:
        assert (await lost(socket.receive())).code in (1002, 1006)


async def client_closes(open_socket: Open) -> None:
    """The server gets the code and the reason."""
    closed = anyio.Event()

    async def play(server: Peer) -> None:
        await server.accept()
        event = await server.next()
        assert (event.code, event.reason) == (4001, "bye")
        await server.send(event.response())
        closed.set()

    async with peer(play) as url, open_socket(at(url)) as socket:
        await socket.close(Close(4001, "bye"))
        await closed.wait()


async def client_leaves(open_socket: Open) -> None:
    """Nothing of the connection is left, however it is left, and what was raised is."""
    gone = anyio.Event()

    async def play(server: Peer) -> None:
        await server.accept()
        while await server.next() is not None:
            pass
        gone.set()

    async with peer(play) as url:
        with anyio.CancelScope() as scope:
            async with open_socket(at(url)):
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        await gone.wait()


async def handshake_is_refused(open_socket: Open) -> None:
    """The status is a part of the code."""

    async def play(server: Peer) -> None:
        await server.next()
        await server.send(RejectConnection(status_code=401))

    async with peer(play) as url:
        assert await lost(enter(open_socket, at(url))) == (4401, "Unauthorized")


async def handshake_is_refused_for_now(open_socket: Open) -> None:
    """The server says when to come back."""

    async def play(server: Peer) -> None:
        await server.next()
        headers = [(b"retry-after", b"7")]
        await server.send(RejectConnection(status_code=503, headers=headers))

    async with peer(play) as url:
        with pytest.raises(Lost) as caught:
            await enter(open_socket, at(url))
    assert caught.value.retry_after == 7


async def handshake_is_answered_by_something_else(open_socket: Open) -> None:
    """It is as good as nobody."""

    async def play(server: Peer) -> None:
        await server.next()
        await server.stream.send(b"SSH-2.0\r\n\r\n")

    async with peer(play) as url:
        assert (await lost(enter(open_socket, at(url)))).code == 1006


async def nobody_listens(open_socket: Open) -> None:
    """There is no connection."""
    async with peer(_never) as url:
        pass
    assert (await lost(enter(open_socket, at(url)))).code == 1006


async def _never(server: Peer) -> None:
    raise AssertionError


async def receiving_is_cancelled(open_socket: Open) -> None:
    """No frame is lost by it."""

    async def play(server: Peer) -> None:
        await server.accept()
        while isinstance(event := await server.next(), TextMessage):
            await server.send(event)

    async with peer(play) as url, open_socket(at(url)) as socket:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await socket.receive()
        await socket.send("a")
        assert await socket.receive() == "a"


SCENARIOS: Final[Mapping[str, Scenario]] = {
    it.__name__: it
    for it in (
        frames_go_both_ways,
        server_closes,
        connection_is_lost,
        server_breaks_the_protocol,
        client_closes,
        client_leaves,
        handshake_is_refused,
        handshake_is_refused_for_now,
        handshake_is_answered_by_something_else,
        nobody_listens,
        receiving_is_cancelled,
    )
}
"""What holds for each library."""
