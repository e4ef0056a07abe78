"""What cuts the grace of a handler whose client left, and what does not: L08.

The clock is moved by hand, so that no time passes.
"""

import time
from typing import Any, Final, get_args

import anyio
import pytest

from tests.clocks import Clock, settle
from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.endpoints import GONE
from tests.faults.playing import MARKER, Noting, derive, play
from wsendpoints import Limits, WebSocket
from wsendpoints.lifecycle import deadlines
from wsendpoints.testing import Dialect, ServerName
from wsendpoints.testing.dialects import DIALECTS

anyio_test = pytest.mark.anyio

GRACE: Final = 30.0
AT_SHUTDOWN: Final[float] = vars(deadlines)["_GRACE_AT_SHUTDOWN"]


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the event loop, and of the endpoint."""
    return Clock()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest, clock: Clock) -> tuple[str, dict[str, Any]]:
    """Run the event loop by that clock."""
    return request.param, clock.options(request.param)


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


@anyio_test
@pytest.mark.parametrize("server", SERVERS)
async def test_l08_client_that_closes_with_1012_is_no_shutdown(server: str, clock: Clock) -> None:
    """On no server: the handler has its grace, and no line speaks of a shutdown."""
    endpoint = derive(Works, go=anyio.Event())
    dialect = SERVERS[server]
    disconnect = dialect.disconnect_by_client(1012, "")
    async with play(endpoint, server=dialect) as client:
        await client.send_text(MARKER)
        await settle()
        await client.send_event(disconnect)
        await settle()
        await clock.move(GRACE - 1)
        endpoint.go.set()
        await client.wait_for_app()
    assert endpoint.log == ["connect", "saved", disconnect["code"]]


@anyio_test
@pytest.mark.parametrize("server", [name for name in get_args(ServerName) if "uvicorn" in name])
async def test_l08_shutdown_of_uvicorn_is_one(server: ServerName, clock: Clock) -> None:
    """Its own disconnect with 1012 is told from that of a client: the handler has a second."""
    endpoint = derive(Works, go=anyio.Event())
    async with play(endpoint, log=["INFO"], server=DIALECTS[server]) as client:
        await client.send_text(MARKER)
        await settle()
        client.shutdown()
        await settle()
        await clock.move(2 * AT_SHUTDOWN)
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


@anyio_test
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("how", ["the client leaves", "it is closed", "it leaves in on_connect"])
async def test_l08_no_other_limit_cuts_the_grace(how: str, limit: str, clock: Clock) -> None:
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
            tasks.start_soon(
                clock.serve, endpoint, {"type": "websocket", "path": "/"}, server.receive,
                server.send,
            )  # fmt: skip
            await settle()
            server.deliver(GONE)
            await settle()
            await clock.move(GRACE + 1 if passes else GRACE - 1)
            assert (endpoint.log[-1] in {1006, 4000}) is passes
            endpoint.go.set()
        code = 4000 if endpoint.closes else 1006
        assert endpoint.log == ["connect", *([] if passes else ["saved"]), code]
