"""What cuts the grace of a handler whose client disconnected, and what does not: L08."""

import time
from typing import Any, Final, get_args

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, make_scope, text
from tests.faults.endpoints import GONE
from tests.faults.playing import MARKER, Noting, derive, play
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket
from wsendpoints.lifecycle import deadlines
from wsendpoints.testing import Dialect, ServerName
from wsendpoints.testing.measured import DIALECTS

pytestmark = pytest.mark.anyio

GRACE: Final = 30.0
AT_SHUTDOWN: Final[float] = vars(deadlines)["_GRACE_AT_SHUTDOWN"]


class Works(Noting):
    """Its handler works until it is let go."""

    encoding = "text"
    go: anyio.Event

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await self.go.wait()
        self.log.append("saved")


SERVERS: Final[dict[str, Dialect]] = {
    "as the spec asks": Dialect(),
    **{str(name): dialect for name, dialect in DIALECTS.items()},
}


@pytest.mark.parametrize("server", SERVERS)
async def test_l08_client_that_closes_with_1012_is_no_shutdown(server: str) -> None:
    """On no server: the handler has its grace, and no line speaks of a shutdown."""
    endpoint = derive(Works, go=anyio.Event())
    dialect = SERVERS[server]
    disconnect = dialect.disconnect_by_client(1012, "")
    async with play(endpoint, server=dialect) as client:
        await client.send_text(MARKER)
        await all_tasks_blocked()
        await client.send_event(disconnect)
        await all_tasks_blocked()
        await anyio.sleep(GRACE - 1)
        endpoint.go.set()
        await client.wait_for_app()
    assert endpoint.log == ["connect", "saved", disconnect["code"]]


@pytest.mark.parametrize("server", [name for name in get_args(ServerName) if "uvicorn" in name])
async def test_l08_shutdown_of_uvicorn_is_one(server: ServerName) -> None:
    """Its own disconnect with 1012 is told from that of a client: the handler has a second."""
    endpoint = derive(Works, go=anyio.Event())
    async with play(endpoint, log=["INFO"], server=DIALECTS[server]) as client:
        await client.send_text(MARKER)
        await all_tasks_blocked()
        client.shutdown()
        await all_tasks_blocked()
        await anyio.sleep(2 * AT_SHUTDOWN)
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1012]


LIMITS: Final[dict[str, dict[str, Any]]] = {
    "expires_at": {},
    **{
        name: {name: 1.0}
        for name in ("handler_timeout", "idle_timeout", "first_message_timeout", "connect_timeout")
    },
}


class MayClose(Works):
    """Closes first, or sets when it expires."""

    closes = False
    expires = False
    connecting = False

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        if self.connecting:
            await super().on_receive(websocket, "")

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if self.expires:
            websocket.expires_at = time.time() + 1
        if self.closes:
            await websocket.close(4000)
        await super().on_receive(websocket, data)


async def serve(endpoint: type[Noting], server: FakeServer) -> None:
    """Serve a connection by the clock of the event loop."""
    await as_asgi(endpoint)(make_scope(), server.receive, server.send)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("how", ["the client leaves", "it is closed", "it leaves in on_connect"])
async def test_l08_no_other_limit_cuts_the_grace(how: str, limit: str) -> None:
    """Once the connection has ended, `grace` alone counts, and it does."""
    for passes in (False, True):
        endpoint = derive(
            MayClose,
            go=anyio.Event(),
            closes=how == "it is closed",
            expires=limit == "expires_at",
            connecting=how == "it leaves in on_connect",
            limits=Limits(grace=GRACE, **LIMITS[limit]),
        )
        server = FakeServer(CONNECT, *([] if endpoint.connecting else [text(MARKER)]))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, endpoint, server)
            await all_tasks_blocked()
            server.deliver(GONE)
            await all_tasks_blocked()
            await anyio.sleep(GRACE + 1 if passes else GRACE - 1)
            assert (endpoint.log[-1] in {1006, 4000}) is passes
            endpoint.go.set()
        code = 4000 if endpoint.closes else 1006
        assert endpoint.log == ["connect", *([] if passes else ["saved"]), code]
