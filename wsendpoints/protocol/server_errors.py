"""Which exceptions of a `send` are the server's, which can't reach the client any more.

All others come from what is between this library and the server: a middleware that failed. ASGI
spec, WebSocket, "Send": "If send is called on a closed connection the server should raise a
server-specific subclass of OSError." Some servers raise other exceptions, of classes of their
own, of their libraries, or of Python's most general ones.
"""

from types import TracebackType
from typing import Final, cast

from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["is_servers"]

_SERVERS: Final = (
    *("uvicorn", "hypercorn", "granian", "_granian", "daphne", "gunicorn"),
    # What they speak WebSocket and HTTP with.
    *("websockets", "wsproto", "h11", "h2", "autobahn", "twisted"),
    # What plays a server in tests.
    "wsendpoints.testing",
)

_STREAM_CLOSED: Final = frozenset({"BrokenResourceError", "ClosedResourceError"})
"""What anyio and trio raise for a stream that was closed at either end."""


def is_servers(exc: BaseException) -> bool:
    """Whether an exception that a `send` raised is the server's, or a group of such.

    It is if its class says so, or if it passed through code of the server: servers have mistakes,
    too, and show them when a client disconnects.
    """
    if isinstance(exc, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", exc)
        return all(map(is_servers, group.exceptions))
    # gunicorn and uvicorn's legacy implementation raise RuntimeError, autobahn Exception. Their
    # subclasses, such as RecursionError, tell of something else. `WebSocket.send` as a `send`
    # raises InvalidStateError if somebody else closed it.
    if isinstance(exc, OSError | InvalidStateError) or type(exc) in {RuntimeError, Exception}:
        return True
    return any(map(_is_of_server, type(exc).__mro__)) or _passed_a_server(exc.__traceback__)


def _is_of_server(klass: type) -> bool:
    name = klass.__name__
    # Starlette's and Litestar's WebSocketDisconnect, among others.
    return "Disconnect" in name or name in _STREAM_CLOSED or _is_in_server(klass.__module__)


def _passed_a_server(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        if _is_in_server(traceback.tb_frame.f_globals.get("__name__")):
            return True
        traceback = traceback.tb_next
    return False


def _is_in_server(module: object) -> bool:
    return isinstance(module, str) and any(
        module == server or module.startswith(f"{server}.") for server in _SERVERS
    )
