"""What the clients talk to: an endpoint for each thing that they do."""

import hmac
import itertools
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, ClassVar, Literal

import anyio
from pydantic import BaseModel

from wsendpoints import (
    Credential,
    Denied,
    ErrorReply,
    JsonRpc,
    Limits,
    Rate,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
    bearer_token,
    handles,
)
from wsendpoints.dialects import AskError, Notification, Request
from wsendpoints.messages.custom import Subprotocols

__all__ = ["router"]


class Delete(BaseModel):
    type: Literal["delete"] = "delete"
    id: str
    path: str


class Deleted(BaseModel):
    type: Literal["deleted"] = "deleted"
    id: str | None = None
    path: str


class Kept(BaseModel):
    type: Literal["kept"] = "kept"
    id: str | None = None


class Confirm(BaseModel):
    """Whether the client means it."""

    type: Literal["confirm"] = "confirm"
    id: str | None = None
    text: str


class Answer(BaseModel):
    type: Literal["answer"] = "answer"
    id: str | None = None
    yes: bool


class Count(BaseModel):
    type: Literal["count"] = "count"
    id: str | None = None
    to: int


class Counted(BaseModel):
    type: Literal["counted"] = "counted"
    id: str | None = None
    number: int


class Wait(BaseModel):
    type: Literal["wait"] = "wait"
    id: str | None = None


class Note(BaseModel):
    type: Literal["note"] = "note"
    text: str


class Noted(BaseModel):
    type: Literal["noted"] = "noted"
    text: str


class Files(WebSocketEndpoint):
    """Asks, streams, and answers with errors."""

    encoding = "json"
    correlation_id = "id"
    answers = Answer
    sends = Confirm
    error_codes: ClassVar[Any] = {"missing": "There is no such file."}

    @handles(concurrent=True)
    async def delete(self, websocket: WebSocket, data: Delete) -> Deleted | Kept:
        """Delete a file, if the client confirms it."""
        if data.path == "missing":
            raise ErrorReply("missing", "there is no such file", {"path": data.path})
        answer = await self.ask(Confirm(text=f"Delete {data.path}?"), Answer, timeout=30)
        return Deleted(path=data.path) if answer.yes else Kept()

    @handles
    async def count(self, websocket: WebSocket, data: Count) -> AsyncIterator[Counted]:
        for number in range(1, data.to + 1):
            yield Counted(number=number)
        if data.to > 3:
            raise ErrorReply("missing", "there are no more")

    @handles
    async def wait(self, websocket: WebSocket, data: Wait) -> Kept | None:
        """Never answer."""

    @handles
    async def note(self, websocket: WebSocket, data: Note) -> Noted:
        return Noted(text=data.text)


class Say(BaseModel):
    type: Literal["say"] = "say"
    id: str
    words: int | None = None


class Stop(BaseModel):
    type: Literal["stop"] = "stop"
    id: str


class Word(BaseModel):
    type: Literal["word"] = "word"
    id: str | None = None
    number: int


class Stopped(BaseModel):
    type: Literal["stopped"] = "stopped"
    id: str | None = None


class Speaker(WebSocketEndpoint):
    """Says words without end, and is stopped by messages that have the id of what they stop."""

    encoding = "json"
    correlation_id = "id"
    error_codes: ClassVar[Any] = {"not_running": "", "no_words": ""}

    @handles(concurrent=True, key="id")
    async def say(self, websocket: WebSocket, data: Say) -> AsyncIterator[Word]:
        for number in itertools.count():
            if number == data.words:
                raise ErrorReply("no_words", "there are no more")
            yield Word(number=number)
            await anyio.sleep(0.001)

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> Stopped:
        if not self.cancel(data.id):
            raise ErrorReply("not_running", "it says nothing")
        return Stopped()


class Position(BaseModel):
    line: int
    character: int = 0


class Language(WebSocketEndpoint):
    """Speaks JSON-RPC, in both directions."""

    encoding = "json"
    dialect = JsonRpc(cancel_method="$/cancelRequest", codes={"no_symbol": -32001})
    noted: int = 0

    @handles("textDocument/hover", concurrent=True)
    async def hover(self, websocket: WebSocket, data: Position) -> str:
        """Tell what is at a position."""
        if data.line > 100:
            raise ErrorReply("no_symbol", "there is nothing here", {"line": data.line})
        await self.push(Notification("progress", {"line": data.line}))
        return f"{data.line}:{data.character}"

    @handles("rename", concurrent=True)
    async def rename(self, websocket: WebSocket, name: str) -> bool | str:
        try:
            return await self.ask(Request("confirm", {"name": name}), bool, timeout=30)
        except AskError as error:
            return f"{error.code}"

    @handles("note")
    async def note(self, websocket: WebSocket, number: int) -> None:
        self.noted += number

    @handles("noted")
    async def tell(self, websocket: WebSocket) -> int:
        return self.noted

    @handles("wait", concurrent=True)
    async def wait(self, websocket: WebSocket) -> None:
        try:
            await self.push(Notification("waiting", {}))
            await anyio.sleep_forever()
        finally:
            await self.push(Notification("cancelled", {"after": self.noted}))


class Photo(BaseModel):
    taken: datetime
    jpeg: bytes
    numbers: list[int | float]
    more: dict[str, str | None]


class Album(WebSocketEndpoint):
    encoding = "json"
    subprotocols: ClassVar[Subprotocols] = {"album.msgpack": "msgpack"}
    require_subprotocol = True

    async def on_receive(self, websocket: WebSocket, data: Photo) -> Photo:
        return data


class Numbered(BaseModel):
    id: int
    text: str = ""


class Counter(WebSocketEndpoint):
    """Has numbers for ids, and no tag."""

    encoding = "json"
    correlation_id = "id"

    async def on_receive(self, websocket: WebSocket, data: Numbered) -> Numbered:
        return Numbered(id=data.id, text=data.text.upper())


class Shout(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data.upper()


class Mirror(WebSocketEndpoint):
    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> bytes:
        return data[::-1]


class Asked(BaseModel):
    file: str
    page: int = 1
    tag: list[str] = []


class Told(BaseModel):
    file: str
    page: int
    tag: list[str]


class Where(WebSocketEndpoint):
    """Tells its parameters."""

    encoding = "json"
    params: Asked
    sends = Told

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        asked = self.params
        await self.push(Told(file=asked.file, page=asked.page, tag=asked.tag))


class Closing(WebSocketEndpoint):
    """Closes with a code."""

    encoding = "text"
    limits = Limits(rate=Rate(1), close_codes={"rate": 4700, "max_invalid": 4701})
    subprotocols = ("closing",)

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept("closing")
        await websocket.close(websocket.path_params["code"], "as you asked")


class Private(WebSocketEndpoint):
    """Takes tokens: one for each connection."""

    encoding = "text"
    security = (Credential("bearer"),)
    subprotocols = ("private",)
    sends = str

    async def on_connect(self, websocket: WebSocket) -> None:
        token = bearer_token(websocket) or ""
        await websocket.accept("private")
        if hmac.compare_digest(token, "old"):
            await websocket.close(4401)
            return
        await self.push(f"hello, {token}")


class InQuery(WebSocketEndpoint):
    """Takes a token in the query, and refuses all others."""

    encoding = "text"
    security = (Credential("query", "token"),)
    sends = str

    async def on_connect(self, websocket: WebSocket) -> None:
        if websocket.query_params.get("token") != "a token":
            raise Denied(401)
        await websocket.accept()
        await self.push("hello")


router = WebSocketRouter(
    {
        "/files": Files,
        "/speaker": Speaker,
        "/album": Album,
        "/language": Language,
        "/counter": Counter,
        "/shout": Shout,
        "/mirror": Mirror,
        "/where/{file:path}": Where,
        "/closing/{code:int}": Closing,
        "/größe/{size}": Shout,
        "/private": Private,
        "/query": InQuery,
    }
)
