"""What mypy and pyright must refuse of groups."""

from pydantic import BaseModel

from tests.typing.accepted_groups import Chat, Price, Room, groups
from wsendpoints.groups import Groups

__all__ = ["broadcast", "tell"]


class Other(BaseModel):
    pass


async def broadcast(chat: Chat) -> None:
    """Broadcast what the groups do not carry."""
    await groups.broadcast(Room("a"), Other())  # refused: message
    await groups.broadcast(Room("a"), "text")  # refused: message
    await groups.broadcast(Price("a"), "text")  # refused: message
    await groups.broadcast(5, "text")  # refused: overload
    await groups.join("a", Room("a"))  # refused: argument
    await groups.join(chat, 5)  # refused: argument
    chat.post(Other())  # refused: argument
    async with groups.listen(5):  # refused: expected
        pass
    await groups.history("plain")  # refused: argument
    async with groups.listen("plain", "5"):  # refused: expected
        pass
    async with groups.listen(Price("a")) as prices:
        text: str = await anext(prices)  # refused: received
        del text


def tell() -> None:
    """Do so from a thread."""
    groups.broadcast_from_thread(Room("a"), Other())  # refused: message
    Groups(overflow="drop")  # refused: argument
