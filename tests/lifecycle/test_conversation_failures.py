"""Exceptions in a conversation: those that end it, and a disconnect, which does not at once."""

import asyncio

import anyio
import pytest

from tests.clocks import VIRTUAL_ASYNCIO
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ClientMessageError,
    ErrorReply,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
)
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


class Replacing(Recording):
    """Raises another exception as it is cancelled, in a hook that its class names."""

    encoding = "json"
    where = "on_receive"

    async def sleep(self, where: str) -> None:
        """Sleep in one of the hooks."""
        if where == self.where:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("cleaned up")
                await self.fail()

    async def fail(self) -> None:
        """Raise what the conversation would go on after."""
        raise ErrorReply("sorry", "It failed to clean up.")

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        await self.sleep("on_connect")

    async def on_receive(self, websocket: WebSocket, data: int) -> None:
        await self.sleep("on_receive")
        if self.where == "on_error":
            raise LookupError

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        await self.sleep("on_invalid")

    async def on_error(self, websocket: WebSocket, data: object, exc: Exception) -> None:
        await self.sleep("on_error")


class ByHand(Replacing):
    """Receives by hand."""

    where = "on_connect"

    async def fail(self) -> None:
        raise ClientMessageError("invalid")


class TellingNobody(Replacing):
    """Finds that its client left."""

    where = "on_connect"

    async def fail(self) -> None:
        await self.push("5")


class Answering(Replacing):
    """Answers an exception with nothing."""

    async def fail(self) -> None:
        raise LookupError


class Refusing(Replacing):
    """Takes longer over an invalid message than it may."""

    where = "on_invalid"


class Regretting(Replacing):
    """Takes longer over an exception than it may."""

    where = "on_error"


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize(
    "endpoint", [Replacing, ByHand, TellingNobody, Answering, Refusing, Regretting]
)
async def test_native_cancellation_goes_on_though_another_exception_replaced_it(
    endpoint: type[Replacing],
) -> None:
    """It is raised once, and whoever waits for this task waits for that."""
    endpoint.log.clear()
    server = FakeServer(CONNECT, text('"x"' if endpoint is Refusing else "5"))
    task = asyncio.create_task(serve(endpoint, server))
    await all_tasks_blocked()
    if endpoint is TellingNobody:
        server.failure = OSError("gone")
    task.cancel()
    await asyncio.wait([task], timeout=60)
    assert task.cancelled()
    ended = 1006 if endpoint is TellingNobody else 1012
    assert endpoint.log == ["connect", "cleaned up", ended]


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


@pytest.mark.parametrize("event", [{}, {"text": "x"}, {"type": "websocket.foo"}], ids=str)
async def test_event_of_no_type_is_the_servers_error(event: Event) -> None:
    """As one of an unknown type is."""

    class Quiet(Recording):
        pass

    with pytest.raises(ServerProtocolError):
        await serve(Quiet, FakeServer(CONNECT, text("x"), event))
    assert Quiet.log[-1] == 1011


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
