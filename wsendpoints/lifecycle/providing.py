"""What a handler takes besides its message: opened before each call, and closed after it.

A handler runs as if it were written within `async with` statements, one for each provider: what it
raises, and what ends it from outside, is raised at the `yield` of the provider that was opened
last, then, as that leaves it, at the one before.
"""

import functools
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeAlias, final

from anyio import (
    CancelScope,
    current_effective_deadline,
    current_time,
    get_cancelled_exc_class,
)

from wsendpoints.lifecycle.failures import holds_only, is_group
from wsendpoints.lifecycle.hooks import fields_of, name_of
from wsendpoints.lifecycle.replies import as_generator, awaiting_or_streaming, is_a
from wsendpoints.lifecycle.streaming import streaming
from wsendpoints.lifecycle.threads import blocking
from wsendpoints.messages.declaration import Handler, Stream
from wsendpoints.messages.exchange import Called
from wsendpoints.messages.providers import Plan, Provider
from wsendpoints.messages.wrapping import Kind
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["providing", "within"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_Function: TypeAlias = Callable[..., Any]

_Close: TypeAlias = Callable[[BaseException | None], Awaitable[BaseException | None]]
"""Closes what a provider opened. It is given what is being raised, and returns what is then."""


def providing(function: _Function, kind: Kind, plan: Plan) -> Handler:
    """Return the handler that opens what a method takes, and closes it in the end.

    Args:
        function: The method. It is called with the endpoint, the WebSocket and the message, and
            by name with what it takes.
        kind: What the call returns.
        plan: What is to be done around it.
    """
    if kind is Kind.STREAM:
        return streaming(_named(plan, function, _around_stream(function, plan)))
    if kind is Kind.EITHER:
        handler = _around_either(function, plan)
    else:
        called = blocking(function) if kind is Kind.NEITHER else function
        handler = _around_coroutine(called, plan)
    return _named(plan, function, handler)


def _named(plan: Plan, function: _Function, handler: _Function) -> _Function:
    """Give a handler the name of the method that it calls, which is told in the log."""
    functools.update_wrapper(handler, function, updated=())
    handler.__name__ = plan.name
    return handler


def _around_coroutine(function: _Function, plan: Plan) -> Handler:
    async def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        with CancelScope() as scope:
            async with _Opened(endpoint, scope) as opened:
                values = await opened.open(plan, websocket, data)
                return await function(endpoint, websocket, data, **values)
        return None

    return handler


def _around_stream(function: _Function, plan: Plan) -> Stream:
    """Return the generator that has the providers open as long as the one within runs.

    So they are closed by what ends a stream, which gives both of them the time to clean up.
    """

    def stream(endpoint: Any, websocket: Any, data: Any) -> AsyncGenerator[Any, None]:
        opened = _Opened(endpoint)

        async def begin() -> AsyncGenerator[Any, None]:
            values = await opened.open(plan, websocket, data)
            replies: AsyncGenerator[Any, None] = function(endpoint, websocket, data, **values)
            return replies

        return within(opened, begin)

    return stream


def _around_either(function: _Function, plan: Plan) -> Handler:
    """Return the handler for a method that shows only when it is called whether it is a stream.

    The providers are opened before that, and a stream runs within them, not around them. What
    cancels a stream, or closes it, gets no further than the stream: it is noted, and raised at the
    `yield` of the providers as well.
    """

    async def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        end = _End()
        ended: BaseException | None = None
        try:
            with CancelScope() as scope:
                async with _Opened(endpoint, scope) as opened:
                    values = await opened.open(plan, websocket, data)
                    call = functools.partial(_watched, end, function, values)
                    reply = await awaiting_or_streaming(call)(endpoint, websocket, data)
                    if (ended := end.exc) is None:
                        return reply
                    raise ended
        except BaseException as exc:
            # A task group around the `yield` of a provider puts it into a group.
            if ended is None or not (
                exc is ended or (is_group(exc) and holds_only(exc, type(ended)))
            ):
                raise
        finally:
            # An exception that is raised holds this frame: without these references it is no cycle.
            del ended
            end.exc = None
        return None

    return handler


def _watched(end: "_End", function: _Function, values: dict[str, Any], *arguments: Any) -> Any:
    """Call a method, and have it noted what ends the stream that it returns, if that is one."""
    reply = function(*arguments, **values)
    if is_a(reply, Awaitable):
        return _awaited(end, reply)
    return end.watch(reply) if is_a(reply, AsyncIterable) else reply


async def _awaited(end: "_End", awaitable: Awaitable[Any]) -> Any:
    reply = await awaitable
    return end.watch(reply) if is_a(reply, AsyncIterable) else reply


@final
class _End:
    """Notes the exception with which a stream ends."""

    __slots__ = ("exc",)

    def __init__(self) -> None:
        self.exc: BaseException | None = None

    def watch(self, replies: object) -> AsyncGenerator[Any, None]:
        """Return the generator of a stream's replies that notes its end."""

        async def begin() -> AsyncGenerator[Any, None]:
            return as_generator(replies)

        return within(self, begin)

    async def __aenter__(self) -> None:
        """Watch from now on."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.exc = exc


async def within(
    context: AbstractAsyncContextManager[Any],
    begin: Callable[[], Awaitable[AsyncGenerator[Any, None]]],
) -> AsyncGenerator[Any, None]:
    """Yield what a generator yields, with a context around it, and pass on what is raised here.

    `async for` would not pass that on.
    """
    async with context:
        replies = await begin()
        try:
            reply = await anext(replies)
            while True:
                try:
                    yield reply
                except GeneratorExit:
                    raise
                except BaseException as exc:  # noqa: BLE001 - raised within
                    reply = await replies.athrow(exc)
                else:
                    reply = await anext(replies)
        except StopAsyncIteration:
            return
        finally:
            await replies.aclose()


@final
class _Opened:
    """What was opened for one message.

    Args:
        endpoint: The endpoint that handles it.
        scope: The scope around it, if what closes in it is given time: where it is cancelled from
            outside by then, each wait would be cancelled at once.
    """

    __slots__ = ("_closes", "_endpoint", "_scope")

    def __init__(self, endpoint: Any, scope: CancelScope | None = None) -> None:
        self._endpoint = endpoint
        self._scope = scope
        self._closes: list[_Close] = []

    async def open(self, plan: Plan, websocket: Any, data: Any) -> dict[str, Any]:
        """Open each provider, after those that it takes, and return what the handler takes."""
        # With a dialect, the params of the call.
        values = {"websocket": websocket, "data": data.data if type(data) is Called else data}
        for provider in plan.opened:
            taken = {name: values[name] for name in provider.takes}
            values[provider.name] = await self._open(
                provider, provider.call(self._endpoint, **taken)
            )
        return {name: values[name] for name in plan.takes}

    async def _open(self, provider: Provider, made: Any) -> Any:
        if provider.kind is Kind.COROUTINE:
            return await made
        if provider.kind is Kind.EITHER:
            if is_a(made, AbstractAsyncContextManager):
                value = await made.__aenter__()
                self._closes.append(functools.partial(_close_context, made))
                return value
            if is_a(made, Awaitable):
                made = await made
                if not is_a(made, AsyncGenerator):
                    return made
            elif not is_a(made, AsyncGenerator):
                raise ConfigurationError(
                    f"{provider.where} returned {made!r}, which can't be awaited: make it an async "
                    "method"
                )
        try:
            value = await anext(made)
        except StopAsyncIteration:
            raise ConfigurationError(
                f"{provider.where} ended without a `yield`, so there is nothing that a handler "
                "could take: have each path through it yield once"
            ) from None
        self._closes.append(functools.partial(_close_generator, made, provider.where))
        return value

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        pending = exc
        context: BaseException | None = None
        try:
            self._give_time()
            while self._closes:
                pending = await self._closes.pop()(pending)
            if pending is not None and pending is not exc and self._is_cut(pending):
                # It hides nothing that was raised before.
                pending = pending if exc is None else exc
            if pending is exc or pending is None:
                return pending is not exc
            context = pending.__context__
            try:
                raise pending
            finally:
                # Python sets it to `exc`, which may have nothing to do with it any more.
                pending.__context__ = context
        finally:
            # The exception holds this frame: without these references it is no cycle.
            del pending, context, exc, traceback

    def _give_time(self) -> None:
        """Give what closes the time of a clean-up, if this is cancelled already."""
        scope = self._scope
        if scope is not None and self._closes and current_effective_deadline() == -math.inf:
            seconds = self._endpoint.limits.disconnect_timeout
            scope.deadline = math.inf if seconds is None else current_time() + seconds
            scope.shield = True

    def _is_cut(self, pending: BaseException) -> bool:
        """Whether an exception is of a clean-up that was cancelled because it took too long."""
        if self._scope is None or not self._scope.cancel_called:
            return False
        logger.warning(
            "%s: what closes after a handler took over %s s",
            name_of(self._endpoint),
            self._endpoint.limits.disconnect_timeout,
            extra=fields_of(self._endpoint),
        )
        return holds_only(pending, get_cancelled_exc_class())


async def _close_context(
    context: AbstractAsyncContextManager[Any], pending: BaseException | None
) -> BaseException | None:
    kind = None if pending is None else type(pending)
    traceback = None if pending is None else pending.__traceback__
    try:
        is_suppressed = await context.__aexit__(kind, pending, traceback)
    except BaseException as exc:  # noqa: BLE001 - raised in the end
        # Not in a variable: the exception holds this frame, so that would be a cycle.
        return exc
    else:
        return None if is_suppressed else pending
    finally:
        del traceback, pending


async def _close_generator(
    generator: AsyncGenerator[Any, None], where: str, pending: BaseException | None
) -> BaseException | None:
    """Run a provider from its `yield` to its end, as `contextlib.asynccontextmanager` does."""
    traceback = None if pending is None else pending.__traceback__
    try:
        if pending is None:
            await anext(generator)
        else:
            await generator.athrow(pending)
    except StopAsyncIteration as exc:
        return pending if exc is pending else None
    except BaseException as exc:  # noqa: BLE001 - raised in the end
        # A generator may not raise a `StopAsyncIteration`: Python puts it into a `RuntimeError`.
        is_wrapped = isinstance(pending, StopAsyncIteration) and exc.__cause__ is pending
        if pending is None or not (exc is pending or is_wrapped):
            # Not in a variable: the exception holds this frame, so that would be a cycle.
            return exc
        pending.__traceback__ = traceback
        return pending
    else:
        return await _close_second(generator, where, pending)
    finally:
        # Its traceback leads here, by way of the generator.
        del traceback, pending


async def _close_second(
    generator: AsyncGenerator[Any, None], where: str, pending: BaseException | None
) -> BaseException:
    """Close a provider that goes on behind its `yield`, and return what is wrong with that."""
    error = ConfigurationError(
        f"{where} has a second `yield`, behind which nothing would run: have each path through it "
        "yield once"
    )
    error.__context__ = pending
    try:
        await generator.aclose()
    except BaseException as exc:  # noqa: BLE001 - raised in the end
        return exc
    else:
        return error
    finally:
        del pending, error
