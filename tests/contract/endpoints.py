"""Endpoint classes with something of each kind to describe."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar, Literal, NoReturn

from pydantic import AliasChoices, BaseModel, Field

from tests.some_messages import Leave, Said, Say
from wsendpoints import Credential, JsonRpc, Limits, WebSocket, WebSocketEndpoint, handles
from wsendpoints.groups import Group, History
from wsendpoints.messages.custom import Subprotocols

__all__ = [
    "Approval",
    "Approve",
    "Assistant",
    "Calculator",
    "Chat",
    "Done",
    "Lobby",
    "Progress",
    "Run",
    "Token",
    "Where",
]


class Lobby(Group[Said]):
    """Who waits.

    They come and go.
    """

    name = "lobby:{}"
    history = History(messages=5, seconds=60)


class Anybody(Group):
    name = "anybody"


class Where(BaseModel):
    room: str
    since: int = 0
    tags: list[str] = Field(default=[], validation_alias=AliasChoices("tag", "label"))


class Chat(WebSocketEndpoint):
    """Talks.

    With others.
    """

    encoding = "json"
    sends = Said
    groups = (Lobby,)
    params: Where
    subprotocols: ClassVar[Subprotocols] = {"chat.v2": "msgpack", "chat.v1": "json"}
    require_subprotocol = True
    security = (Credential("bearer"), Credential("cookie", "session"))
    limits = Limits(max_connections=9)

    @handles
    async def talk(self, websocket: WebSocket, data: Say | Leave) -> Said | Leave | None:
        """Say it.

        To all.
        """

    @handles
    async def _hidden(self, websocket: WebSocket, data: bytes) -> None:
        """Nobody else is to read this."""


class Run(BaseModel):
    type: Literal["run"] = "run"
    id: str | None = None


class Token(BaseModel):
    type: Literal["token"] = "token"
    id: str | None = None


class Done(BaseModel):
    type: Literal["done"] = "done"
    id: str | None = None


class Approve(BaseModel):
    type: Literal["approve"] = "approve"
    id: str | None = None


class Progress(BaseModel):
    type: Literal["progress"] = "progress"


class Approval(BaseModel):
    type: Literal["approval"] = "approval"
    id: str | None = None
    granted: bool


class Assistant(WebSocketEndpoint):
    encoding = "json"
    sends = Approve | Progress
    answers = Approval
    correlation_id = "id"
    error_codes: ClassVar[Any] = {"refused": "The user did not approve."}

    @handles(concurrent=True, key="id", overlap="refuse")
    async def run(
        self, websocket: WebSocket, data: Run
    ) -> AsyncIterator[Annotated[Token | Done, Field(discriminator="type")]]:
        yield Token()


class Calculator(WebSocketEndpoint):
    encoding = "json"
    dialect = JsonRpc()
    error_codes: ClassVar[Any] = {-32001: "Divided by zero."}

    @handles("add")
    async def add(self, websocket: WebSocket, left: int, right: int = 0) -> int | None:
        """Add two numbers."""
        return left + right

    @handles("say")
    async def say(self, websocket: WebSocket, params: Say) -> None:
        """Say something."""

    @handles
    async def fail(self, websocket: WebSocket, params: dict[str, Any]) -> NoReturn:
        raise ZeroDivisionError


class Quiet(WebSocketEndpoint):
    groups = (Anybody,)


class Loud(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: Annotated[str, Field(max_length=5)]):  # type: ignore[no-untyped-def]  # as some do
        return data.upper()
