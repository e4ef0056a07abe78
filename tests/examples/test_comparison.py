"""Each application of docs/comparison.md does what the page says that all of them do."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Collection, Generator
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from urllib.request import urlopen

import anyio
import pytest
import socketio  # type: ignore[import-untyped]  # it comes without types
from aiohttp import ClientSession
from socketio.exceptions import (  # type: ignore[import-untyped]  # it comes without types
    ConnectionError as SocketIORefusal,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.examples.browsing import Server, serving

# Some of them, and their clients, are of asyncio alone; and the server is a real one.
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

WITHIN: Final = 60.0

Message = dict[str, Any]


class Refused(Exception):
    """It may not connect."""


class Peer(Protocol):
    """A client, with messages as all but chanx and Socket.IO have them."""

    async def send(self, message: Message) -> None:
        """Send one."""
        ...

    async def receive(self) -> Message:
        """Return the next one."""
        ...

    async def vanish(self) -> None:
        """Lose the connection."""
        ...


class WebSocketPeer:
    """Speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Message) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Message:
        received: Message = json.loads(await self.connection.recv())
        return received

    async def vanish(self) -> None:
        self.connection.transport.abort()


class ChanxPeer(WebSocketPeer):
    """Speaks JSON as chanx has it."""

    async def send(self, message: Message) -> None:
        rest = dict(message)
        await super().send({"action": rest.pop("type"), "payload": rest})

    async def receive(self) -> Message:
        received = await super().receive()
        payload = received["payload"]
        return {"type": received["action"], **(payload if isinstance(payload, dict) else {})}


class SocketIOPeer:
    """Speaks Socket.IO.

    Args:
        session: For its requests. One of its own it would leave open once it is refused.
    """

    def __init__(self, session: ClientSession) -> None:
        self.client: Any = socketio.AsyncClient(reconnection=False, http_session=session)
        self.received: asyncio.Queue[Message] = asyncio.Queue()
        self.client.on("*", self.keep)

    async def keep(self, event: str, data: Message) -> None:
        self.received.put_nowait({"type": event, **data})

    async def send(self, message: Message) -> None:
        rest = dict(message)
        await self.client.emit(rest.pop("type"), rest)

    async def receive(self) -> Message:
        return await self.received.get()

    async def vanish(self) -> None:
        self.client.eio.ws.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


NAMES: Final = ["wsendpoints", "fastapi", "channels", "chanx", "socketio"]


class Compared:
    """One of the applications.

    Args:
        name: That of its framework.
        server: It is there below a path of its name.
    """

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.server = server

    @asynccontextmanager
    async def enter(
        self, name: str, room: str = "lobby", origin: str | None = None
    ) -> AsyncGenerator[Peer]:
        """Connect a page to a room.

        Raises:
            Refused: It may not.
        """
        origin = self.server.url if origin is None else origin
        opened = self._by_socketio if self.name == "socketio" else self._by_websocket
        async with opened(name, room, origin) as peer:
            yield peer

    @asynccontextmanager
    async def _by_websocket(self, name: str, room: str, origin: str) -> AsyncGenerator[Peer]:
        host = urlsplit(self.server.url).netloc
        kind = ChanxPeer if self.name == "chanx" else WebSocketPeer
        url = f"ws://{host}/{self.name}/rooms/{room}?name={name}"
        try:
            async with connect(url, additional_headers={"Origin": origin}) as connection:
                yield kind(connection)
        except InvalidHandshake as exc:
            raise Refused from exc

    @asynccontextmanager
    async def _by_socketio(self, name: str, room: str, origin: str) -> AsyncGenerator[Peer]:
        async with ClientSession() as session:
            peer = SocketIOPeer(session)
            try:
                await peer.client.connect(
                    self.server.url,
                    headers={"Origin": origin},
                    auth={"room": room, "name": name},
                    transports=["websocket"],
                    socketio_path="/socketio/socket.io",
                    wait_timeout=WITHIN,
                )
            except SocketIORefusal as exc:
                raise Refused from exc
            try:
                yield peer
            finally:
                await peer.client.disconnect()

    async def running(self) -> list[str]:
        """Return the questions that are being answered."""

        def fetch() -> list[str]:
            with urlopen(f"{self.server.url}/running", timeout=WITHIN) as response:  # noqa: S310 - ours
                found: list[str] = json.load(response)
                return found

        return await anyio.to_thread.run_sync(fetch)


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve all of them."""
    with serving("tests.examples.compared:app") as server:
        yield server


@pytest.fixture(params=NAMES)
def compared(request: pytest.FixtureRequest, server: Server) -> Compared:
    """Return one after the other."""
    return Compared(request.param, server)


@pytest.fixture(autouse=True)
async def in_time() -> AsyncGenerator[None]:
    """Nothing waits for ever."""
    with anyio.fail_after(WITHIN):
        yield


async def test_members_see_each_other_and_what_is_said(compared: Compared) -> None:
    """A user with two windows comes, and goes, once."""
    async with compared.enter("Ada") as ada:
        assert await ada.receive() == {"type": "present", "names": ["Ada"]}
        async with compared.enter("Bob") as bob:
            assert await bob.receive() == {"type": "present", "names": ["Ada", "Bob"]}
            assert await ada.receive() == {"type": "joined", "name": "Bob"}
            async with compared.enter("Bob") as again, compared.enter("Eve", "attic") as eve:
                assert await again.receive() == {"type": "present", "names": ["Ada", "Bob"]}
                assert await eve.receive() == {"type": "present", "names": ["Eve"]}
                await bob.send({"type": "say", "text": "hello"})
                said = {"type": "said", "name": "Bob", "text": "hello"}
                assert [await it.receive() for it in (ada, bob, again)] == [said] * 3
                await eve.send({"type": "say", "text": "anybody?"})
                assert (await eve.receive())["text"] == "anybody?"
        assert await ada.receive() == {"type": "left", "name": "Bob"}


async def test_what_is_not_valid_is_answered(compared: Compared) -> None:
    """The connection goes on, and nobody else gets it."""
    async with compared.enter("Ada") as ada:
        await ada.receive()
        for message in (
            {"type": "say"},
            {"type": "say", "text": ""},
            {"type": "say", "text": "a" * 1001},
            {"type": "stop", "id": 7},
            {"type": "unknown", "text": "hello"},
        ):
            await ada.send(message)
            assert (await ada.receive())["type"] == "error"
        await ada.send({"type": "say", "text": "hello"})
        assert (await ada.receive())["type"] == "said"


async def test_an_answer_is_streamed_beside_other_messages_until_it_is_stopped(
    compared: Compared,
) -> None:
    """Nothing of it comes once it is told that it has stopped."""
    async with compared.enter("Ada") as ada:
        await ada.receive()
        for id in ("1", "2"):
            await ada.send({"type": "ask", "id": id, "question": f"{compared.name} {id}"})
        await receive_until(ada, [("token", "1"), ("token", "2")])
        await ada.send({"type": "say", "text": "meanwhile"})
        await ada.send({"type": "stop", "id": "1"})
        rest = await receive_until(ada, [("said", None), ("stopped", "1")])
        rest += [await ada.receive() for _ in range(5)]
        behind = rest[rest.index({"type": "stopped", "id": "1"}) + 1 :]
        assert {it["id"] for it in behind if it["type"] == "token"} == {"2"}
    await nothing_runs(compared)


async def test_a_connection_that_is_lost_is_cleaned_up(compared: Compared) -> None:
    """Its answers are given up, and the others are told."""
    async with compared.enter("Ada") as ada:
        await ada.receive()
        async with compared.enter("Bob") as bob:
            await bob.receive()
            await ada.receive()
            await bob.send({"type": "ask", "id": "1", "question": "Why?"})
            assert (await bob.receive())["type"] == "token"
            await bob.vanish()
            assert await ada.receive() == {"type": "left", "name": "Bob"}
    await nothing_runs(compared)


async def receive_until(peer: Peer, awaited: Collection[tuple[str, str | None]]) -> list[Message]:
    """Return all that comes until each of these types, with its id, has come."""
    received: list[Message] = []
    while not {*awaited} <= {(it["type"], it.get("id")) for it in received}:
        received.append(await peer.receive())
    return received


async def nothing_runs(compared: Compared) -> None:
    """Wait until no question is answered any more."""
    while await compared.running():
        await anyio.lowlevel.checkpoint()


async def test_a_page_of_another_origin_is_refused(compared: Compared) -> None:
    """It gets nothing."""
    with pytest.raises(Refused):
        async with compared.enter("Ada", origin="https://elsewhere.example"):
            pass


async def test_a_wrong_name_is_refused(compared: Compared) -> None:
    """It is validated, too; chanx has accepted the connection by then."""
    with pytest.raises((Refused, ConnectionClosed)):
        async with compared.enter("a" * 25) as peer:
            await peer.receive()
