"""Endpoints whose names and texts try to break out of where they are written."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, Union

from pydantic import BaseModel, Field, create_model

from wsendpoints import Codec, Credential, Limits, Rate, WebSocket, WebSocketEndpoint, handles
from wsendpoints.groups import Group, History

__all__ = ["HOSTILE"]

BREAKOUT = "*/ throw 1 /* \u2028 ${x} ` \" ' \\ \x00 \u202e <script> // @ts-nocheck"

NAMES = [
    "Error",
    "Promise",
    "Client",
    "Map",
    "Array",
    "Record",
    "Uint8Array",
    "interface",
    "string",
    "any",
    "never",
    "undefined",
    "Grüße",
    "_",
    "ClientOptions",
    "WebSocket",
    "HostileClient",
    "HostileClientMessage",
    "N2",
]

KEYS = {
    "__proto__": "__proto__",
    "constructor": "constructor",
    "dashed": "a-b",
    "quoted": "\"'`",
    "broken": BREAKOUT,
    "empty": " ",
    "number": "1",
    "class_": "class",
    "key": "[key: string]",
}


class Evil(Enum):
    BREAKOUT = BREAKOUT
    EMPTY = ""


def message(name: str) -> Any:
    fields: Any = {
        "tag": (Literal[name], Field(name, alias="a tag")),
        "id": (str | None, Field(None, alias="the id")),
        "evil": (Evil, Field(Evil.EMPTY, description=BREAKOUT)),
        **{
            f"field_{number}": (int, Field(0, alias=alias, description=BREAKOUT))
            for number, alias in enumerate(KEYS.values())
        },
    }
    made: Any = create_model(name, __doc__=BREAKOUT, **fields)
    return made


MESSAGES = [message(name) for name in NAMES]


if TYPE_CHECKING:
    First: TypeAlias = Any
    Sent: TypeAlias = Any
else:
    First = MESSAGES[0]
    Sent = Union[tuple(MESSAGES[1:])]  # noqa: UP007 - they have no names


class Evils(Group):
    """*/ throw 1 /*."""

    name = "evils:{}"
    history = History(messages=1, seconds=1)


class Told(BaseModel):
    tag: Literal["told"] = Field("told", alias="a tag")
    position: str | None = None


Evils.messages = Told


class Answer(BaseModel):
    tag: Literal["answer"] = Field("answer", alias="a tag")
    id: str | None = Field(None, alias="the id")


class Params(BaseModel):
    room: Literal["a", "b"]
    evil: Annotated[list[Evil], Field(alias=BREAKOUT)] = []


class Strange(Codec[str]):
    """Reads and writes nothing."""

    name = "strange `*/ codec"

    def decode(self, frame: str) -> Any:
        return frame

    def encode(self, value: Any) -> str:
        return str(value)


class Hostile(WebSocketEndpoint):
    """*/ throw 1 /*.

    ``` `${x}` ```
    """

    encoding = Strange()
    correlation_id = "the id"
    answers = Answer
    sends = Sent
    groups = (Evils,)
    params: Params
    security = (Credential("query", BREAKOUT),)
    error_codes: ClassVar[Any] = {BREAKOUT: BREAKOUT}
    limits = Limits(rate=Rate(1))

    @handles
    async def evil(self, websocket: WebSocket, data: Sent) -> Sent:
        """*/ throw 1 /*."""

    @handles
    async def evils(self, websocket: WebSocket, data: First) -> AsyncIterator[Sent]:
        """// @ts-nocheck."""
        yield data


Digits: Any = type("2 D*/", (WebSocketEndpoint,), {"encoding": "json", "sends": Told})

HOSTILE = {"/`${x}`/{room}/*//'\"": Hostile, "/again": Hostile, "/{größe}": Digits}
