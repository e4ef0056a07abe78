"""The smallest typed endpoint: it answers each `say` with a `said`.

Run it with `uvicorn examples.echo:app`, and talk to it with `python -m websockets
ws://127.0.0.1:8000`: send `{"type": "say", "text": "hello"}`.
"""

from typing import Literal

from pydantic import BaseModel

from wsendpoints import WebSocket, WebSocketEndpoint

__all__ = ["Echo", "Said", "Say", "app"]


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: str


class Said(BaseModel):
    type: Literal["said"] = "said"
    text: str


class Echo(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said(text=data.text)


app = Echo.as_asgi()
