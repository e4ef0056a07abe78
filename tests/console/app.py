"""An application with an endpoint for each thing that the console does."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar, Final, Literal

import anyio
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.console.hostile import HARMLESS, MARKUP, hostile
from wsendpoints import (
    Cookie,
    Credential,
    Denied,
    ErrorReply,
    JsonRpc,
    Limits,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
    handles,
)
from wsendpoints.groups import Groups
from wsendpoints.handshake.request import Request

__all__ = ["app", "router"]

groups: Final = Groups()

FRAMES: Final = 12_000
"""More than the console keeps."""

ODD_FRAMES: Final[list[str | bytes]] = [
    MARKUP,
    f'{{"type": "said", "text": "{MARKUP.replace(chr(34), "")}"}}',
    "\x1b[31mred\x1b[0m \x00 \u202egnp.exe",
    "[1, 12345678901234567890123, 1.10]",
    bytes(range(256)),
    "long " * 2 * 1024 * 1024,
]


class Say(BaseModel):
    """Says something to the room."""

    type: Literal["say"] = "say"
    id: int | None = None
    text: str = Field(min_length=1, max_length=50, examples=["Hello"])
    urgent: bool = False


class Fail(BaseModel):
    """Is answered with an error."""

    type: Literal["fail"] = "fail"
    id: int | None = None


class Lie(BaseModel):
    """Is answered with what is not declared so."""

    type: Literal["lie"] = "lie"


class Said(BaseModel):
    """What was said."""

    type: Literal["said"] = "said"
    id: int | None = None
    text: str


class Params(BaseModel):
    """What a client comes with."""

    limit: int = Field(10, description="How many at most.", ge=1)
    token: str = ""
    mood: Literal["good", "bad"] = "good"
    theme: Annotated[str, Cookie()] = "light"


class Room(WebSocketEndpoint):
    """A room to talk in.

    All that is said is said back.
    """

    encoding = "json"
    correlation_id = "id"
    params: Params
    security = (Credential("query", "token"), Credential("bearer"), Credential("cookie", "session"))
    error_codes: ClassVar = {"too_bad": "This never works."}
    limits = Limits(max_invalid=3)

    async def on_connect(self, websocket: WebSocket) -> None:
        if self.params.token == "wrong":  # noqa: S105 - no secret
            raise Denied(403)
        await websocket.accept()

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        """Say it back."""
        return Said(text=f"{data.text}, {websocket.path_params['room']} {self.params.limit}")

    @handles
    async def fail(self, websocket: WebSocket, data: Fail) -> Said:
        raise ErrorReply("too_bad", "Try nothing else.")

    @handles
    async def lie(self, websocket: WebSocket, data: Lie) -> None:
        await websocket.send_json({"type": "said", "text": 7})


class Ask(BaseModel):
    type: Literal["ask"] = "ask"
    id: str
    count: int = 3


class Stop(BaseModel):
    type: Literal["stop"] = "stop"
    id: str


class Token(BaseModel):
    type: Literal["token"] = "token"
    id: str | None = None
    text: str


class Stopped(BaseModel):
    type: Literal["stopped"] = "stopped"
    id: str | None = None


class Assistant(WebSocketEndpoint):
    """Answers with streams."""

    encoding = "json"
    correlation_id = "id"

    @handles(concurrent=True, key="id")
    async def answer(self, websocket: WebSocket, data: Ask) -> AsyncIterator[Token]:
        for number in range(data.count):
            yield Token(text=f"word {number}")
        await anyio.sleep_forever()

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> Stopped:
        self.cancel(data.id)
        return Stopped()


class Clock(WebSocketEndpoint):
    """Has a stream that nothing stops."""

    encoding = "json"

    @handles(concurrent=True)
    async def tick(self, websocket: WebSocket, data: str) -> AsyncIterator[int]:
        yield 1
        await anyio.sleep_forever()


class Confirm(BaseModel):
    type: Literal["confirm"] = "confirm"
    id: str | None = None
    text: str


class Confirmed(BaseModel):
    type: Literal["confirmed"] = "confirmed"
    id: str | None = None
    yes: bool


class Delete(BaseModel):
    type: Literal["delete"] = "delete"
    id: str | None = None


class Deleted(BaseModel):
    type: Literal["deleted"] = "deleted"
    id: str | None = None
    done: bool


class Files(WebSocketEndpoint):
    """Asks before it deletes."""

    encoding = "json"
    correlation_id = "id"
    answers = Confirmed
    sends = Confirm

    @handles
    async def delete(self, websocket: WebSocket, data: Delete) -> Deleted:
        answer = await self.ask(Confirm(text="Really?"), Confirmed, timeout=30)
        return Deleted(done=answer.yes)


class Calculator(WebSocketEndpoint):
    """Speaks JSON-RPC."""

    encoding = "json"
    dialect = JsonRpc()

    @handles
    async def add(self, websocket: WebSocket, first: int, second: int = 2) -> int:
        """Add two numbers."""
        return first + second

    @handles
    async def negate(self, websocket: WebSocket, first: int) -> int:
        """Turn a number around."""
        return -first


class Members(WebSocketEndpoint):
    """Has all its clients in a group."""

    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, "members")

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


class Bytes(WebSocketEndpoint):
    """Sends bytes back, reversed."""

    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> bytes:
        return data[::-1]


class Packed(WebSocketEndpoint):
    """Speaks MessagePack."""

    encoding = "msgpack"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said(text=data.text)


class Versions(WebSocketEndpoint):
    """Has two subprotocols, one of which has to be spoken."""

    encoding = "text"
    subprotocols = ("v1.example", "v2.example")
    require_subprotocol = True

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return f"{data} in {websocket.subprotocol}"


class Closing(WebSocketEndpoint):
    """Closes with the code that it gets."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await websocket.close(int(data), "as you wish")


class Burst(WebSocketEndpoint):
    """Sends more than the console keeps."""

    encoding = "json"
    sends = Said
    limits = Limits(outbox=FRAMES)

    async def on_receive(
        self, websocket: WebSocket, data: Annotated[int, Field(le=FRAMES)]
    ) -> None:
        for number in range(data):
            await websocket.send_json({"type": "said", "text": f"number {number}"})


class Odd(WebSocketEndpoint):
    """Sends frames that a page has trouble with."""

    encoding = "json"
    sends = Said

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        for it in ODD_FRAMES:
            if isinstance(it, str):
                await websocket.send_text(it)
            else:
                await websocket.send_bytes(it)


def is_admin(request: Request) -> bool:
    """Whether somebody has the cookie."""
    return request.cookies.get("admin") == "yes"


live: Final = WebSocketRouter({"/members": Members}, groups=groups, live=is_admin)

router: Final = WebSocketRouter(
    {
        "/rooms/{room}": Room,
        "/assistant": Assistant,
        "/clock": Clock,
        "/files": Files,
        "/calculator": Calculator,
        "/bytes": Bytes,
        "/packed": Packed,
        "/versions": Versions,
        "/closing": Closing,
        "/burst": Burst,
        "/odd": Odd,
    },
    title="All of it",
    version="1.2.3",
    description="An endpoint for each thing.",
)


async def empty(request: Any) -> PlainTextResponse:
    """Answer with nothing."""
    return PlainTextResponse("")


app: Final = Starlette(
    routes=[
        Mount("/deep/down", router),
        Mount("/hostile", hostile(MARKUP)),
        Mount("/harmless", hostile(HARMLESS)),
        Mount("/none", WebSocketRouter({})),
        Mount("/live", live),
        Route("/favicon.ico", empty),
        Mount("/", router),
    ]
)
