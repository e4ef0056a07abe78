"""Litestar: `uvicorn examples.hosts.litestar_app:app`.

A client shows who it is by the header `X-Token`: `ada-token`, say.
"""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from litestar import Controller, Litestar, get, websocket
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from examples.hosts.notes import USERS, Count, Counted, Sessions, Write, database
from wsendpoints import Given, WebSocket, WebSocketEndpoint, handles, provides
from wsendpoints.litestar import as_handler

__all__ = ["Notebook", "app"]


def is_owner(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    user = USERS.get(connection.headers.get("x-token", ""))
    if user is None:
        raise NotAuthorizedException("who are you?")
    if not connection.path_params["name"].startswith(f"{user}-"):
        raise PermissionDeniedException("this is not your notebook")


async def get_sessions(state: State) -> Sessions:
    sessions: Sessions = state.sessions
    return sessions


class Notebook(WebSocketEndpoint):
    encoding = "json"
    name: FromPath[str]
    sessions: Given[Sessions]

    @provides
    async def session(self) -> AsyncIterator[sqlite3.Connection]:
        # It commits, or rolls back what a handler raised in.
        with closing(self.sessions()) as session, session:
            yield session

    @handles
    def write(self, websocket: WebSocket, data: Write, session: sqlite3.Connection) -> Counted:
        owner = self.name.partition("-")[0]
        session.execute("INSERT INTO notes VALUES (?, ?, ?)", [owner, self.name, data.text])
        return self.count(websocket, Count(), session)

    @handles
    def count(self, websocket: WebSocket, data: Count, session: sqlite3.Connection) -> Counted:
        query = "SELECT COUNT(*) FROM notes WHERE notebook = ?"
        (notes,) = session.execute(query, [self.name]).fetchone()
        return Counted(notes=notes)


class Notebooks(Controller):
    path = "/notebooks"
    guards = (is_owner,)

    notebook = websocket("/{name:str}")(as_handler(Notebook))

    @get("/{name:str}")
    async def read(self, name: FromPath[str], sessions: NamedDependency[Sessions]) -> list[str]:
        with closing(sessions()) as session:
            rows = session.execute("SELECT text FROM notes WHERE notebook = ?", [name]).fetchall()
        return [text for (text,) in rows]


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncGenerator[None]:
    with database() as app.state.sessions:
        yield


app = Litestar(
    route_handlers=[Notebooks],
    dependencies={"sessions": Provide(get_sessions)},
    lifespan=[lifespan],
)
