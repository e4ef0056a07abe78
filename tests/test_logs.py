"""The connection in the lines that an application, and the library, log."""

import ast
import contextvars
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

import wsendpoints
from tests.clocks import GENEROUS, REAL_TIME
from tests.console.requests import request
from tests.fake_server import FakeServer, make_scope
from wsendpoints import Denied, Limits, WebSocket, WebSocketEndpoint, WebSocketRouter, handles
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.logs import ConnectionFilter, ConnectionLogMiddleware
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio

logger: logging.Logger = logging.getLogger("application")

QUESTIONS: Final = frozenset({"isEnabledFor"})
"""Methods of a logger that log nothing."""

OF_MANY: Final = frozenset({"draining.py"})
"""What tells of all connections of a class at once."""


class Chat(WebSocketEndpoint):
    """Logs in all of its hooks."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        logger.info("connecting")
        await websocket.accept()
        self.start_soon(self.work)

    async def work(self) -> None:
        """Be a task of the connection."""
        logger.info("working")

    @handles(concurrent=True)
    async def say(self, websocket: WebSocket, data: str) -> str:
        logger.info("said")
        return websocket.connection_id

    @handles
    def count(self, websocket: WebSocket, data: int) -> int:
        logger.info("counted in a thread")
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        logger.info("goodbye", extra={"path": "its own"})


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Generator[pytest.LogCaptureFixture]:
    """What passes a handler with the filter."""
    own = ConnectionFilter()
    caplog.handler.addFilter(own)
    with caplog.at_level(logging.INFO):
        yield caplog
    caplog.handler.removeFilter(own)


def known(record: logging.LogRecord) -> tuple[Any, ...]:
    """Return the fields of a record."""
    return tuple(getattr(record, it, None) for it in ("connection_id", "endpoint", "path"))


@REAL_TIME
async def test_lines_of_hooks_handlers_tasks_and_threads(log: pytest.LogCaptureFixture) -> None:
    """All have the connection; what has a field of the name keeps it."""
    app = ConnectionLogMiddleware(Chat.as_asgi())
    async with connect(app, "/chat", timeout=GENEROUS) as client:
        await client.send_json("hello")
        id_ = await client.receive_json()
        await client.send_json(1)
        assert await client.receive_json() == 1
    lines = {it.getMessage(): known(it) for it in log.records if it.name == "application"}
    own = (id_, "Chat", "/chat")
    assert lines == {
        "connecting": own,
        "working": own,
        "said": own,
        "counted in a thread": own,
        "goodbye": (id_, "Chat", "its own"),
    }


async def test_each_line_has_its_own_connection(log: pytest.LogCaptureFixture) -> None:
    """However many there are, and behind a framework's router."""
    app = Starlette(
        routes=[WebSocketRoute("/chat/{id}", Chat)],
        middleware=[Middleware(ConnectionLogMiddleware)],
    )
    async with connect(app, "/chat/1") as first, connect(app, "/chat/2") as second:
        for client in (second, first):
            await client.send_json("hello")
        ids = [await client.receive_json() for client in (first, second)]
    said = {known(it)[0]: known(it)[2] for it in log.records if it.getMessage() == "said"}
    assert said == {ids[0]: "/chat/1", ids[1]: "/chat/2"}


async def test_other_lines_have_none(log: pytest.LogCaptureFixture) -> None:
    """Those of a connection that is not behind the middleware, of requests, and after the end."""
    app = ConnectionLogMiddleware(WebSocketRouter({"/chat": Chat}))
    assert (await request(app, "/nowhere")).status == 404
    async with connect(Chat.as_asgi()):
        pass
    async with connect(app, "/chat"):
        logger.info("elsewhere")
    logger.info("after")
    lines = [known(it)[0] for it in log.records if it.getMessage() in {"elsewhere", "after"}]
    assert lines == [None, None]
    connecting = [known(it)[0] for it in log.records if it.getMessage() == "connecting"]
    assert [it is None for it in connecting] == [True, False]


async def test_lines_of_the_library_have_it_without_a_middleware(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With the same id, and what else they tell of."""

    class Limited(WebSocketEndpoint):
        encoding = "json"
        limits = Limits(max_message_size=5)

        async def on_receive(self, websocket: WebSocket, data: int) -> str:
            return websocket.connection_id

    with caplog.at_level(logging.DEBUG, "wsendpoints"):
        async with connect(Limited.as_asgi(), "/limited") as client:
            await client.send_json(1)
            id_ = await client.receive_json()
            await client.send_text("1" * 10)
            await client.expect_close(1009)
    exceeded, ended = [it for it in caplog.records if it.name == "wsendpoints"]
    own = (id_, Limited.__qualname__, "/limited")
    assert known(exceeded) == known(ended) == own
    assert vars(exceeded)["limit"] == "max_message_size"
    assert vars(ended)["close_code"] == 1009


@pytest.mark.parametrize("wing", ["handshake", "connection", "lifecycle"])
def test_each_line_of_a_connection_has_it(wing: str) -> None:
    """All that the library logs where there is a connection."""
    package = Path(wsendpoints.__file__).parent
    for path in {*(package / wing).glob("*.py")} - {package / wing / it for it in OF_MANY}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) == "logger" and node.func.attr not in QUESTIONS:
                assert "extra" in {it.arg for it in node.keywords}, f"{path}:{node.lineno}"


async def test_lines_of_a_refusal_have_its_status(caplog: pytest.LogCaptureFixture) -> None:
    """There is a connection id, too."""

    class Closed(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401)

    with caplog.at_level(logging.DEBUG, "wsendpoints"), pytest.raises(HandshakeDenied):
        async with connect(Closed.as_asgi(), "/closed"):
            pass
    (line,) = caplog.records
    assert known(line)[1:] == (Closed.__qualname__, "/closed")
    assert vars(line)["status"] == 401


async def test_a_connection_that_is_thrown_away_is_left_as_it_is() -> None:
    """As its event loop was: to reset what its context had would be an error."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    server = FakeServer()
    await ConnectionLogMiddleware(app)(make_scope(), server.receive, server.send)
    (serving,) = scopes[0][WATCHED]
    watching = serving(Chat(make_scope(), server.receive, server.send))
    contextvars.copy_context().run(watching.__enter__)
    assert not watching.__exit__(GeneratorExit, GeneratorExit(), None)
