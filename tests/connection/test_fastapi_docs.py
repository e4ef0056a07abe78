"""What FastAPI's tutorial on WebSockets does, with the import changed and nothing else.

Each function here does what one of that chapter does, by the same calls in the same order. FastAPI
gives a function its own WebSocket, by the class in the annotation: a dependency makes it ours.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

import fastapi
import pytest
from fastapi import Cookie, Depends, FastAPI, Query, WebSocketException, status
from fastapi.exceptions import FastAPIError

import wsendpoints
from wsendpoints import WebSocketDisconnect
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


async def ours(websocket: fastapi.WebSocket) -> wsendpoints.WebSocket:
    """Return this library's WebSocket on that of FastAPI."""
    return wsendpoints.WebSocket(websocket.scope, websocket.receive, websocket.send)


WebSocket = Annotated[wsendpoints.WebSocket, Depends(ours)]
"""What the tutorial imports: each annotation below is as it is there."""

app = FastAPI()


# "Create a websocket", and "Await for messages and send messages".


@app.websocket("/notes")
async def take_notes(websocket: WebSocket) -> None:
    """Answer each message, and stop when the client disconnects."""
    await websocket.accept()
    while True:
        note = await websocket.receive_text()
        await websocket.send_text(f"Noted: {note}")


# "Using Depends and others".


async def identify(
    websocket: WebSocket,
    member: Annotated[str | None, Cookie()] = None,
    ticket: Annotated[str | None, Query()] = None,
) -> str:
    """Return who connects; refuse those that do not say."""
    if member is None and ticket is None:
        raise WebSocketException(code=status.WS_1008_POLICY_VIOLATION)
    return member or ticket or ""


@app.websocket("/shelves/{shelf}/books")
async def list_books(
    *,
    websocket: WebSocket,
    shelf: str,
    page: int | None = None,
    who: Annotated[str, Depends(identify)],
) -> None:
    """Answer with what the path, the query and the dependency say."""
    await websocket.accept()
    while True:
        title = await websocket.receive_text()
        await websocket.send_text(f"For {who}")
        if page is not None:
            await websocket.send_text(f"Page {page}")
        await websocket.send_text(f"On {shelf}: {title}")


# "Handling disconnections and multiple clients".


class Lobby:
    """Those that are connected."""

    def __init__(self) -> None:
        self.members: list[wsendpoints.WebSocket] = []

    async def enter(self, websocket: wsendpoints.WebSocket) -> None:
        """Accept one."""
        await websocket.accept()
        self.members.append(websocket)

    def leave(self, websocket: wsendpoints.WebSocket) -> None:
        """Forget one."""
        self.members.remove(websocket)

    async def tell(self, words: str, websocket: wsendpoints.WebSocket) -> None:
        """Send to one."""
        await websocket.send_text(words)

    async def tell_all(self, words: str) -> None:
        """Send to all."""
        for member in self.members:
            await member.send_text(words)


lobby = Lobby()


@app.websocket("/lobby/{number}")
async def talk(websocket: WebSocket, number: int) -> None:
    """Tell all what one says, and that one left."""
    await lobby.enter(websocket)
    try:
        while True:
            words = await websocket.receive_text()
            await lobby.tell(f"Told: {words}", websocket)
            await lobby.tell_all(f"{number} says: {words}")
    except WebSocketDisconnect:
        lobby.leave(websocket)
        await lobby.tell_all(f"{number} left")


async def test_echo() -> None:
    """A disconnect that is not caught is raised, as Starlette's is."""
    with pytest.raises(WebSocketDisconnect) as raised:
        async with connect(app, "/notes") as client:
            await client.send("milk")
            assert await client.receive_text() == "Noted: milk"
    assert raised.value.code == 1000


@pytest.mark.parametrize(
    ("path", "headers", "answers"),
    [
        ("/shelves/top/books?ticket=7", {}, ["For 7", "On top: Emma"]),
        ("/shelves/top/books", {"cookie": "member=Ada"}, ["For Ada", "On top: Emma"]),
        ("/shelves/top/books?ticket=7&page=2", {}, ["For 7", "Page 2", "On top: Emma"]),
    ],
)
async def test_dependencies(path: str, headers: dict[str, str], answers: list[str]) -> None:
    """Cookies, the query and the path are FastAPI's matter."""
    with pytest.raises(WebSocketDisconnect):
        async with connect(app, path, headers=headers) as client:
            await client.send("Emma")
            assert [await client.receive_text() for _ in answers] == answers


async def test_dependency_that_refuses() -> None:
    """The client gets a 403, as from FastAPI's own."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, "/shelves/top/books"):
            pass
    assert denied.value.status == 403


async def test_several_clients() -> None:
    """Each is told what the others say, and that they left."""
    async with connect(app, "/lobby/1") as one:
        async with connect(app, "/lobby/2") as two:
            await two.send("hello")
            assert await two.receive_text() == "Told: hello"
            for client in (one, two):
                assert await client.receive_text() == "2 says: hello"
        assert await one.receive_text() == "2 left"
    assert lobby.members == []


async def test_annotation_with_the_class_alone_is_refused() -> None:
    """FastAPI knows its own class; this is why a dependency makes ours."""

    async def function(websocket: wsendpoints.WebSocket) -> None:
        """Never called."""

    route: Callable[[Callable[..., Awaitable[None]]], object] = app.websocket("/refused")
    with pytest.raises(FastAPIError, match="is a valid Pydantic field type"):
        route(function)
