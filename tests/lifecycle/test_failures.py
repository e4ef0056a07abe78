"""What an exception stands for, and which one is raised on."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import fastapi
import pytest
import starlette.exceptions
from fastapi import WebSocketException as FastAPIException
from starlette.exceptions import WebSocketException

from tests.clocks import VIRTUAL_ASYNCIO
from wsendpoints.lifecycle.failures import (
    Verdict,
    add_context,
    after_accept,
    failed_wait,
    holds_only,
    is_group,
    judge,
    raise_replaced,
    requested_close,
    sole,
    without,
)
from wsendpoints.protocol.exceptions import Denied, InvalidStateError, WebSocketDisconnect

pytestmark = pytest.mark.anyio

FAILURE = ValueError("failed")
NO_STR: Any = 5
OTHER = KeyError("failed as well")
DISCONNECTED = WebSocketDisconnect(1006)


def group(*parts: BaseException) -> BaseException:
    """Return an exception group."""
    return BaseExceptionGroup("together", parts)


async def cancelled() -> BaseException:
    """Return the exception by which the event loop cancels."""
    caught: list[BaseException] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            caught.append(exc)
            raise
    return caught[0]


@pytest.mark.parametrize(
    "exc",
    [
        DISCONNECTED,
        group(DISCONNECTED),
        group(DISCONNECTED, WebSocketDisconnect()),
        group(group(DISCONNECTED), group(DISCONNECTED)),
    ],
    ids=["alone", "in a group", "two of them", "nested"],
)
async def test_f17_disconnects_alone_are_a_disconnect(exc: BaseException) -> None:
    """However many there are, and however deep."""
    assert judge(exc) == (Verdict.DISCONNECT, exc)


async def test_f17_cancellations_alone_are_a_cancellation() -> None:
    """They are raised on as they came, in their groups."""
    one = await cancelled()
    for exc in (one, group(one), group(one, one), group(group(one), DISCONNECTED)):
        assert judge(exc) == (Verdict.CANCELLED, exc)


@pytest.mark.parametrize(
    "exc",
    [
        FAILURE,
        group(FAILURE),
        group(group(FAILURE)),
        group(DISCONNECTED, FAILURE),
        group(group(DISCONNECTED), group(FAILURE)),
    ],
    ids=["alone", "in a group", "nested", "beside a disconnect", "beside one in a group"],
)
async def test_f17_one_failure_is_raised_on_as_it_was(exc: BaseException) -> None:
    """The very object, out of its groups, whatever disconnects stand beside it."""
    verdict, failure = judge(exc)
    assert verdict is Verdict.FAILURE
    assert failure is FAILURE


@pytest.mark.parametrize(
    "exc",
    [
        group(FAILURE, OTHER),
        group(FAILURE, DISCONNECTED, OTHER),
        group(group(FAILURE), group(OTHER)),
    ],
    ids=["two", "beside a disconnect", "nested"],
)
async def test_f17_several_failures_stay_a_group(exc: BaseException) -> None:
    """None of them is lost."""
    assert judge(exc) == (Verdict.FAILURE, exc)


@pytest.mark.parametrize("klass", [KeyboardInterrupt, SystemExit, GeneratorExit])
async def test_f32_what_ends_the_process_is_a_failure(klass: type[BaseException]) -> None:
    """It goes on to the server, out of its group."""
    exc = klass()
    assert judge(exc) == (Verdict.FAILURE, exc)
    assert judge(group(DISCONNECTED, exc)) == (Verdict.FAILURE, exc)


async def test_a_failure_beside_a_cancellation_is_a_failure() -> None:
    """The group is raised on, since the cancellation must not be lost."""
    exc = group(await cancelled(), FAILURE)
    assert judge(exc) == (Verdict.FAILURE, exc)


# What a group holds.

CLOSED = GeneratorExit()


@pytest.mark.parametrize(
    ("exc", "is_so"),
    [
        pytest.param(DISCONNECTED, True, id="alone"),
        pytest.param(FAILURE, False, id="another alone"),
        pytest.param(group(DISCONNECTED, group(DISCONNECTED)), True, id="in groups"),
        pytest.param(group(DISCONNECTED, FAILURE), False, id="beside another"),
        pytest.param(group(DISCONNECTED, group(FAILURE)), False, id="beside another in a group"),
        pytest.param(group(DISCONNECTED, CLOSED), True, id="beside a closed generator"),
        pytest.param(group(group(CLOSED), FAILURE), False, id="another beside a closed generator"),
        pytest.param(CLOSED, False, id="a closed generator"),
    ],
)
def test_group_counts_as_what_it_holds(exc: BaseException, is_so: bool) -> None:
    """All of it must be of the kind; only a `GeneratorExit` in a group is not counted."""
    assert holds_only(exc, WebSocketDisconnect) is is_so


def test_group_may_hold_several_kinds() -> None:
    """Each exception is of one of those that are asked for."""
    exc = group(FAILURE, group(OTHER))
    assert holds_only(exc, ValueError, KeyError)
    assert not holds_only(exc, ValueError)


@pytest.mark.parametrize(
    ("exc", "is_so"),
    [
        pytest.param(ExceptionGroup("", [FAILURE]), True, id="of exceptions"),
        pytest.param(group(CLOSED), True, id="of base exceptions"),
        pytest.param(FAILURE, False, id="none"),
    ],
)
def test_group_is_told_from_what_it_holds(exc: BaseException, is_so: bool) -> None:
    """Both kinds of groups are groups."""
    assert is_group(exc) is is_so


def test_group_without_a_kind_keeps_the_others() -> None:
    """In their groups; the kind is taken out of each."""
    remaining: Any = without(group(CLOSED, group(CLOSED, FAILURE), OTHER), GeneratorExit)
    inner, other = remaining.exceptions
    assert inner.exceptions == (FAILURE,)
    assert other is OTHER


def test_group_without_all_that_it_holds_is_none() -> None:
    """However deep they are."""
    assert without(group(CLOSED, group(CLOSED)), GeneratorExit) is None


@pytest.mark.parametrize("exc", [FAILURE, CLOSED], ids=repr)
def test_exception_that_is_no_group_stays(exc: BaseException) -> None:
    """Also if it is of that kind."""
    assert without(exc, GeneratorExit) is exc


@pytest.mark.parametrize(
    ("exc", "asked"),
    [
        pytest.param(WebSocketException(1008, "no"), (1008, "no"), id="Starlette's"),
        pytest.param(WebSocketException(4001), (4001, ""), id="without a reason"),
        pytest.param(FastAPIException(1008), (1008, ""), id="FastAPI's"),
        pytest.param(WebSocketException(1005), None, id="a code that may not be sent"),
        pytest.param(WebSocketException(1008, NO_STR), (1008, ""), id="a reason that is no str"),
        pytest.param(ValueError("x"), None, id="another"),
    ],
)
def test_a_framework_may_ask_for_a_close(exc: BaseException, asked: tuple[int, str] | None) -> None:
    """Its own exception says with which code and reason."""
    assert requested_close(exc) == asked


@VIRTUAL_ASYNCIO
async def test_l07_a_cancellation_of_what_was_awaited_is_a_failure() -> None:
    """Unless the task is being cancelled itself."""
    task = asyncio.current_task()
    assert task is not None
    exc = asyncio.CancelledError()
    failure = failed_wait(exc)
    assert failure is not None
    assert failure.__cause__ is exc
    assert str(failure) == "what was awaited was cancelled, and the task that awaited it was not"
    assert failed_wait(FAILURE) is None
    task.cancel()
    try:
        assert failed_wait(exc) is None
        await anyio.lowlevel.checkpoint()
    except asyncio.CancelledError:
        task.uncancel()
    assert failed_wait(exc) is not None


async def replaced_by(wait: Callable[[], Awaitable[object]]) -> Exception:
    """Return what is raised as a wait of the running task is cancelled."""
    task: Any = asyncio.current_task()
    asyncio.get_running_loop().call_soon(task.cancel)
    try:
        try:
            await wait()
        finally:
            raise LookupError
    except LookupError as exc:
        return exc


@VIRTUAL_ASYNCIO
async def test_replaced_cancellation_is_raised() -> None:
    """Until it is taken back."""
    exc = await replaced_by(partial(asyncio.sleep, 5))
    replaced = exc.__context__
    assert replaced is not None
    for raised in (exc, replaced):
        with pytest.raises(asyncio.CancelledError) as caught:
            raise_replaced(raised)
        assert caught.value is replaced
    task: Any = asyncio.current_task()
    task.uncancel()
    raise_replaced(exc)


async def sleep_natively() -> None:
    """Sleep until a timeout of asyncio's."""
    async with asyncio.timeout(1):
        await asyncio.sleep(5)


async def sleep_in_scope() -> None:
    """Sleep until a timeout of anyio's, that is told with the exception which it came from."""
    with anyio.CancelScope(deadline=anyio.current_time() + 1) as scope:
        try:
            await anyio.sleep(5)
        except asyncio.CancelledError as exc:
            raise LookupError from exc
    assert scope.cancel_called


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("wait", [sleep_natively, sleep_in_scope])
async def test_cancellation_that_came_to_its_end_is_not_raised(
    wait: Callable[[], Awaitable[object]],
) -> None:
    """Although this task was cancelled before, and went on."""
    with pytest.raises((TimeoutError, LookupError)) as caught:
        await wait()
    assert isinstance(caught.value.__context__, asyncio.CancelledError)
    task: Any = asyncio.current_task()
    await replaced_by(partial(asyncio.sleep, 5))
    assert task.cancelling()
    raise_replaced(caught.value)
    task.uncancel()


def test_context_is_added_behind_what_is_there() -> None:
    """Once, and exceptions that know each other make no endless chain."""
    failure, first, second = KeyError(), ValueError(), LookupError()
    add_context(failure, first)
    add_context(failure, second)
    for _ in range(2):
        assert failure.__context__ is first
        assert first.__context__ is second
        assert second.__context__ is None
        add_context(failure, first)
    second.__context__ = failure
    add_context(failure, first)
    assert second.__context__ is failure


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_l07_trio_cancels_by_scopes_alone() -> None:
    """There a `CancelledError` is an exception as any other, and a cancellation is one."""
    assert failed_wait(asyncio.CancelledError()) is None
    assert failed_wait(await cancelled()) is None


@pytest.mark.parametrize("klass", [starlette.exceptions.HTTPException, fastapi.HTTPException])
async def test_http_response_is_not_asked_for_after_the_accept(klass: type[Exception]) -> None:
    """The server's log shows the exception as the cause of one that no framework answers."""
    exc = klass(404)
    raised = after_accept(exc)
    assert isinstance(raised, InvalidStateError)
    assert raised.__cause__ is exc
    assert str(raised) == (
        "HTTPException was raised once the connection was accepted, when no response can be sent "
        "any more: call `websocket.close`, or raise WebSocketException"
    )


def test_denied_is_too_late_after_the_accept() -> None:
    """A connection can't be refused any more, but closed."""
    exc = Denied(401)
    raised = after_accept(exc)
    assert isinstance(raised, InvalidStateError)
    assert raised.__cause__ is exc
    assert str(raised) == (
        "Denied was raised once the connection was accepted, when no response can be sent any "
        "more: raise it in on_connect before the accept, or call `websocket.close`"
    )


@pytest.mark.parametrize("exc", [FAILURE, OTHER, WebSocketException(1008)], ids=repr)
async def test_all_else_is_raised_as_it_is_after_the_accept(exc: Exception) -> None:
    """It surfaces as what it was."""
    assert after_accept(exc) is exc


@pytest.mark.parametrize(
    ("exc", "found"),
    [
        pytest.param(FAILURE, FAILURE, id="itself"),
        pytest.param(group(group(FAILURE)), FAILURE, id="in groups"),
        pytest.param(OTHER, None, id="of another kind"),
        pytest.param(group(OTHER), None, id="a group of another kind"),
        pytest.param(group(FAILURE, OTHER), None, id="not alone"),
    ],
)
async def test_sole_exception_of_a_kind(exc: BaseException, found: BaseException | None) -> None:
    """A task group raises what one of its tasks raises in a group."""
    assert sole(exc, ValueError) is found
