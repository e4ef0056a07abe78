"""Opens a connection to an app, and ends it with whatever went wrong in between."""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn

import anyio

from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.protocol.headers import HeadersLike
from wsendpoints.testing.client import Client
from wsendpoints.testing.dialects import Dialect, ServerName
from wsendpoints.testing.encodings import Encoding, Messages
from wsendpoints.testing.errors import ConnectionEndedError, HandshakeDenied, UnexpectedEventError
from wsendpoints.testing.measured import DIALECTS
from wsendpoints.testing.problems import add_problems, raise_problems
from wsendpoints.testing.scopes import build_scope
from wsendpoints.testing.server import Server

__all__ = ["connect"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True


@asynccontextmanager
async def connect(
    app: ASGIApp,
    path: str = "/",
    *,
    headers: HeadersLike | None = None,
    subprotocols: Iterable[str] = (),
    encoding: Encoding = "json",
    scope: Mapping[str, Any] | None = None,
    timeout: float = 1.0,  # noqa: ASYNC109 - the limit of each wait, not of the connection
    server: ServerName | Dialect = Dialect(),  # noqa: B008 - immutable
    swallow_sends: bool = False,
    lasting_tasks: Collection[str] = (),
) -> AsyncGenerator[Client]:
    """Connect a client to `app`, on the event loop that runs the test.

    The app runs in a task of its own. Entering waits until it has accepted. Leaving disconnects
    with 1000 if the connection is still open, waits for the app to end, and raises what went
    wrong with it and was not raised before: its own exception, the same object and never in a
    group, an event that it should not have sent, or the tasks that still run. If the test failed
    itself, its exception goes on, with those as notes, unless it failed because something else came
    than what it awaited: the app's own exception tells more, and is raised behind that one.

    Any number of clients may be connected at once, entered and exited in any order and from any
    task of one event loop: in a fixture, say, which exits when the test is over.

    Args:
        app: An ASGI application.
        path: The path that the client asks for, with its query.
        headers: Headers of the handshake. There is no `Origin` by default, as this is not a
            browser.
        subprotocols: What the client offers, in its order of preference.
        encoding: What `send` makes of a message, and `receive` takes for one: `"json"`,
            `"msgpack"`, or a `Codec`.
        scope: Keys of the scope that replace those which the server would set.
        timeout: The limit of each wait, of entering and of leaving, in seconds; `math.inf` waits
            for ever.
        server: The server to play, by its name, or how it behaves where servers differ; by
            default as the ASGI specification asks for.
        swallow_sends: Whether the app's `send` returns silently after the client disconnected,
            instead of raising `OSError`: short for `Dialect(send_after_disconnect="silent")`.
        lasting_tasks: Tasks that the app starts and that outlive the connection, such as one that
            fills a cache: each by its name, or by the qualified name of its coroutine. They are
            neither cancelled nor blamed.

    Raises:
        ValueError: If no server of that name was measured, or a header is not latin-1.
        TypeError: If a header is made of something other than str or bytes.
        InvalidStateError: In each use of the client, if that is on another event loop.
        HandshakeDenied: If the app refuses the connection, or returns without an answer.
        UnexpectedEventError: If the app does not answer in time.
        IllegalEventError: On leaving, if the app sent what the ASGI spec does not allow.
        AppStillRunningError: On leaving, if the app did not end in time.
        LeftoverTasksError: On leaving, if tasks that the app started are still running. Only
            asyncio lets that happen.
    """
    dialect = server if isinstance(server, Dialect) else _dialect_of(server)
    if swallow_sends:
        dialect = replace(dialect, send_after_disconnect="silent", send_once_received="same")
    played = Server(
        app,
        build_scope(
            path,
            headers=headers,
            subprotocols=subprotocols,
            dialect=dialect,
            overrides=scope,
        ),
        dialect,
        lasting_tasks,
    )
    played.start()
    try:
        await _shake_hands(played, timeout)
        yield Client(played, timeout, Messages(encoding))
    except BaseException as exc:
        await played.stop(timeout)
        failure = played.take_error() if isinstance(exc, _CONSEQUENCES) else None
        if failure is None:
            add_problems(exc, played.take_problem)
            raise
        add_problems(failure, played.take_problem)
        _raise_behind(failure, exc)
    await played.stop(timeout)
    raise_problems(played.take_problem)


_CONSEQUENCES: Final = (UnexpectedEventError, ConnectionEndedError)
"""What a test fails with where the app has failed before."""


def _raise_behind(failure: BaseException, exc: BaseException) -> NoReturn:
    """Raise a failure so that a traceback shows another exception before it, and its own causes."""
    context = failure.__context__
    first = failure
    while (earlier := first.__cause__ or first.__context__) is not None:
        first = earlier
    try:
        raise failure
    finally:
        # To raise it has put `exc` in the place of its own context.
        failure.__context__ = context
        first.__context__ = exc


def _dialect_of(server: ServerName) -> Dialect:
    if server not in DIALECTS:
        names = ", ".join(map(repr, DIALECTS))
        raise ValueError(f"server={server!r}: use a Dialect, or one of {names}")
    return DIALECTS[server]


async def _shake_hands(server: Server, timeout: float) -> None:  # noqa: ASYNC109 - see above
    with anyio.move_on_after(timeout):
        await server.wait_for(
            lambda: server.accepted is not None or server.denied is not None or server.has_ended
        )
    if server.accepted is not None:
        return
    if server.denied is None and not server.has_ended:
        raise UnexpectedEventError(
            "the app's answer to the handshake", f"nothing came within {timeout:g} s"
        )
    # What the app raised tells more than the status that follows from it.
    await server.stop(timeout)
    raise_problems(server.take_problem)
    if server.denied is not None:
        raise server.denied
    # No answer, or half of one.
    if (status := server.dialect.return_status) is None:
        raise UnexpectedEventError(
            "the app's answer to the handshake",
            f"it returned without one, and {server.dialect.name or 'the server'} "
            "leaves the client waiting",
        )
    raise HandshakeDenied(status)
