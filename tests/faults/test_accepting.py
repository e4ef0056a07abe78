"""What other tasks do while the accept is being sent: L11."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.fake_server import CONNECT, DISCONNECT, FakeServer
from tests.faults.playing import Noting, derive, serve, watch
from tests.waiting import all_tasks_blocked
from wsendpoints import ConnectionState, WebSocket, WebSocketDisconnect

pytestmark = pytest.mark.anyio


class Greets(Noting):
    """A task of it pushes as soon as the accept has begun."""

    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        self.start_soon(self.greet)
        await checkpoint()
        await super().on_connect(websocket)
        self.log.append(websocket.connection_state.value)

    async def greet(self) -> None:
        """Push the greeting."""
        while self.websocket.connection_state is ConnectionState.HANDSHAKE:
            await checkpoint()
        self.log.append(self.websocket.connection_state.value)
        try:
            await self.push("hello")
        except WebSocketDisconnect as exc:
            self.log.append(f"the push raised {exc.code}")
            raise


@asynccontextmanager
async def held_up(endpoint: type[Noting], server: FakeServer) -> AsyncGenerator[None]:
    """Serve a client whose accept the server holds up during the block; then it disconnects."""
    server.gate = anyio.Event()
    with watch(endpoint):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, endpoint, server)
            await all_tasks_blocked()
            yield
            server.gate.set()
            await all_tasks_blocked()
            server.deliver(DISCONNECT)
        # Its traceback leads to the connection.
        server.failure = None


async def test_l11_push_waits_for_the_accept() -> None:
    """The connection is open once the server has the accept, so nothing overtakes it."""
    endpoint = derive(Greets)
    async with held_up(endpoint, FakeServer(CONNECT)):
        assert endpoint.sent_types() == ["accept"]
    assert endpoint.sent_types() == ["accept", "send"]
    assert endpoint.log == ["connect", "accepting", "open", 4001]


async def test_l11_push_ends_with_a_client_that_did_not_wait() -> None:
    """It raises as the accept does, and nothing keeps the connection."""
    endpoint = derive(Greets)
    server = FakeServer(CONNECT)
    async with held_up(endpoint, server):
        server.failure = OSError("gone")
    assert endpoint.sent_types() == ["accept"]
    assert endpoint.log[:3] == ["connect", "accepting", "the push raised 1006"]
