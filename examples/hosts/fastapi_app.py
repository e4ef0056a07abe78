"""FastAPI: `uvicorn examples.hosts.fastapi_app:app`.

A client shows who it is by the header `X-Token`, or the cookie `token`: `ada-token`, say, in
`python -m websockets`, and sends `{"type": "write", "text": "buy milk"}` to `/notebooks/ada-home`.
"""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, HTTPException, Path
from fastapi.requests import HTTPConnection

from examples.hosts.notes import USERS, Count, Counted, Sessions, Write, database
from wsendpoints import WebSocket, WebSocketEndpoint, handles, provides

__all__ = ["Notebook", "app", "get_sessions"]


async def get_user(
    x_token: Annotated[str | None, Header()] = None, token: Annotated[str | None, Cookie()] = None
) -> str:
    user = USERS.get(x_token or token or "")
    if user is None:
        raise HTTPException(401, "who are you?")
    return user


async def get_notebook(
    user: Annotated[str, Depends(get_user)], name: Annotated[str, Path()]
) -> str:
    if not name.startswith(f"{user}-"):
        raise HTTPException(403, "this is not your notebook")
    return name


async def get_sessions(connection: HTTPConnection) -> Sessions:
    sessions: Sessions = connection.app.state.sessions
    return sessions


class Notebook(WebSocketEndpoint):
    encoding = "json"
    user: Annotated[str, Depends(get_user)]
    notebook: Annotated[str, Depends(get_notebook)]
    sessions: Annotated[Sessions, Depends(get_sessions)]

    @provides
    async def session(self) -> AsyncIterator[sqlite3.Connection]:
        # It commits, or rolls back what a handler raised in.
        with closing(self.sessions()) as session, session:
            yield session

    @handles
    def write(self, websocket: WebSocket, data: Write, session: sqlite3.Connection) -> Counted:
        note = (self.user, self.notebook, data.text)
        session.execute("INSERT INTO notes VALUES (?, ?, ?)", note)
        return self.count(websocket, Count(), session)

    @handles
    def count(self, websocket: WebSocket, data: Count, session: sqlite3.Connection) -> Counted:
        query = "SELECT COUNT(*) FROM notes WHERE notebook = ?"
        (notes,) = session.execute(query, [self.notebook]).fetchone()
        return Counted(notes=notes)


router = APIRouter(prefix="/notebooks")
router.websocket("/{name}")(Notebook.as_route())


@router.get("/{name}")
async def read(
    notebook: Annotated[str, Depends(get_notebook)],
    sessions: Annotated[Sessions, Depends(get_sessions)],
) -> list[str]:
    with closing(sessions()) as session:
        rows = session.execute("SELECT text FROM notes WHERE notebook = ?", [notebook]).fetchall()
    return [text for (text,) in rows]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    with database() as app.state.sessions:
        yield


app = FastAPI(lifespan=lifespan)
app.include_router(router)
