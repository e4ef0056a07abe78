"""wsendpoints: a class that declares its messages."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from benchmarks.contenders import ITEM, Contender
from benchmarks.messages import Answer, Five, Four, One, Refusal, Three, Two
from wsendpoints import Limits, Rate, WebSocket, WebSocketEndpoint, handles
from wsendpoints.groups import Groups
from wsendpoints.protocol.asgi import ASGIApp

__all__ = ["MEMBERS", "WITH_LIMITS", "contender"]


class EchoText(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


class EchoJSON(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return data


class AnswerTypes(WebSocketEndpoint):
    encoding = "json"

    @handles
    async def one(self, websocket: WebSocket, data: One) -> Answer:
        return Answer(text=data.text, number=1)

    @handles
    async def two(self, websocket: WebSocket, data: Two) -> Answer:
        return Answer(text=data.text, number=2)

    @handles
    async def three(self, websocket: WebSocket, data: Three) -> Answer:
        return Answer(text=data.text, number=3)

    @handles
    async def four(self, websocket: WebSocket, data: Four) -> Answer:
        return Answer(text=data.text, number=4)

    @handles
    async def five(self, websocket: WebSocket, data: Five) -> Answer | Refusal:
        return Answer(text=data.text, number=5)


class AcceptsItself(AnswerTypes):
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()


class Push(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.start_soon(self.push_items, int(data))

    async def push_items(self, number: int) -> None:
        for _ in range(number):
            await self.push(ITEM)


class Stream(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        for _ in range(int(data)):
            yield ITEM


groups = Groups()


class Broadcast(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, "all")

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        for _ in range(int(data)):
            await groups.broadcast("all", ITEM)


class Relay(Broadcast):
    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await groups.broadcast("all", data)


class JoinsOne(AcceptsItself):
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, "all")


class JoinsTen(AcceptsItself):
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        for number in range(10):
            await groups.join(self, f"group:{number}")


MEMBERS: Final[Mapping[str, ASGIApp]] = {
    "in no group": AcceptsItself.as_asgi(),
    "in a group": JoinsOne.as_asgi(),
    "in ten groups": JoinsTen.as_asgi(),
}
"""What to be in groups costs a connection; each has an `on_connect` of its own."""

contender = Contender(
    name="wsendpoints",
    text=EchoText.as_asgi(),
    json=EchoJSON.as_asgi(),
    types=AnswerTypes.as_asgi(),
    own_connect=AcceptsItself.as_asgi(),
    push=Push.as_asgi(),
    stream=Stream.as_asgi(),
    broadcast=Broadcast.as_asgi(),
    relay=Relay.as_asgi(),
)

WITH_LIMITS: Final[Mapping[str, ASGIApp]] = {
    "none of these limits": AnswerTypes.as_asgi(
        limits=Limits(max_message_size=None, send_timeout=None)
    ),
    "the limits by default": AnswerTypes.as_asgi(),
    "all of them": AnswerTypes.as_asgi(
        # A rate that is never reached.
        limits=Limits(rate=Rate(messages=1_000_000_000), idle_timeout=300)
    ),
}
"""The five types, with and without the limits that cost something with each message.

`max_message_size` and `send_timeout` are set by default; `rate` and `idle_timeout` are not.
"""
