"""Exceptions in a conversation: those that end it, and a disconnect, which does not at once."""

import asyncio

import anyio
import pytest

from tests.clocks import VIRTUAL_ASYNCIO
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ClientMessageError, WebSocket, WebSocketDisconnect
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.protocol.asgi import Event

pytestmark = pytest.mark.anyio


async def serve(endpoint: type[Recording], server: FakeServer) -> None:
    """Serve one connection."""
    await endpoint(make_scope(), server.receive, server.send)


class Awaiting(Recording):
    """Awaits what was cancelled by somebody else."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future


@VIRTUAL_ASYNCIO
async def test_l07_handler_whose_wait_is_cancelled_has_failed() -> None:
    """It closes with 1011, and what is raised is no cancellation: the task was not cancelled."""
    server = FakeServer(CONNECT, text("x"))
    with pytest.raises(AwaitedCancelledError):
        await Awaiting(make_scope(), server.receive, server.send)
    assert Awaiting.log == ["connect", 1011]


@VIRTUAL_ASYNCIO
async def test_native_cancellation_goes_on() -> None:
    """It closes with 1012 first."""

    class Sleeper(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    server = FakeServer(CONNECT, text("x"))
    task = asyncio.create_task(serve(Sleeper, server))
    await all_tasks_blocked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Sleeper.log == ["connect", 1012]


@VIRTUAL_ASYNCIO
async def test_conversation_that_is_abandoned_awaits_nothing_more() -> None:
    """A coroutine that is closed, as by an event loop that ends, can call no `on_disconnect`."""

    class Abandoned(Recording):
        pass

    events, sent = [CONNECT], list[Event]()

    async def receive() -> Event:
        if not events:
            await anyio.sleep_forever()
        return events.pop()

    async def send(event: Event) -> None:
        sent.append(event)

    steps = Abandoned(make_scope(), receive, send).__await__()
    next(steps)
    assert Abandoned.log == ["connect"]
    steps.close()
    assert [event["type"] for event in sent] == ["websocket.accept"]
    assert Abandoned.log == ["connect"]


# Hooks.


class Acting(Recording):
    """Acts in one of its hooks.

    Attributes:
        where: In which.
    """

    encoding = "json"
    where = ""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        if self.where == "on_connect":
            await self.act()

    async def on_receive(self, websocket: WebSocket, data: int) -> None:
        self.log.append(data)

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        self.log.append("invalid")
        if self.where == "on_invalid":
            await self.act()

    async def act(self) -> None:
        """Do what the test is about."""
        raise NotImplementedError


hooks = pytest.mark.parametrize("hook", ["on_connect", "on_invalid"])


@hooks
@pytest.mark.parametrize("is_in_a_group", [False, True], ids=["alone", "in a group"])
async def test_l03_hook_that_finds_the_client_disconnected_has_not_failed(
    hook: str, is_in_a_group: bool
) -> None:
    """What the client sent before is handled still."""

    class Sending(Acting):
        where = hook

        async def act(self) -> None:
            server.failure = OSError("gone")
            if not is_in_a_group:
                await self.websocket.send_text("1")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.websocket.send_text, "1")

    server = FakeServer(CONNECT, text('"x"'), text("5"), DISCONNECT)
    await serve(Sending, server)
    assert Sending.log == ["connect", "invalid", 5, DISCONNECT["code"]]


@hooks
async def test_l09_hook_that_lets_another_connections_disconnect_pass_closes(hook: str) -> None:
    """For the client of this connection is still there."""

    class Relaying(Acting):
        where = hook

        async def act(self) -> None:
            raise WebSocketDisconnect(1001)

    server = FakeServer(CONNECT, text('"x"'), text("5"))
    await serve(Relaying, server)
    assert Relaying.log == ["connect", *(["invalid"] if hook == "on_invalid" else []), 1011]
    assert server.sent[-1] == {"type": "websocket.close", "code": 1011, "reason": ""}
