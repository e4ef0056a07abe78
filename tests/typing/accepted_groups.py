"""What mypy and pyright must accept of groups."""

from collections.abc import Sequence

from pydantic import BaseModel

from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Group, Groups

__all__ = ["Chat", "Price", "Room", "announce", "groups", "listen", "tell"]


class Said(BaseModel):
    text: str


class Left(BaseModel):
    pass


class Room(Group[Said | Left]):
    name = "room:{}"


class Price(Group[float]):
    name = "price:{}"
    overflow = "latest"


groups = Groups(overflow="drop_oldest")


class Chat(WebSocketEndpoint[Said | Left]):
    encoding = "json"
    groups = (Room, Price)

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, Room("a"))
        await groups.join(self, "lobby")

    async def on_receive(self, websocket: WebSocket, data: Said) -> None:
        number: int = await groups.broadcast(Room("a"), data, exclude=self)
        await groups.broadcast("lobby", {"number": number}, exclude=[self])
        await groups.leave(self, Room("a"))
        self.post(Left())


class Other(WebSocketEndpoint):
    groups = (Room,)


async def announce(chats: Sequence[Chat]) -> tuple[str, ...]:
    """Broadcast from elsewhere."""
    await groups.broadcast(Room("a"), Left(), exclude=chats)
    await groups.broadcast(Price("x"), 1.5)
    await groups.close("user:5", 4403, "signed out")
    assert groups.members(Room("a"))
    return groups.names


async def listen() -> None:
    """Hear what is said."""
    async with groups.listen(Room("a"), "5", last=3, user="me") as messages:
        async for message in messages:
            said: Said | Left = message
            del said
    past: tuple[float, ...] = await groups.history(Price("x"), "5", last=3)
    del past
    async with groups.listen(Price("x")) as prices:
        price: float = await anext(prices)
        del price
    async with groups.listen("lobby", user="me") as anything:
        (await anext(anything)).whatever()


def tell() -> int:
    """Broadcast from a thread."""
    return groups.broadcast_from_thread(Room("a"), Said(text="x"))
