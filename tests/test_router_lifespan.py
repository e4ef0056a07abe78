"""What a router starts, and ends, with the server."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.groups.failing import Failing
from wsendpoints import (
    BackplaneError,
    InvalidStateError,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
)
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def run(
    app: Any, beside: Callable[[], Any] = checkpoint, state: dict[str, Any] | None = None
) -> list[Event]:
    """Serve a lifespan as a server does; return what was sent."""
    sent: list[Event] = []
    events = iter(["startup", "shutdown"])

    async def receive() -> Event:
        event = next(events)
        if event == "shutdown":
            await beside()
        return {"type": f"lifespan.{event}"}

    async def send(event: Event) -> None:
        sent.append(event)

    await app({"type": "lifespan"} | ({} if state is None else {"state": state}), receive, send)
    return sent


WHOLE = [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def noting(log: list[str], name: str, state: Mapping[str, Any] | None = None) -> Any:
    """Return a lifespan that notes what happens to it."""

    @asynccontextmanager
    async def lifespan(router: WebSocketRouter) -> AsyncGenerator[Mapping[str, Any] | None]:
        log.append(f"{name} starts {router.title}")
        try:
            yield state
        finally:
            log.append(f"{name} ends")

    return lifespan


async def test_router_with_nothing_to_start() -> None:
    """Answers both."""
    assert await run(WebSocketRouter({})) == WHOLE


async def test_groups_live_as_long_as_the_server() -> None:
    """All of them; those that are given twice are started once."""
    one, other, inner = (Groups(Failing(Hub())) for _ in range(3))
    nested = WebSocketRouter({}, groups=(inner, one))
    app = WebSocketRouter({"/a": nested, "/b": nested}, groups=[one, other])

    async def use() -> None:
        for groups in (one, other, inner):
            await groups.broadcast("a", 1)

    assert await run(app, use) == WHOLE
    for groups in (one, other, inner):
        with pytest.raises(InvalidStateError, match="not started"):
            await groups.broadcast("a", 1)


async def test_lifespan_may_use_the_groups() -> None:
    """They start before it, and end after it."""
    groups = Groups(Failing(Hub()))

    @asynccontextmanager
    async def lifespan(router: WebSocketRouter) -> AsyncGenerator[None]:
        await groups.broadcast("a", "hello")
        yield
        await groups.broadcast("a", "bye")

    assert await run(WebSocketRouter({}, groups=groups, lifespan=lifespan)) == WHOLE


async def test_host_without_a_lifespan_is_told_whether_it_needs_one() -> None:
    """For what is not started yet, of this router and those within it."""
    groups = Groups(Failing(Hub()))
    router = WebSocketRouter({"/in": WebSocketRouter({}, groups=groups)}, groups=Groups())
    assert {groups} < {*router.all_groups()}
    assert router.is_to_be_started
    async with groups:
        assert not router.is_to_be_started
        timed = WebSocketRouter({}, groups=groups, lifespan=noting([], "it"))
        assert timed.is_to_be_started


async def test_routers_within_it_have_theirs() -> None:
    """From the outermost on, each once, and back again."""
    log: list[str] = []
    shared = WebSocketRouter({}, title="shared", lifespan=noting(log, "3"))
    middle = WebSocketRouter({"/a": shared}, title="middle", lifespan=noting(log, "2"))
    bare = WebSocketRouter({"/a": shared})
    routes = {"/middle": middle, "/shared": shared, "/bare": bare}
    app = WebSocketRouter(routes, title="app", lifespan=noting(log, "1"))

    async def note() -> None:
        log.append("serving")

    assert await run(app, note) == WHOLE
    assert log == [
        "1 starts app",
        "2 starts middle",
        "3 starts shared",
        "serving",
        "3 ends",
        "2 ends",
        "1 ends",
    ]


class Telling(WebSocketEndpoint):
    """Sends the state."""

    async def on_connect(self, websocket: WebSocket) -> None:
        """Send it."""
        await websocket.accept()
        await websocket.send_json(websocket.scope["state"])


async def test_state_is_there_for_each_connection() -> None:
    """Where the server keeps it; that of the routers within it, too."""
    inner = WebSocketRouter({"/": Telling}, lifespan=noting([], "2", {"b": 2}))
    app = WebSocketRouter({"/inner": inner}, lifespan=noting([], "1", {"a": 1}))
    state: dict[str, Any] = {}
    assert await run(app, state=state) == WHOLE
    async with connect(app, "/inner/", scope={"state": state.copy()}) as client:
        assert await client.receive_json() == {"a": 1, "b": 2}


async def test_server_without_a_state_does_not_start(caplog: pytest.LogCaptureFixture) -> None:
    """Where a lifespan yields one: it would be missing in each connection."""
    log: list[str] = []
    app = WebSocketRouter({}, title="app", lifespan=noting(log, "1", {"a": 1}))
    message = "the lifespan yields a state, and this server has none: keep it in a variable"
    assert await run(app) == [{"type": "lifespan.startup.failed", "message": message}]
    assert log == ["1 starts app", "1 ends"]
    assert "the application can't start" in caplog.text


async def test_server_does_not_start_if_something_can_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told why, and what was started is ended."""
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(router: WebSocketRouter) -> AsyncGenerator[None]:
        raise ConnectionError("no database")
        yield

    groups = Groups(Failing(Hub()))
    inner = WebSocketRouter({}, lifespan=lifespan)
    app = WebSocketRouter({"/": inner}, title="app", groups=groups, lifespan=noting(log, "1"))
    assert await run(app) == [{"type": "lifespan.startup.failed", "message": "no database"}]
    assert log == ["1 starts app", "1 ends"]
    assert "the application can't start" in caplog.text
    with pytest.raises(InvalidStateError, match="not started"):
        await groups.broadcast("a", 1)


async def test_failure_of_the_end_is_the_servers_to_log() -> None:
    """It is raised, and the shutdown is not told to be complete."""

    @asynccontextmanager
    async def lifespan(router: WebSocketRouter) -> AsyncGenerator[None]:
        yield
        raise ConnectionError("lost")

    sent: list[Event] = []
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Event:
        return events.pop(0)

    async def send(event: Event) -> None:
        sent.append(event)

    with pytest.raises(ConnectionError, match="lost"):
        await WebSocketRouter({}, lifespan=lifespan)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.complete"}]


async def test_backplane_that_fails_meanwhile_ends_the_lifespan() -> None:
    """With what it raised; what else was started is ended."""
    log: list[str] = []
    plane = Failing(Hub())
    app = WebSocketRouter({}, title="app", groups=Groups(plane), lifespan=noting(log, "1"))

    async def fail() -> None:
        plane.dies.set()
        await anyio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as caught:
        await run(app, fail)
    assert caught.group_contains(BackplaneError, match="gone for good")
    assert log == ["1 starts app", "1 ends"]


async def test_connections_need_no_lifespan() -> None:
    """A host that tells what it mounts nothing of it can serve it as well."""
    app = WebSocketRouter({"/": Telling}, groups=Groups(), lifespan=noting([], "1", {"a": 1}))
    async with connect(app) as client:
        assert await client.receive_json() == {}
