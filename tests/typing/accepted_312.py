"""Generic endpoints in the syntax of Python 3.12."""

from typing import assert_type

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles

type Message = Said | Leave


class Declaring(WebSocketEndpoint[Message]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        await self.push(Leave())
        return Said()


class GenericInWhatItSends[T](WebSocketEndpoint[T]):
    encoding = "json"
    message: T

    async def on_receive(self, websocket: WebSocket, data: Say) -> T:
        await self.push(self.message)
        return self.message


class SendingSaid(GenericInWhatItSends[Said]):
    async def on_connect(self, websocket: WebSocket) -> None:
        await self.push(Said())


class GenericInWhatItTakes[T](WebSocketEndpoint):
    encoding = "json"

    @handles
    async def take(self, websocket: WebSocket, data: T) -> T:
        await self.push(Leave())
        return data


class TakingSay(GenericInWhatItTakes[Say]): ...


async def use(sending: SendingSaid, taking: TakingSay, websocket: WebSocket) -> None:
    """Call them."""
    assert_type(await sending.on_receive(websocket, Say()), Said)
    assert_type(await taking.take(websocket, Say()), Say)
