"""What mypy and pyright must accept of what frameworks resolve."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Generic, TypeVar, assert_type

from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Path, Query, Security
from litestar import Controller, Litestar, websocket
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from wsendpoints import Given, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.litestar import as_handler

__all__ = ["Chat", "Room", "Rooms", "app", "functions", "litestar_app"]


class DB:
    def name(self) -> str:
        return "db"


async def get_db() -> DB:
    """Be what something depends on."""
    return DB()


async def get_cache() -> DB:
    """Be what another depends on."""
    return DB()


T = TypeVar("T")


class Stored(WebSocketEndpoint, Generic[T]):
    store: Annotated[T, Depends()]


class Chat(Stored[DB], WebSocketEndpoint[str]):
    encoding = "text"
    db: Annotated[DB, Depends(get_db)]
    grant: Annotated[DB, Security(get_db, scopes=["read"])]
    room: Annotated[int, Path()]
    language: Annotated[str, Query()] = "en"
    session: Annotated[str | None, Cookie()] = None
    user_agent: Annotated[str, Header()]

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        assert_type(self.db, DB)
        assert_type(self.store, DB)
        assert_type(self.room, int)
        assert_type(self.session, str | None)
        return self.db.name()


app = FastAPI()
router = APIRouter(prefix="/api", dependencies=[Depends(get_db)])
app.websocket("/chat/{room}")(Chat.as_route())
router.websocket("/chat/{room}", name="chat")(Chat.as_route(limits=Limits(), db=DB()))


class Room(WebSocketEndpoint):
    db: Given[DB]
    cache: NamedDependency[DB]
    room: FromPath[int]
    language: FromQuery[str] = "en"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        assert_type(self.db, DB)
        assert_type(self.cache, DB)
        assert_type(self.room, int)


def functions() -> None:
    """What frameworks call for each connection."""
    assert_type(Chat.as_route(db=DB()), Callable[..., Coroutine[Any, Any, None]])
    assert_type(as_handler(Room, cache=DB()), Callable[..., Coroutine[Any, Any, None]])


class Rooms(Controller):
    path = "/rooms"
    room = websocket("/{room:int}")(as_handler(Room, cache=DB()))


litestar_app = Litestar(
    route_handlers=[Rooms, websocket("/{room:int}")(as_handler(Room))],
    dependencies={"db": Provide(get_db), "cache": Provide(get_cache)},
)
