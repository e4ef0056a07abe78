"""A chat with rooms in the browser.

Run it with `uvicorn examples.chat:app`, and open http://127.0.0.1:8000 in several windows. At
http://127.0.0.1:8000/docs is the console, in which one talks to it message by message. With
`--workers 4` the rooms are shared by the four, which find each other; and with `REDIS_URL` in the
environment by all that have the same Redis, on any machine.
"""

import multiprocessing
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, StringConstraints

from wsendpoints import (
    BackplaneError,
    Denied,
    Limits,
    PositionLost,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
    handles,
)
from wsendpoints.groups import (
    Backplane,
    Group,
    Groups,
    History,
    LocalBackplane,
    RedisBackplane,
)
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = [
    "Chat",
    "IsTyping",
    "Join",
    "Joined",
    "Left",
    "Missed",
    "Refused",
    "Room",
    "Said",
    "Say",
    "Talk",
    "Typing",
    "Welcome",
    "app",
    "groups",
    "router",
]

PAGE = Path(__file__).with_name("chat.html").read_bytes()
ROOM = re.compile(r"[\w-]{1,32}")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=24)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


# What a client sends.


class Join(BaseModel):
    """Enters the room, under a name that nobody else has there."""

    type: Literal["join"] = "join"
    name: Annotated[Name, Field(examples=["Ada"])]
    after: Annotated[str | None, Field(examples=[None])] = None
    """The position of the last message that it has of the room, if it comes back."""


class Say(BaseModel):
    """Says something to all in the room."""

    type: Literal["say"] = "say"
    text: Annotated[Text, Field(examples=["Hello!"])]


class Typing(BaseModel):
    """Tells the others that one is writing."""

    type: Literal["typing"] = "typing"


# What a client gets.


class Said(BaseModel):
    type: Literal["said"] = "said"
    name: str
    text: str
    at: datetime
    position: str | None = None


class Welcome(BaseModel):
    type: Literal["welcome"] = "welcome"
    name: str
    members: list[str]


class Joined(BaseModel):
    type: Literal["joined"] = "joined"
    name: str


class Left(BaseModel):
    type: Literal["left"] = "left"
    name: str


class IsTyping(BaseModel):
    type: Literal["typing"] = "typing"
    name: str


class Missed(BaseModel):
    """It was away for so long that not all is kept: what follows is what was said last."""

    type: Literal["missed"] = "missed"


class Refused(BaseModel):
    type: Literal["refused"] = "refused"
    code: Literal["name_taken", "not_joined", "already_joined", "unavailable"]


News: TypeAlias = Joined | Left | IsTyping


class Room(Group[News]):
    """Who is in a room: the others are told of each that comes and goes."""

    name = "room:{}"

    def joined(self, user: str) -> Joined:
        return Joined(name=user)

    def left(self, user: str) -> Left:
        return Left(name=user)


class Talk(Group[Said]):
    """What is said in a room: who comes back gets all that it missed of it."""

    name = "talk:{}"
    history = History(messages=50, seconds=24 * 3600)


def backplane() -> Backplane | None:
    """Return what the rooms are shared by; one process alone needs nothing."""
    if url := os.environ.get("REDIS_URL"):
        return RedisBackplane(url)
    is_worker = multiprocessing.parent_process() is not None
    return LocalBackplane() if is_worker else None


groups = Groups(backplane())


class Chat(WebSocketEndpoint):
    """A room to talk in: join it first."""

    encoding = "json"
    sends = Welcome | Missed
    groups = (Room, Talk)
    limits = Limits(outbox=100)
    room: Room | None = None
    talk: Talk
    name: str = ""

    async def on_connect(self, websocket: WebSocket) -> None:
        if not ROOM.fullmatch(websocket.path_params["room"]):
            raise Denied(404)
        await websocket.accept()

    @handles
    async def join(self, websocket: WebSocket, data: Join) -> Refused | None:
        if self.room is not None:
            return Refused(code="already_joined")
        place = websocket.path_params["room"]
        room, talk = Room(place), Talk(place)
        names = await groups.presence(room)
        if data.name in names:
            return Refused(code="name_taken")
        # Before it gets anything of the room's, and nothing is lost between the two.
        self.post(Welcome(name=data.name, members=[*names, data.name]))
        await groups.join(self, room, user=data.name)
        self.room, self.talk, self.name = room, talk, data.name
        try:
            await groups.join(self, talk, data.after, last=50)
        except PositionLost:
            self.post(Missed())
            await groups.join(self, talk, last=50)
        return None

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Refused | None:
        if self.room is None:
            return Refused(code="not_joined")
        said = Said(name=self.name, text=data.text, at=datetime.now(UTC))
        try:
            await groups.broadcast(self.talk, said)
        except BackplaneError:
            return Refused(code="unavailable")
        return None

    @handles
    async def typing(self, websocket: WebSocket, data: Typing) -> None:
        if self.room is not None:
            # Those on other workers need not know.
            with suppress(BackplaneError):
                await groups.broadcast(self.room, IsTyping(name=self.name), exclude=self)


router = WebSocketRouter(
    {"/rooms/{room}": Chat},
    title="Chat",
    version="1.0.0",
    description="Rooms, whose members see what was said while they were away.",
    groups=groups,
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"] == "/":
        await show_page(send)
    else:
        await router(scope, receive, send)


async def show_page(send: Send) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(PAGE)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE})
