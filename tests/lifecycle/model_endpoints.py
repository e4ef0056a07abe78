"""Endpoints that do what a script says, and note what happened."""

import asyncio
import weakref
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import anyio
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.lifecycle.model_scripts import MAX_SIZE, Act, Script
from wsendpoints import (
    ClientMessageError,
    ConnectionState,
    Denied,
    InvalidStateError,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.messages.codecs import Encoding
from wsendpoints.testing.server import Server

__all__ = [
    "ANSWERING",
    "QUIET",
    "TOO_LONG",
    "TURNS",
    "MiddlewareError",
    "Run",
    "cancel_natively",
    "cancelled",
]

TOO_LONG: Final = 10.0
"""Seconds, after which a run counts as a hang; one that is right takes some milliseconds."""

TURNS: Final = 15
"""After so many turns of the event loop, everything that could go on did."""


class DeliberateError(Exception):
    """What the application raises."""


class MiddlewareError(Exception):
    """What somebody between the application and the server raises."""


class Do(BaseModel):
    """A message."""

    type: Literal["do"] = "do"


class Say(BaseModel):
    """Another one."""

    type: Literal["say"] = "say"
    text: str


REPLIES: Final[Mapping[Encoding, tuple[Any, Any]]] = {
    "json": (Say(text="x"), ""),
    "text": ("x", ""),
    "bytes": (b"x", b""),
    None: ("x", b""),
}


@dataclass
class Run:
    """What happened, as far as it matters.

    Attributes:
        script: What was to happen.
        gate: What its handlers wait for.
        accepts: How often the application accepted.
        disconnects: How often `on_disconnect` was called.
        told: Set once it was.
        cleaned: How often it came to its end.
        delivered: How many messages the client sent before it disconnected.
        handled: How many of them a handler got.
        refused: How many of them `on_invalid` got.
        received: How many of them the application received itself.
        is_accepting: Whether an accept is under way.
        closes: How often the application closed.
        code: The code of the first time.
        due: How many messages the client had sent when it was left; `None` if it was not.
        server: Who plays the server.
        task: What natively cancels the application, while it runs.
        cancels: How often it was cancelled, natively or not.
        natives: How often natively.
        surfaces: Whether something failed that has to surface, whatever follows.
        raised: What came out of the application's own code.
        has_raised: Whether the endpoint raised, other than a native cancellation.
        escaped: What came out of the endpoint, unless a step of the client failed as well.
        wrong: What should not have been.
        refs: What must not outlive the connection.
    """

    script: Script
    gate: anyio.Event = field(default_factory=anyio.Event)
    accepts: int = 0
    disconnects: int = 0
    told: anyio.Event = field(default_factory=anyio.Event)
    cleaned: int = 0
    delivered: int = 0
    handled: int = 0
    refused: int = 0
    received: int = 0
    is_accepting: bool = False
    closes: int = 0
    code: int | None = None
    due: int | None = None
    server: Server | None = None
    task: asyncio.Task[Any] | None = None
    cancels: int = 0
    natives: int = 0
    surfaces: bool = False
    raised: list[BaseException] = field(default_factory=lambda: list[BaseException]())
    has_raised: bool = False
    escaped: BaseException | None = None
    wrong: list[str] = field(default_factory=lambda: list[str]())
    refs: list[weakref.ref[Any]] = field(default_factory=lambda: list[weakref.ref[Any]]())


class Model(WebSocketEndpoint):
    """Does what its script says."""

    run: Run

    async def answer(self, websocket: WebSocket) -> None:
        """Answer the handshake, then do what it does at first."""
        match self.run.script.answer:
            case "nothing":
                return
            case "close":
                await websocket.close(4000)
                return
            case "deny":
                raise Denied(401)
            case "raise":
                raise DeliberateError
            case "accept later":
                await checkpoint()
            case "hang":
                await anyio.sleep_forever()
            case "accept beside a task that pushes":
                self.start(self.push_once_accepting)
                await checkpoint()
            case "accept" | "accept twice":
                pass
        await websocket.accept()
        if self.run.script.answer == "accept twice":
            await websocket.accept()
        for act in self.run.script.greeting:
            await self.do(act)

    def plan(self) -> Iterable[Act]:
        """Return what is to be done about this message."""
        plans = self.run.script.plans
        self.run.refs += weakref.ref(self), weakref.ref(self.websocket)
        self.run.handled += 1
        return plans[(self.run.handled - 1) % len(plans)]

    async def handle(self) -> Any:
        """Handle a message in a coroutine; its last reply counts."""
        reply = None
        for act in self.plan():
            reply = await self.noting(self.do(act)) or reply
        return reply

    async def stream_all(self) -> AsyncGenerator[Any, None]:
        """Handle a message in an async generator."""
        for act in self.plan():
            reply = await self.noting(self.do(act))
            if reply is not None:
                yield reply
        while self.run.script.around in {"a group that fails", "a timeout that passes"}:
            yield REPLIES[self.run.script.encoding][0]

    async def push_once_accepting(self) -> None:
        """Push as soon as the accept has begun."""
        while self.websocket.connection_state is ConnectionState.HANDSHAKE:
            await checkpoint()
        await self.push(REPLIES[self.run.script.encoding][0])

    async def noting(self, work: Awaitable[Any]) -> Any:
        """Note what the application raises, and whether the library may have it raise that."""
        try:
            return await work
        except (DeliberateError, Denied, ClientMessageError, WebSocketDisconnect) as exc:
            self.run.raised.append(exc)
            raise
        except (InvalidStateError, ServerProtocolError, ValueError, ExceptionGroup) as exc:
            self.run.raised.append(exc)
            raise
        except MiddlewareError:
            raise
        except Exception as exc:
            self.run.wrong.append(f"the application got {exc!r}")
            raise

    async def do(self, act: Act) -> Any:
        """Do one thing, and return a reply, if that is what it is."""
        websocket, run = self.websocket, self.run
        reply, empty = REPLIES[run.script.encoding]
        match act:
            case "reply":
                return reply
            case "reply without content":
                return empty
            case "push":
                await self.push(reply)
            case "push what is no JSON":
                await websocket.send_json(object())
            case "push, cancelled":
                await cancelled(self.push, reply)
            case "close":
                await websocket.close()
            case "close with 1008":
                await websocket.close(1008, "é" * 100)
            case "close twice":
                await websocket.close(4001)
                await websocket.close(1001)
            case "send after close":
                await websocket.close(4002)
                await websocket.send_text("x")
            case "receive":
                data = await websocket.receive_text()
                run.received += 1
                if len(data.encode(errors="replace")) > MAX_SIZE:
                    run.wrong.append("a message over the limit was received")
            case "receive, cancelled":
                await cancelled(websocket.receive)
            case "raise":
                raise DeliberateError
            case "raise a group":
                raise ExceptionGroup("several", [DeliberateError(), disconnect()])
            case "raise from two tasks":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.do, "raise")
                    group.start_soon(self.do, "raise")
            case "raise a disconnect":
                raise disconnect()
            case "await what is cancelled":
                await what_is_cancelled()
            case "turn":
                await checkpoint()
            case "wait":
                await run.gate.wait()
            case "start a task that ends":
                self.start(self.do, "turn")
            case "start a task that waits":
                self.start(self.do, "wait")
            case "start a task that pushes for ever":
                self.start(self.push_for_ever)
            case "start a task that closes":
                self.start(self.do, "close")
            case "start a task that raises":
                self.start(self.do, "raise")
            case "start a task that receives":
                self.start(self.do, "receive")
            case "start a task that raises a disconnect":
                self.start(self.do, "raise a disconnect")
        return None

    @asynccontextmanager
    async def around(self) -> AsyncGenerator[None]:
        """Be what is around the `yield`."""
        match self.run.script.around:
            case "nothing":
                yield
            case "a group":
                async with anyio.create_task_group() as group:
                    group.start_soon(anyio.sleep_forever)
                    yield
                    group.cancel_scope.cancel()
            case "a group that fails":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.fail_later)
                    yield
                    group.cancel_scope.cancel()
            case "a timeout":
                with anyio.fail_after(TOO_LONG):
                    yield
            case "a timeout that passes":
                with anyio.fail_after(0.002):
                    yield

    def start(self, func: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Start a task."""

        async def task() -> None:
            await self.noting(func(*args))

        self.start_soon(task)

    async def push_for_ever(self) -> None:
        """Push until that fails, or it is cancelled."""
        while True:
            await self.push(REPLIES[self.run.script.encoding][0])
            await checkpoint()

    async def fail_later(self) -> None:
        """Fail, after some turns of the event loop."""
        for _ in range(TURNS):
            await checkpoint()
        await self.noting(self.do("raise"))

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        self.run.refused += 1
        await super().on_invalid(websocket, error)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.run.disconnects += 1
        self.run.told.set()
        self.run.refs += weakref.ref(self), weakref.ref(websocket)
        if not 1000 <= close_code <= 4999 or close_code == 1005:
            self.run.wrong.append(f"on_disconnect was given {close_code!r}")
        await self.noting(self.leave())
        self.run.cleaned += 1

    async def leave(self) -> None:
        """Do what it does in the end."""
        with suppress(InvalidStateError, WebSocketDisconnect):
            match self.run.script.farewell:
                case "nothing":
                    pass
                case "raise":
                    raise DeliberateError
                case "wait":
                    await anyio.sleep_forever()
                case "push":
                    await self.do("push")
                case "start a task":
                    self.start(self.do, "turn")
                case "close":
                    await self.do("close")
                case "turns":
                    for _ in range(5):
                        await checkpoint()
                case "is cancelled":
                    cancel_natively(self.run)
                    for _ in range(5):
                        await checkpoint()


def disconnect() -> WebSocketDisconnect:
    """Return the exception for a client that disconnected, of this connection or another one."""
    return WebSocketDisconnect(1006, "")


async def what_is_cancelled() -> None:
    """Await a future that somebody else cancels; only asyncio has such."""
    if is_asyncio():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.cancel)
        await future


async def cancelled(func: Callable[..., Awaitable[Any]], *args: Any) -> None:
    """Call a function, and cancel it where it has to wait."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await func(*args)


class JSON(Model):
    """Takes JSON."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Do | Say) -> Say | str | None:
        return cast("Say | str | None", await self.handle())


class JSONStream(Model):
    """Takes JSON, and streams."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Do | Say) -> AsyncIterator[Say | str]:
        async with self.around(), aclosing(self.stream_all()) as replies:
            async for reply in replies:
                yield reply


class Text(Model):
    """Takes text."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        return cast("str | None", await self.handle())


class TextStream(Model):
    """Takes text, and streams."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        async with self.around(), aclosing(self.stream_all()) as replies:
            async for reply in replies:
                yield reply


class Binary(Model):
    """Takes bytes."""

    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> bytes | None:
        return cast("bytes | None", await self.handle())


class BinaryStream(Model):
    """Takes bytes, and streams."""

    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> AsyncIterator[bytes]:
        async with self.around(), aclosing(self.stream_all()) as replies:
            async for reply in replies:
                yield reply


class Frames(Model):
    """Takes each frame as it comes."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return await self.handle()


class FramesStream(Model):
    """Takes each frame as it comes, and streams."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> AsyncIterator[Any]:
        async with self.around(), aclosing(self.stream_all()) as replies:
            async for reply in replies:
                yield reply


class Answering(Model):
    """Has a handshake of its own."""

    async def on_connect(self, websocket: WebSocket) -> None:
        self.run.refs += weakref.ref(self), weakref.ref(websocket)
        await self.noting(self.answer(websocket))


QUIET: Final[Mapping[tuple[Encoding, bool], type[Model]]] = {
    ("json", False): JSON,
    ("json", True): JSONStream,
    ("text", False): Text,
    ("text", True): TextStream,
    ("bytes", False): Binary,
    ("bytes", True): BinaryStream,
    (None, False): Frames,
    (None, True): FramesStream,
}


ANSWERING: Final[Mapping[tuple[Encoding, bool], type[Model]]] = {
    key: type(f"Answering{quiet.__name__}", (Answering, quiet), {}) for key, quiet in QUIET.items()
}


def cancel_natively(run: Run) -> None:
    """Cancel the application's task, where that is possible; elsewhere its scope."""
    run.cancels += 1
    if run.task is not None:
        run.natives += 1
        run.task.cancel()
    elif not is_asyncio() and run.server is not None:
        run.server.cancel()
