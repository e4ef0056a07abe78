"""The endpoint that every framework mounts."""

from typing import Final, Literal

import anyio
from pydantic import BaseModel

from tests.interop.journal import DeliberateError, Recorded
from wsendpoints import Denied, WebSocket, handles

__all__ = ["NOWHERE", "Room"]

NOWHERE: Final = "nowhere"
"""The room of a host that tells no path parameters."""


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: str


class Said(BaseModel):
    type: Literal["said"] = "said"
    room: str
    text: str


class Wait(BaseModel):
    type: Literal["wait"] = "wait"


class Leave(BaseModel):
    type: Literal["leave"] = "leave"


class Fail(BaseModel):
    type: Literal["fail"] = "fail"


class Room(Recorded):
    """Greets whoever says something in it."""

    encoding = "json"
    sends = Said
    greeting: str = "hello"

    async def on_connect(self, websocket: WebSocket) -> None:
        self.record("on_connect")
        if "denied" in websocket.query_params:
            raise Denied(401, body="who are you?")
        await websocket.accept(websocket.subprotocols[-1] if websocket.subprotocols else None)

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        return self._said(data.text)

    @handles
    async def wait(self, websocket: WebSocket, data: Wait) -> None:
        self.cancel_on_disconnect = True
        await self.push(self._said("waiting"))
        await anyio.sleep_forever()

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> None:
        await websocket.close(4001, "bye")

    @handles
    async def fail(self, websocket: WebSocket, data: Fail) -> None:
        raise DeliberateError

    def _said(self, text: str) -> Said:
        room = self.websocket.path_params.get("room", NOWHERE)
        return Said(room=room, text=f"{self.greeting}, {text}")
