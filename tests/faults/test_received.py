"""Messages that the application receives itself, and those that wait in the inbox: L17 to L19."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, text
from tests.faults.playing import Noting, derive, serve, tap_app, watch
from tests.waiting import all_tasks_blocked
from wsendpoints import ClientMessageError, Limits, Rate, WebSocket
from wsendpoints.testing import Client, connect

pytestmark = pytest.mark.anyio

Receive = Callable[[WebSocket], Awaitable[Any]]


async def iterate(websocket: WebSocket) -> None:
    """Receive all messages."""
    async for _ in websocket.iter_text():
        pass


async def receive_twice(websocket: WebSocket) -> None:
    """Receive two messages."""
    await websocket.receive_text()
    await websocket.receive_text()


WAYS: Final[dict[str, Receive]] = {
    "receive_text": receive_twice,
    "receive_json": lambda websocket: websocket.receive_json(),
    "receive": lambda websocket: websocket.receive(),
    "iter_text": iterate,
}


class Asks(Noting):
    """Receives by itself, in its handler or in `on_connect`."""

    where: ClassVar[str]
    receive: ClassVar[Receive]

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        if self.where == "on_connect":
            await self._receive(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        if data == "ask":
            await self._receive(websocket)

    async def _receive(self, websocket: WebSocket) -> None:
        try:
            await type(self).receive(websocket)
        except ClientMessageError as exc:
            self.log.append(exc.limit)
            raise


def asks(where: str, way: str, **limits: Any) -> type[Asks]:
    """Return an endpoint that receives by itself."""
    return derive(Asks, where=where, receive=staticmethod(WAYS[way]), limits=Limits(**limits))


class Works(Noting):
    """A handler that takes long."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep(20)
        self.log.append(data)


@asynccontextmanager
async def playing(endpoint: type[Asks | Works], log: Sequence[str] = ()) -> AsyncGenerator[Client]:
    """Connect a client, on the clock of the event loop; check what is the same for all."""
    with watch(endpoint, log=log):
        app = tap_app(endpoint, as_asgi(endpoint))
        async with connect(app, timeout=1000) as client:
            yield client


EACH: Final = pytest.mark.parametrize("where", ["on_receive", "on_connect"])


@EACH
@pytest.mark.parametrize("way", WAYS)
async def test_l17_size_holds_for_what_is_received(where: str, way: str) -> None:
    """The message is refused where it is received, and closes as any other does."""
    endpoint = asks(where, way, max_message_size=5)
    async with playing(endpoint, log=["INFO"]) as client:
        if where == "on_receive":
            await client.send_text("ask")
        if way in {"receive_text", "iter_text"}:
            await client.send_text("1")
        await client.send_text("123456")
        await client.expect_close(1009, "max_message_size: a message may have 5 bytes")
    assert endpoint.log[-2:] == ["invalid", 1009]
    assert "max_message_size" in endpoint.log


@EACH
async def test_l17_rate_holds_for_what_is_received(where: str) -> None:
    """Messages count when they come, whoever takes them."""
    endpoint = asks(where, "iter_text", rate=Rate(1, per=60, burst=3))
    async with playing(endpoint, log=["WARNING"]) as client:
        for _ in range(4):
            await client.send_text("ask")
        await client.expect_close(1008, "rate: 1 messages in 60 s")
    assert endpoint.log == ["connect", "rate", "invalid", 1008]


@EACH
async def test_l17_time_between_messages_holds_for_what_is_received(where: str) -> None:
    """A handler that waits for its client does not keep an idle connection open."""
    endpoint = asks(where, "iter_text", idle_timeout=10)
    async with playing(endpoint, log=["INFO"]) as client:
        for _ in range(3):
            await anyio.sleep(9)
            await client.send_text("ask")
        began = anyio.current_time()
        await client.expect_close(1001, "idle_timeout: 10 s")
        assert anyio.current_time() - began == pytest.approx(10, abs=0.5)
    assert endpoint.log == ["connect", 1001]


async def test_l17_time_until_the_first_message_holds_for_what_is_received() -> None:
    """That is so in `on_connect`, which may wait for a token; after the first it is over."""
    endpoint = asks("on_connect", "iter_text", first_message_timeout=10)
    async with playing(endpoint, log=["INFO"]) as client:
        await client.expect_close(1008, "first_message_timeout: 10 s")
    async with playing(endpoint) as client:
        await anyio.sleep(9)
        await client.send_text("token")
        await anyio.sleep(100)


async def test_l18_message_in_the_inbox_has_come() -> None:
    """No message is too soon, and no connection idle, because the handler takes long."""
    endpoint = derive(Works, limits=Limits(rate=Rate(1, per=5, burst=1), idle_timeout=15))
    # Messages wait behind each handler but the last.
    async with playing(endpoint, log=["WARNING"] * 7) as client:
        for number in range(8):
            await client.send_text(str(number))
            await anyio.sleep(6)
        await anyio.sleep(115)
        await client.close(4001)
    assert endpoint.log == ["connect", *map(str, range(8)), 4001]


async def test_l18_message_that_is_too_soon_is_refused_in_its_turn() -> None:
    """It came too soon, though it is handled much later."""
    endpoint = derive(Works, limits=Limits(rate=Rate(1, per=5, burst=1)))
    # Messages wait behind both handlers, and one of them came too soon.
    async with playing(endpoint, log=["WARNING"] * 3) as client:
        for number in range(3):
            await client.send_text(str(number))
            await anyio.sleep(6 if number == 0 else 1)
        await client.expect_close(1008, "rate: 1 messages in 5 s")
    assert endpoint.log == ["connect", "0", "1", "invalid", 1008]


@pytest.mark.parametrize(
    ("frame", "most"),
    [pytest.param("\U0001f600" * 1000, 64, id="emoji"), pytest.param("", 910, id="empty")],
)
async def test_l19_inbox_holds_no_more_memory_than_it_says(frame: str, most: int) -> None:
    """A character may take four bytes, and a message takes some itself."""
    endpoint = derive(Works, limits=Limits(inbox=None, inbox_bytes=256 * 1024, inbox_timeout=None))
    server = FakeServer(CONNECT, *[text(frame) for _ in range(1000)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, endpoint, server)
        await all_tasks_blocked()
        # The connect, the message that is handled, and those that wait.
        assert 2 < server.receives <= 2 + most
        tasks.cancel_scope.cancel()
