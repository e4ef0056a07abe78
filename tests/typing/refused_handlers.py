"""Methods that type checkers refuse as handlers, and calls and overrides of handlers."""

# It follows from the error: what is refused as a handler has no type any more.
# pyright: reportUntypedFunctionDecorator=false

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles


class Chat(WebSocketEndpoint):
    @handles  # refused: handler
    async def without_websocket(self, data: Say) -> Said:
        return Said()

    @handles  # refused: handler
    async def without_message(self, websocket: WebSocket) -> Said:
        return Said()

    @handles  # refused: handler
    async def without_anything(self) -> Said:
        return Said()

    @handles  # refused: handler
    async def in_another_order(self, data: Say, websocket: WebSocket) -> Said:
        return Said()

    @handles  # refused: handler
    async def with_keywords_alone(self, *, websocket: WebSocket, data: Say) -> Said:
        return Said()

    @handles  # refused: handler
    async def with_another_websocket(self, websocket: str, data: Say) -> Said:
        return Said()

    @handles  # refused: handler
    @staticmethod
    async def without_self(websocket: WebSocket, data: Say) -> Said:
        return Said()

    # No checker refuses this, as it can be called so. The class can't be made.
    @handles
    @classmethod
    async def of_the_class(cls, websocket: WebSocket, data: Say) -> Said:
        return Said()


class Base(WebSocketEndpoint):
    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class OtherReply(Base):
    async def say(self, websocket: WebSocket, data: Say) -> Leave:  # refused: override
        return Leave()


class OtherMessage(Base):
    @handles
    async def say(self, websocket: WebSocket, data: Leave) -> Said:  # refused: override
        return Said()


async def call(base: Base, websocket: WebSocket) -> None:
    """Call a handler."""
    await base.say(websocket, Leave())  # refused: argument
    await base.say(Say())  # refused: call
    _leave: Leave = await base.say(websocket, Say())  # refused: assignment


class WithParentheses(WebSocketEndpoint):
    @handles()  # refused: overload
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class WithTheMessage(WebSocketEndpoint):
    @handles(Say)  # refused: handler
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return Said()
