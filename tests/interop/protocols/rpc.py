"""A JSON-RPC server, as a language server would be one."""

from typing import Any

import anyio

from wsendpoints import ErrorReply, JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.dialects import Notification, Request

__all__ = ["Rpc"]


class Rpc(WebSocketEndpoint):
    """Has methods of each kind."""

    encoding = "json"
    dialect = JsonRpc(cancel_method="$/cancelRequest", codes={"no_such_room": -32001})
    allowed_origins = "*"
    seen: int = 0

    @handles("subtract")
    async def subtract(self, websocket: WebSocket, minuend: int, subtrahend: int) -> int:
        return minuend - subtrahend

    @handles("sum")
    async def sum(self, websocket: WebSocket, *numbers: float) -> float:
        return sum(numbers)

    @handles("see")
    async def see(self, websocket: WebSocket, what: str) -> None:
        self.seen += 1

    @handles("seen")
    async def get_seen(self, websocket: WebSocket) -> int:
        return self.seen

    @handles("enter")
    async def enter(self, websocket: WebSocket, room: str) -> None:
        raise ErrorReply("no_such_room", "there is no such room", {"rooms": 0})

    @handles("sleep", concurrent=True)
    async def sleep(self, websocket: WebSocket, seconds: float = 3600) -> str:
        await anyio.sleep(seconds)
        return "slept"

    @handles("notify")
    async def notify(self, websocket: WebSocket, text: str) -> None:
        await self.push(Notification("told", {"text": text}))

    @handles("ask")
    async def put_question(self, websocket: WebSocket, question: str) -> Any:
        return await self.ask(Request("answer", {"question": question}), str, timeout=10)

    @handles("exit")
    async def leave(self, websocket: WebSocket) -> None:
        await websocket.close()
