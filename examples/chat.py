"""A chat with rooms in the browser, for one process.

Run it with `uvicorn examples.chat:app`, and open http://127.0.0.1:8000 in several windows.
"""

import re
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel, StringConstraints

from wsendpoints import CloseCode, Denied, WebSocket, WebSocketEndpoint, handles
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = [
    "Chat",
    "IsTyping",
    "Join",
    "Joined",
    "Left",
    "Refused",
    "Room",
    "Said",
    "Say",
    "Typing",
    "Welcome",
    "app",
    "rooms",
]

PAGE = Path(__file__).with_name("chat.html").read_bytes()
ROOM_PATH = re.compile(r"/rooms/([\w-]{1,32})")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=24)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


# What a client sends.


class Join(BaseModel):
    type: Literal["join"] = "join"
    name: Name


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: Text


class Typing(BaseModel):
    type: Literal["typing"] = "typing"


# What a client gets.


class Said(BaseModel):
    type: Literal["said"] = "said"
    name: str
    text: str
    at: datetime


class Welcome(BaseModel):
    type: Literal["welcome"] = "welcome"
    name: str
    members: list[str]
    history: list[Said]


class Joined(BaseModel):
    type: Literal["joined"] = "joined"
    name: str


class Left(BaseModel):
    type: Literal["left"] = "left"
    name: str


class IsTyping(BaseModel):
    type: Literal["typing"] = "typing"
    name: str


class Refused(BaseModel):
    type: Literal["refused"] = "refused"
    code: Literal["name_taken", "not_joined", "already_joined"]


News: TypeAlias = Said | Joined | Left | IsTyping


class Room:
    """Who is there, and what was said last."""

    def __init__(self) -> None:
        self.members: dict[str, Chat] = {}
        self.history: deque[Said] = deque(maxlen=50)

    def tell(self, news: News, *, but: "Chat | None" = None) -> None:
        for member in self.members.values():
            if member is not but:
                member.post(news)


rooms: dict[str, Room] = {}
"""By name; a room is there as long as somebody is in it."""


class Chat(WebSocketEndpoint):
    encoding = "json"
    sends = News
    room: Room | None = None
    name: str = ""
    outbox: MemoryObjectSendStream[News]

    async def on_connect(self, websocket: WebSocket) -> None:
        if "room" not in websocket.path_params:
            raise Denied(404)
        await websocket.accept()

    @handles
    async def join(self, websocket: WebSocket, data: Join) -> Welcome | Refused:
        if self.room is not None:
            return Refused(code="already_joined")
        room = rooms.get(websocket.path_params["room"]) or Room()
        if data.name in room.members:
            return Refused(code="name_taken")
        room.tell(Joined(name=data.name))
        # The tasks of the others put their news into the outbox, and never wait. One task of our
        # own takes them out, at the pace of our client.
        self.outbox, inbox = anyio.create_memory_object_stream[News](100)
        self.start_soon(self.deliver, inbox)
        self.room, self.name = room, data.name
        rooms[websocket.path_params["room"]] = room
        room.members[self.name] = self
        return Welcome(name=self.name, members=list(room.members), history=list(room.history))

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Refused | None:
        if self.room is None:
            return Refused(code="not_joined")
        said = Said(name=self.name, text=data.text, at=datetime.now(UTC))
        self.room.history.append(said)
        self.room.tell(said)
        return None

    @handles
    async def typing(self, websocket: WebSocket, data: Typing) -> None:
        if self.room is not None:
            self.room.tell(IsTyping(name=self.name), but=self)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        room, self.room = self.room, None
        if room is not None:
            self.outbox.close()
            del room.members[self.name]
            room.tell(Left(name=self.name))
            if not room.members:
                del rooms[websocket.path_params["room"]]

    def post(self, news: News) -> None:
        try:
            self.outbox.send_nowait(news)
        except anyio.WouldBlock:
            # It is a hundred messages behind: it can connect again, and gets the history then.
            self.outbox.close()
            self.start_soon(self.websocket.close, CloseCode.TRY_AGAIN_LATER, "too slow")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # It disconnected, and `on_disconnect` is about to tell the others.

    async def deliver(self, inbox: MemoryObjectReceiveStream[News]) -> None:
        async with inbox:
            async for news in inbox:
                await self.push(news)


chat = Chat.as_asgi()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await show_page(scope, send)
        return
    if scope["type"] == "websocket" and (match := ROOM_PATH.fullmatch(scope["path"])):
        scope = {**scope, "path_params": {"room": match[1]}}
    await chat(scope, receive, send)


async def show_page(scope: Scope, send: Send) -> None:
    status, body = (200, PAGE) if scope["path"] == "/" else (404, b"Not found")
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
