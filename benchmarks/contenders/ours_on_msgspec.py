"""wsendpoints, with messages that are Structs, and with JSON by msgspec."""

from typing import Any

from benchmarks.contenders import Contender
from benchmarks.structs import Answer, Five, Four, One, Three, Two
from wsendpoints import MsgspecJSON, WebSocket, WebSocketEndpoint, handles

__all__ = ["contender"]


class EchoJSON(WebSocketEndpoint):
    encoding = MsgspecJSON()

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
    async def five(self, websocket: WebSocket, data: Five) -> Answer:
        return Answer(text=data.text, number=5)


contender = Contender(
    name="wsendpoints, msgspec", json=EchoJSON.as_asgi(), types=AnswerTypes.as_asgi()
)
