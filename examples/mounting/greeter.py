"""The endpoint that the applications beside it mount, each at `/rooms/{room}`.

It reads the room from the path, in any framework, and is given an attribute from outside.
"""

from typing import Literal

from pydantic import BaseModel

from wsendpoints import WebSocket, WebSocketEndpoint

__all__ = ["Greeter", "Said", "Say"]


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: str


class Said(BaseModel):
    type: Literal["said"] = "said"
    room: str
    text: str


class Greeter(WebSocketEndpoint):
    encoding = "json"
    greeting: str = "Hello"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said(room=websocket.path_params["room"], text=f"{self.greeting}, {data.text}")
