"""A chat whose connections are in a room, for the tests of groups."""

from contextlib import AsyncExitStack
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from tests.clocks import as_asgi
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Group, Groups
from wsendpoints.testing import Client, connect

__all__ = ["Chat", "Left", "Other", "Room", "Said", "groups", "joined"]


class Said(BaseModel):
    """A message of a group."""

    type: Literal["said"] = "said"
    text: str = ""


class Left(BaseModel):
    """Another one."""

    type: Literal["left"] = "left"


class Other(BaseModel):
    """A message of no group."""

    type: Literal["other"] = "other"


class Room(Group[Said | Left]):
    """A room."""

    name = "room:{}"


groups = Groups()


class Chat(WebSocketEndpoint):
    """Joins a room, and says there what it is told."""

    encoding = "json"
    groups: ClassVar[Any] = (Room,)
    sends: ClassVar[Any] = Other
    members: ClassVar[list["Chat"]] = []
    closed: ClassVar[list[int]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, Room("a"))
        self.members.append(self)

    async def on_receive(self, websocket: WebSocket, data: str) -> Other | None:
        await groups.broadcast(Room("a"), Said(text=data), exclude=self)
        return None

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.closed.append(close_code)


async def joined(stack: AsyncExitStack, number: int, kind: type[Chat] = Chat) -> list[Client]:
    """Connect some clients, one after the other."""
    return [
        await stack.enter_async_context(connect(as_asgi(kind), timeout=60)) for _ in range(number)
    ]
