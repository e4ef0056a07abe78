"""A router beside Django's application."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import httpx
import pytest

from tests.clocks import GENEROUS
from tests.django.asgi import application
from tests.django.sockets import router, routes
from tests.groups.failing import Failing
from tests.test_router_lifespan import WHOLE, run
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.backplanes import Hub, MemoryBackplane
from wsendpoints.django import broadcast, get_asgi_application
from wsendpoints.django.lifespan import LIFESPAN
from wsendpoints.django.starting import are_run_by_thread
from wsendpoints.groups import Groups
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


async def get(path: str, app: Any = application) -> tuple[int, str]:
    """Return the status, and the body, of what a request is answered with."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        response = await client.get(path)
        return response.status_code, response.text


async def test_websockets_are_the_routers() -> None:
    """Their paths are whole."""
    async with connect(application, "/ws/lobby") as client:
        await client.send_json("hello")
        assert await client.receive_json() == "hello"
    with pytest.raises(HandshakeDenied):
        async with connect(application, "/nowhere"):
            pass


async def test_requests_are_djangos() -> None:
    """At the path of an endpoint, too: there may be its page."""
    assert await get("/about") == (200, "the page about")
    assert await get("/ws/lobby") == (200, "the page ws/lobby")


async def test_documents_are_the_routers() -> None:
    """At the paths that it has for them."""
    status, document = await get("/ws/asyncapi.json")
    assert status == 200
    assert '"title":"Rooms"' in document
    status, page = await get("/ws/docs")
    assert status == 200
    assert "<!doctype html>" in page.lower()


async def test_other_scopes_are_refused() -> None:
    """As a router refuses them."""
    with pytest.raises(ValueError, match="not 'mail'"):
        await application({"type": "mail"}, anything, anything)


async def anything(*_: object) -> Any:
    """Be called never."""


def test_mapping_is_made_a_router() -> None:
    """It needs no more where it has no groups."""
    app = get_asgi_application(routes)
    assert app.router.routes == routes
    assert repr(app) == "<DjangoApplication with <WebSocketRouter 'WebSocket API'>>"
    assert get_asgi_application(router).router is router
    assert get_asgi_application("tests.django.sockets.routes").router.routes == routes


def test_anything_else_is_refused() -> None:
    """With what is meant."""
    with pytest.raises(ConfigurationError) as caught:
        get_asgi_application("tests.django.sockets.Chat")
    assert str(caught.value) == (
        "'tests.django.sockets.Chat' is no router: use a WebSocketRouter, a mapping from paths to "
        "endpoints, or the dotted path of one, such as 'mysite.sockets.router'"
    )
    with pytest.raises(ImportError):
        get_asgi_application("tests.django.sockets.nothing")


async def test_requests_may_pass_a_middleware() -> None:
    """`http` is what answers them."""

    async def http(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"tea"})

    assert await get("/about", get_asgi_application(routes, http=http)) == (418, "tea")


async def test_server_starts_the_groups() -> None:
    """With its lifespan."""
    groups = Groups(MemoryBackplane(Hub()))
    app = get_asgi_application(WebSocketRouter({}, groups=groups))
    seen: list[bool] = []

    async def beside() -> None:
        seen.append(groups.is_started)

    assert await run(app, beside) == WHOLE
    assert seen == [True]
    assert not groups.is_started


async def test_groups_that_cannot_start_keep_the_server_from_starting() -> None:
    """And a thread that broadcasts is not kept waiting."""
    plane = Failing(Hub())
    plane.refuses_start = True
    groups = Groups(plane)
    (event,) = await run(get_asgi_application(WebSocketRouter({}, groups=groups)))
    assert event == {"type": "lifespan.startup.failed", "message": "nothing there"}


class Stateful(WebSocketEndpoint):
    """Tells what the lifespan left for it."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.push(websocket.scope["state"])


async def test_without_a_lifespan_the_first_websocket_starts_it() -> None:
    """As on daphne; the others find it started."""
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(_: WebSocketRouter) -> AsyncGenerator[dict[str, str]]:
        log.append("starts")
        yield {"a": "state"}

    groups = Groups(MemoryBackplane(Hub()))
    app = get_asgi_application(WebSocketRouter({"/": Stateful}, groups=groups, lifespan=lifespan))
    assert await get("/about", app) == (200, "the page about")
    assert not groups.is_started
    for _ in range(2):
        async with connect(app, lasting_tasks=[LIFESPAN, *LASTING]) as client:
            assert await client.receive(dict[str, str]) == {"a": "state"}
    assert groups.is_started
    assert log == ["starts"]
    await app._lifespan.stop()  # pyright: ignore[reportPrivateUsage]  # as the reactor does
    assert not groups.is_started


LASTING = (
    "wsendpoints.groups.sharing.Sharing._run_backplane",
    "wsendpoints.groups.incoming.Incoming.run",
)
"""The tasks of groups that take part."""


async def test_where_nothing_is_to_be_started_no_task_is_left() -> None:
    """So a test may connect to the application as it is."""
    async with connect(application, "/ws/lobby") as client:
        await client.send_json("hello")
        await client.receive_json()


async def test_thread_gives_way_to_the_first_websocket() -> None:
    """Where the server runs no lifespan."""
    groups = Groups(MemoryBackplane(Hub()))
    app = get_asgi_application(WebSocketRouter({"/": Stateful}, groups=groups))
    await anyio.to_thread.run_sync(broadcast, groups, "news", "nobody is there")
    assert are_run_by_thread([groups])
    async with connect(app, lasting_tasks=[LIFESPAN, *LASTING], timeout=GENEROUS) as client:
        assert await client.receive_json() == {}
        assert not are_run_by_thread([groups])
        assert await groups.broadcast("news", "nobody") == 0
    await app._lifespan.stop()  # pyright: ignore[reportPrivateUsage]  # as the reactor does


async def test_thread_gives_way_to_the_server() -> None:
    """A process that broadcast before it serves starts the groups anew."""
    groups = Groups(MemoryBackplane(Hub()))
    await anyio.to_thread.run_sync(broadcast, groups, "news", "nobody is there")
    assert groups.is_started
    app = get_asgi_application(WebSocketRouter({}, groups=groups))
    counts: list[int] = []

    async def beside() -> None:
        counts.append(await anyio.to_thread.run_sync(broadcast, groups, "news", "nobody"))
        counts.append(await groups.broadcast("news", "nobody"))

    assert await run(app, beside) == WHOLE
    assert counts == [0, 0]
