"""What type checkers refuse in generic endpoints in the syntax of Python 3.12."""

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint


class GenericInWhatItSends[T](WebSocketEndpoint[T]):
    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:  # refused: override
        return Said()


class SendingSaid(GenericInWhatItSends[Said]):
    async def on_connect(self, websocket: WebSocket) -> None:
        await self.push(Leave())  # refused: argument
