"""Scripts that nobody would write, with several things in flight: what holds whatever happens.

Hypothesis makes them up; `WSENDPOINTS_MODEL_EXAMPLES=50000` has it try that many new ones.
"""

import asyncio
import gc
import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, cast

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from hypothesis import HealthCheck, given, settings
from trio.testing import MockClock

from tests.clocks import VirtualLoop
from tests.lifecycle.modelling import count_tasks, leaves, log, small_heap
from tests.lifecycle.two_way_endpoints import RUN, MiddlewareError, Run, TwoWayModel
from tests.lifecycle.two_way_scripts import (
    LIMITS,
    SCRIPTS,
    Send,
    Step,
    TwoWayScript,
    is_calm,
)
from wsendpoints import WebSocketDisconnect
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.lifecycle.serving import serve
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope
from wsendpoints.protocol.asgi import Send as ServersSend
from wsendpoints.testing import (
    Client,
    ConnectionEndedError,
    Dialect,
    HandshakeDenied,
    UnexpectedEventError,
    connect,
)
from wsendpoints.testing.server import Server

__all__ = ["log", "small_heap"]
"""Fixtures of this module, too."""

EXAMPLES: Final = os.environ.get("WSENDPOINTS_MODEL_EXAMPLES")

FOR_EVER: Final = 1e5
"""Seconds on the clock of the event loop, after which a run counts as a hang."""

LONG: Final = 1e3
"""Seconds, within which everything ends."""

A_WHILE: Final = 5.0
"""Seconds, within which everything ends that waits for nobody else."""

TURNS: Final = 15


def make_app(run: Run) -> ASGIApp:
    """Return the endpoint, and what is between it and the server."""
    script = run.script
    limits = replace(LIMITS[script.patience], concurrency=script.concurrency)
    if is_calm(script):
        # Nothing is cut short that has to come to its end.
        limits = replace(limits, grace=LONG, inbox_timeout=LONG, send_timeout=LONG)

    async def app(scope: Scope, receive: Receive, send: ServersSend) -> None:
        RUN.set(run)
        server = cast("Server", getattr(send, "__self__", None))
        run.server = server
        between = Between(run, server)
        if is_asyncio():
            run.task = asyncio.current_task()
        endpoint: Any = None
        try:
            endpoint = TwoWayModel(scope, server.receive, between.send)
            endpoint.run = run
            endpoint.limits = limits
            endpoint.cancel_on_disconnect = script.is_hasty
            await serve(
                endpoint,
                endpoint._lifecycle,
                endpoint._declaration,
                endpoint._admission,
                anyio.current_time,
            )
            # A group of the application's raises what failed in it, and drops a cancellation.
            if run.natives and not (run.has_swallowed or run.fails):
                run.wrong.append("a native cancellation was swallowed")
        except asyncio.CancelledError:
            if not run.natives:
                raise
        except BaseException:
            run.has_raised = True
            raise
        finally:
            while run.task is not None and run.task.uncancel():
                pass
            run.task = run.server = run.endpoint = endpoint = None
            if server.ending is None and not (run.has_raised or run.cancels or run.fails):
                run.wrong.append("the connection stayed open")

    return app


class Between:
    """What is between the application and the server: it delays, fails, and looks at all.

    Args:
        run: Its script says when.
        server: The server.
    """

    def __init__(self, run: Run, server: Server) -> None:
        self._run = run
        self._server = server
        self._sends = 0
        self._lock = anyio.Lock()

    async def send(self, event: Event) -> None:
        """Pass an event on, or not."""
        run, script, server = self._run, self._run.script, self._server
        self._sends += 1
        number = self._sends
        frame: dict[str, Any] = {}
        if event["type"] == "websocket.send":
            frame = json.loads(event["text"])
        self._look_at_start(frame)
        run.accepts += event["type"] == "websocket.accept"
        run.closes += event["type"] == "websocket.close"
        if event["type"] == "websocket.close":
            self._look_at_close(event)
        if number == script.vanishes_at and server.ending is None:
            dialect = server.dialect
            server.leave(dialect.disconnect(dialect.told_reset), "the client vanished")
        if number == script.cancels_at:
            cancel_natively(run)
            await checkpoint()
        if number - 1 == script.fails_at:
            failure = MiddlewareError()
            run.raised.append(failure)
            run.fails += 1
            raise failure
        if frame:
            await self._delay()
            if run.closes:
                # A close does not wait for it, and servers drop what comes behind a close.
                return
        await server.send(event)
        if script.sending == "in any order" and number % 2:
            # Servers may end a send that began later before this one.
            await anyio.sleep(0.002)
        self._look_at_end(frame)

    async def _delay(self) -> None:
        match self._run.script.sending:
            case "at once" | "in any order":
                pass
            case "after a turn":
                await checkpoint()
            case "late":
                # One after the other, as servers write.
                async with self._lock:
                    await anyio.sleep(0.002)

    def _look_at_start(self, frame: dict[str, Any]) -> None:
        run = self._run
        match frame.get("type"):
            case "out":
                self._look_at_out(frame["n"], frame["kind"], frame.get("id"))
            case "question":
                run.questions[frame["q"]] = frame["id"]
            case "error":
                self._look_at_error(frame["code"], frame.get("id"))
            case _:
                pass

    def _look_at_out(self, n: int, kind: str, id_: object) -> None:
        run = self._run
        if n in run.cancelled and not kind.startswith("last"):
            is_last_word = n in run.told and kind != "reply"
            if not is_last_word:
                run.wrong.append(f"a {kind} of {n} was sent after it was cancelled")
        expected = None if kind in {"push", "last"} else run.id_of(n)
        if id_ not in {expected, "own"}:
            run.wrong.append(f"a {kind} of {n} has the id {id_!r}, and not {expected!r}")
        if kind == "reply":
            run.replied.append(n)

    def _look_at_error(self, code: str, id_: object) -> None:
        run = self._run
        if code == "invalid_message":
            if id_ not in {"bad", *run.questions.values()}:
                run.wrong.append(f"an invalid message was answered with the id {id_!r}")
            return
        if code == "busy":
            n = run.dispatched[-1]
            if n not in run.may_refuse:
                run.wrong.append(f"{n} was refused")
            run.refused.add(n)
        else:
            n = int(code.removeprefix("e"))
            run.errors.append(n)
            if n not in run.must_answer:
                run.wrong.append(f"{n} was answered with an error that it did not raise")
            if n in run.cancelled:
                run.wrong.append(f"an error of {n} was sent after it was cancelled")
        if id_ != run.id_of(n):
            run.wrong.append(f"an error of {n} has the id {id_!r}, and not {run.id_of(n)!r}")

    def _look_at_end(self, frame: dict[str, Any]) -> None:
        match frame.get("type"):
            case "out" if frame["kind"] == "reply":
                self._run.over.add(frame["n"])
            case "error" if frame["code"] not in {"busy", "invalid_message"}:
                self._run.over.add(int(frame["code"].removeprefix("e")))
            case _:
                pass

    def _look_at_close(self, event: Event) -> None:
        run = self._run
        code, reason = event["code"], event.get("reason") or ""
        is_known = run.raised or run.cancels or reason
        if code == 1011 and not is_known:
            run.wrong.append("it closed with 1011, though nothing failed")
        # One that receives waits for the client, whatever others do.
        receives = any("receive" in send.acts for send in run.sent)
        if reason.startswith("idle_timeout") and run.cut and not receives:
            run.wrong.append(f"it closed with {reason!r} while {run.cut} were running")


def cancel_natively(run: Run) -> None:
    """Cancel the application's task, where that is possible; elsewhere its scope."""
    run.cancels += 1
    if run.task is not None:
        run.natives += 1
        run.task.cancel()
    elif run.server is not None:
        run.server.cancel()


async def play(script: TwoWayScript) -> Run:
    """Let it happen."""
    run = Run(script)
    server = Dialect() if script.server is None else script.server
    try:
        async with connect(make_app(run), server=server, timeout=LONG * 3) as client:
            for step in script.steps:
                await take(step, client, run)
            client.resume_reading()
            await anyio.sleep(A_WHILE)
            judge_at_rest(run)
    except (HandshakeDenied, ConnectionEndedError):
        pass
    except (Exception, BaseExceptionGroup) as exc:  # noqa: BLE001 - judged below
        run.escaped = exc
    return run


async def take(step: Step, client: Client, run: Run) -> None:
    """Take one step of a script; one that can't be taken any more ends it."""
    match step:
        case Send():
            n = len(run.sent)
            run.sent.append(step)
            await client.send_json({"type": step.handler, "n": n, "key": step.key, "id": step.id})
            run.delivered.add(n)
        case "invalid":
            await client.send_json({"type": "work", "id": "bad"})
        case (
            "answer"
            | "answer the last"
            | "answer otherwise"
            | "answer with a wrong id"
            | "answer invalidly"
            | "answer again"
        ):
            await answer(step, client, run)
        case "cancel a" | "cancel b" | "cancel work" | "cancel switch_flow":
            if run.endpoint is not None:
                run.endpoint.cancel_by(step.removeprefix("cancel "))
        case "cancel a task":
            if run.endpoint is not None:
                run.endpoint.cancel_task()
        case "close":
            await client.close(4000, "bye")
        case "vanish":
            client.vanish()
        case "shut down":
            client.shutdown()
            run.cancels += 1
        case "cancel the app":
            run.cancels += 1
            client.cancel_app()
        case "cancel the app natively":
            if run.task is not None:
                cancel_natively(run)
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
            await anyio.sleep(0.03)
        case "let much time pass":
            await anyio.sleep(0.7)
        case "read":
            client.resume_reading()
            with suppress(UnexpectedEventError):
                await client.receive(timeout=0.001)


async def answer(step: str, client: Client, run: Run) -> None:
    """Answer a question, or do something like it."""
    waiting = [q for q in run.questions if q not in run.answered_at]
    if step == "answer again":
        waiting = [*run.answered_at]
    if not waiting:
        return
    q = waiting[-1 if step == "answer the last" else 0]
    id_: object = run.questions[q]
    match step:
        case "answer otherwise":
            await client.send_json({"type": "no", "id": id_})
        case "answer with a wrong id":
            await client.send_json({"type": "yes", "q": -1, "id": "s999"})
        case "answer invalidly":
            await client.send_json({"type": "yes", "id": id_})
        case _:
            await client.send_json({"type": "yes", "q": q, "id": id_})
            run.answered_at[q] = anyio.current_time()


def judge_at_rest(run: Run) -> None:
    """Judge what has come to its end, if nobody has disconnected, while the connection is open."""
    script = run.script
    if script.patience == "short times" and not run.is_over and not run.cancels:
        run.wrong.append("it goes on, though the client is silent")
    if not is_calm(script) or run.is_over:
        return
    if run.running:
        run.wrong.append(f"{run.running} run still")
    missing = run.replies - run.cancelled - set(run.replied)
    if missing:
        run.wrong.append(f"the replies of {missing} were not sent")
    errors = run.must_answer - run.cancelled - set(run.errors)
    if errors:
        run.wrong.append(f"the errors of {errors} were not sent")
    refusals = run.must_refuse - run.refused
    if refusals:
        run.wrong.append(f"{refusals} were not told that they are refused")


def judge(run: Run) -> list[str]:
    """Return what is wrong with a run."""
    wrong = list(run.wrong)
    if run.disconnects != min(run.accepts, 1):
        wrong.append(f"on_disconnect was called {run.disconnects} times")
    if run.running:
        wrong.append(f"{run.running} outlived the connection")
    for what, numbers in (("reply", run.replied), ("error", run.errors)):
        if len(numbers) != len({*numbers}):
            wrong.append(f"a second {what} was sent: {numbers}")
    if is_calm(run.script):
        if run.closes:
            wrong.append("it was closed")
        if run.accepts:
            wrong += lost(run)
    elif run.script.patience == "small rate" and len(run.dispatched) > 4:
        wrong.append(f"the application got {len(run.dispatched)} messages")
    escaped = run.escaped
    surfaces = run.script.on_error == "raise" and not run.cancels and run.script.vanishes_at is None
    if run.fails and surfaces and not run.has_raised:
        wrong.append("a failure disappeared")
    if escaped is not None and not is_own(escaped, run):
        wrong.append(f"{escaped!r} escaped")
    return wrong


def lost(run: Run) -> list[str]:
    """Return what was not handled, though nothing but the client ended the connection."""
    wrong: list[str] = []
    unknown = run.delivered - set(run.dispatched)
    if unknown:
        wrong.append(f"the application does not know of {unknown}")
    silent = [n for n in run.accepted if n not in run.begun and run.waits(n)]
    if silent:
        wrong.append(f"{silent} never began")
    return wrong


def is_own(escaped: BaseException, run: Run) -> bool:
    """Whether an exception is one that the script causes."""
    if isinstance(escaped, UnexpectedEventError) and (
        run.natives or run.script.vanishes_at == 1 or run.script.cancels_at == 1
    ):
        # Nobody waits for the answer to the handshake; or the answer was cancelled.
        return True
    own = [leaf for exc in run.raised for leaf in leaves(exc)]
    return all(
        leaf in own or isinstance(leaf, AwaitedCancelledError) for leaf in leaves(escaped)
    ) and not all(isinstance(leaf, WebSocketDisconnect) for leaf in leaves(escaped))


async def play_and_judge(script: TwoWayScript, is_trio: bool) -> list[str]:
    """Return what is wrong with how a script went."""
    noise: list[str] = []
    if not is_trio:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: noise.append(f"the loop got {context}"))
    before = count_tasks(is_trio)
    with anyio.fail_after(FOR_EVER):
        run = await play(script)
    wrong = judge(run)
    # They know the frames that they passed.
    run.raised.clear()
    run.raised_by.clear()
    run.handles.clear()
    run.escaped = None
    # An event loop has callbacks of its own behind the last step of a task.
    for _ in range(TURNS):
        await checkpoint()
    if count_tasks(is_trio) != before:
        wrong.append("tasks remain")
    if any(ref() is not None for ref in run.refs):
        gc.collect()
        wrong += [f"{ref()!r} remains" for ref in run.refs if ref() is not None]
    return wrong + noise


def run_on(script: TwoWayScript, backend: str) -> list[str]:
    """Return what is wrong with how a script went, on a new event loop with a clock of its own."""
    is_trio = backend == "trio"
    if is_trio:
        # anyio hands no clock on, before 4.9.
        return trio.run(play_and_judge, script, True, clock=MockClock(autojump_threshold=0))
    return anyio.run(play_and_judge, script, False, backend_options={"loop_factory": VirtualLoop})


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(script=SCRIPTS)
@settings(
    max_examples=int(EXAMPLES or 300),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_whatever_happens(backend: str, script: TwoWayScript) -> None:
    """What holds of every connection with several things in flight.

    Nothing of a handler is sent after it was cancelled, but for its last words, and the connection
    goes on. Of those with a key one runs at a time, in order. Nothing that was accepted is lost.
    Each question ends, with its own answer or with none. Each answer has its message's id. All ends
    before `on_disconnect`, nothing hangs, and nothing outlives the connection.
    """
    assert run_on(script, backend) == []
