"""Plays a fault to an endpoint, and checks what holds for every fault.

Dispatch ends; no task, slot, timer or reference to the connection survives; only legal events
were sent; `on_disconnect` ran once if accept was sent, and never otherwise; nothing that the peer
sent is in the log; what is logged is one line of the level that the row says.
"""

import asyncio
import gc
import logging
import math
import weakref
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar, Final, TypeVar, cast

import anyio
import pytest
import sniffio
import trio
from anyio.lowlevel import cancel_shielded_checkpoint

from tests.fake_server import FakeServer
from tests.recording import Recording
from wsendpoints import WebSocket
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import Client, Dialect, HandshakeDenied, IllegalEventError, connect
from wsendpoints.testing.referee import Referee

__all__ = [
    "MARKER",
    "SOON",
    "Echo",
    "Noting",
    "derive",
    "fails_at_once",
    "make_scope",
    "play",
    "refused",
    "serve",
    "surfacing",
    "tap_app",
    "watch",
]

MARKER: Final = "MARKER-7f3a"
"""Part of all that the peer sends, so that it would be found in the log."""

SOON: Final = 0.5
"""Seconds of a limit that a test waits for, on an event loop of `tests.clocks`.

The test client gives up after a second.
"""

N = TypeVar("N", bound="Noting")

_HANDSHAKE_PATH: Final = f"/{MARKER}?query={MARKER}"
_HANDSHAKE_HEADERS: Final = {"x-header": MARKER, "cookie": f"name={MARKER}"}


class Noting(Recording):
    """Records its hooks, the events that it sends, and what is logged meanwhile.

    Attributes:
        log: Its hooks: `"connect"`, `"invalid"`, and the code of `on_disconnect`.
        sent: The events that the server's `send` was called with.
        illegal: The referee's objections to them.
        records: All log records, of this library and of others.
        references: To each instance, and to its WebSocket.
    """

    sent: ClassVar[list[Event]] = []
    illegal: ClassVar[list[IllegalEventError]] = []
    records: ClassVar[list[logging.LogRecord]] = []
    references: ClassVar[list[weakref.ref[Any]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each class its own lists."""
        super().__init_subclass__(**kwargs)
        cls.sent, cls.illegal, cls.records, cls.references = [], [], [], []

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.references.extend((weakref.ref(self), weakref.ref(self.websocket)))

    @classmethod
    def forget(cls) -> None:
        """Empty the lists."""
        for notes in (cls.log, cls.sent, cls.illegal, cls.records, cls.references):
            notes.clear()

    @classmethod
    def sent_types(cls) -> list[str]:
        """Return the types of the events that were sent, without the prefix `websocket.`."""
        return [event["type"].removeprefix("websocket.") for event in cls.sent]

    @classmethod
    def lines(cls, level: str) -> list[str]:
        """Return what the library logged at a level."""
        return [
            record.getMessage()
            for record in cls.records
            if record.name == "wsendpoints" and record.levelname == level
        ]


class Echo(Noting):
    """Answers each frame with itself."""

    async def on_receive(self, websocket: WebSocket, data: str | bytes) -> str | bytes:
        return data


def derive(base: type[N], **attributes: Any) -> type[N]:
    """Return a subclass with some attributes, and its own lists."""
    derived: Any = type(base.__name__, (base,), attributes)
    return cast("type[N]", derived)


def make_scope(**more: Any) -> Scope:
    """Return a scope for an app that is called by hand."""
    headers = [(name.encode(), value.encode()) for name, value in _HANDSHAKE_HEADERS.items()]
    return {
        "type": "websocket",
        "path": f"/{MARKER}",
        "query_string": f"query={MARKER}".encode(),
        "headers": headers,
        "subprotocols": [],
        **more,
    }


@asynccontextmanager
async def play(
    endpoint: type[Noting],
    *,
    app: ASGIApp | None = None,
    log: Sequence[str] = (),
    debug: str | None = None,
    raises: BaseException | type[BaseException] | None = None,
    path: str = _HANDSHAKE_PATH,
    headers: Mapping[str, str] = _HANDSHAKE_HEADERS,
    subprotocols: Iterable[str] = (),
    server: Dialect = Dialect(),  # noqa: B008 - immutable
    scope: Mapping[str, Any] | None = None,
    timeout: float = 1.0,  # noqa: ASYNC109 - of `connect`
) -> AsyncGenerator[Client]:
    """Connect a client, and on exit check what every row asserts; see `watch`, `connect`.

    The endpoint is served by `app`, or else as `WebSocketEndpoint.as_asgi` returns it.
    """
    with watch(endpoint, log=log, debug=debug), surfacing(raises):
        async with connect(
            tap_app(endpoint, app or endpoint.as_asgi()),
            path,
            headers=headers,
            subprotocols=subprotocols,
            server=server,
            scope=scope,
            timeout=timeout,
        ) as client:
            yield client


async def fails_at_once(
    endpoint: type[Noting], *, raises: BaseException | type[BaseException]
) -> None:
    """Check that the handshake fails with an exception of the application; see `watch`."""
    with watch(endpoint), surfacing(raises):
        async with connect(
            tap_app(endpoint, endpoint.as_asgi()), _HANDSHAKE_PATH, headers=_HANDSHAKE_HEADERS
        ):
            pass


async def refused(
    endpoint: type[Noting],
    *,
    log: Sequence[str] = (),
    tells: Collection[str] = (),
    headers: Mapping[str, str] = _HANDSHAKE_HEADERS,
    server: Dialect = Dialect(),  # noqa: B008 - immutable
    scope: Mapping[str, Any] | None = None,
) -> HandshakeDenied:
    """Return how a client was refused, after all checks; see `watch`, `connect`."""
    with watch(endpoint, log=log, tells=tells), pytest.raises(HandshakeDenied) as denied:
        async with connect(
            tap_app(endpoint, endpoint.as_asgi()),
            _HANDSHAKE_PATH,
            headers=headers,
            server=server,
            scope=scope,
        ):
            pass
    return denied.value


async def serve(endpoint: type[Noting], played: FakeServer, /, **scope: Any) -> None:
    """Serve a connection on a fake server, within `watch`."""
    full = make_scope(**scope)
    offered: Any = full["subprotocols"]
    referee = Referee(
        subprotocols=offered if isinstance(offered, list) else [],  # pyright: ignore[reportUnknownArgumentType]  # what a scope has
        has_denial_response="websocket.http.response" in full.get("extensions", {}),
    )
    try:
        await endpoint(full, played.receive, _tap(endpoint, played.send, referee))
    finally:
        # The event loop holds the cancellation that it threw into this task last, such as the one
        # of a close that took too long, until the task waits again. On Python 3.12 and later its
        # traceback leads to the frames of all callers, and so to the connection.
        await cancel_shielded_checkpoint()


def tap_app(endpoint: type[Noting], app: ASGIApp) -> ASGIApp:
    """Return an application whose events are recorded in the `sent` of an endpoint."""

    async def tapped(scope: Scope, receive: Receive, send: Send) -> None:
        # `connect` judges the events already.
        await app(scope, receive, _tap(endpoint, send, None))

    return tapped


def _tap(endpoint: type[Noting], send: Send, referee: Referee | None) -> Send:
    async def tapped(event: Event) -> None:
        endpoint.sent.append(dict(event))
        if referee is not None:
            try:
                referee.follow(referee.judge(event))
            except IllegalEventError as exc:
                endpoint.illegal.append(exc)
        await send(event)

    return tapped


@contextmanager
def watch(
    endpoint: type[Noting],
    *,
    log: Sequence[str] = (),
    debug: str | None = None,
    tells: Collection[str] = (),
) -> Generator[None]:
    """Check what every row asserts, once the connections within have ended.

    Args:
        endpoint: The class that serves them.
        log: The levels of the lines that the library logs, INFO and above.
        debug: What a line at DEBUG must contain, where the row says DEBUG; `""` is any line.
        tells: Parts of the peer's input that may be in the log.
    """
    endpoint.forget()
    tasks, timers = _running_tasks(), _timers()
    collector = _Collector(endpoint.records)
    loggers = logging.getLogger(), logging.getLogger("wsendpoints")
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(collector)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        loggers[0].removeHandler(collector)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    assert endpoint.illegal == []
    _check_hooks(endpoint)
    _check_log(endpoint, log, debug, tells)
    assert vars(endpoint)["_admission"].open == set()
    assert _running_tasks() == tasks
    assert _timers() == timers
    gc.collect()
    assert [alive for reference in endpoint.references if (alive := reference()) is not None] == []


@contextmanager
def surfacing(expected: BaseException | type[BaseException] | None) -> Generator[None]:
    """Expect an exception of the application within `watch`, and drop it as a server does.

    Args:
        expected: This very exception, or one of this type; `None` for none.
    """
    if expected is None:
        yield
        return
    try:
        yield
    except BaseException as exc:
        if exc is not expected and not (isinstance(expected, type) and isinstance(exc, expected)):
            raise
        _drop_tracebacks(exc)
    else:
        raise AssertionError(f"{expected!r} did not surface")


def _drop_tracebacks(exc: BaseException | None) -> None:
    while exc is not None:
        exc.__traceback__ = None
        if isinstance(exc, BaseExceptionGroup):
            for inner in exc.exceptions:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # of any
                _drop_tracebacks(inner)  # pyright: ignore[reportUnknownArgumentType]  # as above
        exc = exc.__context__


class _Collector(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


def _check_hooks(endpoint: type[Noting]) -> None:
    ends = sum(isinstance(entry, int) for entry in endpoint.log)
    assert ends == Counter(endpoint.sent_types())["accept"], "on_disconnect: once a connection"
    assert len([entry for entry in endpoint.log if entry == "connect"]) * 2 <= len(
        endpoint.references
    )


def _check_log(
    endpoint: type[Noting], log: Sequence[str], debug: str | None, tells: Collection[str]
) -> None:
    ours = [record for record in endpoint.records if record.name == "wsendpoints"]
    told = [record.levelname for record in ours if record.levelno > logging.DEBUG]
    assert told == list(log), [record.getMessage() for record in ours]
    if debug is not None:
        lines = endpoint.lines("DEBUG")
        assert any(debug in line for line in lines), f"no line at DEBUG in {lines}"
    formatter = logging.Formatter()
    for record in endpoint.records:
        text = formatter.format(record)
        # The traceback holds the connection, and the test runner keeps the record.
        record.exc_info = None
        for known in tells:
            text = text.replace(known, "")
        assert MARKER not in text
    for record in ours:
        # A handler that keeps the record would keep the traceback, and so the connection.
        assert not any(isinstance(arg, BaseException) for arg in record.args or ()), record.msg
        if record.levelno < logging.ERROR:
            assert not record.exc_text
            assert record.getMessage().isprintable(), "one line, escaped"


def _running_tasks() -> set[int]:
    return {task.id for task in anyio.get_running_tasks()}


def _timers() -> int:
    """Return the number of the event loop's timers; on trio, whether there is any."""
    if sniffio.current_async_library() == "trio":
        return int(trio.lowlevel.current_statistics().seconds_to_next_deadline < math.inf)
    scheduled = vars(asyncio.get_running_loop())["_scheduled"]
    return sum(not handle.cancelled() for handle in scheduled)
