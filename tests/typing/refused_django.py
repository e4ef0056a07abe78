"""What mypy and pyright must refuse of endpoints in a Django project."""

from collections.abc import AsyncIterator

from tests.typing.accepted_django import Chat, Clear, Room, Said, groups
from wsendpoints import WebSocket, handles
from wsendpoints.django import (
    DjangoEndpoint,
    aget_user,
    broadcast,
    close_group,
    get_asgi_application,
)

__all__ = ["Another", "Other", "Third", "wrong"]


class Other(DjangoEndpoint[Said]):
    login_required = "yes"  # refused: assignment

    async def on_receive(self, websocket: WebSocket, data: str) -> str:  # refused: override
        return data

    async def later(self, number: int) -> None:
        """Be a task."""

    async def numbers(self) -> AsyncIterator[int]:
        """Be a stream of what is not declared."""
        yield 5

    async def wrong(self) -> None:
        """Send what is not declared."""
        await self.push("text")  # refused: argument
        self.start_soon(self.later, "5")  # refused: argument
        self.start_soon(5)  # refused: argument
        self.stream(self.numbers())  # refused: argument


class Another(DjangoEndpoint):
    @handles  # refused: handler
    def clear(self, data: Clear) -> int:
        return 5


class Third(Chat):
    async def on_connect(self) -> None:  # refused: override
        """Take too little."""


def wrong() -> None:
    """Mount and tell what can't be."""
    get_asgi_application(5)  # refused: argument
    get_asgi_application({"/chat": 5})  # refused: item
    get_asgi_application("mysite.sockets.router", Chat.as_asgi())  # refused: call
    broadcast(groups, Room("lobby"), "text")  # refused: message
    broadcast(groups, 5, "text")  # refused: overload
    close_group(Room("lobby"), groups)  # refused: argument
    aget_user("Ada")  # refused: argument
