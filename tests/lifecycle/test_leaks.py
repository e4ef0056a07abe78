"""What remains of a connection once it has ended: next to nothing, however it ended.

The server is played by a script, without the testing client, which would keep things of its own.
`python -m benchmarks.connections --in-process` does the same with 10,000 connections.
"""

import asyncio
import gc
import logging
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from wsendpoints import Denied, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.conversation import Conversation
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.hooks import Lifecycle
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.asgi import Event

__all__ = ["BYTES", "ENDINGS", "Ending", "Remains", "connections_of", "remains_of"]

pytestmark = pytest.mark.anyio

NUMBER: Final = 40
"""Connections of each ending, in a round."""

ROUNDS: Final = 10

WARM_UP: Final = 10
"""Connections before the first that counts: they fill caches, and load what is loaded late."""

BYTES: Final = 100
"""The bound of bytes a connection; what does remain hardly grows with their number."""

NAMES: Final = {
    each.__name__
    for each in (Connection, Conversation, Deadlines, Lifecycle, Reader, Tasks, WebSocket)
}
"""What the library makes for each connection."""


class DeliberateError(Exception):
    """What a hook raises to fail."""


class Chatty(WebSocketEndpoint):
    """Does what a message says, so that a test can end the connection in any way."""

    encoding = "text"
    limits = Limits(max_message_size=100, max_invalid=2)

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        match data:
            case "close":
                await websocket.close(4000, "bye")
            case "close in a task":
                self.start_soon(websocket.close, 4000)
            case "fail":
                raise DeliberateError
            case "fail in a task":
                self.start_soon(self.fail)
                await anyio.sleep_forever()
            case "start a task":
                self.start_soon(anyio.sleep_forever)
            case "push":
                await checkpoint()
                await self.push("pushed")
            case "receive":
                return await websocket.receive_text()
            case _:
                pass
        return data

    async def fail(self) -> None:
        """Fail, once it had to wait."""
        await checkpoint()
        raise DeliberateError


class Waiting(WebSocketEndpoint):
    """Its handler waits until the client leaves."""

    encoding = "text"
    cancel_on_disconnect = True

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep_forever()


class Streaming(WebSocketEndpoint):
    """Answers with a stream that has no end."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        while True:
            yield data
            await checkpoint()


class Typed(WebSocketEndpoint):
    """Takes numbers."""

    encoding = "json"
    limits = Limits(max_invalid=2)

    async def on_receive(self, websocket: WebSocket, data: int) -> int:
        return data


class Refusing(WebSocketEndpoint):
    """Does not accept."""

    async def on_connect(self, websocket: WebSocket) -> None:
        pass


class Denying(WebSocketEndpoint):
    """Refuses with a response."""

    async def on_connect(self, websocket: WebSocket) -> None:
        raise Denied(401)


class FailingAtFirst(WebSocketEndpoint):
    """Fails before it accepts."""

    async def on_connect(self, websocket: WebSocket) -> None:
        raise DeliberateError


class FailingAtLast(WebSocketEndpoint):
    """Fails when it cleans up."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        raise DeliberateError


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which a connection ends.

    Attributes:
        name: What its test is called.
        endpoint: What serves it.
        sends: What the client sends.
        last: The last event that it gets, and the code that this has.
        leaves: The code of the disconnect that follows what the client sends.
        raises: What surfaces to the server.
        cancelled: How the server cancels it, after what the client sends.
        breaks: Whether the server's `send` fails once the connection is accepted.
    """

    name: str
    endpoint: type[WebSocketEndpoint]
    sends: tuple[str | bytes, ...]
    last: tuple[str, int | None]
    leaves: int | None = None
    raises: type[BaseException] | None = None
    cancelled: Literal["scope", "task"] | None = None
    breaks: bool = False

    def __str__(self) -> str:
        return self.name


ACCEPT: Final = ("websocket.accept", None)
SEND: Final = ("websocket.send", None)


def closed(code: int) -> tuple[str, int]:
    """Return how a close looks to `Ending.last`."""
    return "websocket.close", code


ENDINGS: Final = [
    Ending("the client closes", Chatty, ("a", "push", "b"), SEND, leaves=1000),
    Ending("the client vanishes", Chatty, ("a",), SEND, leaves=1006),
    Ending("the client vanishes while a handler waits", Waiting, ("a",), ACCEPT, leaves=1006),
    Ending("the client vanishes while a handler receives", Chatty, ("receive",), ACCEPT, 1006),
    Ending("the client vanishes while a task runs", Chatty, ("start a task",), SEND, leaves=1006),
    Ending("the client vanishes with messages waiting", Chatty, ("push", "a", "b"), SEND, 1006),
    Ending("the client vanishes, and send fails", Chatty, ("a",), ACCEPT, 1006, breaks=True),
    Ending("the client cuts a stream", Streaming, ("a",), SEND, leaves=1006),
    Ending("we close", Chatty, ("close",), closed(4000)),
    Ending("we close in a task", Chatty, ("close in a task",), closed(4000)),
    Ending("we do not accept", Refusing, (), closed(1000)),
    Ending("we deny", Denying, (), ("websocket.http.response.body", None)),
    Ending("a frame is of the wrong kind", Chatty, (b"a",), closed(1003)),
    Ending("a message is too big", Chatty, ("a" * 101,), closed(1009)),
    Ending("messages are invalid", Typed, ("[]", "{}"), closed(1008)),
    Ending("a frame is not JSON", Typed, ("[",), closed(1007)),
    Ending("a handler fails", Chatty, ("fail",), closed(1011), raises=DeliberateError),
    Ending("a task fails", Chatty, ("fail in a task",), closed(1011), raises=DeliberateError),
    Ending("on_connect fails", FailingAtFirst, (), ("", None), raises=DeliberateError),
    Ending("on_disconnect fails", FailingAtLast, (), ACCEPT, 1000, raises=DeliberateError),
    Ending("it is cancelled", Chatty, ("a",), closed(1012), cancelled="scope"),
    Ending("a handler is cancelled", Waiting, ("a",), closed(1012), cancelled="scope"),
    Ending("a stream is cancelled", Streaming, ("a",), closed(1012), cancelled="scope"),
    Ending("its task is cancelled", Chatty, ("a",), closed(1012), cancelled="task"),
    Ending("its task is cancelled with a handler", Waiting, ("a",), closed(1012), cancelled="task"),
]


class Script:
    """A server that delivers what an ending says, and accepts all events.

    Args:
        ending: What happens.

    Attributes:
        last: The type of the last event that it took, and its code.
    """

    def __init__(self, ending: Ending) -> None:
        self.last: tuple[str, int | None] = ("", None)
        self._ending = ending
        self._events = self._script()
        self._scope = anyio.CancelScope()
        self._task: asyncio.Task[None] | None = None

    def _script(self) -> Iterator[Event]:
        yield {"type": "websocket.connect"}
        for frame in self._ending.sends:
            yield {
                "type": "websocket.receive",
                "text" if isinstance(frame, str) else "bytes": frame,
            }
        if self._ending.leaves is not None:
            yield {"type": "websocket.disconnect", "code": self._ending.leaves, "reason": ""}

    async def serve(self) -> None:
        """Serve the connection, as a server does: in a task, whose exception is logged."""
        if self._ending.cancelled == "task":
            self._task = asyncio.get_running_loop().create_task(self._run())
            await asyncio.wait([self._task])
            assert self._task.cancelled()
        else:
            with self._scope:
                await self._run()

    async def _run(self) -> None:
        raised: type[BaseException] | None = None
        try:
            await self._ending.endpoint(self._make_scope(), self._receive, self._send)
        except DeliberateError as exc:
            raised = type(exc)
        finally:
            assert self.last == self._ending.last
        assert raised is self._ending.raises

    def _make_scope(self) -> dict[str, Any]:
        return {
            "type": "websocket",
            "path": "/",
            "headers": [(b"host", b"localhost")],
            "query_string": b"",
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }

    async def _receive(self) -> Event:
        await checkpoint()
        event = next(self._events, None)
        if event is not None:
            return event
        if self._task is not None:
            self._task.cancel()
        elif self._ending.cancelled is not None:
            self._scope.cancel()
        await anyio.sleep_forever()
        raise AssertionError

    async def _send(self, event: Event) -> None:
        await checkpoint()
        if self._ending.breaks and event["type"] == "websocket.send":
            raise OSError
        self.last = event["type"], event.get("code")


@dataclass(frozen=True, slots=True)
class Remains:
    """What remains of connections.

    Attributes:
        bytes: Allocated since, for all of them.
        objects: Instances of this library's classes.
        tasks: That run.
    """

    bytes: int
    objects: int
    tasks: int

    @classmethod
    def now(cls) -> "Remains":
        """Return what there is."""
        gc.collect()
        return cls(
            tracemalloc.get_traced_memory()[0], connections_of("wsendpoints"), len(running_tasks())
        )

    def __sub__(self, other: "Remains") -> "Remains":
        return Remains(
            self.bytes - other.bytes, self.objects - other.objects, self.tasks - other.tasks
        )


def running_tasks() -> list[str | None]:
    """Return the names of the tasks that run."""
    return [task.name for task in anyio.get_running_tasks()]


def connections_of(package: str) -> int:
    """Return how many objects there are that a package makes for a connection."""
    return sum(
        name in NAMES and module.split(".")[0] == package
        for name, module in (_type_of(found) for found in gc.get_objects())
    )


def _type_of(found: object) -> tuple[str, str]:
    return type(found).__name__, type(found).__module__


async def remains_of(ending: Ending, number: int) -> Remains:
    """Serve so many connections, one after the other, and return what remains of them.

    `tracemalloc` has to be started.
    """
    for _ in range(WARM_UP):
        await Script(ending).serve()
    await forget_deadlines()
    before = Remains.now()
    for _ in range(number):
        await Script(ending).serve()
    await forget_deadlines()
    return Remains.now() - before


async def forget_deadlines() -> None:
    """Make trio forget the deadlines that were not reached, with their scopes.

    It does so when it has a thousand of them.
    """
    if not trio.lowlevel.in_trio_run():
        return
    first = weakref.ref(pass_through_a_scope())
    while first() is not None:
        for _ in range(10):
            pass_through_a_scope()
        await checkpoint()


def pass_through_a_scope() -> trio.CancelScope:
    """Set a deadline that is not reached; return its scope."""
    with trio.CancelScope(relative_deadline=1000) as scope:  # noqa: ASYNC100 - that is its point
        pass
    return scope


@pytest.fixture(scope="module", autouse=True)
def quick_garbage_collection() -> None:
    """Exempt what there was before from each collection and each count of objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count allocations; log nothing, since the test runner would keep the records."""
    monkeypatch.setattr(logging.getLogger("wsendpoints"), "disabled", True)
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    ("anyio_backend", "ending"),
    [
        pytest.param(backend, ending, id=f"{backend}-{ending}")
        for backend in ("asyncio", "trio")
        for ending in ENDINGS
        if backend == "asyncio" or ending.cancelled != "task"  # trio cancels scopes alone
    ],
    indirect=["anyio_backend"],
)
async def test_nothing_remains(ending: Ending) -> None:
    """A connection leaves no task, no object of ours and fewer than 100 bytes, however it ends."""
    sizes: list[int] = []
    # Caches fill once, some of them slowly. A leak shows in each round.
    while len(sizes) < ROUNDS and min(sizes, default=BYTES) >= BYTES:
        remains = await remains_of(ending, NUMBER)
        assert remains.tasks == 0
        assert remains.objects == 0
        sizes.append(remains.bytes // NUMBER)
    assert min(sizes) < BYTES, sizes
