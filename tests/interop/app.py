"""The application that every server serves: one endpoint for each thing that a client can meet."""

import os
from collections.abc import AsyncIterator
from typing import Final, Literal

import anyio
import anyio.lowlevel
from pydantic import BaseModel

from wsendpoints import (
    Denied,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

from .grouped import InAGroup
from .journal import DeliberateError, Recorded, Recording, journal
from .two_way import Assistant

__all__ = ["app"]


class Text(Recorded):
    """Text, echoed; speaks two subprotocols."""

    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        self.record("on_connect")
        spoken = [name for name in ("echo.v2", "echo.v1") if name in websocket.subprotocols]
        await websocket.accept(spoken[0] if spoken else None)

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        self.record("on_receive")
        return data


class Binary(Recorded):
    """Bytes, echoed."""

    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> bytes:
        self.record("on_receive")
        return data


class Frames(Recorded):
    """Each frame echoed as it comes."""

    async def on_receive(self, websocket: WebSocket, data: str | bytes) -> str | bytes:
        self.record("on_receive")
        return data


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: str


class Said(BaseModel):
    type: Literal["said"] = "said"
    text: str


class Ask(BaseModel):
    type: Literal["ask"] = "ask"


class Push(BaseModel):
    type: Literal["push"] = "push"
    texts: list[str]


class Count(BaseModel):
    type: Literal["count"] = "count"
    to: int


class Subscribe(BaseModel):
    type: Literal["subscribe"] = "subscribe"
    flood: bool = False


class Tick(BaseModel):
    type: Literal["tick"] = "tick"
    number: int


class Size(BaseModel):
    type: Literal["size"] = "size"
    bytes: int


class Leave(BaseModel):
    type: Literal["leave"] = "leave"
    by: Literal["handler", "waiting handler", "task"]


class Fail(BaseModel):
    type: Literal["fail"] = "fail"
    by: Literal["handler", "task", "stream"]


class Wait(BaseModel):
    type: Literal["wait"] = "wait"


class Work(BaseModel):
    type: Literal["work"] = "work"


class Chat(Recorded):
    """JSON messages, of several types, and bytes."""

    encoding = "json"
    sends = Said | Tick

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        self.record("say")
        return Said(text=data.text)

    @handles
    async def inquire(self, websocket: WebSocket, data: Ask) -> Said:
        """Take the next message itself."""
        await self.push(Said(text="who?"))
        return Said(text=f"hello, {await websocket.receive_text()}")

    @handles
    async def send_several(self, websocket: WebSocket, data: Push) -> None:
        for text in data.texts:
            await self.push(Said(text=text))

    @handles
    async def count(self, websocket: WebSocket, data: Count) -> AsyncIterator[Tick]:
        for number in range(data.to):
            yield Tick(number=number)

    @handles
    async def subscribe(self, websocket: WebSocket, data: Subscribe) -> AsyncIterator[Tick]:
        """Stream without an end."""
        try:
            yield Tick(number=0)
            while data.flood:
                yield Tick(number=1)
            await anyio.sleep_forever()
        finally:
            self.record("stream ended")

    @handles
    async def measure(self, websocket: WebSocket, data: bytes) -> Size:
        return Size(bytes=len(data))

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> None:
        match data.by:
            case "handler":
                await websocket.close(4001, "bye")
            case "waiting handler":
                await anyio.lowlevel.checkpoint()
                await websocket.close(4001, "bye")
            case "task":
                self.start_soon(websocket.close, 4001, "bye")

    @handles
    async def fail(self, websocket: WebSocket, data: Fail) -> AsyncIterator[Tick]:
        match data.by:
            case "handler":
                raise DeliberateError
            case "task":
                self.start_soon(self._fail)
            case "stream":
                yield Tick(number=0)
                raise DeliberateError

    async def _fail(self) -> None:
        raise DeliberateError

    @handles
    async def wait(self, websocket: WebSocket, data: Wait) -> None:
        """Wait for ever, as a handler that awaits something slow."""
        await self.push(Said(text="waiting"))
        try:
            await anyio.sleep_forever()
        finally:
            self.record("wait ended")

    @handles
    async def work(self, websocket: WebSocket, data: Work) -> None:
        """Wait for a task that ends with the connection, then try to send."""
        ended = anyio.Event()
        self.start_soon(self._work, ended)
        await self.push(Said(text="working"))
        await ended.wait()
        try:
            await self.push(Said(text="done"))
        except WebSocketDisconnect:
            self.record("push raised WebSocketDisconnect")

    async def _work(self, ended: anyio.Event) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self.record("task ended")
            ended.set()


class ImpatientChat(Chat):
    """The same, for handlers that are of no use without the client."""

    cancel_on_disconnect = True
    limits = Limits(max_invalid=2)


class Seen(BaseModel):
    """What the endpoint sees of the handshake."""

    url: str
    path_params: dict[str, str]
    query: list[str]
    header: str | None
    cookies: dict[str, str]
    subprotocols: list[str]
    client: str | None


class Inspect(Recorded):
    """Says what it sees of the handshake, and sends headers itself."""

    encoding = "json"
    sends = Seen

    async def on_connect(self, websocket: WebSocket) -> None:
        self.record("on_connect")
        await websocket.accept(headers=[("x-seen", "yes"), ("set-cookie", "a=b")])
        await self.push(
            Seen(
                url=str(websocket.url),
                path_params=websocket.path_params,
                query=websocket.query_params.getlist("tag"),
                header=websocket.headers.get("X-Test"),
                cookies=websocket.cookies,
                subprotocols=websocket.subprotocols,
                client=websocket.client.host if websocket.client else None,
            )
        )


class Strict(Recorded):
    """Refuses every client, in each way that there is."""

    async def on_connect(self, websocket: WebSocket) -> None:
        self.record("on_connect")
        match websocket.query_params["by"]:
            case "returning":
                pass
            case "close":
                await websocket.close(1008, "no")
            case "denied":
                raise Denied(401, headers={"x-why": "because"}, body="who are you?")
            case _:
                raise DeliberateError


class Slow(Recorded):
    """Answers the handshake once the journal says so."""

    async def on_connect(self, websocket: WebSocket) -> None:
        self.record("on_connect")
        await journal.read(websocket.query_params["id"], "released")
        await websocket.accept()
        # Some servers tell here that the client disconnected, others with the next event only.
        self.record("accepted")


class Hasty(Recorded):
    """Fails once it has accepted."""

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        raise DeliberateError


class Busy(Recorded):
    """Text, echoed by a handler that always has to wait."""

    encoding = "text"
    limits = Limits(inbox=4)

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        return data


class Torrent(Recorded):
    """More than any buffer takes, for a client that does not read."""

    encoding = "text"
    limits = Limits(send_timeout=0.3, close_timeout=0.3)

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        for _ in range(400):
            # At random, since some servers compress what they send.
            yield os.urandom(32768).hex()
        self.record("all sent")


class Grouped(Recorded):
    """Streams from within a task group and a timeout, which are around its `yield`."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.sleep_forever)
                while True:
                    yield "tick"
                    if data == "wait":
                        await anyio.sleep_forever()
                    elif data == "tick":
                        await anyio.sleep(0.001)


class Hanging(Recorded):
    """A handler that does not come to an end."""

    encoding = "text"
    limits = Limits(handler_timeout=0.2)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep_forever()


class Dispatcher:
    """Serves an endpoint at each path; what follows the name is a path parameter."""

    def __init__(self, endpoints: dict[str, type[WebSocketEndpoint]]) -> None:
        self._apps: dict[str, ASGIApp] = {
            name: endpoint.as_asgi() for name, endpoint in endpoints.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] == "lifespan":
            await self._apps["text"](scope, receive, send)
            return
        _, name, *rest = scope["path"].split("/")
        params = {"name": rest[0]} if rest else {}
        await self._apps[name]({**scope, "path_params": params}, receive, send)


app: Final = Recording(
    Dispatcher(
        {
            "text": Text,
            "binary": Binary,
            "frames": Frames,
            "chat": Chat,
            "impatient": ImpatientChat,
            "inspect": Inspect,
            "strict": Strict,
            "slow": Slow,
            "hasty": Hasty,
            "busy": Busy,
            "torrent": Torrent,
            "grouped": Grouped,
            "group": InAGroup,
            "hanging": Hanging,
            "assistant": Assistant,
        }
    )
)
