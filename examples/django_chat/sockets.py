from typing import Any, Literal

from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from pydantic import BaseModel

from examples.django_chat.models import Line
from wsendpoints import WebSocket, WebSocketRouter
from wsendpoints.django import DjangoEndpoint
from wsendpoints.groups import Group, Groups, LocalBackplane


class Said(BaseModel):
    type: Literal["said"] = "said"
    author: str
    text: str


class Search(BaseModel):
    type: Literal["search"] = "search"
    text: str


class Found(BaseModel):
    type: Literal["found"] = "found"
    texts: list[str]


class Room(Group[Said]):
    name = "room:{}"


groups = Groups(LocalBackplane(settings.GROUPS_DIRECTORY))


class Chat(DjangoEndpoint[Found]):
    encoding = "json"
    groups = (Room,)
    login_required = True

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.room: str = websocket.path_params["room"]
        await groups.join(self, Room(self.room))

    async def on_receive(self, websocket: WebSocket, data: Search) -> Found:
        lines: Any = Line.objects.filter(room=self.room, text__contains=data.text)
        return Found(texts=[line.text async for line in lines])


router = WebSocketRouter(
    {"/ws/chat/{room}": Chat},
    title="Chat",
    groups=groups,
    asyncapi="/ws/asyncapi.json",
    docs="/ws/docs",
)
