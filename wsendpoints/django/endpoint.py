"""`DjangoEndpoint`: an endpoint with Django's user and session, and its database."""

import functools
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from types import FunctionType
from typing import Any, ClassVar, Final, Generic, TypeVarTuple, Unpack

from typing_extensions import TypeVar, override

from wsendpoints.connection.websocket import WebSocket
from wsendpoints.django.hosts import refused_host, trusted_origin
from wsendpoints.django.identity import aget_user, get_session
from wsendpoints.django.work import Work, closing_connections
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.handshake.origins import Origins
from wsendpoints.lifecycle.functions import check_awaitable, check_function
from wsendpoints.lifecycle.providing import within
from wsendpoints.lifecycle.replies import as_generator, is_a
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.messages.methods import find, names_of_marked
from wsendpoints.messages.wrapping import Kind, kind_of
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.protocol.exceptions import Denied
from wsendpoints.providing import provides

__all__ = ["DjangoEndpoint"]

logger: logging.Logger = logging.getLogger("wsendpoints")

M = TypeVar("M", default=Any)
Ts = TypeVarTuple("Ts")

_HOOKS: Final = ("on_disconnect", "on_invalid", "on_error", "on_gap")

_WITHIN: Final = "__wsendpoints_django__"
"""Marks what is wrapped already."""


class DjangoEndpoint(WebSocketEndpoint[M], Generic[M]):
    """An endpoint of a Django project.

    ```python
    class Chat(DjangoEndpoint[Said]):
        encoding = "json"
        login_required = True

        async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
            line = await Line.objects.acreate(author=self.user, text=data.text)
            return Said(name=self.user.get_username(), text=line.text)
    ```

    Before `on_connect` is called it has looked at the host, which has to be among `ALLOWED_HOSTS`,
    and knows the user. Pages of the same origin may connect, and those of `CSRF_TRUSTED_ORIGINS`,
    unless `allowed_origins` is set.

    Each call of a handler, or of a hook, is for Django what a request is: the ORM works in a thread
    of its own, by `sync_to_async`, and the connections to the database that it opened are closed in
    the end. So it is with a stream and a task of `start_soon` or `stream`, which have theirs as
    long as they run, and make one that broke anew. A handler that is a plain function runs in a
    thread of anyio's, where connections that broke, or have been open for `CONN_MAX_AGE`, are
    closed before and after it.

    It runs on asyncio alone, as Django does.

    Attributes:
        user: The user, or an `AnonymousUser`, as of when it connected; as `as_asgi(user=...)` says,
            if it does.
        session: The session; see `get_session`.
        login_required: Whether a client whose user is not logged in is refused with 403.
    """

    user: Any
    session: Any
    login_required: ClassVar[bool] = False
    allowed_origins: Origins = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Have the hooks, and plain functions, leave no connection to the database."""
        _wrap(cls, "on_connect", _identified)
        for name in _HOOKS:
            hook = find(cls, name)[1]
            if type(hook) is FunctionType and hook is not getattr(WebSocketEndpoint, name):
                _wrap(cls, name, _within_work)
        for name in names_of_marked(cls):
            handler = find(cls, name)[1]
            if type(handler) is FunctionType and kind_of(handler) is Kind.NEITHER:
                _wrap(cls, name, closing_connections)
        super().__init_subclass__(**kwargs)

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        if self.allowed_origins is None and (origin := trusted_origin(self.websocket)) is not None:
            self.allowed_origins = [origin]

    @override
    def start_soon(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], *args: *Ts) -> TaskHandle:
        check_function(func)
        return super().start_soon(_apart(func), *args)

    @override
    def stream(self, replies: AsyncIterable[M]) -> TaskHandle:
        if not is_a(replies, AsyncIterable):
            return super().stream(replies)

        async def begin() -> AsyncGenerator[M, None]:
            return as_generator(replies)

        return super().stream(within(Work(is_apart=True), begin))

    @provides(always=True)
    async def _wsendpoints_work(self) -> AsyncIterator[None]:
        async with Work():
            yield


async def _identify(endpoint: DjangoEndpoint[Any], websocket: WebSocket) -> None:
    """Know who a client is, and refuse it if it may not connect.

    Raises:
        Denied: It may not.
    """
    name = type(endpoint).__qualname__
    if (host := refused_host(websocket)) is not None:
        logger.warning("%s: to allow the host %r add it to ALLOWED_HOSTS", name, host[:100])
        raise Denied(400)
    if not hasattr(endpoint, "session"):
        endpoint.session = get_session(websocket)
    if not hasattr(endpoint, "user"):
        endpoint.user = await aget_user(websocket)
    if endpoint.login_required and not endpoint.user.is_authenticated:
        logger.info("%s: a client that is not logged in is refused", name)
        raise Denied(403)


def _identified(on_connect: Any) -> Callable[..., Awaitable[None]]:
    @functools.wraps(on_connect)
    async def call(self: DjangoEndpoint[Any], websocket: WebSocket) -> None:
        async with Work():
            await _identify(self, websocket)
            # A decorator may have made something else of it than a function.
            is_bound = hasattr(on_connect, "__get__")
            bound = on_connect.__get__(self, type(self)) if is_bound else on_connect
            await bound(websocket)

    return call


def _within_work(hook: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(hook)
    async def call(*args: Any, **kwargs: Any) -> Any:
        async with Work():
            return await hook(*args, **kwargs)

    return call


def _apart(func: Callable[[Unpack[Ts]], Awaitable[Any]]) -> Callable[[Unpack[Ts]], Awaitable[Any]]:
    @functools.wraps(func)
    async def call(*args: *Ts) -> None:
        async with Work(is_apart=True):
            await check_awaitable(func(*args), func)

    return call


def _wrap(cls: type, name: str, wrap: Callable[[Any], Any]) -> None:
    """Have a method of a class wrapped, unless it is already, as that of a class above is."""
    method = find(cls, name)[1]
    # One that is not async is refused when the class is compiled.
    is_refused = name.startswith("on_") and kind_of(method) is Kind.NEITHER
    # Not `hasattr`: a mock has every attribute.
    if not is_refused and inspect.getattr_static(method, _WITHIN, None) is None:
        wrapped = wrap(method)
        setattr(wrapped, _WITHIN, True)
        setattr(cls, name, wrapped)
