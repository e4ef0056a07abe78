"""`connect`: makes a client of an endpoint class."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias, TypeVar

import anyio

from wsendpoints.client.address import GetToken, Positions, Query, Target
from wsendpoints.client.client import Client
from wsendpoints.client.errors import ClosedError
from wsendpoints.client.link import Backoff, Link
from wsendpoints.client.session import Hello, Session
from wsendpoints.client.socket import Close, Open
from wsendpoints.client.speech import Speech
from wsendpoints.contract.comebacks import Comeback, comeback_after, comeback_of
from wsendpoints.contract.describing import describe
from wsendpoints.contract.description import Description
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.handshake.credentials import Credential
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Transport", "connect"]

M = TypeVar("M")

Transport: TypeAlias = Literal["websockets", "httpx-ws"]
"""The library that makes connections."""

_MODULES: Final[Mapping[Transport, str]] = {
    "websockets": "wsendpoints.client.over_websockets",
    "httpx-ws": "wsendpoints.client.over_httpx_ws",
}

_NORMAL: Final = Close(CloseCode.NORMAL_CLOSURE)


@asynccontextmanager
async def connect(
    endpoint_class: type[WebSocketEndpoint[M]],
    url: str,
    *,
    params: Mapping[str, Any] | None = None,
    query: Query | None = None,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] | None = None,
    get_token: GetToken | None = None,
    hello: Hello | None = None,
    positions: Positions | None = None,
    reconnect: bool | Backoff = True,
    queue: int = 1000,
    transport: Transport | Open | None = None,
) -> AsyncGenerator[Client[M]]:
    """Connect to an endpoint, and return its client.

    ```python
    async with connect(Chat, "ws://localhost:8000/chat") as client:
        await client.send(Say(text="hello"))
        async for message in client:
            print(message)
    ```

    Entering waits for the first connection, as long as it takes; `anyio.fail_after` around it
    limits that. When the connection is lost, the client comes back by itself: after a random part
    of a time that doubles, at most once in a second, and only where the close code says that it
    may. Leaving closes with 1000, and waits for all that was started.

    Args:
        endpoint_class: The class. Its messages are what the client sends and gets.
        url: Where it is, with parameters of the path in braces.
        params: The values of these.
        query: Parameters of the query; or a function that returns them for each connection, given
            the positions in groups with a history that the client has: for a server that has it
            join after these.
        headers: Further headers of the handshake.
        subprotocols: Those that the client offers: by default, all of the class.
        get_token: Returns what tells who the client is, for each connection. It goes where the
            class's `security` says first, and without one into `Authorization: Bearer`.
        hello: Returns messages that are sent first on each connection, given the positions.
        positions: The positions to begin with.
        reconnect: Whether the client comes back, or how.
        queue: How many messages may wait: to be sent while there is no connection, and, apart from
            these, to be taken.
        transport: The library that makes connections: by default websockets on asyncio, and
            httpx-ws on trio. Or what makes them, such as
            `partial(over_websockets.open_socket, ssl=context)`.

    Raises:
        ConfigurationError: The class can't be served, has a `dialect`, or has messages that can't
            be read; or the library is not installed.
        ValueError: The URL is none, or parameters are missing.
        ClosedError: The server refused the client for good.
    """
    cls: Any = endpoint_class
    description = _description(cls)
    declaration: Declaration = cls._check_servable()
    target = Target(
        url,
        params or {},
        query or {},
        headers or {},
        description.subprotocols if subprotocols is None else subprotocols,
        get_token,
        next(iter(description.security), Credential("bearer")),
    )
    open_socket = transport if callable(transport) else _open_of(transport)
    backoff = Backoff() if reconnect is True else reconnect or None
    try:
        async with anyio.create_task_group() as tasks:
            speaking = _speaking(declaration, description)
            session = Session(speaking, hello, queue, positions or {}, tasks)
            link = Link(open_socket, target, _comebacks(description), backoff, session)
            tasks.start_soon(link.run)
            try:
                await session.ready.wait()
                if session.close is not None:
                    raise ClosedError(*session.close)
                yield Client(session, link.close)
            finally:
                with anyio.CancelScope(shield=True):
                    await link.close(_NORMAL)
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        failure = _only(group)
        if failure is None:
            raise
    else:
        return
    # What the application raised, as it was.
    raise failure


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    return group.exceptions[0] if len(group.exceptions) == 1 else None


def _check(cls: object) -> None:
    if not (isinstance(cls, type) and issubclass(cls, WebSocketEndpoint)):
        raise ConfigurationError(f"connect({cls!r}, ...): use a subclass of WebSocketEndpoint")


def _description(cls: Any) -> Description:
    _check(cls)
    description = describe(cls)
    if description.dialect is not None:
        raise ConfigurationError(
            f"connect({description.name}, ...): it has a dialect: use a client of that protocol"
        )
    return description


def _open_of(transport: Transport | None) -> Open:
    if transport is None:
        transport = "websockets" if is_asyncio() else "httpx-ws"
    if transport not in _MODULES:
        used = " or ".join(f'"{it}"' for it in _MODULES)
        raise ConfigurationError(f"connect(..., transport={transport!r}): use {used}")
    try:
        open_socket: Open = import_module(_MODULES[transport]).open_socket
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"connect() needs {transport} here: install wsendpoints[client]"
        ) from exc
    return open_socket


def _speaking(declaration: Declaration, description: Description) -> Callable[[str | None], Speech]:
    """Return what compiles how messages are written with a subprotocol, once for each."""
    known: dict[int, Speech] = {}

    def speaking(subprotocol: str | None) -> Speech:
        spoken = declaration.speaking(subprotocol)
        # Several subprotocols may be spoken alike.
        if id(spoken) not in known:
            known[id(spoken)] = Speech(spoken, description)
        return known[id(spoken)]

    return speaking


def _comebacks(description: Description) -> Callable[[int], Comeback]:
    known: dict[int, Comeback] = {it.code: comeback_of(it) for it in description.closings}

    def comeback(code: int) -> Comeback:
        return known[code] if code in known else comeback_after(code)

    return comeback
