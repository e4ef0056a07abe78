"""What mypy and pyright must accept of routers."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from tests.typing.accepted_groups import Chat, groups
from wsendpoints import WebSocketEndpoint, WebSocketRouter
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["app", "broad", "paths"]


class Plain(WebSocketEndpoint):
    encoding = "text"


class Typed(WebSocketEndpoint[str]):
    encoding = "text"


async def function(scope: Scope, receive: Receive, send: Send) -> None:
    """Be an application."""


@asynccontextmanager
async def lifespan(router: WebSocketRouter) -> AsyncGenerator[dict[str, Groups]]:
    """Have something in the state."""
    yield {"groups": groups}


@asynccontextmanager
async def stateless(router: WebSocketRouter) -> AsyncGenerator[None]:
    """Have nothing there."""
    yield


inner = WebSocketRouter({"/plain": Plain}, groups=groups, lifespan=stateless)

app = WebSocketRouter(
    {
        "/chat/{room}": Chat,
        "/plain": Plain,
        "/typed": Typed.as_asgi(),
        "/function": function,
        "/other": Starlette(),
        "/inner": inner,
    },
    title="Chat",
    version="1",
    description="",
    servers={"production": "wss://example.com"},
    groups=[groups, Groups()],
    lifespan=lifespan,
)

routes: dict[str, type[WebSocketEndpoint]] = {"/plain": Plain}
broad = WebSocketRouter(routes)

paths: list[str] = [route.path for route in app.endpoints()]
classes: list[type[WebSocketEndpoint]] = [route.endpoint for route in app.endpoints()]
