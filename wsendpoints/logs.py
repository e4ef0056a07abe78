"""The connection in each line that an application logs while it is served.

The lines of this library have it anyway. A context variable has it for all others, which a
connection would pay for that logs nothing, so it is set behind a middleware alone.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, Final, final

from wsendpoints.lifecycle.hooks import fields_of
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["ConnectionFilter", "ConnectionLogMiddleware"]

_FIELDS: Final[ContextVar[Mapping[str, object]]] = ContextVar("wsendpoints_log_fields")


@final
class ConnectionLogMiddleware:
    """Has `ConnectionFilter` know which connection is served, for all endpoints behind it.

    It is an ASGI middleware, for `add_middleware` of a framework too.

    Args:
        app: An ASGI application.

    Attributes:
        app: As given.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, or whatever else is asked for."""
        if scope["type"] == "websocket":
            # Not in place: it is the server's.
            scope = {**scope, WATCHED: (*scope.get(WATCHED, ()), _serving)}
        await self.app(scope, receive, send)


@contextmanager
def _serving(endpoint: Any) -> Generator[None]:
    token: Token[Mapping[str, object]] | None = _FIELDS.set(fields_of(endpoint))
    try:
        yield
    except GeneratorExit:
        # It was closed: the event loop is gone, and with it the context.
        token = None
        raise
    finally:
        if token is not None:
            _FIELDS.reset(token)


@final
class ConnectionFilter(logging.Filter):
    """Gives log records the fields `connection_id`, `endpoint` and `path` of the connection.

    ```python
    handler.addFilter(ConnectionFilter())
    ```

    Put it on a handler, so that it sees the records of all loggers. A record has the fields if it
    was made by a hook or a handler of an endpoint, or by a task or a thread that such a one
    started, behind a `ConnectionLogMiddleware`. A record that has a field of that name keeps it;
    one of nothing that is served has none. It lets every record pass.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Give a record the fields; return True."""
        for name, value in _FIELDS.get({}).items():
            vars(record).setdefault(name, value)
        return True
