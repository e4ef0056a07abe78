"""Methods that type checkers refuse as providers, and calls and overrides of those."""

# It follows from the error: what is refused as a provider has no type any more.
# pyright: reportUntypedFunctionDecorator=false

from collections.abc import AsyncIterator

from tests.some_messages import Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles, provides


class Chat(WebSocketEndpoint):
    @provides  # refused: provider
    def not_async(self) -> int:
        return 1

    @provides  # refused: provider
    @staticmethod
    async def without_self() -> int:
        return 1

    @provides
    async def session(self) -> AsyncIterator[str]:
        yield ""

    @handles
    async def say(self, websocket: WebSocket, data: Say, session: str) -> Said:
        return Said()


class OtherValue(Chat):
    async def session(self) -> AsyncIterator[int]:  # refused: override
        yield 1


async def call(chat: Chat, websocket: WebSocket) -> None:
    """Call a handler."""
    await chat.say(websocket, Say())  # refused: call
    await chat.say(websocket, Say(), 5)  # refused: argument
