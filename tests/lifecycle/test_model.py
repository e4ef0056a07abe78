"""Scripts that nobody would write, on every server: what holds of a connection whatever happens.

A script is what a client sends, what the application does about it, and which server is between
them. Hypothesis makes them up; `WSENDPOINTS_MODEL_EXAMPLES=50000` has it try that many new ones.
"""

import asyncio
import gc
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import HealthCheck, given, settings

from tests.lifecycle.model_endpoints import (
    ANSWERING,
    QUIET,
    TOO_LONG,
    TURNS,
    MiddlewareError,
    Model,
    Run,
    cancel_natively,
    cancelled,
)
from tests.lifecycle.model_scripts import BROKEN, CALM, LIMITS, SCRIPTS, Script, Step
from tests.lifecycle.modelling import count_tasks, leaves, log, small_heap
from wsendpoints import (
    ServerProtocolError,
    WebSocketDisconnect,
)
from wsendpoints.actions import admissions_of
from wsendpoints.lifecycle import outliving
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.protocol.deadline import Deadline
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

DRAINED: Final = Deadline("drain", 0, 1012, logging.DEBUG)

EXAMPLES: Final = os.environ.get("WSENDPOINTS_MODEL_EXAMPLES")


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


def class_of(script: Script) -> type[Model]:
    """Return the class of the endpoint."""
    return (QUIET if script.is_quiet else ANSWERING)[script.encoding, script.streams]


def make_app(run: Run) -> ASGIApp:
    """Return the endpoint, and what is between it and the server."""
    script = run.script
    limits = LIMITS[script.patience]
    # However slow the machine is, nothing is cut short that has to come to its end.
    if script.farewell != "wait":
        limits = replace(limits, disconnect_timeout=TOO_LONG)
    if script.answer != "hang":
        limits = replace(limits, connect_timeout=TOO_LONG)
    if is_calm(script):
        limits = replace(limits, grace=TOO_LONG, inbox_timeout=TOO_LONG)
    endpoint = class_of(script).as_asgi(
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
                run.wrong.append("the connection stayed open")

    return app


class Between:
    """What is between the application and the server: it loses the client, cancels, or fails.

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
        if event["type"] == "websocket.close":
            run.closes += 1
            run.code = run.code or event["code"]
        if self._sends == script.vanishes_at and server.ending is None:
            dialect = server.dialect
            server.leave(dialect.disconnect(dialect.told_reset), "the client vanished")
        is_accept = event["type"] == "websocket.accept"
        if run.is_accepting and event["type"] == "websocket.send":
            run.wrong.append("a message overtook the accept")
        run.is_accepting |= is_accept
        is_first_close = event["type"] == "websocket.close" and run.closes == 1
        if script.cancels_at in {self._sends, 0 if is_first_close else self._sends}:
            # A send that is cancelled half-way may have arrived.
            run.accepts += is_accept
            cancel_natively(run)
            try:
                await checkpoint()
            except BaseException:
                run.is_accepting = False
                self.is_intact &= is_accept or event["type"] == "websocket.send"
                raise
            run.accepts -= is_accept
        how, number = script.fails or ("receive", -1)
        if how != "receive" and number == self._sends - 1:
            if how == "send, once sent" and not is_accept:
                await server.send(event)
            else:
                self.is_intact &= event["type"] == "websocket.send"
            self._fail()
        run.accepts += is_accept
        try:
            if is_accept:
                # Others have their turn before it is sent.
                await checkpoint()
                await checkpoint()
            with anyio.CancelScope(shield=script.shields):
                await server.send(event)
        finally:
            run.is_accepting &= not is_accept

    def _fail(self) -> None:
        failure = MiddlewareError()
        self._run.is_accepting = False
        self._run.raised.append(failure)
        self._run.surfaces |= self._server.ending is None and not self._run.cancels
        raise failure


async def play(script: Script) -> Run:
    """Let it happen."""
    run = Run(script)
    server = Dialect() if script.server is None else script.server
    try:
        async with connect(make_app(run), server=server, timeout=TOO_LONG / 2) as client:
            for step in script.steps:
                await take(step, client, run)
            if run.cancels and run.accepts and not is_asyncio():
                # The client is still there, and may not read.
                with anyio.move_on_after(TOO_LONG / 2) as scope:
                    await run.told.wait()
                if scope.cancelled_caught:
                    run.wrong.append("on_disconnect waits until the client reads")
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
        case "leave":
            # As a drain does, but for one connection: the class is that of other scripts, too.
            if run.due is None:
                run.due = run.delivered
            for lifecycle in [*admissions_of(class_of(run.script))[0].open]:
                await lifecycle.leave(DRAINED)
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
    is_left = run.due is not None and run.closes and run.code in {1012, 4012}
    if is_left and is_calm(run.script) and run.handled + run.refused < (run.due or 0):
        wrong.append(f"{run.handled + run.refused} of {run.due} messages are handled")
    rate = LIMITS[run.script.patience].rate
    if rate is not None and run.handled + run.received > rate.messages:
        wrong.append(f"the application got {run.handled + run.received} messages")
    escaped = run.escaped
    if run.surfaces and not run.has_raised:
        wrong.append("a failure disappeared")
    if escaped is not None:
        if isinstance(escaped, UnexpectedEventError) and (
            is_lost_unanswered(run.script) or run.natives
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


def is_lost_unanswered(script: Script) -> bool:
    """Whether the client is lost before it has an answer to its handshake."""
    if script.cancels_at == 1:
        # That one does not reach it, and the second may not either.
        return script.vanishes_at in {1, 2} or script.fails == ("send", 1)
    return script.vanishes_at == 1


def is_expected(exc: BaseException, run: Run) -> bool:
    """Whether an exception is one that a script causes, other than by raising it."""
    script = run.script
    if isinstance(exc, TimeoutError):
        return script.streams and script.around == "a timeout that passes"
    acts = [act for acts in (script.greeting, *script.plans) for act in acts]
    return isinstance(exc, AwaitedCancelledError) and "await what is cancelled" in acts


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
        wrong.append("tasks remain")
    if any(ref() is not None for ref in run.refs):
        gc.collect()
        wrong += [f"{ref()!r} remains" for ref in run.refs if ref() is not None]
    return wrong + noise


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a send behind that is held up soon, since time is real here."""
    monkeypatch.setattr(outliving, "PATIENCE", 0.002)


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
    `on_disconnect` is called once if and only if the connection was accepted, it does not
    stay open, and nothing outlives it.
    """
    assert anyio.run(play_and_judge, script, backend == "trio", backend=backend) == []
