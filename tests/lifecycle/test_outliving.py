"""Sends that nothing can cancel, on trio: the connection ends in time, and nothing is lost."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from starlette.exceptions import WebSocketException
from trio.testing import MockClock
from typing_extensions import override

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConnectionState,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.groups import Groups
from wsendpoints.lifecycle.outliving import PATIENCE
from wsendpoints.protocol.asgi import Event

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        "anyio_backend", [pytest.param(("trio", {"clock": MockClock(autojump_threshold=0)}))]
    ),
]

NOTE: ContextVar[str] = ContextVar("note")


class Shielding(FakeServer):
    """A server whose client does not read: it shields sends of some type until that leaves.

    Args:
        held: The type of event that it holds up.
        events: What it delivers.

    Attributes:
        is_held: Whether a send is held up.
    """

    def __init__(self, *events: Event, held: str = "websocket.send") -> None:
        super().__init__(*events)
        self.is_held = False
        self._held = held
        self._leaves = anyio.Event()

    @override
    async def send(self, event: Event) -> None:
        """Take an event, or hold it up."""
        if event["type"] == self._held:
            self.is_held = True
            with anyio.CancelScope(shield=True):
                await self._leaves.wait()
            self.is_held = False
            return
        await super().send(event)

    def leave(self) -> None:
        """Have the client leave."""
        self._leaves.set()
        self.deliver(DISCONNECT)


class Base(WebSocketEndpoint):
    """Notes when it is told of the end, and of which."""

    encoding = "text"
    limits = Limits(send_timeout=1, close_timeout=2, grace=3, disconnect_timeout=4)
    ends: ClassVar[list[tuple[int, float]]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        NOTE.set(type(self).__name__)
        await websocket.accept()

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.ends.append((close_code, anyio.current_time()))


class Pushes(Base):
    """Pushes in a task."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.start_soon(self.push, "news")

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        pass


class Sends(Base):
    """Sends in a handler."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await websocket.send_text("reply")


class Replies(Base):
    """Replies."""

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return "reply"


class Streams(Base):
    """Streams."""

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncGenerator[str]:
        yield "one"
        yield "two"


class Greets(Base):
    """Sends before its `on_connect` is done."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        await websocket.send_text("hello")

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        pass


class Joins(Base):
    """Is sent what is said to a group."""

    groups_of_all: ClassVar[Groups] = Groups()

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        await self.groups_of_all.join(self, "all")

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await self.groups_of_all.broadcast("all", "news")


@asynccontextmanager
async def served(
    endpoint: type[WebSocketEndpoint], server: FakeServer
) -> AsyncGenerator[list[BaseException]]:
    """Serve a connection for the length of a block, and until it ends; yield what it raises."""
    Base.ends.clear()
    raised: list[BaseException] = []

    async def serve() -> None:
        try:
            await as_asgi(endpoint)(make_scope(), server.receive, server.send)
        except Exception as exc:  # noqa: BLE001 - looked at by the test
            raised.append(exc)

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        yield raised


@pytest.mark.parametrize("endpoint", [Pushes, Sends, Replies, Streams, Greets, Joins])
async def test_send_that_is_held_up_does_not_hold_up_the_end(
    endpoint: type[Base], caplog: pytest.LogCaptureFixture
) -> None:
    """`on_disconnect` comes by the time limit, and the call ends once the client has left."""
    server = Shielding(CONNECT, text("x"))
    begun = anyio.current_time()
    with caplog.at_level(logging.DEBUG, logger="wsendpoints"):
        async with served(endpoint, server) as raised:
            await anyio.sleep(60)
            [(code, at)] = Base.ends
            assert code == 1013
            # It is found to take long, is cancelled after a second, and looked at twice.
            assert 1 < at - begun < 1.1 + 2 * PATIENCE
            assert server.is_held
            assert server.sent[-1]["code"] == 1013
            server.leave()
    assert raised == []
    assert len(Base.ends) == 1
    assert not server.is_held
    lines = [record.getMessage() for record in caplog.records]
    name = endpoint.__name__
    left = f"{name}: a send can't be cancelled: it is left behind, until the server ends it"
    assert lines.count(left) == 1
    assert sum("send_timeout" in line for line in lines) == 1
    assert sum("ended with" in line for line in lines) == 1


async def test_close_that_is_held_up_does_not_hold_up_the_end() -> None:
    """It has its time, as it has on every server, and is left behind then."""

    class Closes(Base):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.close(4000)

    server = Shielding(CONNECT, text("x"), held="websocket.close")
    begun = anyio.current_time()
    async with served(Closes, server) as raised:
        await anyio.sleep(60)
        [(code, at)] = Base.ends
        assert code == 4000
        # The grace of its handler, which is longer than the time of a close.
        assert 3 < at - begun < 3.1 + 4 * PATIENCE + 2
        server.leave()
    assert (raised, len(Base.ends)) == ([], 1)


async def test_last_close_that_is_held_up_does_not_hold_up_the_end() -> None:
    """The close that ends a connection whose handler failed."""

    class Fails(Base):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise ValueError("failed")

    server = Shielding(CONNECT, text("x"), held="websocket.close")
    begun = anyio.current_time()
    async with served(Fails, server) as raised:
        await anyio.sleep(60)
        [(code, at)] = Base.ends
        assert (code, raised) == (1011, [])
        assert 2 < at - begun < 2.1 + 3 * PATIENCE
        server.leave()
    assert [str(exc) for exc in raised] == ["failed"]
    assert len(Base.ends) == 1


async def test_both_may_be_held_up() -> None:
    """A send, then the close for it: `on_disconnect` comes when both had their time."""
    server = Shielding(CONNECT, text("x"))
    gate = anyio.Event()

    class Both(Shielding):
        async def send(self, event: Event) -> None:
            if event["type"] == "websocket.close":
                with anyio.CancelScope(shield=True):
                    await gate.wait()
            await super().send(event)

    server = Both(CONNECT, text("x"))
    begun = anyio.current_time()
    async with served(Replies, server) as raised:
        await anyio.sleep(60)
        [(code, at)] = Base.ends
        assert code == 1013
        assert 3 < at - begun < 3.1 + 5 * PATIENCE
        gate.set()
        await all_tasks_blocked()
        assert server.is_held
        server.leave()
    assert (raised, len(Base.ends)) == ([], 1)


async def test_failure_is_logged_at_once_and_raised_in_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A task fails beside one that is held up."""

    class Fails(Pushes):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise ValueError("failed")

    server = Shielding(CONNECT, text("x"))
    async with served(Fails, server) as raised:
        await anyio.sleep(60)
        assert [code for code, _ in Base.ends] == [1011]
        assert raised == []
        [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert record.getMessage() == f"{Fails.__qualname__} failed"
        assert record.exc_info is not None
        assert str(record.exc_info[1]) == "failed"
        server.leave()
    assert [str(exc) for exc in raised] == ["failed"]


async def test_close_that_is_asked_for_by_an_exception_is_sent_once() -> None:
    """Starlette's exception closes, and is no failure, also if a send is held up."""

    class Asks(Pushes):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise WebSocketException(4008, "enough")

    server = Shielding(CONNECT, text("x"))
    async with served(Asks, server) as raised:
        await anyio.sleep(60)
        assert [code for code, _ in Base.ends] == [4008]
        server.leave()
    assert raised == []
    assert [event.get("code") for event in server.sent if "code" in event] == [4008]


async def test_failing_clean_up_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits any more to whom it could be raised."""

    class Fails(Pushes):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)
            raise ValueError("failed")

    server = Shielding(CONNECT, text("x"))
    async with served(Fails, server) as raised:
        await anyio.sleep(60)
        [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert record.getMessage() == f"{Fails.__qualname__}.on_disconnect failed"
        server.leave()
    assert raised == []


@asynccontextmanager
async def cancelled(
    endpoint: type[WebSocketEndpoint], server: FakeServer
) -> AsyncGenerator[tuple[anyio.CancelScope, float]]:
    """Serve a connection and cancel that, before a block; yield the scope, and when that was."""
    Base.ends.clear()
    scope = anyio.CancelScope()

    async def serve() -> None:
        with scope:
            await as_asgi(endpoint)(make_scope(), server.receive, server.send)

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        await all_tasks_blocked()
        scope.cancel()
        yield scope, anyio.current_time()


async def test_cancellation_from_outside_ends_it_in_time() -> None:
    """A server that shuts down cancels the call: it is cleaned up, though the call goes on."""
    server = Shielding(CONNECT, text("x"))
    async with cancelled(Replies, server) as (scope, begun):
        await anyio.sleep(1)
        [(code, at)] = Base.ends
        assert code == 1012
        assert at - begun < 3 * PATIENCE
        assert not scope.cancelled_caught
        server.leave()
    assert scope.cancelled_caught
    assert len(Base.ends) == 1


async def test_cancellation_that_finds_nothing_held_up_is_raised_on() -> None:
    """It ends at once, and the cancellation reaches the scope that it is of."""
    async with cancelled(Replies, FakeServer(CONNECT, text("x"))) as (scope, begun):
        pass
    assert scope.cancelled_caught
    assert Base.ends == [(1012, begun)]


async def test_handler_that_cleans_up_is_not_held_up() -> None:
    """What a handler does when it is cancelled has its time, also if it sends nothing."""
    ended: list[float] = []

    class Slow(Base):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(20)
                ended.append(anyio.current_time())

    Slow.limits = Limits(handler_timeout=1)
    server = FakeServer(CONNECT, text("x"))
    async with served(Slow, server):
        pass
    [(code, at)] = Base.ends
    assert code == 1011
    assert ended == [at]


async def test_handshake_that_is_held_up_is_waited_for() -> None:
    """A client that is not accepted has nothing to be cleaned up."""

    class Refuses(Base):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.close()

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            pass

    server = Shielding(CONNECT, held="websocket.close")
    async with served(Refuses, server):
        await anyio.sleep(60)
        assert Base.ends == []
        server.leave()
    assert Base.ends == []


async def test_send_that_ends_while_it_is_cleaned_up() -> None:
    """The conversation ends first then, and what goes on without it comes to its end."""
    server = Shielding(CONNECT, text("x"))
    log: list[str] = []

    class Waits(Replies):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            log.append("begins")
            server.leave()
            await anyio.sleep(1)
            log.append("ends")

    async with served(Waits, server) as raised:
        pass
    assert (raised, log) == ([], ["begins", "ends"])


async def test_what_is_left_behind_finds_the_connection_closed() -> None:
    """A handler that catches everything, and goes on, sends nothing more."""
    found: list[Any] = []

    class Stubborn(Base):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.send_text("x")
            try:
                await checkpoint()
            except trio.Cancelled:
                try:
                    await websocket.send_text("y")
                except WebSocketDisconnect as exc:
                    found.append((exc.code, websocket.connection_state))
                raise

    server = Shielding(CONNECT, text("x"))
    async with served(Stubborn, server) as raised:
        await anyio.sleep(60)
        assert [code for code, _ in Base.ends] == [1013]
        server.leave()
    assert raised == []
    assert found == [(1013, ConnectionState.CLOSED)]


async def test_connection_that_is_left_behind_counts_among_those_that_are_open() -> None:
    """`max_connections` bounds what is held of the server's, so it goes on counting."""

    class Few(Pushes):
        limits = Limits(send_timeout=1, close_timeout=2, max_connections=1)

    server, other = Shielding(CONNECT), FakeServer(CONNECT)
    async with served(Few, server):
        await anyio.sleep(60)
        assert [code for code, _ in Base.ends] == [1013]
        await as_asgi(Few)(make_scope(), other.receive, other.send)
        assert [event["type"] for event in other.sent] == ["websocket.close"]
        server.leave()


async def test_on_disconnect_sees_what_on_connect_set() -> None:
    """They run in one context, also though the conversation has a task of its own."""
    seen: list[str] = []

    class Notes(Base):
        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            seen.append(NOTE.get())

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            pass

    async with served(Notes, FakeServer(CONNECT, DISCONNECT)):
        pass
    assert seen == ["Notes"]
