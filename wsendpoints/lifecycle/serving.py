"""The life of one connection, the same on every server: handshake, conversation, end."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from time import monotonic
from typing import Any, Final, TypeAlias

from wsendpoints.connection.websocket import tell_subprotocol
from wsendpoints.handshake.admission import Admission
from wsendpoints.handshake.identity import SERVED
from wsendpoints.lifecycle.connecting import connect_alone
from wsendpoints.lifecycle.conversation import Conversation
from wsendpoints.lifecycle.ending import Ending
from wsendpoints.lifecycle.failures import failed_wait
from wsendpoints.lifecycle.hooks import Hooks, Lifecycle
from wsendpoints.lifecycle.outliving import Outliving
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.asgi import Event, Scope
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.protocol.limits import Period, is_timed
from wsendpoints.protocol.state import (
    DISCONNECTED,
    HANDSHAKE,
)

__all__ = ["WATCHED", "Watch", "serve", "serve_watched"]

Watch: TypeAlias = Callable[[Any], AbstractContextManager[object]]
"""Returns, given an endpoint, what is entered before its handshake, and left when it has ended."""

WATCHED: Final = "wsendpoints.watched"
"""What a scope has whose connection is watched: a tuple of functions, each a `Watch`."""

_times_silence: Final = is_timed(Period.AWAITING_FIRST, Period.IDLE, Period.AGE)


async def serve(
    endpoint: Hooks,
    lifecycle: Lifecycle,
    declaration: Declaration,
    admission: Admission,
    clock: Callable[[], float] = monotonic,
) -> None:
    """Serve a connection, from the handshake to `on_disconnect`.

    Args:
        endpoint: Its hooks are called, and its limits kept.
        lifecycle: The endpoint's.
        declaration: What its class receives, sends, and handles.
        admission: Which clients may connect to its class.
        clock: Returns seconds.
    """
    scope = endpoint.websocket.scope
    _mark_used(endpoint, lifecycle, scope)
    connection, limits = lifecycle.connection, endpoint.limits
    connection.close_timeout = limits.close_timeout or math.inf
    if declaration.by_subprotocol:
        tell_subprotocol(endpoint.websocket, lifecycle.accepts)
    admission.open.add(lifecycle)
    failure: BaseException | None = None
    passed: Deadline | None = None
    outliving: Outliving | None = None
    try:
        try:
            first: Event | Deadline | None = None
            await connection.next_event()
            if connection.state is HANDSHAKE:
                _admit(endpoint, admission)
                is_quiet = (
                    declaration.is_quiet
                    # A mock may have taken its place.
                    and type(endpoint).on_connect is declaration.default_on_connect
                )
                if is_quiet and not _times_silence(limits):
                    first = await connect_alone(endpoint, connection)
            if isinstance(first, Deadline):
                passed = first
            elif connection.state is not DISCONNECTED:
                if (changed := declaration.current()) is not declaration:
                    lifecycle.declaration = declaration = changed
                    lifecycle.accepts(endpoint.websocket.subprotocol)
                spoken = lifecycle.declaration
                conversation = Conversation(endpoint, spoken, connection, first, clock)
                lifecycle.conversation = conversation
                if conversation.tasks.are_of_asyncio:
                    failure = await conversation.hold()
                    passed = conversation.passed()
                else:
                    end_with = partial(_ending, endpoint, lifecycle)
                    outliving = Outliving(endpoint, connection, conversation, end_with)
        except GeneratorExit:
            raise
        except BaseException as exc:  # noqa: BLE001 - raised in the end
            failure = failed_wait(exc) or exc
        if outliving is not None:
            await outliving.run()
        else:
            await _ending(endpoint, lifecycle, passed).conclude(failure)
    finally:
        connection.ended()
        admission.open.discard(lifecycle)
        if admission.draining is not None:
            admission.ended()
        # An exception that is raised holds this frame: without these references it is no cycle.
        del failure, endpoint


async def serve_watched(endpoint: Hooks, lifecycle: Lifecycle, admission: Admission) -> None:
    """Serve a connection within what watches it, as its scope says.

    Args:
        endpoint: The endpoint.
        lifecycle: The endpoint's. What watches may replace its declaration.
        admission: Which clients may connect to its class.
    """
    with ExitStack() as stack:
        for watch in endpoint.websocket.scope[WATCHED]:
            stack.enter_context(watch(endpoint))
        await serve(endpoint, lifecycle, lifecycle.declaration, admission)


def _mark_used(endpoint: Hooks, lifecycle: Lifecycle, scope: Scope) -> None:
    if lifecycle.is_used:
        raise InvalidStateError("an instance serves one connection, once: make another")
    lifecycle.is_used = True
    # To use one for two connections is a mistake that would mix them up.
    if SERVED in scope:
        raise InvalidStateError("this scope belongs to a connection that is served already")
    scope[SERVED] = type(endpoint)


def _admit(endpoint: Hooks, admission: Admission) -> None:
    params = admission.admit(endpoint, endpoint.websocket)
    if params is not None:
        endpoint.params = params


def _ending(endpoint: Hooks, lifecycle: Lifecycle, passed: Deadline | None) -> Ending:
    lifecycle.conversation = None
    # Now, for it may have been replaced at any time.
    on_disconnect = getattr(endpoint.on_disconnect, "__func__", None)
    cleans_up = on_disconnect is not lifecycle.declaration.default_on_disconnect
    return Ending(endpoint, lifecycle.connection, passed, lifecycle.farewells, cleans_up=cleans_up)
