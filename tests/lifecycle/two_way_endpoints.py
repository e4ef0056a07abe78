"""Endpoints with several things in flight that do what a script says, and note what happened."""

import asyncio
import weakref
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Hashable,
)
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, cast

import anyio
from anyio import get_cancelled_exc_class
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.lifecycle.modelling import leaves
from tests.lifecycle.two_way_scripts import (
    ASK_TIMEOUT,
    CONCURRENT,
    KEYED,
    OVERLAPS,
    STREAMS,
    Act,
    HandlerName,
    Send,
    TwoWayScript,
    is_calm,
)
from wsendpoints import (
    ClientMessageError,
    ErrorReply,
    InvalidStateError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.testing.server import Server

__all__ = ["RUN", "MiddlewareError", "Run", "TwoWayModel"]

TASKS: Final = 10_000
"""The numbers of tasks begin here, those of messages below."""


class DeliberateError(Exception):
    """What the application raises."""


class MiddlewareError(Exception):
    """What somebody between the application and the server raises."""


class Message(BaseModel):
    """A message: its number says what is to be done about it."""

    n: int
    key: str | None = None
    id: str | int | None = None


class Work(Message):
    """For a coroutine; those with an equal key wait for each other."""

    type: Literal["work"] = "work"


class Flow(Message):
    """For a generator."""

    type: Literal["flow"] = "flow"


class Switch(Message):
    """For a coroutine; cancels the others with its key."""

    type: Literal["switch"] = "switch"


class SwitchFlow(Message):
    """For a generator."""

    type: Literal["switch_flow"] = "switch_flow"


class Refuse(Message):
    """For a coroutine; refused while another with its key runs or waits."""

    type: Literal["refuse"] = "refuse"


class RefuseFlow(Message):
    """For a generator."""

    type: Literal["refuse_flow"] = "refuse_flow"


class Free(Message):
    """For a coroutine that runs beside any other."""

    type: Literal["free"] = "free"


class FreeFlow(Message):
    """For a generator."""

    type: Literal["free_flow"] = "free_flow"


class Serial(Message):
    """For a coroutine; one after the other."""

    type: Literal["serial"] = "serial"


class SerialFlow(Message):
    """For a generator."""

    type: Literal["serial_flow"] = "serial_flow"


class Out(BaseModel):
    """What the application sends, and on whose behalf."""

    type: Literal["out"] = "out"
    n: int
    kind: str
    id: str | int | None = None


class Question(BaseModel):
    """What it asks."""

    type: Literal["question"] = "question"
    q: int
    id: str | int | None = None


class Yes(BaseModel):
    """What it expects."""

    type: Literal["yes"] = "yes"
    q: int
    id: str | int | None = None


class No(BaseModel):
    """What it does not."""

    type: Literal["no"] = "no"
    id: str | int | None = None


@dataclass
class Run:
    """What happened, as far as it matters.

    Messages are known by their numbers, in the order in which they were sent; tasks have numbers
    from `TASKS` on.

    Attributes:
        script: What was to happen.
        gate: What its handlers wait for.
        sent: The messages of the client's.
        delivered: Those that it sent before it left.
        dispatched: Those that were given to their handlers, in order.
        accepted: Those of concurrent handlers that were not surely refused.
        begun: What began to run.
        running: What runs.
        told: What was told to end, by a cancellation or otherwise.
        cancelled: What `cancel` was called for before it was over.
        over: What has ended, and has sent all that it will.
        must_refuse: What has to be refused.
        may_refuse: What may be.
        raised: What came out of the application's own code ...
        raised_by: ... and out of which handlers.
        must_answer: The handlers that raised an error reply.
        replies: Replies that were returned, and not cancelled ...
        replied: ... and sent.
        questions: The ids of questions that were sent, by their numbers.
        answered_at: When they were answered.
        asking: How many questions wait.
        handles: Those of tasks, with their numbers.
        origins: Whose id the items of a stream have.
        wrong: What should not have been.
        refs: What must not outlive the connection.
    """

    script: TwoWayScript
    gate: anyio.Event = field(default_factory=anyio.Event)
    sent: list[Send] = field(default_factory=list[Send])
    delivered: set[int] = field(default_factory=set[int])
    dispatched: list[int] = field(default_factory=list[int])
    accepted: list[int] = field(default_factory=list[int])
    begun: list[int] = field(default_factory=list[int])
    running: set[int] = field(default_factory=set[int])
    told: set[int] = field(default_factory=set[int])
    cancelled: set[int] = field(default_factory=set[int])
    over: set[int] = field(default_factory=set[int])
    must_refuse: set[int] = field(default_factory=set[int])
    may_refuse: set[int] = field(default_factory=set[int])
    raised: list[BaseException] = field(default_factory=list[BaseException])
    raised_by: dict[int, BaseException] = field(default_factory=dict[int, BaseException])
    must_answer: set[int] = field(default_factory=set[int])
    replies: set[int] = field(default_factory=set[int])
    replied: list[int] = field(default_factory=list[int])
    errors: list[int] = field(default_factory=list[int])
    questions: dict[int, str | int] = field(default_factory=dict[int, "str | int"])
    answered_at: dict[int, float] = field(default_factory=dict[int, float])
    number: int = 0
    task_number: int = TASKS
    asking: int = 0
    handles: list[tuple[int, TaskHandle]] = field(default_factory=list[tuple[int, TaskHandle]])
    origins: dict[int, int] = field(default_factory=dict[int, int])
    received: set[int] = field(default_factory=set[int])
    accepts: int = 0
    closes: int = 0
    disconnects: int = 0
    invalid: int = 0
    refused: set[int] = field(default_factory=set[int])
    cut: set[int] = field(default_factory=set[int])
    cancels: int = 0
    natives: int = 0
    fails: int = 0
    has_raised: bool = False
    has_swallowed: bool = False
    server: Server | None = None
    endpoint: "TwoWayModel | None" = None
    task: asyncio.Task[Any] | None = None
    escaped: BaseException | None = None
    wrong: list[str] = field(default_factory=list[str])
    refs: list[weakref.ref[Any]] = field(default_factory=list[weakref.ref[Any]])

    @property
    def is_over(self) -> bool:
        """Whether the connection has ended, as far as the server knows."""
        return self.server is None or self.server.ending is not None or self.closes > 0

    def id_of(self, n: int) -> str | int | None:
        """Return the correlation id of a message, or of what a task does for it."""
        n = self.origins.get(n, n)
        return self.sent[n].id if n < len(self.sent) else None

    def with_key(self, key: str | None) -> list[int]:
        """Return what was accepted under a key, and is not surely over."""
        if key is None:
            return []
        return [
            n
            for n in self.accepted
            if n not in self.over and self.sent[n].handler in KEYED and self.sent[n].key == key
        ]

    def dispatch(self, message: Message) -> None:
        """Note that a message was given to its handler."""
        n = message.n
        if self.dispatched and n <= self.dispatched[-1]:
            self.wrong.append(f"message {n} came after {self.dispatched[-1]}")
        self.dispatched.append(n)
        send = self.sent[n]
        if send.handler not in CONCURRENT:
            return
        others = self.with_key(send.key) if send.handler in KEYED else []
        match OVERLAPS.get(send.handler):
            case "cancel":
                self.cancelled.update(others)
            case "refuse":
                if others:
                    self.may_refuse.add(n)
                # What waits is dropped where the connection ends by a failure.
                is_busy = any(it in self.running or self.waits(it) for it in others)
                if is_busy and not self.raised:
                    self.must_refuse.add(n)
                    return
            case _:
                pass
        self.accepted.append(n)

    def waits(self, n: int) -> bool:
        """Whether a message surely waits for its turn."""
        return not (n in self.begun or n in self.cancelled or n in self.may_refuse)

    @contextmanager
    def running_handler(self, n: int) -> Generator[None]:
        """Note that a handler runs, and how it ends."""
        send = self.sent[n]
        if send.handler in CONCURRENT:
            self._begin_concurrent(n, send)
        else:
            if any(self.is_serial(it) for it in self.running):
                self.wrong.append(f"{n} began beside another serial handler")
        with self.running_one(n):
            yield

    def is_serial(self, n: int) -> bool:
        """Whether a number is that of a message for a serial handler."""
        return n < TASKS and self.sent[n].handler not in CONCURRENT

    def _begin_concurrent(self, n: int, send: Send) -> None:
        if n in self.must_refuse:
            self.wrong.append(f"{n} was not refused")
        if n in self.cancelled:
            self.wrong.append(f"{n} began after it was cancelled")
        concurrent = [it for it in self.running if it < TASKS and not self.is_serial(it)]
        if len(concurrent) >= (self.script.concurrency or 16):
            self.wrong.append(f"{n} began beside {concurrent}")
        if send.handler in KEYED and send.key is not None:
            for it in self.with_key(send.key):
                if it in self.running:
                    self.wrong.append(f"{n} began beside {it}, which has its key")
                if it < n and self.waits(it) and not self.raised:
                    self.wrong.append(f"{n} began before {it}, which has its key")

    @contextmanager
    def running_one(self, n: int) -> Generator[None]:
        """Note that a handler or a task runs, and how it ends."""
        if n in self.begun:
            self.wrong.append(f"{n} began twice")
        self.begun.append(n)
        self.running.add(n)
        try:
            yield
        except (get_cancelled_exc_class(), GeneratorExit) as exc:
            self.told.add(n)
            self.over.add(n)
            replaced = exc.__context__ if isinstance(exc, GeneratorExit) else None
            if replaced is not None and not isinstance(replaced, get_cancelled_exc_class()):
                # It is closed at its last word, and had failed before.
                self._note_failure(n, replaced)
            raise
        except BaseException as exc:
            self._note_failure(n, exc)
            raise
        else:
            if n not in self.replies:
                self.over.add(n)
        finally:
            self.running.discard(n)

    def _note_failure(self, n: int, exc: BaseException) -> None:
        self.raised_by[n] = exc
        self.wrong += [f"{n} got {leaf!r}" for leaf in leaves(exc) if not self._is_expected(leaf)]
        if all(isinstance(leaf, ErrorReply) for leaf in leaves(exc)):
            self.must_answer.add(n)
        else:
            self.raised.append(exc)

    def _is_expected(self, exc: BaseException) -> bool:
        """Whether what the application got or raised is what the script asks for."""
        if isinstance(exc, InvalidStateError):
            return not is_calm(self.script)
        return isinstance(
            exc,
            DeliberateError
            | ErrorReply
            | MiddlewareError
            | ClientMessageError
            | WebSocketDisconnect
            | get_cancelled_exc_class(),
        )

    @contextmanager
    def noting_cancel(self, n: int) -> Generator[None]:
        """Note a cancellation, as soon as the handler sees it."""
        try:
            yield
        except (get_cancelled_exc_class(), GeneratorExit):
            self.told.add(n)
            if n < TASKS and n not in self.cancelled:
                self.cut.add(n)
                if self.sent[n].handler not in STREAMS and is_calm(self.script):
                    self.wrong.append(f"{n} was cancelled by nobody")
            raise


RUN: Final[ContextVar[Run]] = ContextVar("run")


def key_of(message: Any) -> Hashable:
    """Return the key of a message: it is called when the message is given to its handler."""
    RUN.get().dispatch(message)
    return cast("Hashable", message.key)


def no_key_of(message: Any) -> Hashable:
    """Return none."""
    RUN.get().dispatch(message)
    return None


def coroutine_for(name: HandlerName, message: type[Message]) -> Any:
    """Return a handler that is a coroutine function."""

    async def handler(self: "TwoWayModel", websocket: WebSocket, data: Any) -> Out | None:
        run: Run = self.run
        n: int = data.n
        self.note_serial(data)
        reply = None
        with run.running_handler(n):
            try:
                with run.noting_cancel(n):
                    for act in run.sent[n].acts:
                        reply = await self.do(act, n) or reply
            finally:
                await self.end(n)
            if reply is not None:
                run.replies.add(n)
                reply.kind = "reply"
        return reply

    return named(handler, name, message)


def generator_for(name: HandlerName, message: type[Message]) -> Any:
    """Return a handler that is an async generator function."""

    async def handler(self: "TwoWayModel", websocket: WebSocket, data: Any) -> AsyncIterator[Out]:
        run: Run = self.run
        n: int = data.n
        self.note_serial(data)
        is_closed = False
        with run.running_handler(n):
            try:
                with run.noting_cancel(n):
                    for act in run.sent[n].acts:
                        reply = await self.do(act, n)
                        if reply is not None:
                            yield reply
            except GeneratorExit:
                is_closed = True
                raise
            finally:
                if run.sent[n].ending == "yield" and not is_closed:
                    yield Out(n=n, kind="last item")
                await self.end(n)

    return named(handler, name, message)


def named(handler: Any, name: str, message: type[Message]) -> Any:
    """Return a handler with the name and the annotation that it would have in a class."""
    handler.__name__ = name
    handler.__annotations__["data"] = message
    return handler


class TwoWayModel(WebSocketEndpoint):
    """Does what its script says."""

    encoding = "json"
    correlation_id = "id"
    answers = Yes | No
    sends = Question
    run: Run

    work = handles(concurrent=True, key=key_of)(coroutine_for("work", Work))
    flow = handles(concurrent=True, key=key_of)(generator_for("flow", Flow))
    switch = handles(concurrent=True, key=key_of, overlap="cancel")(coroutine_for("switch", Switch))
    switch_flow = handles(concurrent=True, key=key_of, overlap="cancel")(
        generator_for("switch_flow", SwitchFlow)
    )
    refuse = handles(concurrent=True, key=key_of, overlap="refuse")(coroutine_for("refuse", Refuse))
    refuse_flow = handles(concurrent=True, key=key_of, overlap="refuse")(
        generator_for("refuse_flow", RefuseFlow)
    )
    free = handles(concurrent=True, key=no_key_of)(coroutine_for("free", Free))
    free_flow = handles(concurrent=True, key=no_key_of)(generator_for("free_flow", FreeFlow))
    serial = handles(coroutine_for("serial", Serial))
    serial_flow = handles(generator_for("serial_flow", SerialFlow))

    async def on_connect(self, websocket: WebSocket) -> None:
        run = self.run
        run.endpoint = self
        run.refs += weakref.ref(self), weakref.ref(websocket)
        await websocket.accept()
        n = self.next_task()
        # What belongs to no message has the number of a task.
        with run.running_one(n), run.noting_cancel(n):
            for act in run.script.greeting:
                await self.do(act, n)

    def next_task(self) -> int:
        """Return the number of a task."""
        self.run.task_number += 1
        return self.run.task_number

    def note_serial(self, message: Message) -> None:
        """Note that a message was given to its handler, unless its key told that."""
        if self.run.sent[message.n].handler not in CONCURRENT:
            self.run.dispatch(message)

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        run = self.run
        n: int = data.n
        # A generator whose send failed was closed, but this belongs to its handling.
        run.over.discard(n)
        raised = leaves(run.raised_by[n]) if n in run.raised_by else []
        # The send of an item is a part of a stream.
        is_sends = isinstance(exc, MiddlewareError) and run.sent[n].handler in STREAMS
        if raised != leaves(exc) and not is_sends:
            run.wrong.append(f"on_error was given {exc!r}, which {n} did not raise")
        match run.script.on_error:
            case "raise":
                raise exc
            case "raise another":
                another = DeliberateError()
                run.raised.append(another)
                raise another from exc
            case "swallow":
                return None
            case "error reply":
                run.must_answer.add(n)
                raise ErrorReply(f"e{n}")
            case "reply":
                pass
            case "wait, then reply":
                try:
                    await anyio.sleep(0.003)
                except get_cancelled_exc_class():
                    run.has_swallowed = True
        if n not in run.cancelled:
            run.replies.add(n)
        return Out(n=n, kind="reply")

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        self.run.invalid += 1
        await super().on_invalid(websocket, error)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        run = self.run
        run.disconnects += 1
        if run.running:
            run.wrong.append(f"on_disconnect was called while {run.running} run")
        if run.asking:
            run.wrong.append(f"on_disconnect was called while {run.asking} questions wait")
        if not 1000 <= close_code <= 4999 or close_code == 1005:
            run.wrong.append(f"on_disconnect was given {close_code!r}")

    # What it does.

    async def do(self, act: Act, n: int) -> Out | None:
        """Do one thing, and return a reply, if that is what it is."""
        run = self.run
        match act:
            case "reply":
                return Out(n=n, kind="item")
            case "reply with an id of its own":
                return Out(n=n, kind="item", id="own")
            case "push":
                await self.push(Out(n=n, kind="push"))
            case "push in a group":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.push_twice, n)
                    group.start_soon(self.push_twice, n)
            case "push by asyncio":
                await gathered(partial(self.push_twice, n), partial(self.push_twice, n))
            case "turn":
                await checkpoint()
            case "wait":
                with anyio.move_on_after(0.05):
                    await run.gate.wait()
            case "sleep":
                await anyio.sleep(0.003)
            case "sleep in a group":
                async with anyio.create_task_group() as group:
                    group.start_soon(anyio.sleep, 0.003)
                    group.start_soon(anyio.sleep, 0.001)
            case "sleep by asyncio":
                await gathered(partial(anyio.sleep, 0.003), partial(anyio.sleep, 0.001))
            case "time out":
                with anyio.move_on_after(0.002):
                    await anyio.sleep(1)
            case "swallow":
                try:
                    await anyio.sleep(0.003)
                except get_cancelled_exc_class():
                    # What follows is its last words.
                    run.told.add(n)
                    run.has_swallowed = True
            case "ask":
                await self.ask_one()
            case "ask with an id of its own":
                await self.ask_one(id=f"own{run.number}")
            case "ask twice at once":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.ask_one)
                    group.start_soon(self.ask_one)
            case "cancel a" | "cancel b" | "cancel work" | "cancel flow":
                self.cancel_by(act.removeprefix("cancel "))
            case "cancel itself":
                if run.sent[n].handler in CONCURRENT:
                    self.cancel_by(run.sent[n].handler)
            case "cancel from a group":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.cancel_soon, "a")
                    group.start_soon(anyio.sleep, 0.001)
            case "cancel a task":
                self.cancel_task()
            case "await a task":
                if run.handles:
                    with anyio.move_on_after(0.05):
                        await run.handles[-1][1].wait()
            case "raise":
                raise DeliberateError
            case "raise a group":
                raise ExceptionGroup("several", [DeliberateError(), DeliberateError()])
            case "raise an error reply":
                raise ErrorReply(f"e{n}")
            case "raise an error reply in a group":
                raise ExceptionGroup("one", [ErrorReply(f"e{n}")])
            case "raise a disconnect":
                raise WebSocketDisconnect(1006, "")
            case "receive":
                with suppress(InvalidStateError):
                    message: Any = await self.websocket.receive_json()
                    if "n" in message:
                        run.received.add(message["n"])
            case "close":
                await self.websocket.close(4000)
            case (
                "start a task that ends"
                | "start a task that waits"
                | "start a task that pushes"
                | "start a task that asks"
                | "start a task that cancels a"
                | "start a task that raises"
                | "start a task that closes"
                | "start a task, and cancel it"
                | "stream"
            ):
                self.start(act, n)
        return None

    def start(self, act: Act, n: int) -> None:
        """Start a task."""
        run, number = self.run, self.next_task()
        match act:
            case "start a task that ends":
                handle = self.start_soon(self.task, number, "turn")
            case "start a task that waits":
                handle = self.start_soon(self.task, number, "wait")
            case "start a task that pushes":
                handle = self.start_soon(self.task, number, "push", "sleep", "push", "push")
            case "start a task that asks":
                handle = self.start_soon(self.task, number, "ask")
            case "start a task that cancels a":
                handle = self.start_soon(self.task, number, "sleep", "cancel a")
            case "start a task that raises":
                handle = self.start_soon(self.task, number, "raise")
            case "start a task that closes":
                handle = self.start_soon(self.task, number, "close")
            case "stream":
                if n < TASKS:
                    run.origins[number] = n
                handle = self.stream(self.items(number))
            case _:
                handle = self.start_soon(self.task, number, "push", "sleep", "push")
        run.handles.append((number, handle))
        if act == "start a task, and cancel it":
            self.cancel_task()

    async def task(self, number: int, *acts: Act) -> None:
        """Do some things in a task."""
        with self.run.running_one(number):
            try:
                with self.run.noting_cancel(number):
                    for act in acts:
                        await self.do(act, number)
            finally:
                with suppress(InvalidStateError, WebSocketDisconnect):
                    await self.push(Out(n=number, kind="last"))

    async def items(self, number: int) -> AsyncGenerator[Out, None]:
        """Yield some items, and a last word."""
        is_closed = False
        with self.run.running_one(number):
            try:
                with self.run.noting_cancel(number):
                    for _ in range(3):
                        yield Out(n=number, kind="item")
                        await anyio.sleep(0.001)
            except GeneratorExit:
                is_closed = True
                raise
            finally:
                if not is_closed:
                    yield Out(n=number, kind="last item")

    async def end(self, n: int) -> None:
        """Do what a handler does in its `finally`."""
        with suppress(InvalidStateError, WebSocketDisconnect):
            match self.run.sent[n].ending:
                case "push":
                    await self.push(Out(n=n, kind="last"))
                case "sleep":
                    await anyio.sleep(0.003)
                case "raise":
                    raise DeliberateError
                case "ask":
                    await self.ask_one()
                case "nothing" | "yield":
                    pass

    async def push_twice(self, n: int) -> None:
        """Push, and push again."""
        try:
            await self.push(Out(n=n, kind="push"))
            await self.push(Out(n=n, kind="push"))
        except get_cancelled_exc_class():
            self.run.told.add(n)
            raise

    async def cancel_soon(self, key: str) -> None:
        """Cancel, after a turn."""
        await checkpoint()
        self.cancel_by(key)

    def cancel_by(self, key: str) -> None:
        """Cancel what has a key, or a handler, and note what must not be sent any more."""
        run = self.run
        of_handler = getattr(self, key, None)
        meant = [n for n in run.accepted if n not in run.over and run.sent[n].handler == key]
        if of_handler is None:
            meant = run.with_key(key)
        must_find = [n for n in meant if n in run.running]
        try:
            found = self.cancel(key if of_handler is None else of_handler)
        except InvalidStateError:
            return
        if must_find and not found:
            run.wrong.append(f"cancel({key}) did not find {must_find}")
        if found and not meant:
            run.wrong.append(f"cancel({key}) found something")
        run.cancelled.update(meant)

    def cancel_task(self) -> None:
        """Cancel the task that was started last."""
        if self.run.handles:
            number, handle = self.run.handles.pop()
            handle.cancel()
            if number not in self.run.over:
                self.run.cancelled.add(number)

    async def ask_one(self, id: str | None = None) -> None:
        """Ask, and check the answer."""
        run = self.run
        run.number += 1
        q = run.number
        run.asking += 1
        began = anyio.current_time()
        try:
            question = Question(q=q) if id is None else Question(q=q, id=id)
            answer = await self.ask(question, Yes, timeout=ASK_TIMEOUT)
        except TimeoutError:
            if anyio.current_time() < began + ASK_TIMEOUT:
                run.wrong.append(f"question {q} timed out early")
            answered = run.answered_at.get(q)
            in_time = answered is not None and answered + 0.1 < anyio.current_time()
            if in_time and run.script.patience in {"usual", "short times"} and not run.is_over:
                run.wrong.append(f"the answer to question {q} was lost")
        except InvalidStateError:
            if not run.closes:
                raise
        except WebSocketDisconnect:
            if not run.is_over:
                run.wrong.append(f"question {q} ended with a disconnect of its own")
            raise
        else:
            if answer.q != q:
                run.wrong.append(f"question {q} got the answer to {answer.q}")
        finally:
            run.asking -= 1


async def gathered(*work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Await several things at once by the means of asyncio, which has no scopes."""
    if is_asyncio():
        # No `asyncio.TaskGroup`: that of Python 3.11 may not take back its cancellation.
        tasks = [asyncio.create_task(one()) for one in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    else:
        for one in work:
            await one()
