"""What mypy and pyright must accept of endpoints in a Django project."""

from collections.abc import AsyncIterator
from typing import Any, Literal, assert_type

from pydantic import BaseModel

from wsendpoints import Given, TaskHandle, WebSocket, WebSocketRouter, handles, provides
from wsendpoints.django import (
    DjangoApplication,
    DjangoEndpoint,
    aget_user,
    broadcast,
    close_group,
    get_asgi_application,
    get_session,
)
from wsendpoints.groups import Group, Groups
from wsendpoints.handshake.request import Request

__all__ = [
    "Archive",
    "Chat",
    "Clear",
    "Plain",
    "Room",
    "Said",
    "groups",
    "is_staff",
    "mount",
    "tell",
]


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: str = ""


class Clear(BaseModel):
    type: Literal["clear"] = "clear"


class Said(BaseModel):
    type: Literal["said"] = "said"
    text: str = ""


class Room(Group[Said]):
    name = "room:{}"


groups = Groups()


class Chat(DjangoEndpoint[Said]):
    encoding = "json"
    groups = (Room,)
    login_required = True
    allowed_origins = ("https://example.com",)

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        assert_type(await aget_user(websocket), Any)
        assert_type(get_session(websocket), Any)
        await groups.join(self, Room("lobby"))

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        await self.push(Said(text=self.user.get_username()))
        assert_type(self.start_soon(self.push, Said()), TaskHandle)
        assert_type(self.start_soon(self.later, 5, "text"), TaskHandle)
        assert_type(self.stream(self.tokens()), TaskHandle)
        return Said(text=await self.session.aget("text"))

    async def later(self, number: int, text: str) -> None:
        """Be a task."""

    async def tokens(self) -> AsyncIterator[Said]:
        """Be a stream."""
        yield Said()


class Archive(DjangoEndpoint):
    encoding = "json"
    shelf: Given[str]

    @provides
    async def number(self) -> int:
        return len(self.shelf)

    @handles
    def clear(self, websocket: WebSocket, data: Clear, number: int) -> int:
        return number

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said | int]:
        yield Said()
        yield 5


class Plain(DjangoEndpoint):
    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


async def is_staff(request: Request) -> bool:
    """Say who may look at what goes on."""
    return bool((await aget_user(request)).is_staff)


router = WebSocketRouter(
    {"/chat": Chat, "/archive": Archive.as_asgi(shelf="a"), "/plain": Plain},
    groups=groups,
    live=is_staff,
)


def mount() -> None:
    """Do what `asgi.py` does, which needs settings."""
    assert_type(get_asgi_application("mysite.sockets.router"), DjangoApplication)
    application = get_asgi_application({"/chat": Chat}, http=get_asgi_application(router))
    assert_type(application.router, WebSocketRouter)


def tell() -> None:
    """Do what a view does."""
    assert_type(broadcast(groups, Room("lobby"), Said(), exclude=None, timeout=5), int)
    assert_type(broadcast(groups, "plain", {"any": "message"}), int)
    assert_type(close_group(groups, Room("lobby"), 4401, "signed out"), int)
