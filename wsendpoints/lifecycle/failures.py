"""Whose fault an exception is that ends a connection, which decides what becomes of it."""

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeVar, cast

import anyio

from wsendpoints.lifecycle.loops import cancel_requests, is_asyncio, is_of_scope
from wsendpoints.protocol.close_codes import check_close_code
from wsendpoints.protocol.exceptions import Denied, InvalidStateError, WebSocketDisconnect

__all__ = [
    "AwaitedCancelledError",
    "Verdict",
    "add_context",
    "after_accept",
    "failed_wait",
    "holds_only",
    "is_group",
    "judge",
    "raise_replaced",
    "requested_close",
    "sole",
    "without",
]


E = TypeVar("E", bound=BaseException)


class Verdict(Enum):
    """What an exception that escapes from the application stands for."""

    DISCONNECT = "the peer disconnected"
    CANCELLED = "the task was cancelled from outside"
    FAILURE = "the application failed"


class AwaitedCancelledError(RuntimeError):
    """The application awaited a future, or a task, that somebody else cancelled."""


def failed_wait(exc: BaseException) -> AwaitedCancelledError | None:
    """Return the failure that a `CancelledError` stands for in a task that nobody cancels.

    It comes from what was awaited then. Raised on as it is, servers would take it for a
    cancellation that they asked for, and say nothing of it.

    To be asked before a task group ends: anyio's (4.16) may take back a cancellation that was not
    its own, as it ends.

    Returns:
        `None` if the task is being cancelled, and for any other exception.
    """
    if not isinstance(exc, asyncio.CancelledError) or not is_asyncio():
        return None
    task = asyncio.current_task()
    if task is None or task.cancelling():
        return None
    failure = AwaitedCancelledError(
        "what was awaited was cancelled, and the task that awaited it was not"
    )
    failure.__cause__ = failure.__context__ = exc
    return failure


def raise_replaced(exc: BaseException) -> None:
    """Raise the cancellation that an exception took the place of, before the exception is dropped.

    It was raised while that was on its way, in a `finally`, say. asyncio raises a native
    cancellation once, so whoever cancelled this task would wait in vain. It does nothing about a
    cancellation that has come to its end: one that was taken back, as by `asyncio.timeout`, and
    one of a scope, which comes again as long as the scope is cancelled.

    Raises:
        asyncio.CancelledError: The cancellation.
    """
    if not cancel_requests():
        return
    replaced: BaseException | None = None
    try:
        for replaced in _chain(exc):
            if isinstance(replaced, asyncio.CancelledError):
                if not is_of_scope(replaced):
                    raise replaced
            elif isinstance(replaced, TimeoutError) and replaced.__cause__ is replaced.__context__:
                return
    finally:
        # They hold this frame: without these references it is no cycle.
        del exc, replaced


def add_context(exc: BaseException, replaced: BaseException) -> None:
    """Note that an exception took the place of another one, as Python does where it sees that."""
    chain = _chain(exc)
    if all(other is not replaced for other in chain):
        chain[-1].__context__ = replaced


def _chain(exc: BaseException) -> list[BaseException]:
    """Return an exception, the one that it took the place of, and so on."""
    chain = {id(exc): exc}
    following = exc.__context__
    while following is not None and id(following) not in chain:
        chain[id(following)] = following
        following = following.__context__
    return [*chain.values()]


def judge(exc: BaseException) -> tuple[Verdict, BaseException]:
    """Return what an exception stands for, and the exception to raise on.

    The disconnects in an exception group count for nothing. A group that then holds one
    exception stands for that one, so that a failure in a task surfaces as what it was.
    """
    leaves = [leaf for leaf in _leaves(exc) if not isinstance(leaf, WebSocketDisconnect)]
    if not leaves:
        return Verdict.DISCONNECT, exc
    cancelled = anyio.get_cancelled_exc_class()
    if all(isinstance(leaf, cancelled) for leaf in leaves):
        return Verdict.CANCELLED, exc
    return Verdict.FAILURE, leaves[0] if len(leaves) == 1 else exc


def holds_only(exc: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether an exception is of one of some kinds, or a group that holds nothing else.

    A `GeneratorExit` in a group counts for nothing: it comes of an async generator that was closed
    while it waited at a `yield` within a task group.
    """
    return all(
        isinstance(leaf, kinds) or (isinstance(leaf, GeneratorExit) and leaf is not exc)
        for leaf in _leaves(exc)
    )


def sole(exc: BaseException, kind: type[E]) -> E | None:
    """Return the one exception of a kind that an exception is, or that a group holds alone.

    A handler's task group raises what a task of it raises in a group.
    """
    leaves = _leaves(exc)
    return leaves[0] if len(leaves) == 1 and isinstance(leaves[0], kind) else None


def is_group(exc: BaseException) -> bool:
    """Whether an exception is a group of exceptions."""
    return isinstance(exc, BaseExceptionGroup)


def without(exc: BaseException, kind: type[BaseException]) -> BaseException | None:
    """Return an exception without those of some kind in it, if it is a group.

    Returns:
        `None` if the group holds no others.
    """
    if not isinstance(exc, BaseExceptionGroup):
        return exc
    return cast("BaseExceptionGroup[BaseException]", exc).split(kind)[1]


def _leaves(exc: BaseException) -> Sequence[BaseException]:
    if not isinstance(exc, BaseExceptionGroup):
        return [exc]
    parts = cast("BaseExceptionGroup[BaseException]", exc).exceptions
    return [leaf for part in parts for leaf in _leaves(part)]


def requested_close(exc: BaseException) -> tuple[int, str] | None:
    """Return the close code and reason that Starlette's or FastAPI's `WebSocketException` asks for.

    It is how their users close a connection from anywhere. Raised on to the framework it would
    send a second close, which is no legal event.

    Returns:
        `None` for any other exception, and for a code that may not be sent. A reason that is no
        str is left out.
    """
    if not _is_starlettes(exc, "WebSocketException"):
        return None
    asked: Any = exc
    try:
        code = check_close_code(asked.code)
    except ValueError:
        return None
    return code, asked.reason if isinstance(asked.reason, str) else ""


def after_accept(failure: BaseException) -> BaseException:
    """Return what to raise of a failure once the connection was accepted.

    It is the failure itself, unless that asks for a response to the handshake, which can't be sent
    any more. Of those, Starlette and FastAPI would answer their `HTTPException` even so: the
    server would log a second error.
    """
    if isinstance(failure, Denied):
        advice = "raise it in on_connect before the accept, or call `websocket.close`"
    elif _is_starlettes(failure, "HTTPException"):
        advice = "call `websocket.close`, or raise WebSocketException"
    else:
        return failure
    error = InvalidStateError(
        f"{type(failure).__name__} was raised once the connection was accepted, when no response "
        f"can be sent any more: {advice}"
    )
    error.__cause__ = failure
    return error


def _is_starlettes(exc: BaseException, name: str) -> bool:
    return ("starlette.exceptions", name) in {
        (klass.__module__, klass.__name__) for klass in type(exc).__mro__
    }
