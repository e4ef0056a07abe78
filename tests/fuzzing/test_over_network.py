"""The way to a server at a URL."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.fuzzing.test_in_process import handshake
from wsendpoints.fuzzing.over_network import OverNetwork
from wsendpoints.fuzzing.peers import Ended, MisbehaviourError, RefusedError
from wsendpoints.protocol.exceptions import ConfigurationError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Return what websockets runs on."""
    return "asyncio"


async def talk(connection: ServerConnection) -> None:
    """Answer, be silent, close, or leave without a close, as the client says."""
    request: Any = connection.request
    await connection.send(f"{request.path} {request.headers.get('x-a')} {connection.subprotocol}")
    async for message in connection:
        match message:
            case "close":
                await connection.close(4000)
            case "vanish":
                connection.transport.abort()
            case _:
                await connection.send(message)


def admit(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse who asks for it."""
    refused = request.headers.get("x-a") == "refuse"
    return connection.respond(HTTPStatus.UNAUTHORIZED, "") if refused else None


@asynccontextmanager
async def served() -> AsyncGenerator[str]:
    """Serve, and yield the URL."""
    async with serve(
        talk,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("b")],
        process_request=admit,
    ) as server:
        (socket,) = server.sockets
        yield f"ws://127.0.0.1:{socket.getsockname()[1]}/api/"


async def test_messages_are_exchanged() -> None:
    """The handshake is as told, and frames come back as they are."""
    async with served() as url, OverNetwork(url, headers={"X-A": "1"}).open(handshake("b")) as peer:
        assert await peer.receive(is_due=True) == "/api/?a=b 1 b"
        assert await peer.receive(is_due=False) is None
        await peer.send(b"\x00")
        assert await peer.receive(is_due=True) == b"\x00"
        await peer.send("close")
        assert await peer.receive(is_due=True) == Ended(4000)
        await peer.send("too late")
        assert await peer.receive(is_due=True) == Ended(4000)


async def test_connection_that_is_lost() -> None:
    """It has the code that no close has."""
    async with served() as url, OverNetwork(url).open(handshake("b")) as peer:
        assert await peer.receive(is_due=True) == "/api/?a=b None b"
        await peer.send("vanish")
        assert await peer.receive(is_due=True) == Ended(1006)


async def test_refusal_has_its_status() -> None:
    """It is no failure as such."""
    async with served() as url:
        with pytest.raises(RefusedError) as caught:
            async with OverNetwork(url, headers={"X-A": "refuse"}).open(handshake()):
                pass
    assert caught.value.status == 401


async def test_server_that_is_not_there() -> None:
    """What the system says is told."""
    with pytest.raises(MisbehaviourError, match="can't be connected to: "):
        async with OverNetwork("ws://127.0.0.1:1").open(handshake()):
            pass


async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hear the client out, and say nothing."""
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_server_of_something_else() -> None:
    """One that breaks the handshake off is a failure."""
    async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(MisbehaviourError, match="can't be connected to: "):
            async with OverNetwork(f"ws://127.0.0.1:{port}").open(handshake()):
                pass


@pytest.mark.parametrize("url", ["http://a", "a", "ws://", "ws://a?b=c"])
def test_other_urls_are_refused(url: str) -> None:
    """The URL is that of a server of WebSocket, before the path."""
    with pytest.raises(ConfigurationError) as caught:
        OverNetwork(url)
    assert str(caught.value) == f'{url!r}: use a URL such as "ws://localhost:8000/api"'


def test_websockets_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is told."""
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(ConfigurationError, match=r"install wsendpoints\[client\]"):
        OverNetwork("ws://a")
