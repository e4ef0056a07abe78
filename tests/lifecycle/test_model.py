"""Scripts that nobody would write, on every server: what holds of a connection whatever happens.

A script is what a client sends, what the application does about it, and which server is between
them. Hypothesis makes them up; `WSENDPOINTS_MODEL_EXAMPLES=50000` has it try that many new ones.
"""

import asyncio
import gc
import logging
import os
import weakref
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast, get_args

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from wsendpoints import (
    ClientMessageError,
    Denied,
    InvalidStateError,
    Limits,
    Rate,
    ServerProtocolError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.messages.codecs import Encoding
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import (
    Client,
    ConnectionEndedError,
    Dialect,
    HandshakeDenied,
    ServerName,
    UnexpectedEventError,
    connect,
)
from wsendpoints.testing.server import Server

EXAMPLES: Final = os.environ.get("WSENDPOINTS_MODEL_EXAMPLES")

TOO_LONG: Final = 10.0
"""Seconds, after which a run counts as a hang; one that is right takes some milliseconds."""

USUAL: Final = Limits(
    max_message_size=2**16,
    max_invalid=3,
    connect_timeout=0.01,
    grace=0.005,
    close_timeout=0.02,
    disconnect_timeout=0.01,
)

TURNS: Final = 15
"""After so many turns of the event loop, everything that could go on did."""


# What a script is made of.

Patience = Literal["usual", "small inbox", "none"]

Answer = Literal[
    "accept", "accept later", "accept twice", "nothing", "close", "deny", "raise", "hang"
]

Act = Literal[
    "reply",
    "reply without content",
    "push",
    "push what is no JSON",
    "push, cancelled",
    "close",
    "close with 1008",
    "close twice",
    "send after close",
    "receive",
    "receive, cancelled",
    "raise",
    "raise a group",
    "raise from two tasks",
    "raise a disconnect",
    "await what is cancelled",
    "turn",
    "wait",
    "start a task that ends",
    "start a task that waits",
    "start a task that pushes for ever",
    "start a task that closes",
    "start a task that raises",
    "start a task that receives",
    "start a task that raises a disconnect",
]

Farewell = Literal[
    "nothing", "raise", "wait", "push", "start a task", "close", "turns", "is cancelled"
]

Around = Literal["nothing", "a group", "a group that fails", "a timeout", "a timeout that passes"]

Step = Literal[
    "close", "close without a code", "vanish", "shut down", "cancel", "cancel natively", "pause",
    "resume", "go on", "turn", "settle", "read", "let time pass",
]  # fmt: skip

Middleware = Literal["send", "send, once sent", "receive"]


@dataclass(frozen=True)
class Script:
    """What happens to one connection.

    Attributes:
        server: Who plays the server.
        encoding: The endpoint's.
        streams: Whether its handler is an async generator.
        around: What is around its `yield` then.
        patience: With what it has patience: everything, a single message that waits, or nothing.
        is_hasty: Whether its handler is cancelled when the client leaves.
        is_quiet: Whether it leaves the handshake to the default, and so all that follows from it.
        answer: To the handshake.
        greeting: What it does after it accepted.
        plans: What it does about each message, in turn.
        farewell: What `on_disconnect` does.
        steps: What the client and the server do: a frame is sent, an event is delivered.
        vanishes_at: The client is lost before this send of the application, if there are so many.
        cancels_at: The application is cancelled in this one, natively where there is such a thing;
            0 is the first close.
        fails: What a middleware fails at, and how often it does not before.
    """

    server: ServerName | None
    encoding: Encoding
    streams: bool
    around: Around
    patience: Patience
    is_hasty: bool
    is_quiet: bool
    answer: Answer
    greeting: Sequence[Act]
    plans: Sequence[Sequence[Act]]
    farewell: Farewell
    steps: Sequence[Step | Mapping[str, Any]]
    vanishes_at: int | None
    cancels_at: int | None
    fails: tuple[Middleware, int] | None


def text(data: str) -> Event:
    """Return the event of a text message."""
    return {"type": "websocket.receive", "text": data}


def binary(data: bytes) -> Event:
    """Return the event of a binary message."""
    return {"type": "websocket.receive", "bytes": data}


GOOD: Final = [text('{"type": "do"}'), text('{"type": "say", "text": "x"}'), binary(b"x")]

BAD: Final = [
    # By the rows of the table of faults: empty, not UTF-8, not JSON, beyond JSON, deep, long, ...
    *(text(""), binary(b""), binary(b"\xff"), binary('"x"'.encode("utf-16"))),
    *(binary(b"\xef\xbb\xbf{}"), binary(b"\xed\xa0\x80")),
    *(text("{"), text("{} x"), text("{'type': 'do'}"), text("\ufeff{}"), text("\0")),
    *(text("NaN"), text("-Infinity"), text("1e400"), text("[" * 10_000), text("1" * 5_000)),
    *(text('{"type": "do", "type": "say"}'), text('"\\ud800"'), text("\ud800")),
    *(text("x" * (2**16 + 1)), text("é" * 2**15), text("é" * (2**15 + 1)), binary(b"x" * 2**17)),
    *(text('{"type": "x"}'), text("{}"), text('{"type": []}'), text('{"type": null}'), text("[]")),
    *(text('{"type": "say", "text": 1}'), text('{"type": "do", "more": 1}')),
    text('{"type": "say", "text": [' + "0," * 1_000 + "0]}"),
    *(text('{"type": "__init__"}'), text('{"type": "on_disconnect"}')),
    # Of another shape, but legal.
    {"type": "websocket.receive", "text": None, "bytes": b"x"},
    {"type": "websocket.receive", "text": "x", "bytes": None},
    {"type": "websocket.disconnect"},
    {"type": "websocket.disconnect", "code": None},
    {"type": "websocket.disconnect", "code": "x", "reason": None},
    {"type": "websocket.disconnect", "code": 70000},
]

BROKEN: Final = [
    # Of a server that does not keep to the specification.
    {"type": "websocket.receive"},
    {"type": "websocket.receive", "text": None, "bytes": None},
    {"type": "websocket.receive", "text": "x", "bytes": b"x"},
    {"type": "websocket.receive", "text": b"x"},
    {"type": "websocket.receive", "bytes": "x"},
    {"type": "websocket.connect"},
    {"type": "websocket.foo"},
    {"type": None},
    {},
]


def joined(first: Sequence[Any], then: Sequence[Any]) -> list[Any]:
    """Return two sequences as one."""
    return [*first, *then]


STEPS: Final[st.SearchStrategy[Step | Mapping[str, Any]]] = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(get_args(Step)),
    st.sampled_from(GOOD),
    st.sampled_from(BAD),
    st.sampled_from(BROKEN),
)

CALM: Final[frozenset[Act]] = frozenset(
    {
        "reply",
        "reply without content",
        "push",
        "turn",
        "start a task that ends",
        "start a task that waits",
        "start a task that pushes for ever",
    }
)
"""What a handler does that comes to an end, takes no other message, and fails for no other reason
than that the client left.
"""


ACTS: Final[st.SearchStrategy[list[Act]]] = st.lists(st.sampled_from(get_args(Act)), max_size=3)

ANY: Final = st.builds(
    Script,
    server=st.sampled_from([None, *get_args(ServerName)]),
    encoding=st.sampled_from(["json", "text", "bytes", None]),
    streams=st.booleans(),
    around=st.sampled_from(get_args(Around)),
    patience=st.sampled_from(get_args(Patience)),
    is_hasty=st.booleans(),
    is_quiet=st.booleans(),
    # Mostly, so that something happens.
    answer=st.one_of(st.just("accept"), st.just("accept"), st.sampled_from(get_args(Answer))),
    greeting=st.one_of(st.just([]), ACTS),
    plans=st.lists(ACTS, min_size=1, max_size=3),
    farewell=st.one_of(st.just("nothing"), st.sampled_from(get_args(Farewell))),
    # Messages first, so that something happens.
    steps=st.builds(
        joined,
        st.lists(st.sampled_from([*GOOD, "let time pass"]), max_size=4),
        st.lists(STEPS, max_size=8),
    ),
    vanishes_at=st.one_of(st.none(), st.integers(1, 6)),
    cancels_at=st.one_of(st.none(), st.none(), st.integers(0, 6)),
    fails=st.one_of(
        st.none(),
        st.none(),
        st.tuples(st.sampled_from(get_args(Middleware)), st.integers(0, 5)),
    ),
)

CALM_ACTS: Final = st.lists(st.sampled_from(sorted(CALM)), max_size=3)

CALM_STEPS: Final[st.SearchStrategy[Step | Mapping[str, Any]]] = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(BAD),
    st.sampled_from(("vanish", "close", "turn", "settle", "pause", "read")),
)

CALM_SCRIPTS: Final = st.builds(
    replace,
    ANY,
    patience=st.sampled_from(("usual", "small inbox")),
    is_hasty=st.just(False),
    around=st.sampled_from(("nothing", "a group", "a timeout")),
    answer=st.sampled_from(("accept", "accept later")),
    greeting=CALM_ACTS,
    plans=st.lists(CALM_ACTS, min_size=1, max_size=3),
    steps=st.lists(CALM_STEPS, max_size=8),
    cancels_at=st.none(),
    fails=st.none(),
)
"""Scripts in which the client ends the connection, so that each of its messages must be known."""

SCRIPTS: Final = st.one_of(ANY, ANY, CALM_SCRIPTS)


LIMITS: Final[Mapping[Patience, Limits]] = {
    "usual": USUAL,
    "small inbox": replace(USUAL, inbox=1, inbox_timeout=0.005),
    "none": replace(
        USUAL,
        rate=Rate(3, per=60),
        first_message_timeout=0.004,
        idle_timeout=0.004,
        handler_timeout=0.004,
        send_timeout=0.004,
    ),
}


# The application.


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
        cleaned: How often it came to its end.
        delivered: How many messages the client sent before it left.
        handled: How many of them a handler got.
        refused: How many of them `on_invalid` got.
        closes: How often the application closed.
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
    cleaned: int = 0
    delivered: int = 0
    handled: int = 0
    refused: int = 0
    closes: int = 0
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

    async def stream(self) -> AsyncGenerator[Any, None]:
        """Handle a message in an async generator."""
        for act in self.plan():
            reply = await self.noting(self.do(act))
            if reply is not None:
                yield reply
        while self.run.script.around in {"a group that fails", "a timeout that passes"}:
            yield REPLIES[self.run.script.encoding][0]

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
                await websocket.receive_text()
            case "receive, cancelled":
                await cancelled(websocket.receive)
            case "raise":
                raise DeliberateError
            case "raise a group":
                raise ExceptionGroup("several", [DeliberateError(), websocket_left()])
            case "raise from two tasks":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.do, "raise")
                    group.start_soon(self.do, "raise")
            case "raise a disconnect":
                raise websocket_left()
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


def websocket_left() -> WebSocketDisconnect:
    """Return the exception for a connection that was left, be it another one."""
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
        async with self.around(), aclosing(self.stream()) as replies:
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
        async with self.around(), aclosing(self.stream()) as replies:
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
        async with self.around(), aclosing(self.stream()) as replies:
            async for reply in replies:
                yield reply


class Frames(Model):
    """Takes each frame as it comes."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return await self.handle()


class FramesStream(Model):
    """Takes each frame as it comes, and streams."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> AsyncIterator[Any]:
        async with self.around(), aclosing(self.stream()) as replies:
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


# The run.


def is_calm(script: Script) -> bool:
    """Whether nothing but the client ends a connection, which is told of each of its messages."""
    return (
        script.answer in {"accept", "accept later"}
        and script.patience != "none"
        and not script.is_hasty
        and script.cancels_at is None
        and script.fails is None
        and not (
            script.streams and script.around in {"a group that fails", "a timeout that passes"}
        )
        and CALM.issuperset(script.greeting)
        and all(CALM.issuperset(plan) for plan in script.plans)
        and not any(step in BROKEN for step in script.steps)
        and not {"shut down", "cancel", "cancel natively"}.intersection(
            step for step in script.steps if isinstance(step, str)
        )
    )


def make_app(run: Run) -> ASGIApp:
    """Return the endpoint, with somebody between it and the server who loses the client."""
    script = run.script
    limits = LIMITS[script.patience]
    # However slow the machine is, nothing is cut short that has to come to its end.
    if script.farewell != "wait":
        limits = replace(limits, disconnect_timeout=TOO_LONG)
    if is_calm(script):
        limits = replace(limits, grace=TOO_LONG, inbox_timeout=TOO_LONG)
    endpoint = (QUIET if script.is_quiet else ANSWERING)[script.encoding, script.streams].as_asgi(
        run=run,
        limits=limits,
        cancel_on_disconnect=script.is_hasty,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        server = cast("Server", getattr(send, "__self__", None))
        run.server = server
        between = Between(run, server)
        if is_asyncio():
            run.task = asyncio.current_task()
        is_answered = True
        try:
            await endpoint(scope, between.receive, between.send)
            if run.natives:
                run.wrong.append("a native cancellation was swallowed")
        except asyncio.CancelledError:
            if not run.natives:
                raise
            # The server is not concerned.
        except BaseException:
            run.has_raised = True
            # A server answers the handshake itself then, and closes what a middleware did not.
            is_answered = run.accepts > 0 and between.is_intact
            raise
        finally:
            while run.task is not None and run.task.uncancel():
                pass
            run.task = run.server = None
            if is_answered and server.ending is None and between.is_intact:
                run.wrong.append("the connection was left open")

    return app


class Between:
    """Somebody between the application and the server, who loses the client, cancels, or fails.

    Args:
        run: Its script says when.
        server: The server.

    Attributes:
        is_intact: Whether it failed at no event that ends the connection.
    """

    def __init__(self, run: Run, server: Server) -> None:
        self._run = run
        self._server = server
        self._sends = 0
        self._receives = 0
        self.is_intact = True

    async def receive(self) -> Event:
        """Return the next event, or fail."""
        event = await self._server.receive()
        self._receives += 1
        if self._run.script.fails == ("receive", self._receives - 1):
            self._fail()
        return event

    async def send(self, event: Event) -> None:
        """Pass an event on, or not."""
        run, script, server = self._run, self._run.script, self._server
        self._sends += 1
        run.closes += event["type"] == "websocket.close"
        if self._sends == script.vanishes_at and server.ending is None:
            dialect = server.dialect
            server.leave(dialect.disconnect(dialect.told_reset), "the client vanished")
        is_accept = event["type"] == "websocket.accept"
        is_first_close = event["type"] == "websocket.close" and run.closes == 1
        if script.cancels_at in {self._sends, 0 if is_first_close else self._sends}:
            # A send that is cancelled half-way may have arrived.
            run.accepts += is_accept
            cancel_natively(run)
            try:
                await checkpoint()
            except BaseException:
                self.is_intact &= is_accept or event["type"] == "websocket.send"
                raise
            run.accepts -= is_accept
        fails = script.fails is not None and script.fails[1] == self._sends - 1
        if fails and script.fails != ("receive", self._sends - 1):
            if script.fails[0] == "send, once sent" and not is_accept:  # type: ignore[index]
                await server.send(event)
            else:
                self.is_intact &= event["type"] == "websocket.send"
            self._fail()
        run.accepts += is_accept
        await server.send(event)

    def _fail(self) -> None:
        failure = MiddlewareError()
        self._run.raised.append(failure)
        self._run.surfaces |= self._server.ending is None and not self._run.cancels
        raise failure


def cancel_natively(run: Run) -> None:
    """Cancel the application's task, where that is possible; elsewhere its scope."""
    run.cancels += 1
    if run.task is not None:
        run.natives += 1
        run.task.cancel()
    elif not is_asyncio() and run.server is not None:
        run.server.cancel()


async def play(script: Script) -> Run:
    """Let it happen."""
    run = Run(script)
    server = Dialect() if script.server is None else script.server
    try:
        async with connect(make_app(run), server=server, timeout=TOO_LONG / 2) as client:
            for step in script.steps:
                await take(step, client, run)
    except (HandshakeDenied, ConnectionEndedError):
        pass
    except (Exception, BaseExceptionGroup) as exc:  # noqa: BLE001 - judged below
        run.escaped = exc
    return run


async def take(step: Step | Mapping[str, Any], client: Client, run: Run) -> None:
    """Take one step of a script; one that can't be taken any more ends it."""
    match step:
        case "close":
            await client.close(4000, "bye")
        case "close without a code":
            await client.close(1005)
        case "vanish":
            client.vanish()
        case "shut down":
            client.shutdown()
        case "cancel":
            run.cancels += 1
            client.cancel_app()
        case "cancel natively":
            run.cancels += 1
            if run.task is None:
                client.cancel_app()
            else:
                run.natives += 1
                run.task.cancel()
        case "pause":
            client.pause_reading()
        case "resume":
            client.resume_reading()
        case "go on":
            run.gate.set()
            run.gate = anyio.Event()
        case "turn":
            await checkpoint()
        case "settle":
            for _ in range(TURNS):
                await checkpoint()
        case "let time pass":
            await anyio.sleep(0.004)
        case "read":
            client.resume_reading()
            with suppress(UnexpectedEventError):
                await cancelled(client.receive)
        case _:
            await client.send_event(dict(step))
            run.delivered += step.get("type") == "websocket.receive"


def judge(run: Run) -> list[str]:
    """Return what is wrong with a run."""
    wrong = list(run.wrong)
    if run.disconnects != min(run.accepts, 1):
        wrong.append(f"on_disconnect was called {run.disconnects} times")
    if run.cleaned != run.disconnects and run.script.farewell not in {"raise", "wait"}:
        wrong.append("on_disconnect did not come to its end")
    if run.accepts and not run.closes and is_calm(run.script):
        known = run.handled + run.refused
        if known != run.delivered:
            wrong.append(f"the application knows of {known} of {run.delivered} messages")
    escaped = run.escaped
    if run.surfaces and not run.has_raised:
        wrong.append("a failure disappeared")
    if escaped is not None:
        if isinstance(escaped, UnexpectedEventError) and (
            run.script.vanishes_at == 1 or run.natives
        ):
            # Nobody waits for the answer to the handshake; or the answer was cancelled.
            is_own = True
        elif isinstance(escaped, ServerProtocolError):
            is_own = any(step in BROKEN for step in run.script.steps)
        else:
            own = [leaf for exc in run.raised for leaf in leaves(exc)]
            is_own = all(leaf in own or is_expected(leaf, run) for leaf in leaves(escaped))
            is_own &= not all(isinstance(leaf, WebSocketDisconnect) for leaf in leaves(escaped))
        if not is_own:
            wrong.append(f"{escaped!r} escaped")
    return wrong


def is_expected(exc: BaseException, run: Run) -> bool:
    """Whether an exception is one that a script causes, other than by raising it."""
    script = run.script
    if isinstance(exc, TimeoutError):
        return script.streams and script.around == "a timeout that passes"
    acts = [act for acts in (script.greeting, *script.plans) for act in acts]
    return isinstance(exc, AwaitedCancelledError) and "await what is cancelled" in acts


def leaves(exc: BaseException) -> list[BaseException]:
    """Return the exceptions in a group, or the one exception."""
    if isinstance(exc, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", exc)
        return [leaf for each in group.exceptions for leaf in leaves(each)]
    return [exc]


async def play_and_judge(script: Script, is_trio: bool) -> list[str]:
    """Return what is wrong with how a script went."""
    noise: list[str] = []
    if not is_trio:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: noise.append(f"the loop got {context}"))
    before = count_tasks(is_trio)
    with anyio.fail_after(TOO_LONG):
        run = await play(script)
    wrong = judge(run)
    # They know the frames that they passed.
    run.raised.clear()
    run.escaped = None
    # An event loop has callbacks of its own behind the last step of a task.
    for _ in range(TURNS):
        await checkpoint()
    if count_tasks(is_trio) != before:
        wrong.append("tasks are left")
    if any(ref() is not None for ref in run.refs):
        gc.collect()
        wrong += [f"{ref()!r} is left" for ref in run.refs if ref() is not None]
    return wrong + noise


def count_tasks(is_trio: bool) -> int:
    """Return how many tasks there are."""
    if is_trio:
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


@pytest.fixture(autouse=True, scope="module")
def small_heap() -> Iterator[None]:
    """Keep what other tests left out of each look for garbage, of which there are many."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="module")
def log() -> Iterator[None]:
    """Have each record read and none kept: its exception would keep the endpoint alive."""

    def read(record: logging.LogRecord) -> bool:
        record.getMessage()
        return False

    logger = logging.getLogger("wsendpoints")
    logger.addFilter(read)
    yield
    logger.removeFilter(read)


# Some of the messages are large.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(script=SCRIPTS)
@settings(
    max_examples=int(EXAMPLES or 300),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_whatever_happens(backend: str, script: Script) -> None:
    """What holds of every connection.

    Only legal events are sent, the application's own exceptions alone escape, nothing hangs,
    `on_disconnect` is called once if and only if the connection was accepted, it is not left
    open, and nothing outlives it.
    """
    assert anyio.run(play_and_judge, script, backend == "trio", backend=backend) == []
